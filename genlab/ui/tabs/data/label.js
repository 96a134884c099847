// Labelling: images are chosen in the gallery or by the map's lasso and given a class by click or key; kept, they are a step.
// Until then this tab of the browser keeps what was given, so that a reload loses nothing of it.

import { keep, kept } from "../../kit/forms.js";
import { colourOf, count } from "../../kit/numbers.js";
import { answerOf, make } from "../../kit/parts.js";
import { tell } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

const WAYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

export function startLabelling(card) {
  const { find, server, load, wall } = card;
  const bar = find(".labelling");
  const left = kept("labels") ?? {}; // as the page was left
  const drafts = new Map(left.drafts?.map(([data, parts]) => [data, partsWith(parts)])); // data → what was given there and is not kept yet: part → id → class, "" for none
  card.labelling = left.labelling ?? false;
  card.part = left.part ?? "train"; // that the gallery shows
  let picked = new Set(); // ids
  let stretch = {}; // what is chosen at once: `from` an id `to` another, `beside` what was before
  let classes = []; // of the data, then those that were made here
  let made = left.made ?? []; // the latter
  let source = left.source ?? ""; // of the dataset for which they were made

  find(".to-label").setAttribute("aria-expanded", String(card.labelling));
  wall.addEventListener("focusin", ({ target }) => target.matches(".tile") && stopAt(target));
  find(".to-label").addEventListener("click", toggleLabelling);
  bar.querySelector(".all").addEventListener("click", () => chooseOnly(withAll()));
  bar.querySelector(".keep").addEventListener("click", keepLabels);
  bar.querySelector(".forget").addEventListener("click", () => { drafts.delete(data()); rememberLabels(); showLabels(); });
  document.addEventListener("keydown", labelByKey);

  const tiles = () => [...wall.querySelectorAll(".tile")];

  /** What tells the data that are shown from others that had their name. */
  const data = () => `${card.shown.dataset} ${card.shown.source}`;

  /** What was given in the part that is shown. */
  function given() {
    if (!drafts.has(data())) drafts.set(data(), partsWith());
    return drafts.get(data())[card.shown.part];
  }

  function rememberLabels() {
    const some = [...drafts].filter(([, parts]) => numberOf(parts));
    const told = some.map(([of, parts]) => [of, Object.fromEntries(Object.entries(parts).map(([name, ids]) => [name, [...ids]]))]);
    bar.querySelector(".unkept").hidden = keep("labels", { labelling: card.labelling, part: card.part, made, source, drafts: told });
  }

  /** The ids that need not be shown again, as they were given a class. */
  const done = () => (card.labelling && card.shown?.dataset === card.dataset ? [...(drafts.get(data())?.[card.part].keys() ?? [])] : []);

  function toggleLabelling({ detail }) {
    card.labelling = !card.labelling;
    find(".to-label").setAttribute("aria-expanded", String(card.labelling));
    if (card.labelling && !detail) tiles()[0]?.focus(); // it was opened by a key
    rememberLabels();
    if (!card.labelling && card.part !== "train") return showPart("train"); // which is what one looks at
    if (!card.shown) return;
    openLabels();
    showLabels();
  }

  /** Know the classes and parts of what the gallery shows now; what the lasso encloses is chosen. */
  function openLabels() {
    const { parts, chosen } = card.shown;
    if (card.dataset.split("+")[0] !== source) [source, made] = [card.dataset.split("+")[0], []];
    const drafted = Object.values(drafts.get(data()) ?? {}).flatMap((ids) => [...ids.values()]);
    made = [...new Set([...made, ...drafted])].filter((name) => name && !card.shown.classes.includes(name));
    classes = [...card.shown.classes, ...made];
    [picked, stretch] = [new Set(card.labelling ? chosen : []), {}];
    bar.hidden = !card.labelling;
    const holder = bar.querySelector(".either");
    holder.hidden = parts.length < 2;
    holder.replaceChildren(...parts.map((name) => make("button", { type: "button", role: "radio", "aria-checked": String(name === card.shown.part), onclick: () => showPart(name) }, say(`data.part_${name}`))));
  }

  function showPart(name) {
    if (card.rows) tell("let go"); // the map is of the training part
    [card.part, card.rows] = [name, undefined];
    rememberLabels();
    load(card.dataset, card.seed);
  }

  /** What is chosen, and all that is shown. */
  const withAll = () => [...picked, ...tiles().map(idOf)];

  function chooseOnly(ids) {
    [picked, stretch] = [new Set(ids), {}];
    showLabels();
  }

  /** Choose an image, or let it go; with Shift all from the last one on. */
  function pick(id, { shiftKey }) {
    if (shiftKey) return reach(id);
    picked.has(id) ? picked.delete(id) : picked.add(id);
    beginStretch(id);
    showLabels();
  }

  function beginStretch(id) {
    stretch = { from: id, to: id, beside: new Set(picked) };
  }

  /** Let the stretch end at an image, further or less far than before. */
  function reach(id) {
    const ids = tiles().map(idOf);
    if (!ids.includes(stretch.from)) beginStretch(id);
    const ends = [ids.indexOf(stretch.from), ids.indexOf(id)].sort((a, b) => a - b);
    picked = new Set([...stretch.beside, ...ids.slice(ends[0], ends[1] + 1)]);
    stretch.to = id;
    showLabels();
  }

  /** Give what is chosen a class, "" for none; undefined forgets what was given. */
  function give(name) {
    for (const id of picked) name === undefined ? given().delete(id) : given().set(id, name);
    rememberLabels();
    chooseOnly([]);
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
    const all = tiles(), tile = all.indexOf(event.target);
    if (event.target.matches("input, select, textarea") || event.altKey || !wall.checkVisibility()) return;
    const line = { ArrowUp: -1, ArrowDown: 1 }[event.key], way = WAYS[event.key];
    if (tile < 0 || !(line || way)) return card.labelling && decideByKey(event, tile);
    event.preventDefault();
    const next = line ? beyond(event.target, line) : all[Math.min(all.length - 1, Math.max(0, tile + way))];
    if (!next) return;
    next.focus();
    if (!card.labelling || !event.shiftKey) return;
    if (stretch.to !== idOf(all[tile])) beginStretch(idOf(all[tile]));
    reach(idOf(next));
  }

  /** The tile in the next line, or in the one before, that is nearest. */
  function beyond(tile, line) {
    const at = tile.getBoundingClientRect(), apart = (other) => other.getBoundingClientRect().top - at.top;
    const there = tiles().filter((other) => line * apart(other) > 1), near = Math.min(...there.map((other) => Math.abs(apart(other))));
    const aside = (other) => Math.abs(other.getBoundingClientRect().left - at.left);
    return there.filter((other) => Math.abs(apart(other)) < near + 1).sort((a, b) => aside(a) - aside(b))[0];
  }

  /** Tab comes to one tile only, from which arrows go on. */
  function stopAt(tile) {
    for (const other of tiles()) other.tabIndex = other === tile ? 0 : -1;
  }

  function decideByKey(event, tile) {
    const held = event.ctrlKey || event.metaKey, name = { 0: "", Backspace: undefined }[event.key] ?? classes[event.key - 1];
    const only = held ? event.key === "a" && tile >= 0 && withAll() : event.key === "Escape" && [];
    if (!only && (held || (name === undefined && event.key !== "Backspace"))) return;
    event.preventDefault();
    if (only) return chooseOnly(only);
    if (!picked.size && tile >= 0) picked.add(idOf(tiles()[tile])); // the one in hand
    give(name);
  }

  // --- What is seen of it ---

  function showLabels() {
    if (!card.shown) return;
    for (const tile of tiles()) {
      const name = card.labelling ? given().get(idOf(tile)) : undefined, k = classes.indexOf(name);
      tile.dataset.label ??= tile.getAttribute("aria-label");
      tile.setAttribute("aria-label", name === undefined ? tile.dataset.label : say("label.to", { label: tile.dataset.label, name: name || say("data.no_label") }));
      card.labelling ? tile.setAttribute("aria-pressed", String(picked.has(idOf(tile)))) : tile.removeAttribute("aria-pressed");
      name === undefined ? delete tile.dataset.given : (tile.dataset.given = k < 0 ? "–" : k < 9 ? k + 1 : name[0]);
      tile.style.setProperty("--class", k < 0 ? "#2b3036" : colourOf(k));
    }
    const n = numberOf(drafts.get(data()));
    find(".to-label").textContent = say(n && !card.labelling ? "label.open_again" : "label.open", { n: count(n) });
    if (!card.labelling) return;
    showClasses();
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
    bar.querySelector(".classes").replaceChildren(...classes.map(chip), ...(card.shown.classes.length ? [chip("", -1)] : []), make("form.new", { onsubmit: addClass }, input, make("button", { type: "submit" }, say("label.add"))));
  }

  function tellFault(sentence = "") {
    bar.querySelector(".fault").textContent = sentence;
    bar.querySelector(".fault").hidden = !sentence;
  }

  // --- Keep ---

  function keepLabels() {
    const of = card.shown.dataset, kept = data(), button = bar.querySelector(".keep");
    const named = (ids) => ["", ...classes].map((name) => ({ name, ids: [...ids.keys()].filter((id) => ids.get(id) === name) }));
    const all = Object.entries(drafts.get(kept)).map(([part, ids]) => [part, named(ids).filter(({ ids }) => ids.length)]);
    button.disabled = true;
    tell("label", {
      of,
      given: Object.fromEntries(all),
      told: (sentence) => {
        button.disabled = false;
        tellFault(sentence);
        if (!sentence) drafts.delete(kept); // the gallery comes anew
        rememberLabels();
      },
    });
  }

  Object.assign(card, { bar, done, openLabels, pick, showLabels, stopAt, tiles });
}

const idOf = (tile) => Number(tile.dataset.id);

function partsWith(given = {}) {
  return Object.fromEntries(["train", "validation", "test"].map((name) => [name, new Map(given[name])]));
}

const numberOf = (parts) => Object.values(parts ?? {}).reduce((sum, ids) => sum + ids.size, 0);
