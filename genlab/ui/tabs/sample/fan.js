// Fan: a held-out series up to a place, how it may go on from there as bands and paths, and what came.

import { count, figure, percent } from "../../kit/numbers.js";
import { latest, save, shape } from "../../kit/parts.js";
import { say } from "../../kit/words.js";

const WIDE = 900, HIGH = 220, REACH = 1.25; // of the picture of one channel; values from -REACH to REACH

export function startFan(card) {
  const { find, server } = card;
  const place = find("#series-fan"), row = find("#fan-row"), known = find("#fan-known"), far = find("#fan-length"), told = find("#fan-told");
  const ask = latest(server.series_fan);
  let seen = null; // the model whose fan is on screen
  let linkedAs = null; // what the address told of it
  let moved = false; // whether somebody moved it, or an address tells of it

  for (const field of [row, known, far]) field.addEventListener("input", () => ((moved = true), draw()));
  find("#fan-next").addEventListener("click", () => ((moved = true), (row.value = Number(row.value || 0) + 1), draw()));
  find("#fan-save").addEventListener("click", () => save("fan.svg", btoa(unescape(encodeURIComponent(file())))));

  /** Show the fan of a model that foretells, and hide it of any other; `view` is what an address tells of it. */
  function showFan(record) {
    find(".fan").hidden = !record.foretells;
    const linked = card.linkedFan() ?? "";
    if (!record.foretells || (seen === record.model && linkedAs === linked)) return;
    [seen, linkedAs] = [record.model, linked];
    const [asked, from, length] = linked.split("-").map(Number);
    moved = Number.isInteger(from);
    [row.value, known.value, far.value] = moved ? [asked, from, length || 48] : [0, "", 48];
    draw(moved ? from : null);
  }

  async function draw(from = known.value === "" ? null : Number(known.value)) {
    const answer = await ask({ model: seen, row: Number(row.value) || 0, known: from, length: Number(far.value) });
    if (!answer) return;
    told.classList.toggle("fault", Boolean(answer.error));
    if (answer.error) return (told.textContent = answer.error);
    [row.max, known.max, known.value] = [answer.rows - 1, answer.of, answer.at];
    known.setAttribute("aria-valuetext", say("fan.known_value", { n: answer.at, of: answer.of }));
    find("#fan-known-told").textContent = count(answer.at);
    find("#fan-length-told").textContent = count(far.value);
    place.replaceChildren(...answer.known[0].map((_, channel) => drawn(answer, channel)));
    const parts = [answer.kind && say("fan.kind", { kind: answer.kind })];
    if (answer.held) parts.push(say("fan.held", { half: percent(answer.held[0]), most: percent(answer.held[1]), crps: figure(answer.crps) }));
    else parts.push(say("fan.unknown"));
    if (answer.over) parts.push(say("fan.over", { n: count(answer.over), half: percent(answer.shares[0]), most: percent(answer.shares[1]) }));
    told.textContent = parts.filter(Boolean).join(" ");
    card.placeFan();
  }

  function drawn({ known: past, came, middle, bands, paths, at }, channel) {
    const last = at + middle.length, x = (t) => ((t + 0.5) / last) * WIDE, y = (value) => (1 - Math.max(-REACH, Math.min(REACH, value)) / REACH) * (HIGH / 2);
    const svg = shape("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": say("fan.picture", { at, n: middle.length }) });
    const line = (values, from, kind) => {
      const runs = values.reduce((all, value, i) => (value === null ? [...all, []] : [...all.slice(0, -1), [...all.at(-1), `${x(from + i).toFixed(1)},${y(value).toFixed(1)}`]]), [[]]);
      for (const run of runs) if (run.length) svg.append(shape("polyline", { points: run.length > 1 ? run.join(" ") : `${run[0]} ${run[0]}`, class: kind }));
    };
    const of = (rows) => rows.map((values) => values[channel]);
    svg.append(shape("line", { x1: 0, x2: WIDE, y1: HIGH / 2, y2: HIGH / 2, class: "zero" }), shape("line", { x1: x(at - 0.5), x2: x(at - 0.5), y1: 0, y2: HIGH, class: "now" }));
    for (const name of ["90%", "50%"]) {
      const [low, high] = bands[name].map(of);
      const rim = [...high.map((value, i) => [at + i, value]), ...low.map((value, i) => [at + i, value]).reverse()];
      svg.append(shape("polygon", { points: rim.map(([t, value]) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`).join(" "), class: "band" }, name));
    }
    for (const path of paths) line(of(path), at, "path");
    line(of(middle), at, "middle");
    line(of(past), 0, "past");
    line(of(came), at, "came");
    return svg;
  }

  /** The picture as a file that says its colours itself. */
  function file() {
    const channels = [...place.children], names = ["stroke", "stroke-width", "stroke-dasharray", "fill", "fill-opacity", "stroke-opacity"];
    const whole = shape("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDE} ${HIGH * channels.length}`, width: WIDE, height: HIGH * channels.length });
    channels.forEach((channel, i) => {
      const group = shape("g", { transform: `translate(0 ${i * HIGH})` });
      for (const part of channel.children) {
        const copy = part.cloneNode(true), style = getComputedStyle(part);
        for (const name of names) copy.setAttribute(name, style.getPropertyValue(name));
        group.append(copy);
      }
      whole.append(group);
    });
    return new XMLSerializer().serializeToString(whole);
  }

  /** What the address tells of the fan: nothing before somebody moved it. */
  const fanView = () => (moved && !find(".fan").hidden ? { fan: `${row.value}-${known.value}-${far.value}` } : {});

  Object.assign(card, { showFan, fanView });
}
