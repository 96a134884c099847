// Beside the stage: how the run is doing, the list of runs, and the command that repeats it.

import { copy, copyLink } from "../../kit/address.js";
import { count, duration, figure, percent } from "../../kit/numbers.js";
import { answerOf, curveNamed, explained, likeIn, make, redraw } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";

export function start({ element, find, server, trigger }) {
  const list = find("#run-list");
  const atOnce = find(".at-once");
  const drawn = new Map(); // the rows by run, each with what it was drawn from
  let open = { run: "", what: "" }; // the row with a question in it, its refusal, and what was typed there
  let doomed = null; // the runs that are ticked to be deleted together, while that is asked
  let clearing = false; // whether all are to leave the queue, while that is asked
  let lab = null;
  const hint = make("li.note", {}, say("train.no_runs"));
  const shipped = make("li.note", {}, say("train.shipped"));

  label(element);
  find(".copy").addEventListener("click", () => copy(find(".copy"), find("code").textContent));
  find(".copy-link").addEventListener("click", () => copyLink(find(".copy-link"), { tab: "train", run: lab.selected }));
  find(".open-latent").addEventListener("click", () => {
    trigger("open_latent", { run: lab.selected });
    document.getElementById(lab.run?.latent ? "tab-latent" : "tab-sample").click();
  });
  find(".several").addEventListener("click", () => choose(doomed ? null : []));
  find(".clear").addEventListener("click", () => askToClear(true));
  atOnce.addEventListener("change", () => change(server.limit({ at_once: Number(atOnce.value) })));
  listen("lab", show);

  function show(news) {
    lab = news;
    const { run } = lab;
    const verdict = lab.lost ? { level: "bad", sentence: lab.lost } : run ? healthOf(run) : { level: "quiet", sentence: say("train.no_health") };
    const health = find(".health");
    health.textContent = verdict.sentence;
    health.dataset.level = verdict.level;
    const told = run ? figures(run) : [];
    redraw(find(".figures"), told, () => told.map(([text, why]) => explained("li", text, why)));
    find(".open-latent").hidden = !(run && (run.saved_step || run.example));
    find(".open-latent").textContent = say(run && !run.latent ? "train.open_sample" : "train.open_latent");
    find(".terminal").hidden = !run;
    find(".copy-link").hidden = !run;
    if (run) find("code").textContent = run.command;
    rows();
    several();
    queue();
  }

  // --- The list of runs ---

  // A row is made anew only when something else than its progress changes, so that no click or key falls between two.
  function rows() {
    const own = owned();
    const examples = lab.runs.filter((run) => run.example);
    const nodes = [...(own.length ? own.map(drawnRow) : [hint]), ...(examples.length ? [shipped, ...examples.map(drawnRow)] : [])];
    for (const name of drawn.keys()) if (!lab.runs.some((run) => run.name === name)) drawn.delete(name);
    const now = [...list.children];
    if (nodes.length !== now.length || nodes.some((node, i) => node !== now[i])) list.replaceChildren(...nodes);
  }

  // What comes with genlab can be looked at and compared, and nothing else.
  function owned() {
    return lab.runs.filter((run) => !run.example);
  }

  function drawnRow(run) {
    const { step, steps, ...rest } = run;
    const asked = open.run === run.name ? { ...open, typed: "" } : null;
    const state = JSON.stringify([rest, run.name === lab.selected, lab.overlaid.has(run.name), asked, doomed && doomed.has(run.name)]);
    const before = drawn.get(run.name);
    if (before?.state !== state) {
      const node = row(run), held = before?.node.contains(document.activeElement) ? document.activeElement : null;
      drawn.set(run.name, { state, node });
      before?.node.replaceWith(node);
      const box = held || asked ? node.querySelector("input.name") : null;
      if (held || box) setTimeout(() => (box ?? likeIn(node, held) ?? node.querySelector(".menu button"))?.focus());
    }
    const { node } = drawn.get(run.name);
    node.querySelector(".badge").textContent = badgeOf(run);
    return node;
  }

  function row(run) {
    const chosen = run.name === lab.selected;
    const name = make("button.link.run-name", { type: "button", title: run.name, "aria-current": String(chosen), onclick: () => tell("select run", run.name) }, run.name);
    const badge = make(`span.badge.${run.pending === "stop" ? "stopping" : run.state}`);
    const menu = make("span.menu", {}, ...(doomed || run.example ? [] : [action("rename", "✎", run), action("delete", "×", run)]));
    const question = open.run === run.name ? (open.what === "rename" ? renaming(run) : deleting(run)) : null;
    return make(chosen ? "li.chosen" : "li", { "data-run": run.name }, make("div.line", {}, tick(run, chosen), name, badge, make("small", {}, `${run.family} · ${run.dataset}`), menu), question);
  }

  function tick(run, chosen) {
    const box = (key, checked, onchange) => make("label.hit", { title: say(key, { run: run.name }) }, make("input", { type: "checkbox", checked, "aria-label": say(key, { run: run.name }), onchange }));
    if (doomed && !run.example) return box("train.doom", doomed.has(run.name), (event) => choose([...doomed].filter((name) => name !== run.name).concat(event.target.checked ? run.name : [])));
    return chosen ? make("span.swatch") : box("train.overlay", lab.overlaid.has(run.name), () => tell("overlay run", run.name));
  }

  function action(what, sign, run) {
    const title = say(`train.${what}`, { run: run.name });
    return make(`button.link.${what}`, { type: "button", title, "aria-label": title, onclick: () => ask(run.name, open.run === run.name && open.what === what ? "" : what) }, sign);
  }

  function ask(run, what) {
    open = { run: what ? run : "", what };
    show(lab);
  }

  const refused = () => make("p.fault", { role: "alert", hidden: !open.fault }, open.fault);

  function renaming(run) {
    const typed = (event) => (open.typed = event.target.value);
    const keys = (event) => event.key === "Enter" && send();
    const value = open.typed ?? run.name, line = make("p.fault", { role: "alert", hidden: true });
    const box = make("input.name", { type: "text", value, maxlength: 60, "aria-label": say("train.new_name"), oninput: typed, onkeydown: keys });
    const send = () => settle(server.rename({ run: run.name, name: box.value.trim() }), box.value.trim());
    if (value.trim() === open.refused) refuseIn(line, open.fault, [box]);
    return make("div.question", {}, box, make("button", { type: "button", onclick: send }, say("train.rename_go")), make("button.keep", { type: "button", onclick: () => ask() }, say("train.keep_all")), line);
  }

  function deleting(run) {
    return make(
      "div.question",
      {},
      make("p", { role: "alert" }, say(trains(run) ? "train.stop_sure" : "train.delete_sure", { run: run.name })),
      ...danger(trains(run) ? "train.stop_go" : "train.delete_go", () => settle(server.remove({ runs: [run.name], stop: trains(run) })), () => ask()),
      refused()
    );
  }

  // The two answers to a question; while the first is under way neither can be given again.
  function danger(key, go, leave) {
    const busy = Boolean(open.busy);
    return [
      make("button.danger", { type: "button", disabled: busy, onclick: go }, say(busy ? "train.deleting" : key)),
      make("button.keep", { type: "button", disabled: busy, onclick: leave }, say("train.keep")),
    ];
  }

  // A refusal stays with its question until the next thing is done.
  async function settle(promise, next) {
    const mine = open;
    open = { ...open, busy: true, fault: "" };
    show(lab);
    const answer = await answerOf(promise);
    if (open.run === mine.run && open.what === mine.what) open = answer.error ? { ...mine, typed: open.typed, fault: answer.error, refused: next } : { run: "", what: "" };
    if (!answer.error && mine.what === "several") doomed = null;
    if (!answer.error && next && lab.selected === mine.run) tell("select run", next);
    show(lab);
    tell("look again");
  }

  // --- Several at once ---

  function choose(names) {
    doomed = names && new Set(names);
    open = { run: "", what: doomed ? "several" : "" };
    show(lab);
  }

  function several() {
    const button = find(".several");
    button.hidden = owned().length < 2 && !doomed;
    button.textContent = say(doomed ? "train.keep_all" : "train.several");
    const place = find(".question.doomed");
    place.hidden = !doomed;
    if (!doomed) return;
    const picked = lab.runs.filter((run) => doomed.has(run.name));
    const training = picked.filter(trains).map((run) => run.name);
    redraw(place, [picked.map((run) => run.name), training, { ...open, run: "" }, owned().length], () => doom(picked.map((run) => run.name), training));
  }

  function doom(names, training) {
    const all = make("button.link.all", { type: "button", onclick: () => choose(owned().map((run) => run.name)) }, say("train.all"));
    if (!names.length) return [make("p", {}, say("train.several_none"), " ", all), refused()];
    const sure = names.length === 1 ? say("train.delete_sure", { run: names[0] }) : say("train.several_sure", { n: count(names.length) });
    const go = () => settle(server.remove({ runs: names, stop: training.length > 0 }));
    return [
      make("p", {}, sure, " ", names.length < owned().length ? all : null),
      training.length ? make("p.training", {}, say("train.several_train", { runs: training.join(", ") })) : null,
      ...danger(training.length ? "train.stop_go" : "train.delete_go", go, () => choose(null)),
      refused(),
    ].filter(Boolean);
  }

  // --- The queue ---

  function queue() {
    const { runs, at_once, fixed } = lab.queue || { runs: [], at_once: 1, fixed: true };
    if (!runs.length) clearing = false;
    find(".queue .none").hidden = runs.length > 0;
    find(".queue label").hidden = fixed;
    find(".clear").hidden = runs.length < 2 || clearing;
    if (document.activeElement !== atOnce) atOnce.value = at_once;
    redraw(find("#run-queue"), runs, () => runs.map((run, i) => waiting(run, i, runs.length)));
    find(".clearing").hidden = !clearing;
    redraw(find(".clearing"), [clearing, runs.length], () => [
      make("p", { role: "alert" }, say("train.clear_sure", { n: count(runs.length) })),
      make("button.danger", { type: "button", onclick: () => (askToClear(false), change(server.clear({}))) }, say("train.clear_go")),
      make("button.keep", { type: "button", onclick: () => askToClear(false) }, say("train.keep")),
    ]);
  }

  function askToClear(whether) {
    clearing = whether;
    show(lab);
    find(whether ? ".clearing .keep" : ".clear").focus();
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
    const answer = await answerOf(promise);
    refuseIn(find(".queue .fault"), answer.error, answer.about?.includes("at_once") ? [atOnce] : []);
    tell("look again");
  }
}

// What it was asked comes before how it does.
function healthOf(run) {
  const coming = { stop: "train.stopping_why", pause: "train.pausing_why" }[run.pending];
  return coming ? { level: "quiet", sentence: say(coming) } : run.health;
}

function figures(run) {
  const last = run.last;
  const running = run.state === "running" || run.state === "waiting";
  return [
    run.doing ? say(`train.doing_${run.doing}`) : null,
    last && running ? say("train.speed", { n: count(last.items_per_second), things: run.things }) : null,
    last && running ? say("train.left", { time: duration(last.seconds_left) }) : null,
    last && !running ? say("train.took", { time: duration(last.seconds) }) : null,
    last ? [say("train.gradient", { n: figure(last.gradient_norm, 2) }), say("train.gradient_why")] : null,
    last ? [say("train.rate", { n: figure(last.learning_rate, 2) }), say("train.rate_why")] : null,
    ...Object.entries(last ? last.logs : {}).map(([name, value]) => [`${curveNamed(name).called} ${figure(value)}`, curveNamed(name).why]),
    run.saved_step ? say("train.saved", { step: count(run.saved_step), time: duration(run.saved_ago) }) : last && !run.example ? say("train.not_saved") : null,
    run.steered ? say("train.steered", { step: count(run.steered) }) : null,
    run.extended,
    run.measured,
    run.hardware,
  ].filter(Boolean).map((told) => [told].flat());
}

function badgeOf(run) {
  if (run.pending === "stop" || run.pending === "pause") return say(`train.state_${run.pending}`);
  if (run.example) return "";
  if (run.state === "running") return percent(Math.floor((100 * run.step) / run.steps) / 100);
  return say(run.diverged ? "train.state_nan" : `train.state_${run.state}`);
}

const trains = (run) => ["waiting", "running", "paused"].includes(run.state);
