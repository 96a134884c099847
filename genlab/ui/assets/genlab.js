// What the scripts of all tabs share: words, messages between widgets, the theme, small helpers.

window.genlab = (() => {
  const catalogues = window.genlabCatalogues;
  const language = (navigator.languages || [navigator.language])
    .flatMap((tag) => [tag, tag.split("-")[0]])
    .find((tag) => tag in catalogues) || "en";

  /** A text of the catalogue with its values filled in; English where the language lacks it. {n?one|many} is `one` where n is 1. */
  function say(key, values = {}) {
    const text = catalogues[language][key] ?? catalogues.en[key] ?? key;
    const chosen = text.replace(/\{(\w+)\?([^|{}]*)\|([^{}]*)\}/g, (_, name, one, many) => (String(values[name]) === "1" ? one : many));
    return chosen.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  }

  /** Fill every element that carries data-say with its text, and data-say-label with its accessible name. */
  function label(root) {
    for (const node of root.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
    for (const node of root.querySelectorAll("[data-say-label]")) {
      node.setAttribute("aria-label", say(node.dataset.sayLabel));
      node.title = say(node.dataset.sayLabel);
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
  const asked = new URLSearchParams(location.search);
  const link = Object.fromEntries([...asked, ...new URLSearchParams(location.hash.slice(1))]); // the view that this address opens
  addEventListener("hashchange", () => location.reload()); // another link of this view
  try {
    decodeURIComponent(location.search);
  } catch {
    history.replaceState(null, "", `?${asked}`); // Gradio does not open with an address that is not well written
  }

  /** Tell all that a picker has another value. */
  function pick(topic, value) {
    if (last[topic] === value) return;
    if (topic in last) follow({ [topic]: value });
    tell(topic, value);
  }

  const patience = { answer: 45_000, again: 2_000 }; // milliseconds until an answer counts as lost, and until one asks again

  /** What a picker says as the page opens; where the link names something else, the server may know it, and is waited for. */
  function begin(topic, value) {
    if (!link[topic]) pick(topic, value);
    else setTimeout(() => topic in last || pick(topic, value), patience.answer);
  }

  /** Let the address say what is looked at, so that a reload and Back keep it; of a link, what belongs to a view that one has left goes. */
  function follow(changed, push = false) {
    const before = Object.fromEntries(new URLSearchParams(location.search));
    if (Object.entries(changed).every(([part, value]) => before[part] === value)) return;
    const { tab, dataset, model, run } = { ...before, ...changed };
    const parts = Object.entries({ tab, dataset, model, run }).filter(([, value]) => value);
    history[push ? "pushState" : "replaceState"](null, "", `?${new URLSearchParams(parts)}`);
  }

  addEventListener("popstate", () => {
    const tab = new URLSearchParams(location.search).get("tab") ?? "latent"; // where the page opens
    document.querySelector(`#tab-${CSS.escape(tab)}`)?.click();
  });
  addEventListener("click", (event) => {
    const tab = event.target.closest?.("#tabs [role=tab]")?.id.replace("tab-", "");
    if (tab && tab !== (new URLSearchParams(location.search).get("tab") ?? "latent")) follow({ tab }, true);
  });

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
    const parts = Object.entries(query), long = ([, value]) => String(value).length > LONG;
    const [before, behind] = [parts.filter((part) => !long(part)), parts.filter(long)].map((some) => String(new URLSearchParams(some)));
    return copy(button, `${address}?${before}${behind && `#${behind}`}`);
  }

  return { touched, say, label, tell, listen, recall, pick, begin, follow, patience, link, copy, copyLink, toggleTheme, save };
})();
