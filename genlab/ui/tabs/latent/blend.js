// Blend: one text from one seed, between two prompts or two classes; as the slider moves, tokens change hands.

import { count, fixed } from "../../kit/numbers.js";
import { make } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { say, visible } from "../../kit/words.js";

export function startBlend(card) {
  const { find } = card;
  const at = (id) => find(`#blend-${id}`), slider = at("share"), out = at("out");
  let texts = new Map(); // by share, all from what `wished` says
  let wished = "", busy = false;
  const ask = card.asker("writer_blend", at("fault"), "blend");

  card.parts.blend = {
    open(view) {
      const { classes, prompts } = card.model, among = (name, k) => (classes.includes(name) ? name : classes[Math.min(k, classes.length - 1)]);
      const linked = ["prompt", "other", "to"].some((name) => name in view);
      choose(linked ? ("to" in view ? "classes" : "prompts") : classes.length > 1 ? "classes" : "prompts");
      at("prompt").value = linked ? (view.prompt ?? "") : (prompts[0] ?? "");
      at("other").value = linked ? (view.other ?? "") : (prompts[1] ?? "");
      for (const id of ["class", "to"]) card.fill(at(id), classes.map((name) => [name, name]));
      if (classes.length) [at("class").value, at("to").value] = [among(view.class, 0), among(view.to, 1)];
      const number = (text, usual) => (text !== undefined && Number.isFinite(Number(text)) ? Number(text) : usual);
      at("seed").value = number(view.seed, 0);
      at("length").value = number(view.length, 120);
      at("temperature").value = number(view.temperature, 0.8);
      slider.value = number(view.blend, 0);
      [texts, wished] = [new Map(), ""];
      out.replaceChildren();
      arrange();
    },
    view() {
      const { shares, ...wish } = asked();
      const { label, ...rest } = wish;
      return { ...rest, ...(label !== undefined && { class: label }), blend: slider.value };
    },
    show: () => write(),
  };

  const kind = () => at("kind").querySelector("[aria-checked=true]").dataset.kind;
  const ofClasses = () => kind() === "classes";

  function choose(name) {
    for (const one of at("kind").children) {
      one.setAttribute("aria-checked", String(one.dataset.kind === name));
      one.tabIndex = one.dataset.kind === name ? 0 : -1;
    }
  }

  /** What is asked for, but for the shares. */
  function asked() {
    const { classes } = card.model;
    return {
      prompt: at("prompt").value,
      ...(!ofClasses() && { other: at("other").value }),
      ...(classes.length && { label: at("class").value }),
      ...(ofClasses() && classes.length && { to: at("to").value }),
      seed: at("seed").valueAsNumber, length: at("length").valueAsNumber, temperature: at("temperature").valueAsNumber,
    };
  }

  /** Show the fields that go with what is blended. */
  function arrange() {
    const { classes } = card.model;
    at("first").textContent = say(ofClasses() ? "blend.prompt" : "blend.first");
    at("of").textContent = say(ofClasses() ? "blend.from" : "writer.class");
    at("other").closest("label").hidden = ofClasses();
    at("class").closest("label").hidden = !classes.length;
    at("to").closest("label").hidden = !ofClasses() || !classes.length;
    const short = (text) => (text.trim() ? visible(text.trim().length > 28 ? `${text.trim().slice(0, 27)}…` : text.trim()) : say("blend.nothing"));
    at("left").textContent = ofClasses() ? at("class").value : short(at("prompt").value);
    at("right").textContent = ofClasses() ? at("to").value : short(at("other").value);
  }

  /** Write what the slider stands at; while that is under way, only the last wish is remembered. */
  async function write() {
    arrange();
    slider.style.setProperty("--to", `${100 * slider.value}%`);
    if (ofClasses() && card.model.classes.length < 2) return refuse(say(card.model.classes.length ? "blend.one_class" : "blend.no_classes", { model: card.model.model }));
    if (busy) return;
    busy = true;
    try {
      for (;;) {
        const wish = asked(), text = JSON.stringify(wish), share = Number(slider.value);
        if (text !== wished) [texts, wished] = [new Map(), text];
        const next = [share, 0, 1].find((one) => !texts.has(one)); // what is to be seen first, then what it is held against
        if (next === undefined) break;
        const fault = unread(wish);
        if (fault) return refuse(fault);
        out.setAttribute("aria-busy", "true");
        const of = card.model, answer = await ask({ ...wish, shares: [next] });
        if (of !== card.model) return;
        if (!answer) return refuse();
        if (text === wished) for (const one of answer.texts) texts.set(one.share, one);
        show();
      }
      refuseIn(at("fault"));
      show();
    } finally {
      busy = false;
      out.removeAttribute("aria-busy");
    }
    card.place();
  }

  /** What is wrong with the numbers, which a browser may read as none. */
  const unread = (wish) => ["seed", "length"].filter((name) => !Number.isInteger(wish[name])).concat(Number.isNaN(wish.temperature) ? ["temperature"] : []).map((name) => say("blend.number", { name: say(`blend.${name}`) }))[0];

  function refuse(sentence) {
    if (sentence) refuseIn(at("fault"), sentence);
    out.replaceChildren();
    at("told").textContent = "";
  }

  /** Show the text, each token marked by the ends at which it is the same. */
  function show() {
    const share = Number(slider.value), [now, first, other] = [share, 0, 1].map((one) => texts.get(one));
    if (!now) return;
    const marks = first && other ? now.tokens.map((token, i) => mark(token, first.tokens[i], other.tokens[i])) : [];
    const before = ofClasses() ? [make("span.prompt", {}, at("prompt").value)] : [];
    out.replaceChildren(...before, ...now.tokens.map((token, i) => make(`span${marks[i] ? `.${marks[i]}` : ""}`, {}, token)), ...(now.ended ? [make("span.end", { title: say("read.ends") }, "▏")] : []));
    out.dataset.share = share;
    const n = (of) => count(marks.filter((one) => one === of).length);
    at("told").textContent = !marks.length ? "" : say("blend.told", { n: count(marks.length), both: n(""), first: n("first"), other: n("other"), own: n("own") });
    slider.setAttribute("aria-valuetext", say("blend.at", { share: fixed(100 * share, 0) }));
  }

  at("kind").addEventListener("click", (event) => {
    if (!event.target.dataset.kind) return;
    choose(event.target.dataset.kind);
    refuseIn(at("fault"));
    write();
  });
  slider.addEventListener("input", write);
  at("dice").addEventListener("click", () => {
    at("seed").value = Math.floor(Math.random() * 2147483647);
    write();
  });
  for (const id of ["prompt", "other", "class", "to", "seed", "length", "temperature"]) at(id).addEventListener("change", () => write());
}

/** Whose a token is: of both ends, or of the first, of the other, of neither. */
export const mark = (token, first, other) => (token === first ? (token === other ? "" : "first") : token === other ? "other" : "own");
