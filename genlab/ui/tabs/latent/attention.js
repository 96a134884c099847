// Attention: one canvas with the head that is chosen, a row for each token that looks and a column for what it looks at, and
// beside it all heads, small; the same picture as SVG.

import { percent, unpack } from "../../kit/numbers.js";
import { save, shape } from "../../kit/parts.js";
import { say, visible } from "../../kit/words.js";

const ALL = -1; // instead of a head: the mean of them
const PARTS = 65_535, TOLD = 4, GAP = 24, WIDE = 640, LARGEST = 620, LEAST = 9; // pixels of a cell that has its token beside it

export function startAttention(card) {
  const { find } = card;
  const canvas = find("#attention-map"), layers = find("#attention-layer"), heads = find("#attention-head");
  let seen = null; // what the server told
  let [layer, head] = [0, 0];
  let wanted = {}; // the layer and head of a link
  let pictures = new Map(), ink = ""; // of heads, in one colour
  const ask = card.asker("writer_attention", find("#writer-fault"));

  card.attention = {
    open(view) {
      [seen, wanted, pictures] = [null, view, new Map()];
    },
    view: () => ({ layer: layer + 1, head: head === ALL ? "all" : head + 1 }),
    async ask(wish) {
      canvas.setAttribute("aria-busy", "true");
      const answer = await ask(wish);
      canvas.removeAttribute("aria-busy");
      if (!answer) return null;
      const other = seen?.layers !== answer.layers || seen.heads !== answer.heads;
      seen = { ...answer, weights: unpack(answer.weights, Uint16Array), n: answer.tokens.length };
      pictures = new Map();
      if (other) offer();
      return seen;
    },
    draw,
  };

  /** Offer the layers and heads that there are; those of a link, where it names any. */
  function offer() {
    const numbers = (n, key) => Array.from({ length: n }, (_, i) => [i, say(key, { n: i + 1 })]);
    card.fill(layers, numbers(seen.layers, "attention.number"));
    card.fill(heads, [...numbers(seen.heads, "attention.number"), [ALL, say("attention.mean")]]);
    const within = (text, n) => (Number(text) >= 1 && Number(text) <= n ? Number(text) - 1 : 0);
    [layer, head] = [within(wanted.layer, seen.layers), wanted.head === "all" ? ALL : within(wanted.head, seen.heads)];
    wanted = {};
  }

  /** How much place i looks at place j, in the head that is chosen or another. */
  function weight(i, j, l = layer, h = head) {
    if (j > i) return 0;
    if (h === ALL) return Array.from({ length: seen.heads }, (_, k) => weight(i, j, l, k)).reduce((a, b) => a + b) / seen.heads;
    return seen.weights[((l * seen.heads + h) * seen.n * (seen.n + 1)) / 2 + (i * (i + 1)) / 2 + j] / PARTS;
  }

  // --- The picture ---

  /** Where all lies in a picture of some width: the corner and side of the large square, and of each small one. */
  function layout(width) {
    const wide = width >= WIDE, room = wide ? width * 0.34 : width;
    const small = Math.floor(Math.min(76, (room - GAP) / seen.heads)), beside = wide ? small * seen.heads + GAP : 0;
    const side = Math.min(LARGEST, width - beside), names = side / (seen.n + 2) >= LEAST;
    const longest = Math.max(...seen.tokens.map((token) => [...shown(token)].length));
    const margin = names ? Math.min(74, 10 + 7.3 * longest) : 2, cell = (side - margin) / seen.n;
    const [left, top] = wide ? [side + GAP, margin] : [0, side + GAP];
    return { side, margin, cell, names, small, left, top, turned: longest > 1, height: Math.max(side, top + small * seen.layers) + 2 };
  }

  /** A small picture of a head, a pixel for each two places. */
  function picture(l, h) {
    const key = `${l} ${h}`;
    if (pictures.has(key)) return pictures.get(key);
    const made = Object.assign(document.createElement("canvas"), { width: seen.n, height: seen.n });
    const brush = made.getContext("2d"), pixels = brush.createImageData(seen.n, seen.n), colour = rgb(ink);
    for (let i = 0; i < seen.n; i++) for (let j = 0; j <= i; j++) pixels.data.set([...colour, 255 * depth(weight(i, j, l, h))], 4 * (i * seen.n + j));
    brush.putImageData(pixels, 0, 0);
    pictures.set(key, made);
    return made;
  }

  function draw() {
    if (!seen) return;
    [layers.value, heads.value] = [layer, head];
    paint();
    card.shade((j) => `color-mix(in srgb, var(--accent) ${(75 * depth(weight(card.token, j))).toFixed(1)}%, transparent)`);
    find("#writer-told").textContent = sentence();
    Object.assign(canvas.dataset, { layer, head, token: card.token });
  }

  function paint() {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    if (!seen || !width) return;
    const style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(name).trim();
    if (ink !== colour("--accent")) [ink, pictures] = [colour("--accent"), new Map()];
    const { side, margin, cell, names, small, left, top, turned, height } = layout(width);
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    canvas.style.height = `${height}px`;
    const brush = canvas.getContext("2d");
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.imageSmoothingEnabled = false;
    brush.fillStyle = colour("--ground");
    brush.fill(triangle(margin, cell));
    brush.drawImage(picture(layer, head), margin, margin, side - margin, side - margin);
    brush.strokeStyle = colour("--ink");
    brush.lineWidth = 1.5;
    brush.strokeRect(margin, margin + card.token * cell, (card.token + 1) * cell, cell);
    brush.textBaseline = "middle";
    for (let i = 0; names && i < seen.n; i++) {
      const looks = i === card.token, middle = margin + (i + 0.5) * cell;
      brush.font = `${looks ? 700 : 400} ${Math.min(12, cell)}px ui-monospace, monospace`;
      brush.fillStyle = colour(looks ? "--ink" : "--muted");
      brush.textAlign = "right";
      brush.fillText(shown(seen.tokens[i], i), margin - 6, middle);
      brush.globalAlpha = i <= card.token ? 1 : 0.35; // what follows it cannot see
      brush.save();
      brush.translate(middle, margin - 6);
      if (turned) brush.rotate(-Math.PI / 2);
      brush.textAlign = turned ? "left" : "center";
      brush.fillText(shown(seen.tokens[i], i), 0, turned ? 0 : -2);
      brush.restore();
      brush.globalAlpha = 1;
    }
    for (let l = 0; l < seen.layers; l++) for (let h = 0; h < seen.heads; h++) {
      const [x, y, size] = [left + h * small, top + l * small, small - 4];
      brush.fillStyle = colour("--ground");
      brush.fillRect(x, y, size, size);
      brush.imageSmoothingEnabled = true;
      brush.drawImage(picture(l, h), x, y, size, size);
      const chosen = l === layer && (h === head || head === ALL);
      brush.strokeStyle = colour(chosen ? "--accent" : "--line");
      brush.lineWidth = chosen ? 2 : 1;
      brush.strokeRect(x, y, size, size);
    }
  }

  function triangle(margin, cell) {
    const area = new Path2D();
    area.moveTo(margin, margin);
    for (let i = 0; i < seen.n; i++) {
      area.lineTo(margin + (i + 1) * cell, margin + i * cell);
      area.lineTo(margin + (i + 1) * cell, margin + (i + 1) * cell);
    }
    area.lineTo(margin, margin + seen.n * cell);
    return area;
  }

  /** The same picture as SVG: a square for each two places that have to do with one another. */
  function svg() {
    const width = 980, { side, margin, cell, small, left, top, turned, height } = layout(width), foot = 34;
    const made = shape("svg", { xmlns: "http://www.w3.org/2000/svg", width, height: height + foot, viewBox: `0 0 ${width} ${height + foot}`, "font-family": "ui-monospace, monospace" });
    made.append(shape("rect", { width, height: height + foot, fill: "#fff" }));
    const size = Math.min(12, 0.9 * cell), square = (x, y, part, share) => shape("rect", { x: x.toFixed(2), y: y.toFixed(2), width: part.toFixed(2), height: part.toFixed(2), fill: "#0f766e", "fill-opacity": depth(share).toFixed(3) });
    for (let i = 0; i < seen.n; i++) {
      const middle = margin + (i + 0.5) * cell, bold = i === card.token ? "700" : "400";
      made.append(shape("text", { x: margin - 6, y: middle, "text-anchor": "end", "dominant-baseline": "central", "font-size": size, "font-weight": bold }, shown(seen.tokens[i], i)));
      made.append(shape("text", {
        "font-size": size, "dominant-baseline": "central", "text-anchor": turned ? "start" : "middle", "font-weight": bold,
        transform: `translate(${middle.toFixed(2)} ${margin - 8})${turned ? " rotate(-90)" : ""}`,
      }, shown(seen.tokens[i], i)));
      for (let j = 0; j <= i; j++) {
        const share = weight(i, j);
        if (share > 0.002) made.append(square(margin + j * cell, margin + i * cell, cell, share));
      }
    }
    made.append(shape("rect", { x: margin, y: margin + card.token * cell, width: (card.token + 1) * cell, height: cell, fill: "none", stroke: "#1c2127", "stroke-width": 1.5 }));
    for (let l = 0; l < seen.layers; l++) for (let h = 0; h < seen.heads; h++) {
      const [x, y, wide] = [left + h * small, top + l * small, small - 4], chosen = l === layer && (h === head || head === ALL);
      made.append(shape("image", { x, y, width: wide, height: wide, href: picture(l, h).toDataURL() }));
      made.append(shape("rect", { x, y, width: wide, height: wide, fill: "none", stroke: chosen ? "#0f766e" : "#e7e4dc", "stroke-width": chosen ? 2 : 1 }));
    }
    made.append(shape("text", { x: 2, y: height + 22, "font-size": 13, "font-family": "sans-serif" }, `${card.model.model} · ${where()}`));
    return new XMLSerializer().serializeToString(made);
  }

  // --- What it says ---

  const where = () => (head === ALL ? say("attention.where_mean", { layer: layer + 1 }) : say("attention.where", { layer: layer + 1, head: head + 1 }));

  const quoted = (i) => (i ? say("attention.quoted", { token: visible(seen.tokens[i]) }) : say("writer.beginning"));

  function sentence() {
    const best = Array.from({ length: card.token + 1 }, (_, j) => [weight(card.token, j), j]).sort(([a], [b]) => b - a).slice(0, TOLD);
    const told = best.filter(([share]) => share >= 0.005).map(([share, j]) => `${quoted(j)} ${percent(share)}`);
    return say("attention.told", { token: quoted(card.token), where: where(), told: told.join(", ") });
  }

  // --- What is done with it ---

  function choose(l, h) {
    [layer, head] = [l, h];
    draw();
    card.place();
  }

  /** What lies at a place of the canvas: a row of the large square, or a head. */
  function under(event) {
    const box = canvas.getBoundingClientRect(), [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { side, margin, cell, small, left, top } = layout(canvas.clientWidth);
    const [l, h] = [Math.floor((y - top) / small), Math.floor((x - left) / small)];
    if (l >= 0 && h >= 0 && l < seen.layers && h < seen.heads && (x > side || y > side)) return { l, h };
    const i = Math.floor((y - margin) / cell);
    return x < side && i >= 0 && i < seen.n ? { i } : {};
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!seen || event.pointerType !== "mouse") return;
    const { i, l } = under(event);
    canvas.style.cursor = l === undefined ? "crosshair" : "pointer";
    if (i !== undefined && i !== card.token) card.choose(i);
  });
  canvas.addEventListener("click", (event) => {
    if (!seen) return;
    const { i, l, h } = under(event);
    if (l !== undefined) choose(l, h);
    else if (i !== undefined) card.choose(i);
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key], on = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!seen || !(by || on)) return;
    event.preventDefault();
    if (by) return card.choose(Math.max(0, Math.min(seen.n - 1, card.token + by)));
    const all = seen.layers * seen.heads, next = (layer * seen.heads + Math.max(0, head) + on + all) % all;
    choose(Math.floor(next / seen.heads), next % seen.heads);
  });
  layers.addEventListener("change", () => choose(Number(layers.value), head));
  heads.addEventListener("change", () => choose(layer, Number(heads.value)));
  find("#attention-svg").addEventListener("click", () => seen && save(`${card.model.model}-attention.svg`, btoa(unescape(encodeURIComponent(svg())))));
  new ResizeObserver(paint).observe(canvas.parentElement);
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
}

/** How dark a weight is drawn: small ones are to be seen, too. */
const depth = (share) => Math.sqrt(share);

/** A token as it stands beside its row: at most eight signs. */
export function shown(token, i = 1) {
  const signs = [...(i ? visible(token) : "▏")];
  return signs.length > 8 ? `${signs.slice(0, 7).join("")}…` : signs.join("");
}

/** The three parts of #rrggbb. */
const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
