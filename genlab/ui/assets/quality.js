// Quality: what is known of the dataset in the header; the other parts draw it, and every change makes a recipe.

let dataset = "";
let about = null; // of the dataset: steps, classes, defects
let changing = false;
const askOpen = latest(server.quality_open);

label(element);
startReport();
startSuspects();
startDamage();
watch("value", hear);
listen("opened data", open);
listen("label", ({ of, given, told }) => {
  if (changing || element.dataset.of !== of || of !== dataset) return told(say("label.busy")); // its steps are not here yet
  change(server.quality_label, { given }, false, told);
});

async function open(name) {
  dataset = name;
  decisions.clear(); // ids of another dataset are other items
  leaveLook();
  element.querySelector(".quality").hidden = !name;
  if (!name) return;
  const answer = await askOpen({ dataset });
  if (!answer) return;
  complain(answer.error);
  if (answer.error) return;
  about = answer;
  showSteps();
  showLook();
  element.dataset.of = dataset;
  if (lookAfter === dataset && !about.looked) look();
  lookAfter = "";
}

function hear() {
  const news = props.value;
  if (!news || typeof news !== "object") return;
  if (news.turn < 0) return exportEnded(news);
  if (news.turn !== turn) return; // overtaken
  news.error ? stopLooking(news.error) : hearLook(news);
}

/** Ask the server for a change; the header then goes to what came of it, which is looked at again where `again`. `told` hears a fault. */
async function change(ask, wish, again = false, told = complain) {
  if (changing) return null;
  changing = true;
  element.querySelector(".quality").setAttribute("aria-busy", "true");
  const answer = (await ask({ dataset, name: find("#recipe-name").value, ...wish }).catch(() => null)) ?? { error: say("page.lost") };
  changing = false;
  element.querySelector(".quality").removeAttribute("aria-busy");
  told(answer.error);
  if (answer.error) return null;
  decisions.clear();
  changed = answer;
  if (again) lookAfter = answer.name;
  if (answer.name === dataset) tell("dataset", dataset);
  else trigger("made", { name: answer.name });
  return answer;
}

function complain(sentence = "") {
  find(".damage .fault").textContent = sentence;
  find(".damage .fault").hidden = !sentence;
  if (sentence) find(".damage .fault").scrollIntoView({ block: "nearest" }); // what failed may be far above
}
