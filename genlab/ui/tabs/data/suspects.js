// The suspects: pictures of what an issue is about, the worst first; keep, drop or relabel by click and by key.

import { keep, kept } from "../../kit/forms.js";
import { count, fixed } from "../../kit/numbers.js";
import { latest, make, renew } from "../../kit/parts.js";
import { cut } from "../../kit/tiles.js";
import { listen } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

export function startSuspects(card) {
  const { find, server, complain, repairIssues, showIssues } = card;
  const decisions = new Map(); // id -> "keep", "drop", or { to: class }
  let left = kept("decisions"); // as the page was left
  card.opened = ""; // the issue
  let shownPage = 0;
  let lassoed = null; // rows that were chosen on the map
  let suspects = [];
  let selected = new Set();
  const askSuspects = latest(server.quality_suspects);

  find("#quality-suspects").addEventListener("keydown", decideByKey);
  listen("lasso", (chosen) => {
    lassoed = chosen && chosen.dataset === card.dataset ? chosen.rows : null;
    if (card.about) showSuspects(0);
  });

  function closeSuspects() {
    card.opened = "";
    lassoed = null;
    selected = new Set();
    suspects = [];
    find(".suspects .title").textContent = say("quality.suspects");
    find(".suspects .sentence").textContent = say("quality.open_an_issue");
    find("#quality-suspects").replaceChildren();
    find(".suspects .pager").hidden = find(".deciding").hidden = true;
  }

  async function openIssue(issue) {
    card.opened = issue.name;
    showIssues();
    await showSuspects(0);
    const place = find(".card.suspects");
    if (place.getBoundingClientRect().top > 0.8 * window.innerHeight) place.scrollIntoView(); // below the list on a phone
  }

  async function showSuspects(page) {
    if (!card.opened && !lassoed) return closeSuspects();
    shownPage = page;
    const answer = await askSuspects({ dataset: card.dataset, issue: card.opened, page, rows: lassoed });
    if (!answer) return;
    complain("suspects", answer);
    if (answer.error) return;
    suspects = answer.items;
    selected = new Set();
    const issue = card.issues.find(({ name }) => name === card.opened);
    find(".suspects .title").textContent = issue ? say("quality.suspects_of", { name: say(`quality.issue_${card.opened}`), n: count(answer.total) }) : say("quality.chosen", { n: count(answer.total) });
    find(".suspects .sentence").textContent = issue ? [issue.sentence, issue.classes.join(", ")].filter(Boolean).join(" ") : say(card.about.classes.length ? "quality.chosen_why" : "quality.chosen_bare");
    layTiles(answer);
    turnPages(answer);
    showDeciding(issue);
  }

  function layTiles({ items, sprite, columns, shape, together, reads }) {
    const holder = find("#quality-suspects");
    holder.classList.toggle("of-places", together);
    holder.classList.toggle("of-texts", reads);
    holder.style.setProperty("--sprite", sprite ? `url(${sprite})` : "none");
    holder.replaceChildren(...items.map((item, i) => {
      const face = make("span.face", {}, together ? item.at.map((x) => fixed(x, 2)).join(", ") : reads ? item.text || say("quality.empty") : null);
      if (!together && !reads) {
        face.style.aspectRatio = `${shape[2]} / ${shape[1]}`;
        cut(face, i, columns, Math.ceil(items.length / columns));
      }
      return make("button.suspect.link", { type: "button", "data-id": item.id, onclick: (event) => select(i, event) }, face, make("span.caption"));
    }));
    suspects.forEach((_, i) => mark(i));
  }

  /** A tile's frame and caption say what is decided of it. */
  function mark(i) {
    const [item, tile] = [suspects[i], find("#quality-suspects").children[i]];
    const decision = decisions.get(item.id);
    const to = decision?.to ?? item.suggestion;
    const changes = to != null && to !== item.label;
    const label = item.label || say("data.no_label");
    tile.dataset.decision = decision?.to != null ? "relabel" : decision ?? "";
    tile.setAttribute("aria-pressed", String(selected.has(i)));
    tile.lastChild.textContent = decision && !decision.to ? say(`quality.decided_${decision}`) : changes ? `${label} → ${to || "?"}` : label;
    tile.setAttribute("aria-label", `${say("data.image_label", { label, row: count(item.row) })}. ${tile.lastChild.textContent}`);
  }

  function select(i, event) {
    if (event.shiftKey && selected.size) {
      const from = [...selected].at(-1);
      for (let k = Math.min(from, i); k <= Math.max(from, i); k++) selected.add(k);
    } else selected.has(i) ? selected.delete(i) : selected.add(i);
    suspects.forEach((_, k) => mark(k));
  }

  /** Begin with none, as ids of another dataset are other items, or with those that a reload brings. */
  function beginDeciding() {
    decisions.clear();
    if (!card.dataset) return;
    if (left?.of === card.dataset) for (const [id, decision] of left.all) decisions.set(id, decision);
    left = null;
    rememberDecisions();
  }

  function rememberDecisions() {
    keep("decisions", decisions.size ? { of: card.dataset, all: [...decisions] } : null);
  }

  /** Decide of the selected items, or of those given; the same decision again takes it back. */
  function decide(decision, which = [...selected]) {
    for (const i of which) {
      const now = decisions.get(suspects[i].id);
      const same = now === decision || (now?.to != null && now.to === decision.to);
      same ? decisions.delete(suspects[i].id) : decisions.set(suspects[i].id, decision);
    }
    selected = new Set();
    rememberDecisions();
    suspects.forEach((_, i) => mark(i));
    showDecided();
  }

  function decideByKey(event) {
    const tiles = [...find("#quality-suspects").children];
    const i = tiles.indexOf(event.target);
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const across = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const key = event.key.toLowerCase();
    if (!step && !["k", "d", "r"].includes(key)) return;
    event.preventDefault();
    if (step) return tiles[i + step]?.focus();
    if (key === "r" && !suspects[i].suggestion) return;
    decide({ k: "keep", d: "drop", r: { to: suspects[i].suggestion } }[key], selected.size ? [...selected] : [i]);
    tiles[i].focus();
  }

  function turnPages({ total, pages }) {
    const pager = find(".suspects .pager");
    const button = (by, sign) => make("button.turn", { type: "button", "aria-label": say(by < 0 ? "import.back" : "import.on"), disabled: !(shownPage + by >= 0 && shownPage + by < pages), onclick: () => showSuspects(shownPage + by) }, sign);
    pager.hidden = pages < 2;
    renew(pager, button(-1, "‹"), make("span", {}, say("import.page", { page: count(shownPage + 1), pages: count(pages) })), button(1, "›"));
    if (!total) find("#quality-suspects").replaceChildren(make("p.note", {}, say("quality.nobody")));
  }

  function showDeciding(issue) {
    const each = (name, decision) => make("button", { type: "button", id: `quality-${name}`, onclick: () => decide(decision) }, say(`quality.${name}`));
    const classes = make("select", { "aria-label": say("quality.give_class") }, make("option", { value: "" }, say("quality.give_class")), ...card.about.classes.map((name) => make("option", { value: name }, name)));
    classes.addEventListener("change", () => { if (classes.value) decide({ to: classes.value }); classes.value = ""; });
    const suggested = make("button", { type: "button", id: "quality-relabel", onclick: () => [...selected].filter((i) => suspects[i].suggestion).forEach((i) => decide({ to: suspects[i].suggestion }, [i])) }, say("quality.relabel"));
    find(".deciding").hidden = false;
    find(".deciding").replaceChildren(
      make("div.each", { hidden: !suspects.length }, each("keep", "keep"), each("drop", "drop"), suspects.some((item) => item.suggestion) ? suggested : null, card.about.classes.length ? classes : null),
      make("button.primary", { type: "button", id: "quality-repair", onclick: () => repairIssues(issue?.count ? [issue.name] : []) }),
      make("p.note.counted")
    );
    showDecided();
  }

  function showDecided() {
    const kinds = [...decisions.values()].map((decision) => (decision.to != null ? "relabel" : decision));
    const n = (kind) => count(kinds.filter((other) => other === kind).length);
    const issue = card.issues.find(({ name, count: found }) => name === card.opened && found);
    find("#quality-repair").textContent = issue ? say("quality.repair", { name: say(`quality.issue_${card.opened}`).toLowerCase() }) : say("quality.apply", { n: count(kinds.length) });
    find("#quality-repair").hidden = !issue && !kinds.length;
    find(".counted").textContent = kinds.length ? say(issue ? "quality.decided_and_rest" : "quality.decided", { keep: n("keep"), drop: n("drop"), relabel: n("relabel") }) : "";
  }

  /** The decisions as the server takes them. */
  function decided() {
    const of = (kind) => [...decisions].filter(([, decision]) => decision === kind).map(([id]) => id);
    const relabel = Object.fromEntries([...decisions].filter(([, decision]) => decision.to != null).map(([id, decision]) => [id, decision.to]));
    return { keep: of("keep"), drop: of("drop"), relabel };
  }

  Object.assign(card, { beginDeciding, closeSuspects, decided, openIssue });
}
