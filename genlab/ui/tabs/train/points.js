// The live stage of a run on points: asks for views as fast as they are drawn, moves between them, and steers the run.

import { count, unpack } from "../../kit/numbers.js";
import { answerOf } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";

const REAL = [63, 144, 218], GENERATED = [231, 99, 0]; // of the ten colours that can be told apart
const PACES = [1, 2, 5, 10, 30, 100, 0]; // steps a second; 0: no limit
const EVERY = 50, REST = 700; // ms between two looks at a run that trains, and at one that rests
const FRAME = 30; // ms between two pictures
const TRAVEL = 2600, STAY = 1200; // ms from noise to data, and there

export function start({ element, find, server }) {
  const at = (id) => find(`#points-${id}`);
  const canvas = at("canvas");
  const context = canvas.getContext("2d");
  const heat = document.createElement("canvas");

  let run = null; // what the stage knows of the run on it
  let real = null, scale = null; // real points, and how numbers are packed
  let view = null, before = null; // the newest view and the one that it follows
  let seen = "", arrived = 0, gap = EVERY;
  let flow = { began: 0, held: null }; // when the particles set out; where they are held by hand
  let steering = { pace: 0, players: [] };
  let frames = 0, painted = 0, following = 0, asked = 0;
  let lost = false; // the last look had no answer

  label(element);
  listen("lab", meet);
  new ResizeObserver(() => view && paint()).observe(canvas);
  at("play").addEventListener("click", () => tellRun(server.ask({ run: run.name, wanted: run.state === "running" ? "pause" : "run" })));
  at("step").addEventListener("click", () => tellRun(server.points_advance({ run: run.name, steps: 1 })));
  at("speed").addEventListener("input", () => steer({ pace: PACES[at("speed").value] }));
  at("movers").addEventListener("click", ({ target }) => {
    if (target.dataset.movers != null) steer({ players: target.dataset.movers ? [target.dataset.movers] : [] });
  });
  for (const id of ["real", "generated", "heatmap", "grid"]) at(id).addEventListener("change", () => view && paint());
  at("flow").addEventListener("input", () => { flow.held = Number(at("flow").value); });
  at("replay").addEventListener("click", () => { flow = { began: performance.now(), held: null }; });

  // --- The run on stage ---

  function meet(lab) {
    const next = lab.run?.stage === "plane" ? lab.run : null;
    element.querySelector("section").hidden = !next;
    if (next?.name !== run?.name) begin(next);
    run = next;
    if (run) showRun();
  }

  async function begin(next) {
    [view, before, seen, real, run] = [null, null, "", null, next];
    fault();
    flow = { began: performance.now(), held: null };
    find(".sight").classList.add("waiting");
    const mine = ++following;
    if (!next) return;
    const answer = await server.points_real({ run: next.name }).catch(() => null);
    if (mine !== following) return;
    scale = answer && !answer.error ? answer : { fine: 8192, reach: 1.2, points: "" };
    real = unpack(scale.points, Int16Array);
    follow(mine);
    requestAnimationFrame(() => animate(mine));
  }

  const alive = () => run && ["waiting", "running", "paused"].includes(run.state);

  async function follow(mine) {
    while (mine === following && element.isConnected) {
      const started = performance.now();
      if (element.offsetParent && document.visibilityState === "visible") await look(mine);
      const rest = alive() ? EVERY : REST;
      await new Promise((done) => setTimeout(done, Math.max(5, rest - (performance.now() - started))));
    }
  }

  async function look(mine) {
    const answer = await answerOf(server.points_look({ run: run.name, seen }));
    if (mine !== following) return;
    if (answer.error || lost) fault(answer.error); // what was refused to the hand stays
    lost = Boolean(answer.error);
    if (lost) return;
    if (performance.now() - asked > 1000) steering = { pace: answer.pace, players: answer.players };
    if (answer.view) take(answer);
    showSteering();
  }

  function take({ at: name, view: text }) {
    const now = performance.now();
    const told = JSON.parse(text);
    gap = Math.min(400, Math.max(EVERY, now - arrived));
    [seen, arrived, before] = [name, now, view];
    view = { step: told.step };
    for (const part of ["generated", "grid"]) {
      if (told[part]) view[part] = { times: told[part].shape[0], numbers: unpack(told[part].bytes, Int16Array) };
    }
    if (told.heat) bake(told.heat);
    if (before && before.generated.times !== view.generated.times) before = null;
    find(".sight").classList.remove("waiting");
    frames += 1;
    Object.assign(canvas.dataset, { step: view.step, frames });
    at("at").textContent = `${say("train.step")} ${count(view.step)}`;
    showParts(told);
  }

  // Blue where the model expects what is real, orange where it expects what is generated, clear where it cannot tell.
  function bake({ shape, bytes }) {
    const values = unpack(bytes, Uint8Array);
    const [rows, columns] = shape;
    Object.assign(heat, { width: columns, height: rows });
    const pixels = new ImageData(columns, rows);
    values.forEach((value, i) => {
      const y = rows - 1 - Math.floor(i / columns);
      const share = value / 255 - 0.5;
      pixels.data.set([...(share > 0 ? REAL : GENERATED), Math.abs(share) * 2 * 100], 4 * (y * columns + (i % columns)));
    });
    heat.getContext("2d").putImageData(pixels, 0, 0);
    view.heat = true;
  }

  // --- Drawing ---

  let last = 0;
  function animate(mine, now = performance.now()) {
    if (mine !== following || !element.isConnected) return;
    const moving = view && (isFlow() || now - arrived < gap + 2 * FRAME);
    if (moving && now - last >= FRAME && element.offsetParent) {
      last = now;
      paint(now);
    }
    requestAnimationFrame((then) => animate(mine, then));
  }

  const isFlow = () => view.generated.times > 1;

  /** How far the particles are, from 0 (noise) to 1 (data). */
  function travelled(now) {
    if (!isFlow()) return 1;
    if (flow.held != null) return flow.held;
    const turn = (now - flow.began) % (TRAVEL + STAY);
    const share = Math.min(1, turn / TRAVEL);
    at("flow").value = share;
    return share;
  }

  /** The numbers of a part at a share of its way, between the view before and the newest one. */
  function placed(part, share, now) {
    const { times, numbers } = view[part];
    const size = numbers.length / times;
    const from = Math.min(times - 1, Math.floor(share * (times - 1)));
    const to = Math.min(times - 1, from + 1);
    const rest = share * (times - 1) - from;
    const old = before?.[part]?.numbers;
    const fresh = Math.min(1, (now - arrived) / gap);
    const between = (array, i) => array[from * size + i] * (1 - rest) + array[to * size + i] * rest;
    return Float32Array.from({ length: size }, (_, i) => (old ? between(old, i) * (1 - fresh) + between(numbers, i) * fresh : between(numbers, i)));
  }

  function paint(now = performance.now()) {
    const ratio = window.devicePixelRatio || 1;
    const side = canvas.clientWidth;
    if (!side || !view) return;
    if (canvas.width !== Math.round(side * ratio)) canvas.width = canvas.height = Math.round(side * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    const share = travelled(now);
    if (view.heat && at("heatmap").checked) context.drawImage(heat, 0, 0, side, side);
    if (view.grid && at("grid").checked) lines(placed("grid", share, now), side);
    if (at("real").checked) dots(real, side, REAL, 0.5, 2.1);
    if (at("generated").checked) {
      const here = placed("generated", share, now);
      if (isFlow() && share < 1) trails(placed("generated", Math.max(0, share - 0.08), now), here, side);
      dots(here, side, GENERATED, 0.85, 2.3);
    }
    painted += 1;
    canvas.dataset.painted = painted;
  }

  const toX = (value, side) => ((value / scale.fine / scale.reach + 1) / 2) * side;
  const toY = (value, side) => side - toX(value, side);

  function dots(numbers, side, colour, alpha, radius) {
    context.fillStyle = `rgba(${colour}, ${alpha})`;
    context.beginPath();
    for (let i = 0; i < numbers.length; i += 2) {
      const [x, y] = [toX(numbers[i], side), toY(numbers[i + 1], side)];
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 7);
    }
    context.fill();
  }

  function trails(from, to, side) {
    context.strokeStyle = `rgba(${GENERATED}, 0.3)`;
    context.lineWidth = 1.2;
    context.beginPath();
    for (let i = 0; i < to.length; i += 2) {
      context.moveTo(toX(from[i], side), toY(from[i + 1], side));
      context.lineTo(toX(to[i], side), toY(to[i + 1], side));
    }
    context.stroke();
  }

  function lines(numbers, side) {
    const n = Math.sqrt(numbers.length / 2);
    const join = (row, column, first) => {
      const i = 2 * (row * n + column);
      const [x, y] = [toX(numbers[i], side), toY(numbers[i + 1], side)];
      first ? context.moveTo(x, y) : context.lineTo(x, y);
    };
    context.strokeStyle = getComputedStyle(canvas).color;
    context.globalAlpha = 0.32;
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) join(i, j, j === 0);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) join(j, i, j === 0);
    context.stroke();
    context.globalAlpha = 1;
  }

  // --- The hand ---

  async function tellRun(promise) {
    fault((await answerOf(promise)).error);
    tell("look again");
  }

  function steer(wanted) {
    steering = { ...steering, ...wanted };
    asked = performance.now();
    showSteering();
    tellRun(server.points_steer({ run: run.name, ...steering }));
  }

  function fault(sentence) {
    refuseIn(find(".fault"), sentence);
  }

  function showRun() {
    const resumable = ["paused", "stopped", "failed", "interrupted"].includes(run.state) && run.step < run.steps;
    at("play").textContent = say(run.state === "running" || run.state === "done" ? "points.pause" : "points.play");
    at("play").disabled = Boolean(run.pending) || !(resumable || run.state === "running");
    at("step").disabled = run.pending === "stop" || !["running", "paused"].includes(run.state);
    at("speed").disabled = !alive();
    at("movers").disabled = !alive();
    at("movers").hidden = Object.keys(run.last?.losses ?? {}).length < 2;
    find(".steered").textContent = run.steered ? say("points.steered", { step: count(run.steered) }) : "";
  }

  function showSteering() {
    const place = Math.max(0, PACES.indexOf(steering.pace));
    at("speed").value = PACES.includes(steering.pace) ? place : PACES.length - 1;
    at("speed").style.setProperty("--share", at("speed").value / (PACES.length - 1));
    at("pace").textContent = steering.pace ? say(steering.pace === 1 ? "points.pace_one" : "points.pace", { n: steering.pace }) : say("points.full_speed");
    const chosen = steering.players.length === 1 ? steering.players[0] : "";
    for (const button of at("movers").querySelectorAll("button")) button.setAttribute("aria-checked", String(button.dataset.movers === chosen));
  }

  function showParts(told) {
    find(".tick.heat").hidden = !told.heat;
    find(".tick.grid").hidden = !told.grid;
    find(".flow").hidden = told.generated.shape[0] < 2;
  }
}
