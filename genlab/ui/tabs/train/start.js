// The button that starts a run: clicks that follow one another closely were meant once, and a refusal stays until the form is changed or sent again.

import { kept } from "../../kit/forms.js";
import { fieldsOf, isBlaming, reconsider, refuseIn } from "../../kit/refusals.js";
import { listen, tell } from "../../kit/topics.js";

const REST = 1000; // ms after an answer, and after each click that was meant no more, until a click is meant again
const LONGEST = 30_000; // ms that an answer may take

export function start({ element, find, props, trigger, watch }) {
  const refusal = find("#train-refusal");
  let ready = 0; // when a click is meant again
  let asked = false;
  let timer = 0;

  document.addEventListener("click", guard, true); // before Gradio hears of it
  element.closest(".train-form")?.addEventListener("input", () => isBlaming(refusal) || refuseIn(refusal));
  listen("train form", ([family]) => (family === props.value?.family ? reconsider() : refuseIn(refusal)));
  if (kept("train")) trigger("remember");
  listen("start answered", () => asked && settle());
  watch("value", () => {
    const { error, about, family, run } = props.value ?? {};
    refuseIn(refusal, error, fieldsOf(about, `train-${family}`, "train"));
    if (run) tell("select run", run);
  });

  function guard(event) {
    if (!element.isConnected || !event.target.closest("#train-start")) return;
    const now = performance.now();
    if (now < ready) event.stopImmediatePropagation();
    else [asked, ready] = [true, now + LONGEST];
    if (!asked) ready = now + REST;
    rest();
  }

  function settle() {
    asked = false;
    ready = performance.now() + REST;
    rest();
  }

  function rest() {
    clearTimeout(timer);
    const left = ready - performance.now();
    document.querySelector("#train-start").setAttribute("aria-disabled", String(left > 0));
    if (left > 0) timer = setTimeout(rest, left);
    if (asked) refuseIn(refusal);
  }
}
