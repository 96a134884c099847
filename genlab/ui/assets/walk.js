// Images to start from, and the walk through some of them: to scrub, to play and to take along.

const STOPS = 8, SMOOTH = 61, RATE = 20; // images of a walk; frames that are played, and how many a second
let stops = []; // the points of the walk, each with its picture
let path = "spherical", source = "prior", page = 0, aim = "show";
let walk = null; // what is scrubbed and played: its sprite, the address and class weights of each frame

// --- Images to start from ---

async function buildWall() {
  const answer = await ask("latent_wall", { ...looking(), source, page });
  if (!answer) return null;
  const image = await loaded(answer.image), n = answer.addresses.length;
  const pointOf = (i) => ({ base: answer.addresses[i], classes: weightsOf(answer.labels[i]), picture: cropped(image, i, n) });
  lay(at("wall"), { image: answer.image, n, size: model.size }, (i) => pick(pointOf(i)), (i) => say("latent.tile", { n: i + 1 }));
  return { labels: answer.labels, pointOf };
}

const weightsOf = (name) => model.classes.map((_, i) => (i === name ? 1 : 0));

async function loaded(uri) {
  const image = Object.assign(new Image(), { src: uri });
  await image.decode();
  return image;
}

/** Picture i of a sprite of one row. */
function cropped(image, i, n) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width / n, height: image.height });
  canvas.getContext("2d").drawImage(image, -i * canvas.width, 0);
  return canvas.toDataURL();
}

function pick(chosen) {
  if (aim === "show") return move(chosen.base, chosen.classes.length ? chosen.classes : here.classes);
  addStop(chosen);
}

/** Put an image into the walk where the buttons say. */
function addStop(chosen) {
  if (aim === "via" && stops.length >= STOPS) return note(say("walk.full", { n: STOPS }), true);
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

const stopOf = ({ picture, error, ...place }) => ({ ...looking(), ...place });
const wish = (frames) => ({ stops: stops.map(stopOf), path, frames });
let walking = 0;

async function changeWalk() {
  stop();
  showStops();
  const mine = ++walking;
  const answer = await ask("latent_walk", wish(11));
  if (!answer || mine !== walking) return;
  takeWalk(answer, await loaded(answer.image));
  const show = (i) => {
    stop();
    scrubTo(i / 10);
  };
  lay(at("strip"), { image: answer.image, n: answer.frames.length, size: model.size }, show, (i) => say("latent.frame", { n: i + 1 }));
  at("strip").dataset.path = path;
}

function takeWalk({ frames, classes }, image) {
  walk = { image, frames, classes, n: frames.length };
  for (const name of ["play", "scrub", "export"]) at(name).disabled = false;
}

function showStops() {
  at("stops").replaceChildren(...stops.map((one, i) => make(
    "div.stop",
    {},
    make("img", { src: one.picture, alt: say("walk.stop", { n: i + 1 }) }),
    stops.length > 2 ? make("button.off", { type: "button", "aria-label": say("walk.off", { n: i + 1 }), onclick: () => { stops.splice(i, 1); changeWalk(); } }, "×") : null,
  )));
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
  if (exact) move(walk.frames[i], walk.classes[i] ?? here.classes, null, true);
}

/** The same walk in more frames, for the hand and the eye. */
async function smooth() {
  if (walk.n === SMOOTH) return true;
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
    scrubTo(i / (SMOOTH - 1), model.quick);
    if (i + way < 0 || i + way >= SMOOTH) way = -way;
    i += way;
  }, 1000 / RATE);
  sayPlay();
}

function stop() {
  if (!playing) return;
  clearInterval(playing);
  playing = null;
  sayPlay();
  scrubTo(Number(at("scrub").value));
}

function sayPlay() {
  at("play").textContent = playing ? "❚❚" : "▶";
  at("play").setAttribute("aria-label", say(playing ? "walk.pause" : "walk.play"));
  at("play").title = say(playing ? "walk.pause" : "walk.play");
}

const glide = (slide) => slide.style.setProperty("--to", `${(100 * (slide.value - slide.min)) / (slide.max - slide.min)}%`);

// --- Take it along ---

async function takeAlong() {
  const kind = at("kind").value, frames = at("frames").valueAsNumber;
  if (!Number.isInteger(frames)) return note(say("walk.frames"), true);
  note(say("walk.making"));
  at("export").disabled = true;
  const answer = await ask("latent_export", { ...wish(frames), kind, rate: RATE, back: kind !== "strip" && at("back").checked });
  at("export").disabled = false;
  if (!answer) return;
  note(say("walk.made", { name: answer.name, n: answer.frames }));
  genlab.save(answer.name, answer.content);
}

// --- A model is opened ---

function showChoices() {
  at("source").hidden = !model.encoder;
  for (const [name, value] of [["source", source], ["path", path]]) {
    for (const button of at(name).children) button.setAttribute("aria-checked", String(button.dataset.choice === value));
  }
}

/** The first walk: from a 3 to an 8 where there are such, else between the first two images. */
async function startWalk() {
  source = model.encoder ? "test" : "prior";
  showChoices();
  let found = await buildWall();
  if (!found && source === "test") {
    source = "prior";
    showChoices();
    found = await buildWall();
  }
  if (!found) return;
  const { labels, pointOf } = found;
  const end = (wanted, otherwise) => pointOf(Math.max(labels.lastIndexOf(wanted), 0) || otherwise);
  stops = [end(3, 0), end(8, 1)];
  takeAim("show");
  await changeWalk();
}

for (const [name, list] of [["path", () => changeWalk()], ["source", () => { page = 0; buildWall(); }]]) {
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
at("add").addEventListener("click", () => here && addShown());
sayPlay();

/** Put what is on screen into the walk. */
function addShown() {
  if (stops.length >= STOPS) return note(say("walk.full", { n: STOPS }), true);
  const image = at("image").querySelector("img");
  stops.push({ base: here.base, values: here.exact ? null : here.values, offsets: here.offsets, classes: [...here.classes], picture: image.src });
  changeWalk();
}

whenOpened.push(startWalk);
whenRefreshed.push(async () => {
  await buildWall();
  await changeWalk();
});
