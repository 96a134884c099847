// As models read it: one text cut by two vocabularies side by side, with the tokens that are frequent in the training part.

import { copyLink, follow, openedWith, tabNow } from "../../kit/address.js";
import { colourOf, count, figure, percent } from "../../kit/numbers.js";
import { latest, make, renew } from "../../kit/parts.js";
import { listen } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";

const USUAL = ["characters", "bpe-1024"];

export function start({ element, find, server }) {
  const card = find("#tokenizer-view"), sides = find(".sides"), told = find(".told");
  const ask = latest(server.tokens_view);
  let dataset = "", part = "train", row = 0, by = USUAL, rows = 1;
  let linked = openedWith.tab === "data" && openedWith.tokens ? openedWith : null; // the view that the page was opened with

  label(element);
  listen("opened data", open);
  listen("text", (read) => read.dataset === dataset && show({ part: read.part, row: read.row }));
  listen("visit", (parts) => parts.tab === "data" && parts.tokens && parts.dataset === dataset && show(viewOf(parts), false));
  find(".another").addEventListener("click", () => show({ row: Math.floor(Math.random() * rows) }));
  find(".copy-link").addEventListener("click", () => copyLink(find(".copy-link"), { tab: "data", dataset, ...view() }));

  function open(name) {
    dataset = name;
    [part, row] = ["train", 0];
    if (!name) return void (card.hidden = true);
    show(linked && linked.dataset === name ? viewOf(linked) : {}, false);
    linked = null;
  }

  const view = () => ({ tokens: by.join(","), row, part: part === "train" ? "" : part });

  async function show(wish, chosen = true) {
    ({ part, row, by } = { part, row, by, ...wish });
    if (chosen && tabNow() === "data") follow({ tab: "data" }, { view: view() });
    sides.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => (told.textContent = say("tokens.learning")), 400);
    const answer = await ask({ dataset, part, row, by });
    clearTimeout(slow);
    if (!answer) return;
    sides.removeAttribute("aria-busy");
    told.textContent = "";
    card.hidden = !answer.sides && !answer.error;
    card.dataset.of = dataset;
    find(".fault").hidden = !answer.error;
    find(".fault").textContent = answer.error ?? "";
    if (!answer.sides) return sides.replaceChildren();
    rows = answer.rows;
    const at = { row: count(row), n: count(rows), part: say(`import.part_${part}`) };
    const cut = answer.cut ? say("tokens.cut", { n: count(answer.cut) }) : "";
    find(".row").textContent = [say(part === "train" ? "tokens.row" : "tokens.row_of", at), cut].filter(Boolean).join(", ");
    renew(sides, ...answer.sides.map((side, i) => column(side, i, answer.choices)));
  }

  function column(side, i, choices) {
    const choose = make(
      "select",
      { "aria-label": say("tokens.vocabulary", { n: i + 1 }), onchange: ({ target }) => show({ by: by.map((name, k) => (k === i ? target.value : name)) }) },
      ...choices.map(({ name, title }) => make("option", { value: name, selected: name === side.name }, title))
    );
    if (side.error) return make("div.side", {}, choose, make("p.fault", { role: "alert" }, side.error));
    const { pieces, rate, size, bytes } = side;
    const figures = { n: count(pieces.length), rate: figure(bytes / Math.max(1, pieces.length)), whole: figure(rate), size: count(size) };
    return make(
      "div.side",
      { "data-by": side.name, "data-tokens": pieces.length },
      choose,
      make("p.note.figures", {}, say("tokens.figures", figures)),
      pieces.length ? reading(side) : make("p.note", {}, say("tokens.empty")),
      make("h3", {}, say("tokens.frequent")),
      make("div.bars", {}, ...side.frequent.flatMap(bar(side.frequent)))
    );
  }

  function reading({ pieces, ids }) {
    const text = make("div.reading", { role: "group", "aria-label": say("tokens.text"), onkeydown: step, onpointerover: point, onfocusin: point, onpointerleave: leave });
    let start = 0;
    pieces.forEach((piece, i) => {
      const token = make("span.token", { tabindex: i ? -1 : 0, style: `--colour:${colourOf(i % 4)}` }, piece ? piece.replaceAll("\n", "⏎\n") : "·");
      Object.assign(token, { told: { place: count(i + 1), n: count(pieces.length), number: count(ids[i]) }, piece, start, end: start + piece.length });
      start += piece.length;
      text.append(token);
    });
    return text;
  }

  /** Tell of the token that is pointed at, and mark the same letters on the other side. */
  function point({ target }) {
    if (!target.told) return;
    const { piece, start, end } = target, bytes = new TextEncoder().encode(piece).length;
    told.textContent = say("tokens.one", { ...target.told, text: piece ? visible(piece) : say("tokens.rest"), bytes: count(bytes) });
    for (const text of sides.querySelectorAll(".reading")) {
      const own = text.contains(target), same = [...text.children].filter((token) => (own ? token === target : token.start < end && token.end > start));
      for (const token of text.querySelectorAll(".same")) token.classList.remove("same");
      for (const token of same) token.classList.add("same");
      if (!own && same.length) bringIntoView(text, same[0]);
    }
  }

  function leave() {
    for (const token of sides.querySelectorAll(".same")) token.classList.remove("same");
  }

  /** Arrow keys go from token to token. */
  function step(event) {
    const way = { ArrowLeft: "previousSibling", ArrowRight: "nextSibling" }[event.key], now = document.activeElement, next = way && now[way];
    if (!next?.told) return;
    event.preventDefault();
    [now.tabIndex, next.tabIndex] = [-1, 0];
    next.focus();
  }
}

/** Let a text show one of its tokens, while the page stays where it is. */
function bringIntoView(text, { offsetTop, offsetHeight }) {
  if (offsetTop < text.scrollTop || offsetTop + offsetHeight > text.scrollTop + text.clientHeight) text.scrollTop = offsetTop - text.clientHeight / 2;
}

/** What a link says of the view. */
export function viewOf({ tokens, row, part }) {
  const by = tokens.split(",").slice(0, 2);
  return { by: by.length === 2 ? by : USUAL, row: Number(row) || 0, part: part || "train" };
}

const bar = (all) => ({ text, n, share }) => [
  make("code", { title: say("tokens.bar", { text: visible(text), n: count(n), share: percent(share) }) }, visible(text)),
  make("span.track", {}, make("span.fill", { style: `width:${(100 * n) / all[0].n}%` })),
  make("span.n", {}, percent(share)),
];

/** A token as one can see it. */
const visible = (text) => text.replaceAll("\n", "⏎").replaceAll(" ", "␣").replaceAll("\t", "⇥");
