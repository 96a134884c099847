// The report: findings as they come, the scores with their definitions, the checklist of issues.

import { count, figure } from "../../kit/numbers.js";
import { answerOf, make, renew, save, wait } from "../../kit/parts.js";
import { tell } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

export function startReport(card) {
  const { find, server, trigger, change, complain } = card;
  card.turn = 0;
  card.issues = []; // of the last look
  card.before = null; // the counts by issue before a repair
  card.lookAfter = ""; // a dataset that is looked at as soon as it is opened
  let began = 0;

  find("#quality-run").addEventListener("click", look);
  find(".report .leave").addEventListener("click", () => leaveLook(say("quality.stopped")));
  find("#quality-repair-all").addEventListener("click", () => repairIssues(null));
  const file = (kind) => make("button", { type: "button", id: `quality-${kind}`, onclick: () => saveReport(kind) }, say(`quality.as_${kind}`));
  find(".files").replaceChildren(...["json", "png", "md"].map(file));

  function look() {
    if (!card.dataset || !card.about) return;
    card.turn += 1;
    card.issues = [];
    card.about.looked = null;
    card.closeSuspects();
    began = performance.now();
    showIssues();
    find("#quality-run").disabled = true;
    find(".report .leave").hidden = false;
    wait(find(".report .status"), say("quality.looking"));
    find(".report .scores").replaceChildren();
    find(".files").hidden = true;
    trigger("inspect", { dataset: card.dataset, turn: card.turn });
  }

  /** Let the server end a look that nobody waits for. */
  function leaveLook(sentence) {
    if (find("#quality-run").disabled) trigger("leave");
    stopLooking(sentence);
  }

  function stopLooking(sentence = "") {
    if (find("#quality-run").disabled) card.turn += 1; // what still comes is not heard
    find("#quality-run").disabled = false;
    find(".report .leave").hidden = true;
    find(".report .status").textContent = sentence;
  }

  function hearLook(news) {
    if (news.looking) return wait(find(".report .status"), say("quality.looking_for", { ...news, defect: say(`quality.defect_${news.looking}`) }));
    if (news.scoring) return wait(find(".report .status"), say("quality.scoring"));
    if (news.issue) {
      card.issues.push(news.issue);
      return showIssues();
    }
    stopLooking(say("quality.took", { seconds: figure((performance.now() - began) / 1000, 2) }));
    card.about.looked = { issues: card.issues, card: news.card };
    showLook();
    tell("looked", card.dataset);
  }

  /** What was found, where one has looked; else the way to look. */
  function showLook() {
    card.issues = card.about.looked?.issues ?? [];
    const scored = card.about.looked?.card;
    if (!scored) find(".report .status").textContent = say("quality.not_yet");
    find(".files").hidden = !scored;
    find(".report .scores").replaceChildren(...(scored?.scores ?? []).map(score));
    find(".report .aside").textContent = scored ? say("quality.items", { n: count(scored.items) }) : "";
    showIssues();
    card.closeSuspects();
  }

  function showIssues() {
    find(".issues .aside").textContent = card.issues.length ? say("quality.concerned", { n: count(card.issues.filter((issue) => issue.count).length), k: count(card.issues.length) }) : "";
    const list = find(".issues .list");
    renew(list, ...(card.issues.length ? card.issues.map(issueLine) : [make("p.note", {}, say("quality.no_issues"))]));
    find("#quality-repair-all").hidden = !card.issues.some((issue) => issue.count) || find("#quality-run").disabled;
  }

  function issueLine(issue) {
    const was = card.before?.[issue.name];
    return make(
      "button.issue.link",
      { type: "button", id: `quality-issue-${issue.name}`, "aria-pressed": String(issue.name === card.opened), title: issue.sentence, "data-n": issue.count, disabled: !card.about.looked, onclick: () => card.openIssue(issue) },
      make("span.name", {}, say(`quality.issue_${issue.name}`)),
      !was && !(issue.count && was === 0) ? null : make("span.was", {}, `${count(was)} →`),
      make(issue.count ? "span.chip.bad" : "span.chip", {}, issue.count ? (issue.classes.length ? say("quality.classes", { n: count(issue.count) }) : count(issue.count)) : say("quality.none"))
    );
  }

  async function saveReport(kind) {
    const answer = await answerOf(server.quality_file({ dataset: card.dataset, kind }));
    complain("report", answer);
    if (answer.content) save(answer.name, answer.content);
  }

  /** Repair these issues, or all; what was decided of single items holds. The result is looked at again, side by side. */
  async function repairIssues(names) {
    const counts = Object.fromEntries(card.issues.map((issue) => [issue.name, issue.count]));
    const answer = await change(names ? "suspects" : "issues", server.quality_repair, { issues: names, ...card.decided() }, names === null || names.length > 0);
    if (answer) card.before = counts;
  }

  Object.assign(card, { hearLook, leaveLook, look, repairIssues, showIssues, showLook, stopLooking });
}

function score({ name, value, told, measured, definition }) {
  return make(
    "div.score",
    { id: `quality-score-${name}` },
    make("b", {}, say(`quality.score_${name}`)),
    make("span.track", {}, make("span.fill", { style: `width:${100 * (value ?? 0)}%` })),
    make("span.told", {}, told),
    make("p.note", { title: measured }, definition)
  );
}
