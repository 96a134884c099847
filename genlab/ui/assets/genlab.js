// What the scripts of all tabs share: words, messages between widgets, the theme, small helpers.

window.genlab = (() => {
  const catalogues = window.genlabCatalogues;
  const language = (navigator.languages || [navigator.language])
    .flatMap((tag) => [tag, tag.split("-")[0]])
    .find((tag) => tag in catalogues) || "en";

  const plurals = new Intl.PluralRules(language), { pluralCategories } = plurals.resolvedOptions();
  const kinds = ["zero", "one", "two", "few", "many", "other"].filter((kind) => pluralCategories.includes(kind)); // in gettext's order

  /** A text of the catalogue with its values filled in; English where the language lacks it. {n?one|many} is the form that n takes. */
  function say(key, values = {}) {
    const text = catalogues[language][key] ?? catalogues.en[key] ?? key;
    const form = (n) => kinds.indexOf(plurals.select(Number(String(n).replace(/\D/g, ""))));
    const chosen = text.replace(/\{(\w+)\?([^{}]*\|[^{}]*)\}/g, (_, name, forms) => forms.split("|").slice(0, form(values[name]) + 1).at(-1));
    return chosen.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  }

  /** Fill every element that carries data-say with its text, data-say-label with its accessible name, data-say-why with what it means. */
  function label(root) {
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

  const last = {}, listeners = {};

  /** Tell all who listen to `topic`; late listeners hear the last value. */
  function tell(topic, value) {
    last[topic] = value;
    for (const hear of listeners[topic] || []) hear(value);
  }

  function listen(topic, hear) {
    (listeners[topic] ||= []).push(hear);
    if (topic in last) hear(last[topic]);
  }

  /** The last value told of a topic. */
  const recall = (topic) => last[topic];

  /** Whether fingers touch this page, or may. */
  const touched = () => window.matchMedia("(max-width: 760px), (pointer: coarse)").matches;

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

  function toggleTheme() {
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

  /** Offer bytes in base64 as a file to keep. */
  function save(name, base64) {
    const link = document.createElement("a");
    link.href = `data:application/octet-stream;base64,${base64}`;
    link.download = name;
    link.click();
  }

  const LONG = 6000; // characters of a part that goes behind the # of an address, which no server on the way reads or finds too long
  const FIRST_TAB = "latent"; // where the page opens
  const OURS = { genlab: true }; // the state of an address that was written here, not entered by hand

  /** The parts of the address. */
  const addressed = () => Object.fromEntries([location.search, location.hash].flatMap((text) => [...new URLSearchParams(text.slice(1))]));

  /** The address of some parts. */
  function written(parts) {
    const given = Object.entries(parts).filter(([, value]) => value), long = ([, value]) => String(value).length > LONG;
    const [before, behind] = [given.filter((part) => !long(part)), given.filter(long)].map((some) => String(new URLSearchParams(some)));
    return `?${before}${behind && `#${behind}`}`;
  }

  const link = addressed(); // the view to open with
  try {
    decodeURIComponent(location.search);
    history.replaceState(OURS, "");
  } catch {
    history.replaceState(OURS, "", written(link)); // Gradio does not open with an address that is not well written
  }
  addEventListener("hashchange", () => history.state || location.reload()); // another link was entered

  let visits = 0; // goings back and forth that the pickers have not followed yet

  /** Tell all that a picker has another value. */
  function pick(topic, value) {
    if (last[topic] === value) return;
    if (topic in last && !visits) follow({ [topic]: value }, { push: true });
    tell(topic, value);
  }

  const patience = { answer: 45_000, again: 2_000 }; // milliseconds until an answer counts as lost, and until one asks again

  /** What a picker says as the page opens; where the link names something else, the server may know it, and is waited for. */
  function begin(topic, value) {
    if (!link[topic]) pick(topic, value);
    else setTimeout(() => topic in last || pick(topic, value), patience.answer);
  }

  /** Whether one goes back or forth and the pickers have not followed yet. */
  const visiting = () => visits > 0;

  const tabNow = () => (`tab.${addressed().tab}` in catalogues.en ? addressed().tab : FIRST_TAB);
  const modelNow = () => addressed().model ?? last.model; // which the picker follows, where one goes back or forth

  /** Let the address say what is looked at, so that a reload keeps it; with `push`, Back comes to what was looked at before.
   * What else a view has, such as the place in the latent space, is its `view`, which goes when one leaves it. */
  function follow(changed, { push = false, view } = {}) {
    const before = addressed(), { tab, dataset, model, run, ...own } = before;
    const moved = Object.entries(changed).some(([part, value]) => before[part] !== value);
    if (!moved && !view) return;
    if (moved && push) history.replaceState(OURS, "", written({ ...Object.fromEntries(Object.keys(changed).map((part) => [part, last[part]])), ...before }));
    const now = { tab, dataset, model, run, ...changed }, left = now.tab !== tab || now.model !== model;
    history[moved && push ? "pushState" : "replaceState"](OURS, "", written({ ...now, ...(view ?? (left ? {} : own)) }));
  }

  addEventListener("popstate", ({ state }) => {
    if (!state) return; // a link that was entered by hand opens anew
    visits += 1;
    document.querySelector(`#tab-${CSS.escape(tabNow())}`)?.click();
    tell("visit", addressed());
  });
  addEventListener("click", (event) => {
    const tab = event.target.closest?.("#tabs [role=tab]")?.id.replace("tab-", "");
    if (!tab) return;
    if (tab !== tabNow()) follow({ tab }, { push: true });
    tell("tab", tab);
  });

  /** The pickers have followed where one went back or forth to. */
  function visited(dataset, model) {
    pick("dataset", dataset);
    pick("model", model);
    visits -= 1;
    if (!visits) follow({ dataset, model });
  }

  const reloaded = performance.getEntriesByType("navigation")[0]?.type !== "navigate"; // or come back to: the same page as before

  const FORM = "genlab.form."; // what keys of this tab's store begin with

  /** Keep what a form says in this tab of the browser, so that a reload loses nothing of it; null is kept no more.
   * Returns whether there was room: what was kept before is what a reload brings where there was none. */
  function keep(form, values) {
    try {
      values === null ? sessionStorage.removeItem(FORM + form) : sessionStorage.setItem(FORM + form, JSON.stringify(values));
      return true;
    } catch {
      return false;
    }
  }

  /** What a form said, as it was kept; null where nothing was. */
  function kept(form) {
    try { return JSON.parse(sessionStorage.getItem(FORM + form)); } catch { return null; }
  }

  /** The forms of which something is kept and whose names begin so, in the order of the numbers that they end with. */
  function keptForms(start) {
    const numbered = (keys) => keys.filter((key) => key.startsWith(FORM + start)).map((key) => Number(key.slice((FORM + start).length)));
    try { return numbered(Object.keys(sessionStorage)).sort((a, b) => a - b).map((n) => start + n); } catch { return []; }
  }

  /** The same, unless a link was entered, which tells it better. */
  const recalled = (form) => (reloaded || link.tab !== "sample" ? kept(form) : null);

  const due = new Set(); // forms that are to say again what was kept of them

  /** Let a form say it again as soon as Gradio, which shows controls before it wires them, hears `ask` of that form itself. */
  function bring(form, ask, tries = 300) {
    if (tries === 300 && recalled(form)) due.add(form);
    if (!due.has(form) || !tries) return;
    ask();
    setTimeout(bring, 100, form, ask, tries - 1);
  }

  /** What the controls of a form are to say: what was kept, once, or what they say. */
  const brought = (form, values) => (due.delete(form) && recalled(form)) || values;

  /** Put a text on the clipboard and let the button say so; where that is closed, show the text to be copied by hand. */
  async function copy(button, text) {
    button.nextElementSibling?.matches(".to-copy") && button.nextElementSibling.remove();
    const box = Object.assign(document.createElement("input"), { className: "to-copy", readOnly: true, value: text });
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      button.after(box); // an address without TLS has no clipboard of the new kind
      box.select();
      if (!document.execCommand("copy")) return box.setAttribute("aria-label", (box.title = say("link.here")));
      box.remove();
    }
    const before = button.textContent;
    button.textContent = say("link.copied");
    button.dataset.copied = text;
    setTimeout(() => (button.textContent = before), 1500);
  }

  /** Copy the address that opens a view again. */
  function copyLink(button, query) {
    const address = recall("status")?.address ?? location.origin + location.pathname;
    return copy(button, address + written(query));
  }

  return { touched, say, label, tell, listen, recall, pick, begin, follow, visiting, tabNow, modelNow, visited, keep, kept, keptForms, recalled, bring, brought, patience, link, copy, copyLink, toggleTheme, save };
})();
