// What the page's events in Python reach, as `(await genlab).tell(…)`.

export { begin, PATIENCE, pick, visited } from "./address.js";
export { bring, brought, keep, kept, recalled } from "./forms.js";
export { toggleTheme } from "./shell.js";
export { listen, recall, tell } from "./topics.js";
export { label, say } from "./words.js";
