// The Sample tab: a wall of images that changes in place as they are drawn; a click shows one large.

const at = (id) => find(`#sample-${id}`);
let result = null; // the record on screen
let stopped = null; // the id of the record that is not drawn to its end; a last step of it may still come
let begun = false; // whether something was drawn unasked
let chosen = null; // the number of the image shown large

label(element);

function show() {
  const record = props.value;
  if (!record || typeof record !== "object") return;
  if (record.error) return refuse(record.error);
  if (record.first && result && !result.first) return; // by now something was asked for
  if (record.id !== result?.id) begin(record);
  result = record;
  at("gallery").style.setProperty("--sprite", `url(${record.image})`);
  at("large").style.setProperty("--sprite", `url(${record.image})`);
  const done = record.step === record.total;
  at("status").textContent = done ? say("sample.done", { s: record.seconds.toFixed(2) }) : say(record.id === stopped ? "sample.stopped" : "sample.step", record);
  markable = done && !record.points;
  if (done) place();
  if (done) readMarks(record.id);
  else showChosenMark();
  find(".bar span").style.width = done ? "0" : `${(100 * record.step) / record.total}%`;
  Object.assign(at("gallery").dataset, { id: record.id, step: record.step, total: record.total, seed: record.seed });
}

/** Let the address tell the images that were asked for, so that a reload draws them again. */
function place() {
  if (!result?.query || result.first || result.step < result.total || genlab.tabNow() !== "sample") return;
  const { model, ...view } = result.query;
  if (model === genlab.recall("model")) genlab.follow({ tab: "sample", model }, { view });
}

/** Draw as the model's defaults are when the tab is first seen, unless a link draws something else. */
function first() {
  const model = genlab.recall("model"), { tab, model: linked } = genlab.link;
  if (begun || result || !model || !find(".all").checkVisibility() || (tab === "sample" && linked === model)) return;
  begun = true;
  at("title").textContent = say("sample.first", { model });
  trigger("first", { name: model });
}

function refuse(sentence) {
  at("title").textContent = say("sample.empty");
  at("status").textContent = sentence;
}

function begin(record) {
  const same = result && record.n === result.n && record.size.join() === result.size.join();
  at("title").textContent = say(record.points ? "sample.stage_points" : "sample.stage", { n: record.count, model: record.model });
  at("zip").textContent = say(record.points ? "sample.npz" : "sample.zip");
  at("save").textContent = say(record.points ? "sample.save_points" : "sample.save");
  find(".sample").classList.toggle("of-points", record.points);
  at("size").textContent = `${record.size[1]} × ${record.size[0]}`;
  result = record;
  if (!same) {
    at("gallery").style.setProperty("--columns", Math.min(20, Math.max(6, Math.ceil(Math.sqrt(record.n)))));
    lay(at("gallery"), record, choose, (i) => say("sample.image", { n: i + 1, seed: result.seed + i }));
  }
  for (const actions of element.querySelectorAll(".actions")) actions.hidden = false;
  find(".one").classList.remove("waiting");
  at("note").textContent = "";
  marked = {};
  for (const tile of at("gallery").children) delete tile.dataset.mark;
  choose(same && chosen !== null ? chosen : 0);
}

function choose(i) {
  chosen = i;
  const tiles = at("gallery").children;
  for (let k = 0; k < tiles.length; k++) tiles[k].setAttribute("aria-pressed", String(k === i));
  const large = at("large");
  large.style.aspectRatio = `${result.size[1]} / ${result.size[0]}`;
  cut(large, i, result.columns, Math.ceil(result.n / result.columns));
  large.setAttribute("aria-label", say("sample.image", { n: i + 1, seed: result.seed + i }));
  at("chosen").textContent = say("sample.chosen", { seed: result.seed + i });
  large.dataset.seed = result.seed + i;
  tell("chosen-seed", result.seed + i);
  showChosenMark();
}

async function keep(ask, image = null) {
  const answer = (await ask({ id: result.id, image }).catch(() => null)) ?? { error: say("page.lost") };
  at("note").textContent = answer.error || "";
  at("note").classList.toggle("fault", Boolean(answer.error));
  if (answer.content) genlab.save(answer.name, answer.content);
}

at("draw").addEventListener("click", () => document.querySelector("#sample-go").click()); // the form is far below on a phone
at("save").addEventListener("click", () => keep(server.sample_png));
at("zip").addEventListener("click", () => keep(server.sample_zip));
find(".copy-link").addEventListener("click", () => genlab.copyLink(find(".copy-link"), { tab: "sample", ...result.query }));
at("one").addEventListener("click", () => keep(server.sample_png, chosen));

listen("sample-stop", () => {
  stopped = result?.id;
  show();
});
watch("value", show);
startMarks();
show();
new IntersectionObserver(first).observe(find(".all"));
listen("model", first);
listen("tab", place);
