// The map: every point an image, placed by the two strongest principal components; the legend hides and isolates classes.

const canvas = find("#data-map");
const context = canvas.getContext("2d");
const legend = find(".legend");
const note = find(".shares");
const tip = find(".tip");
const askMap = latest(server.plane);
const askThumbnail = latest(server.thumbnail);
const thumbnails = new Map();
let map = null;
let hidden = new Set();
let over = -1;
let waiting = 0;

new ResizeObserver(draw).observe(canvas.parentElement);
canvas.addEventListener("pointermove", (event) => point(event));
canvas.addEventListener("pointerdown", (event) => point(event));
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("click", () => over >= 0 && !map.points && tell("image", map.rows[over]));
label(element);
listen("opened data", load);

async function load(dataset) {
  canvas.setAttribute("aria-busy", "true");
  const answer = dataset ? await askMap({ dataset }) : { error: true };
  if (!answer) return;
  canvas.removeAttribute("aria-busy");
  canvas.dataset.of = dataset;
  hidden = new Set();
  thumbnails.clear();
  hover(-1);
  map = answer.error ? null : { ...answer, dataset };
  note.textContent = map ? sentence() : say("data.no_map");
  find("h2").textContent = say(map?.points ? "data.points" : "data.map");
  canvas.setAttribute("aria-label", note.textContent);
  canvas.parentElement.hidden = !map;
  key();
  draw();
}

function sentence() {
  if (map.points) return say("data.points_note", { n: count(map.rows.length) });
  const [first, second] = map.shares;
  return say(map.classes.length ? "data.shares" : "data.shares_no_classes", {
    n: count(map.rows.length),
    both: percent(first + second),
    first: percent(first),
    second: percent(second),
  });
}

function key() {
  legend.replaceChildren(
    ...(map ? map.classes : []).map((name, k) =>
      make(
        "button.link.key",
        { type: "button", "aria-pressed": String(!hidden.has(k)), title: say("data.legend_help"), onclick: () => toggle(k), ondblclick: () => isolate(k) },
        make("span.dot", { style: `background:${colourOf(k)}` }),
        name
      )
    )
  );
}

function toggle(k) {
  hidden.has(k) ? hidden.delete(k) : hidden.add(k);
  refresh();
}

function isolate(k) {
  const alone = !hidden.has(k) && hidden.size === map.classes.length - 1;
  hidden = new Set(alone ? [] : map.classes.map((_, other) => other).filter((other) => other !== k));
  refresh();
}

// Pressed states change in place: replacing the buttons would swallow the second click of a double click.
function refresh() {
  [...legend.children].forEach((button, k) => button.setAttribute("aria-pressed", String(!hidden.has(k))));
  hover(-1);
  draw();
}

// Where point i lies, in CSS pixels.
function place(i) {
  const { clientWidth: w, clientHeight: h } = canvas;
  if (map.points) {
    const side = Math.min(w, h);
    return [(w - side) / 2 + map.x[i] * side, h - (h - side) / 2 - map.y[i] * side];
  }
  const margin = 8;
  return [margin + map.x[i] * (w - 2 * margin), h - margin - map.y[i] * (h - 2 * margin)];
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: w, clientHeight: h } = canvas;
  if (!w) return;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, w, h);
  if (!map) return;
  context.globalAlpha = 0.75;
  map.rows.forEach((_, i) => {
    if (hidden.has(map.labels[i])) return;
    const [x, y] = place(i);
    context.fillStyle = map.labels[i] < 0 ? colours[0] : colourOf(map.labels[i]);
    context.beginPath();
    context.arc(x, y, 2.2, 0, 7);
    context.fill();
  });
  context.globalAlpha = 1;
  if (over < 0) return;
  const [x, y] = place(over);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 6, 0, 7);
  context.stroke();
}

function point(event) {
  if (!map) return;
  const box = canvas.getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  let best = -1;
  let least = 14 ** 2;
  for (let i = 0; i < map.rows.length; i++) {
    if (hidden.has(map.labels[i])) continue;
    const [x, y] = place(i);
    const distance = (x - px) ** 2 + (y - py) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  hover(best);
}

function hover(i) {
  if (i === over) return;
  over = i;
  clearTimeout(waiting);
  tip.hidden = true;
  draw();
  if (i >= 0) waiting = setTimeout(() => show(i), thumbnails.has(map.rows[i]) ? 0 : 40);
}

async function show(i) {
  const row = map.rows[i];
  const name = map.labels[i] < 0 ? say("data.no_label") : map.classes[map.labels[i]];
  if (map.points) return pointOut(i, [make("span", {}, `${map.classes.length ? `${name}: ` : ""}${coordinates(i)}`)]);
  if (!thumbnails.has(row)) {
    const answer = await askThumbnail({ dataset: map.dataset, row });
    if (!answer || answer.error) return;
    thumbnails.set(row, answer.image);
  }
  if (i !== over) return;
  const [, h, w] = map.shape;
  const scale = Math.max(1, Math.round(84 / w));
  pointOut(i, [make("img", { src: thumbnails.get(row), width: w * scale, height: h * scale, alt: name }), make("span", {}, name)]);
}

function coordinates(i) {
  const [x, y] = [map.x[i], map.y[i]].map((share) => ((share * 2 - 1) * map.reach).toFixed(2).replace("-", "−"));
  return say("data.points_at", { x, y });
}

function pointOut(i, told) {
  tip.replaceChildren(...told);
  tip.hidden = false;
  const [x, y] = place(i);
  const { clientWidth, clientHeight } = canvas;
  tip.style.left = `${Math.max(0, Math.min(x + 12, clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${y + 12 + tip.offsetHeight > clientHeight ? y - 12 - tip.offsetHeight : y + 12}px`;
}
