// The pad: an endless surface of latents. What lies around is decoded ahead, so that the picture answers within the frame.

import { loaded } from "../../kit/tiles.js";
import { fixed } from "../../kit/numbers.js";
import { say } from "../../kit/words.js";

const VIEW = 2, MARGIN = 1, AT_ONCE = 9, FURTHEST = 999_000; // cells that are seen, kept ready around them, asked for at once

export function startPad(card) {
  const { ask, at, beat, point, showPoint, whenLeft, whenRefreshed, whenResting } = card;
  const surface = at("pad"), ahead = at("ahead"), blend = document.createElement("canvas");
  const cells = new Map(); // "column,row" -> the sprite that holds it and its place in there
  let spot = [0.5, 0.5]; // the place in the middle of the pad
  let fine = 0; // pictures along the side of a cell
  let held = null; // the hand on the pad: where it took hold, and of what
  let fetching = 0; // for which model
  let side = 0, ink = ""; // of the pad in pixels, and of its mark; kept, as asking for them in a movement lays out the page

  const viewNow = () => JSON.stringify([card.here.classes, card.offsets, card.truncation, [...card.locks].map((i) => [i, card.lockedAt[i]])]);

  /** Draw the picture at a place of the lattice of decoded ones; false where it is not there yet. */
  function stamp(context, column, row, x, y, width, height) {
    const cell = cells.get(`${Math.floor(column / fine)},${Math.floor(row / fine)}`);
    if (!cell) return false;
    const [h, w] = cell.size;
    context.drawImage(cell.image, wrap(column, fine) * w, (cell.i * fine + wrap(row, fine)) * h, w, h, x, y, width, height);
    return true;
  }

  /** Show between its four neighbours what the pad's middle decodes to, until the server's own picture is there. */
  function foresee() {
    const [x, y] = spot.map((part) => part * fine), [column, row] = [Math.floor(x), Math.floor(y)];
    const there = fine && [[0, 0], [1, 0], [0, 1], [1, 1]].every(([i, j]) => cells.has(`${Math.floor((column + i) / fine)},${Math.floor((row + j) / fine)}`));
    if (!there) return false;
    const [h, w] = cells.values().next().value.size;
    for (const canvas of [ahead, blend]) if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const [upper, lower] = [ahead, blend].map((canvas) => canvas.getContext("2d", { alpha: false }));
    for (const [context, j] of [[upper, 0], [lower, 1]]) {
      context.globalAlpha = 1;
      stamp(context, column, row + j, 0, 0, w, h);
      context.globalAlpha = x - column;
      stamp(context, column + 1, row + j, 0, 0, w, h);
    }
    upper.globalAlpha = y - row;
    upper.drawImage(blend, 0, 0);
    ahead.dataset.base = card.here.base;
    ahead.hidden = false;
    beat();
    return true;
  }

  /** Draw the surface around the spot. */
  function drawPad() {
    if (!side || !fine) return;
    const context = surface.getContext("2d"), tile = surface.width / (VIEW * fine);
    const [left, top] = spot.map((part) => part * fine - (VIEW * fine) / 2); // of the pictures, each around its own place
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, surface.width, surface.height);
    const edge = (i) => Math.round((i + 0.5) * tile); // whole pixels, or seams would show
    for (let row = Math.floor(top); row <= top + VIEW * fine + 1; row++) {
      for (let column = Math.floor(left); column <= left + VIEW * fine + 1; column++) {
        const [x, y] = [edge(column - left - 1), edge(row - top - 1)];
        stamp(context, column, row, x, y, edge(column - left) - x, edge(row - top) - y);
      }
    }
    const ring = tile / 2 + 2, centre = surface.width / 2;
    const there = card.here.exact && card.here.base === `pad:${spot.join()}`; // else the frame would mark what is not on screen
    for (const [colour, width] of there ? [["#fff", 4], [ink, 2]] : []) {
      context.strokeStyle = colour;
      context.lineWidth = width * (window.devicePixelRatio || 1);
      context.strokeRect(centre - ring, centre - ring, 2 * ring, 2 * ring);
    }
    at("spot").textContent = there ? spot.map((part) => fixed(part, 2)).join(" · ") : say("latent.elsewhere");
  }

  /** Go to a place: at once with what was decoded ahead, then with the server's own picture. */
  function padTo(place) {
    spot = place.map((part) => Math.round(Math.min(FURTHEST, Math.max(-FURTHEST, part)) * 1e4) / 1e4);
    card.here = { base: `pad:${spot.join()}`, values: null, classes: card.here.classes, exact: true };
    foresee();
    drawPad();
    showPoint();
    fetchCells();
  }

  /** The nearest cells that are not here yet, of those that may soon be seen. */
  function lacking() {
    const reach = VIEW / 2 + MARGIN, near = [];
    for (let row = Math.floor(spot[1] - reach); row < spot[1] + reach; row++) {
      for (let column = Math.floor(spot[0] - reach); column < spot[0] + reach; column++) near.push([column, row]);
    }
    const away = ([column, row]) => Math.hypot(column + 0.5 - spot[0], row + 0.5 - spot[1]);
    return near.filter((cell) => !cells.has(cell.join())).sort((a, b) => away(a) - away(b)).slice(0, AT_ONCE);
  }

  async function fetchCells() {
    const mine = card.generation;
    if (fetching === mine) return;
    fetching = mine;
    for (let wanted = lacking(); wanted.length; wanted = lacking()) {
      const seenAs = viewNow(), answer = await ask("latent_pad", { ...point(), values: null, cells: wanted });
      if (!answer) break;
      const image = await loaded(answer.image);
      if (mine !== card.generation) break; // another model is looked at by now
      if (seenAs !== viewNow()) continue; // or other classes
      fine = answer.fine;
      const size = [image.height / (wanted.length * fine), image.width / fine];
      wanted.forEach((cell, i) => cells.set(cell.join(), { image, i, size }));
      while (cells.size > 400) cells.delete(cells.keys().next().value);
      drawPad();
    }
    if (fetching === mine) fetching = 0;
  }

  /** The surface as it is seen now: of the classes that are chosen, along the directions that were moved. */
  let padView = "";
  async function refreshPad() {
    ink = getComputedStyle(surface).color;
    if (padView !== viewNow()) cells.clear();
    padView = viewNow();
    drawPad();
    await fetchCells();
  }

  /** Keep frames coming while the pad is held: a browser that rests takes up to two frames to show a movement. */
  function stayAwake() {
    if (held) requestAnimationFrame(stayAwake);
  }

  surface.addEventListener("pointerdown", (event) => {
    if (!card.here) return;
    surface.setPointerCapture(event.pointerId);
    held = { x: event.clientX, y: event.clientY, spot, moved: false };
    stayAwake();
  });
  surface.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    held.moved ||= Math.hypot(x, y) > 3;
    if (held.moved) padTo([held.spot[0] - (x / side) * VIEW, held.spot[1] - (y / side) * VIEW]);
  });
  surface.addEventListener("pointerup", (event) => {
    if (held && !held.moved) {
      const box = surface.getBoundingClientRect();
      padTo([spot[0] + ((event.clientX - box.left) / box.width - 0.5) * VIEW, spot[1] + ((event.clientY - box.top) / box.height - 0.5) * VIEW]);
    }
    held = null;
  });
  surface.addEventListener("pointercancel", () => (held = null));
  surface.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!step || !card.here) return;
    event.preventDefault();
    padTo(spot.map((part, i) => part + step[i] / 10));
  });
  function measurePad() {
    [side, ink] = [surface.clientWidth, getComputedStyle(surface).color];
    surface.width = surface.height = Math.round(side * (window.devicePixelRatio || 1));
    drawPad();
  }
  new ResizeObserver(measurePad).observe(surface);

  whenLeft.push(() => {
    cells.clear();
    [fine, padView, spot] = [0, "", [0.5, 0.5]];
    surface.getContext("2d").clearRect(0, 0, surface.width, surface.height);
  });
  whenRefreshed.push(() => cells.clear());
  whenResting.push(refreshPad);
}

const wrap = (x, n) => ((x % n) + n) % n;
