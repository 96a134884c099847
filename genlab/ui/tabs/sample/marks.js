// Marks: ♥ and ✕ on the images of the Sample tab, by click or by key, and the tray of all that are marked.

import { count } from "../../kit/numbers.js";
import { answerOf, make, save } from "../../kit/parts.js";
import { listen, recall } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

const kinds = { favourite: "♥", rejected: "✕" };

export function startMarks(card) {
  const { find, server, trigger, choose } = card;
  card.marked = {}; // the kind of each marked image on screen
  card.markable = false; // nothing is marked while it is still drawn
  let read = 0; // when the server read the marks on screen; an answer that was overtaken by a later one is not shown

  /** Read the marks of what is on screen, and those of the chosen model for the tray. */
  async function readMarks() {
    const id = onScreen(), model = chosenModel();
    const answer = await answerOf(server.sample_marks({ id, model }));
    if (!answer.error) showIf(id, model, answer);
  }

  const onScreen = () => (card.markable ? card.result.id : null);
  const showIf = (id, model, answer) => id === onScreen() && model === chosenModel() && showMarks(answer);

  function showMarks({ at, tray, images }) {
    if (at < read) return;
    read = at;
    card.marked = images;
    [...find("#sample-gallery").children].forEach((tile, i) => {
      if (card.marked[i]) tile.dataset.mark = card.marked[i];
      else delete tile.dataset.mark;
    });
    showChosenMark();
    showTray(tray);
  }

  function showChosenMark() {
    for (const kind of Object.keys(kinds)) {
      const button = find(`.mark.${kind}`);
      button.setAttribute("aria-pressed", String(card.marked[card.chosen] === kind));
      button.disabled = !card.markable;
    }
  }

  async function mark(i, kind) {
    if (!card.markable) return;
    const id = card.result.id, model = chosenModel();
    const answer = await answerOf(server.sample_mark({ id, image: i, kind: card.marked[i] === kind ? null : kind, model }));
    tellMarks(answer.error);
    if (!answer.error) showIf(id, model, answer);
  }

  /** A key on a focused image: F marks it as a favourite, X rejects it, arrows go to its neighbours. */
  function markByKey(event) {
    const tiles = [...find("#sample-gallery").children];
    const i = tiles.indexOf(event.target);
    const kind = { f: "favourite", x: "rejected" }[event.key.toLowerCase()];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey || !(kind || step)) return;
    event.preventDefault();
    const next = step ? tiles[i + step] : tiles[i];
    if (!next) return;
    next.focus();
    choose(tiles.indexOf(next));
    if (kind) mark(i, kind);
  }

  function showTray(tray) {
    const [own, others] = ["n", "others"].map((whose) => Object.values(tray).reduce((sum, shelf) => sum + shelf[whose], 0));
    find(".tray h3").textContent = say("marks.title", { model: chosenModel() ?? "" });
    find(".tray .empty").hidden = own > 0;
    find(".tray .others").hidden = !others;
    find(".tray .others").textContent = say("marks.others", { n: count(others) });
    find(".tray .actions").hidden = !(own + others);
    find(".tray .marked").replaceChildren(...Object.entries(tray).filter(([, { n }]) => n).map(shelf));
  }

  function shelf([kind, { n, newest }]) {
    return make(
      `div.shelf.${kind}`,
      {},
      make("p.counted", {}, make("span.sign", { "aria-hidden": true }, kinds[kind]), " ", say(`marks.${kind}s`, { n: count(n) })),
      make("div.thumbs", {}, ...newest.map((one) => thumb(kind, one)), n > newest.length ? make("span.note", {}, say("marks.more", { n: count(n - newest.length) })) : null)
    );
  }

  function thumb(kind, one) {
    const title = say(one.label === null ? "marks.remove" : "marks.remove_label", one);
    return make("button.tile", { type: "button", title, "aria-label": title, style: `background-image:url(${one.image});background-size:100% 100%`, onclick: () => unmark(kind, one.id) });
  }

  async function unmark(kind, id) {
    const answer = await answerOf(server.unmark({ kind, id }));
    tellMarks(answer.error);
    if (!answer.error) readMarks();
  }

  function tellMarks(fault, note = "") {
    const line = find(".tray .told");
    line.textContent = fault || note;
    line.classList.toggle("fault", Boolean(fault));
  }

  for (const kind of Object.keys(kinds)) find(`.mark.${kind}`).addEventListener("click", () => mark(card.chosen, kind));
  find("#sample-gallery").addEventListener("keydown", markByKey);
  find(".tray .export").addEventListener("click", async () => {
    const answer = await answerOf(server.marks_zip({}));
    tellMarks(answer.error);
    if (answer.content) save(answer.name, answer.content);
  });
  find(".tray .collect").addEventListener("click", async () => {
    const answer = await answerOf(server.marks_dataset({ model: chosenModel() }));
    tellMarks(answer.error, answer.name && say("marks.made", { name: answer.name, n: count(answer.n) }));
    if (answer.name) trigger("favourites", { name: answer.name });
  });
  listen("model", readMarks);

  Object.assign(card, { readMarks, showChosenMark });
}

const chosenModel = () => recall("model") ?? null;
