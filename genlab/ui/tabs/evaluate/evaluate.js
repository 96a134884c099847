// The Evaluate tab: a table of metrics by models that fills as it is measured; a click on a number shows what is behind it.

import { copyLink, follow, tabNow } from "../../kit/address.js";
import { fixed } from "../../kit/numbers.js";
import { answerOf, explained, latest, make, redraw, save, shape, wait } from "../../kit/parts.js";
import { fieldsOf, noteIn, refuseIn } from "../../kit/refusals.js";
import { cropped, loaded } from "../../kit/tiles.js";
import { listen } from "../../kit/topics.js";
import { label, language, say } from "../../kit/words.js";
import { startBlind } from "./blind.js";
import { dot, inShort } from "./short.js";

const SIGNS = { lower: "↓", higher: "↑", half: "½" }; // which way is better
const WIDE = 132, HIGH = 22; // of the strip of a number, in pixels

export function start(card) {
  const { element, find, props, server, trigger, watch } = card;
  const at = (id) => find(`#evaluate-${id}`);
  let record = null; // what is on screen
  label(element);
  const note = noteIn(find(".told")), behind = latest(server.evaluate_behind);

  function show() {
    const news = props.value;
    if (!news || typeof news !== "object") return;
    const refusal = document.querySelector("#evaluate-refusal");
    if (news.error) {
      at("status").textContent = "";
      return refuseIn(refusal, news.error, fieldsOf(news.about, "evaluate"));
    }
    refuseIn(refusal);
    if (news.id !== record?.id) {
      at("behind").hidden = true;
      card.beginBlind();
    }
    card.record = record = news;
    const done = record.done === record.total;
    at("title").textContent = say("evaluate.title", { data: record.data, n: record.query.n, draws: record.query.draws });
    at("judge").textContent = say("evaluate.judge", record);
    at("table").dataset.done = done;
    find(".bar span").style.width = done ? "0" : `${(100 * record.done) / record.total}%`;
    if (done) at("status").textContent = ended();
    else wait(at("status"), record.doing);
    redraw(at("table"), [record.models, record.metrics, record.scores, record.impossible, record.costs], () => [table()]);
    redraw(at("short"), [record.models, record.aspects, record.choice, done], () => inShort(record, done));
    redraw(at("settings"), [record.models, record.settings], () => settings());
    find(".anew").hidden = !Object.keys(record.before).length;
    redraw(find(".notes"), notes(), () => notes().map((text) => make("p.note", {}, text)));
    for (const part of [find(".actions"), find(".command")]) part.hidden = !done;
    at("blind").hidden = !done || record.models.length < 2;
    find(".command code").textContent = record.command;
    if (done && tabNow() === "evaluate") follow({ tab: "evaluate" }, { view: record.query });
  }

  function table() {
    const end = make("th", { scope: "col" }, say("evaluate.real"));
    const costs = make("tbody.costs", {}, ...record.costs.map(costLine));
    return make("table", {}, head(end), make("tbody", {}, ...record.metrics.map(line)), costs);
  }

  /** The names of the models over their columns, each with the colour that it has above. */
  function head(...after) {
    const names = record.models.map((model, i) => make("th", { scope: "col" }, record.models.length > 1 ? dot(record.models, i) : null, model));
    return make("thead", {}, make("tr", {}, make("th"), ...names, ...after));
  }

  function costLine({ name, title, why, better, told, numbers }) {
    const cells = record.models.map((model) => make("td", told[model] == null ? {} : { "data-metric": name, "data-model": model, "data-number": numbers[model] }, told[model] ?? "…"));
    return make("tr", {}, named(title, why, better), ...cells, make("td.real"));
  }

  const named = (title, why, better) => make("th", { scope: "row" }, explained("span", title, why), " ", make("small", { "aria-hidden": true }, SIGNS[better]));

  /** In what the models differ; nothing where they do not. */
  function settings() {
    if (!record.settings.length) return [];
    const rows = record.settings.map(({ name, values }) => make("tr", {}, make("th", { scope: "row" }, name), ...values.map((value) => make("td", {}, value ?? "–"))));
    return [make("h3", {}, say("evaluate.differ")), make("div.wide", { tabindex: 0, role: "region", "aria-label": say("evaluate.differ") }, make("table", {}, head(), make("tbody", {}, ...rows)))];
  }

  /** How long it took, or when it was measured. */
  function ended() {
    const times = Object.values(record.before);
    if (times.length < record.models.length) return say("evaluate.done", { s: fixed(record.seconds, 1) });
    return say("evaluate.before", { when: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(1000 * Math.min(...times)) });
  }

  function line(metric) {
    const own = record.models.map((model) => record.scores[model]?.[metric.name]), scale = scaleOf(own);
    const real = own.find((score) => score?.real_told != null);
    return make("tr", {}, named(metric.title, metric.why, metric.better), ...record.models.map((model, i) => cell(metric, model, own[i], scale)), make("td.real", {}, real?.real_told ?? "–"));
  }

  function cell(metric, model, score, scale) {
    const why = record.impossible[model]?.[metric.name];
    if (!score) return make("td", {}, why ? explained("span", "–", why) : "…");
    const title = say("evaluate.open", { metric: metric.title, model });
    const open = make("button.number.link", { type: "button", "aria-label": `${score.told}. ${title}`, onclick: () => lookBehind(metric.name, model) }, score.told);
    return make("td", { "data-metric": metric.name, "data-model": model, "data-number": score.number }, open, strip(score, scale), score.lag ? make("small", {}, score.lag) : null);
  }

  /** What cannot be trusted, and what cannot be had, each sentence once. */
  function notes() {
    const scores = record.models.flatMap((model) => Object.values(record.scores[model] ?? {}));
    const lacking = record.models.flatMap((model) => Object.values(record.impossible[model] ?? {}));
    return [...new Set([record.where, ...scores.map(({ warning }) => warning), ...lacking])].filter(Boolean);
  }

  async function lookBehind(metric, model) {
    const place = at("behind");
    place.hidden = false;
    wait(place.querySelector("h2"), say("evaluate.looking"));
    place.querySelector(".pairs").replaceChildren();
    place.scrollIntoView({ block: "nearest" });
    const answer = await behind({ id: record.id, model, metric });
    if (!answer) return;
    if (answer.error) return place.querySelector("h2").replaceChildren(answer.error);
    place.querySelector("h2").textContent = answer.title;
    const [samples, nearest] = await Promise.all([loaded(answer.samples), loaded(answer.nearest)]);
    const pair = (i) => make("div.pair", {}, one(samples, i, answer.n, "evaluate.sample"), one(nearest, i, answer.n, "evaluate.nearest"));
    place.querySelector(".pairs").replaceChildren(...Array.from({ length: answer.n }, (_, i) => pair(i)));
    place.querySelector(".note").textContent = say(answer.worst ? "evaluate.worst_why" : "evaluate.first_why");
    place.querySelector(".lag").textContent = answer.lag;
    place.querySelector(".classes").textContent = Object.entries(answer.classes).map(([name, told]) => `${name}: ${told}`).join(" · ");
  }

  async function takeAlong(kind) {
    const answer = await answerOf(server.evaluate_file({ id: record.id, kind }));
    note.refuse(answer.error ?? "");
    if (answer.content) save(answer.name, answer.content);
  }

  for (const button of element.querySelectorAll("[data-kind]")) button.addEventListener("click", () => takeAlong(button.dataset.kind));
  find(".anew").addEventListener("click", () => {
    wait(at("status"), say("evaluate.begins"));
    trigger("anew", record.query);
  });
  find(".copy-link").addEventListener("click", () => copyLink(find(".copy-link"), { tab: "evaluate", ...record.query }));
  document.addEventListener("click", ({ target }) => {
    if (!element.isConnected) return;
    if (target.closest("#evaluate-go")) wait(at("status"), say("evaluate.begins"));
    if (target.closest("#evaluate-stop")) at("status").textContent = record && record.done < record.total ? say("evaluate.stopped") : "";
  });
  startBlind(card);
  listen("tab", (tab) => tab === "evaluate" && trigger("look"));
  watch("value", show);
  show();
}

/** Where the values of a line lie on their strips: from the least to the most of all models and of real items. */
export function scaleOf(scores) {
  const all = scores.filter(Boolean).flatMap(({ values, real, number, margin }) => [...values, number - (margin ?? 0), number + (margin ?? 0), ...(real == null ? [] : [real])]);
  const [low, high] = [Math.min(...all), Math.max(...all)], room = (high - low || Math.abs(high) || 1) * 0.05;
  return (x) => Math.round((1000 * WIDE * (x - low + room)) / (high - low + 2 * room)) / 1000;
}

const one = (row, i, n, key) => make("img", { src: cropped(row, i, n), alt: say(key, { n: i + 1 }) });

/** The draws as dots, their mean with its interval, and behind them what real items score. */
function strip({ values, number, margin, real }, scale) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": true });
  const add = (name, attributes) => svg.append(shape(name, attributes));
  if (real != null) add("rect", { class: "null", x: scale(real) - 2, y: 1, width: 4, height: HIGH - 2, rx: 2 });
  if (margin) add("rect", { class: "interval", x: scale(number - margin), y: HIGH / 2 - 1, width: Math.max(1, scale(number + margin) - scale(number - margin)), height: 2 });
  for (const value of values) add("circle", { class: "draw", cx: scale(value), cy: HIGH / 2, r: 2.5 });
  add("rect", { class: "mean", x: scale(number) - 1, y: 4, width: 2, height: HIGH - 8 });
  return svg;
}
