// The Latent space tab: the picture follows the sliders, one request at a time, and the last position always wins.

const at = (id) => find(`#latent-${id}`);
const SHOWN = 12, REACH = 4, STEP = 0.05, SLOW = 150, RETRY = 2000;
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const rounded = (value) => Math.round(Math.min(REACH, Math.max(-REACH, value)) * 100) / 100;

let model = null; // what the server told of the model that is looked at
let generation = 0; // grows with every model; late answers of an earlier one are dropped
let here = null; // the point on screen: base, values (null until known), classes; exact while the base alone says where
let link = genlab.link.tab === "latent" ? genlab.link : null; // the view to open with
let names = []; // of the axes
let home = []; // the values that a reset axis goes back to
let shown = SHOWN;
let ends = {}; // the two points of the walk
let path = "spherical", source = "prior", page = 0, aim = "show";

label(element);
element.addEventListener("click", (event) => { if (!model) event.stopPropagation(); }, true);

// --- Asking ---

async function ask(name, data) {
  const asked = generation;
  const answer = await server[name](data).catch(() => null);
  if (asked !== generation) return null;
  if (answer && !answer.error) return answer;
  note(answer?.error ?? say("page.lost"), true);
  if (!answer && name === "latent_decode") setTimeout(draw, RETRY); // no answer at all: the server may come back
  return null;
}

const looking = () => ({ model: model.model, version: model.version });
const point = () => structuredClone({ ...looking(), base: here.base, values: here.exact ? null : here.values, classes: here.classes });

function note(text, fault = false) {
  at("note").textContent = text;
  at("note").classList.toggle("fault", fault);
}

// --- The picture ---

const times = [];
let busy = false, dirty = false;

/** Ask for the picture of the point on screen; while one is on its way, only the latest wish is remembered. */
async function draw() {
  dirty = true;
  if (busy) return;
  busy = true;
  while (dirty && here) {
    dirty = false;
    const started = performance.now(), asked = point();
    const answer = await ask("latent_decode", asked);
    if (!answer) continue;
    await paint(answer, asked);
    measure(performance.now() - started);
    if (answer.values) adopt(answer.values, asked.base);
    else if (!asked.values && !here.values) learn();
  }
  busy = false;
  restStrips();
}

async function paint(answer, asked) {
  const picture = at("image"), image = picture.querySelector("img");
  image.src = answer.image;
  await image.decode().catch(() => {});
  picture.dataset.values = JSON.stringify(asked.values ?? here.values ?? []);
  picture.dataset.classes = JSON.stringify(asked.classes);
  picture.dataset.latent = JSON.stringify(answer.latent ?? []);
  if (at("note").classList.contains("fault")) note("");
}

/** Learn the axes and where the point lies along them; for some models this takes seconds the first time. */
async function learn() {
  const { base } = here;
  if (!element.querySelector(".axis[id^=latent-slider]")) at("count").textContent = say("latent.finding");
  const answer = await ask("latent_axes", point());
  if (!answer) return;
  if (names.join() !== answer.names.join()) buildAxes(answer.names);
  adopt(answer.values, base);
}

/** Take over coordinates that the server worked out; they are shown in hundredths, so hundredths are drawn. */
function adopt(values, base) {
  if (here.base !== base || here.values || values.length !== names.length) return;
  if (here.exact) return settle(values);
  here.values = values.map(rounded);
  if (base === model.home) home = [...here.values];
  showValues();
  draw();
}

/** Show the coordinates of a point that is drawn from its own latent, as a link has it. */
function settle(values) {
  here.values = values;
  at("image").dataset.values = JSON.stringify(values);
  showValues();
}

function measure(ms) {
  times.push(ms);
  if (times.length > 15) times.shift();
  const middle = [...times].sort((a, b) => a - b)[times.length >> 1];
  at("image").dataset.ms = ms.toFixed(1);
  tell("frame", middle);
}

function move(base, classes = here.classes, values = null) {
  here = { base, values, classes: [...classes] };
  showValues();
  draw();
}

// --- The sliders ---

function row(id, name, low, high) {
  const line = make("div.axis", { id });
  line.innerHTML = '<label></label><input type="range" step="any"><input type="number" step="any"><span class="mini"></span>';
  const [slide, box] = line.querySelectorAll("input");
  for (const input of [slide, box]) {
    input.min = low;
    input.max = high;
    input.setAttribute("aria-label", name);
  }
  line.querySelector("label").textContent = name;
  line.querySelector("label").title = name;
  return line;
}

/** Put a value on a row, leaving alone the box that is being typed in. */
function put(line, value) {
  const [slide, box] = line.querySelectorAll("input");
  slide.value = value;
  const low = Number(slide.min), part = (x) => `${(100 * (x - low)) / (Number(slide.max) - low)}%`;
  slide.style.setProperty("--from", part(Math.min(value, 0)));
  slide.style.setProperty("--to", part(Math.max(value, 0)));
  if (box !== document.activeElement) box.value = value.toFixed(2);
  box.removeAttribute("aria-invalid");
}

/** Wire a row: dragging, typing and arrow keys say `change(value)`, double-click says `reset()`. */
function wire(line, change, reset) {
  const [slide, box] = line.querySelectorAll("input");
  const low = Number(slide.min), high = Number(slide.max);
  const hold = (value) => Math.round(Math.min(high, Math.max(low, value)) * 100) / 100;
  slide.addEventListener("input", () => change(hold(Number(slide.value))));
  box.addEventListener("input", () => {
    const value = box.valueAsNumber;
    const fits = value >= low && value <= high;
    box.toggleAttribute("aria-invalid", !fits);
    if (fits) change(hold(value));
    else note(say("latent.range", { low, high }), true);
  });
  for (const done of ["change", "blur"]) box.addEventListener(done, () => {
    if (!Number.isNaN(box.valueAsNumber)) change(hold(box.valueAsNumber));
    requestAnimationFrame(() => showValues(true));
  });
  for (const input of [slide, box]) input.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!way || (input === box && !event.key.endsWith("Up") && !event.key.endsWith("Down"))) return;
    event.preventDefault();
    change(hold(Number(slide.value) + way * STEP));
    box.value = Number(slide.value).toFixed(2);
  });
  line.addEventListener("dblclick", (event) => { if (event.target !== box) reset(); });
}

function buildAxes(found) {
  names = found;
  home = names.map(() => 0);
  const rows = at("axes");
  rows.replaceChildren(...names.map((name, i) => {
    const line = row(`latent-slider-${i}`, name, -REACH, REACH);
    wire(line, (value) => setAxis(i, value), () => setAxis(i, home[i]));
    return line;
  }));
  showCount();
}

function setAxis(i, value) {
  if (!here.values || here.values[i] === value) return;
  if (here.exact) [here.exact, here.values] = [false, here.values.map(rounded)];
  here.values[i] = value;
  put(at(`slider-${i}`), value);
  draw();
}

function buildClasses() {
  at("classes").hidden = !model.classes.length;
  find(".side").classList.toggle("crowded", model.classes.length > 0);
  at("weights").replaceChildren(...model.classes.map((name, i) => {
    const line = row(`latent-class-${i}`, name, 0, 1);
    wire(line, (value) => setClass(i, value), () => oneClass(i));
    line.querySelector("label").addEventListener("click", () => oneClass(i));
    return line;
  }));
}

function setClass(i, value) {
  if (here.classes[i] === value) return;
  here.classes[i] = value;
  put(at(`class-${i}`), value);
  draw();
}

function oneClass(i) {
  here.classes = here.classes.map((_, j) => (i === j ? 1 : 0));
  showValues();
  draw();
}

function showValues(typed = false) {
  if (typed && document.activeElement?.type === "number" && element.contains(document.activeElement)) return;
  here.values?.forEach((value, i) => { const line = at(`slider-${i}`); if (line) put(line, value); });
  here.classes.forEach((value, i) => put(at(`class-${i}`), value));
}

function showCount() {
  const rows = [...at("axes").children];
  rows.forEach((line, i) => { line.hidden = i >= shown; });
  const visible = Math.min(shown, rows.length);
  at("count").textContent = say("latent.count", { n: model.latents, shown: visible });
  at("more").hidden = rows.length <= SHOWN;
  at("more").textContent = visible < rows.length ? say("latent.more", { n: rows.length - visible }) : say("latent.fewer");
}

// --- The small strips beside the sliders ---

let resting = null;

function restStrips() {
  clearTimeout(resting);
  const slow = times.length && times[times.length - 1] > SLOW;
  resting = setTimeout(drawStrips, slow ? 1500 : 250);
}

async function drawStrips() {
  if (busy || !here?.values) return;
  const count = Math.min(shown, here.values.length);
  const answer = await ask("latent_strips", { ...point(), count });
  if (!answer) return;
  for (let i = 0; i < count; i++) {
    const mini = at(`slider-${i}`)?.querySelector(".mini");
    if (!mini) return; // the axes were drawn anew meanwhile
    mini.style.backgroundImage = `url(${answer.image})`;
    cut(mini, i, 1, count);
    mini.style.aspectRatio = `${answer.frames * model.size[1]} / ${model.size[0]}`;
  }
}

// --- Images to start from ---

async function buildWall() {
  const answer = await ask("latent_wall", { ...looking(), source, page });
  if (!answer) return null;
  const pointOf = (i) => ({ base: answer.addresses[i], classes: weightsOf(answer.labels[i]) });
  const sprite = { image: answer.image, n: answer.addresses.length, size: model.size };
  lay(at("wall"), sprite, (i) => pick(pointOf(i)), (i) => say("latent.tile", { n: i + 1 }));
  return { labels: answer.labels, pointOf };
}

const weightsOf = (name) => model.classes.map((_, i) => (i === name ? 1 : 0));

function pick(chosen) {
  if (aim === "show") return move(chosen.base, chosen.classes.length ? chosen.classes : here.classes);
  ends[aim] = chosen;
  takeAim(aim === "start" ? "end" : "start");
  drawWalk();
}

function takeAim(next) {
  aim = next;
  for (const name of ["start", "end", "show"]) at(name).setAttribute("aria-checked", String(name === aim));
}

// --- The walk between two of them ---

let walking = 0;

async function drawWalk() {
  if (!ends.start || !ends.end) return;
  const mine = ++walking;
  const answer = await ask("latent_walk", {
    start: { ...looking(), ...ends.start }, end: { ...looking(), ...ends.end }, path,
  });
  if (!answer || mine !== walking) return;
  const sprite = { image: answer.image, n: answer.frames.length, size: model.size };
  const show = (i) => move(answer.frames[i], answer.classes[i] ?? here.classes);
  lay(at("strip"), sprite, show, (i) => say("latent.frame", { n: i + 1 }));
  at("strip").dataset.path = path;
}

function showChoices() {
  at("source").hidden = !model.encoder;
  for (const [name, value] of [["source", source], ["path", path]]) {
    for (const button of at(name).children) button.setAttribute("aria-checked", String(button.dataset.choice === value));
  }
}

// --- A model is picked ---

function start() {
  return { base: model.start, values: null, classes: weightsOf(3 % model.classes.length) };
}

/** The point that a link opens its model with; null where there is none or it cannot be read. */
async function linked() {
  if (link?.model !== model.model) return null;
  const { z, seed, at, mix } = link, asked = { ...looking(), z, seed, at, mix, class: link.class };
  link = null;
  const answer = [z, seed, at, mix, asked.class].some((part) => part != null) && (await ask("latent_linked", asked));
  return answer ? { ...answer, exact: answer.base.startsWith("z:") } : null;
}

/** Open a model; with `keep`, a newer checkpoint of the same one, and the point on screen stays. */
async function open(name, keep = false) {
  generation += 1;
  if (!name) return note(say("latent.empty"));
  const opened = await ask("latent_open", name);
  if (!opened) return;
  note("");
  model = opened;
  if (keep) return refresh();
  const mine = generation, wanted = await linked();
  if (mine !== generation) return;
  [here, names, shown, source] = [wanted ?? start(), [], SHOWN, model.encoder ? "test" : "prior"];
  for (const part of ["axes", "wall", "strip"]) at(part).replaceChildren();
  at("more").hidden = true;
  at("size").textContent = model.points ? say("latent.plane") : `${model.size[1]} × ${model.size[0]}`;
  element.classList.toggle("of-points", model.points);
  at("image").style.aspectRatio = `${model.size[1]} / ${model.size[0]}`;
  at("title").textContent = say(model.latents > SHOWN ? "latent.axes" : "latent.axes.few");
  buildClasses();
  showValues();
  await draw();
  await Promise.all([learn(), startWalk()]);
}

/** The same point through newer weights; axes that changed their order take their values along. */
async function refresh() {
  if (here.base.startsWith("walk")) here.base = model.home;
  const before = Object.fromEntries(names.map((name, i) => [name, here.values?.[i]]));
  const answer = await ask("latent_axes", { ...point(), values: null });
  if (!answer) return;
  const known = here.values && answer.names.every((name) => name in before);
  if (names.join() !== answer.names.join()) buildAxes(answer.names);
  here.values = known && !here.exact ? answer.names.map((name) => before[name]) : answer.values.map(rounded);
  showValues();
  await draw();
  await buildWall();
  await drawWalk();
}

/** The first walk: from a 3 to an 8 where there are such, else between the first two images. */
async function startWalk() {
  showChoices();
  let found = await buildWall();
  if (!found && source === "test") {
    source = "prior";
    showChoices();
    found = await buildWall();
  }
  if (!found) return;
  const { labels, pointOf } = found;
  const at = (wanted, otherwise) => pointOf(Math.max(labels.lastIndexOf(wanted), 0) || otherwise);
  ends = { start: at(3, 0), end: at(8, 1) };
  takeAim("show");
  await drawWalk();
}

at("random").addEventListener("click", () => {
  if (model) move(`prior:${Math.floor(Math.random() * 1e9)}`);
});
at("reset").addEventListener("click", () => {
  if (!model) return;
  move(model.home, weightsOf(3 % model.classes.length), model.home === "zero" && names.length ? names.map(() => 0) : null);
});
at("save").addEventListener("click", () => {
  const image = at("image").querySelector("img").src;
  if (image) genlab.save(`${model.model}.png`, image.split(",")[1]);
});
find(".copy-link").addEventListener("click", async () => {
  if (!here) return;
  const query = await ask("latent_link", point());
  if (!query) return;
  if (query.z) here = { base: `z:${query.z}`, values: null, classes: here.classes, exact: true }; // the picture of the link itself
  await draw();
  genlab.copyLink(find(".copy-link"), query);
});
at("more").addEventListener("click", () => {
  shown = shown < names.length ? names.length : SHOWN;
  showCount();
  restStrips();
});
at("path").addEventListener("click", (event) => {
  path = event.target.dataset.choice ?? path;
  showChoices();
  drawWalk();
});
at("source").addEventListener("click", (event) => {
  source = event.target.dataset.choice ?? source;
  page = 0;
  showChoices();
  buildWall();
});
at("page").addEventListener("click", () => { page += 1; buildWall(); });
for (const name of ["start", "end", "show"]) at(name).addEventListener("click", () => takeAim(name));

listen("model", (name) => { if (name !== model?.model) open(name); });
listen("status", (status) => {
  const newer = model && status.model === model.model && status.version && status.version !== model.version;
  if (newer) open(model.model, true);
});
