// The Latent space tab: the picture follows the sliders, one request at a time, and the last position always wins.

import { copyLink, follow, modelNow, openedWith, PATIENCE, tabNow } from "../../kit/address.js";
import { make, save, wait } from "../../kit/parts.js";
import { cut } from "../../kit/tiles.js";
import { listen, recall, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { called, put, REACH, rounded, row } from "./axes.js";
import { startDirections } from "./directions.js";
import { startEncoding } from "./encode.js";
import { startMap } from "./manifold.js";
import { startPad } from "./pad.js";
import { startWalk } from "./walk.js";
import { startWhy } from "./why.js";

const SHOWN = 12, STEP = 0.05, SLOW = 150;

const LONG = ["latent_axes", "latent_map", "latent_scatter", "latent_walk", "latent_mix", "latent_export", "latent_factors", "latent_direction"]; // take minutes

const LANES = 4;

const LOCK = '<button class="lock" type="button"><svg viewBox="0 0 12 14" aria-hidden="true"><rect x="1" y="6" width="10" height="7" rx="1.5"/><path d="M3.5 6V4a2.5 2.5 0 0 1 5 0v2" fill="none"/></svg></button>';

const POINT = ["z", "seed", "start", "at", "truncation", "mix", "class"]; // the parts of an address that tell it

export function start(card) {
  const { element, find, server } = card;
  const at = (id) => find(`#latent-${id}`);

  card.model = null; // what the server told of the model that is looked at
  card.generation = 0; // grows with every model; late answers of an earlier one are dropped
  card.here = null; // the point on screen: base, values (null until known), classes; exact while the base alone says where
  let unread = ""; // why the link could not be opened, until one goes elsewhere
  let opening = false; // whether a model, or newer weights of it, are on their way
  let wished, failed = false, lost = false; // the model that was picked last; whether it did not open; whether an answer did not come, so that one asks for all again
  card.link = openedWith.tab === "latent" ? openedWith : null; // the view to open the next model with
  card.names = []; // of the axes
  let home = []; // the values that a reset axis goes back to
  let shown = SHOWN;
  [card.offsets, card.truncation] = [{}, 1]; // how far along each saved direction, and from the middle
  [card.locks, card.lockedAt] = [new Set(), []]; // axes that no base moves, and where they were when set by hand

  /** What of a view is more than the defaults; it is laid over every base. */
  function view() {
    const moved = Object.entries(card.offsets).filter(([, value]) => value);
    const held = (card.here.exact || !card.here.values) && !card.here.base.startsWith("kept:"); // what was made on purpose stays as it was made
    return {
      ...(moved.length && { offsets: Object.fromEntries(moved) }),
      ...(card.locks.size && held && { locked: card.names.map((_, i) => (card.locks.has(i) ? card.lockedAt[i] : null)) }),
      ...(card.truncation !== 1 && { truncation: card.truncation }),
    };
  }
  const whenLeft = [], whenOpened = [], whenRefreshed = [], whenResting = []; // what the scripts of the other cards do then

  label(element);
  element.addEventListener("click", (event) => {
    if (event.target.closest("#latent-texts")) return document.getElementById("tab-sample").click();
    const again = event.target.closest("#latent-again");
    if (card.model && !failed && !again) return;
    event.stopPropagation();
    if (wished && (again || event.target.closest("#latent-random"))) open(wished);
  }, true);

  // --- Asking ---

  /** `{ answer }`, or the `error` that the server refuses with, or that it is `lost`; nothing where another model was picked meanwhile. */
  async function question(name, data) {
    const asked = card.generation;
    const patience = PATIENCE.answer * (LONG.includes(name) ? 20 : 1);
    const answer = await inTime(server[name](data), patience).catch(() => null);
    if (asked !== card.generation) return {};
    if (answer) return answer.error ? { error: answer.error, about: answer.about } : { answer };
    if (!lost) setTimeout(heal, PATIENCE.again);
    lost = true;
    return { error: say("page.lost"), lost };
  }

  /** What the server answers; null where there is none, which `tellFault` says, and where another model was picked meanwhile. */
  async function ask(name, data, tellFault = (fault) => note(fault, true)) {
    const { answer, error, about } = await question(name, data);
    if (error) tellFault(error, about);
    return answer ?? null;
  }

  const looking = () => ({ model: card.model.model, version: card.model.version });
  const point = () => structuredClone({ ...looking(), base: card.here.base, values: card.here.exact ? null : card.here.values, classes: card.here.classes, ...view() });

  function note(text, fault = false) {
    at("note").textContent = text;
    at("note").classList.toggle("fault", fault);
  }

  // --- The picture ---

  const times = [], gaps = [];
  let pace = 0, work = 0, lastPaint = 0; // milliseconds of an answer, of the model's part in it, of the clock
  let lane = { flying: 0 }; // the questions of this model that are on their way; those of earlier ones hold nobody up
  let dirty = false, lastAsked = 0, later = null;
  let turn = 0, painted = 0; // of questions: only answers newer than the one on screen are shown
  let rough = false; // whether a rough picture is on screen

  /** How many questions may be on their way at once: more than one only where the link, not the model, takes the time. */
  const lanes = () => Math.min(LANES, Math.max(1, Math.floor(pace / Math.max(2 * work, 40))));

  /** Ask for the picture of the point on screen; while enough are on their way, only the latest wish is remembered. */
  async function showPoint() {
    dirty = true;
    const mine = lane;
    if (mine.flying >= lanes()) return;
    const wait = mine.flying ? lastAsked + pace / lanes() - performance.now() : 0; // evenly, so that the last wish waits little
    clearTimeout(later);
    if (wait > 0) return (later = setTimeout(() => dirty && showPoint(), wait));
    mine.flying += 1;
    while (dirty && card.here && mine === lane && !failed) {
      dirty = false;
      await askPicture(!card.model.quick);
    }
    mine.flying -= 1;
    if (mine !== lane || mine.flying) return;
    if (rough) refine();
    else rest();
  }

  /** Replace a rough picture by a good one; a newer wish may overtake it. */
  async function refine() {
    const mine = lane;
    if (mine.refining) return;
    mine.refining = true;
    while (rough && mine === lane && !mine.flying && !failed) await askPicture(false);
    mine.refining = false;
    if (mine === lane && !mine.flying) rest();
  }

  /** Ask once and show the answer, unless a newer one is there. */
  async function askPicture(coarse) {
    const mine = ++turn, started = performance.now(), asked = { ...point(), coarse };
    lastAsked = started;
    const answer = await ask("latent_decode", asked);
    if (!answer || failed) return (rough = false);
    if (mine < painted) return;
    [painted, rough] = [mine, coarse];
    await paint(answer, asked);
    work = answer.ms;
    if (coarse === !card.model.quick) measure(performance.now() - started);
    if (answer.values) adopt(answer.values, asked.base);
    else if (!asked.values && !card.here.values) learn();
    offerAgain();
  }

  async function paint(answer, asked) {
    const picture = at("image"), image = picture.querySelector("img");
    image.src = answer.image;
    await inTime(image.decode(), 1000).catch(() => {}); // a page that is not seen may never decode it
    if (failed) return;
    if (asked.base === card.here.base) at("ahead").hidden = true;
    picture.dataset.model = asked.model;
    picture.dataset.values = JSON.stringify(asked.values ?? card.here.values ?? []);
    picture.dataset.classes = JSON.stringify(asked.classes);
    picture.dataset.offsets = JSON.stringify(asked.offsets ?? {});
    picture.dataset.truncation = asked.truncation ?? 1;
    picture.dataset.latent = JSON.stringify(answer.latent ?? []);
    picture.dataset.base = asked.base;
    picture.toggleAttribute("data-rough", asked.coarse);
    const passing = at("note").classList.contains("fault") || at("note").textContent === say("latent.first");
    if (unread || (passing && !lost)) note(unread, Boolean(unread));
  }

  /** Learn the axes and where the point lies along them; for some models this takes seconds the first time. */
  async function learn() {
    const { base } = card.here;
    if (!element.querySelector(".axis[id^=latent-slider]")) wait(at("count"), say("latent.finding"));
    const answer = await ask("latent_axes", point());
    if (!answer) return;
    if (card.names.join() !== answer.names.join()) buildAxes(answer.names);
    adopt(answer.values, base);
    offerAgain();
  }

  /** Take over coordinates that the server worked out; they are shown in hundredths, so hundredths are drawn. */
  function adopt(values, base) {
    if (card.here.base !== base || card.here.values || values.length !== card.names.length) return;
    if (card.here.exact) return settle(values);
    card.here.values = values.map(rounded);
    if (base === card.model.home) home = [...card.here.values];
    showValues();
    showPoint();
  }

  /** Show the coordinates of a point that is drawn from its own latent, as a link has it. */
  function settle(values) {
    card.here.values = values;
    at("image").dataset.values = JSON.stringify(values);
    showValues();
  }

  function measure(ms) {
    remember(times, ms);
    pace = middle(times);
    at("image").dataset.ms = ms.toFixed(1);
    beat();
  }

  let telling = null;

  /** Count a frame; the figures on screen follow four times a second, so that they cost the frames nothing. */
  function beat() {
    const now = performance.now();
    if (now - lastPaint < 500) remember(gaps, now - lastPaint);
    lastPaint = now;
    telling ??= setTimeout(tellPace, 250);
  }

  function tellPace() {
    telling = null;
    tell("frame", pace);
    at("ms").textContent = gaps.length > 4 ? say("latent.pace", { ms: pace.toFixed(0), fps: (1000 / middle(gaps)).toFixed(0) }) : say("latent.ms", { ms: pace.toFixed(0) });
  }

  /** Go to another point; one that is `exact` is drawn from its own latent, and the sliders only show where it lies. */
  function move(base, classes = card.here.classes, values = null, exact = false) {
    unread = "";
    if (base.startsWith("kept:")) resetView(); // such a latent holds all that a view would add
    card.here = { base, values, classes: [...classes], exact };
    showValues();
    showPoint();
  }

  function resetView() {
    for (const name in card.offsets) card.offsets[name] = 0;
    card.truncation = 1;
  }

  // --- The sliders ---

  /** Wire a row: dragging, typing and arrow keys say `change(value)`, double-click says `reset()`. */
  function wire(line, change, reset) {
    const [slide, box] = line.querySelectorAll("input");
    const low = Number(slide.min), high = Number(slide.max);
    const hold = (value) => Math.round(Math.min(high, Math.max(low, value)) * 100) / 100;
    slide.addEventListener("input", () => change(hold(Number(slide.value))));
    box.addEventListener("input", () => {
      const value = box.valueAsNumber;
      const fits = value >= low && value <= high;
      fits ? box.removeAttribute("aria-invalid") : box.setAttribute("aria-invalid", "true");
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
    const held = [...card.locks].map((i) => [found.indexOf(card.names[i]), card.lockedAt[i]]).filter(([i]) => i >= 0); // they may stand elsewhere now
    [card.names, card.lockedAt] = [found, []];
    card.locks = new Set(held.map(([i]) => i));
    for (const [i, value] of held) card.lockedAt[i] = value;
    home = card.names.map(() => 0);
    const rows = at("axes");
    rows.replaceChildren(...card.names.map((name, i) => {
      const line = row(`latent-slider-${i}`, called(name), -REACH, REACH, LOCK), lock = line.querySelector(".lock");
      const own = /^[zd]\d+$/.exec(name);
      if (own) [line.querySelector("label").textContent, line.querySelector("label").title] = [name.slice(1), say(`latent.axis_${name[0]}_why`, { n: name.slice(1) })];
      lock.title = say("latent.lock", { name: called(name) });
      lock.setAttribute("aria-label", lock.title);
      lock.setAttribute("aria-pressed", String(card.locks.has(i)));
      lock.addEventListener("click", () => lockAxis(i, lock));
      wire(line, (value) => setAxis(i, value), () => setAxis(i, home[i]));
      return line;
    }));
    showCount();
  }

  function setAxis(i, value) {
    if (!card.here.values || card.here.values[i] === value) return;
    if (card.here.exact) [card.here.exact, card.here.values] = [false, card.here.values.map(rounded)];
    card.here.values[i] = card.lockedAt[i] = value;
    put(at(`slider-${i}`), value);
    showPoint();
  }

  /** Hold an axis where it is, whatever is random or reset, or let it go. */
  function lockAxis(i, button) {
    if (!card.here.values) return;
    card.locks.has(i) ? card.locks.delete(i) : card.locks.add(i);
    card.lockedAt[i] = card.here.values[i];
    button.setAttribute("aria-pressed", String(card.locks.has(i)));
  }

  /** Another scale of all latents: below 1 safer and less varied. */
  function setTruncation(value) {
    card.truncation = value;
    put(at("truncation"), value);
    showPoint();
  }

  function buildTruncation() {
    const line = row("latent-truncation", say("latent.truncation"), 0, 2);
    line.querySelector("label").title = say("latent.truncation_why");
    wire(line, setTruncation, () => setTruncation(1));
    at("scale").replaceChildren(line);
  }

  function buildClasses() {
    at("classes").hidden = !card.model.classes.length;
    at("weights").replaceChildren(...card.model.classes.map((name, i) => {
      const line = row(`latent-class-${i}`, name, 0, 1);
      wire(line, (value) => setClass(i, value), () => oneClass(i));
      line.querySelector("label").addEventListener("click", () => oneClass(i));
      return line;
    }));
  }

  function setClass(i, value) {
    if (card.here.classes[i] === value) return;
    card.here.classes[i] = value;
    put(at(`class-${i}`), value);
    showPoint();
  }

  function oneClass(i) {
    card.here.classes = card.here.classes.map((_, j) => (i === j ? 1 : 0));
    showValues();
    showPoint();
  }

  function showValues(typed = false) {
    if (typed && document.activeElement?.type === "number" && element.contains(document.activeElement)) return;
    card.here.values?.forEach((value, i) => { const line = at(`slider-${i}`); if (line) put(line, value); });
    card.here.classes.forEach((value, i) => put(at(`class-${i}`), value));
    if (at("truncation")) put(at("truncation"), card.truncation);
    card.showOffsets();
  }

  function showCount() {
    const rows = [...at("axes").children];
    rows.forEach((line, i) => { line.hidden = i >= shown; });
    const visible = Math.min(shown, rows.length);
    at("count").textContent = say("latent.count", { n: card.model.latents, shown: visible });
    at("more").hidden = rows.length <= SHOWN;
    at("more").textContent = visible < rows.length ? say("latent.more", { n: rows.length - visible }) : say("latent.fewer");
  }

  // --- The small strips beside the sliders ---

  let resting = null;

  /** When nothing moves for a while, do what takes longer; a movement comes first. */
  function rest() {
    placeSoon();
    clearTimeout(resting);
    const slow = work > SLOW;
    resting = setTimeout(async () => {
      for (const task of [drawStrips, ...whenResting]) if (!lane.flying && card.here?.values && !failed) await task();
    }, slow ? 1500 : 250);
  }

  async function drawStrips() {
    const count = Math.min(shown, card.here.values.length);
    const lines = [...Array(count).keys()].map((i) => `slider-${i}`).concat(card.saved.map((_, i) => `direction-${i}`));
    const answer = await ask("latent_strips", { ...point(), count, directions: card.saved.map((one) => one.name) });
    if (!answer) return;
    for (const [i, line] of lines.entries()) {
      const mini = at(line)?.querySelector(".mini");
      if (!mini) return; // the axes were drawn anew meanwhile
      mini.style.backgroundImage = `url(${answer.image})`;
      cut(mini, i, 1, lines.length);
      mini.style.aspectRatio = `${answer.frames * card.model.size[1]} / ${card.model.size[0]}`;
    }
  }

  // --- The address keeps the point on screen ---

  let touched = false; // whether a hand was on this model; what it opens with needs no address
  let placed = {}; // the point that the address tells: its parts, and as it is asked for
  let placing = null;

  for (const kind of ["input", "click", "pointerup", "keydown"]) element.addEventListener(kind, () => (touched = true), true);
  listen("tab", () => looked() && placeSoon());

  function placeSoon() {
    clearTimeout(placing);
    placing = setTimeout(place, 500);
  }

  const notePlace = (parts) => (placed = { parts: JSON.stringify(partsOf(parts)), point: JSON.stringify(point()) });

  /** The address of the view on screen. */
  async function address(tellFault) {
    const query = await ask("latent_link", point(), tellFault);
    return query && { ...query, ...(card.partShown() === "between" ? {} : { part: card.partShown() }) };
  }

  /** When the hand rests, let the address tell where one is; what is too large for an address is left out. */
  async function place() {
    const elsewhere = () => !looked() || modelNow() !== card.model.model; // one went back or forth meanwhile
    if (!touched || !card.here || failed || opening || lane.flying || elsewhere()) return;
    const asked = JSON.stringify(point());
    const found = await address(() => {});
    if (!found || asked !== JSON.stringify(point()) || elsewhere()) return;
    const { tab, model: name, ...view } = found;
    follow({ tab, model: name }, { view });
    notePlace(view);
  }

  /** Go back or forth to the point that an address tells, unless it is on screen. */
  async function visit(parts) {
    if ((parts.tab ?? "latent") !== "latent") return;
    card.link = parts;
    if (opening || failed || parts.model !== card.model?.model) return; // it is opened with the model
    const linked = linkTo(card.model), mine = (visits += 1);
    card.link = null;
    if (!linked || (placed.parts === JSON.stringify(partsOf(parts)) && placed.point === JSON.stringify(point()))) return;
    const place = await ask("latent_linked", linked);
    if (!place || mine !== visits) return;
    card.locks.clear();
    for (const lock of element.querySelectorAll(".lock")) lock.setAttribute("aria-pressed", "false");
    resetView();
    card.truncation = place.truncation ?? 1;
    move(place.base, place.classes, place.values, place.values === null);
    notePlace(parts);
  }

  let visits = 0;
  listen("visit", visit);

  // --- A model is picked ---

  /** The weights of the classes where one counts alone. */
  const weightsOf = (name) => card.model.classes.map((_, i) => (i === name ? 1 : 0));

  function beginning() {
    return { base: card.model.start, values: null, classes: weightsOf(3 % card.model.classes.length) };
  }

  // Opening ends in a picture, or in a sentence and a way on: asked for the model and for the point of a link to it, the server
  // answers, refuses, or is lost. What is refused is told, with a button that asks again; what is lost is asked for again by itself.

  /** What is asked of the server for the point that a link opens a model with; null where the link is not one to it. */
  function linkTo({ model, version }) {
    if (card.link?.model !== model) return null;
    const known = partsOf(card.link);
    return Object.keys(known).length ? { model, version, ...known } : null;
  }

  /** Open a model; with `keep`, a newer checkpoint of the same one, and the point on screen stays. */
  async function open(name, keep = false) {
    const mine = (card.generation += 1);
    [wished, lost, opening] = [name, false, Boolean(name)];
    if (!name) return note(say("latent.empty"));
    at("again").hidden = true;
    if (!keep) {
      at("axes").inert = true; // the sliders of the one that is left
      wait(at("note"), say("latent.opening", { name }));
    }
    const opened = await question("latent_open", name);
    const none = opened.answer?.none; // why a model has nothing to walk through
    const writer = opened.answer?.writes ? name : null;
    if (none) Object.assign(opened, { error: none, answer: undefined });
    const linked = opened.answer && !keep ? linkTo(opened.answer) : null;
    const place = linked ? await question("latent_linked", linked) : {};
    if (mine !== card.generation) return; // another one is on its way
    [opening, at("axes").inert] = [false, false];
    element.classList.toggle("without", Boolean(none));
    tell("writer", writer);
    if (opened.error && keep) return note(opened.error, true), offerAgain();
    if (opened.error || place.lost) return fail(opened.error ?? place.error);
    [card.model, unread, lane, rough, failed] = [opened.answer, place.error ?? "", { flying: 0 }, false, false];
    if (keep) return refresh();
    card.link = null;
    touched = false;
    show(place.answer ? { ...place.answer, exact: place.answer.values === null } : null);
    if (place.answer) notePlace(linked);
    await showPoint();
    if (mine !== card.generation) return;
    await Promise.all([learn().then(offerAgain), ...whenOpened.map((task) => task())]);
  }

  /** Let a button ask again for a model whose picture or sliders were refused; while one opens, nothing is known of it yet. */
  function offerAgain() {
    if (!opening) at("again").hidden = !failed && at("image").dataset.model === card.model.model && card.names.length > 0;
  }

  /** Say why a model does not open; the stage is empty then, and a button asks again. */
  function fail(sentence) {
    failed = true;
    if (card.model) for (const task of whenLeft) task();
    for (const part of ["axes", "saved", "weights", "scale"]) at(part).replaceChildren();
    at("image").querySelector("img").removeAttribute("src");
    for (const part of ["size", "ms", "count"]) at(part).textContent = "";
    delete at("image").dataset.model;
    at("again").hidden = false;
    note(sentence, true);
  }

  /** Ask for all again after an answer did not come. */
  function heal() {
    if (lost && !opening && wished) open(wished, !failed && card.model?.model === wished);
  }

  /** Set the stage for the model that was opened, at a point or where it starts. */
  function show(wanted) {
    for (const task of whenLeft) task();
    note(unread, Boolean(unread));
    if (!unread) wait(at("note"), say("latent.first"));
    [card.here, card.names, shown, card.offsets, card.truncation, card.lockedAt] = [wanted ?? beginning(), [], SHOWN, {}, wanted?.truncation ?? 1, []];
    card.locks.clear();
    card.saved = [];
    for (const numbers of [times, gaps]) numbers.length = 0;
    pace = 0;
    for (const part of ["axes", "saved"]) at(part).replaceChildren();
    at("more").hidden = true;
    at("size").textContent = card.model.together ? say("latent.plane") : `${card.model.size[1]} × ${card.model.size[0]}`;
    at("about").textContent = card.model.about;
    element.classList.toggle("of-points", card.model.together);
    at("image").style.aspectRatio = `${card.model.size[1]} / ${card.model.size[0]}`;
    at("title").textContent = say(card.model.latents > SHOWN ? "latent.axes" : "latent.axes.few");
    buildClasses();
    buildTruncation();
    showValues();
  }

  /** The same point through newer weights; axes that changed their order take their values along. */
  async function refresh() {
    if (card.here.base.startsWith("kept")) card.here.base = card.model.home;
    if (!card.names.length) await showPoint(); // there was none yet, and the axes may take long
    const asked = card.here.base, answer = await ask("latent_axes", { ...point(), values: null, locked: [] });
    if (!answer) return offerAgain();
    const now = Object.fromEntries(card.names.map((name, i) => [name, card.here.values?.[i]])); // one may have moved meanwhile
    const known = card.here.values && answer.names.every((name) => name in now);
    if (card.names.join() !== answer.names.join()) buildAxes(answer.names);
    if (card.here.exact || (card.here.base !== asked && !known)) card.here.values = null;
    else card.here.values = known ? answer.names.map((name) => now[name]) : answer.values.map(rounded);
    showValues();
    await showPoint();
    offerAgain();
    for (const task of whenRefreshed) await task();
  }

  at("random").addEventListener("click", () => {
    if (card.model) move(`prior:${Math.floor(Math.random() * 1e9)}`);
  });
  at("reset").addEventListener("click", () => {
    if (!card.model) return;
    resetView();
    const middle = card.model.home === "zero" && card.names.length > 0;
    move(card.model.home, weightsOf(3 % card.model.classes.length), middle ? card.names.map((_, i) => (card.locks.has(i) ? card.lockedAt[i] : 0)) : null);
  });
  at("save").addEventListener("click", () => {
    const image = at("image").querySelector("img").src;
    if (image) save(`${card.model.model}.png`, image.split(",")[1]);
  });
  find(".copy-link").addEventListener("click", async () => {
    const query = card.here && (await address());
    if (query) copyLink(find(".copy-link"), query);
  });
  at("more").addEventListener("click", () => {
    shown = shown < card.names.length ? card.names.length : SHOWN;
    showCount();
    rest();
  });

  /** Open what is picked as soon as this tab is looked at: to open a model is much work for the server. */
  function openSeen() {
    const picked = recall("model");
    if (looked() && picked !== wished) open(picked);
  }

  for (const topic of ["model", "tab"]) listen(topic, openSeen);
  listen("fetched", () => { if (card.model?.lacking && !failed) open(card.model.model, true); });
  listen("status", (status) => {
    const newer = card.model && !failed && status.model === card.model.model && status.version && status.version !== card.model.version;
    if (newer && looked() && !opening) open(card.model.model, true);
  });

  Object.assign(card, { ask, at, beat, looking, move, point, rest, setAxis, showPoint, weightsOf, whenLeft, whenOpened, whenRefreshed, whenResting, wire });
  for (const startPart of [startPad, startWalk, startEncoding, startMap, startDirections, startWhy]) startPart(card);
}

/** Whether this tab is looked at. */
const looked = () => tabNow() === "latent";

/** What comes of a promise; a fault where it does not come in time. */
function inTime(promise, patience) {
  return Promise.race([promise, new Promise((_, lose) => setTimeout(lose, patience))]);
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

function remember(numbers, latest) {
  numbers.push(latest);
  if (numbers.length > 15) numbers.shift();
}

const partsOf = (parts) => Object.fromEntries(POINT.filter((part) => parts[part] != null).map((part) => [part, parts[part]]));
