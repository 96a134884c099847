// The gallery: random examples class by class, cut from one sprite; a click shows an image large, with its neighbours.

import { copyLink } from "../../kit/address.js";
import { count, fixed } from "../../kit/numbers.js";
import { byTouch, latest, make, wait } from "../../kit/parts.js";
import { listen, tell } from "../../kit/topics.js";
import { label, say } from "../../kit/words.js";
import { startLabelling } from "./label.js";

export function start(card) {
  const { element, find, props, server, trigger, watch } = card;
  const wall = find("#data-gallery");
  const detail = find(".detail");
  const more = find(".more");
  const askGallery = latest(server.gallery);
  const askItem = latest(server.item);
  card.shown = null;
  card.dataset = "";
  card.seed = 0;
  card.rows = undefined; // that were chosen on the map; undefined for all
  const search = find("#text-search");
  let opening = false; // the others wait for this dataset

  label(element);
  search.placeholder = say("data.search");
  Object.assign(card, { load, wall });
  startLabelling(card);
  const { bar, done, openLabels, pick, showLabels, stopAt, tiles } = card;
  find(".copy-link").addEventListener("click", () => copyLink(find(".copy-link"), { tab: "data", dataset: card.dataset }));
  more.addEventListener("click", () => load(card.dataset, card.seed + 1));
  search.addEventListener("input", () => load(card.dataset, card.seed));
  new ResizeObserver(() => card.shown && lay()).observe(wall);
  watch("value", fetched);
  listen("dataset", (name) => load(name, 0, true));
  listen("image", (row) => open(row));
  listen("lasso", (chosen) => { if (card.shown && (chosen?.dataset ?? card.dataset) === card.dataset && chosen?.rows !== card.rows) { card.rows = chosen?.rows; if (card.rows) card.part = "train"; load(card.dataset, card.seed); } });

  async function load(wanted, nextSeed, anew = false) {
    [card.dataset, card.seed] = [wanted, nextSeed];
    opening ||= anew;
    if (anew) [card.rows, search.value] = [undefined, ""];
    wall.setAttribute("aria-busy", "true");
    if (anew) wait(find(".title"), say("data.opening", { dataset: card.dataset }));
    const answer = await askGallery({ dataset: card.dataset, seed: card.seed, rows: card.rows ?? null, part: card.part, done: done(), search: search.value });
    if (!answer) return;
    wall.removeAttribute("aria-busy");
    find(".under").hidden = Boolean(answer.error || answer.absent);
    element.closest(".data-tab")?.classList.toggle("absent", Boolean(answer.absent));
    bar.hidden = true;
    search.hidden = !answer.reads;
    if (answer.error) return complain(say("data.not_here"), make("p.fault", { role: "alert" }, answer.error));
    if (answer.absent) return offer(answer.absent);
    element.closest(".data-tab")?.classList.toggle("of-points", Boolean(answer.together));
    if (answer.together) {
      card.shown = null; // the map is their picture, and a lasso on it changes nothing here
      return tell("opened data", card.dataset);
    }
    card.shown = { ...answer, dataset: card.dataset };
    card.part = answer.part;
    find(".title").textContent = card.rows ? say("quality.chosen", { n: count(answer.chosen.length) }) : say(answer.classes.length ? "data.title" : "data.title_no_classes", {
      n: count(answer.total),
      k: count(answer.classes.length),
      things: answer.things,
    });
    const named = answer.groups.filter(({ name }) => name).length, some = named < answer.classes.length;
    find(".some").textContent = some ? say("data.some_classes", { k: named, n: answer.classes.length }) : "";
    find(".size").textContent = sizeOf(answer);
    openLabels();
    lay();
    if (!opening) return;
    opening = false;
    detail.replaceChildren(make("p.note", {}, say(answer.reads ? "data.click_a_text" : "data.click_an_image")));
    tell("opened data", card.dataset); // only now do the others ask, so that a slow or missing source is sought once
  }

  // --- A dataset that has to be fetched first ---

  let fetching = ""; // which is on its way

  function offer({ about, size, hand, may }) {
    const go = make("button.primary", { type: "button", onclick: begin }, say("data.fetch", { size }));
    const stop = make("button", { type: "button", hidden: true, onclick: end }, say("data.fetch_stop"));
    complain(
      say("data.absent", { dataset: card.dataset }),
      make("p", {}, about),
      make("p", {}, say(may ? "data.absent_why" : "public.fetch")),
      may ? make("div.fetch", {}, go, stop, make("progress", { max: 1, value: 0, hidden: true }), make("span.note", { role: "status" })) : null,
      may ? make("p.note", {}, say("data.by_hand", { hand })) : null
    );
    find(".size").textContent = size;
    if (may && fetching === card.dataset) tellFetch(say("data.fetch_begins"));
  }

  function begin() {
    fetching = card.dataset;
    tellFetch(say("data.fetch_begins"));
    trigger("fetch", { dataset: card.dataset });
  }

  function end() {
    fetching = "";
    trigger("leave");
    tellFetch("");
  }

  /** Say how far it is in the offer, while that is what is seen. */
  function tellFetch(words, share = 0, fault = false) {
    const place = find(".fetch");
    if (!place) return;
    const [go, stop] = place.querySelectorAll("button"), busy = fetching === card.dataset, bar = place.querySelector("progress");
    [go.hidden, stop.hidden, bar.hidden, bar.value] = [busy, !busy, !busy, share];
    place.lastChild.textContent = words;
    place.lastChild.classList.toggle("fault", fault);
  }

  function fetched() {
    const news = props.value;
    if (!news || typeof news !== "object") return;
    if (news.fetched) {
      fetching = "";
      tell("fetched", news.fetched);
      if (news.fetched === card.dataset) load(card.dataset, 0, true);
    } else if (news.error) {
      fetching = "";
      if (news.fetching === card.dataset) tellFetch(news.error, 0, true);
    } else if (news.fetching === card.dataset && fetching === card.dataset) {
      const [done, total] = [news.done, news.total].map((n) => fixed(n / 1e6, 1));
      tellFetch(say("data.fetching", { done, total }), news.done / news.total);
    }
  }

  function complain(title, ...sentences) {
    element.closest(".data-tab")?.classList.remove("of-points");
    card.shown = null;
    tell("opened data", "");
    find(".title").textContent = title;
    find(".size").textContent = "";
    wall.replaceChildren(...sentences.filter(Boolean));
    detail.replaceChildren();
  }

  // Whole pixels only: an image is scaled by a whole number, and the columns are as many as fit.
  function lay() {
    const { shape = [1, 1, 1], groups, columns, reads } = card.shown;
    const above = (g) => groups.slice(0, g).reduce((sum, { lines }) => sum + columns * lines, 0); // places in the sprite
    const scale = byTouch() ? Math.ceil(40 / Math.min(shape[1], shape[2])) : Math.max(1, Math.round(30 / shape[2]));
    const tile = { w: shape[2] * scale, h: shape[1] * scale };
    const named = groups.some((group) => group.name);
    const title = (group) => group.name || say("data.no_label");
    const room = wall.clientWidth - (named ? nameRoom(groups) : 0);
    const fit = Math.max(1, Math.min(columns, Math.floor((room + 1) / (tile.w + 1))));
    wall.style.setProperty("--sprite", `url(${card.shown.sprite})`);
    wall.style.setProperty("--sheet", `${columns * tile.w}px auto`);
    wall.replaceChildren(
      ...groups.map((group, g) =>
        make(
          "div.group",
          { hidden: card.rows && !group.rows.length },
          named ? make("span.name", { title: title(group), style: `width:${nameRoom(groups) - 8}px` }, title(group)) : null,
          make(
            reads ? "div.tiles.read" : "div.tiles",
            { style: reads ? `--longest:${Math.min(card.shown.longest, 34)}ch` : `grid-template-columns:repeat(${fit},${tile.w}px);grid-auto-rows:${tile.h}px` },
            ...group.rows.slice(0, reads ? undefined : fit * group.lines).map((row, i) => {
              const at = above(g) + i;
              return make("button.tile", {
                type: "button",
                "data-id": group.ids[i],
                style: !reads && `background-position:-${(at % columns) * tile.w}px -${Math.floor(at / columns) * tile.h}px`,
                "aria-label": say("data.image_label", { label: group.name || say(reads ? "data.text" : "data.image"), row: count(row) }),
                onclick: (event) => {
                  if (card.labelling) pick(group.ids[i], event);
                  open(row, card.shown.part);
                },
              }, reads && group.texts[i]);
            })
          )
        )
      )
    );
    if (tiles().length) stopAt(tiles()[0]);
    showLabels();
  }

  async function open(row, of = "train") {
    if (!card.shown) return;
    const answer = await askItem({ dataset: card.shown.dataset, row, part: of });
    if (!answer) return;
    if (answer.error) return detail.replaceChildren(make("p.fault", { role: "alert" }, answer.error));
    if (card.shown.reads) tell("text", { dataset: card.shown.dataset, row, part: of });
    detail.replaceChildren(
      picture(answer, 150),
      make(
        "div.facts",
        {},
        make("p.label", {}, answer.label || say("data.no_label")),
        make("p.note", {}, of === "train" ? say("data.row", { row: count(row) }) : say("import.kept", { part: say(`import.part_${of}`), row: count(row) })),
        make("p.note", {}, say("data.neighbours")),
        make("div.near", {}, ...answer.neighbours.map(near)),
        make("p.note", {}, say(card.shown.reads ? "data.distance_text" : "data.distance", { n: count(answer.searched) }))
      )
    );
  }

  /** What an item is shown by: its picture, about so wide, or what it says. */
  function picture({ image, text, label }, width) {
    if (text != null) return make("pre.document", width < 100 ? {} : { tabindex: 0, "aria-label": say("data.text") }, text);
    const [, h, w] = card.shown.shape, scale = Math.max(1, Math.round(width / w));
    return make(width < 100 ? "img" : "img.large", { src: image, width: w * scale, height: h * scale, alt: label || say("data.image") });
  }

  function near(neighbour) {
    const differs = neighbour.differs ? ".differs" : "";
    return make(
      "button.link.neighbour",
      { type: "button", title: say("data.row", { row: count(neighbour.row) }), onclick: () => open(neighbour.row) },
      picture(neighbour, 40),
      make(`span${differs}`, {}, `${neighbour.label} ${fixed(neighbour.distance, 2)}`.trim())
    );
  }
}

/** How large the items are. */
function sizeOf({ reads, found, longest, shape, values }) {
  if (reads) return say("data.size_text", { n: count(found), longest: count(longest) });
  if (values) return say("data.size_series", { n: count(values[0]) });
  return say(shape[0] === 1 ? "data.size_grey" : "data.size_colour", { w: shape[2], h: shape[1] });
}

// Room for the class names, in pixels: short names stay narrow.
function nameRoom(groups) {
  const longest = Math.max(...groups.map((group) => (group.name || say("data.no_label")).length));
  return Math.min(110, 16 + 8 * longest);
}
