// The line at the foot: what computes, what runs, and how fast pictures come; every few seconds it tells how things stand.

import { listen, tell } from "./kit/topics.js";
import { say } from "./kit/words.js";

export function start({ element, find, props, trigger, watch }) {
  const at = (id) => find(`#footer-${id}`);

  function show() {
    const status = props.value;
    if (!status || typeof status !== "object") return;
    const cores = say(status.cores === 1 ? "page.core" : "page.cores", { n: status.cores });
    at("device").textContent = `${status.device} · ${cores}`;
    const [name, ...others] = status.runs;
    at("run").textContent = !name
      ? say("page.no_run")
      : others.length ? say("page.runs", { n: status.runs.length }) : say("page.run", { name });
    at("notice").textContent = status.public ? say("public.notice", { room: status.room }) : "";
    element.classList.toggle("busy", Boolean(name));
    tell("status", status);
  }

  at("api").textContent = say("page.api");
  at("api").addEventListener("click", openApi);
  watch("value", show);
  show();
  listen("visit", ({ dataset, model }) => trigger("visit", { dataset, model }));
  listen("frame", (ms) => { at("frame").textContent = say("page.frame", { ms: Math.round(ms) }); });
}

/** Open Gradio's own page about the API, whose door in Gradio's footer is hidden; it fetches the page first, and tells no one when it has. */
async function openApi() {
  const door = document.querySelector("footer .show-api"), open = () => document.querySelector(".api-docs");
  door.dispatchEvent(new Event("mouseenter"));
  for (let i = 0; i < 30 && !open(); i++) {
    door.click();
    await new Promise((done) => setTimeout(done, 100));
    if (!open()) door.click();
  }
}
