// Why: which pixels move with a slider, whether the picture copies its data, whether axes are the data's factors.

import { count, fixed } from "../../kit/numbers.js";
import { latest, make, wait } from "../../kit/parts.js";
import { cropped, loaded } from "../../kit/tiles.js";
import { say } from "../../kit/words.js";
import { called } from "./axes.js";

export function startWhy(card) {
  const { ask, at, looking, point, whenLeft, whenRefreshed, whenResting } = card;
  const heat = at("jacobian");
  let warming = null, heated = 0;

  /** Lay over the picture how much each of its pixels moves with a slider. */
  function warm(line) {
    clearTimeout(warming);
    if (!line || !card.here?.values || !card.model.pixels) return;
    warming = setTimeout(async () => {
      const mine = ++heated, axis = Number(line.id.split("-").at(-1)), of = line.dataset.name;
      const asked = { ...point(), ...(of === undefined ? { axis } : { direction: of }) };
      const answer = await ask("latent_jacobian", asked, () => {});
      if (!answer || mine !== heated) return;
      const image = await loaded(answer.image), name = of ?? called(card.names[axis]);
      if (mine !== heated) return;
      [heat.width, heat.height] = [image.width, image.height];
      const context = heat.getContext("2d");
      context.drawImage(image, 0, 0);
      const pixels = context.getImageData(0, 0, heat.width, heat.height), [red, green, blue] = [255, 122, 0];
      for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set([red, green, blue, 0.9 * pixels.data[i]], i);
      context.putImageData(pixels, 0, 0);
      heat.dataset.of = name;
      heat.hidden = false;
      at("heat-note").textContent = say("why.heat", { name, peak: fixed(100 * answer.peak, 0) });
    }, 150);
  }

  function cool() {
    clearTimeout(warming);
    heated += 1;
    if (heat.dataset.of === "") return; // a moving slider changes nothing that is not there
    heat.hidden = true;
    heat.dataset.of = "";
    at("heat-note").textContent = say(matchMedia("(hover: hover)").matches ? "why.hover" : "why.touch");
  }

  for (const rows of [at("axes"), at("saved")]) {
    for (const name of ["pointerover", "focusin"]) rows.addEventListener(name, (event) => {
      const line = event.target.closest(".axis");
      if (event.buttons || (name === "pointerover" && line?.contains(event.relatedTarget))) return;
      warm(line);
    });
    for (const name of ["pointerleave", "focusout", "pointerdown", "input", "keydown"]) rows.addEventListener(name, cool);
  }

  // --- The nearest training images ---

  let nearTo = "";
  const askNearest = latest((asked) => ask("latent_nearest", asked, (fault) => {
    at("nearest").replaceChildren();
    at("near-note").textContent = fault;
  }));

  async function drawNearest() {
    if (!at("part-why").checkVisibility() || !card.here?.values) return;
    const asked = point(), text = JSON.stringify(asked);
    if (text === nearTo) return;
    wait(at("near-note"), say("why.searching"));
    const answer = await askNearest(asked);
    if (!answer) return;
    nearTo = text;
    const { distances, labels, usual } = answer, image = await loaded(answer.image);
    at("nearest").replaceChildren(...distances.map((distance, i) => make(
      "figure", {}, make("img", { src: cropped(image, i, distances.length), alt: labels[i] }), make("figcaption", {}, fixed(distance, 3)),
    )));
    const verdict = distances[0] < usual / 2 ? "why.copy" : distances[0] < usual ? "why.near" : "why.own";
    at("near-note").textContent = say(verdict, { distance: fixed(distances[0], 3), usual: fixed(usual, 3), n: count(answer.searched) });
  }

  async function scoreFactors() {
    at("factors").disabled = true;
    wait(at("scores"), say("why.measuring"));
    const answer = await ask("latent_factors", looking(), (fault) => (at("scores").textContent = fault));
    at("factors").disabled = false;
    if (answer) at("scores").textContent = say("why.scores", answer);
  }

  at("factors").addEventListener("click", scoreFactors);
  whenLeft.push(() => {
    [nearTo, at("scores").textContent] = ["", ""];
    cool();
    at("heat-note").hidden = !card.model.pixels;
  });
  whenRefreshed.push(() => { [nearTo, at("scores").textContent] = ["", ""]; });
  whenResting.push(drawNearest);
}
