// The stage of the Train tab: asks what is new in the chosen runs, draws their curves, and moves through their samples.

import { follow, openedWith } from "../../kit/address.js";
import { colourOf, count, fixed, percent } from "../../kit/numbers.js";
import { answerOf, curveNamed, latest, make, redraw, save } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { cut } from "../../kit/tiles.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { curveIn, smooth, thin } from "./curve.js";

const SAMPLES_KEPT = 100;
const ROWS = 4; // of samples in a picture
const SHARP = 3; // screen pixels a pixel from which its edges are kept; below, some would be twice as wide as others
const METRIC_COLOUR = "#832db6";
const LOG_COLOURS = ["#3f90da", "#a96b59"]; // of the ten that can be told apart

export function start({ element, find, server }) {
  const curve = curveIn(find("#train-curve"));
  const scrubber = find("#train-scrubber");
  const samples = find("#train-samples");
  const pause = find("#train-pause");
  const stop = find("#train-stop");
  const more = find(".more");

  const lab = { selected: openedWith.run || sessionStorage.getItem("genlab.run") || "", chosen: Boolean(openedWith.run), overlaid: new Set(), histories: new Map(), units: new Map(), metrics: new Map(), runs: [], run: null, lost: false, asking: "" };
  const view = { live: true, step: 0, smoothing: 0.6, log: false, hidden: new Set(), metric: null };
  const pictures = new Map();
  const askPicture = latest(server.sample), askQuoted = latest(server.quoted);
  let timer = 0;
  let turn = 0;

  label(element);
  poll();

  listen("select run", choose);
  listen("overlay run", overlay);
  listen("look again", poll);
  listen("visit", ({ run }) => run && run !== lab.selected && select(run));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && poll());
  find(".smoothing").addEventListener("input", (event) => change({ smoothing: Number(event.target.value) }));
  find(".log").addEventListener("change", (event) => change({ log: event.target.checked }));
  find(".metrics select").addEventListener("change", (event) => change({ metric: event.target.value }));
  find(".live").addEventListener("click", () => scrub(end()));
  find(".before").addEventListener("click", () => scrub(0));
  scrubber.addEventListener("input", () => scrub(Number(scrubber.value)));
  scrubber.addEventListener("pointerdown", prefetch, { once: true });
  scrubber.addEventListener("keydown", jump);
  pause.addEventListener("click", () => ask(isActive() && lab.run.state !== "paused" ? "pause" : "run"));
  stop.addEventListener("click", () => ask("stop"));
  more.addEventListener("submit", extend);
  find(".csv").addEventListener("click", keepTable);

  // --- What is new ---

  async function poll() {
    clearTimeout(timer);
    if (!element.isConnected) return;
    const mine = ++turn;
    if (document.visibilityState === "visible" && element.offsetParent) await refresh(mine);
    if (mine === turn) timer = setTimeout(poll, lab.runs.some((run) => ["queued", "waiting", "running"].includes(run.state)) ? 700 : 2500);
  }

  async function refresh(mine) {
    const asked = new Set([lab.selected, ...lab.overlaid].filter(Boolean));
    const since = Object.fromEntries([...asked].map((name) => [name, lastStep(name)]));
    let answer;
    try {
      answer = await server.watch({ run: lab.selected, since });
    } catch {
      answer = { error: say("page.lost") };
    }
    if (mine !== turn) return;
    lab.lost = answer.error || "";
    if (!answer.error) take(answer, asked);
    show();
  }

  function take(answer, asked) {
    lab.runs = answer.runs;
    lab.run = answer.run;
    lab.queue = answer.queue;
    lab.compared = answer.compared;
    for (const name of asked) {
      const news = answer.histories[name];
      if (!news) forget(name);
      else if (lab.units.set(name, news.units), lab.metrics.set(name, news.metrics), news.kept !== (lab.histories.get(name) || []).length) lab.histories.delete(name), setTimeout(poll, 0); // it went back to a save
      else lab.histories.set(name, [...(lab.histories.get(name) || []), ...news.records]);
    }
    const outdone = lab.run?.example && !lab.chosen && lab.runs.some((run) => !run.example);
    if ((!lab.run || outdone) && lab.runs.length) select(worthSeeing().name);
  }

  // The run that trains; where none does, the one that is about to, or else the newest.
  function worthSeeing() {
    const first = (...states) => lab.runs.find((run) => states.includes(run.state));
    return first("running") ?? first("waiting", "paused") ?? first("queued") ?? lab.runs[0];
  }

  function lastStep(name) {
    return lab.histories.get(name)?.at(-1)?.step || 0;
  }

  function forget(name) {
    lab.histories.delete(name);
    lab.overlaid.delete(name);
  }

  // What a person chose is on stage again when the page is loaded anew.
  function choose(name) {
    sessionStorage.setItem("genlab.run", name);
    lab.chosen = true;
    follow({ run: name }, { push: true });
    select(name);
  }

  function select(name) {
    if (lab.selected !== name) pictures.clear(), samples.replaceChildren(), delete samples.dataset.step, fault();
    lab.selected = name;
    tell("run", name);
    lab.overlaid.delete(name);
    view.live = true;
    poll();
  }

  function overlay(name) {
    lab.overlaid.has(name) ? lab.overlaid.delete(name) : lab.overlaid.add(name);
    poll();
  }

  async function ask(wanted) {
    lab.asking = wanted;
    buttons();
    fault((await answerOf(server.ask({ run: lab.selected, wanted }))).error);
    await poll();
    lab.asking = "";
    show();
  }

  async function keepTable() {
    const answer = await answerOf(server.history({ run: lab.selected }));
    fault(answer.error);
    if (!answer.error) save(answer.name, answer.content);
  }

  // A finished run goes on to more steps in all.
  async function extend(event) {
    event.preventDefault();
    const { error, about = [] } = await answerOf(server.more({ run: lab.selected, steps: Number(more.steps.value) }));
    fault(error, about.includes("steps") ? [more.steps] : []);
    poll();
  }

  function fault(sentence, fields) {
    refuseIn(find(".train-stage > .fault"), sentence, fields);
  }

  // --- What is shown ---

  function change(wanted) {
    Object.assign(view, wanted);
    show();
  }

  function show() {
    const { run } = lab;
    element.querySelector("section").classList.toggle("bare", !run);
    find(".run-name").textContent = run ? run.name : "";
    find(".example").hidden = !run?.example;
    find(".csv").hidden = !end();
    find(".unit").textContent = run && run.unit !== "loss" ? run.unit : "";
    find(".smoothing-value").textContent = fixed(view.smoothing, 2);
    find(".smoothing").style.setProperty("--share", view.smoothing);
    buttons();
    metrics();
    curve.show({ lines: lines().filter((line) => !line.hidden), log: view.log, end: Math.max(1, end(), ...[...lab.overlaid].map(lastStep)), label: say("train.curve_label", { run: lab.selected }), none: say("train.no_curve"), coming: coming() });
    key();
    compare();
    scrubTo();
    tell("lab", lab);
  }

  function isActive() {
    return lab.run && ["queued", "waiting", "running", "paused"].includes(lab.run.state);
  }

  // What a run is at that has not taken a step yet.
  function coming() {
    if (!isActive() || end()) return "";
    const { state, doing } = lab.run, stage = ["open", "build"].includes(doing) ? doing : state;
    return say(`train.coming_${stage}`);
  }

  function end() {
    return lastStep(lab.selected);
  }

  function buttons() {
    const { state, step, steps, pending, example } = lab.run ?? {};
    const coming = lab.asking || pending; // what was asked and has not happened yet
    const resumable = ["paused", "stopped", "failed", "interrupted"].includes(state) && step < steps && !example;
    pause.textContent = say(coming === "pause" ? "train.pausing" : coming === "run" ? "train.resuming" : resumable ? "train.resume" : "train.pause");
    pause.disabled = Boolean(coming) || !(resumable || state === "running");
    stop.textContent = say(coming === "stop" ? "train.stopping" : state === "queued" ? "train.leave_queue" : "train.stop");
    stop.disabled = Boolean(lab.asking) || coming === "stop" || !isActive();
    const whole = `${lab.selected} ${steps}`;
    if (more.dataset.whole !== whole) more.steps.value = 2 * (steps ?? 1);
    more.dataset.whole = whole;
    more.hidden = state !== "done" || example;
  }

  function lines() {
    const shown = [lab.selected, ...lab.overlaid].filter((name) => lab.histories.has(name));
    return shown.flatMap((name, i) => linesOf(name, i, shown.length > 1));
  }

  // The chosen run has the page's own colours; overlaid ones have one colour each, held-out always dashed there.
  function linesOf(name, i, several) {
    const records = thin(lab.histories.get(name));
    const players = Object.keys(records[0]?.losses ?? {});
    const logs = several ? [] : Object.keys(records[0]?.logs ?? {});
    const units = lab.units.get(name);
    const range = Math.max(1, lab.runs.find((run) => run.name === name)?.steps || end());
    const line = (kind, value, look) => {
      const measured = records.map((record) => [record.step, value(record)]).filter(([, y]) => y != null);
      const own = units[kind] ?? units.loss;
      const { called } = curveNamed(kind);
      return { kind, name: several ? `${name} ${called}` : called, unit: short(own), loss: own === units.loss, measured, ...look };
    };
    const smoothed = (one) => ({ ...one, raw: one.measured, points: smooth(one.measured, view.smoothing, range) });
    const trained = players.map((player, p) => {
      const kind = players.length > 1 ? player : say("train.training");
      return smoothed(line(kind, (record) => record.losses[player], { colour: i ? colourOf(i - 1) : p ? "var(--ink)" : "var(--accent)", dashed: i > 0 && p > 0 }));
    });
    const told = logs.map((log, k) => smoothed(line(log, (record) => record.logs[log], { colour: LOG_COLOURS[k % LOG_COLOURS.length], dotted: true })));
    const held = line(say("train.held_out"), (record) => record.held_out, { colour: i ? colourOf(i - 1) : "var(--amber)", dashed: i > 0 });
    return [...trained, ...(held.measured.length ? [{ ...held, points: held.measured }] : []), ...told, ...metricOf(name, i, several)].map((one) => ({ ...one, hidden: view.hidden.has(one.kind) }));
  }

  // Which metric of the samples has a line: one at a time, as each is measured otherwise.
  function metrics() {
    const known = lab.metrics.get(lab.selected) ?? {};
    const names = Object.keys(known), box = find(".metrics select");
    if (!(view.metric === "" || view.metric in known)) view.metric = names[0] ?? null;
    find(".metrics").hidden = !names.length;
    redraw(box, known, () => [...names.map((name) => make("option", { value: name }, known[name].title)), make("option", { value: "" }, say("train.metric_none"))]);
    box.value = view.metric ?? "";
    box.title = known[view.metric]?.why ?? "";
  }

  function metricOf(name, i, several) {
    const { title, why } = lab.metrics.get(name)?.[view.metric] ?? {};
    const points = lab.histories.get(name).filter((record) => view.metric in (record.metrics ?? {})).map((record) => [record.step, record.metrics[view.metric]]);
    const look = { colour: i ? colourOf(i - 1) : METRIC_COLOUR, dotted: i > 0 };
    return points.length ? [{ kind: title, why, name: several ? `${name} ${title}` : title, unit: say("train.metric"), loss: false, points, ...look }] : [];
  }

  // What the lines are; a click leaves one out, so that the others have the room.
  function key() {
    const shown = lines();
    redraw(find(".key"), [lab.selected, shown.map(({ name, hidden }) => [name, hidden])], () => shown.map((line) =>
      make("button.link", { type: "button", "aria-pressed": String(!line.hidden), title: [say("train.key", { line: line.name }), line.why ?? curveNamed(line.kind).why].join(". "), onclick: () => toggle(line.kind) },
        make(line.dashed ? "i.dashed" : line.dotted ? "i.dotted" : "i", { style: `--colour:${line.colour}` }), line.name)
    ));
  }

  function toggle(kind) {
    view.hidden.has(kind) ? view.hidden.delete(kind) : view.hidden.add(kind);
    show();
  }

  // The settings in which the runs on the curve differ.
  function compare() {
    const place = find("#run-compare");
    place.hidden = !lab.compared?.runs;
    redraw(place, lab.compared, () => (lab.compared?.runs ? tableOf(lab.compared) : []));
  }

  // --- Steps ---

  function scrub(step) {
    view.live = step >= end();
    view.step = step;
    scrubTo();
  }

  function scrubTo() {
    const last = end();
    const step = view.live ? last : Math.min(view.step, last);
    scrubber.max = Math.max(1, last);
    scrubber.value = step;
    scrubber.disabled = !last;
    scrubber.style.setProperty("--share", last ? step / last : 0);
    find(".position").textContent = lab.run ? `${count(step)} / ${count(lab.run.steps)}` : "";
    const live = find(".live");
    live.hidden = view.live;
    live.textContent = say(isActive() ? "train.live" : "train.newest");
    const before = find(".before");
    before.hidden = !lab.run || !lab.run.from;
    before.textContent = lab.run ? say("train.before", { model: lab.run.from }) : "";
    curve.cursor(view.live ? null : step);
    picture(step);
  }

  // The newest samples at or before a step.
  async function picture(step) {
    const drawn = lab.run && lab.run.name === lab.selected ? lab.run.samples : [];
    const at = drawn.filter((s) => s <= step).at(-1) ?? drawn[0];
    find(".samples-title").textContent = at == null ? say("train.samples") : say("train.samples_at", { step: count(at) });
    find(".samples .none").hidden = at != null;
    element.querySelector("section").classList.toggle("of-points", at != null && lab.run.together);
    find(".samples .none").textContent = say(isActive() ? "train.samples_come" : "train.no_samples");
    find("#train-quoted").hidden = at == null || !pictures.get(at)?.texts;
    if (at == null || samples.dataset.step === String(at)) return;
    samples.dataset.step = at;
    const run = lab.selected;
    if (!pictures.has(at)) {
      const answer = await askPicture({ run, step: at });
      if (answer?.error) return void delete samples.dataset.step; // asked again with the next look
      if (!answer || run !== lab.selected) return;
      keep(at, answer);
    }
    const { image: src, texts } = pictures.get(at);
    samples.classList.toggle("read", Boolean(texts));
    if (texts) return showTexts(run, at);
    const image = Object.assign(new Image(), { src });
    await image.decode();
    if (run === lab.selected && samples.dataset.step === String(at)) hang(image);
  }

  // Texts, and as soon as it is known what of them stands in the training part word for word.
  async function showTexts(run, step) {
    const shown = pictures.get(step), place = find("#train-quoted");
    place.textContent = "";
    samples.replaceChildren(...shown.texts.map((text) => make("p", {}, text)));
    shown.quoted ??= await askQuoted({ run, step });
    if (run !== lab.selected || samples.dataset.step !== String(step) || !shown.quoted?.pieces) return;
    const { pieces, share, longest, run: least } = shown.quoted;
    samples.replaceChildren(...pieces.map((text) => make("p", {}, ...text.map(([piece, quoted]) => (quoted ? make("mark", {}, piece) : piece)))));
    place.hidden = false;
    place.textContent = say(longest ? "train.quoted" : "train.quoted_none", { share: percent(share), longest: count(longest), least });
  }

  function keep(step, drawn) {
    pictures.set(step, drawn);
    if (pictures.size > SAMPLES_KEPT) pictures.delete(pictures.keys().next().value);
  }

  async function prefetch() {
    const run = lab.selected;
    for (const step of lab.run ? lab.run.samples : []) {
      if (pictures.has(step)) continue;
      const answer = await server.sample({ run, step });
      if (run !== lab.selected) return;
      if (!answer.error) keep(step, answer);
    }
  }

  // Arrow keys go from one set of samples to the next.
  function jump(event) {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way || !lab.run) return;
    event.preventDefault();
    const now = view.live ? end() : view.step;
    const stops = lab.run.samples;
    const next = way > 0 ? stops.find((s) => s > now) : stops.filter((s) => s < now).at(-1);
    scrub(next ?? (way > 0 ? end() : now));
  }

  // A picture of images, in ROWS rows of squares, as tiles over the whole width; what is seen together as it is.
  function hang({ src, naturalWidth: w, naturalHeight: h }) {
    const together = Boolean(lab.run?.together);
    const rows = together || (w * ROWS) % h || h % ROWS ? 1 : ROWS;
    const columns = rows > 1 ? (w * rows) / h : 1;
    samples.style.setProperty("--columns", columns);
    samples.style.maxWidth = together ? `${w}px` : "";
    samples.style.setProperty("--sprite", `url(${src})`);
    samples.parentElement.classList.toggle("soft", (samples.parentElement.clientWidth * devicePixelRatio) / w < SHARP);
    if (samples.children.length !== columns * rows) samples.replaceChildren(...Array.from({ length: columns * rows }, (_, i) => {
      const tile = make("i", { style: `aspect-ratio:${w / columns} / ${h / rows}` });
      cut(tile, i, columns, rows);
      return tile;
    }));
  }
}

// A unit as an axis has room for it; what it means follows a colon or semicolon.
const short = (unit) => unit.split(/[:;]/)[0];

function tableOf({ runs, rows, units }) {
  const cell = (value) => make("td", {}, value == null ? say("train.compared_none") : String(value));
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, say("train.compared")), ...runs.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.name.replaceAll("_", " ")), ...row.values.map(cell))))
  );
  const notes = [rows.length ? null : say("train.compared_same"), units.length > 1 ? say("train.compared_units") : null];
  return [...(rows.length ? [table] : []), ...notes.filter(Boolean).map((text) => make("p.note", {}, text))];
}
