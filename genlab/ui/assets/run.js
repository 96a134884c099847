// The stage of the Train tab: asks what is new in the chosen runs, draws their curves, and moves through their samples.

const curve = curveIn(find("#train-curve"));
const scrubber = find("#train-scrubber");
const samples = find("#train-samples");
const pause = find("#train-pause");
const stop = find("#train-stop");
const more = find(".more");
const SAMPLES_KEPT = 100;
const ROWS = 4; // of samples in a picture

const lab = { selected: genlab.link.run || sessionStorage.getItem("genlab.run") || "", overlaid: new Set(), histories: new Map(), runs: [], run: null, lost: false };
const view = { live: true, step: 0, smoothing: 0.6, log: false };
const pictures = new Map();
const askPicture = latest(server.sample);
let timer = 0;
let turn = 0;

label(element);
poll();

watch("value", () => props.value && select(props.value.run));
listen("select run", select);
listen("overlay run", overlay);
listen("look again", poll);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && poll());
find(".smoothing").addEventListener("input", (event) => change({ smoothing: Number(event.target.value) }));
find(".log").addEventListener("change", (event) => change({ log: event.target.checked }));
find(".live").addEventListener("click", () => scrub(end()));
find(".before").addEventListener("click", () => scrub(0));
scrubber.addEventListener("input", () => scrub(Number(scrubber.value)));
scrubber.addEventListener("pointerdown", prefetch, { once: true });
scrubber.addEventListener("keydown", jump);
pause.addEventListener("click", () => ask(isActive() && lab.run.state !== "paused" ? "pause" : "run"));
stop.addEventListener("click", () => ask("stop"));
more.addEventListener("submit", extend);
new ResizeObserver(size).observe(samples.parentElement);

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
    else if (news.kept !== (lab.histories.get(name) || []).length) lab.histories.delete(name), setTimeout(poll, 0); // it went back to a save
    else lab.histories.set(name, [...(lab.histories.get(name) || []), ...news.records]);
  }
  if (!lab.run && lab.runs.length) select(lab.runs[0].name);
}

function lastStep(name) {
  return lab.histories.get(name)?.at(-1)?.step || 0;
}

function forget(name) {
  lab.histories.delete(name);
  lab.overlaid.delete(name);
}

function select(name) {
  if (lab.selected !== name) pictures.clear(), samples.removeAttribute("src"), delete samples.dataset.step;
  lab.selected = name;
  lab.overlaid.delete(name);
  sessionStorage.setItem("genlab.run", name);
  view.live = true;
  poll();
}

function overlay(name) {
  lab.overlaid.has(name) ? lab.overlaid.delete(name) : lab.overlaid.add(name);
  poll();
}

async function ask(wanted) {
  for (const button of [pause, stop]) button.disabled = true;
  let answer;
  try {
    answer = await server.ask({ run: lab.selected, wanted });
  } catch {
    answer = { error: say("page.lost") };
  }
  fault(answer.error);
  poll();
}

// A finished run goes on to more steps in all.
async function extend(event) {
  event.preventDefault();
  const answer = (await server.more({ run: lab.selected, steps: Number(more.steps.value) }).catch(() => null)) ?? { error: say("page.lost") };
  fault(answer.error);
  poll();
}

function fault(sentence) {
  find(".fault").textContent = sentence || "";
  find(".fault").hidden = !sentence;
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
  find(".unit").textContent = run && run.unit !== "loss" ? run.unit : "";
  find(".smoothing-value").textContent = view.smoothing.toFixed(2);
  find(".smoothing").style.setProperty("--share", view.smoothing);
  buttons();
  curve.show({ lines: lines(), log: view.log, end: Math.max(1, end(), ...[...lab.overlaid].map(lastStep)), label: say("train.curve_label", { run: lab.selected }) });
  key();
  compare();
  scrubTo();
  tell("lab", lab);
}

function isActive() {
  return lab.run && ["queued", "waiting", "running", "paused"].includes(lab.run.state);
}

function end() {
  return lastStep(lab.selected);
}

function buttons() {
  const state = lab.run ? lab.run.state : "";
  const resumable = ["paused", "stopped", "failed", "interrupted"].includes(state) && lab.run.step < lab.run.steps;
  pause.textContent = say(resumable ? "train.resume" : "train.pause");
  pause.disabled = !(resumable || state === "running");
  stop.disabled = !isActive();
  const whole = `${lab.selected} ${lab.run?.steps}`;
  if (more.dataset.whole !== whole) more.steps.value = 2 * (lab.run?.steps ?? 1);
  more.dataset.whole = whole;
  more.hidden = state !== "done";
}

function lines() {
  const shown = [lab.selected, ...lab.overlaid].filter((name) => lab.histories.has(name));
  return shown.flatMap((name, i) => linesOf(name, i, shown.length > 1));
}

// The chosen run has the page's own colours; overlaid ones have one colour each, held-out always dashed there.
function linesOf(name, i, several) {
  const records = thin(lab.histories.get(name));
  const players = records.length ? Object.keys(records[0].losses) : [];
  const range = Math.max(1, lab.runs.find((run) => run.name === name)?.steps || end());
  const prefix = several ? `${name} ` : "";
  const trained = players.map((player, p) => {
    const raw = records.map((record) => [record.step, record.losses[player]]);
    const kind = players.length > 1 ? player : say("train.training");
    return { name: prefix + kind, colour: i ? colourOf(i - 1) : p ? "var(--ink)" : "var(--accent)", raw, points: smooth(raw, view.smoothing, range), dashed: i > 0 && p > 0 };
  });
  const held = records.filter((record) => record.held_out != null).map((record) => [record.step, record.held_out]);
  const heldLine = { name: prefix + say("train.held_out"), colour: i ? colourOf(i - 1) : "var(--amber)", points: held, dashed: i > 0 };
  return held.length ? [...trained, heldLine] : trained;
}

function key() {
  find(".key").replaceChildren(
    ...lines().map((line) => make("span", {}, make(line.dashed ? "i.dashed" : "i", { style: `--colour:${line.colour}` }), line.name))
  );
}

// The settings in which the runs on the curve differ.
function compare() {
  const { runs, rows, units } = lab.compared || {};
  const place = find("#run-compare");
  place.hidden = !runs;
  if (!runs) return;
  const cell = (value) => make("td", {}, value == null ? say("train.compared_none") : String(value));
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, say("train.compared")), ...runs.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.name.replaceAll("_", " ")), ...row.values.map(cell))))
  );
  const notes = [rows.length ? null : say("train.compared_same"), units.length > 1 ? say("train.compared_units") : null];
  place.replaceChildren(...(rows.length ? [table] : []), ...notes.filter(Boolean).map((text) => make("p.note", {}, text)));
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
  find(".samples-title").textContent = at == null ? say("train.no_samples") : say("train.samples_at", { step: count(at) });
  if (at == null || samples.dataset.step === String(at)) return;
  samples.dataset.step = at;
  const run = lab.selected;
  if (!pictures.has(at)) {
    const answer = await askPicture({ run, step: at });
    if (!answer || answer.error || run !== lab.selected) return;
    keep(at, answer.image);
  }
  if (samples.dataset.step === String(at)) samples.src = pictures.get(at);
}

function keep(step, image) {
  pictures.set(step, image);
  if (pictures.size > SAMPLES_KEPT) pictures.delete(pictures.keys().next().value);
}

async function prefetch() {
  const run = lab.selected;
  for (const step of lab.run ? lab.run.samples : []) {
    if (pictures.has(step)) continue;
    const answer = await server.sample({ run, step });
    if (run !== lab.selected) return;
    if (!answer.error) keep(step, answer.image);
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

// Half-whole scales keep the pixels even; lines part the samples, which lie in ROWS rows of squares.
samples.addEventListener("load", size);
function size() {
  const { naturalWidth: w, naturalHeight: h } = samples;
  if (!w) return;
  const room = samples.parentElement.clientWidth / w;
  const scale = room < 1 ? room : lab.run?.points ? 1 : Math.floor(room * 2) / 2;
  samples.style.width = `${w * scale}px`;
  const lines = find(".samples .lines");
  lines.style.cssText = `width:${w * scale}px;height:${h * scale}px;--tile:${(h / ROWS) * scale}px`;
  lines.hidden = (w * ROWS) % h > 0 || Boolean(lab.run?.points);
  samples.parentElement.classList.toggle("of-points", Boolean(lab.run?.points));
}
