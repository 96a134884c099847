// Your own images and texts: upload a zip or several, choose folders, size or cut, watch the import.

import { discard } from "../../kit/collection.js";
import { count } from "../../kit/numbers.js";
import { make, renew, stopWaiting, wait } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { label, say } from "../../kit/words.js";
import { startCamera } from "./camera.js";
import { dropped, packed } from "./pack.js";

const steps = { look: [0, 1 / 3], bring: [1 / 3, 1 / 3], read: [0, 2 / 3], save: [2 / 3, 1 / 3] }; // where each begins, and how long it is
const CUTS = ["files", "passages", "paragraphs", "lines"];
const ENCODINGS = ["auto", "utf-8", "windows-1252", "windows-1250", "windows-1251", "koi8-r", "iso-8859-15", "shift_jis", "gb18030", "big5", "euc-kr", "cp437"];

const SHOWN = 200; // classes that the table shows at once

export function start(card) {
  const { element, find, props, server, trigger, upload, watch } = card;
  const zone = find("#data-import");
  const form = find(".choose");
  const running = find(".running");
  const fault = find(".fault");
  const done = find(".done");
  let paths = []; // what was uploaded and waits
  let ours = ""; // the mode of the collection of this page, where it is what was uploaded
  let brought = []; // its pictures

  let looks = 0; // how often a correction was looked at; late answers of earlier ones are dropped
  let wish = {}; // what the layout is told: what classes are read off, what folders are, how texts are read
  let ticked = new Set(); // classes to take
  let classes = 0; // that there are

  label(element);
  Object.assign(card, { give });
  startCamera(card);
  const { booth } = card;
  for (const input of element.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => give([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }))));
  }
  for (const name of ["dragover", "dragleave", "drop"]) zone.addEventListener(name, drag);
  form.addEventListener("submit", begin);
  find(".leave").addEventListener("click", leave);
  watch("value", hear);

  /** Show one of the three states: the zone, the form, the bar. */
  function stage(node, sentence = "", fields = []) {
    for (const other of [zone, form, running]) other.hidden = other !== node;
    if (node !== running) stopWaiting(find(".doing"));
    find(".whole").hidden = booth.hidden = node !== zone;
    refuseIn(fault, sentence, fields);
  }

  // --- Upload ---

  async function drag(event) {
    event.preventDefault();
    zone.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") give(await dropped(event.dataTransfer.items));
  }

  /** Upload { file, path }: zips as they are, anything else of more than one file as one zip, so that folders come along. */
  async function give(given, made = "") {
    given = given.filter(({ path }) => !path.split("/").some((name) => name.startsWith(".") || name === "__MACOSX"));
    if (!given.length) return;
    ours = made;
    brought = made ? given.map(({ file }) => file) : [];
    done.hidden = true;
    stage(running);
    find(".leave").hidden = true;
    paths = [];
    const isZip = given.some(({ file }) => /\.zip$/i.test(file.name));
    const refusal = await ask(server.may, { files: isZip ? 1 : given.length, bytes: given.reduce((sum, { file }) => sum + file.size, 0) });
    if (refusal.error) return stage(zone, refusal.error);
    const title = given.length === 1 ? given[0].file.name : say("import.files", { n: count(given.length) });
    const step = (key) => (i, name, n) => progress(say(key, { i: count(i + 1), n: count(n), name }), i / n);
    let files = given.map(({ file }) => file);
    try {
      if (!isZip && given.length > 1) {
        const tops = new Set(given.map(({ path }) => path.split("/")[0]));
        const name = tops.size === 1 ? [...tops][0] : "mine";
        files = [await packed(given, name, (i, file) => step("import.packing")(i, file, given.length))];
      }
      for (const [i, file] of files.entries()) {
        step("import.uploading")(i, file.name, files.length);
        paths.push((await upload(file)).path);
      }
    } catch {
      return stage(zone, say("import.upload_failed", { name: title }));
    }
    for (const input of element.querySelectorAll("input[type=file]")) input.value = "";
    wish = { classes: "auto", parts: {}, what: "auto", cut: "auto", column: "", encoding: "auto" };
    progress(say("import.looking"), 1);
    const answer = await ask(server.look, { paths, ...wish });
    if (answer.error) return again(answer.error);
    choose(answer, title);
  }

  async function again(sentence = "") {
    const old = paths;
    paths = [];
    stage(zone, sentence);
    if (old.length) await server.forget({ paths: old }).catch(() => null);
  }

  // --- Choose ---

  function choose(answer, title) {
    const folders = answer.folders;
    const largest = [...folders].sort((a, b) => b.n - a.n).slice(0, answer.most);
    ticked = new Set(largest.map((folder) => folder.name));
    classes = folders.length;
    const told = folders.length > answer.most ? [say("import.most_classes", { n: count(folders.length), most: count(answer.most) }), ...answer.told] : answer.told;
    const kept = form.hidden ? {} : Object.fromEntries(new FormData(form)); // of a look before this one
    const files = say("import.files", { n: count(answer.files) });
    renew(form,
      make("p.what", {}, make("b", {}, title), title === files ? "" : ` ${files}`, ...partsOf(answer.parts)),
      layoutOf(answer),
      make("ul.told", { hidden: !told.length }, ...told.map((sentence) => make("li", {}, sentence))),
      corrections(answer, title),
      make(
        "div.fields",
        {},
        field("name", make("input", { type: "text", name: "name", value: kept.name ?? answer.name, maxlength: 40, required: true, autocomplete: "off" })),
        ...(answer.read ? howToRead(answer.read, kept, title) : howToBring(kept))
      ),
      make("div.buttons", {}, make("button.primary", { type: "submit" }, say("import.go")), make("button", { type: "button", onclick: () => again() }, say("import.other")))
    );
    stage(form);
  }

  function howToBring(kept) {
    return [
      field("size", make("input", { type: "number", name: "size", min: 8, max: 256, step: 4, value: kept.size, placeholder: say("import.automatic") })),
      field("mode", make("select", { name: "mode" }, ...["auto", "grey", "colour"].map((mode) => make("option", { value: mode, selected: (kept.mode ?? ours) === mode }, say(`import.mode_${mode}`))))),
    ];
  }

  /** What is a document, which is looked at anew, and what becomes of copies. */
  function howToRead({ cut, column, columns }, kept, title) {
    const what = column ? pick(columns.map((name) => [name, name]), column, (name) => (wish.column = name), title) : pick(CUTS.map((name) => [name, say(`import.cut_${name}`)]), cut, (name) => (wish.cut = name), title);
    return [
      field(column ? "column" : "cut", what),
      field("copies", make("select", { name: "copies" }, ...["once", "all"].map((copies) => make("option", { value: copies, selected: kept.copies === copies }, say(`import.copies_${copies}`))))),
    ];
  }

  /** A choice after which the files are looked at anew. */
  function pick(options, chosen, heard, title) {
    const select = make("select", { onchange: () => (heard(select.value), change(title)) }, ...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
    return select;
  }

  async function change(title) {
    const mine = (looks += 1);
    const found = await ask(server.look, { paths, ...wish });
    if (form.hidden || mine !== looks) return; // left, or corrected again meanwhile
    if (found.error) return stage(form, found.error);
    choose(found, title);
  }

  // --- The layout: what was understood, and how to correct it ---

  function layoutOf({ folders, parts, cells }) {
    const named = ["train", "validation", "test"].filter((part) => parts[part]);
    const body = make("tbody");
    const cell = ({ n, picture, excerpts = [] } = { n: 0 }) => make("td", {}, make("span", {}, n ? count(n) : "–"), picture && make("img", { src: picture, alt: "", height: 24 }), ...excerpts.map((text) => make("p.excerpt", { title: text }, text)));
    const show = (wanted) => {
      const found = folders.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
      const rows = found.slice(0, SHOWN).map((folder) => make("tr", {}, make("th", { scope: "row" }, chip(folder, folders.length > 1)), ...named.map((part) => cell(cells[folder.name]?.[part]))));
      const more = found.length > SHOWN && make("tr", {}, make("td", { colspan: named.length + 1 }, say("import.more_classes", { n: count(found.length - SHOWN) })));
      body.replaceChildren(...rows, ...(more ? [more] : []));
    };
    const tick = (all) => make("button.link", { type: "button", onclick: () => ((ticked = new Set(all ? folders.map(({ name }) => name) : [])), show(seek.value)) }, say(all ? "import.all" : "import.none"));
    const seek = make("input.seek", { type: "search", hidden: folders.length <= 30, placeholder: say("import.find_folder", { n: count(folders.length) }), "aria-label": say("import.find_folder", { n: count(folders.length) }), oninput: () => show(seek.value) });
    show("");
    const head = make("thead", {}, make("tr", {}, make("th", {}, say("import.class")), ...named.map((part) => make("th", {}, say(`import.part_${part}`)))));
    const legend = make("legend", {}, say("import.understood"), ...(folders.length > 1 ? [" ", tick(true), " ", tick(false)] : []));
    return make("fieldset.folders", {}, legend, seek, make("div.scroll", { tabindex: 0 }, make("table.layout", {}, head, body)));
  }

  function chip(folder, may) {
    const box = make("input", { type: "checkbox", value: folder.name, checked: ticked.has(folder.name), hidden: !may, onchange: () => ticked[box.checked ? "add" : "delete"](folder.name) });
    return make(may ? "label.chip" : "label", {}, box, make("span", { title: folder.name }, folder.name || say("import.no_folder")));
  }

  function corrections(answer, title) {
    const named = (words, ...choice) => make("label.field", {}, make("span", {}, words), pick(...choice, title));
    const few = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? " …" : "");
    const sources = [
      ...["auto", "none", "names"].map((from) => [from, say(`import.from_${from}`)]),
      ...answer.levels.map((names, i) => [String(i + 1), say("import.from_level", { names: few(names) })]),
      ...answer.columns.map((name) => [name, say("import.from_column", { name })]),
    ];
    const kinds = ["train", "validation", "test", "skip", "no"].map((part) => [part, say(`import.is_${part}`)]);
    const asked = Object.entries(answer.asked).slice(0, 12);
    return make(
      "details.correct",
      { open: answer.told.length > 0 || wish.classes !== "auto" || Object.keys(wish.parts).length > 0 },
      make("summary", {}, say("import.correct")),
      make(
        "div.fields",
        {},
        named(say("import.classes_from"), sources, wish.classes, (value) => (wish.classes = value)),
        ...asked.map(([name, part]) => named(say("import.part_of", { name }), kinds, part, (value) => (wish.parts[name] = value))),
        ...(answer.others ? [named(say("import.taken"), ["images", "texts"].map((what) => [what, say(`import.taken_${what}`)]), answer.what, (what) => (wish = { ...wish, what, classes: "auto", parts: {} }))] : []),
        ...(answer.read ? [named(say("import.encoding"), ENCODINGS.map((name) => [name, name === "auto" ? say("import.encoding_auto") : name]), wish.encoding, (name) => (wish.encoding = name))] : [])
      )
    );
  }

  function begin(event) {
    event.preventDefault();
    if (!ticked.size) return stage(form, say("import.no_folders"), [form.querySelector(".folders")]);
    const { name, size, mode = "auto", copies = "once" } = Object.fromEntries(new FormData(form));
    const all = ticked.size === classes;
    find(".leave").hidden = false;
    progress(say("import.waiting"), 0);
    stage(running);
    trigger("begin", { paths, ...wish, name, folders: all ? null : [...ticked], size: size ? Number(size) : null, mode, copies });
  }

  // --- Watch ---

  function progress(words, share) {
    wait(find(".doing"), words);
    find(".bar span").style.width = `${100 * share}%`;
  }

  function hear() {
    const news = props.value;
    if (!news || typeof news !== "object" || running.hidden) return; // left meanwhile
    if (news.error) return stage(form, news.error, (news.about ?? []).map((name) => form.elements[name]).filter(Boolean));
    if (news.imported) {
      paths = [];
      discard(brought); // there may be others by now
      const show = () => document.querySelector(".data-own").scrollIntoView({ behavior: "smooth" });
      done.replaceChildren(make("span", {}, say("import.done", { kept: count(news.kept), n: count(news.total) })), make("button.link", { type: "button", onclick: show }, say("import.see")));
      done.hidden = false;
      return stage(zone);
    }
    const words = { done: count(news.done), total: count(news.total), skipped: count(news.skipped) };
    const [from, length] = steps[news.doing], share = from + (length * news.done) / Math.max(1, news.total);
    progress(say(`import.${news.doing}`, words) + (news.skipped ? ` · ${say("import.skipped_so_far", words)}` : ""), share);
  }

  function leave() {
    trigger("leave");
    stage(form);
  }
}

const ask = async (question, words) => (await question(words).catch(() => null)) ?? { error: say("page.lost") };

const partsOf = (parts) => {
  const named = ["train", "validation", "test"].filter((part) => parts[part]);
  return named.length > 1 ? [` · ${named.map((part) => `${count(parts[part])} ${say(`data.part_${part}`)}`).join(", ")}`] : [];
};
const field = (name, control) => make("label.field", {}, make("span", {}, say(`import.${name}`)), control, make("small", {}, say(`import.${name}_why`)));
