// A collection: pictures by class that are made in this page, by the camera or the pen, until they are imported.
// It is the last value of its topic, so that all widgets see the same one, those that come later, too.

const collection = () => genlab.recall("collection") ?? new Map(); // class → its pictures, each a File

function collect(name, picture) {
  tell("collection", new Map(collection()).set(name, [...(collection().get(name) ?? []), picture]));
}

/** Take a picture out of its class, or all of them. */
function discard(name, picture = null) {
  const left = picture ? collection().get(name).filter((other) => other !== picture) : [];
  const all = new Map(collection()).set(name, left);
  if (!left.length) all.delete(name);
  tell("collection", all);
}

const collected = () => [...collection().values()].reduce((sum, pictures) => sum + pictures.length, 0);

/** A class as it was typed, checked by the server; null where it cannot be one, which `complain` is told. */
async function classIn(field, complain) {
  const blank = !field.value.trim();
  const answer = blank ? { error: say("collect.unnamed") } : await answerOf(server.may_be_class({ word: field.value }));
  complain(answer.error);
  field.toggleAttribute("aria-invalid", Boolean(answer.error));
  if (answer.error) field.focus();
  return answer.error ? null : answer.name;
}

/** What is on a canvas, as a picture of the collection. */
async function shot(canvas, type, quality) {
  const blob = await new Promise((ready) => canvas.toBlob(ready, type, quality));
  return new File([blob], type.replace("image/", "picture."), { type });
}
