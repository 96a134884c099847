// Images to start from, and the walk through some of them: to scrub, to play and to take along.

import { fixed } from "../../kit/numbers.js";
import { make, save, wait } from "../../kit/parts.js";
import { noteIn } from "../../kit/refusals.js";
import { cropped, lay, loaded } from "../../kit/tiles.js";
import { say } from "../../kit/words.js";

const STOPS = 8, SMOOTH = 61, RATE = 20; // images of a walk; frames that are played, and how many a second

export function startWalk(card) {
  const { ask, at, beat, looking, move, point, weightsOf, whenLeft, whenOpened, whenRefreshed } = card;
  const note = noteIn(at("walk-note"), "latent");
  let stops = []; // the points of the walk, each with its picture
  let path = "spherical", source = "prior", page = 0, aim = "show";
  let walk = null; // what is scrubbed and played: its sprite, the address and class weights of each frame

  // --- Images to start from ---

  async function buildWall() {
    if (source === "test" && card.model.lacking) {
      at("wall").replaceChildren(make("p.note", {}, card.model.lacking));
      return null;
    }
    const answer = await ask("latent_wall", { ...looking(), source, page });
    if (!answer) return null;
    const image = await loaded(answer.image), n = answer.addresses.length;
    const pointOf = (i) => ({ base: answer.addresses[i], classes: weightsOf(answer.labels[i]), picture: cropped(image, i, n), item: source === "test" });
    lay(at("wall"), { image: answer.image, n, size: card.model.size }, (i) => pick(pointOf(i)), (i) => say("latent.tile", { n: i + 1 }));
    return { labels: answer.labels, pointOf };
  }

  function pick(chosen) {
    if (chosen.item && !card.model.encoder) return card.encodeImage({ kind: "test", row: Number(chosen.base.split(":")[1]) });
    use(chosen);
  }

  /** Do with an image what the buttons say. */
  function use(chosen) {
    if (aim === "show") return move(chosen.base, chosen.classes.length ? chosen.classes : card.here.classes);
    addStop(chosen);
  }

  /** Put an image into the walk where the buttons say. */
  function addStop(chosen) {
    if (aim === "via" && stops.length >= STOPS) return note.refuse(say("walk.full", { n: STOPS }));
    if (aim === "start") stops[0] = chosen;
    else if (aim === "via") stops.push(chosen);
    else stops[Math.max(1, stops.length - 1)] = chosen;
    if (aim !== "via") takeAim(aim === "start" ? "end" : "start");
    return changeWalk();
  }

  function takeAim(next) {
    aim = next;
    for (const name of ["start", "via", "end", "show"]) at(name).setAttribute("aria-checked", String(name === aim));
  }

  // --- The walk through some of them ---

  const stopOf = ({ picture, item, returned, weight, ...place }) => ({ ...looking(), ...place });
  const wish = (frames) => ({ stops: stops.map(stopOf), path, frames });
  let walking = 0;

  async function changeWalk() {
    stop();
    showStops();
    const mine = ++walking;
    const answer = await ask("latent_walk", wish(11));
    if (!answer || mine !== walking) return;
    stops.forEach((one, i) => (one.returned = answer.stops[i]));
    showStops();
    at("length").textContent = say("walk.length", { length: fixed(answer.length, 2) });
    takeWalk(answer, await loaded(answer.image));
    const show = (i) => {
      stop();
      scrubTo(i / 10);
    };
    lay(at("strip"), { image: answer.image, n: answer.frames.length, size: card.model.size }, show, (i) => say("latent.frame", { n: i + 1 }));
    at("strip").dataset.path = path;
  }

  function takeWalk({ frames, classes }, image) {
    walk = { image, frames, classes, n: frames.length };
    for (const name of ["play", "scrub", "export"]) at(name).disabled = false;
  }

  /** The images of the way, each as it is and as the model returns it, and how much of it goes into the mix. */
  function showStops() {
    at("mix").replaceChildren(...stops.map((one, i) => {
      const slide = make("input.glide", { type: "range", min: 0, max: 1, step: 0.01, value: one.weight ?? 1, "aria-label": say("walk.weight", { n: i + 1 }) });
      slide.addEventListener("input", () => { one.weight = Number(slide.value); glide(slide); mixStops(); });
      glide(slide);
      const pair = make("div.pair", {}, make("img", { src: one.picture, alt: say("walk.stop", { n: i + 1 }) }));
      const told = make("small", {});
      if (one.item && one.returned && !card.model.together) {
        pair.append(make("img", { src: one.returned, alt: say("walk.returned", { n: i + 1 }) }));
        apart(one.picture, one.returned).then((error) => (told.textContent = say("walk.error", { error: fixed(100 * error, 1) })));
      }
      const off = () => { stops.splice(i, 1); changeWalk(); };
      return make("div.stop", {}, pair, slide, told, stops.length > 2 ? make("button.off", { type: "button", "aria-label": say("walk.off", { n: i + 1 }), onclick: off }, "×") : null);
    }));
  }

  let mixing = false, mixAgain = false;

  /** Go to the middle of the images of the way by their weights; of wishes that come meanwhile, the last counts. */
  async function mixStops() {
    mixAgain = true;
    if (mixing) return;
    mixing = true;
    while (mixAgain) {
      mixAgain = false;
      const answer = await ask("latent_mix", { stops: stops.map(stopOf), weights: stops.map((one) => one.weight ?? 1) }, note.refuse);
      if (answer) move(answer.base, answer.classes, null, true);
    }
    mixing = false;
  }

  // --- Scrub and play ---

  let playing = null;

  /** Show a frame of the walk, from 0 to 1: at once from the sprite, then as the server draws it. */
  function scrubTo(share, exact = true) {
    const i = Math.round(share * (walk.n - 1)), canvas = at("ahead");
    const [width, height] = [walk.image.width / walk.n, walk.image.height];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { alpha: false });
    context.globalAlpha = 1;
    context.drawImage(walk.image, i * width, 0, width, height, 0, 0, width, height);
    canvas.dataset.base = walk.frames[i];
    canvas.hidden = false;
    at("scrub").value = share;
    glide(at("scrub"));
    beat();
    if (exact) move(walk.frames[i], walk.classes[i] ?? card.here.classes, null, true);
  }

  /** The same walk in more frames, for the hand and the eye. */
  async function smooth() {
    if (!walk || walk.n === SMOOTH) return walk !== null;
    const mine = walking, answer = await ask("latent_walk", wish(SMOOTH));
    if (!answer || mine !== walking) return false;
    takeWalk(answer, await loaded(answer.image));
    return true;
  }

  async function play() {
    if (playing) return stop();
    at("play").disabled = true;
    const ready = await smooth();
    at("play").disabled = false;
    if (!ready) return;
    let i = Math.round(at("scrub").value * (SMOOTH - 1)) % (SMOOTH - 1), way = 1;
    playing = setInterval(() => {
      scrubTo(i / (SMOOTH - 1), card.model.quick);
      if (i + way < 0 || i + way >= SMOOTH) way = -way;
      i += way;
    }, 1000 / RATE);
    sayPlay();
  }

  function stop() {
    if (!playing) return;
    halt();
    scrubTo(Number(at("scrub").value));
  }

  function halt() {
    clearInterval(playing);
    playing = null;
    sayPlay();
  }

  function sayPlay() {
    at("play").textContent = playing ? "❚❚" : "▶";
    at("play").setAttribute("aria-label", say(playing ? "walk.pause" : "walk.play"));
    at("play").title = say(playing ? "walk.pause" : "walk.play");
  }

  // --- Take it along ---

  async function takeAlong() {
    const kind = at("kind").value, frames = at("frames").valueAsNumber;
    if (!Number.isInteger(frames)) return note.refuse(say("walk.frames"), ["frames"]);
    note.write(" ");
    wait(at("walk-note"), say("walk.making"));
    at("export").disabled = true;
    const answer = await ask("latent_export", { ...wish(frames), kind, rate: RATE, back: kind !== "strip" && at("back").checked }, note.refuse);
    at("export").disabled = false;
    if (!answer) return;
    note.write(say("walk.made", { name: answer.name, n: answer.frames }));
    save(answer.name, answer.content);
  }

  // --- A model is opened ---

  function showChoices() {
    at("source").querySelector("[data-choice=own]").hidden = !card.model.pixels;
    at("own").hidden = source !== "own";
    for (const part of ["wall", "page"]) at(part).hidden = source === "own";
    for (const [name, value] of [["source", source], ["path", path]]) {
      for (const button of at(name).children) button.setAttribute("aria-checked", String(button.dataset.choice === value));
    }
  }

  /** The first walk: from a 3 to an 8 where there are such, else between the first two images. */
  async function firstWalk() {
    source = card.model.encoder && !card.model.lacking ? "test" : "prior";
    showChoices();
    const found = await buildWall();
    if (!found) return;
    const { labels, pointOf } = found;
    const end = (wanted, otherwise) => pointOf(Math.max(labels.lastIndexOf(wanted), 0) || otherwise);
    stops = [end(3, 0), end(8, 1)];
    takeAim("show");
    await changeWalk();
  }

  for (const [name, list] of [["path", () => changeWalk()], ["source", () => { page = 0; if (source !== "own") buildWall(); }]]) {
    at(name).addEventListener("click", (event) => {
      const choice = event.target.dataset.choice;
      if (!choice) return;
      if (name === "path") path = choice;
      else source = choice;
      showChoices();
      list();
    });
  }
  at("page").addEventListener("click", () => { page += 1; buildWall(); });
  for (const name of ["start", "via", "end", "show"]) at(name).addEventListener("click", () => takeAim(name));
  at("play").addEventListener("click", play);
  at("scrub").addEventListener("pointerdown", smooth);
  at("scrub").addEventListener("input", () => {
    const share = Number(at("scrub").value);
    if (playing) stop();
    scrubTo(share);
  });
  at("export").addEventListener("click", takeAlong);
  at("add").addEventListener("click", () => card.here && addShown());
  sayPlay();
  glide(at("scrub"));

  /** The place of what is on screen, as a stop or an example. */
  function onScreen() {
    const { model: _, version: __, ...place } = point();
    return place;
  }

  /** Put what is on screen into the walk. */
  function addShown() {
    if (stops.length >= STOPS) return note.refuse(say("walk.full", { n: STOPS }));
    const image = at("image").querySelector("img");
    stops.push({ ...onScreen(), picture: image.src });
    changeWalk();
  }

  whenLeft.push(() => {
    halt();
    [walk, stops] = [null, []];
    walking += 1;
    note.write("");
    showStops();
    for (const part of ["wall", "strip"]) at(part).replaceChildren();
    for (const name of ["play", "scrub", "export"]) at(name).disabled = true;
  });
  whenOpened.push(firstWalk);
  whenRefreshed.push(async () => {
    if (!stops.length) return firstWalk();
    await buildWall();
    await changeWalk();
  });

  Object.assign(card, { onScreen, stopOf, use });
}

/** Mean absolute difference of two pictures, of pixels from 0 to 1. */
async function apart(...uris) {
  const [a, b] = await Promise.all(uris.map(async (uri) => {
    const image = await loaded(uri), canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 < 3);
  }));
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length / 255;
}

const glide = (slide) => slide.style.setProperty("--to", `${(100 * (slide.value - slide.min)) / (slide.max - slide.min)}%`);
