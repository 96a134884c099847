// What there is to see of a model of texts: what tokens look at or units carry, how two texts blend, how tokens lie.

import { copyLink, follow, modelNow, openedWith, tabNow } from "../../kit/address.js";
import { answerOf, make, wait } from "../../kit/parts.js";
import { fieldsOf, refuseIn } from "../../kit/refusals.js";
import { listen } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { startAttention } from "./attention.js";
import { startBlend } from "./blend.js";
import { startLook } from "./look.js";
import { startTokens } from "./tokens.js";
import { startUnits } from "./units.js";

export function start(card) {
  const { element, find, server } = card;
  const root = find(".writer"), note = find("#writer-note"), tabs = find("#writer-tabs");
  let turn = 0; // of models that were picked
  let link = openedWith.tab === "latent" ? openedWith : {};
  let part = "look", touched = false, placing = null;
  card.model = null; // what the server told of the model
  card.parts = {}; // each with `view`, what of it an address tells; `open`, which goes there; `show`, once it is seen

  label(element);
  /** Look into a model that was picked; without a name, into none. */
  async function open(name) {
    const mine = (turn += 1);
    [root.hidden, card.model, touched] = [!name, null, false];
    if (!name) return;
    wait(note, say("writer.opening", { name }));
    const answer = await answerOf(server.writer_open({ model: name }));
    if (mine !== turn) return;
    note.textContent = answer.error ?? "";
    for (const one of [note, tabs, ...root.querySelectorAll(".part")]) one.classList.toggle("without", one !== note && Boolean(answer.error));
    if (answer.error) return;
    card.model = answer;
    tabs.children[0].textContent = say(answer.inside.includes("attention") ? "writer.attention" : "writer.units");
    const linked = link.model === name ? link : {};
    link = {};
    for (const one of Object.values(card.parts)) one.open({});
    go(linked);
  }

  /** Go where an address says. */
  function go({ part: wanted, ...view }) {
    part = wanted in card.parts ? wanted : "look";
    card.parts[part].open(view);
    showPart(part);
  }

  function showPart(name) {
    part = name;
    for (const tab of tabs.children) {
      tab.setAttribute("aria-selected", String(tab.dataset.part === name));
      tab.tabIndex = tab.dataset.part === name ? 0 : -1;
    }
    for (const one of root.querySelectorAll(".part")) one.hidden = one.id !== `writer-part-${name}`;
    if (card.model && root.checkVisibility()) card.parts[name].show();
    card.place();
  }

  /** What an address tells of what is seen. */
  const view = () => ({ part, ...card.parts[part].view() });

  /** When the hand rests, let the address tell what is seen. */
  card.place = () => {
    clearTimeout(placing);
    placing = setTimeout(() => {
      if (!touched || !card.model || tabNow() !== "latent" || modelNow() !== card.model.model) return;
      follow({ tab: "latent", model: card.model.model }, { view: view() });
    }, 400);
  };

  /** What the server answers for this model; nothing where another was picked meanwhile, or a newer question is on its way. */
  card.asker = (name, fault, prefix = "writer") => {
    let asked = 0;
    return async (wish) => {
      const mine = (asked += 1), of = turn;
      const answer = await answerOf(server[name]({ model: card.model.model, ...wish }));
      if (mine !== asked || of !== turn) return null;
      refuseIn(fault, answer.error, fieldsOf(answer.about, prefix));
      return answer.error ? null : answer;
    };
  };

  /** Fill a picker with [value, words] pairs. */
  card.fill = (select, choices) => select.replaceChildren(...choices.map(([value, words]) => make("option", { value }, words)));

  for (const started of [startLook, startAttention, startUnits, startBlend, startTokens]) started(card);
  tabs.addEventListener("click", (event) => event.target.dataset.part && showPart(event.target.dataset.part));
  for (const kind of ["input", "click", "keydown"]) element.addEventListener(kind, () => (touched = true), true);
  find(".copy-link").addEventListener("click", () => card.model && copyLink(find(".copy-link"), { tab: "latent", model: card.model.model, ...view() }));
  listen("writer", open);
  listen("visit", (parts) => {
    if (parts.tab !== "latent") return;
    link = parts;
    if (card.model?.model === parts.model) go(parts);
  });
  listen("tab", (tab) => tab === "latent" && card.model && requestAnimationFrame(() => card.parts[part].show()));
}
