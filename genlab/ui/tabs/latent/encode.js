// Encoding: an image of one's own, drawn or brought, or one of the data, as a point of the latent space.

import { classIn, collect, collected, unkept } from "../../kit/collection.js";
import { count, fixed } from "../../kit/numbers.js";
import { wait } from "../../kit/parts.js";
import { refuseIn, tellRefusal } from "../../kit/refusals.js";
import { listen, tell } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

export function startEncoding(card) {
  const { props, server, trigger, upload, watch, at, looking, use, whenLeft } = card;
  const easel = at("drawing"), result = at("encode");
  let ticket = 0, drawnSomething = false, pen = null;

  /** Ask for the latent of an image; what is found goes where the buttons below the images say. */
  function encodeImage(wanted) {
    result.hidden = false;
    tellSearch(say("encode.waiting"), 0);
    trigger("encode", { ...looking(), ...wanted, ticket: ++ticket });
  }

  function tellSearch(words, share, fault = false) {
    const told = result.querySelector(".note");
    if (share < 1 && !fault) wait(told, words);
    else told.textContent = words;
    told.classList.toggle("fault", fault);
    result.querySelector(".bar span").style.width = `${100 * share}%`;
    result.querySelector(".bar").hidden = share >= 1 || fault;
  }

  watch("value", () => {
    const news = props.value;
    if (!news || news.ticket !== ticket) return; // of a question before, or of another model
    if (news.fault) return tellSearch(news.fault, 0, true);
    const [before, after] = result.querySelectorAll("img");
    after.src = news.image;
    const error = card.model.pixels ? fixed(100 * news.error, 1) : fixed(news.error, 3);
    if (!news.base) return tellSearch(say(card.model.pixels ? "encode.step" : "encode.step_numbers", { ...news, error, unit: card.model.unit }), news.step / news.total);
    before.src = news.original;
    result.dataset.error = news.error;
    tellSearch(say(card.model.pixels ? "encode.done" : "encode.done_numbers", { error, words: news.words, unit: card.model.unit }), 1);
    use({ base: news.base, classes: news.classes, picture: news.original, item: true });
  });

  // --- Drawing: on black, as large as the model's images ---

  function blank() {
    const [height, width] = card.model.size;
    [easel.width, easel.height] = [width, height];
    const context = easel.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    drawnSomething = false;
    at("ink").hidden = card.model.channels === 1;
    if (at("ink").hidden) at("ink").value = "#ffffff";
  }

  function dab(event) {
    const box = easel.getBoundingClientRect(), context = easel.getContext("2d");
    const here = [((event.clientX - box.left) / box.width) * easel.width, ((event.clientY - box.top) / box.height) * easel.height];
    Object.assign(context, { strokeStyle: at("ink").value, lineWidth: easel.width / 11, lineCap: "round" });
    context.beginPath();
    context.moveTo(...(pen ?? here));
    context.lineTo(...here);
    context.stroke();
    [pen, drawnSomething] = [here, true];
  }

  function encodeDrawing() {
    if (!drawnSomething) {
      result.hidden = false;
      return tellSearch(say("encode.empty"), 0, true);
    }
    const { data } = easel.getContext("2d").getImageData(0, 0, easel.width, easel.height);
    const planes = [...Array(card.model.channels).keys()].map((channel) => data.filter((_, i) => i % 4 === channel)); // [C, H, W]
    encodeImage({ kind: "drawing", pixels: btoa(planes.map((plane) => String.fromCharCode(...plane)).join("")) });
  }

  /** Put the drawing into the collection, of which a dataset can be made. */
  async function keepDrawing(event) {
    event.preventDefault();
    if (!drawnSomething) return refuseIn(refusal, say("encode.empty"));
    const name = await classIn(named, refusal, server.may_be_class);
    if (name === null) return;
    collect(name, easel.toDataURL("image/png"), card.model.channels === 1);
    tellRefusal(refusal, unkept() ? say("collect.no_room") : "");
    blank();
  }

  easel.addEventListener("pointerdown", (event) => {
    easel.setPointerCapture(event.pointerId);
    pen = null;
    dab(event);
    easel.dataset.held = "yes";
  });
  easel.addEventListener("pointermove", (event) => { if (easel.dataset.held) for (const part of event.getCoalescedEvents?.() ?? [event]) dab(part); });
  for (const end of ["pointerup", "pointercancel"]) easel.addEventListener(end, () => delete easel.dataset.held);
  at("clear").addEventListener("click", blank);
  at("draw").addEventListener("click", encodeDrawing);
  const keeping = at("keep"), named = keeping.querySelector("input"), refusal = keeping.querySelector(".fault");
  named.placeholder = named.ariaLabel = say("collect.class_of_drawing");
  keeping.addEventListener("submit", keepDrawing);
  at("collected").addEventListener("click", () => { document.querySelector("#tab-data").click(); tell("see collection", true); });
  listen("collection", () => {
    at("collected").hidden = !collected();
    at("collected").textContent = say("collect.kept", { n: count(collected()) });
  });
  at("upload").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    result.hidden = false;
    tellSearch(say("encode.waiting"), 0);
    const sent = await upload(file).catch(() => null);
    if (!sent) return tellSearch(say("encode.upload_failed", { name: file.name }), 0, true);
    encodeImage({ kind: "upload", path: sent.path });
  });
  whenLeft.push(() => {
    ticket += 1;
    result.hidden = true;
    blank();
  });

  Object.assign(card, { encodeImage });
}
