"""The quality cards of the Data tab: the report, the suspects, and damage and repair, which make recipes."""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import torch
from gradio.utils import get_upload_folder
from torch import Tensor

from genlab.config import Field
from genlab.data import Splits, change_recipe, describe, label, list_datasets, load, merge, recipe_of, save_recipe
from genlab.data.exporting import export
from genlab.data.recipe import PLUS, Recipe
from genlab.data.spec import PartName
from genlab.errors import BadSetting, GenlabError, UnknownName
from genlab.features import Features
from genlab.paths import current_space
from genlab.quality import DEFECTS, Finding, Report, draw, inspect, markdown, report
from genlab.quality.defect import kinds_of, takes
from genlab.quality.review import Decisions, changes, revise
from genlab.quality.wording import same_start
from genlab.registry import unknown
from genlab.training.run import list_runs
from genlab.ui.kit.pictures import wall
from genlab.ui.kit.shared import QUIET, Kept, Request, Shared, at_edge, drawing, on_all_cores, pick_dataset, searching, served
from genlab.ui.kit.widgets import widget
from genlab.ui.server.spaces import check_room
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say

COLUMNS, SHOWN = 7, 35  # suspects in a row of the sprite, and on a page
PAIRS = 16  # items that are shown before and after a change
EXCERPT, BEFORE = 140, 40  # characters of a document that are shown, and how many of them before what it is shown for
MOST = 200_000  # ids that one request may name
AGAIN = {**QUIET, "trigger_mode": "multiple"}  # also while the one before, which was left, has not ended
Value = bool | int | float | str


def build(shared: Shared) -> None:
    """One widget; looking runs in the queue, one after another, and ends as soon as nobody waits for it."""
    changing = [quality_damage, quality_merge, quality_label, quality_undo, quality_repair]
    answers = [quality_open, quality_suspects, *changing, quality_file]
    card = widget("tabs/data/quality", answers, ["export", "inspect", "leave", "made"])
    looking = card.inspect(_inspect, None, card, concurrency_id="quality", concurrency_limit=1, **AGAIN)
    card.leave(None, None, None, cancels=[looking], **QUIET)
    card.made(pick_dataset, None, shared.dataset_picker, **QUIET)
    ready = gr.DownloadButton(elem_id="data-export-file", elem_classes="unseen")
    zipped = card.export(_export, None, [card, ready], concurrency_id="export", concurrency_limit=1, **AGAIN)
    zipped.success(None, None, None, js="async () => (await genlab).tell('exported')", **QUIET)


class Asked(Request):
    dataset: str = Field(max_length=400)


class Turn(Asked):
    turn: int  # which look it is, or export, below 0, so that an answer that was overtaken is known


class Page(Asked):
    issue: str = Field(max_length=60)  # "" for the chosen rows themselves
    page: int = Field(0, ge=0)
    rows: list[int] | None = Field(None, max_length=MOST)  # those alone


class Change(Asked):
    name: str = Field(max_length=60)  # of the recipe that it becomes


class Damaging(Change):
    defect: str = Field(max_length=60)
    settings: dict[str, Value] = Field(max_length=20)
    seed: int = Field(ge=0, lt=2**31)


class Merging(Change):
    other: str = Field(max_length=400)


class Labelled(Request):
    name: str  # of the class, "" for none
    ids: list[int] = Field(max_length=MOST)


class Labelling(Change):
    given: dict[PartName, list[Labelled]]


class Undoing(Change):
    key: int


class Repairing(Change):
    issues: list[str] | None = Field(max_length=60)  # None for all
    keep: list[int] = Field(max_length=MOST)
    drop: list[int] = Field(max_length=MOST)
    relabel: dict[str, str] = Field(max_length=MOST)  # from id to class


class Filing(Asked):
    kind: Literal["json", "png", "md"]


@dataclass(frozen=True)
class Looked:
    """What was found in a dataset, kept for a while so that it can be opened, repaired and exported."""

    findings: tuple[Finding, ...]
    card: Report


_looked = Kept(16)


# --- Look ---


@served
def quality_open(data: object) -> dict[str, Any]:
    """The steps that made a dataset, what it can be damaged with, and what was found in it, if one has looked."""
    asked = Asked.check(data)
    splits, recipe = load(asked.dataset), recipe_of(asked.dataset)
    looked = _looked.find(_key(splits))
    return {
        "source": recipe.source,
        "steps": [{"key": step.key, "told": step.tell()} for step in recipe.steps],
        "name": _own_name(asked.dataset) or _free_name(recipe.source),
        "classes": splits.spec.classes,
        "others": _others(splits),
        "defects": [_defect(name, splits) for name in _defects(splits)],
        "looked": looked and {"issues": [*map(_issue, looked.findings)], "card": _card(looked.card)},
    }


@at_edge
def _inspect(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """Records of a look."""
    asked = Turn.check(event._data)
    try:
        for record in on_all_cores(_looks(load(asked.dataset))):
            yield {"turn": asked.turn, **record}
    except GenlabError as fault:
        yield {"turn": asked.turn, "error": str(fault)}


def _looks(splits: Splits) -> Iterator[dict[str, Any]]:
    """What is being looked for, and each finding as it comes; then the card, which is kept."""
    features, found, defects = Features(splits.train), [], _defects(splits)
    for done, defect in enumerate(defects, 1):
        yield {"looking": defect, "nth": done, "of": len(defects)}
        for finding in inspect(splits, features, [defect]):
            found.append(finding)
            yield {"issue": _issue(finding)}
    yield {"scoring": True}
    card = report(splits, found, features)
    _looked.put(_key(splits), Looked(tuple(found), card))
    yield {"card": _card(card)}


@served
def quality_suspects(data: object) -> dict[str, Any]:
    """A page of the items that an issue is about, the worst first; or of those rows that were chosen."""
    asked = Page.check(data)
    splits = load(asked.dataset)
    finding = _finding(splits, asked.issue) if asked.issue else None
    rows = _wanted(splits, finding, asked.rows)
    shown = rows[asked.page * SHOWN : (asked.page + 1) * SHOWN]
    train, together, reads = splits.train, splits.spec.kind.together, splits.spec.kind.reads
    with drawing():
        numbers = train.inputs(shown) if together else None
        pictures = train.pictures(shown) if len(shown) and not together and not reads else None
        return {
            "total": len(rows),
            "pages": -(-len(rows) // SHOWN),
            "together": together,
            "reads": reads,
            "shape": None if pictures is None else pictures.shape[1:],
            "columns": COLUMNS,
            "sprite": None if pictures is None else wall(pictures, COLUMNS),
            "items": [
                _suspect(splits, finding, row) | ({} if numbers is None else {"at": numbers[i].tolist()})
                for i, row in enumerate(shown.tolist())
            ],
        }


@served
def quality_file(data: object) -> dict[str, str]:
    """The report card as JSON, as a picture, or as a data card in Markdown."""
    asked = Filing.check(data)
    card = found_in(load(asked.dataset)).card
    with drawing():
        content = {
            "json": lambda: (json.dumps(card.to_json(), indent=2, ensure_ascii=False) + "\n").encode(),
            "png": lambda: draw(card),
            "md": lambda: markdown(card).encode(),
        }[asked.kind]()
    return {"name": f"{asked.dataset}-quality.{asked.kind}", "content": base64.b64encode(content).decode()}


def _key(splits: Splits) -> tuple[object, ...]:
    return current_space(), splits.name, splits.train.fingerprint


def found_in(splits: Splits) -> Looked:
    """What was found in a dataset; raises UnknownName where nobody has looked."""
    looked = _looked.find(_key(splits))
    if looked is None:
        raise UnknownName(say("quality.not_looked", dataset=splits.name))
    return looked


def _finding(splits: Splits, issue: str) -> Finding:
    found = {finding.name: finding for finding in found_in(splits).findings}
    if issue not in found:
        raise UnknownName(unknown("issue", issue, list(found)))
    return found[issue]


def checked_rows(splits: Splits, rows: list[int]) -> list[int]:
    """Rows of the training part; raises BadSetting for one that there is not."""
    if strange := [row for row in rows if not 0 <= row < len(splits.train)]:
        raise BadSetting(say("data.no_such_row", row=strange[0], last=len(splits.train) - 1))
    return rows


def _wanted(splits: Splits, finding: Finding | None, rows: list[int] | None) -> Tensor:
    chosen = None if rows is None else torch.tensor(checked_rows(splits, rows), dtype=torch.long)
    if finding is None:
        return torch.empty(0, dtype=torch.long) if chosen is None else chosen
    suspects = finding.suspects
    return suspects if chosen is None else suspects[torch.isin(suspects, chosen)]


def _suspect(splits: Splits, finding: Finding | None, row: int) -> dict[str, Any]:
    names = [*splits.spec.classes, ""]  # label -1 finds the last
    told = {"id": int(splits.train.id[row]), "row": row, "label": names[int(splits.train.label[row])]}
    if splits.spec.kind.reads:
        place = 0 if finding is None or finding.places is None else int(finding.places[row])
        told["text"] = _excerpt(splits, row, place)
    if finding is not None:
        told["score"] = round(float(finding.scores[row]), 3)
        if finding.suggestions is not None:
            told["suggestion"] = names[int(finding.suggestions[row])]
    return told


def _excerpt(splits: Splits, row: int, place: int) -> str:
    """What a document says around a byte."""
    kind, item = splits.spec.kind, splits.train.read([row])[0]
    text = kind.told(item)
    return _around(text, len(kind.told(item[:place])))


def _around(text: str, place: int) -> str:
    """What stands around a place in a text, on one line."""
    start = max(0, min(place - BEFORE, len(text) - EXCERPT))
    shown = " ".join(text[start : start + EXCERPT].split())
    return f"{'…' if start else ''}{shown}{'…' if len(text) > start + EXCERPT else ''}"


def _issue(finding: Finding) -> dict[str, Any]:
    share = float(finding.flagged.float().mean())
    return {
        "name": finding.name,
        "count": finding.count,
        "share": share,
        "classes": finding.classes,
        "sentence": finding.sentence,
        "items": bool(finding.flagged.any()),
    }


def _card(card: Report) -> dict[str, Any]:
    return {
        "items": card.items,
        "classes": card.classes,
        "scores": [asdict(score) | {"told": score.told} for score in card.scores],
    }


def _defect(name: str, splits: Splits) -> dict[str, Any]:
    """A defect with its settings as a form needs them: the kinds that there are here; outliers come from another dataset."""
    defect = DEFECTS[name]
    settings, kinds = [asdict(setting) for setting in defect.Settings.fields()], kinds_of(defect, splits.spec.modality)
    for setting in settings:
        if setting["name"] == "dataset":
            setting["choices"] = _others(splits)
        if setting["name"] == "kind" and kinds is not None:
            setting["choices"] = kinds
    return {"name": name, "settings": settings}


def _defects(splits: Splits) -> list[str]:
    """The defects that such data can have."""
    return [name for name, defect in DEFECTS.items() if takes(defect, splits.spec.modality)]


def _others(splits: Splits) -> list[str]:
    """The sources and own datasets whose items could come in."""
    own = splits.name.partition(PLUS)[0]
    names = [name for name in list_datasets() if PLUS not in name and name != own]
    return [name for name in names if describe(name).modality == splits.spec.modality]


# --- Make: every change is a recipe that is kept ---


@served
def quality_damage(data: object) -> dict[str, Any]:
    """Damage the training part of a dataset."""
    asked = Damaging.check(data)
    return _made(asked, recipe_of(asked.dataset).then(asked.defect, asked.settings, asked.seed))


@served
def quality_merge(data: object) -> dict[str, Any]:
    """Add the training part of another dataset."""
    asked = Merging.check(data)
    return _made(asked, merge(asked.dataset, asked.other))


@served
def quality_label(data: object) -> dict[str, Any]:
    """Give items the classes that a person chose for them."""
    asked = Labelling.check(data)
    given = {part: {item: one.name for one in several for item in one.ids} for part, several in asked.given.items()}
    return _made(asked, label(asked.dataset, given))


@served
def quality_undo(data: object) -> dict[str, Any]:
    """Take one step out of a recipe."""
    asked = Undoing.check(data)
    return _made(asked, recipe_of(asked.dataset).without(asked.key))


@served
def quality_repair(data: object) -> dict[str, Any]:
    """Repair issues, and do what was decided of single items."""
    asked = Repairing.check(data)
    try:
        relabel = {int(i): name for i, name in asked.relabel.items()}
    except ValueError:
        raise BadSetting(say("page.request", what="relabel: ids are whole numbers")) from None
    decisions = Decisions(frozenset(asked.keep), frozenset(asked.drop), relabel)
    splits = load(asked.dataset)
    findings = found_in(splits).findings if asked.issues is None or asked.issues else ()
    with searching():
        recipe = revise(splits, findings, recipe_of(asked.dataset), asked.issues, decisions)
    return _made(asked, recipe)


def _made(asked: Change, recipe: Recipe) -> dict[str, Any]:
    """Keep a recipe: under the name of the dataset that it changes, or a new one; what it changed in numbers and pictures."""
    check_room()
    before, name = load(asked.dataset), asked.name.strip()
    with searching():
        if f"{recipe.source}{PLUS}{name}" != asked.dataset:
            after = save_recipe(name, recipe)
        elif any(run.record["dataset"] == asked.dataset for run in list_runs()):
            raise BadSetting(say("quality.trained_on", dataset=asked.dataset))
        else:
            after = change_recipe(asked.dataset, recipe)
        found = changes(before, after)
        counts = {kind: len(those) for kind, those in found.items()}
        sizes = {"before": len(before.train), "after": len(after.train)}
        return {"name": after.name, **sizes, **counts, "pairs": _pairs(before, after, found)}


def _pairs(before: Splits, after: Splits, found: dict[str, Tensor]) -> dict[str, Any] | None:
    """Some items of each kind of change as one sprite, as they were above what they are; None where all are one picture."""
    kinds = [kind for kind, those in found.items() if len(those)]
    if before.spec.kind.together or not kinds:
        return None
    each = -(-PAIRS // len(kinds))
    some = torch.cat([found[kind][:: -(-len(found[kind]) // each)] for kind in kinds])[:PAIRS]
    if before.spec.kind.reads:
        return _texts(before, after, some)
    was, now = _side(before, some[:, 0]), _side(after, some[:, 1])
    return {"shape": was[0].shape[1:], "was": was[1], "now": now[1], "sprite": wall(torch.cat([was[0], now[0]]), len(some))}


def _texts(before: Splits, after: Splits, some: Tensor) -> dict[str, Any]:
    """What documents said and say where they begin to differ."""
    texts = []
    for was, now in some.tolist():
        said = ["" if row < 0 else _text(data, row) for data, row in ((before, was), (after, now))]
        same = same_start(*said)
        texts.append([None if row < 0 else _around(text, same) for text, row in zip(said, (was, now), strict=True)])
    return {"texts": texts, "was": _labels(before, some[:, 0]), "now": _labels(after, some[:, 1])}


def _text(data: Splits, row: int) -> str:
    return data.spec.kind.told(data.train.read([row])[0])


def _side(data: Splits, rows: Tensor) -> tuple[Tensor, list[str | None]]:
    """Pictures of the items at these rows, black where there is none, and their classes."""
    items = data.train.pictures(rows.clamp(min=0))
    items[rows < 0] = 0
    return items, _labels(data, rows)


def _labels(data: Splits, rows: Tensor) -> list[str | None]:
    """The classes of the items at these rows; None where there is none."""
    names = [*data.spec.classes, ""]  # label -1 finds the last
    return [names[int(data.train.label[row])] if row >= 0 else None for row in rows.tolist()]


def _own_name(dataset: str) -> str:
    """The name of a kept recipe that may be changed: no run was trained on what it makes."""
    trained = any(run.record["dataset"] == dataset for run in list_runs())
    return "" if PLUS not in dataset or trained else dataset.partition(PLUS)[2]


def _free_name(source: str) -> str:
    """A name for a new recipe."""
    taken = list_datasets()
    names = ("edited" if i == 1 else f"edited-{i}" for i in range(1, len(taken) + 2))
    return next(name for name in names if f"{source}{PLUS}{name}" not in taken)


@at_edge
def _export(event: gr.EventData) -> Iterator[tuple[dict[str, Any], object]]:
    """The dataset as a zip, offered by a button that the page presses itself; the file goes some time later."""
    asked = Turn.check(event._data)
    try:
        folder = Path(get_upload_folder()) / secrets.token_hex(16)  # where Gradio takes no copy of it
        folder.mkdir(parents=True)
        file = folder / f"{asked.dataset.replace(PLUS, '-')}.zip"
        export(load(asked.dataset), file)
        UPLOADS.made(file)
        yield {"turn": asked.turn}, gr.update(value=str(file))
    except GenlabError as fault:
        yield {"turn": asked.turn, "error": str(fault)}, gr.skip()
