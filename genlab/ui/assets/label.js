// Labelling: images are chosen in the gallery or by the map's lasso and given a class by click or key; kept, they are a step.

const bar = find(".labelling");
const drafts = new Map(); // dataset → what was given there and is not kept yet: part → id → class, "" for none
let labelling = false;
let part = "train"; // that the gallery shows
let picked = new Set(); // ids
let last = null; // the one from which a stretch is chosen
let classes = []; // of the data, then those that were made here
let made = []; // the latter
let source = ""; // of the dataset for which they were made

function startLabelling() {
  find(".to-label").addEventListener("click", toggleLabelling);
  bar.querySelector(".all").addEventListener("click", () => { tiles().forEach((tile) => picked.add(idOf(tile))); showLabels(); });
  bar.querySelector(".keep").addEventListener("click", keepLabels);
  bar.querySelector(".forget").addEventListener("click", () => { drafts.delete(shown.dataset); showLabels(); });
  document.addEventListener("keydown", labelByKey);
}

const tiles = () => [...wall.querySelectorAll(".tile")];
const idOf = (tile) => Number(tile.dataset.id);

/** What was given in the part that is shown. */
function given() {
  if (!drafts.has(shown.dataset)) drafts.set(shown.dataset, { train: new Map(), validation: new Map(), test: new Map() });
  return drafts.get(shown.dataset)[shown.part];
}

/** The ids that need not be shown again, as they were given a class. */
const done = () => (labelling ? [...(drafts.get(dataset)?.[part].keys() ?? [])] : []);

function toggleLabelling() {
  labelling = !labelling;
  find(".to-label").setAttribute("aria-expanded", String(labelling));
  if (!labelling && part !== "train") return showPart("train"); // which is what one looks at
  if (!shown) return;
  openLabels();
  showLabels();
}

/** Know the classes and parts of what the gallery shows now; what the lasso encloses is chosen. */
function openLabels() {
  const { parts, chosen } = shown;
  if (dataset.split("+")[0] !== source) [source, made] = [dataset.split("+")[0], []];
  const drafted = Object.values(drafts.get(shown.dataset) ?? {}).flatMap((ids) => [...ids.values()]);
  made = [...new Set([...made, ...drafted])].filter((name) => name && !shown.classes.includes(name));
  classes = [...shown.classes, ...made];
  picked = new Set(labelling ? chosen : []);
  bar.hidden = !labelling;
  const holder = bar.querySelector(".either");
  holder.hidden = parts.length < 2;
  holder.replaceChildren(...parts.map((name) => make("button", { type: "button", role: "radio", "aria-checked": String(name === shown.part), onclick: () => showPart(name) }, say(`data.part_${name}`))));
}

function showPart(name) {
  if (rows) tell("let go"); // the map is of the training part
  [part, rows] = [name, undefined];
  load(dataset, seed);
}

/** Choose an image, or let it go; with Shift all from the last one on. */
function pick(id, { shiftKey }) {
  const ids = tiles().map(idOf), stretch = [ids.indexOf(last), ids.indexOf(id)].sort((a, b) => a - b);
  if (shiftKey && stretch[0] >= 0) ids.slice(stretch[0], stretch[1] + 1).forEach((other) => picked.add(other));
  else picked.has(id) ? picked.delete(id) : picked.add(id);
  last = id;
  showLabels();
}

/** Give what is chosen a class, "" for none; undefined forgets what was given. */
function give(name) {
  for (const id of picked) name === undefined ? given().delete(id) : given().set(id, name);
  picked = new Set();
  showLabels();
}

async function addClass(event) {
  event.preventDefault();
  const field = event.target.querySelector("input"), answer = await answerOf(server.may_be_class({ word: field.value }));
  tellFault(answer.error);
  if (answer.error) return;
  field.value = "";
  if (!classes.includes(answer.name)) [made, classes] = [[...made, answer.name], [...classes, answer.name]];
  give(answer.name);
  bar.querySelector(".classes input").focus();
}

function labelByKey(event) {
  const tile = tiles().indexOf(event.target);
  if (event.target.matches("input, select, textarea") || event.altKey || !wall.checkVisibility()) return;
  const by = tile >= 0 && { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across() }[event.key];
  if (by) {
    const next = tiles()[tile + by];
    event.preventDefault();
    next?.focus();
    if (next && labelling && event.shiftKey) [tile, tile + by].forEach((i) => picked.add(idOf(tiles()[i]))), showLabels();
  } else if (labelling) decideByKey(event, tile);
}

function decideByKey(event, tile) {
  const all = (event.ctrlKey || event.metaKey) && event.key === "a" && tile >= 0;
  const name = { 0: "", Backspace: undefined }[event.key] ?? classes[event.key - 1];
  if (all) tiles().forEach((other) => picked.add(idOf(other)));
  else if (event.key === "Escape") picked = new Set();
  else if (event.ctrlKey || event.metaKey || (name === undefined && event.key !== "Backspace")) return;
  if (!all && !picked.size && tile >= 0 && event.key !== "Escape") picked.add(idOf(tiles()[tile])); // the one in hand
  event.preventDefault();
  all || event.key === "Escape" ? showLabels() : give(name);
}

/** How many tiles stand in a line. */
const across = () => getComputedStyle(wall.querySelector(".tiles")).gridTemplateColumns.split(" ").length;

// --- What is seen of it ---

function showLabels() {
  if (!shown) return;
  for (const tile of tiles()) {
    const name = labelling ? given().get(idOf(tile)) : undefined, k = classes.indexOf(name);
    tile.dataset.label ??= tile.getAttribute("aria-label");
    tile.setAttribute("aria-label", name === undefined ? tile.dataset.label : say("label.to", { label: tile.dataset.label, name: name || say("data.no_label") }));
    labelling ? tile.setAttribute("aria-pressed", String(picked.has(idOf(tile)))) : tile.removeAttribute("aria-pressed");
    name === undefined ? delete tile.dataset.given : (tile.dataset.given = k < 0 ? "–" : k < 9 ? k + 1 : name[0]);
    tile.style.setProperty("--class", k < 0 ? "#2b3036" : colourOf(k));
  }
  if (!labelling) return;
  showClasses();
  const n = Object.values(drafts.get(shown.dataset)).reduce((sum, ids) => sum + ids.size, 0);
  bar.querySelector(".picked").textContent = say(picked.size ? "label.picked" : "label.none", { n: count(picked.size) });
  bar.querySelector(".keep").textContent = say("label.keep", { n: count(n) });
  bar.querySelector(".buttons").hidden = !n;
}

function showClasses() {
  const counts = new Map();
  for (const name of given().values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const chip = (name, k) => make(
    "button.class.link",
    { type: "button", disabled: !picked.size, onclick: () => give(name) },
    make("kbd", { style: name && `--class:${colourOf(k)}` }, k < 9 ? String(k + 1) : ""),
    name || say("data.no_label"),
    counts.has(name) ? make("span.n", {}, `+${count(counts.get(name))}`) : null
  );
  const input = make("input", { type: "text", maxlength: 60, required: true, autocomplete: "off", placeholder: say("label.new"), "aria-label": say("label.new"), value: bar.querySelector(".classes input")?.value ?? "" });
  bar.querySelector(".classes").replaceChildren(...classes.map(chip), ...(shown.classes.length ? [chip("", -1)] : []), make("form.new", { onsubmit: addClass }, input, make("button", { type: "submit" }, say("label.add"))));
}

function tellFault(sentence = "") {
  bar.querySelector(".fault").textContent = sentence;
  bar.querySelector(".fault").hidden = !sentence;
}

// --- Keep ---

function keepLabels() {
  const of = shown.dataset, button = bar.querySelector(".keep");
  const named = (ids) => ["", ...classes].map((name) => ({ name, ids: [...ids.keys()].filter((id) => ids.get(id) === name) }));
  const all = Object.entries(drafts.get(of)).map(([part, ids]) => [part, named(ids).filter(({ ids }) => ids.length)]);
  button.disabled = true;
  tell("label", {
    of,
    given: Object.fromEntries(all),
    told: (sentence) => {
      button.disabled = false;
      tellFault(sentence);
      if (!sentence) drafts.delete(of); // the gallery comes anew
    },
  });
}
