// Your own images: upload a zip or several, choose folders and size, watch the import.

const zone = find("#data-import");
const form = find(".choose");
const running = find(".running");
const fault = find(".fault");
const done = find(".done");
const steps = ["look", "bring", "save"];
let paths = []; // what was uploaded and waits

label(element);
find("input").addEventListener("change", (event) => give([...event.target.files]));
for (const name of ["dragover", "dragleave", "drop"]) zone.addEventListener(name, drag);
form.addEventListener("submit", begin);
find(".leave").addEventListener("click", leave);
watch("value", hear);

/** Show one of the three states: the zone, the form, the bar. */
function stage(node, sentence = "") {
  for (const other of [zone, form, running]) other.hidden = other !== node;
  fault.textContent = sentence;
  fault.hidden = !sentence;
}

// --- Upload ---

function drag(event) {
  event.preventDefault();
  zone.classList.toggle("over", event.type === "dragover");
  if (event.type !== "drop") return;
  const folder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
  if (folder) return stage(zone, say("import.folder"));
  give([...event.dataTransfer.files]);
}

async function give(files) {
  if (!files.length) return;
  done.hidden = true;
  stage(running);
  find(".leave").hidden = true;
  paths = [];
  for (const [i, file] of files.entries()) {
    progress(say("import.uploading", { i: count(i + 1), n: count(files.length), name: file.name }), i / files.length);
    try {
      paths.push((await upload(file)).path);
    } catch {
      return stage(zone, say("import.upload_failed", { name: file.name }));
    }
  }
  progress(say("import.looking"), 1);
  const answer = (await server.look({ paths }).catch(() => null)) ?? { error: say("page.lost") };
  find("input").value = "";
  if (answer.error) return again(answer.error);
  choose(answer, files.length === 1 ? files[0].name : say("import.files", { n: count(files.length) }));
}

async function again(sentence = "") {
  const old = paths;
  paths = [];
  stage(zone, sentence);
  if (old.length) await server.forget({ paths: old }).catch(() => null);
}

// --- Choose ---

function choose(answer, title) {
  const total = answer.folders.reduce((sum, folder) => sum + folder.n, 0);
  const one = answer.folders.length < 2;
  form.replaceChildren(
    make("p.what", {}, make("b", {}, title), " ", say("import.found", { n: count(total) }), ...partsOf(answer.parts)),
    make(
      "fieldset.folders",
      { hidden: one },
      make("legend", {}, say("import.folders"), " ", all(true), " ", all(false)),
      make("div.chips", {}, ...answer.folders.map(chip))
    ),
    make(
      "div.fields",
      {},
      field("name", make("input", { type: "text", name: "name", value: answer.name, maxlength: 40, required: true, autocomplete: "off" })),
      field("size", make("input", { type: "number", name: "size", min: 8, max: 256, step: 4, placeholder: say("import.automatic") })),
      field("mode", make("select", { name: "mode" }, ...["auto", "grey", "colour"].map((mode) => make("option", { value: mode }, say(`import.mode_${mode}`)))))
    ),
    make("div.buttons", {}, make("button.primary", { type: "submit" }, say("import.go")), make("button", { type: "button", onclick: () => again() }, say("import.other")))
  );
  stage(form);
}

const partsOf = (parts) => {
  const named = ["train", "validation", "test"].filter((part) => parts[part]);
  return named.length > 1 ? [` · ${named.map((part) => `${count(parts[part])} ${say(`data.part_${part}`)}`).join(", ")}`] : [];
};
const field = (name, control) => make("label.field", {}, make("span", {}, say(`import.${name}`)), control, make("small", {}, say(`import.${name}_why`)));
const boxes = () => [...form.querySelectorAll(".chips input")];

function chip(folder) {
  return make("label.chip", {}, make("input", { type: "checkbox", value: folder.name, checked: true }), make("span", { title: folder.name }, folder.name || say("import.no_folder")), make("small", {}, count(folder.n)));
}

function all(checked) {
  return make("button.link", { type: "button", onclick: () => boxes().forEach((box) => (box.checked = checked)) }, say(checked ? "import.all" : "import.none"));
}

function begin(event) {
  event.preventDefault();
  const folders = boxes().filter((box) => box.checked).map((box) => box.value);
  if (!folders.length) return stage(form, say("import.no_folders"));
  const { name, size, mode } = Object.fromEntries(new FormData(form));
  find(".leave").hidden = false;
  progress(say("import.waiting"), 0);
  stage(running);
  trigger("begin", { paths, name, folders, size: size ? Number(size) : null, mode });
}

// --- Watch ---

function progress(words, share) {
  find(".doing").textContent = words;
  find(".bar span").style.width = `${100 * share}%`;
}

function hear() {
  const news = props.value;
  if (!news || typeof news !== "object" || running.hidden) return; // left meanwhile
  if (news.error) return stage(form, news.error);
  if (news.imported) {
    paths = [];
    const show = () => document.querySelector(".data-own").scrollIntoView({ behavior: "smooth" });
    done.replaceChildren(make("span", {}, say("import.done", { kept: count(news.kept), n: count(news.kept + news.skipped) })), make("button.link", { type: "button", onclick: show }, say("import.see")));
    done.hidden = false;
    return stage(zone);
  }
  const words = { done: count(news.done), total: count(news.total), skipped: count(news.skipped) };
  const share = (steps.indexOf(news.doing) + news.done / Math.max(1, news.total)) / steps.length;
  progress(say(`import.${news.doing}`, words) + (news.skipped ? ` · ${say("import.skipped_so_far", words)}` : ""), share);
}

function leave() {
  trigger("leave");
  stage(form);
}
