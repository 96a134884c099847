// The map: what lies in the plane of two axes through the point on screen, with the data where they are encoded.

import { colourOf, count } from "../../kit/numbers.js";
import { make, wait } from "../../kit/parts.js";
import { loaded } from "../../kit/tiles.js";
import { say } from "../../kit/words.js";
import { called, rounded, signed } from "./axes.js";

export function startMap(card) {
  const { element, ask, at, looking, point, rest, setAxis, whenLeft, whenRefreshed, whenResting } = card;
  const plane = at("map"), planeTip = at("map-tip");
  let tiles = null, scattered = null, drawnMap = ""; // the sprite and its side; the data, once asked for; which wish the sprite answers
  const axesOfMap = () => [Number(at("map-across").value || 0), Number(at("map-up").value || 1)];
  const seesMap = () => at("part-map").checkVisibility();

  function chooseAxes() {
    for (const [id, chosen] of [["map-across", 0], ["map-up", 1]]) {
      const before = at(id).value;
      at(id).replaceChildren(...card.names.map((name, i) => make("option", { value: i }, called(name))));
      at(id).value = before && before < card.names.length ? before : Math.min(chosen, card.names.length - 1);
    }
  }

  /** The plane does not depend on where one is along its own two axes. */
  function mapWish() {
    const [across, up] = axesOfMap(), values = [...card.here.values];
    if (across < values.length) values[across] = 0;
    if (up < values.length) values[up] = 0;
    return { ...point(), values, across, up };
  }

  async function drawMap() {
    if (!seesMap() || !card.here?.values) return;
    if (at("map-across").options.length !== card.names.length) chooseAxes();
    if (card.names.length < 2) return sayMap(say("map.one"));
    const asked = mapWish(), text = JSON.stringify(asked);
    if (text !== drawnMap) {
      plane.setAttribute("aria-busy", "true");
      if (!tiles) wait(at("map-note"), say("map.drawing"));
      const answer = await ask("latent_map", asked);
      plane.removeAttribute("aria-busy");
      if (!answer) return legendOfMap();
      tiles = { ...answer, image: await loaded(answer.image) };
      drawnMap = text;
    }
    legendOfMap();
    paintMap();
    if (scattered ? !scattered.fault : card.model.encoder) scatter();
  }

  /** Learn where held-out data lie: at once, or part by part where the model has to look for each, as long as the map is seen. */
  async function scatter() {
    const mine = (scattered ??= { values: [], labels: [], classes: [], total: 1 });
    if (mine.busy) return;
    [mine.busy, mine.fault] = [true, null];
    while (mine === scattered && seesMap() && !mine.fault && mine.values.length < mine.total) {
      const answer = await ask("latent_scatter", { ...looking(), start: mine.values.length }, (fault) => (mine.fault = fault));
      if (answer) Object.assign(mine, answer, { values: [...mine.values, ...answer.values], labels: [...mine.labels, ...answer.labels] });
      if (mine !== scattered) return; // another model is looked at by now
      legendOfMap();
      paintMap();
    }
    mine.busy = false;
  }

  function legendOfMap() {
    const n = scattered?.values.length ?? 0;
    at("map-encode").hidden = scattered ? !scattered.fault : card.model.encoder;
    at("map-data").parentElement.hidden = !n;
    if (!scattered) sayMap(card.model.encoder ? "" : say("map.no_encoder"));
    else if (scattered.fault) sayMap(scattered.fault);
    else if (n) sayMap(n < scattered.total ? say("map.part", { n, total: scattered.total }) : say("map.note", { n: count(n) }));
    else wait(at("map-note"), say("encode.waiting"));
    at("map-legend").replaceChildren(...(scattered?.classes ?? []).map((name, k) => make("span.key", {}, make("span.dot", { style: `background:${colourOf(k)}` }), name)));
  }

  function sayMap(text) {
    at("map-note").textContent = text;
  }

  /** From coordinates to pixels of the canvas: the middles of the outer pictures stand at -reach and reach. */
  const toMap = (value) => (value / tiles.reach) * 0.5 * (1 - 1 / tiles.side) + 0.5;
  const fromMap = (share) => ((share - 0.5) * tiles.reach) / (0.5 * (1 - 1 / tiles.side));

  function paintMap() {
    if (!tiles || !card.here?.values) return;
    const ratio = window.devicePixelRatio || 1, size = Math.round(plane.clientWidth * ratio);
    if (!size) return;
    if (plane.width !== size) plane.width = plane.height = size;
    const context = plane.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 1;
    context.drawImage(tiles.image, 0, 0, size, size);
    const [across, up] = axesOfMap(), dot = (x, y, radius, fill, line) => {
      context.beginPath();
      context.arc(toMap(x) * size, (1 - toMap(y)) * size, radius * ratio, 0, 7);
      if (fill) [context.fillStyle, context.globalAlpha] = [fill, 0.8];
      if (fill) context.fill();
      if (line) [context.strokeStyle, context.globalAlpha, context.lineWidth] = [line, 1, 2 * ratio];
      if (line) context.stroke();
    };
    if (at("map-data").checked) scattered?.values.forEach((values, i) => dot(values[across], values[up], 2.6, colourOf(Math.max(0, scattered.labels[i]))));
    dot(card.here.values[across], card.here.values[up], 8, null, "#fff");
    dot(card.here.values[across], card.here.values[up], 10, null, getComputedStyle(plane).color);
  }

  function pointedAt(event) {
    const box = plane.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return { x, y, place: [fromMap(x), fromMap(1 - y)].map(rounded) };
  }

  /** What lies under the pointer, large, before one goes there. */
  function peek(event) {
    if (!tiles) return;
    const { x, y, place } = pointedAt(event);
    const tile = (share) => Math.min(tiles.side - 1, Math.max(0, Math.floor(share * tiles.side)));
    const canvas = planeTip.querySelector("canvas"), [h, w] = [tiles.image.height / tiles.side, tiles.image.width / tiles.side];
    [canvas.width, canvas.height] = [w, h];
    canvas.getContext("2d").drawImage(tiles.image, tile(x) * w, tile(y) * h, w, h, 0, 0, w, h);
    planeTip.querySelector("span").textContent = place.map(signed).join(" · ");
    planeTip.hidden = false;
    planeTip.style.left = `${Math.min(x * plane.clientWidth + 14, plane.clientWidth - 100)}px`;
    planeTip.style.top = `${y < 0.6 ? y * plane.clientWidth + 14 : y * plane.clientWidth - 128}px`;
  }

  plane.addEventListener("pointermove", peek);
  plane.addEventListener("pointerleave", () => (planeTip.hidden = true));
  addEventListener("keydown", (event) => event.key === "Escape" && (planeTip.hidden = true));
  plane.addEventListener("click", (event) => {
    if (!tiles || !card.here?.values) return;
    const { place } = pointedAt(event);
    axesOfMap().forEach((axis, i) => setAxis(axis, place[i]));
    paintMap();
  });
  for (const id of ["map-across", "map-up"]) at(id).addEventListener("change", drawMap);
  at("map-data").addEventListener("change", paintMap);
  at("map-encode").addEventListener("click", () => {
    scatter();
    legendOfMap();
  });
  new ResizeObserver(paintMap).observe(plane);
  whenLeft.push(() => {
    [tiles, scattered, drawnMap] = [null, null, ""];
    for (const id of ["map-across", "map-up"]) at(id).replaceChildren();
  });
  whenRefreshed.push(() => {
    [scattered, drawnMap] = [null, ""];
    legendOfMap();
    paintMap();
    rest();
  });
  whenResting.push(drawMap);

  // --- The cards below, one at a time ---

  function showPart(name) {
    for (const tab of at("tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.part === name));
    for (const part of element.querySelectorAll(".part")) part.hidden = part.id !== `latent-part-${name}`;
    if (card.here) rest();
  }
  at("tabs").addEventListener("click", (event) => event.target.dataset.part && showPart(event.target.dataset.part));
  const partShown = () => at("tabs").querySelector("[aria-selected=true]").dataset.part;
  showPart([...at("tabs").children].some((tab) => tab.dataset.part === card.link?.part) ? card.link.part : "between");

  Object.assign(card, { partShown });
}
