// Damage on purpose, and the recipe: every step can be undone, the result has a name and can be taken along as a zip.

import { count, percent } from "../../kit/numbers.js";
import { make, renew } from "../../kit/parts.js";
import { cut } from "../../kit/tiles.js";
import { listen } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

export function startDamage(card) {
  const { find, server, trigger, change, complain } = card;
  let exporting = 0; // turns of exports
  card.changed = null; // what the last change did, to show before and after

  const form = find(".damage .setting");
  form.addEventListener("submit", (event) => { event.preventDefault(); damage(); });
  listen("exported", () => document.querySelector("#data-export-file a, #data-export-file button, button#data-export-file, a#data-export-file")?.click());

  function showSteps() {
    find(".source").textContent = say(card.about.steps.length ? "quality.made_of" : "quality.untouched", { source: card.about.source });
    find("#recipe").replaceChildren(...card.about.steps.map(({ key, told }) =>
      make("li", { "data-key": key }, make("span", {}, told), make("button.link.undo", { type: "button", onclick: () => makeOf(server.quality_undo, { key }) }, say("quality.undo")))
    ));
    const name = make("input", { type: "text", id: "recipe-name", maxlength: 40, value: card.about.name, autocomplete: "off", spellcheck: "false" });
    const others = make("select", { id: "merge-picker" }, ...card.about.others.map((other) => make("option", { value: other }, other)));
    renew(find(".damage .keep"),
      card.about.others.length ? field(say("quality.other"), others, say("quality.merge_why")) : "",
      card.about.others.length ? make("button", { type: "button", id: "data-merge", onclick: () => makeOf(server.quality_merge, { other: others.value }) }, say("quality.merge")) : "",
      make("label.field", {}, make("span", {}, say("quality.name")), make("span.named", {}, make("span", {}, `${card.about.source}+`), name)),
      make("button", { type: "button", id: "data-train", onclick: () => document.querySelector("#tab-train").click() }, say("quality.train")),
      make("button", { type: "button", id: "data-export", onclick: exportZip }, say("quality.export"))
    );
    showChange();
    showForm(find("#defect-picker")?.value);
  }

  function showForm(chosen) {
    const defect = card.about.defects.find(({ name }) => name === chosen) ?? card.about.defects[0];
    const picker = make("select", { id: "defect-picker", onchange: (event) => showForm(event.target.value) }, ...card.about.defects.map(({ name }) => make("option", { value: name, selected: name === defect.name }, say(`quality.defect_${name}`))));
    const seed = make("input", { type: "number", id: "defect-seed", min: 0, max: 2147483647, step: 1, value: card.about.steps.length });
    renew(find(".damage .setting"),
      field(say("quality.defect"), picker, ""),
      ...defect.settings.map(control),
      field(say("quality.seed"), seed, say("quality.seed_why")),
      make("button.primary", { type: "submit", id: "defect-apply" }, say("quality.apply_damage"))
    );
  }

  async function damage() {
    const defect = find("#defect-picker").value;
    const settings = Object.fromEntries([...find(".damage .setting").querySelectorAll("[name]")].map((input) => [input.name, input.type === "range" ? Number(input.value) : input.value]));
    await makeOf(server.quality_damage, { defect, settings, seed: Number(find("#defect-seed").value) });
  }

  /** Change the dataset in another way than by repair, so that the counts of before are no longer those of before. */
  function makeOf(ask, wish) {
    card.before = null;
    return change("damage", ask, wish);
  }

  /** Before and after, side by side: in numbers, and some of the images that the change is about. */
  function showChange() {
    const pairs = card.changed?.name === card.dataset ? card.changed.pairs : null;
    find(".change").hidden = card.changed?.name !== card.dataset;
    if (find(".change").hidden) return;
    const kinds = ["dropped", "added", "relabelled", "altered"].filter((kind) => card.changed[kind]);
    find(".change .note").textContent = [say("quality.sizes", { before: count(card.changed.before), after: count(card.changed.after) }), ...kinds.map((kind) => say(`quality.n_${kind}`, { n: count(card.changed[kind]) }))].join(" · ");
    find(".pairs").style.setProperty("--sprite", pairs?.sprite ? `url(${pairs.sprite})` : "none");
    find(".pairs").classList.toggle("of-texts", Boolean(pairs?.texts));
    find(".pairs").replaceChildren(...(pairs?.was ?? []).map((was, i) => {
      const now = pairs.now[i];
      const side = (there, k) => {
        if (pairs.texts) return make(there == null ? "span.face.none" : "span.face", {}, pairs.texts[i][k]);
        const face = make(there == null ? "span.face.none" : "span.face", { style: `aspect-ratio: ${pairs.shape[2]} / ${pairs.shape[1]}` });
        if (there != null) cut(face, k * pairs.was.length + i, pairs.was.length, 2);
        return face;
      };
      const words = was == null ? say("quality.new") : now == null ? say("quality.gone") : was === now ? was : `${was || "?"} → ${now || "?"}`;
      return make("figure.pair", {}, side(was, 0), side(now, 1), make("figcaption", {}, words));
    }));
  }

  function exportZip() {
    exporting += 1;
    find("#data-export").disabled = true;
    find("#data-export").textContent = say("quality.exporting");
    trigger("export", { dataset: card.dataset, turn: -exporting });
  }

  function exportEnded(news) {
    if (news.turn !== -exporting || !find("#data-export")?.disabled) return;
    find("#data-export").disabled = false;
    find("#data-export").textContent = say("quality.export");
    complain("damage", news);
  }

  Object.assign(card, { exportEnded, showSteps });
}

const field = (name, input, why, told = null) => make("label.field", { title: why }, make("span", {}, name, told), input);

function control({ name, default: value, low, high, choices, description }) {
  const id = `defect-${name}`;
  const named = say(`quality.setting_${name}`);
  if (choices.length) return field(named, make("select", { id, name }, ...choices.map((choice) => make("option", { value: choice, selected: choice === value }, say(`quality.kind_${choice}`).replace(/^quality\.kind_/, "")))), description);
  const told = make("output", {}, percent(value));
  const input = make("input.glide", { id, name, type: "range", min: low, max: high, step: 0.01, value, oninput: () => (told.textContent = percent(Number(input.value))) });
  return field(named, input, description, told);
}
