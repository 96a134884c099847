// What these widgets share: numbers for reading, elements, and answers of which only the latest counts.

const { say, tell, listen, label } = genlab;
const find = (what) => element.querySelector(what);

const count = (n) => new Intl.NumberFormat("en", { maximumFractionDigits: 0 }).format(n);
const figure = (x, digits = 3) => (x && Math.abs(x) < 1e-6 ? x.toExponential(digits - 1) : new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(x));
const percent = (x) => new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: x < 0.1 || x > 0.9 ? 1 : 0 }).format(x); // 99.6 % is not all

// An element: make("p.note", { title: "…" }, "text", child, …); text is never read as HTML.
function make(what, attributes = {}, ...children) {
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

const nameOf = (node) => node.id || node.getAttribute("aria-label") || node.name || (node.labels?.[0] ?? node).textContent.trim();

// Put other nodes into a place; where one of them is called as what had the focus there, it has the focus.
function renew(place, ...nodes) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...nodes);
  if (held && !held.isConnected) likeIn(place, held)?.focus();
}

const likeIn = (place, held) => [...place.querySelectorAll(held.tagName)].find((node) => nameOf(node) === nameOf(held));

// How long something takes, in words.
function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return say("page.seconds", { s: whole });
  if (whole < 3600) return say("page.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  if (whole < 172800) return say("page.hours", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
  return say("page.days", { d: Math.floor(whole / 86400) });
}

const waits = new WeakMap(); // by place: when its wait began, what it says, and how it ends

// Say in a place what one waits for, and after three seconds for how long already; other words there end it.
function wait(place, words, began = waits.get(place)?.began ?? performance.now()) {
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

// What a curve is called, and what it means; a family may have curves that the catalogue does not know.
const known = (key, otherwise) => (say(key) === key ? otherwise : say(key));
function curveNamed(name) {
  const key = name.replaceAll(" ", "-");
  return { called: known(`train.log_${key}`, name), why: known(`train.why_${key}`, "") };
}

// An element whose text is explained to those who point at it, tap it or come to it by keyboard.
const explained = (what, text, why) => make(what, why ? { title: why, "data-why": why, tabindex: 0 } : {}, text);

// Draw a place anew only where what it shows has changed: what is pressed, chosen or read there stays under the hand.
function redraw(place, shown, nodes) {
  const state = JSON.stringify(shown);
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  renew(place, ...nodes());
}

// An answer of the server; one that never came is { error }.
const answerOf = async (promise) => (await promise.catch(() => null)) ?? { error: say("page.lost") };

// Calls a server function; an answer that a later call overtook is dropped (undefined), a fault becomes { error }.
function latest(ask) {
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

// --- Refusals ---

const blamed = new Map(); // the fields that a refusal is about -> the line that says it, and what was in them
for (const event of ["input", "change", "click", "focusout"]) document.addEventListener(event, () => reconsider());

/** The fields of a form in which settings are set, by their ids; of several prefixes of these the first one counts that there is. */
const fieldsOf = (about = [], ...prefixes) => about.map((name) => prefixes.map((prefix) => document.getElementById(`${prefix}-${name.replaceAll("_", "-")}`)).find(Boolean)).filter(Boolean);
const inputsOf = (field) => (field.matches("input, select, textarea") ? [field] : [...field.querySelectorAll("input, select, textarea")]);
const contentOf = (field) => inputsOf(field).map((input) => (input.type === "checkbox" ? input.checked : input.value)).join();

/** Say in a line why something was refused, or no more, and take one to the first of the fields that it is about. */
function refuseIn(line, sentence = "", fields = []) {
  tellRefusal(line, sentence, fields);
  if (!sentence) return;
  fields[0]?.closest(".gr-accordion")?.querySelector(".label-wrap:not(.open)")?.click();
  setTimeout(() => goTo(fields[0] ?? line)); // which may be open only then
}

/** The same where nobody asked, so that nothing moves: the fields are marked until they are changed. */
function tellRefusal(line, sentence = "", fields = []) {
  for (const [field, mark] of blamed) if (mark.line === line || !mark.line.isConnected) forgive(field);
  line.textContent = sentence;
  line.hidden = !sentence;
  if (line.matches(".note")) line.classList.toggle("fault", Boolean(sentence)); // it also tells what is no refusal
  if (!sentence) return;
  line.id ||= `refusal-${Math.random().toString(36).slice(2)}`;
  for (const field of fields) blame(field, line);
}

/** Bring a field or line into sight; one has the focus in the field, unless one types elsewhere by now. */
function goTo(place) {
  place.scrollIntoView({ block: "nearest" });
  if (!document.activeElement?.matches("input, select, textarea")) inputsOf(place)[0]?.focus({ preventScroll: true });
}

function blame(field, line) {
  blamed.set(field, { line, content: contentOf(field) });
  for (const input of inputsOf(field)) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", line.id);
  }
}

function forgive(field) {
  const { line } = blamed.get(field);
  blamed.delete(field);
  for (const input of inputsOf(field)) {
    if (input.getAttribute("aria-describedby") !== line.id) continue; // another line of the page marks it by now
    for (const name of ["aria-invalid", "aria-describedby"]) input.removeAttribute(name);
  }
}

/** Take the marks off the fields that were changed; with the last of its marks a sentence goes. */
function reconsider() {
  for (const [field, { line, content }] of blamed) {
    if (contentOf(field) === content) continue;
    forgive(field);
    if (![...blamed.values()].some((mark) => mark.line === line)) refuseIn(line);
  }
}

const colours = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]; // Petroff 2021: told apart with any colour vision
const colourOf = (k) => colours[((k % colours.length) + colours.length) % colours.length];
