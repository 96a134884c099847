// In short: six aspects of each model from 0 to 1, as bars with their intervals, and what one would choose for what.

import { colours, fixed } from "../../kit/numbers.js";
import { explained, make, shape } from "../../kit/parts.js";
import { say } from "../../kit/words.js";

const LANE = 16; // pixels that a model has in an aspect

/** The colour of a model, as in the head of the table; a single one has that of the page. */
export const tint = (models, i) => (models.length > 1 ? colours[i] : "var(--accent)");

/** What all of it comes to: the aspects, then a sentence. */
export function inShort({ models, aspects, choice }, done) {
  if (!aspects.length) return [];
  const names = models.map((model, i) => make("span", {}, dot(models, i), model));
  return [
    make("h3", {}, say("evaluate.short")),
    models.length > 1 ? make("div.names", {}, ...names) : null,
    make("div.aspects", {}, ...aspects.map((aspect) => line(models, aspect))),
    make("p.note", {}, say("evaluate.short_why")),
    done && choice ? make("p.choice", {}, choice) : null,
  ].filter(Boolean);
}

/** A spot in the colour of a model. */
export const dot = (models, i) => make("i.dot", { style: `background:${tint(models, i)}`, "aria-hidden": true });

function line(models, { title, why, spans }) {
  const there = models.map((model, i) => ({ model, i, span: spans[model] })).filter(({ span }) => span);
  const lanes = shape("svg", { height: LANE * there.length, "aria-hidden": true });
  there.forEach(({ i, span }, place) => lanes.append(...lane(span, tint(models, i), LANE * (place + 0.5))));
  const told = there.map(({ model, span }) => make("span", { "aria-label": `${model}: ${fixed(span.number, 2)}` }, fixed(span.number, 2)));
  return make("div.aspect", {}, explained("span", title, why), lanes, make("div.told", {}, ...told));
}

/** A bar to the number, and over it where the number may lie; nothing where a single draw does not tell that. */
function lane({ number, low, high }, colour, y) {
  const percent = (x) => `${100 * x}%`, flat = (from, to, of) => shape("line", { x1: percent(from), x2: percent(to), y1: y, y2: y, ...of });
  const parts = [flat(0, 1, { class: "whole" }), flat(0, number, { class: "bar", stroke: colour })];
  if (low > 0 || high < 1) parts.push(flat(low, high, { class: "interval", stroke: colour }));
  return [...parts, shape("circle", { cx: percent(number), cy: y, r: 4, fill: colour })];
}
