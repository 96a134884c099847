// Draw your own points: strokes leave jittered dots in one of a few colours, which become classes.

import { keep, kept } from "../../kit/forms.js";
import { colourOf, count } from "../../kit/numbers.js";
import { answerOf, make, renew } from "../../kit/parts.js";
import { fieldsOf, refuseIn } from "../../kit/refusals.js";
import { label, say } from "../../kit/words.js";

const REACH = 1.2, EDGE = 1; // the plane is seen as elsewhere; points must lie within the edge

export function start({ element, find, server, trigger }) {
  const at = (id) => find(`#drawing-${id}`);
  const canvas = at("canvas");
  const context = canvas.getContext("2d");
  let limits = { least: 20, most: 20000, classes: [] };
  let strokes = kept("points") ?? []; // each a list of [x, y, colour]; a reload brings those that are no dataset yet
  let stroke = null, pen = 0;

  label(element);
  find(".drawing").open ||= strokes.length > 0;
  server.drawing_limits({}).then((answer) => { if (answer && !answer.error) limits = answer; pens(); tally(); }).catch(() => {});
  new ResizeObserver(paint).observe(canvas);
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    stroke = [];
    strokes.push(stroke);
    dab(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (stroke) for (const part of event.getCoalescedEvents?.() ?? [event]) dab(part); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { stroke = null; show(); });
  at("undo").addEventListener("click", () => { strokes.pop(); show(); });
  at("clear").addEventListener("click", () => { strokes = []; show(); });
  at("name").addEventListener("keydown", (event) => event.key === "Enter" && save());
  at("save").addEventListener("click", save);

  const drawn = () => strokes.flat();

  function pens() {
    renew(find(".pens"), ...limits.classes.map((name, k) => make("button.pen", {
      type: "button", role: "radio", "aria-label": name, title: name, "aria-checked": String(k === pen), style: `--colour:${colourOf(k)}`,
      onclick: () => { pen = k; pens(); },
    })));
  }

  // Dots around the pointer, normally spread (Box & Muller 1958), none beyond the edge of the plane.
  function dab(event) {
    const box = canvas.getBoundingClientRect();
    const x = (((event.clientX - box.left) / box.width) * 2 - 1) * REACH;
    const y = -(((event.clientY - box.top) / box.height) * 2 - 1) * REACH;
    const spread = Number(at("spread").value);
    for (let i = 0; i < Number(at("density").value) && drawn().length < limits.most; i++) {
      const radius = spread * Math.sqrt(-2 * Math.log(1 - Math.random()));
      const angle = 2 * Math.PI * Math.random();
      const dot = [x + radius * Math.cos(angle), y + radius * Math.sin(angle), pen];
      if (Math.abs(dot[0]) <= EDGE && Math.abs(dot[1]) <= EDGE) stroke.push(dot);
    }
    paint();
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const side = canvas.clientWidth;
    if (!side) return;
    if (canvas.width !== Math.round(side * ratio)) canvas.width = canvas.height = Math.round(side * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    const place = (value) => ((value / REACH + 1) / 2) * side;
    context.strokeStyle = getComputedStyle(canvas).borderColor;
    context.setLineDash([3, 5]);
    context.strokeRect(place(-EDGE), place(-EDGE), place(EDGE) - place(-EDGE), place(EDGE) - place(-EDGE));
    for (const [x, y, colour] of drawn()) {
      context.fillStyle = colourOf(colour);
      context.beginPath();
      context.arc(place(x), side - place(y), 2.2, 0, 7);
      context.fill();
    }
  }

  function show({ error, about } = {}) {
    refuseIn(find(".fault"), error, fieldsOf(about, "drawing"));
    tally();
    find(".unkept").hidden = keep("points", drawn().length ? strokes : null);
  }

  function tally() {
    const n = drawn().length;
    canvas.dataset.n = n;
    at("count").textContent = n >= limits.most ? say("drawing.full", { n: count(n) }) : say("drawing.count", { n: count(n), least: limits.least });
    at("undo").disabled = at("clear").disabled = !n;
    paint();
  }

  async function save() {
    at("save").disabled = true;
    const points = drawn();
    const wish = { name: at("name").value, points: points.map(([x, y]) => [x, y]), colours: points.map(([, , colour]) => colour) };
    const answer = await answerOf(server.drawing_save(wish));
    at("save").disabled = false;
    if (answer.error) return show(answer);
    strokes = [];
    at("name").value = "";
    show();
    trigger("drawn", { name: answer.name });
  }
}
