// A dataset of one's own: what became of each file that was imported, and the way to delete it.

import { count } from "../../kit/numbers.js";
import { answerOf, latest, make, renew } from "../../kit/parts.js";
import { listen, tell } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

export function start({ find, server, trigger }) {
  const about = find(".data-own");
  const askFiles = latest(server.files);
  let dataset = ""; // the one in the header
  let view = { page: 0, skipped: false };

  listen("dataset", (name) => open(name));

  async function open(name, page = 0, skipped = false) {
    [dataset, view] = [name, { page, skipped }];
    const answer = name ? await askFiles({ dataset, ...view }) : { error: true };
    if (!answer) return;
    about.hidden = !answer.own || Boolean(answer.error);
    if (!about.hidden) describe(answer);
  }

  function describe(answer) {
    const kinds = [["all", false, answer.total], ["skipped", true, answer.skipped]];
    renew(about,
      make("header", {}, make("h2", { title: dataset }, dataset), make("span.aside", {}, answer.about)),
      ...(answer.total ? [make("p.note.summary", {}, answer.summary), tableOf(answer, kinds)] : []),
      make("div.under.question", {}, make("button.delete", { type: "button", onclick: ask }, say("import.delete")))
    );
  }

  function tableOf(answer, kinds) {
    const filter = kinds.map(([key, skipped, n]) =>
      make("button", { type: "button", role: "radio", "aria-checked": String(view.skipped === skipped), disabled: !n, onclick: () => open(dataset, 0, skipped) }, say(`import.show_${key}`, { n: count(n) }))
    );
    const turn = (by, sign) => make("button.turn", { type: "button", "aria-label": say(by < 0 ? "import.back" : "import.on"), disabled: !(view.page + by in [...Array(answer.pages)]), onclick: () => open(dataset, view.page + by, view.skipped) }, sign);
    return make(
      "div.outcome",
      {},
      make("div.tools", {}, make("div.either", { role: "radiogroup" }, ...filter), answer.pages > 1 ? make("span.pager", {}, turn(-1, "‹"), make("span", {}, say("import.page", { page: count(view.page + 1), pages: count(answer.pages) })), turn(1, "›")) : null),
      make("div.scroll", { tabindex: 0 }, make("table", { id: "import-table" }, make("thead", {}, make("tr", {}, ...["file", "fate", "words"].map((key) => make("th", { scope: "col" }, say(`import.th_${key}`))))), make("tbody", {}, ...answer.rows.map(line))))
    );
  }

  function ask() {
    const keep = async () => {
      await open(dataset, view.page, view.skipped);
      about.querySelector(".delete")?.focus();
    };
    const no = make("button.keep", { type: "button", onclick: keep }, say("train.keep"));
    about.querySelector(".under").replaceChildren(
      make("p", { role: "alert" }, say("import.delete_sure", { name: dataset })),
      make("button.danger", { type: "button", onclick: destroy }, say("import.delete_go")),
      no
    );
    no.focus();
  }

  async function destroy() {
    const answer = await answerOf(server.remove({ dataset }));
    if (answer.error) return about.querySelector(".under").replaceChildren(make("p.fault", { role: "alert" }, answer.error));
    trigger("removed");
  }
}

function line(row) {
  const place = () => (row.part ? say("import.kept", { part: say(`import.part_${row.part}`), row: count(row.row) }) : say("import.kept_many", { n: count(row.items) }));
  const fate = row.kept ? place() : say("import.skipped");
  return make(row.kept ? "tr.kept" : "tr.skipped", {}, make("td.file", {}, fileOf(row)), make("td.fate", {}, fate), make("td", {}, row.words));
}

/** The file's name; that of a training image shows it in the gallery. */
function fileOf(row) {
  const name = make("bdi", {}, row.file);
  if (row.part !== "train") return name;
  const show = () => {
    tell("image", row.row);
    document.querySelector("#data-gallery").scrollIntoView({ behavior: "smooth" });
  };
  return make("button.link", { type: "button", onclick: show }, name);
}
