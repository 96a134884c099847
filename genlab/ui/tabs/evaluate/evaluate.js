// The Evaluate tab: a table of metrics by models that fills as it is measured; a click on a number shows what is behind it.

import { copyLink, follow, tabNow } from "../../kit/address.js";
import { fixed } from "../../kit/numbers.js";
import { answerOf, explained, latest, make, redraw, save, wait } from "../../kit/parts.js";
import { fieldsOf, noteIn, refuseIn } from "../../kit/refusals.js";
import { cropped, loaded } from "../../kit/tiles.js";
import { listen } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { startBlind } from "./blind.js";

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
    if (done) at("status").textContent = say("evaluate.done", { s: fixed(record.seconds, 1) });
    else wait(at("status"), record.doing);
    redraw(at("table"), [record.models, record.metrics, record.scores, record.impossible], () => [table()]);
    redraw(find(".notes"), notes(), () => notes().map((text) => make("p.note", {}, text)));
    for (const part of [find(".actions"), find(".command")]) part.hidden = !done;
    at("blind").hidden = !done || record.models.length < 2;
    find(".command code").textContent = record.command;
    if (done && tabNow() === "evaluate") follow({ tab: "evaluate" }, { view: record.query });
  }

  function table() {
    const head = ["", ...record.models, say("evaluate.real")].map((text) => make("th", { scope: "col" }, text));
    return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...record.metrics.map(line)));
  }

  function line(metric) {
    const own = record.models.map((model) => record.scores[model]?.[metric.name]), scale = scaleOf(own);
    const real = own.find((score) => score?.real_told != null);
    const name = make("th", { scope: "row" }, explained("span", metric.title, metric.why), " ", make("small", { "aria-hidden": true }, SIGNS[metric.better]));
    return make("tr", {}, name, ...record.models.map((model, i) => cell(metric, model, own[i], scale)), make("td.real", {}, real?.real_told ?? "–"));
  }

  function cell(metric, model, score, scale) {
    const why = record.impossible[model]?.[metric.name];
    if (!score) return make("td", {}, why ? explained("span", "–", why) : "…");
    const title = say("evaluate.open", { metric: metric.title, model });
    const open = make("button.number.link", { type: "button", "aria-label": `${score.told}. ${title}`, onclick: () => lookBehind(metric.name, model) }, score.told);
    return make("td", { "data-metric": metric.name, "data-model": model, "data-number": score.number }, open, strip(score, scale));
  }

  /** What cannot be trusted, and what cannot be had, each sentence once. */
  function notes() {
    const scores = record.models.flatMap((model) => Object.values(record.scores[model] ?? {}));
    const lacking = record.models.flatMap((model) => Object.values(record.impossible[model] ?? {}));
    return [...new Set([...scores.map(({ warning }) => warning), ...lacking])].filter(Boolean);
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
    place.querySelector(".classes").textContent = Object.entries(answer.classes).map(([name, told]) => `${name}: ${told}`).join(" · ");
  }

  async function takeAlong(kind) {
    const answer = await answerOf(server.evaluate_file({ id: record.id, kind }));
    note.refuse(answer.error ?? "");
    if (answer.content) save(answer.name, answer.content);
  }

  for (const button of element.querySelectorAll("[data-kind]")) button.addEventListener("click", () => takeAlong(button.dataset.kind));
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
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  svg.setAttribute("aria-hidden", "true");
  const add = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    svg.append(node);
  };
  if (real != null) add("rect", { class: "null", x: scale(real) - 2, y: 1, width: 4, height: HIGH - 2, rx: 2 });
  if (margin) add("rect", { class: "interval", x: scale(number - margin), y: HIGH / 2 - 1, width: Math.max(1, scale(number + margin) - scale(number - margin)), height: 2 });
  for (const value of values) add("circle", { class: "draw", cx: scale(value), cy: HIGH / 2, r: 2.5 });
  add("rect", { class: "mean", x: scale(number) - 1, y: 4, width: 2, height: HIGH - 8 });
  return svg;
}
