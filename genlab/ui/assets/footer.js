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
  element.classList.toggle("busy", Boolean(name));
  genlab.tell("status", status);
}

watch("value", show);
show();
genlab.listen("frame", (ms) => { find("frame").textContent = genlab.say("page.frame", { ms: Math.round(ms) }); });
