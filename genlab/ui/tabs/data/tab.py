"""The Data tab: a gallery by class, what is in the dataset, and its map."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from genlab.config import Field
from genlab.data import SOURCES, Dataset, Splits, by_hand, describe, fetch, is_here, labelled_parts, load, megabytes
from genlab.data.recipe import PLUS
from genlab.data.spec import PartName
from genlab.data.summary import Map, examples, nearest, neighbours, scattered, summarise
from genlab.errors import BadSetting, GenlabError
from genlab.maps import methods, project
from genlab.paths import current_space
from genlab.quality.review import worst_of
from genlab.ui.kit.naming import may_be_class
from genlab.ui.kit.pictures import data_uri, wall
from genlab.ui.kit.shared import QUIET, Kept, Request, Shared, at_edge, dataset_choices, drawing, on_all_cores, served
from genlab.ui.kit.widgets import widget
from genlab.ui.server.preset import current
from genlab.ui.tabs.data import drawing_card, quality_card, story_card, tokens_card
from genlab.ui.tabs.data.import_card import import_card, own_card
from genlab.ui.tabs.data.quality_card import checked_rows, found_in
from genlab.ui.words import say

COLUMNS, LINES, MOST_CLASSES = 16, 10, 20  # of the gallery
TEXTS, EXCERPT, DOCUMENT = 24, 400, 20_000  # that are read in the gallery, and characters of each there and of one alone
BEFORE = 60  # characters of an excerpt before what was looked for
MOST_ROWS = 60_000  # of the map
PAUSE = 0.2  # seconds between two looks at how far a download is
QUICK = "pixels"  # the map that is made at once; the others wait in the queue

_maps = Kept(16)  # those that took long


def build(shared: Shared) -> None:
    """Three widgets that follow the dataset picker; each asks for its own part, so the quick ones do not wait."""
    with gr.Row(elem_classes="data-tab"):
        for name, answers, events in (
            ("gallery", [gallery, item, may_be_class], ["fetch", "leave"]),
            ("facts", [facts], []),
            ("map", [plane, thumbnail, suspicion], ["arrange", "leave"]),
        ):
            with gr.Column(min_width=300):
                card = widget(f"tabs/data/{name}", answers, events)
                if name == "gallery":
                    again = {**QUIET, "trigger_mode": "multiple"}  # also while the one before, which was left, has not ended
                    fetched = card.fetch(_fetch, None, [card, shared.dataset_picker], concurrency_id="fetch", **again)
                    card.leave(None, None, None, cancels=[fetched], **QUIET)
                    import_card(shared)
                if name == "map":
                    made = card.arrange(_arrange, None, card, concurrency_id="map", trigger_mode="multiple", **QUIET)
                    card.leave(None, None, None, cancels=[made], **QUIET)
    tokens_card.build()
    story_card.build()
    quality_card.build(shared)
    own_card(shared)
    drawing_card.build(shared)


class Wish(Request):
    """What the tab's widgets ask about."""

    dataset: str
    seed: int = Field(0, ge=0, lt=2**31)  # of the choice of examples
    row: int = 0  # of the training part
    rows: list[int] | None = Field(None, max_length=MOST_ROWS)  # that were chosen on the map; None for all
    part: PartName = "train"  # that the gallery shows
    done: list[int] = Field([], max_length=MOST_ROWS)  # ids that were given a class, and need not be shown again
    method: str = Field(QUICK, max_length=40)  # of the map
    search: str = Field("", max_length=200)  # what the texts shown are to have in them
    turn: int = 0  # which wish it is, so that an answer to the same one as before is known


def drawn(answer: Callable[[Wish, Splits], dict[str, Any]]) -> Callable[[object], dict[str, Any]]:
    """An answer about a dataset; opening it may take long, and is done before one waits for a place to draw."""

    def checked(asked: object) -> dict[str, Any]:
        wish = Wish.check(asked)
        if not is_here(wish.dataset):
            return {"absent": _absence(wish.dataset)}
        splits = load(wish.dataset)
        with drawing():
            return answer(wish, splits)

    checked.__name__ = answer.__name__  # not more: Gradio counts the arguments of what it finds to be wrapped
    return served(checked)


def _absence(name: str) -> dict[str, Any]:
    """What is to be known of a dataset that has to be fetched first."""
    size = megabytes(SOURCES[name.partition(PLUS)[0]].download)
    return {
        "about": describe(name.partition(PLUS)[0]).description,
        "size": size,
        "hand": by_hand(name),
        "may": not current().public,
    }


@at_edge
def _fetch(event: gr.EventData) -> Iterator[tuple[dict[str, Any], object]]:
    """Fetch a dataset that was asked for; the picker then no longer tells its size."""
    name = Wish.check(event._data).dataset
    try:
        if current().public:
            raise BadSetting(say("public.fetch"))
        shown = 0.0
        for progress in fetch(name):
            if time.monotonic() - shown > PAUSE:
                yield {"fetching": name, "done": progress.done, "total": progress.total}, gr.skip()
                shown = time.monotonic()
        load(name)
        yield {"fetched": name}, gr.update(choices=dataset_choices())
    except GenlabError as fault:
        yield {"fetching": name, "error": str(fault)}, gr.skip()


@drawn
def gallery(wish: Wish, splits: Splits) -> dict[str, Any]:
    """Random examples of each class as one sprite; of what is seen together, on the map, only how many there are."""
    parts, total = labelled_parts(splits.name), sum(map(len, splits.parts.values()))
    part = wish.part if wish.part in parts else "train"
    data = splits.parts[part]
    if data.spec.kind.together:
        return {"together": True, "total": total, "classes": data.spec.classes, "groups": []}
    chosen = torch.arange(len(data)) if wish.rows is None else torch.tensor(checked_rows(splits, wish.rows), dtype=torch.long)
    found = _having(data, chosen, wish.search) if data.spec.kind.reads else chosen
    shown = found[~torch.isin(data.id[found], torch.tensor(wish.done, dtype=torch.long))]
    groups = _groups(data, shown, wish.seed)
    return {
        "source": load(splits.name.partition(PLUS)[0]).train.fingerprint,
        "total": total,
        "things": data.spec.kind.named(total),
        "chosen": None if wish.rows is None else data.id[chosen].tolist(),
        "classes": data.spec.classes,
        "parts": parts,
        "part": part,
        "columns": COLUMNS,
        **(_texts(data, groups, wish.search, len(found)) if data.spec.kind.reads else _pictures(data, groups)),
    }


def _pictures(data: Dataset, groups: list[tuple[str, Tensor, int]]) -> dict[str, Any]:
    """Examples that are looked at."""
    pictures = torch.cat([_filled(data, rows, COLUMNS * lines) for _, rows, lines in groups])
    return {
        "shape": pictures.shape[1:],
        "values": data.spec.shape if data.spec.kind.gaps else None,  # values, and channels, of the longest
        "sprite": wall(pictures, COLUMNS),
        "groups": [
            {"name": name, "rows": rows.tolist(), "ids": data.id[rows].tolist(), "lines": lines} for name, rows, lines in groups
        ],
    }


def _texts(data: Dataset, groups: list[tuple[str, Tensor, int]], search: str, found: int) -> dict[str, Any]:
    """Examples that are read, where there was something to look for those that have it in them."""
    each, told = max(2, TEXTS // len(groups)), []
    for name, rows, _ in groups:
        rows = rows[:each]
        texts = [_excerpt(data.spec.kind.told(item), search) for item in data.read(rows)]
        told.append({"name": name, "rows": rows.tolist(), "ids": data.id[rows].tolist(), "texts": texts})
    return {"reads": True, "found": found, "longest": data.base.shape[1], "groups": told}


def _excerpt(text: str, search: str = "", most: int = EXCERPT) -> str:
    """The beginning of a text, or what stands around the place where something was found."""
    start = max(0, text.lower().find(search.lower()) - BEFORE) if search else 0
    return f"{'…' if start else ''}{text[start : start + most]}{'…' if len(text) > start + most else ''}"


def _having(data: Dataset, rows: Tensor, search: str) -> Tensor:
    """Those of some rows whose texts have something in them, in whatever case."""
    if not search:
        return rows
    told = data.spec.kind.told
    found = [
        search.lower() in told(item).lower()
        for start in range(0, len(rows), 4096)
        for item in data.read(rows[start : start + 4096])
    ]
    return rows[torch.tensor(found, dtype=torch.bool)]


def _groups(data: Dataset, shown: Tensor, seed: int) -> list[tuple[str, Tensor, int]]:
    """Classes with some of their rows and as many lines; what has no class comes first, and has half of the room."""
    found = [shown[rows] for rows in examples(data[shown], COLUMNS * LINES, seed)]
    names, bare = data.spec.classes[:MOST_CLASSES], found[len(data.spec.classes) :]
    room = LINES // 2 if names and bare else LINES
    each = max(1, round(room / max(1, len(names))))
    groups = [*(("", rows, room) for rows in bare), *((name, rows, each) for name, rows in zip(names, found, strict=False))]
    return [(name, rows[: COLUMNS * lines], lines) for name, rows, lines in groups]


@drawn
def item(wish: Wish, splits: Splits) -> dict[str, Any]:
    """One item and those nearest to it in the training part."""
    part, row = _alone(wish, splits)
    data, label = splits.train, _label(part, row)
    near = neighbours(data, row, 6) if wish.part == "train" else nearest(data, part.read([row])[0], 6)
    return {
        **_seen(part, row, DOCUMENT),
        "label": label,
        "searched": near.searched,
        "neighbours": [
            {
                "row": other,
                "distance": distance,
                "label": _label(data, other),
                "differs": _label(data, other) != label,
                **_seen(data, other, BEFORE),
            }
            for other, distance in zip(near.rows.tolist(), near.distances.tolist(), strict=True)
        ],
    }


def _seen(data: Dataset, row: int, most: int) -> dict[str, str]:
    """An item as the page shows it: its picture, or where it is read so many characters of it."""
    kind = data.spec.kind
    return (
        {"text": _excerpt(kind.told(data.read([row])[0]), most=most)}
        if kind.reads
        else {"image": data_uri(data.pictures([row])[0])}
    )


@drawn
def facts(wish: Wish, splits: Splits) -> dict[str, Any]:
    """Counts of the classes and parts, and what the kind of data tells of all items."""
    data, found = splits.train, summarise(splits.train)
    pictures = found.facts.pictures
    return {
        "balance": [{"name": name, "n": n} for name, n in zip(data.spec.classes, data.counts.tolist(), strict=True)],
        "parts": [{"name": name, "n": len(part)} for name, part in splits.parts.items()],
        "unlabelled": int((data.label < 0).sum()),
        "units": f"{data.spec.kind.unit}s",
        "things": data.spec.kind.things,
        "measured": found.measured,
        "numbers": found.facts.numbers,
        "shares": found.facts.shares,
        "means": None if pictures is None else {"shape": pictures.shape[1:], "images": [*map(data_uri, pictures)]},
        "places": {name: places.tolist() for name, places in found.facts.places.items()} or None,
    }


@drawn
def plane(wish: Wish, splits: Splits) -> dict[str, Any]:
    """The map's points with coordinates in [0, 1]; points themselves lie where they are in the plane."""
    data, found = splits.train, _map(splits, wish.method)
    reach = data.spec.kind.reach
    low, high = (found.points.min(0).values, found.points.max(0).values) if reach is None else (-reach, torch.tensor(reach))
    x, y = ((found.points - low) / (high - low).clamp(min=1e-12)).T
    return {
        "shape": (1, *data.spec.kind.size(data.spec.shape)),
        "reach": reach,
        "things": data.spec.kind.things,
        "units": f"{data.spec.kind.unit}s",
        "classes": data.spec.classes,
        "method": wish.method,
        "methods": methods() if reach is None else [],
        "rows": found.rows.tolist(),
        "labels": data.label[found.rows].tolist(),
        "x": [round(v, 4) for v in x.tolist()],
        "y": [round(v, 4) for v in y.tolist()],
        "shares": found.shares,
    }


def _map(splits: Splits, method: str) -> Map:
    """Where the map shows which items: points where they are, others by a method whose work is done."""
    if splits.spec.kind.reach is not None:
        rows = scattered(splits.train)
        return Map(rows, splits.train.inputs(rows))
    found = project(splits.train, method) if method == QUICK else _maps.find(_key(splits, method))
    if found is None:
        raise BadSetting(say("data.not_arranged", method=method))
    return found


def _key(splits: Splits, method: str) -> tuple[object, ...]:
    return current_space(), splits.name, splits.train.fingerprint, method


@at_edge
def _arrange(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """Make a map that takes a while; the widget then asks for it."""
    wish = Wish.check(event._data)
    try:
        splits = load(wish.dataset)
        _alone(wish, splits)
        for found in on_all_cores(project(splits.train, wish.method) for _ in range(1)):
            _maps.put(_key(splits, wish.method), found)
            yield {"arranged": wish.dataset, "method": wish.method, "turn": wish.turn}
    except GenlabError as fault:
        yield {"turn": wish.turn, "error": str(fault)}


@drawn
def suspicion(wish: Wish, splits: Splits) -> dict[str, Any]:
    """For each point of the map the issue that it is suspected of, if any, and the highest score that a check gives it."""
    findings = found_in(splits).findings
    rows = _map(splits, wish.method).rows
    worst, scores = worst_of(findings)
    return {
        "issues": [finding.name for finding in findings],
        "worst": worst[rows].tolist(),
        "scores": [round(score, 3) for score in scores[rows].tolist()],
    }


@drawn
def thumbnail(wish: Wish, splits: Splits) -> dict[str, Any]:
    """One image."""
    data, row = _alone(wish, splits)
    return {"image": data_uri(data.pictures([row])[0])}


def _alone(wish: Wish, splits: Splits) -> tuple[Dataset, int]:
    """The part, by default that to train on, and the row in it that is asked for."""
    part = splits.parts[wish.part]
    if splits.spec.kind.together:
        raise BadSetting(say("data.no_images", dataset=splits.name, things=splits.spec.kind.things))
    if not 0 <= wish.row < len(part):
        raise BadSetting(say("data.no_such_row", row=wish.row, last=len(part) - 1))
    return part, wish.row


def _label(data: Dataset, row: int) -> str:
    label = int(data.label[row])
    return "" if label < 0 else data.spec.classes[label]


def _filled(data: Dataset, rows: Tensor, n: int) -> Tensor:
    """Pictures of the items at `rows`, black ones after them up to n."""
    pictures = data.pictures(rows if len(rows) else [0])[: len(rows)]
    return torch.cat([pictures, pictures.new_zeros(n - len(pictures), *pictures.shape[1:])])
