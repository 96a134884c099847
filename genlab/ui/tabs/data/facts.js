// What is in a dataset: balance of the classes, the three parts, the pixels, and the average image of each class.

import { colourOf, count, figure, fixed, percent } from "../../kit/numbers.js";
import { latest, make } from "../../kit/parts.js";
import { listen } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";

export function start({ element, find, server }) {
  const body = find(".body");
  const ask = latest(server.facts);

  label(element);
  listen("opened data", load);

  async function load(dataset) {
    body.setAttribute("aria-busy", "true");
    const answer = dataset ? await ask({ dataset }) : { error: true };
    if (!answer) return;
    body.removeAttribute("aria-busy");
    body.dataset.of = dataset;
    if (answer.error) return body.replaceChildren(make("p.note", {}, say("data.nothing_to_count")));
    body.replaceChildren(
      heading("data.balance"),
      ...(answer.balance.length ? balance(answer.balance, answer.unlabelled) : [make("p.note", {}, say("data.no_classes"))]),
      heading("data.parts"),
      make("dl.parts", {}, ...answer.parts.flatMap(part)),
      ...(answer.places ? places(answer) : statistics(answer)),
      ...(answer.means ? means(answer) : [])
    );
  }
}

/** A text of the catalogue, or where a kind of data brings what is not in it, the other words. */
function told(key, otherwise) {
  const words = say(key);
  return words === key ? otherwise : words;
}

function places({ places: { middle, spread }, balance }) {
  const pair = ([x, y], digits) => (x == null ? "–" : `${fixed(x, digits)}, ${fixed(y, digits)}`); // a class without points
  const rows = middle.map((at, k) =>
    make("tr", {}, make("th", {}, balance[k]?.name ?? say("data.all_points")), make("td", {}, pair(at, 2)), make("td", {}, pair(spread[k], 3)))
  );
  const head = make("tr", {}, make("th"), make("td", {}, say("data.centre")), make("td", {}, say("data.spread")));
  return [heading("data.places"), make("table.places", {}, head, ...rows), make("p.note", {}, say("data.spread_why"))];
}

const heading = (key) => make("h3", {}, say(key));

function balance(classes, unlabelled) {
  const most = Math.max(...classes.map((c) => c.n));
  const least = Math.min(...classes.map((c) => c.n));
  const bars = classes.map((c, k) =>
    make(
      "div.bar",
      { title: say("data.bar", { name: c.name, n: count(c.n) }) },
      make("span.name", {}, c.name),
      make("span.track", {}, make("span.fill", { style: `width:${(100 * c.n) / most}%;background:${colourOf(k)}` })),
      make("span.n", {}, count(c.n))
    )
  );
  const bare = unlabelled ? [make("p.note", {}, say("data.unlabelled", { n: count(unlabelled) }))] : [];
  const sentence = least
    ? say(most / least < 1.5 ? "data.balanced" : "data.unbalanced", { ratio: figure(most / least) })
    : say("data.empty_class", { name: classes.find((c) => !c.n).name });
  return [make("div.bars", {}, ...bars), make("p.note", {}, sentence), ...bare];
}

const part = ({ name, n }) => [make("dt", {}, make("b", {}, count(n)), " ", say(`data.part_${name}`)), make("dd", {}, say(`data.part_${name}_why`))];

function statistics(answer) {
  const rows = [[answer.numbers, figure], [answer.shares, percent]].flatMap(([values, written]) =>
    Object.entries(values).flatMap(([name, value]) => [
      make("dt", {}, make("b", {}, written(value)), " ", told(`data.${name}`, name)),
      make("dd", {}, told(`data.${name}_why`, "")),
    ])
  );
  const all = { n: count(answer.measured), things: answer.things };
  const note = say(answer.measured < answer.parts[0].n ? "data.measured_some" : "data.measured_all", all);
  return rows.length ? [make("h3", {}, told(`data.${answer.units}`, answer.units)), make("dl.statistics", {}, ...rows), make("p.note", {}, note)] : [];
}

function means(answer) {
  const [, h, w] = answer.means.shape;
  const scale = Math.max(1, Math.round(34 / w));
  const pictures = make(
    "div.means",
    {},
    ...answer.means.images.map((image, k) => {
      const name = answer.balance[k] ? answer.balance[k].name : "";
      return make("figure", {}, make("img", { src: image, width: w * scale, height: h * scale, alt: name }), make("figcaption", {}, name));
    })
  );
  return [heading(answer.balance.length ? "data.means" : "data.mean_of_all"), pictures];
}
