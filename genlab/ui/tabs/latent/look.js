// A text that is looked into: its tokens in a row, one of them chosen, each shaded by what the chosen one looks at or a unit says.

import { byTouch, make } from "../../kit/parts.js";
import { say, visible } from "../../kit/words.js";

export function startLook(card) {
  const { find } = card;
  const text = find("#writer-text"), strip = find("#writer-strip"), label = find("#writer-class");
  let asked = null; // what was asked for last, and is shown
  card.token = 0; // the place that is chosen; 0 is the beginning

  const inside = () => (card.model.inside.includes("attention") ? card.attention : card.units);
  const wish = () => ({ text: text.value, ...(card.model.classes.length && { label: label.value }) });

  card.parts.look = {
    open(view) {
      text.value = view.text ?? card.model.example;
      card.fill(label, card.model.classes.map((name) => [name, name]));
      label.closest("label").hidden = !card.model.classes.length;
      if (card.model.classes.includes(view.class)) label.value = view.class;
      [card.token, asked] = [Number(view.token) || 0, null];
      find("#writer-part-look").dataset.inside = card.model.inside[0] ?? "";
      find("#writer-hint").textContent = say(`writer.hint_${card.model.inside[0]}`) + (byTouch() ? "" : ` ${say("writer.hint_keys")}`);
      for (const one of [card.attention, card.units]) one.open(view);
      strip.replaceChildren();
    },
    view: () => ({ text: text.value, token: card.token, ...(card.model.classes.length && { class: label.value }), ...inside().view() }),
    show: () => look(),
  };

  /** Ask about the text as it stands, where that is another than what is shown. */
  async function look() {
    const now = JSON.stringify(wish());
    if (now === asked) return inside().draw();
    asked = now;
    const answer = await inside().ask(wish());
    if (!answer) return (asked = null);
    card.token = card.token > 0 && card.token < answer.tokens.length ? card.token : answer.tokens.length - 1;
    strip.replaceChildren(...answer.tokens.map((token, i) => make(
      "span.token",
      { role: "option", tabindex: -1, title: i ? visible(token) : say("writer.beginning"), "aria-label": i ? visible(token) : say("writer.beginning") },
      i ? token : "▏"
    )));
    inside().draw();
    card.place();
  }

  /** Choose a place of the text. */
  card.choose = (i, focus = false) => {
    if (!strip.children[i]) return;
    card.token = i;
    inside().draw();
    if (focus) strip.children[i].focus({ preventScroll: true });
    card.place();
  };

  /** Shade each token by what `colour` tells of its place; the chosen one is framed. */
  card.shade = (colour) => [...strip.children].forEach((node, i) => {
    node.style.background = colour(i);
    node.setAttribute("aria-selected", String(i === card.token));
    node.tabIndex = i === card.token ? 0 : -1;
  });

  strip.addEventListener("pointerover", (event) => event.pointerType === "mouse" && pointed(event));
  strip.addEventListener("click", (event) => pointed(event, true));
  function pointed(event, focus) {
    const i = [...strip.children].indexOf(event.target.closest(".token"));
    if (i >= 0 && (i !== card.token || focus)) card.choose(i, focus);
  }
  strip.addEventListener("keydown", (event) => {
    const last = strip.children.length - 1;
    const to = { ArrowLeft: card.token - 1, ArrowRight: card.token + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    card.choose(Math.max(0, Math.min(last, to)), true);
  });
  find("#writer-look").addEventListener("click", look);
  label.addEventListener("change", look);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) look();
  });
}
