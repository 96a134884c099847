// Break it, find it, fix it: a sentence a step, three walls that change in place, one number under each.

import { count, percent } from "../../kit/numbers.js";
import { make, stopWaiting, wait } from "../../kit/parts.js";
import { label, say } from "../../kit/words.js";

const parts = ["clean", "damaged", "repaired"];
const steps = ["damage", "report", "repair", "train", "end"];

export function start({ element, find, props, trigger, watch }) {
  const start = find("#story-start");
  let turn = 0;
  let told = {}; // the facts of each step so far
  let current = "", since = 0; // the step that is being done, and from when on
  let looking = null; // how far the checks are

  label(element);
  start.addEventListener("click", begin);
  find(".leave").addEventListener("click", () => { trigger("leave"); rest(); });
  watch("value", hear);

  function begin() {
    turn += 1;
    [told, looking, current] = [{}, null, ""];
    find(".fault").hidden = true;
    find(".walls").replaceChildren(...parts.map((name) => make(`figure.wall.${name}`, {}, make("div.frame", {}, make("img", { alt: say(`story.${name}`) })), make("figcaption", {}, make("b", {}, say(`story.${name}`)), make("span.number", {}), make("span.note", {})))));
    show("damage");
    start.disabled = true;
    find(".leave").hidden = false;
    element.dataset.state = "running";
    trigger("begin", { turn });
  }

  function rest(state = "stopped") {
    stopWaiting(find(".steps [aria-current]"));
    start.disabled = false;
    find(".leave").hidden = true;
    element.dataset.state = state;
  }

  function hear() {
    const news = props.value;
    if (!news || typeof news !== "object" || !start.disabled || news.turn !== turn) return; // left meanwhile
    if (news.error) {
      find(".fault").textContent = news.error;
      find(".fault").hidden = false;
      return rest();
    }
    if (news.step === "look") {
      looking = news.facts;
      return show("report");
    }
    told[news.step] = news.facts;
    for (const [name, image] of Object.entries(news.walls)) find(`.wall.${name} img`).src = image;
    caption(news);
    show(steps[steps.indexOf(news.step) + (news.step === "train" || news.step === "end" ? 0 : 1)]);
    if (news.step === "end") rest("done");
  }

  /** Under each wall: what it holds, and once models draw, the share that the classifier agrees with. */
  function caption({ step, facts }) {
    for (const name of parts) {
      const [number, words] = [find(`.wall.${name} .number`), find(`.wall.${name} figcaption .note`)];
      const share = facts.agreement?.[name];
      number.textContent = share == null ? "" : percent(share);
      words.textContent = share != null ? say("story.agreement") : facts[name] ? say("story.labels", { n: count(facts[name].items), right: percent(facts[name].right) }) : words.textContent;
    }
    if (step === "damage") find(".wall.clean figcaption .note").textContent = find(".wall.damaged figcaption .note").textContent = say("story.examples");
  }

  /** The sentences of what has been, and of what is being done. */
  function show(now) {
    if (now !== current) [current, since] = [now, performance.now()];
    find(".steps").replaceChildren(...steps.filter((step) => told[step] || step === now).map((step) =>
      make("li", { "aria-current": step === now && !told.end ? "step" : null }, sentence(step))
    ));
    if (!told.end) wait(find(".steps [aria-current]"), sentence(now), since);
  }

  function sentence(step) {
    const facts = step === "train" ? (told.end ?? told.train) : told[step];
    if (!facts && step === "report" && looking) return say("story.look", { ...looking, defect: say(`quality.defect_${looking.defect}`) });
    if (!facts) return say(`story.${step}_now`);
    if (step === "damage") return say("story.damage", { labels: percent(facts.rates[0]), blank: percent(facts.rates[1]) });
    if (step === "report") return say("story.report", { found: Object.entries(facts.found).map(([name, n]) => `${count(n)} ${say(`quality.issue_${name}`).toLowerCase()}`).join(", ") });
    if (step === "repair") return say("story.repair", { before: percent(facts.damaged.right), after: percent(facts.repaired.right), gone: count(facts.damaged.items - facts.repaired.items) });
    if (step === "train") return say("story.train", { at: count(facts.at), steps: count(facts.steps) });
    const { clean, damaged, repaired } = facts.agreement;
    return say("story.end", { clean: percent(clean), damaged: percent(damaged), repaired: percent(repaired), accuracy: percent(facts.accuracy) });
  }
}
