// The curve: losses over steps as an SVG that keeps its size; faint as measured, strong as smoothed.

import { count, figure } from "../../kit/numbers.js";
import { make, shape, wait } from "../../kit/parts.js";
import { say } from "../../kit/words.js";

export const MOST = 1500; // points a line

// Exponential average over steps, not over points, and without the pull of its start, so lines of any density smooth alike.
export function smooth(points, amount, range) {
  const weight = Math.min(Math.sqrt(amount), 0.999);
  let sum = 0;
  let mass = 0;
  return points.map(([x, y], i) => {
    const kept = weight ** (i ? ((x - points[i - 1][0]) / range) * 500 : 0);
    sum = sum * kept + y;
    mass = mass * kept + 1;
    return [x, sum / mass];
  });
}

// At most MOST points, evenly taken, the last one always among them.
export function thin(points) {
  if (points.length <= MOST) return points;
  return Array.from({ length: MOST }, (_, i) => points[Math.round((i * (points.length - 1)) / (MOST - 1))]);
}

// About n round numbers from low to high.
export function ticks(low, high, n) {
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

export function logTicks(low, high) {
  const every = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) for (const m of [1, 2, 5]) every.push(Math.log10(m) + power);
  const inside = every.filter((t) => t >= low - 1e-9 && t <= high + 1e-9);
  const whole = inside.filter((t) => Math.abs(t - Math.round(t)) < 1e-9);
  return inside.length > 6 && whole.length >= 2 ? whole : inside;
}

const AXIS = 46; // pixels that the numbers of an axis take
const NARROW = 500; // pixels below which axes go without their names

// A curve in `host`; lines are { name, unit, loss, colour, points: [[step, value]], raw?, dashed?, dotted? }.
// Each unit has an axis: that of the first line is on the left, with the grid; the others stand on the right.
export function curveIn(host) {
  const svg = shape("svg", { role: "img", tabindex: 0 });
  const tip = make("div.tip", { hidden: true, role: "status" });
  const none = make("p.note.none", { hidden: true });
  host.replaceChildren(svg, none, tip);
  let state = { lines: [], log: false, end: 1, cursor: null };
  let scale = null; // of steps, and the edges of the plot
  let axes = []; // by unit
  let pointed = null; // the step that is pointed at

  const drawable = (axis) => ([, y]) => Number.isFinite(y) && (!axis.log || y > 0);
  const axisOf = (line) => axes.find((axis) => axis.unit === line.unit);

  function makeAxis(unit) {
    const lines = state.lines.filter((line) => line.unit === unit);
    const axis = { unit, lines, log: state.log && lines.some((line) => line.loss) };
    axis.value = (y) => (axis.log ? Math.log10(y) : y);
    const values = lines.flatMap((line) => line.points.filter(drawable(axis)).map(([, y]) => axis.value(y))).sort((a, b) => a - b);
    [axis.low, axis.high] = values.length ? around(values, axis.log) : [0, 1];
    axis.y = (y) => Math.max(scale.top - 20, scale.bottom - ((axis.value(y) - axis.low) / (axis.high - axis.low)) * (scale.bottom - scale.top));
    return axis;
  }

  // All values, but for a few that would press the others flat.
  function around(values, log) {
    const low = values[0];
    const typical = values[Math.floor(0.97 * (values.length - 1))];
    const high = !log && values.at(-1) - low > 3 * (typical - low) && typical > low ? typical + 0.3 * (typical - low) : values.at(-1);
    const pad = 0.05 * (high - low) || 0.05 * Math.abs(high) || 0.5;
    return [low - pad, high + pad];
  }

  function path(line, points) {
    const axis = axisOf(line);
    return points
      .filter(drawable(axis))
      .map(([x, y], i) => `${i ? "L" : "M"}${scale.x(x).toFixed(1)} ${axis.y(y).toFixed(1)}`)
      .join("");
  }

  function paint() {
    const width = host.clientWidth;
    const height = host.clientHeight;
    if (!width) return;
    if (state.coming) wait(none, state.coming);
    else none.textContent = state.none;
    none.hidden = state.lines.length > 0;
    svg.toggleAttribute("hidden", !state.lines.length);
    const units = [...new Set(state.lines.map((line) => line.unit))];
    const name = width < NARROW ? 0 : 14;
    const left = AXIS + 6 + name;
    const right = width - 12 - (units.length > 1 ? (units.length - 1) * (AXIS + name) - 6 : 0);
    const [top, bottom] = [10, height - 26];
    scale = { left, right, top, bottom, x: (step) => left + (step / state.end) * (right - left), step: (pixel) => ((pixel - left) / (right - left)) * state.end };
    axes = units.map(makeAxis);
    Object.assign(svg.dataset, { left, right });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", state.label || "");
    const clip = shape("clipPath", { id: "train-curve-clip" });
    clip.append(shape("rect", { x: left, y: top, width: right - left, height: bottom - top + 1 }));
    const grid = shape("g", { class: "grid" });
    axes.forEach((axis, i) => grid.append(i ? drawAxis(axis, right + (i - 1) * (AXIS + name) + 8, 1, name) : drawAxis(axis, left - 8, -1, name)));
    const steps = ticks(0, state.end, right - left < NARROW ? 3 : 6).filter(Number.isInteger);
    steps.forEach((t) => grid.append(shape("text", { x: scale.x(t), y: height - 6, "text-anchor": t ? (t > 0.97 * state.end ? "end" : "middle") : "start" }, count(t))));
    const lines = shape("g", { "clip-path": "url(#train-curve-clip)" });
    for (const line of state.lines) lines.append(...drawLine(line));
    svg.replaceChildren(clip, grid, lines, shape("line", { class: "cursor", y1: top, y2: bottom }), shape("g", { class: "cross" }));
    moveCursor();
    point();
  }

  // The numbers of an axis at x, to its left (side -1) or right (1), and along it what they mean.
  function drawAxis(axis, x, side, room) {
    const drawn = shape("g", { class: "axis", "data-unit": axis.unit });
    for (const t of axis.log ? logTicks(axis.low, axis.high) : ticks(axis.low, axis.high, 5)) {
      const value = axis.log ? 10 ** t : t;
      const y = axis.y(value);
      if (side < 0) drawn.append(shape("line", { x1: scale.left, x2: scale.right, y1: y, y2: y }));
      drawn.append(shape("text", { x, y: y + 4, "text-anchor": side < 0 ? "end" : "start" }, figure(value)));
    }
    const own = side < 0 ? "" : `${axis.lines.map((line) => line.name).join(", ")}, `;
    const [at, middle] = [x + side * (AXIS - 2), (scale.top + scale.bottom) / 2];
    if (room) drawn.append(shape("text", { class: "unit", "text-anchor": "middle", transform: `translate(${at} ${middle}) rotate(${90 * side})` }, own + axis.unit));
    return drawn;
  }

  function drawLine(line) {
    const common = { fill: "none", stroke: line.colour, "stroke-linejoin": "round" };
    const dash = line.dashed ? { "stroke-dasharray": "6 4" } : line.dotted ? { "stroke-dasharray": "2 3" } : {};
    const strong = shape("path", { ...common, ...dash, class: "line", "data-name": line.name, d: path(line, line.points), "stroke-width": 2 });
    const faint = line.raw && !line.dotted ? shape("path", { ...common, class: "raw", d: path(line, line.raw), "stroke-width": 1, opacity: 0.25 }) : null;
    const alone = line.points.length === 1 && drawable(axisOf(line))(line.points[0]) ? dot(line, line.points[0]) : null;
    return [faint, strong, alone].filter(Boolean);
  }

  const dot = (line, [x, y]) => shape("circle", { cx: scale.x(x), cy: axisOf(line).y(y), r: 3.5, fill: line.colour });

  function moveCursor() {
    const line = svg.querySelector(".cursor");
    if (!line || !scale) return;
    line.style.display = state.cursor == null ? "none" : "";
    const x = scale.x(state.cursor || 0);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }

  // --- What is pointed at ---

  // Every line's value at the step, in its unit, with a dot on the line.
  function point(step = pointed) {
    const cross = svg.querySelector(".cross");
    const rows = scale && step != null ? state.lines.filter((line) => line.points.length).map((line) => ({ line, i: nearest(line.points, step) })) : [];
    pointed = rows.length ? rows[0].line.points[rows[0].i][0] : null;
    tip.hidden = !rows.length;
    cross?.replaceChildren();
    if (!rows.length) return;
    const x = scale.x(pointed);
    cross.append(shape("line", { x1: x, x2: x, y1: scale.top, y2: scale.bottom }));
    cross.append(...rows.filter(({ line, i }) => drawable(axisOf(line))(line.points[i])).map(({ line, i }) => dot(line, line.points[i])));
    tip.replaceChildren(make("b", {}, say("train.step_n", { step: count(pointed) })), ...rows.flatMap(told));
    tip.style.left = `${x + 14 + tip.offsetWidth > host.clientWidth ? Math.max(0, x - 14 - tip.offsetWidth) : x + 14}px`;
  }

  // A line of the tip; beside a smoothed value is the measured one, and the step where it is another one.
  function told({ line, i }) {
    const measured = line.raw && figure(line.raw[i][1], 4) !== figure(line.points[i][1], 4) ? say("train.measured", { value: figure(line.raw[i][1], 4) }) : "";
    const elsewhere = line.points[i][0] === pointed ? "" : say("train.at_step", { step: count(line.points[i][0]) });
    return [
      make("span", {}, make("i", { style: `background:${line.colour}` }), line.name),
      make("b", {}, figure(line.points[i][1], 4)),
      make("small", {}, [line.unit, elsewhere].filter(Boolean).join(" "), measured && make("span.measured", {}, ` ${measured}`)),
    ];
  }

  function hover(event) {
    if (!scale || !state.lines.length) return;
    const step = scale.step(event.clientX - host.getBoundingClientRect().left);
    step < 0 || step > state.end ? leave() : point(step);
  }

  function leave() {
    pointed = null;
    point();
  }

  // From one record to the next, or away.
  function walk(event) {
    const steps = state.lines[0]?.points.map(([step]) => step) ?? [];
    const here = pointed == null ? (event.key === "ArrowLeft" ? steps.length : -1) : steps.indexOf(pointed);
    const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape") leave();
    if (next == null || !steps.length) return;
    event.preventDefault();
    point(steps[Math.min(Math.max(0, next), steps.length - 1)]);
  }

  svg.addEventListener("pointermove", hover);
  svg.addEventListener("pointerdown", hover);
  svg.addEventListener("pointerleave", (event) => event.pointerType === "touch" || leave()); // a finger is lifted to read
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", walk);
  new ResizeObserver(paint).observe(host);

  return {
    show(next) {
      state = { ...state, ...next };
      paint();
    },
    cursor(step) {
      state.cursor = step;
      moveCursor();
    },
  };
}

// The place of the point whose step is nearest; steps rise.
export function nearest(points, step) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1;
    else high = middle;
  }
  return low && step - points[low - 1][0] < points[low][0] - step ? low - 1 : low;
}
