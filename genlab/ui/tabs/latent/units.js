// Units: how far each unit of a recurrent network is on along a text, those first that vary most or follow something best.

import { count, fixed, unpack } from "../../kit/numbers.js";
import { say, visible } from "../../kit/words.js";

const LINE = 18, LEFT = 54, RIGHT = 58; // pixels of a unit's row, of its number and of its score
const ON = "231, 99, 0", OFF = "63, 144, 218"; // of the ten colours that can be told apart

export function startUnits(card) {
  const { find } = card;
  const canvas = find("#units-map"), by = find("#units-by"), box = find("#units-unit");
  let seen = null; // what the server told
  let unit = null; // the number of the one that colours the text; none yet is the first
  let asked = null; // the text that was asked about
  const ask = card.asker("writer_units", find("#writer-fault"));

  card.units = {
    open(view) {
      [seen, unit] = [null, /^\d{1,7}$/.test(view.unit ?? "") ? Number(view.unit) : null];
      card.fill(by, [["spread", say("units.spread")], ...card.model.properties]);
      if ([...by.options].some((one) => one.value === view.by)) by.value = view.by;
    },
    view: () => ({ by: by.value, unit }),
    async ask(wish) {
      canvas.setAttribute("aria-busy", "true");
      const answer = await ask({ ...wish, by: by.value, unit });
      canvas.removeAttribute("aria-busy");
      if (!answer) return null;
      [asked, seen] = [wish, { ...answer, values: unpack(answer.values, Int8Array), n: answer.tokens.length }];
      unit ??= seen.units[0];
      box.max = seen.of - 1;
      return seen;
    },
    draw,
  };

  const value = (k, i) => seen.values[k * seen.n + i] / 127;
  const chosen = () => Math.max(0, seen.units.indexOf(unit));
  const called = (number) => (seen.of > seen.width ? `${Math.floor(number / seen.width) + 1}·${number % seen.width}` : String(number));

  function draw() {
    if (!seen) return;
    if (box !== document.activeElement) box.value = unit;
    paint();
    card.shade((i) => shadeOf(value(chosen(), i)));
    find("#writer-told").textContent = say("units.told", {
      unit, layer: Math.floor(unit / seen.width) + 1, value: fixed(value(chosen(), card.token), 2),
      token: card.token ? say("attention.quoted", { token: visible(seen.tokens[card.token]) }) : say("writer.beginning"),
    });
    find("#units-told").textContent = seen.chance === null
      ? say("units.spread_told", { n: count(seen.of) })
      : say("units.followed", { best: fixed(Math.abs(seen.scores[0]), 2), what: by.selectedOptions[0].textContent, n: count(seen.of), chance: fixed(seen.chance, 2) });
    Object.assign(canvas.dataset, { unit, token: card.token });
  }

  function paint() {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    if (!seen || !width) return;
    const height = LINE * seen.units.length, style = getComputedStyle(canvas), cell = (width - LEFT - RIGHT) / seen.n;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    canvas.style.height = `${height}px`;
    const brush = canvas.getContext("2d"), colour = (name) => style.getPropertyValue(name).trim();
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.textBaseline = "middle";
    seen.units.forEach((number, k) => {
      const top = k * LINE, of = number === unit;
      for (let i = 0; i < seen.n; i++) {
        brush.fillStyle = shadeOf(value(k, i));
        brush.fillRect(LEFT + i * cell, top + 1, Math.ceil(cell * ratio) / ratio, LINE - 2);
      }
      brush.font = `${of ? 700 : 400} 12px ui-sans-serif, system-ui, sans-serif`;
      brush.fillStyle = colour(of ? "--ink" : "--muted");
      brush.textAlign = "right";
      brush.fillText(called(number), LEFT - 8, top + LINE / 2);
      brush.fillText((seen.chance === null ? "σ " : "r ") + fixed(seen.scores[k], 2), width - 4, top + LINE / 2);
      if (!of) return;
      brush.strokeStyle = colour("--ink");
      brush.lineWidth = 1.5;
      brush.strokeRect(LEFT, top + 0.5, width - LEFT - RIGHT, LINE - 1);
    });
    brush.strokeStyle = colour("--ink");
    brush.lineWidth = 1;
    brush.strokeRect(LEFT + card.token * cell, 0, cell, height);
  }

  function choose(number) {
    unit = number;
    draw();
    card.place();
  }

  /** See a unit that is not among those shown, or others first. */
  async function again() {
    const shownBefore = asked;
    if (!shownBefore || !(await card.units.ask(shownBefore))) return;
    draw();
    card.place();
  }

  function under(event) {
    const where = canvas.getBoundingClientRect(), k = Math.floor((event.clientY - where.top) / LINE);
    const i = Math.floor(((event.clientX - where.left - LEFT) / (where.width - LEFT - RIGHT)) * seen.n);
    return { k: k >= 0 && k < seen.units.length ? k : null, i: i >= 0 && i < seen.n ? i : null };
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!seen || event.pointerType !== "mouse") return;
    const { i } = under(event);
    if (i !== null && i !== card.token) card.choose(i);
  });
  canvas.addEventListener("click", (event) => {
    if (!seen) return;
    const { k, i } = under(event);
    if (k !== null) unit = seen.units[k];
    if (i !== null) card.token = i;
    choose(unit);
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key], on = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!seen || !(by || on)) return;
    event.preventDefault();
    if (by) choose(seen.units[Math.max(0, Math.min(seen.units.length - 1, chosen() + by))]);
    else card.choose(Math.max(0, Math.min(seen.n - 1, card.token + on)));
  });
  by.addEventListener("change", async () => {
    const before = unit;
    unit = null; // the best of them
    await again();
    unit ??= before;
  });
  box.addEventListener("change", () => {
    if (!/^\d{1,7}$/.test(box.value)) return (box.value = unit);
    unit = Number(box.value);
    again();
  });
  new ResizeObserver(paint).observe(canvas.parentElement);
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
}

const shadeOf = (value) => `rgba(${value > 0 ? ON : OFF}, ${(0.8 * Math.abs(value)).toFixed(3)})`;
