// The map of tokens: each where the vector that stands for it lies; it is zoomed, dragged, gone through by keys.

import { fixed, percent } from "../../kit/numbers.js";
import { make } from "../../kit/parts.js";
import { say, visible } from "../../kit/words.js";

const NEAR = 26, MOST = 60; // pixels from a token at which it is meant; the closest that one can come
const EDGE = 26; // pixels around all tokens

export function startTokens(card) {
  const { find } = card;
  const canvas = find("#token-map"), told = find("#token-told"), near = find("#token-near");
  const fault = find("#token-fault"), askAll = card.asker("writer_tokens", fault), askNear = card.asker("writer_near", fault);
  let map = null; // what the server told, and which names are which
  let of = null; // the model of which it is
  let view = { x: 0, y: 0, zoom: 1 }; // what lies in the middle, and how large it is
  let bounds = null; // of all tokens
  let token = null, over = null; // the one that is chosen, and the one under the hand: their places in the list
  let wanted = null; // the number of a link's token
  let grip = null; // the fingers on the map, and what they took hold of
  const fingers = new Map();

  card.parts.tokens = {
    open(linked) {
      [map, token, over, wanted, view] = [null, null, null, /^\d{1,6}$/.test(linked.token ?? "") ? Number(linked.token) : null, { x: 0, y: 0, zoom: 1 }];
      for (const node of [told, near, find("#token-shares")]) node.replaceChildren();
    },
    view: () => (token === null ? {} : { token: map.tokens[token] }),
    async show() {
      if (map && of === card.model) return paint();
      const mine = card.model;
      canvas.setAttribute("aria-busy", "true");
      const answer = await askAll({});
      canvas.removeAttribute("aria-busy");
      if (!answer || mine !== card.model) return;
      [map, of] = [answer, mine];
      const [xs, ys] = [0, 1].map((k) => map.places.map((point) => point[k]));
      bounds = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      all();
      find("#token-shares").textContent = say("tokens.shares", { n: map.tokens.length, of: mine.tokens, first: percent(map.shares[0]), second: percent(map.shares[1]) });
      const linked = map.tokens.indexOf(wanted ?? -1);
      if (linked >= 0) choose(linked, true);
    },
  };

  const name = (i) => (map.names[i] ? visible(map.names[i]) : say("tokens.end"));

  // --- The picture ---

  /** Pixels a unit: all tokens fit at a zoom of 1. */
  function scale() {
    const { clientWidth: w, clientHeight: h } = canvas;
    return view.zoom * Math.min((w - 2 * EDGE) / Math.max(1e-6, bounds[1] - bounds[0]), (h - 2 * EDGE) / Math.max(1e-6, bounds[3] - bounds[2]));
  }

  const place = (i, unit) => [canvas.clientWidth / 2 + (map.places[i][0] - view.x) * unit, canvas.clientHeight / 2 - (map.places[i][1] - view.y) * unit];

  function all() {
    view = { x: (bounds[0] + bounds[1]) / 2, y: (bounds[2] + bounds[3]) / 2, zoom: 1 };
    paint();
  }

  function paint() {
    const { clientWidth: w, clientHeight: h } = canvas, ratio = window.devicePixelRatio || 1;
    if (!map || !w) return;
    [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    const brush = canvas.getContext("2d"), style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(name).trim();
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.textAlign = "center";
    brush.textBaseline = "middle";
    brush.font = "13px ui-monospace, monospace";
    const unit = scale(), taken = []; // boxes of the names that are drawn: others would lie over them
    const order = [token, over, ...map.places.keys()].filter((i) => i !== null);
    for (const i of new Set(order)) {
      const [x, y] = place(i, unit), named = name(i), half = 2 + brush.measureText(named).width / 2;
      if (x < -40 || y < -20 || x > w + 40 || y > h + 20) continue;
      const first = i === token || i === over;
      const free = first || taken.every(([a, b, c]) => Math.abs(x - a) > half + c || Math.abs(y - b) > 14);
      brush.fillStyle = colour(i === token ? "--accent" : first ? "--ink" : "--muted");
      if (!free) {
        brush.globalAlpha = 0.5;
        brush.fillRect(x - 1, y - 1, 2, 2);
        brush.globalAlpha = 1;
        continue;
      }
      taken.push([x, y, half]);
      if (!first) brush.fillStyle = colour("--ink");
      if (first) {
        brush.fillStyle = colour("--tint");
        brush.beginPath();
        brush.roundRect(x - half - 3, y - 10, 2 * half + 6, 20, 5);
        brush.fill();
        brush.fillStyle = colour("--ink");
      }
      brush.fillText(named, x, y);
    }
    Object.assign(canvas.dataset, { n: map.tokens.length, named: taken.length, zoom: view.zoom.toFixed(2), token: token === null ? "" : map.tokens[token] });
  }

  // --- A token ---

  /** Choose a token, tell what lies near it, and where one came from elsewhere, go there. */
  async function choose(i, there = false) {
    token = i;
    if (there) bring(i);
    paint();
    card.place();
    told.textContent = say("tokens.near", { token: name(i) });
    const answer = await askNear({ token: map.tokens[i] });
    if (!answer || token !== i) return;
    told.textContent = say("tokens.near", { token: name(i) });
    near.replaceChildren(...answer.near.map(([number, other, cosine]) => make(
      "button.choice",
      { type: "button", "data-token": number, disabled: !map.tokens.includes(number), onclick: () => choose(map.tokens.indexOf(number), true) },
      make("code", {}, other ? visible(other) : say("tokens.end")),
      make("span.track", {}, make("span.fill", { style: `width:${100 * Math.max(0, cosine)}%` })),
      make("span.n", {}, fixed(cosine, 2))
    )));
  }

  /** Let a token be seen. */
  function bring(i) {
    const [x, y] = place(i, scale()), { clientWidth: w, clientHeight: h } = canvas;
    if (x < EDGE || y < EDGE || x > w - EDGE || y > h - EDGE) [view.x, view.y] = map.places[i];
  }

  /** The token nearest to a place of the canvas, if one is meant. */
  function meant(x, y) {
    const unit = scale();
    let [best, least] = [null, NEAR ** 2];
    for (let i = 0; i < map.places.length; i++) {
      const [a, b] = place(i, unit), distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  /** The nearest token on one side of the chosen one. */
  function beside(dx, dy) {
    const [x, y] = map.places[token];
    const ahead = [...map.places.keys()].map((i) => [i, map.places[i][0] - x, map.places[i][1] - y]).filter(([, a, b]) => a * dx + b * dy > Math.abs(a * dy + b * dx) && (a || b));
    return ahead.sort(([, a, b], [, c, d]) => a * a + b * b - c * c - d * d)[0]?.[0];
  }

  // --- Zoom and drag ---

  /** Zoom so that what lies at a place stays there. */
  function zoom(by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    if (!map) return;
    const before = scale();
    view.zoom = Math.max(1, Math.min(MOST, view.zoom * by));
    const after = scale(), [dx, dy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
    view.x += dx / before - dx / after;
    view.y -= dy / before - dy / after;
    within();
    paint();
  }

  /** What lies in the middle stays among the tokens. */
  function within() {
    view.x = Math.max(bounds[0], Math.min(bounds[1], view.x));
    view.y = Math.max(bounds[2], Math.min(bounds[3], view.y));
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [[a, b], [c, d]] = [...fingers.values()];
    return { far: Math.hypot(a - c, b - d), x: (a + c) / 2, y: (b + d) / 2 };
  };

  canvas.addEventListener("wheel", (event) => {
    if (!map || !(event.ctrlKey || event.metaKey || document.activeElement === canvas)) return; // else the page scrolls
    event.preventDefault();
    zoom(1.0015 ** -event.deltaY, ...at(event));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (!map) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    grip = { from: at(event), view: { ...view }, moved: false, pinch: fingers.size > 1 ? spread() : null };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!map) return;
    if (!fingers.has(event.pointerId)) {
      const under = meant(...at(event));
      if (under === over) return;
      over = under;
      return paint();
    }
    fingers.set(event.pointerId, at(event));
    if (fingers.size > 1) {
      const now = spread();
      zoom(now.far / Math.max(1, grip.pinch.far), now.x, now.y);
      [grip.pinch, grip.moved] = [now, true];
      return;
    }
    const [x, y] = at(event), unit = scale();
    grip.moved ||= Math.hypot(x - grip.from[0], y - grip.from[1]) > 4;
    if (!grip.moved || grip.pinch) return;
    [view.x, view.y] = [grip.view.x - (x - grip.from[0]) / unit, grip.view.y + (y - grip.from[1]) / unit];
    within();
    paint();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (grip && !grip.moved && fingers.size === 1) {
      const i = meant(...at(event));
      if (i !== null) choose(i);
    }
    fingers.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => {
    over = null;
    paint();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const by = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 }[event.key];
    if (!map || !(step || by || event.key === "0")) return;
    event.preventDefault();
    if (by) return zoom(by);
    if (!step) return all();
    const next = token === null ? 0 : beside(...step);
    if (next !== undefined) choose(next, true);
  });
  find("#token-in").addEventListener("click", () => zoom(1.5));
  find("#token-out").addEventListener("click", () => zoom(1 / 1.5));
  find("#token-all").addEventListener("click", () => map && all());
  find("#token-find").addEventListener("input", (event) => {
    const text = event.target.value;
    if (!map || !text) return;
    const found = [(one) => one === text, (one) => one.trim() === text.trim(), (one) => one.startsWith(text)].map((fits) => map.names.findIndex((one) => one && fits(one))).find((i) => i >= 0);
    if (found === undefined) return (told.textContent = say("tokens.none", { text }));
    choose(found, true);
  });
  new ResizeObserver(paint).observe(canvas);
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
}
