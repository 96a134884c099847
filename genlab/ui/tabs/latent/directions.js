// Directions with a meaning: found from classes, from hand-picked sets or from known factors, kept by name, moved by sliders.

import { make, renew, wait } from "../../kit/parts.js";
import { noteIn } from "../../kit/refusals.js";
import { say } from "../../kit/words.js";
import { put, row } from "./axes.js";

export function startDirections(card) {
  const { element, ask, at, looking, move, onScreen, rest, showPoint, stopOf, whenLeft, whenOpened, whenRefreshed, wire } = card;
  const note = noteIn(at("direction-note"), "latent-direction");
  card.saved = []; // the directions that are kept with the model
  const sets = { a: [], b: [], c: [] }; // examples: from, to, and the third term of arithmetic

  async function learnDirections() {
    const answer = await ask("latent_directions", looking());
    if (answer) takeDirections(answer);
  }

  function takeDirections(answer) {
    note.write("");
    card.saved = answer.directions;
    card.offsets = Object.fromEntries(card.saved.map(({ name }) => [name, card.offsets[name] ?? 0]));
    at("saved").parentElement.hidden = !card.saved.length;
    at("saved").replaceChildren(...card.saved.map(({ name, reach }, i) => {
      const far = Math.ceil(reach * 10) / 10, line = row(`latent-direction-${i}`, name, -far, far);
      wire(line, (value) => setOffset(i, value), () => setOffset(i, 0));
      line.dataset.name = name;
      return line;
    }));
    renew(at("kept"), ...card.saved.map(({ name, how }) => make(
      "li", {}, make("b", {}, name), make("span.note", {}, how),
      make("button.link", { type: "button", onclick: () => forgetDirection(name) }, say("direction.forget")),
    )));
    for (const [id, list] of [["class-a", answer.classes], ["class-b", answer.classes], ["factor", answer.factors]]) {
      at(id).replaceChildren(...list.map((one) => make("option", { value: one }, one)));
    }
    if (answer.classes.length > 1) at("class-b").selectedIndex = 1;
    for (const choice of at("how").children) choice.hidden = (choice.dataset.how === "classes" && answer.classes.length < 2) || (choice.dataset.how === "factor" && !answer.factors.length);
    at("factors").parentElement.hidden = !answer.factors.length;
    chooseHow([...at("how").children].find((choice) => !choice.hidden).dataset.how);
    showOffsets();
  }

  function showOffsets() {
    card.saved.forEach(({ name }, i) => { const line = at(`direction-${i}`); if (line) put(line, card.offsets[name]); });
  }

  function setOffset(i, value) {
    card.offsets[card.saved[i].name] = value;
    put(at(`direction-${i}`), value);
    showPoint();
  }

  function chooseHow(how) {
    for (const choice of at("how").children) choice.setAttribute("aria-checked", String(choice.dataset.how === how));
    for (const form of element.querySelectorAll("[data-form]")) form.hidden = form.dataset.form !== how;
    at("direction-save").parentElement.hidden = how === "sum"; // that is a place, not a direction
  }

  // --- Examples ---

  function showSets() {
    for (const [name, set] of Object.entries(sets)) {
      for (const holder of element.querySelectorAll(`[data-set=${name}]`)) {
        holder.dataset.empty = say("direction.none");
        renew(holder, ...set.map((one, i) => make(
          "button.tile", { type: "button", title: say("direction.off"), "aria-label": say("direction.off"), style: `background-image:url(${one.picture});background-size:100% 100%;aspect-ratio:${card.model.size[1]}/${card.model.size[0]}`,
            onclick: () => { set.splice(i, 1); showSets(); } },
        )));
      }
    }
  }

  /** Take what is on screen as an example; arithmetic has one a term. */
  function addExample(name, single) {
    const one = { ...onScreen(), picture: at("image").querySelector("img").src };
    sets[name] = single ? [one] : [...sets[name], one];
    showSets();
  }

  async function calculate() {
    const [a, b, c] = ["a", "b", "c"].map((name) => sets[name].at(-1));
    if (!a || !b || !c) return note.refuse(say("direction.three"));
    const answer = await ask("latent_arithmetic", { ...looking(), a: stopOf(a), b: stopOf(b), c: stopOf(c) });
    if (!answer) return;
    note.write("");
    move(answer.base, answer.classes, null, true);
  }

  // --- Keep and forget ---

  async function saveDirection() {
    const how = [...at("how").children].find((choice) => choice.getAttribute("aria-checked") === "true").dataset.how;
    const wish = { ...looking(), name: at("direction-name").value.trim(), how };
    if (how === "classes") wish.classes = [at("class-a").value, at("class-b").value];
    if (how === "factor") wish.factor = at("factor").value;
    if (how === "sets") Object.assign(wish, { start: sets.a.map(stopOf), end: sets.b.map(stopOf) });
    note.write("");
    wait(at("direction-note"), say("direction.looking"));
    at("direction-save").disabled = true;
    const answer = await ask("latent_direction", wish, note.refuse);
    at("direction-save").disabled = false;
    if (!answer) return;
    takeDirections(answer);
    note.write(say("direction.saved", { name: wish.name }));
    at("direction-name").value = "";
    rest();
  }

  async function forgetDirection(name) {
    const answer = await ask("latent_forget", { ...looking(), name }, note.refuse);
    if (!answer) return;
    const moved = card.offsets[name];
    takeDirections(answer);
    if (moved) showPoint();
  }

  at("direction-name").placeholder = say("direction.name");
  at("how").addEventListener("click", (event) => event.target.dataset.how && chooseHow(event.target.dataset.how));
  at("direction-save").addEventListener("click", saveDirection);
  at("direction-name").addEventListener("keydown", (event) => event.key === "Enter" && saveDirection());
  at("calculate").addEventListener("click", calculate);
  for (const button of element.querySelectorAll("[data-example]")) button.addEventListener("click", () => card.here && addExample(button.dataset.example, button.closest("[data-form=sum]") !== null));
  whenLeft.push(() => {
    for (const name in sets) sets[name] = [];
    showSets();
  });
  whenOpened.push(learnDirections);
  whenRefreshed.push(learnDirections);

  Object.assign(card, { showOffsets });
}
