// A collection: pictures by class that are made in this page, by the camera or the pen, until they are imported.
// It is the last value of its topic, so that all widgets see the same one, those that come later, too. A reload brings it again:
// each picture is kept in this tab of the browser, and no longer than the tab is open, as it may show people.

import { keep, kept, keptForms } from "./forms.js";
import { answerOf } from "./parts.js";
import { refuseIn } from "./refusals.js";
import { recall, tell } from "./topics.js";
import { say } from "./words.js";

const ROOM = 3e6; // bytes of pictures that are kept, of some 5 MB that browsers give; forms need some of it, too

export const collection = () => recall("collection") ?? new Map(); // class → its pictures, each a File
export const pictures = () => [...collection().values()].flat();
export const collected = () => pictures().length;
const add = (all, name, picture) => all.set(name, [...(all.get(name) ?? []), picture]);

if (!recall("collection")) {
  const before = new Map();
  for (const form of keptForms("picture ")) {
    const { name, data, grey } = kept(form);
    add(before, name, pictureOf(data, grey, Number(form.slice("picture ".length))));
  }
  if (before.size) tell("collection", before);
}

/** A picture of a data URI: whether it is `grey`, as no browser writes a grey PNG, and the `place` that it is kept at. */
function pictureOf(data, grey, place) {
  const type = data.slice("data:".length, data.indexOf(";"));
  const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return Object.assign(new File([bytes], type.replace("image/", "picture."), { type }), { grey, place });
}

/** Put a picture into its class, and keep it; where there is no room it stays on this page alone. */
export function collect(name, data, grey = false) {
  const place = 1 + pictures().reduce((last, picture) => Math.max(last, picture.place), 0), picture = pictureOf(data, grey, place);
  keepPicture(picture, { name, data, grey });
  tell("collection", add(new Map(collection()), name, picture));
}

function keepPicture(picture, told) {
  const taken = pictures().reduce((sum, { size, unkept }) => sum + (unkept ? 0 : size), 0);
  const stays = taken + picture.size <= ROOM && keep(`picture ${picture.place}`, told);
  picture.unkept = stays ? null : told;
}

/** Whether a reload would lose some of the pictures. */
export const unkept = () => pictures().some((picture) => picture.unkept);

/** Take pictures out; there may be room for others then. */
export function discard(gone) {
  const out = new Set(gone);
  for (const { place } of out) keep(`picture ${place}`, null);
  const left = [...collection()].map(([name, all]) => [name, all.filter((picture) => !out.has(picture))]);
  tell("collection", new Map(left.filter(([, all]) => all.length)));
  const others = pictures().filter((picture) => picture.unkept);
  for (const picture of others) keepPicture(picture, picture.unkept);
  if (others.length) tell("collection", collection()); // what is said of room may have changed
}

/** A class as it was typed, checked by what the server says; null where it cannot be one, which the line says. */
export async function classIn(field, line, check) {
  const blank = !field.value.trim();
  const answer = blank ? { error: say("collect.unnamed") } : await answerOf(check({ word: field.value }));
  refuseIn(line, answer.error, [field]);
  return answer.error ? null : answer.name;
}
