// The camera, one class at a time, and the collection that it and the pen fill: shown class by class, imported like a folder.

import { classIn, collect, collected, collection, discard, pictures, unkept } from "../../kit/collection.js";
import { count } from "../../kit/numbers.js";
import { make } from "../../kit/parts.js";
import { tellRefusal } from "../../kit/refusals.js";
import { listen } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

const SIDE = 128; // pixels of what is recorded; an import makes them fewer still
const EVERY = 125; // milliseconds between two pictures
const SHOWN_NEW = 24; // of a class
const REASONS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none", NotReadableError: "busy", AbortError: "busy" };

export function startCamera(card) {
  const { find, server, give } = card;
  const booth = find(".collect"), video = booth.querySelector("video"), recorder = booth.querySelector(".record");
  const wrong = booth.querySelector(".wrong");
  const sheet = document.createElement("canvas");
  const addresses = new WeakMap(); // of pictures, for their tiles
  let held = false; // the button
  let round = 0; // of recording

  booth.querySelector(".camera").addEventListener("click", () => (video.srcObject ? closeCamera() : openCamera()));
  recorder.addEventListener("pointerdown", (event) => { recorder.setPointerCapture(event.pointerId); record(); });
  recorder.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && !event.repeat && record());
  for (const end of ["pointerup", "pointercancel", "keyup", "blur"]) recorder.addEventListener(end, () => (held = false));
  recorder.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long touch
  booth.querySelector(".bring").addEventListener("click", bringCollection);
  new IntersectionObserver(() => video.checkVisibility() || closeCamera()).observe(video);
  listen("collection", showCollection);
  listen("see collection", () => { booth.open = true; booth.scrollIntoView({ block: "nearest" }); });

  const complainOf = (sentence) => tellRefusal(wrong, sentence);

  async function openCamera() {
    complainOf();
    if (!navigator.mediaDevices?.getUserMedia) return complainOf(say("camera.closed"));
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 640 } } });
      video.hidden = false; // some browsers play nothing that is hidden
      await video.play();
    } catch (fault) {
      closeCamera();
      const reason = REASONS[fault.name] ?? "failed";
      return complainOf(say(`camera.${reason}`));
    }
    for (const track of video.srcObject.getTracks()) track.addEventListener("ended", () => (closeCamera(), complainOf(say("camera.busy"))));
    showCamera();
    if (!video.checkVisibility()) closeCamera(); // left meanwhile
  }

  function closeCamera() {
    held = false;
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    showCamera();
  }

  function showCamera() {
    const open = Boolean(video.srcObject);
    video.hidden = recorder.hidden = !open;
    booth.querySelector(".camera").textContent = say(open ? "camera.close" : "camera.open");
  }

  /** Take picture after picture for the class that is named, as long as the button is held. */
  async function record() {
    const mine = ++round;
    held = true;
    const name = await classIn(booth.querySelector("input"), wrong, server.may_be_class);
    recorder.setAttribute("aria-pressed", "true");
    while (held && mine === round && name !== null) {
      collect(name, frame());
      await new Promise((over) => setTimeout(over, EVERY));
    }
    if (mine === round) recorder.setAttribute("aria-pressed", "false");
  }

  /** The middle square of what the camera sees. */
  function frame() {
    const { videoWidth: w, videoHeight: h } = video, from = Math.min(w, h), side = Math.min(SIDE, from);
    Object.assign(sheet, { width: side, height: side });
    const brush = sheet.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.drawImage(video, (w - from) / 2, (h - from) / 2, from, from, 0, 0, side, side);
    return sheet.toDataURL("image/jpeg", 0.95);
  }

  function showCollection(all) {
    booth.querySelector(".shelves").replaceChildren(...[...all].map(([name, shelf]) => make(
      "section.shelf",
      {},
      make("header", {}, make("b", {}, name), make("span.note", {}, say("collect.n", { n: count(shelf.length) })), make("button.link", { type: "button", onclick: () => discard(shelf) }, say("collect.discard"))),
      make("div.tiles", {}, ...shelf.slice(-SHOWN_NEW).reverse().map((picture, i) => tileOf(name, picture, shelf.length - i)))
    )));
    const n = collected();
    if (n) booth.open = true;
    booth.querySelector(".unkept").hidden = !unkept();
    booth.querySelector(".bring").hidden = !n;
    booth.querySelector(".bring").textContent = say("collect.bring", { n: count(n) });
  }

  function tileOf(name, picture, i) {
    if (!addresses.has(picture)) addresses.set(picture, URL.createObjectURL(picture));
    const words = say("collect.take_out", { name, i: count(i) });
    return make("button.tile", { type: "button", title: words, "aria-label": words, style: `background-image:url(${addresses.get(picture)})`, onclick: () => discard([picture]) });
  }

  function bringCollection() {
    const named = (name, { type }, i) => `${name}/${String(i + 1).padStart(4, "0")}.${type.replace("image/", "")}`;
    const grey = pictures().every((picture) => picture.grey);
    give([...collection()].flatMap(([name, shelf]) => shelf.map((file, i) => ({ file, path: named(name, file, i) }))), grey ? "grey" : "auto");
  }

  Object.assign(card, { booth });
}
