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
