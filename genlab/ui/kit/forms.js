// Forms: what they say is kept in this tab of the browser, and said again after a reload.

import { openedWith } from "./address.js";

const reloaded = performance.getEntriesByType("navigation")[0]?.type !== "navigate"; // or come back to: the same page as before

const FORM = "genlab.form."; // what keys of this tab's store begin with

/** Keep what a form says in this tab of the browser, so that a reload loses nothing of it; null is kept no more.
 * Returns whether there was room: what was kept before is what a reload brings where there was none. */
export function keep(form, values) {
  try {
    values === null ? sessionStorage.removeItem(FORM + form) : sessionStorage.setItem(FORM + form, JSON.stringify(values));
    return true;
  } catch {
    return false;
  }
}

/** What a form said, as it was kept; null where nothing was. */
export function kept(form) {
  try { return JSON.parse(sessionStorage.getItem(FORM + form)); } catch { return null; }
}

/** The forms of which something is kept and whose names begin so, in the order of the numbers that they end with. */
export function keptForms(start) {
  const numbered = (keys) => keys.filter((key) => key.startsWith(FORM + start)).map((key) => Number(key.slice((FORM + start).length)));
  try { return numbered(Object.keys(sessionStorage)).sort((a, b) => a - b).map((n) => start + n); } catch { return []; }
}

/** The same, unless a link was entered, which tells it better. */
export const recalled = (form) => (reloaded || openedWith.tab !== "sample" ? kept(form) : null);

const due = new Set(); // forms that are to say again what was kept of them

/** Let a form say it again as soon as Gradio, which shows controls before it wires them, hears `ask` of that form itself. */
export function bring(form, ask, tries = 300) {
  if (tries === 300 && recalled(form)) due.add(form);
  if (!due.has(form) || !tries) return;
  ask();
  setTimeout(bring, 100, form, ask, tries - 1);
}

/** What the controls of a form are to say: what was kept, once, or what they say. */
export const brought = (form, values) => (due.delete(form) && recalled(form)) || values;
