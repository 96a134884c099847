// Break the metrics: real items made wrong in known ways, and which metrics notice.

import { explained, make, redraw, wait } from "../../kit/parts.js";
import { refuseIn } from "../../kit/refusals.js";
import { label, say } from "../../kit/words.js";

export function start({ element, find, props, trigger, watch }) {
  const status = find("[role=status]"), place = find(".shaken"), told = find(".told");
  label(element);

  function show() {
    const record = props.value;
    if (!record || typeof record !== "object") return;
    refuseIn(find(".fault"), record.error);
    if (record.error) return void (status.textContent = "");
    const done = record.done === record.total;
    find(".bar span").style.width = done ? "0" : `${(100 * record.done) / record.total}%`;
    if (done) status.textContent = say("breaking.done", { data: record.data });
    else wait(status, say(record.done ? "breaking.doing" : "evaluate.doing_learn"));
    if (!record.lines.length) return;
    [place.hidden, told.hidden, place.dataset.done] = [false, false, done];
    told.textContent = say("breaking.told", record);
    redraw(place, record.lines, () => [table(record)]);
  }

  find("#evaluate-break").addEventListener("click", () => {
    wait(status, say("evaluate.begins"));
    trigger("shake");
  });
  watch("value", show);
  show();
}

function table({ tampers, lines }) {
  const head = tampers.map(({ title, why }) => make("th", { scope: "col" }, explained("span", title, why)));
  const cell = ({ told, noticed }) => make("td", { class: noticed ? "noticed" : false }, noticed ? `✓ ${told}` : told);
  const rows = lines.map(({ title, why, real, cells }) => make("tr", {}, make("th", { scope: "row" }, explained("span", title, why)), make("td.real", {}, real), ...cells.map(cell)));
  return make("table", {}, make("thead", {}, make("tr", {}, make("th"), make("th", { scope: "col" }, say("evaluate.real")), ...head)), make("tbody", {}, ...rows));
}
