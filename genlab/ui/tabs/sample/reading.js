// Reading: every token of a text is shaded by how surprising it was; a click shows what else was likely there, and goes on from it.

import { figure, percent } from "../../kit/numbers.js";
import { latest, make, save } from "../../kit/parts.js";
import { say, visible } from "../../kit/words.js";

const DARKEST = 6; // nats of surprise that are shaded as darkly as can be

export function startReading(card) {
  const { find, server } = card;
  const out = find("#text-out"), choices = find("#text-choices"), tree = find("#text-tree"), typed = find("#text-typed");
  const ask = latest(server.read_text);
  let places = [];
  let branches = []; // one after another: { from: the number of the branch that it left, query, prompt }
  let now = null; // the branch that is on screen
  let shown = ""; // the text, and which one it is: an answer about one that was left comes to nothing
  let turn = 0;

  typed.placeholder = say("read.type");
  find("#text-read").addEventListener("click", () => typed.value && read(typed.value));
  find("#text-export").addEventListener("click", () => save("branches.json", btoa(unescape(encodeURIComponent(JSON.stringify(branches, null, 1))))));
  out.addEventListener("keydown", step);

  /** Show a text as it is, while more of it comes. */
  function showText(text) {
    [places, shown] = [[], text];
    turn += 1;
    choices.hidden = true;
    find("#text-told").textContent = "";
    out.replaceChildren(text);
  }

  /** Shade a text by what the model expected. */
  async function read(text) {
    const mine = (turn += 1);
    const answer = await ask({ model: card.result.query.model, text, label: label() });
    if (!answer || mine !== turn) return;
    if (answer.error) return (find("#text-told").textContent = answer.error);
    [places, shown] = [answer.places, text];
    choices.hidden = true;
    out.replaceChildren(...places.map(token));
    find("#text-told").textContent = answer.nats == null ? "" : say("read.together", {
      nats: figure(answer.nats), bits: figure(answer.bits), perplexity: figure(answer.perplexity),
    });
  }

  /** The class that the chosen text was asked to be of, where there are any. */
  const label = () => card.result.labels?.[card.chosen] ?? null;

  function token({ text, nats, likeliest }, i) {
    const end = nats == null, share = end ? 0 : Math.min(1, nats / DARKEST);
    const told = end ? say("read.end") : say("read.surprise", { text, share: percent(Math.exp(-nats)), nats: figure(nats) });
    return make("span.token", {
      role: "button", tabindex: i ? -1 : 0, title: told, "aria-label": told, "data-nats": nats, style: `--surprise:${share.toFixed(3)}`, onclick: () => open(i),
    }, end ? "▏" : text);
  }

  /** What was likely at a place, each with its share; one of them is gone on from. */
  function open(i) {
    const { likeliest, text, nats } = places[i];
    [...out.children].forEach((node, k) => node.setAttribute("aria-pressed", String(k === i)));
    out.children[i].focus();
    choices.hidden = false;
    choices.replaceChildren(
      make("p.note", {}, say(nats == null ? "read.next" : "read.instead")),
      ...likeliest.map(([other, share]) => make(
        "button.choice",
        { type: "button", disabled: !other || other.includes("\ufffd"), "data-token": other, "aria-current": String(nats != null && other === text), onclick: () => goOn(i, other) },
        make("code", {}, other ? visible(other) : say("read.ends")),
        make("span.track", {}, make("span.fill", { style: `width:${100 * share}%` })),
        make("span.n", {}, percent(share))
      ))
    );
  }

  /** Write on from a place with another token. */
  function goOn(i, other) {
    const prompt = places.slice(0, i).map((place) => place.text).join("") + other;
    const both = blended(card.result.query, prompt);
    const kind = label() === null ? {} : { class: label() };
    if (now === null) remember(card.result.query, shown);
    branches.push({ from: now, prompt, query: { ...card.result.query, ...kind, prompt, ...both, count: 1, seed: card.result.seed + card.chosen } });
    visit(branches.length - 1);
  }

  /** What goes on from two prompts that are blended: what was written stands behind each; where it begins within one, that goes on alone. */
  function blended({ prompt = "", other = "", blend = 0 }, whole) {
    const lead = blend > 0.5 ? other : prompt;
    return blend > 0 && whole.startsWith(lead) ? { prompt: prompt + whole.slice(lead.length), other: other + whole.slice(lead.length) } : { blend: 0 };
  }

  function remember(query, text) {
    branches.push({ from: null, prompt: text.slice(0, 40), query: { ...query } });
    now = branches.length - 1;
  }

  function visit(i) {
    now = i;
    card.draw(branches[i].query);
    showTree();
  }

  /** All branches, each under the one that it left. */
  function showTree() {
    const under = (from) => {
      const own = branches.map((branch, i) => [branch, i]).filter(([branch]) => branch.from === from);
      return own.length ? [make("ul", {}, ...own.map(([branch, i]) => make(
        "li",
        {},
        make("button.link", { type: "button", "aria-current": String(i === now), onclick: () => visit(i) }, visible(branch.prompt.slice(-40)) || say("read.start")),
        ...under(i)
      )))] : [];
    };
    find(".branches").hidden = !branches.length;
    tree.replaceChildren(...under(null));
  }

  /** Arrow keys go from token to token, Enter opens one. */
  function step(event) {
    const nodes = [...out.children], i = nodes.indexOf(document.activeElement);
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (i < 0 || !(way || event.key === "Enter")) return;
    event.preventDefault();
    if (!way) return open(i);
    const next = nodes[i + way];
    if (!next) return;
    nodes[i].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /** Forget the branches of a model that is no longer asked. */
  function forget() {
    [branches, now] = [[], null];
    showTree();
  }

  Object.assign(card, { showText, readText: read, forgetBranches: forget });
}
