// What these widgets share: elements, waiting, and answers of which only the latest counts.

import { duration } from "./numbers.js";
import { say } from "./words.js";

// An element: make("p.note", { title: "…" }, "text", child, …); text is never read as HTML.
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A shape of an SVG, or the SVG itself. */
export function shape(what, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", what);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text != null) made.textContent = text;
  return made;
}

const nameOf = (node) => node.id || node.getAttribute("aria-label") || node.name || (node.labels?.[0] ?? node).textContent.trim();

// Put other nodes into a place; where one of them is called as what had the focus there, it has the focus.
export function renew(place, ...nodes) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...nodes);
  if (held && !held.isConnected) likeIn(place, held)?.focus();
}

export const likeIn = (place, held) => [...place.querySelectorAll(held.tagName)].find((node) => nameOf(node) === nameOf(held));

const waits = new WeakMap(); // by place: when its wait began, what it says, and how it ends

// Say in a place what one waits for, and after three seconds for how long already; other words there end it.
export function wait(place, words, began = waits.get(place)?.began ?? performance.now()) {
  if (waits.get(place)?.words === words && place.textContent === words) return;
  waits.get(place)?.end();
  place.textContent = words;
  const told = () => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= 3) place.dataset.waited = duration(seconds); // for the style sheet to add: a reader is not told each second
  };
  const clock = setInterval(told, 1000), watcher = new MutationObserver(end);
  function end() {
    clearInterval(clock);
    watcher.disconnect();
    delete place.dataset.waited;
    waits.delete(place);
  }
  watcher.observe(place, { childList: true, characterData: true, subtree: true });
  waits.set(place, { began, words, end });
  told();
}

/** End what one waits for in a place, if anything. */
export const stopWaiting = (place) => waits.get(place)?.end();

// What a curve is called, and what it means; a family may have curves that the catalogue does not know.
const known = (key, otherwise) => (say(key) === key ? otherwise : say(key));
export function curveNamed(name) {
  const key = name.replaceAll(" ", "-");
  return { called: known(`train.log_${key}`, name), why: known(`train.why_${key}`, "") };
}

// An element whose text is explained to those who point at it, tap it or come to it by keyboard.
export const explained = (what, text, why) => make(what, why ? { title: why, "data-why": why, tabindex: 0 } : {}, text);

// Draw a place anew only where what it shows has changed: what is pressed, chosen or read there stays under the hand.
export function redraw(place, shown, nodes) {
  const state = JSON.stringify(shown);
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  renew(place, ...nodes());
}

// An answer of the server; one that never came is { error }.
export const answerOf = async (promise) => (await promise.catch(() => null)) ?? { error: say("page.lost") };

// Calls a server function; an answer that a later call overtook is dropped (undefined), a fault becomes { error }.
export function latest(ask) {
  let turn = 0;
  return async (wish) => {
    const mine = ++turn;
    let answer;
    try {
      answer = await ask(wish);
    } catch {
      answer = { error: say("page.lost") };
    }
    return mine === turn ? answer : undefined;
  };
}

/** Offer bytes in base64 as a file to keep. */
export function save(name, base64) {
  const link = document.createElement("a");
  link.href = `data:application/octet-stream;base64,${base64}`;
  link.download = name;
  link.click();
}

/** Whether fingers touch this page, or may. */
export const byTouch = () => window.matchMedia("(max-width: 760px), (pointer: coarse)").matches;
