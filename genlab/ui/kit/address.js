// The address says what is looked at, so that a reload keeps it, links open it, and Back comes to what was looked at before.

import { isTold, recall, tell } from "./topics.js";
import { isSaid, say } from "./words.js";

const LONG = 6000; // characters of a part that goes behind the # of an address, which no server on the way reads or finds too long
const FIRST_TAB = "latent"; // where the page opens
const OURS = { genlab: true }; // the state of an address that was written here, not entered by hand

/** The parts of the address. */
const addressed = () => Object.fromEntries([location.search, location.hash].flatMap((text) => [...new URLSearchParams(text.slice(1))]));

/** The address of some parts. */
export function written(parts) {
  const given = Object.entries(parts).filter(([, value]) => value || value === 0), long = ([, value]) => String(value).length > LONG;
  const [before, behind] = [given.filter((part) => !long(part)), given.filter(long)].map((some) => String(new URLSearchParams(some)));
  return `?${before}${behind && `#${behind}`}`;
}

export const openedWith = addressed(); // the view that the page was opened with
history.replaceState(OURS, "");
addEventListener("hashchange", () => history.state || location.reload()); // another link was entered

let gone = 0; // when one went back or forth to where the pickers have not followed yet, else 0
let further = false; // whether one has gone on since

/** Tell all that a picker has another value. */
export function pick(topic, value) {
  if (recall(topic) === value) return;
  if (isTold(topic) && !visiting()) follow({ [topic]: value }, { push: true });
  tell(topic, value);
}

export const PATIENCE = { answer: 45_000, again: 2_000 }; // milliseconds until an answer counts as lost, and until one asks again

/** What a picker says as the page opens; where the link names something else, the server may know it, and is waited for. */
export function begin(topic, value) {
  if (!openedWith[topic]) pick(topic, value);
  else setTimeout(() => isTold(topic) || pick(topic, value), PATIENCE.answer);
}

/** Whether one goes back or forth and the pickers have not followed yet. */
export const visiting = () => Date.now() - gone < PATIENCE.answer;

export const tabNow = () => (isSaid(`tab.${addressed().tab}`) ? addressed().tab : FIRST_TAB);
export const modelNow = () => addressed().model ?? recall("model"); // which the picker follows, where one goes back or forth

/** Let the address say what is looked at, so that a reload keeps it; with `push`, Back comes to what was looked at before.
 * What else a view has, such as the place in the latent space, is its `view`, which goes when one leaves it. */
export function follow(changed, { push = false, view } = {}) {
  const before = addressed(), { tab, dataset, model, run, ...own } = before;
  const moved = Object.entries(changed).some(([part, value]) => before[part] !== value);
  if (!moved && !view) return;
  if (moved && push) history.replaceState(OURS, "", written({ ...Object.fromEntries(Object.keys(changed).map((part) => [part, recall(part)])), ...before }));
  const now = { tab, dataset, model, run, ...changed }, left = now.tab !== tab || now.model !== model;
  history[moved && push ? "pushState" : "replaceState"](OURS, "", written({ ...now, ...(view ?? (left ? {} : own)) }));
}

addEventListener("popstate", ({ state }) => {
  if (!state) return; // a link that was entered by hand opens anew
  further = visiting();
  if (!further) gone = Date.now();
  document.querySelector(`#tab-${CSS.escape(tabNow())}`)?.click();
  if (!further) go();
});

/** Let all follow to the address. */
function go() {
  [gone, further] = [Date.now(), false];
  tell("visit", addressed());
}

addEventListener("click", (event) => {
  const tab = event.target.closest?.("#tabs [role=tab]")?.id.replace("tab-", "");
  if (!tab) return;
  if (tab !== tabNow()) follow({ tab }, { push: true });
  tell("tab", tab);
});

/** The pickers have followed where one went back or forth to; questions on their way at once may overtake one another, so
 * that where one has gone meanwhile is asked for now. */
export function visited(dataset, model) {
  if (further) return go();
  pick("dataset", dataset);
  pick("model", model);
  gone = 0;
  follow({ dataset, model });
}

/** Put a text on the clipboard and let the button say so; where that is closed, show the text to be copied by hand. */
export async function copy(button, text) {
  button.nextElementSibling?.matches(".to-copy") && button.nextElementSibling.remove();
  const box = Object.assign(document.createElement("input"), { className: "to-copy", readOnly: true, value: text });
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    button.after(box); // an address without TLS has no clipboard of the new kind
    box.select();
    if (!document.execCommand("copy")) return box.setAttribute("aria-label", (box.title = say("link.here")));
    box.remove();
  }
  const before = button.textContent;
  button.textContent = say("link.copied");
  button.dataset.copied = text;
  setTimeout(() => (button.textContent = before), 1500);
}

/** Copy the address that opens a view again. */
export function copyLink(button, query) {
  const address = recall("status")?.address ?? location.origin + location.pathname;
  return copy(button, address + written(query));
}
