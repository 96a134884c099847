// The map: every point an image, placed by components or by who is near whom, coloured by class, issue or score.
// The legend hides and isolates; a lasso chooses what gallery and suspects show. The points are painted once, on a layer.

import { colourOf, colours, count, fixed, percent } from "../../kit/numbers.js";
import { latest, make, wait } from "../../kit/parts.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";

const grey = "#9aa3ad"; // of what nothing is suspected of, or what has no label

export function start({ element, find, props, server, trigger, watch }) {
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
  let found = null; // issues and scores of the points, once one has looked
  let by = "class"; // what colours tell
  let how = "pixels"; // the points are placed
  let turn = 0; // of wishes for maps that take a while
  let ordered = false; // such a map, which has not come yet
  let lasso = []; // its corners so far, in CSS pixels
  let xs = [], ys = []; // where the points are on screen
  let drawing = false;
  let chosen = null; // the points within
  const layer = document.createElement("canvas");
  const askSuspicion = latest(server.suspicion);
  const vivid = colours.filter((_, k) => k !== 4 && k !== 8); // those that are no greys

  new ResizeObserver(paint).observe(canvas.parentElement);
  canvas.addEventListener("pointermove", (event) => (drawing ? extend(event) : point(event)));
  canvas.addEventListener("pointerdown", (event) => { point(event); begin(event); });
  canvas.addEventListener("pointerleave", () => hover(-1));
  addEventListener("keydown", (event) => event.key === "Escape" && hover(-1));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, close);
  find(".how").addEventListener("change", (event) => { how = event.target.value; load(canvas.dataset.of); });
  watch("value", arranged);
  find(".by").addEventListener("change", (event) => { by = event.target.value; hidden = new Set(); key(); paint(); });
  label(element);
  canvas.setAttribute("aria-label", say("data.map"));
  listen("opened data", load);
  listen("let go", () => choose(null));
  listen("looked", async (dataset) => { if (dataset && dataset === map?.dataset) await readSuspicion(); });

  async function load(dataset) {
    canvas.setAttribute("aria-busy", "true");
    canvas.dataset.of = dataset;
    if (ordered) trigger("leave");
    ordered = false;
    const answer = dataset ? await askMap({ dataset, method: "pixels" }) : { error: true };
    if (answer) show(answer, dataset);
    if (answer?.methods?.includes(how) && how !== "pixels") order(dataset);
  }

  /** Maps that take a while are made in the queue; what was shown before stays until they are there. */
  function order(dataset) {
    canvas.setAttribute("aria-busy", "true");
    wait(note, say("data.arranging", { method: say(`data.how_${how}`) }));
    ordered = true;
    trigger("arrange", { dataset, method: how, turn: (turn += 1) });
  }

  async function arranged() {
    const news = props.value;
    if (!news || typeof news !== "object" || !map || news.turn !== turn) return;
    ordered = false;
    if (news.error) {
      how = "pixels";
      await load(map.dataset);
      return (note.textContent = news.error);
    }
    if (news.arranged !== map.dataset) return;
    const answer = await askMap({ dataset: news.arranged, method: how });
    if (answer) show(answer, news.arranged);
  }

  function show(answer, dataset) {
    canvas.removeAttribute("aria-busy");
    hidden = new Set();
    thumbnails.clear();
    hover(-1);
    map = answer.error ? null : { ...answer, dataset };
    choose(null);
    [found, by] = [null, "class"];
    placed();
    options();
    note.textContent = map ? sentence() : say("data.no_map");
    find("h2").textContent = say(map?.reach ? "data.points" : "data.map");
    canvas.setAttribute("aria-label", note.textContent);
    canvas.parentElement.hidden = !map;
    key();
    paint();
    if (map) readSuspicion();
  }

  function placed() {
    find(".how").hidden = !map?.methods.length;
    find(".how").replaceChildren(...(map?.methods ?? []).map((name) => make("option", { value: name, selected: name === how }, say(`data.how_${name}`, { units: map.units }))));
  }

  /** Where one has looked for faults, points can be coloured by what was found. */
  async function readSuspicion() {
    const answer = await askSuspicion({ dataset: map.dataset, method: map.method });
    if (!answer || answer.error) return;
    const there = new Set(answer.worst);
    found = { ...answer, shown: [...answer.issues.keys()].filter((k) => there.has(k)) };
    options();
    key();
    paint();
  }

  function options() {
    find(".by").hidden = !found;
    find(".by").replaceChildren(...["class", "issue", "score"].map((name) => make("option", { value: name, selected: name === by }, say(`data.by_${name}`))));
  }

  /** The groups that colours tell apart: their numbers, names and colours. */
  function groups() {
    if (!map || (by === "class" && !map.classes.length)) return [];
    const bare = map.labels.includes(-1) ? [{ k: -1, name: say("data.no_label"), colour: grey }] : [];
    if (by === "class") return [...map.classes.map((name, k) => ({ k, name, colour: colourOf(k) })), ...bare];
    const issues = found.shown.map((k) => ({ k, name: say(`quality.issue_${found.issues[k]}`), colour: issueColour(k) }));
    return [{ k: -1, name: say("data.unsuspected"), colour: grey }, ...issues];
  }

  const groupOf = (i) => (by === "class" ? map.labels[i] : found.worst[i]);

  const issueColour = (k) => (k < 0 ? grey : vivid[found.shown.indexOf(k) % vivid.length]);

  /** What tells the colour of point i, and the colour it tells. */
  const shadeOf = (i) => (by === "score" ? Math.round(10 * found.scores[i]) : groupOf(i));

  function colourAt(shade) {
    if (by === "score") return `color-mix(in srgb, #bd1f01 ${10 * shade}%, ${grey})`;
    return by === "issue" ? issueColour(shade) : shade < 0 && map.classes.length ? grey : colourOf(Math.max(0, shade));
  }

  function sentence() {
    if (map.reach) return say("data.points_note", { n: count(map.rows.length) });
    if (!map.shares) return say("data.near", { n: count(map.rows.length), things: map.things });
    const [first, second] = map.shares;
    return say(map.classes.length ? "data.shares" : "data.shares_no_classes", {
      what: say(`data.what_${map.method}`, { units: map.units }),
      n: count(map.rows.length),
      things: map.things,
      both: percent(first + second),
      first: percent(first),
      second: percent(second),
    });
  }

  function key() {
    legend.replaceChildren(
      ...groups().map(({ k, name, colour }) =>
        make(
          "button.link.key",
          { type: "button", "data-k": k, "aria-pressed": String(!hidden.has(k)), title: say("data.legend_help"), onclick: () => toggle(k), ondblclick: () => isolate(k) },
          make("span.dot", { style: `background:${colour}` }),
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
    const all = groups().map((group) => group.k);
    const alone = !hidden.has(k) && hidden.size === all.length - 1;
    hidden = new Set(alone ? [] : all.filter((other) => other !== k));
    refresh();
  }

  // Pressed states change in place: replacing the buttons would swallow the second click of a double click.
  function refresh() {
    for (const button of legend.children) button.setAttribute("aria-pressed", String(!hidden.has(Number(button.dataset.k))));
    hover(-1);
    paint();
  }

  const place = (i) => [xs[i], ys[i]];

  /** Work out where the points lie, in CSS pixels; points themselves keep the plane's proportions. */
  function arrange() {
    const { clientWidth, clientHeight } = canvas;
    const margin = map.reach ? 0 : 8;
    const [w, h] = [clientWidth, clientHeight].map((side) => (map.reach ? Math.min(clientWidth, clientHeight) : side - 2 * margin));
    xs = Float32Array.from(map.x, (x) => (clientWidth - w) / 2 + x * w);
    ys = Float32Array.from(map.y, (y) => (clientHeight + h) / 2 - y * h);
  }

  /** Put all points on the layer: colour by colour, and small where they are many. */
  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: w, clientHeight: h } = canvas;
    if (!w) return;
    for (const sheet of [canvas, layer]) [sheet.width, sheet.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    const brush = layer.getContext("2d");
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!map) return showLayer();
    arrange();
    const radius = map.rows.length > 8000 ? 1 : 2.2;
    for (const [shade, points] of shades()) {
      brush.fillStyle = colourAt(shade);
      for (const i of points) {
        brush.globalAlpha = chosen && !chosen.has(i) ? 0.12 : 0.75;
        dot(brush, xs[i], ys[i], radius);
      }
    }
    showLayer();
  }

  /** The points that are not hidden, by what tells their colour. */
  function shades() {
    const all = new Map();
    for (let i = 0; i < map.rows.length; i++) {
      if (hidden.has(groupOf(i))) continue;
      const shade = shadeOf(i);
      if (!all.has(shade)) all.set(shade, []);
      all.get(shade).push(i);
    }
    return [...all].sort(([one], [other]) => one - other); // what is suspected most lies on top
  }

  /** The layer, and over it what moves with the pointer. */
  function showLayer() {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!map || !layer.width) return;
    context.drawImage(layer, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (lasso.length > 1) outline();
    if (over < 0) return;
    const [x, y] = place(over);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 6, 0, 7);
    context.stroke();
  }

  function outline() {
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 1.5;
    context.beginPath();
    lasso.forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    context.stroke();
  }

  // --- The lasso: a drag encloses points, a click on nothing lets them go ---

  function begin(event) {
    if (!map) return;
    drawing = true;
    lasso = [at(event)];
    canvas.setPointerCapture(event.pointerId);
  }

  function extend(event) {
    lasso.push(at(event));
    if (lasso.length === 2) hover(-1);
    showLayer();
  }

  function close(event) {
    if (!drawing) return;
    drawing = false;
    const path = lasso;
    lasso = [];
    if (event.type === "pointercancel") return showLayer();
    const xs = path.map(([x]) => x), ys = path.map(([, y]) => y);
    if (Math.max(...xs) - Math.min(...xs) + Math.max(...ys) - Math.min(...ys) > 12) return choose(within(path));
    point(event);
    if (over < 0) return chosen ? choose(null) : showLayer();
    showLayer();
    if (!map.reach) tell("image", map.rows[over]);
  }

  function within(path) {
    const area = new Path2D();
    path.forEach(([x, y]) => area.lineTo(x, y));
    context.setTransform(1, 0, 0, 1, 0, 0);
    return new Set(map.rows.map((_, i) => i).filter((i) => !hidden.has(groupOf(i)) && context.isPointInPath(area, ...place(i))));
  }

  /** Let gallery and suspects show these points alone; null for all. */
  function choose(points) {
    const before = chosen;
    chosen = points?.size ? points : null;
    if (chosen || before) tell("lasso", chosen && { dataset: map.dataset, rows: [...chosen].map((i) => map.rows[i]) });
    canvas.dataset.chosen = chosen?.size ?? "";
    paint();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  function point(event) {
    if (!map) return;
    const [px, py] = at(event);
    let best = -1;
    let least = 14 ** 2;
    for (let i = 0; i < map.rows.length; i++) {
      if (hidden.has(groupOf(i))) continue;
      const distance = (xs[i] - px) ** 2 + (ys[i] - py) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    hover(best);
  }

  function hover(i) {
    if (i === over) return;
    over = i;
    clearTimeout(waiting);
    tip.hidden = true;
    showLayer();
    if (i >= 0) waiting = setTimeout(() => reveal(i), thumbnails.has(map.rows[i]) ? 0 : 40);
  }

  async function reveal(i) {
    const row = map.rows[i];
    const name = map.labels[i] < 0 ? say("data.no_label") : map.classes[map.labels[i]];
    if (map.reach) return pointOut(i, [make("span", {}, `${map.classes.length ? `${name}: ` : ""}${coordinates(i)}`)]);
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
    const [x, y] = [map.x[i], map.y[i]].map((share) => fixed((share * 2 - 1) * map.reach, 2));
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
}

function dot(brush, x, y, radius) {
  if (radius < 2) return brush.fillRect(x - radius, y - radius, 2 * radius, 2 * radius); // many times as fast
  brush.beginPath();
  brush.arc(x, y, radius, 0, 7);
  brush.fill();
}
