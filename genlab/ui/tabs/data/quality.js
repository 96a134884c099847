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
  change("suspects", server.quality_label, { given }, false, (answer) => told(answer.error));
});

async function open(name) {
  dataset = name;
  beginDeciding();
  leaveLook();
  element.querySelector(".quality").hidden = !name;
  if (!name) return;
  const answer = await askOpen({ dataset });
  if (!answer) return;
  complain("report", answer);
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
  if (!news.error) return hearLook(news);
  stopLooking();
  complain("report", news);
}

/** Ask the server for a change, which was wished for in a card; the header then goes to what came of it, which is looked at again where `again`. `told` hears a fault. */
async function change(card, ask, wish, again = false, told = (answer) => complain(card, answer)) {
  if (changing) return null;
  changing = true;
  element.querySelector(".quality").setAttribute("aria-busy", "true");
  const answer = await answerOf(ask({ dataset, name: find("#recipe-name").value, ...wish }));
  changing = false;
  element.querySelector(".quality").removeAttribute("aria-busy");
  told(answer);
  if (answer.error) return null;
  beginDeciding();
  changed = answer;
  if (again) lookAfter = answer.name;
  if (answer.name === dataset) tell("dataset", dataset);
  else trigger("made", { name: answer.name });
  return answer;
}

/** Say why something was refused: in the card with the field at fault, or else in the one in which it was wished for. */
function complain(card, { error, about: settings }) {
  const fields = fieldsOf(settings, "defect", "recipe");
  for (const line of element.querySelectorAll(".card > .fault")) refuseIn(line);
  refuseIn((fields[0]?.closest(".card") ?? find(`.${card}`)).querySelector(":scope > .fault"), error, fields);
}
