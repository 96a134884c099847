// The Sample tab: a wall of images that changes in place as they are drawn; a click shows one large.

import { copyLink, follow, modelNow, openedWith, tabNow, visiting } from "../../kit/address.js";
import { keep } from "../../kit/forms.js";
import { fixed } from "../../kit/numbers.js";
import { answerOf, save, wait } from "../../kit/parts.js";
import { fieldsOf, refuseIn } from "../../kit/refusals.js";
import { cut, lay } from "../../kit/tiles.js";
import { listen, recall, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { startFan } from "./fan.js";
import { startMarks } from "./marks.js";
import { startReading } from "./reading.js";

export function start(card) {
  const { element, find, props, server, trigger, watch } = card;
  const at = (id) => find(`#sample-${id}`) ?? find(`#text-${id}`);
  card.result = null; // the record on screen
  let turn = 0; // of what was asked for; what an earlier question still brings is not shown
  let wanted = false; // whether to draw as soon as the form is that of the model that was picked
  let probing = 0;
  let begun = ""; // the model that was drawn unasked
  let asked = false; // whether a person asked, whose images stay when another model is picked
  let link = openedWith; // the view that the page was opened with, until one goes back or forth
  let fan = openedWith.fan; // what the address tells of the fan
  card.chosen = null; // the number of the image shown large

  label(element);

  function show() {
    const record = props.value;
    if (!record || typeof record !== "object" || record.turn !== turn) return;
    if (record.error) return refuse(record);
    if (record.first && record.model !== begun) return; // another model was picked meanwhile
    refuseIn(document.querySelector("#sample-refusal"));
    if (record.id !== card.result?.id) begin(record);
    card.result = record;
    at("gallery").style.setProperty("--sprite", `url(${record.image})`);
    at("large").style.setProperty("--sprite", `url(${record.image})`);
    if (record.texts) read();
    const done = record.step === record.total;
    tellStatus();
    card.markable = done && record.markable;
    card.showFan(record);
    if (done) place();
    if (done) card.readMarks();
    else card.showChosenMark();
    find(".bar span").style.width = done ? "0" : `${(100 * record.step) / record.total}%`;
    Object.assign(at("gallery").dataset, { id: record.id, step: record.step, total: record.total, seed: record.seed });
  }

  /** Show what the texts say so far. */
  function read() {
    const { texts, size } = card.result, longest = Math.max(size[1], ...texts.map((text) => text.length));
    at("gallery").style.setProperty("--longest", `${Math.min(longest, 34)}ch`);
    texts.forEach((text, i) => (at("gallery").children[i].textContent = text));
    tellText();
  }

  /** Show the text that is chosen; once it is written, by what the model expected. */
  function tellText() {
    const text = card.result.texts?.[card.chosen];
    if (text === undefined) return;
    card.showText(text);
    if (card.result.step === card.result.total) card.readText(text);
  }

  /** Draw what a query asks for, as if a link to it had been opened. */
  function draw(query) {
    turn += 1;
    [asked, wanted, link] = [true, false, {}];
    wait(at("status"), say("sample.begins"));
    trigger("leave");
    for (const form of ["sample", `sample ${query.model}`]) keep(form, null); // which says what the query does
    trigger("visit", { turn, query: Object.fromEntries(Object.entries({ tab: "sample", ...query }).map(([name, value]) => [name, String(value)])) });
  }

  function tellStatus() {
    at("status").textContent = card.result.step === card.result.total ? say("sample.done", { s: fixed(card.result.seconds, 2) }) : say("sample.step", card.result);
  }

  /** Let the address tell the images that were asked for, so that a reload draws them again. */
  function place() {
    const moved = card.fanView();
    if (!card.result?.query || (card.result.first && !moved.fan) || card.result.step < card.result.total || tabNow() !== "sample" || visiting()) return;
    const { model, ...view } = card.result.query;
    if (model === recall("model")) follow({ tab: "sample", model }, { view: { ...view, ...moved } });
  }

  /** Draw as the picked model's defaults are when the tab is seen, until something is asked for, by hand or by a link. */
  function first() {
    const model = recall("model"), { tab, model: linked } = link;
    if (visiting() && model !== modelNow()) return; // the picker follows
    if (asked || (card.result && !card.result.first) || begun === model || !model || !find(".all").checkVisibility() || (tab === "sample" && linked === model)) return;
    begun = model;
    at("title").textContent = say("sample.first", { model });
    wait(at("status"), say("sample.begins"));
    trigger("first", { name: model, turn });
  }

  /** Go back or forth to the images that an address tells, or to those that nobody asked for; they are drawn unless they are on screen. */
  function visit(parts) {
    if (parts.tab !== "sample" || tabNow() !== "sample") return;
    const { model, ...view } = viewOf(parts), named = Object.keys(view).length > 0;
    turn += 1;
    [asked, wanted, link, fan] = [named, false, {}, parts.fan];
    clearTimeout(probing);
    trigger("leave");
    if (card.result) card.showFan(card.result);
    if (card.result && card.result.step === card.result.total && (named ? sameView(card.result.query, parts) : card.result.first && card.result.model === model)) return tellStatus();
    begun = "";
    if (!named) {
      if (card.result) card.result.first = true; // it is not kept
      return first();
    }
    wait(at("status"), say("sample.begins"));
    for (const form of ["sample", `sample ${model}`]) keep(form, null); // which says what the address does
    trigger("visit", { turn, query: parts });
  }

  /** Draw what the form asks for, in place of what is being drawn; the form of a model that was just picked is waited for. */
  function ask() {
    turn += 1;
    [asked, wanted] = [true, true];
    wait(at("status"), say("sample.begins"));
    trigger("leave");
    tell("sample turn", turn);
    probe();
  }

  /** Ask the form which model it is of, again and again until it is that of the picked one. */
  function probe() {
    clearTimeout(probing);
    if (!wanted) return;
    trigger("probe");
    probing = setTimeout(probe, 100);
  }

  /** Leave what is being drawn as it is; a last step of it may still come. */
  function stop() {
    if (!card.result && !begun && !asked) return;
    turn += 1;
    wanted = false;
    trigger("leave");
    at("status").textContent = !card.result || card.result.step === card.result.total ? "" : say("sample.stopped", card.result);
  }

  function refuse({ error, about, first }) {
    at("status").textContent = "";
    if (!first) return refuseIn(document.querySelector("#sample-refusal"), error, fieldsOf(about, "sample"));
    at("title").textContent = say("sample.empty");
    at("status").textContent = error;
  }

  function begin(record) {
    const same = card.result && record.n === card.result.n && !record.texts === !card.result.texts && record.size.join() === card.result.size.join();
    at("title").textContent = say("sample.stage", { n: record.count, things: record.things, model: record.model });
    at("zip").textContent = say(record.files ? "sample.zip" : "sample.npz", { things: record.things });
    at("one").textContent = say(record.texts ? "sample.one_text" : record.foretells ? "sample.one_series" : "sample.one");
    at("save").textContent = say(record.together ? "sample.save_together" : "sample.save");
    find(".sample").classList.toggle("of-points", record.together);
    find(".sample").classList.toggle("of-texts", Boolean(record.texts));
    find(".sample").classList.toggle("of-curves", record.foretells);
    at("size").textContent = record.texts || record.foretells ? "" : `${record.size[1]} × ${record.size[0]}`;
    card.result = record;
    if (!same) {
      at("gallery").style.setProperty("--columns", Math.min(20, Math.max(6, Math.ceil(Math.sqrt(record.n)))));
      lay(at("gallery"), record, choose, named);
    } else [...at("gallery").children].forEach((tile, i) => tile.setAttribute("aria-label", named(i)));
    for (const actions of element.querySelectorAll(".actions")) actions.hidden = false;
    find(".one").classList.remove("waiting");
    for (const note of element.querySelectorAll(".actions .note")) refuseIn(note);
    card.marked = {};
    for (const tile of at("gallery").children) delete tile.dataset.mark;
    choose(same && card.chosen !== null ? card.chosen : 0);
  }

  const named = (i) => say(card.result.foretells ? "sample.series" : "sample.image", { n: i + 1, seed: card.result.seed + i });

  function choose(i) {
    card.chosen = i;
    const tiles = at("gallery").children;
    for (let k = 0; k < tiles.length; k++) tiles[k].setAttribute("aria-pressed", String(k === i));
    const large = at("large");
    large.style.aspectRatio = `${card.result.size[1]} / ${card.result.size[0]}`;
    cut(large, i, card.result.columns, Math.ceil(card.result.n / card.result.columns));
    large.setAttribute("aria-label", named(i));
    at("chosen").textContent = say("sample.chosen", { seed: card.result.seed + i });
    large.dataset.seed = card.result.seed + i;
    tell("chosen-seed", card.result.seed + i);
    tellText();
    card.showChosenMark();
  }

  /** Take a file along; what hinders is said beside the button. */
  async function takeAlong(button, ask, image = null) {
    const answer = await answerOf(ask({ id: card.result.id, image }));
    refuseIn(button.parentElement.querySelector(".note"), answer.error);
    if (answer.content) save(answer.name, answer.content);
  }

  at("draw").addEventListener("click", ask); // the form is far below on a phone
  document.addEventListener("click", ({ target }) => {
    if (!element.isConnected) return;
    if (target.closest("#sample-go")) ask();
    if (target.closest("#sample-stop")) stop();
  });
  at("save").addEventListener("click", () => takeAlong(at("save"), server.sample_png));
  at("zip").addEventListener("click", () => takeAlong(at("zip"), server.sample_zip));
  find(".copy-link").addEventListener("click", () => copyLink(find(".copy-link"), { tab: "sample", ...card.result.query, ...card.fanView() }));
  at("one").addEventListener("click", () => takeAlong(at("one"), server.sample_png, card.chosen));

  listen("sample form", ({ of, picked }) => {
    if (!wanted || of !== picked) return; // it is still that of the model before
    wanted = false;
    trigger("draw");
  });
  watch("value", show);
  Object.assign(card, { choose, draw, linkedFan: () => fan, placeFan: place });
  startFan(card);
  startReading(card);
  startMarks(card);
  listen("model", () => card.forgetBranches());
  show();
  new IntersectionObserver(first).observe(find(".all"));
  listen("model", first);
  listen("tab", place);
  listen("visit", visit);
}

const viewOf = ({ tab, dataset, run, fan, ...view }) => view;
const sameView = (a, b) => JSON.stringify(Object.entries(viewOf(a)).map(String).sort()) === JSON.stringify(Object.entries(viewOf(b)).map(String).sort());
