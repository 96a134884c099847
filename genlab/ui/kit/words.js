// Words: every text of the page in the reader's language, from the catalogues that the server sends along.

import { catalogues } from "../languages.js";

export const language = (navigator.languages || [navigator.language])
  .flatMap((tag) => [tag, tag.split("-")[0]])
  .find((tag) => Object.hasOwn(catalogues, tag)) || "en";

const plurals = new Intl.PluralRules(language), { pluralCategories } = plurals.resolvedOptions();
const kinds = ["zero", "one", "two", "few", "many", "other"].filter((kind) => pluralCategories.includes(kind)); // in gettext's order

/** A text of the catalogue with its values filled in; English where the language lacks it. {n?one|many} is the form that n takes. */
export function say(key, values = {}) {
  const text = catalogues[language][key] ?? catalogues.en[key] ?? key;
  const form = (n) => kinds.indexOf(plurals.select(Number(String(n).replace(/\D/g, ""))));
  const chosen = text.replace(/\{(\w+)\?([^{}]*\|[^{}]*)\}/g, (_, name, forms) => forms.split("|").slice(0, form(values[name]) + 1).at(-1));
  return chosen.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** Fill every element that carries data-say with its text, data-say-label with its accessible name, data-say-why with what it means. */
export function label(root) {
  for (const node of root.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of root.querySelectorAll("[data-say-label]")) {
    node.setAttribute("aria-label", say(node.dataset.sayLabel));
    node.title = say(node.dataset.sayLabel);
  }
  for (const node of root.querySelectorAll("[data-say-why]")) {
    node.title = node.dataset.why = say(node.dataset.sayWhy);
    if (!node.matches("button")) node.tabIndex = 0;
  }
}

/** Whether there is such a text. */
export const isSaid = (key) => key in catalogues.en;

/** A piece of a text as one can see it. */
export const visible = (text) => text.replaceAll("\n", "⏎").replaceAll(" ", "␣").replaceAll("\t", "⇥").replace(/[\0-\x1f]/g, "·");
