// Images to start from, and the walk between them.

let ends = {}; // the two points of the walk
let path = "spherical", source = "prior", page = 0, aim = "show";

// --- Images to start from ---

async function buildWall() {
  const answer = await ask("latent_wall", { ...looking(), source, page });
  if (!answer) return null;
  const pointOf = (i) => ({ base: answer.addresses[i], classes: weightsOf(answer.labels[i]) });
  const sprite = { image: answer.image, n: answer.addresses.length, size: model.size };
  lay(at("wall"), sprite, (i) => pick(pointOf(i)), (i) => say("latent.tile", { n: i + 1 }));
  return { labels: answer.labels, pointOf };
}

const weightsOf = (name) => model.classes.map((_, i) => (i === name ? 1 : 0));

function pick(chosen) {
  if (aim === "show") return move(chosen.base, chosen.classes.length ? chosen.classes : here.classes);
  ends[aim] = chosen;
  takeAim(aim === "start" ? "end" : "start");
  drawWalk();
}

function takeAim(next) {
  aim = next;
  for (const name of ["start", "end", "show"]) at(name).setAttribute("aria-checked", String(name === aim));
}

// --- The walk between two of them ---

let walking = 0;

async function drawWalk() {
  if (!ends.start || !ends.end) return;
  const mine = ++walking;
  const answer = await ask("latent_walk", {
    start: { ...looking(), ...ends.start }, end: { ...looking(), ...ends.end }, path,
  });
  if (!answer || mine !== walking) return;
  const sprite = { image: answer.image, n: answer.frames.length, size: model.size };
  const show = (i) => move(answer.frames[i], answer.classes[i] ?? here.classes);
  lay(at("strip"), sprite, show, (i) => say("latent.frame", { n: i + 1 }));
  at("strip").dataset.path = path;
}

function showChoices() {
  at("source").hidden = !model.encoder;
  for (const [name, value] of [["source", source], ["path", path]]) {
    for (const button of at(name).children) button.setAttribute("aria-checked", String(button.dataset.choice === value));
  }
}

/** The first walk: from a 3 to an 8 where there are such, else between the first two images. */
async function startWalk() {
  showChoices();
  let found = await buildWall();
  if (!found && source === "test") {
    source = "prior";
    showChoices();
    found = await buildWall();
  }
  if (!found) return;
  const { labels, pointOf } = found;
  const at = (wanted, otherwise) => pointOf(Math.max(labels.lastIndexOf(wanted), 0) || otherwise);
  ends = { start: at(3, 0), end: at(8, 1) };
  takeAim("show");
  await drawWalk();
}

at("path").addEventListener("click", (event) => {
  path = event.target.dataset.choice ?? path;
  showChoices();
  drawWalk();
});
at("source").addEventListener("click", (event) => {
  source = event.target.dataset.choice ?? source;
  page = 0;
  showChoices();
  buildWall();
});
at("page").addEventListener("click", () => { page += 1; buildWall(); });
for (const name of ["start", "end", "show"]) at(name).addEventListener("click", () => takeAim(name));
whenOpened.push(() => {
  source = model.encoder ? "test" : "prior";
  return startWalk();
});
whenRefreshed.push(async () => {
  await buildWall();
  await drawWalk();
});
