const find = (id) => element.querySelector(`#footer-${id}`);

function show() {
  const status = props.value;
  if (!status || typeof status !== "object") return;
  const cores = genlab.say(status.cores === 1 ? "page.core" : "page.cores", { n: status.cores });
  find("device").textContent = `${status.device} · ${cores}`;
  const [name, ...others] = status.runs;
  find("run").textContent = !name
    ? genlab.say("page.no_run")
    : others.length ? genlab.say("page.runs", { n: status.runs.length }) : genlab.say("page.run", { name });
  find("notice").textContent = status.public ? genlab.say("public.notice", { room: status.room }) : "";
  element.classList.toggle("busy", Boolean(name));
  genlab.tell("status", status);
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

find("api").textContent = genlab.say("page.api");
find("api").addEventListener("click", openApi);
watch("value", show);
show();
genlab.listen("visit", ({ dataset, model }) => trigger("visit", { dataset, model }));
genlab.listen("frame", (ms) => { find("frame").textContent = genlab.say("page.frame", { ms: Math.round(ms) }); });
