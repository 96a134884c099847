// The shell around the cards: the theme, the names of the tabs, what Gradio leaves out for keyboards and readers.

import { say } from "./words.js";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const stored = () => { try { return localStorage.getItem("genlab-theme"); } catch { return null; } };

function applyTheme() {
  const dark = stored() ? stored() === "dark" : system.matches;
  document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  const toggle = document.querySelector("#theme-toggle");
  const sign = dark ? "☀" : "☾";
  if (toggle && toggle.textContent.trim() !== sign) toggle.textContent = sign;
  toggle?.setAttribute("aria-label", say("page.theme"));
}

export function toggleTheme() {
  const dark = !document.body.classList.contains("dark");
  try { localStorage.setItem("genlab-theme", dark ? "dark" : "light"); } catch { /* remembered for this visit only */ }
  document.body.classList.toggle("dark", dark);
  applyTheme();
}

/** Give each tab's button the id that people and tests know it by. */
function nameTabs() {
  for (const button of document.querySelectorAll("#tabs [role=tab][id^=panel-]")) {
    button.id = button.id.replace(/^panel-(.*)-button$/, "tab-$1");
  }
}

/** Say of what is folded whether it is open, which Gradio does not. */
const tellFolds = () => document.querySelectorAll(".gr-accordion .label-wrap").forEach((lid) => lid.setAttribute("aria-expanded", lid.classList.contains("open")));
addEventListener("click", (event) => event.target.closest?.(".label-wrap") && setTimeout(tellFolds));

/** Arrow keys go from tab to tab, and from choice to choice. */
addEventListener("keydown", (event) => {
  const here = event.target.closest?.("[role=tab], [role=radio]"), group = here?.closest("[role=tablist], [role=radiogroup]");
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!group || !by) return;
  event.preventDefault();
  const all = [...group.querySelectorAll(`[role=${here.getAttribute("role")}]`)].filter((one) => !one.disabled && one.checkVisibility());
  const next = all.at((all.indexOf(here) + by) % all.length);
  next.focus();
  next.click();
}, true);

/** Tab leaves a picker, and does not go into its list, as browsers do with what scrolls. */
const passLists = () => document.querySelectorAll("[role=listbox]").forEach((list) => (list.tabIndex = -1));
addEventListener("keydown", (event) => event.key === "Tab" && passLists(), true);

/** Escape answers a question with no. */
addEventListener("keydown", (event) => event.key === "Escape" && event.target.closest?.(".question")?.querySelector(".keep")?.click());

function settle() {
  applyTheme();
  nameTabs();
  tellFolds();
  const line = document.querySelector("#brand-line");
  if (line && !line.textContent) line.textContent = say("page.line");
}

system.addEventListener("change", applyTheme);
function watchPage() {
  settle();
  const watcher = new MutationObserver(settle);
  watcher.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watcher.disconnect(), 60_000); // the shell is long there
}

if (document.body) watchPage();
else document.addEventListener("DOMContentLoaded", watchPage);
