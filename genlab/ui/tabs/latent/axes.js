// Axes: their names, and the rows with their sliders.

import { make } from "../../kit/parts.js";
import { fixed } from "../../kit/numbers.js";
import { say } from "../../kit/words.js";

export const REACH = 4; // the ends of a slider
export const signed = (value) => (value < 0 ? "−" : "+") + fixed(Math.abs(value), 2);
export const rounded = (value) => Math.round(Math.min(REACH, Math.max(-REACH, value)) * 100) / 100;

/** The name of an axis for readers: that of the model's own numbers, or of a direction that was found. */
export const called = (name) => name.replace(/^([zd])(\d+)$/, (_, kind, n) => say(`latent.axis_${kind}`, { n }));

/** A row with a slider and a box for one number. */
export function row(id, name, low, high, lock = "") {
  const line = make("div.axis", { id });
  line.innerHTML = `<label></label><input type="range" step="any"><input type="number" step="any">${lock}<span class="mini"></span>`;
  const [slide, box] = line.querySelectorAll("input");
  for (const input of [slide, box]) {
    input.min = low;
    input.max = high;
    input.setAttribute("aria-label", name);
  }
  line.querySelector("label").textContent = line.querySelector("label").title = name;
  return line;
}

/** Put a value on a row, leaving alone the box that is being typed in. */
export function put(line, value) {
  const [slide, box] = line.querySelectorAll("input");
  slide.value = value;
  const low = Number(slide.min), part = (x) => `${(100 * (x - low)) / (Number(slide.max) - low)}%`;
  slide.style.setProperty("--from", part(Math.min(value, 0)));
  slide.style.setProperty("--to", part(Math.max(value, 0)));
  if (box !== document.activeElement) box.value = value.toFixed(2);
  box.removeAttribute("aria-invalid");
}
