// Beside the stage: how the run is doing, the list of runs, and the command that repeats it.

const list = find("#run-list");
const atOnce = find(".at-once");
let open = { run: "", what: "" }; // the row with a question in it
let drawn = "";
let lab = null;

label(element);
find(".copy").addEventListener("click", () => genlab.copy(find(".copy"), find("code").textContent));
find(".copy-link").addEventListener("click", () => genlab.copyLink(find(".copy-link"), { tab: "train", run: lab.selected }));
find(".latent").addEventListener("click", () => {
  trigger("open_latent", { run: lab.selected });
  document.getElementById("tab-latent").click();
});
atOnce.addEventListener("change", () => change(server.limit({ at_once: Number(atOnce.value) })));
listen("lab", show);

function show(news) {
  lab = news;
  const { run } = lab;
  const verdict = lab.lost ? { level: "bad", sentence: lab.lost } : run ? run.health : { level: "quiet", sentence: say("train.no_health") };
  const health = find(".health");
  health.textContent = verdict.sentence;
  health.dataset.level = verdict.level;
  find(".figures").replaceChildren(...(run ? figures(run).map((text) => make("li", {}, text)) : []));
  find(".latent").hidden = !(run && run.saved_step);
  find(".terminal").hidden = !run;
  find(".copy-link").hidden = !run;
  if (run) find("code").textContent = run.command;
  const state = JSON.stringify([lab.runs, lab.selected, [...lab.overlaid], open]);
  if (state !== drawn) rows();
  drawn = state;
  queue();
}

function figures(run) {
  const last = run.last;
  const running = run.state === "running" || run.state === "waiting";
  return [
    run.doing ? say(`train.doing_${run.doing}`) : null,
    last && running ? say(run.points ? "train.speed_points" : "train.speed", { n: count(last.items_per_second) }) : null,
    last && running ? say("train.left", { time: duration(last.seconds_left) }) : null,
    last && !running ? say("train.took", { time: duration(last.seconds) }) : null,
    last ? say("train.gradient", { n: figure(last.gradient_norm, 2) }) : null,
    last ? say("train.rate", { n: figure(last.learning_rate, 2) }) : null,
    ...Object.entries(last ? last.logs : {}).map(([name, value]) => `${name} ${figure(value)}`),
    run.saved_step ? say("train.saved", { step: count(run.saved_step), time: duration(run.saved_ago) }) : last ? say("train.not_saved") : null,
    run.steered ? say("train.steered", { step: count(run.steered) }) : null,
    run.extended,
    run.hardware,
  ].filter(Boolean);
}

function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return say("train.seconds", { s: whole });
  if (whole < 3600) return say("train.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  if (whole < 172800) return say("train.hours", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
  return say("train.days", { d: Math.floor(whole / 86400) });
}

// --- The list of runs ---

function rows() {
  const typed = list.querySelector("input.name")?.value;
  list.replaceChildren(...(lab.runs.length ? lab.runs.map(row) : [make("li.note", {}, say("train.no_runs"))]));
  const box = list.querySelector("input.name");
  if (box && typed != null) box.value = typed;
  if (box) box.focus();
}

function row(run) {
  const chosen = run.name === lab.selected;
  const overlay = say("train.overlay", { run: run.name });
  const tick = chosen
    ? make("span.swatch")
    : make("input", { type: "checkbox", checked: lab.overlaid.has(run.name), "aria-label": overlay, title: overlay, onchange: () => tell("overlay run", run.name) });
  const name = make("button.link.run-name", { type: "button", title: run.name, "aria-current": String(chosen), onclick: () => tell("select run", run.name) }, run.name);
  const badge = make(`span.badge.${run.state}`, {}, badgeOf(run));
  const menu = make("span.menu", {}, action("rename", "✎", run), action("delete", "×", run));
  const question = open.run === run.name ? (open.what === "rename" ? renaming(run) : deleting(run)) : null;
  return make(chosen ? "li.chosen" : "li", { "data-run": run.name }, make("div.line", {}, tick, name, badge, make("small", {}, `${run.family} · ${run.dataset}`), menu), question);
}

function action(what, sign, run) {
  const title = say(`train.${what}`, { run: run.name });
  return make(`button.link.${what}`, { type: "button", title, "aria-label": title, onclick: () => ask(run.name, open.run === run.name && open.what === what ? "" : what) }, sign);
}

function ask(run, what) {
  open = { run: what ? run : "", what };
  show(lab);
}

function badgeOf(run) {
  if (run.state === "running") return percent(Math.floor((100 * run.step) / run.steps) / 100);
  return say(run.diverged ? "train.state_nan" : `train.state_${run.state}`);
}

function renaming(run) {
  const box = make("input.name", { type: "text", value: run.name, maxlength: 60, "aria-label": say("train.new_name"), onkeydown: (event) => event.key === "Enter" ? send() : event.key === "Escape" ? ask() : null });
  const send = () => settle(server.rename({ run: run.name, name: box.value.trim() }), run, box.value.trim());
  return make("div.question", {}, box, make("button", { type: "button", onclick: send }, say("train.rename_go")), make("p.fault", { hidden: true }));
}

function deleting(run) {
  return make(
    "div.question",
    {},
    make("p", {}, say("train.delete_sure", { run: run.name })),
    make("button.danger", { type: "button", onclick: () => settle(server.remove({ run: run.name }), run, "") }, say("train.delete_go")),
    make("button", { type: "button", onclick: () => ask() }, say("train.keep")),
    make("p.fault", { hidden: true })
  );
}

async function settle(promise, run, next) {
  const answer = await promise.catch(() => ({ error: say("page.lost") }));
  if (answer.error) {
    const fault = list.querySelector(".question .fault");
    fault.textContent = answer.error;
    fault.hidden = false;
    return;
  }
  open = { run: "", what: "" };
  if (next && lab.selected === run.name) tell("select run", next);
  else tell("look again");
}

// --- The queue ---

function queue() {
  const { runs, at_once, fixed } = lab.queue || { runs: [], at_once: 1, fixed: true };
  const place = find("#run-queue");
  const state = JSON.stringify(runs);
  find(".queue .none").hidden = runs.length > 0;
  find(".queue label").hidden = fixed;
  if (document.activeElement !== atOnce) atOnce.value = at_once;
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.replaceChildren(...runs.map((run, i) => waiting(run, i, runs.length)));
}

function waiting({ name: run, place }, i, n) {
  const act = (key, sign, disabled, what) => make("button.link", { type: "button", disabled, title: say(key, { run }), "aria-label": say(key, { run }), onclick: () => change(what()) }, sign);
  return make(
    "li",
    { "data-run": run },
    make("span.place", {}, count(place)),
    make("button.link.run-name", { type: "button", onclick: () => tell("select run", run) }, run),
    act("train.earlier", "↑", i === 0, () => server.reorder({ run, by: -1 })),
    act("train.later", "↓", i === n - 1, () => server.reorder({ run, by: 1 })),
    act("train.leave", "×", false, () => server.ask({ run, wanted: "stop" }))
  );
}

async function change(promise) {
  const answer = (await promise.catch(() => null)) ?? { error: say("page.lost") };
  const fault = find(".queue .fault");
  fault.textContent = answer.error || "";
  fault.hidden = !answer.error;
  tell("look again");
}
