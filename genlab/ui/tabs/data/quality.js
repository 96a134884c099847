// Quality: what is known of the dataset in the header; the other parts draw it, and every change makes a recipe.

import { answerOf, latest } from "../../kit/parts.js";
import { fieldsOf, refuseIn } from "../../kit/refusals.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { startDamage } from "./damage.js";
import { startReport } from "./report.js";
import { startSuspects } from "./suspects.js";

export function start(card) {
  const { element, find, props, server, trigger, watch } = card;
  card.dataset = "";
  card.about = null; // of the dataset: steps, classes, defects
  let changing = false;
  const askOpen = latest(server.quality_open);

  label(element);
  Object.assign(card, { complain, change });
  for (const startPart of [startReport, startSuspects, startDamage]) startPart(card);
  watch("value", hear);
  listen("opened data", open);
  listen("label", ({ of, given, told }) => {
    if (changing || element.dataset.of !== of || of !== card.dataset) return told(say("label.busy")); // its steps are not here yet
    change("suspects", server.quality_label, { given }, false, (answer) => told(answer.error));
  });

  async function open(name) {
    card.dataset = name;
    card.beginDeciding();
    card.leaveLook();
    element.querySelector(".quality").hidden = !name;
    if (!name) return;
    const answer = await askOpen({ dataset: card.dataset });
    if (!answer) return;
    complain("report", answer);
    if (answer.error) return;
    card.about = answer;
    card.showSteps();
    card.showLook();
    element.dataset.of = card.dataset;
    if (card.lookAfter === card.dataset && !card.about.looked) card.look();
    card.lookAfter = "";
  }

  function hear() {
    const news = props.value;
    if (!news || typeof news !== "object") return;
    if (news.turn < 0) return card.exportEnded(news);
    if (news.turn !== card.turn) return; // overtaken
    if (!news.error) return card.hearLook(news);
    card.stopLooking();
    complain("report", news);
  }

  /** Ask the server for a change, which was wished for in a card; the header then goes to what came of it, which is looked at again where `again`. `told` hears a fault. */
  async function change(where, ask, wish, again = false, told = (answer) => complain(where, answer)) {
    if (changing) return null;
    changing = true;
    element.querySelector(".quality").setAttribute("aria-busy", "true");
    const answer = await answerOf(ask({ dataset: card.dataset, name: find("#recipe-name").value, ...wish }));
    changing = false;
    element.querySelector(".quality").removeAttribute("aria-busy");
    told(answer);
    if (answer.error) return null;
    card.beginDeciding();
    card.changed = answer;
    if (again) card.lookAfter = answer.name;
    if (answer.name === card.dataset) tell("dataset", card.dataset);
    else trigger("made", { name: answer.name });
    return answer;
  }

  /** Say why something was refused: in the card with the field at fault, or else in the one in which it was wished for. */
  function complain(where, { error, about: settings }) {
    const fields = fieldsOf(settings, "defect", "recipe");
    for (const line of element.querySelectorAll(".card > .fault")) refuseIn(line);
    refuseIn((fields[0]?.closest(".card") ?? find(`.${where}`)).querySelector(":scope > .fault"), error, fields);
  }
}
