// Refusals: a sentence in a line, and the marks on the fields that it is about until these are changed.

const marks = new Set(); // the fields that refusals are about, each with the line that says it, and what was in it
for (const event of ["input", "change", "click", "focusout"]) document.addEventListener(event, () => reconsider());

/** The fields of a form in which settings are set, by their ids; of several prefixes of these the first one counts that there is. */
export const fieldsOf = (about = [], ...prefixes) => about.map((name) => prefixes.map((prefix) => document.getElementById(`${prefix}-${name.replaceAll("_", "-")}`)).find(Boolean)).filter(Boolean);
const inputsOf = (field) => (field.matches("input, select, textarea") ? [field] : [...field.querySelectorAll("input, select, textarea")]);
const contentOf = (field) => inputsOf(field).map((input) => (input.type === "checkbox" ? input.checked : input.value)).join();

/** Say in a line why something was refused, or no more, and take one to the first of the fields that it is about. */
export function refuseIn(line, sentence = "", fields = []) {
  tellRefusal(line, sentence, fields);
  if (!sentence) return;
  fields[0]?.closest(".gr-accordion")?.querySelector(".label-wrap:not(.open)")?.click();
  setTimeout(() => goTo(fields[0] ?? line)); // which may be open only then
}

/** The same where nobody asked, so that nothing moves: the fields are marked until they are changed. */
export function tellRefusal(line, sentence = "", fields = []) {
  for (const mark of marks) if (mark.line === line || !mark.line.isConnected) forgive(mark);
  line.textContent = sentence;
  line.hidden = !sentence;
  if (line.matches(".note")) line.classList.toggle("fault", Boolean(sentence)); // it also tells what is no refusal
  if (!sentence) return;
  line.id ||= `refusal-${Math.random().toString(36).slice(2)}`;
  for (const field of fields) blame(field, line);
}

/** What a line is for in which things are told, and refused in a sentence about fields of these prefixes. */
export const noteIn = (line, ...prefixes) => ({
  write(text) {
    refuseIn(line);
    [line.textContent, line.hidden] = [text, !text];
  },
  refuse: (sentence, about) => refuseIn(line, sentence, fieldsOf(about, ...prefixes)),
});

/** Bring a field or line into sight; one has the focus in the field, unless one types elsewhere by now. */
function goTo(place) {
  place.scrollIntoView({ block: "nearest" });
  if (!document.activeElement?.matches("input, select, textarea")) inputsOf(place)[0]?.focus({ preventScroll: true });
}

function blame(field, line) {
  marks.add({ field, line, content: contentOf(field) });
  for (const input of inputsOf(field)) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", line.id);
  }
}

function forgive(mark) {
  marks.delete(mark);
  for (const input of inputsOf(mark.field)) {
    if (input.getAttribute("aria-describedby") !== mark.line.id) continue; // another line of the page marks it by now
    for (const name of ["aria-invalid", "aria-describedby"]) input.removeAttribute(name);
  }
}

/** Take the marks off the fields that were changed; with the last of its marks a sentence goes. */
export function reconsider() {
  for (const mark of marks) {
    if (contentOf(mark.field) === mark.content) continue;
    forgive(mark);
    if (!isBlaming(mark.line)) refuseIn(mark.line);
  }
}

/** Whether fields are marked for what a line says. */
export const isBlaming = (line) => [...marks].some((mark) => mark.line === line);
