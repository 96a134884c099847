// The curve: losses over steps as an SVG that keeps its size; faint as measured, strong as smoothed.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 1500; // points a line

function draw(what, attributes, text) {
  const made = document.createElementNS(SVG, what);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text != null) made.textContent = text;
  return made;
}

// Exponential average over steps, not over points, and without the pull of its start, so lines of any density smooth alike.
function smooth(points, amount, range) {
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
function thin(points) {
  if (points.length <= MOST) return points;
  return Array.from({ length: MOST }, (_, i) => points[Math.round((i * (points.length - 1)) / (MOST - 1))]);
}

// About n round numbers from low to high.
function ticks(low, high, n) {
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function logTicks(low, high) {
  const every = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) for (const m of [1, 2, 5]) every.push(Math.log10(m) + power);
  const inside = every.filter((t) => t >= low - 1e-9 && t <= high + 1e-9);
  const whole = inside.filter((t) => Math.abs(t - Math.round(t)) < 1e-9);
  return inside.length > 6 && whole.length >= 2 ? whole : inside;
}

// A curve in `host`; lines are { name, colour, points: [[step, value]], raw?, dashed? }.
function curveIn(host) {
  const svg = draw("svg", { role: "img" });
  const tip = make("div.tip", { hidden: true });
  host.replaceChildren(svg, tip);
  const margin = { left: 52, right: 12, top: 10, bottom: 26 };
  let state = { lines: [], log: false, end: 1, cursor: null };
  let scale = null;

  const toY = (value) => (state.log ? Math.log10(value) : value);
  const drawable = ([, y]) => Number.isFinite(y) && (!state.log || y > 0);

  function range() {
    const values = state.lines.flatMap((line) => line.points.filter(drawable).map(([, y]) => toY(y)));
    if (!values.length) return [0, 1];
    values.sort((a, b) => a - b);
    const low = values[0];
    const typical = values[Math.floor(0.97 * (values.length - 1))];
    const high = !state.log && values.at(-1) - low > 3 * (typical - low) ? typical + 0.3 * (typical - low) : values.at(-1);
    const pad = 0.05 * (high - low) || 0.05 * Math.abs(high) || 0.5;
    return [low - pad, high + pad];
  }

  function path(points) {
    return points
      .filter(drawable)
      .map(([x, y], i) => `${i ? "L" : "M"}${scale.x(x).toFixed(1)} ${scale.y(toY(y)).toFixed(1)}`)
      .join("");
  }

  function paint() {
    const width = host.clientWidth;
    const height = host.clientHeight;
    if (!width) return;
    const [low, high] = range();
    const right = width - margin.right;
    const bottom = height - margin.bottom;
    scale = {
      x: (step) => margin.left + (step / state.end) * (right - margin.left),
      y: (value) => Math.max(margin.top - 20, bottom - ((value - low) / (high - low)) * (bottom - margin.top)),
      step: (pixel) => ((pixel - margin.left) / (right - margin.left)) * state.end,
    };
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", state.label || "");
    const clip = draw("clipPath", { id: "train-curve-clip" });
    clip.append(draw("rect", { x: margin.left, y: margin.top, width: right - margin.left, height: bottom - margin.top + 1 }));
    const grid = draw("g", { class: "grid" });
    for (const t of state.log ? logTicks(low, high) : ticks(low, high, 5)) {
      const y = scale.y(t);
      grid.append(draw("line", { x1: margin.left, x2: right, y1: y, y2: y }));
      grid.append(draw("text", { x: margin.left - 8, y: y + 4, "text-anchor": "end" }, figure(state.log ? 10 ** t : t)));
    }
    const steps = ticks(0, state.end, width < 500 ? 3 : 6).filter(Number.isInteger);
    steps.forEach((t) => grid.append(draw("text", { x: scale.x(t), y: height - 6, "text-anchor": t ? (t > 0.97 * state.end ? "end" : "middle") : "start" }, count(t))));
    const lines = draw("g", { "clip-path": "url(#train-curve-clip)" });
    for (const line of state.lines) {
      const common = { fill: "none", stroke: line.colour, "stroke-linejoin": "round" };
      if (line.raw) lines.append(draw("path", { ...common, class: "raw", d: path(line.raw), "stroke-width": 1, opacity: 0.25 }));
      const dash = line.dashed ? { "stroke-dasharray": "6 4" } : {};
      lines.append(draw("path", { ...common, ...dash, class: "line", "data-name": line.name, d: path(line.points), "stroke-width": 2 }));
      if (line.points.length === 1 && drawable(line.points[0]))
        lines.append(draw("circle", { cx: scale.x(line.points[0][0]), cy: scale.y(toY(line.points[0][1])), r: 3, fill: line.colour }));
    }
    const cursor = draw("line", { class: "cursor", y1: margin.top, y2: bottom });
    svg.replaceChildren(clip, grid, lines, cursor);
    moveCursor();
  }

  function moveCursor() {
    const line = svg.querySelector(".cursor");
    if (!line || !scale) return;
    line.style.display = state.cursor == null ? "none" : "";
    const x = scale.x(state.cursor || 0);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }

  function hover(event) {
    if (!scale || !state.lines.length) return;
    const box = host.getBoundingClientRect();
    const step = scale.step(event.clientX - box.left);
    if (step < 0 || step > state.end) return leave();
    const rows = state.lines.filter((line) => line.points.length).map((line) => ({ line, near: nearest(line.points, step) }));
    if (!rows.length) return;
    tip.replaceChildren(
      make("b", {}, say("train.step_n", { step: count(nearest(rows[0].line.points, step)[0]) })),
      ...rows.map(({ line, near }) =>
        make("span", {}, make("i", { style: `background:${line.colour}` }), `${line.name} `, make("b", {}, figure(near[1], 4)))
      )
    );
    tip.hidden = false;
    const x = event.clientX - box.left;
    tip.style.left = `${x + 14 + tip.offsetWidth > box.width ? x - 14 - tip.offsetWidth : x + 14}px`;
  }

  function leave() {
    tip.hidden = true;
  }

  svg.addEventListener("pointermove", hover);
  svg.addEventListener("pointerdown", hover);
  svg.addEventListener("pointerleave", leave);
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

// The point of a line whose step is nearest; steps rise.
function nearest(points, step) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1;
    else high = middle;
  }
  return low && step - points[low - 1][0] < points[low][0] - step ? points[low - 1] : points[low];
}
