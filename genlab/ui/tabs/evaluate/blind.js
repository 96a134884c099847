// Blind comparison: two walls from the same seeds whose models are told after the vote, and what all votes say.

import { answerOf } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { say } from "../../kit/words.js";

export function startBlind(card) {
  const find = (what) => card.find(`#evaluate-blind ${what}`), all = (what) => card.element.querySelectorAll(`#evaluate-blind ${what}`);
  const votes = [...all("[data-better]")], next = find(".next");
  let turn = 0; // which pair of walls is on screen

  /** Begin anew with another table. */
  card.beginBlind = () => {
    turn = 0;
    show(false);
    find(".sides").hidden = true;
    find("[role=status]").textContent = "";
    next.textContent = say("blind.go");
  };

  function show(voting) {
    for (const vote of votes) vote.hidden = !voting;
    next.hidden = voting;
  }

  async function look() {
    const answer = await answerOf(card.server.evaluate_blind({ id: card.record.id, turn: (turn += 1) }));
    refuseIn(find(".fault"), answer.error);
    if (answer.error) return;
    for (const image of all("img")) image.src = answer[image.dataset.side];
    for (const caption of all("figcaption")) caption.textContent = "?";
    find(".sides").hidden = false;
    show(true);
  }

  async function vote(better) {
    const answer = await answerOf(card.server.evaluate_vote({ id: card.record.id, turn, better }));
    refuseIn(find(".fault"), answer.error);
    if (answer.error) return;
    all("figcaption").forEach((caption, i) => (caption.textContent = answer.names[i]));
    find("[role=status]").textContent = answer.tally;
    next.textContent = say("blind.next");
    show(false);
  }

  next.addEventListener("click", look);
  for (const button of votes) button.addEventListener("click", () => vote(button.dataset.better));
}
