// What these widgets share: numbers for reading, elements, and answers of which only the latest counts.

const { say, tell, listen, label } = genlab;
const find = (what) => element.querySelector(what);

const count = (n) => new Intl.NumberFormat("en", { maximumFractionDigits: 0 }).format(n);
const figure = (x, digits = 3) => new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(x);
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
  place.replaceChildren(...nodes());
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

const colours = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]; // Petroff 2021: told apart with any colour vision
const colourOf = (k) => colours[((k % colours.length) + colours.length) % colours.length];
