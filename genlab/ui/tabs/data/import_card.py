"""The import card of the Data tab: upload, choose folders, watch, and read what became of each file; delete what is yours."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gradio as gr
import numpy as np
import torch

from genlab.config import Field
from genlab.data import delete_dataset, describe
from genlab.data.importer import MOST_CLASSES
from genlab.data.importing import Progress, import_files, look_at, summary, table_of
from genlab.data.library import free_name
from genlab.errors import BadSetting, GenlabError
from genlab.images import png, wall
from genlab.paths import current_space
from genlab.ui.kit.naming import may_be_class
from genlab.ui.kit.shared import QUIET, Request, Shared, at_edge, dataset_choices, opening, refusal, served
from genlab.ui.kit.uploaded import limits_here, uploads
from genlab.ui.kit.widgets import widget
from genlab.ui.server.spaces import IMPORTS, check_room, measure
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say

MOST_PACKED = 65_000  # files in a zip that a browser makes
ROWS = 50  # of one page of the table


def import_card(shared: Shared) -> None:
    """The way in; the import itself runs in the queue, and ends as soon as nobody looks."""
    card = widget("tabs/data/import", [may, look, forget, may_be_class], ["begin", "leave"])
    begun = card.begin(_bring, None, [card, shared.dataset_picker], concurrency_id="import", concurrency_limit=IMPORTS, **QUIET)
    card.leave(None, None, None, cancels=[begun], **QUIET)


def own_card(shared: Shared) -> None:
    """What became of the files of the dataset that is picked, where it is one's own; and its end."""
    widget("tabs/data/own", [files, remove], ["removed"]).removed(_removed, None, shared.dataset_picker, **QUIET)


class Given(Request):
    paths: list[str] = Field(min_length=1, max_length=2000)


class Told(Given):
    """What is uploaded, and what a person says of its layout, and of how texts are read."""

    classes: str = "auto"
    parts: dict[str, str] = Field({})
    what: str = "auto"
    cut: str = "auto"
    column: str = ""
    encoding: str = "auto"

    @property
    def reading(self) -> dict[str, Any]:
        return self.model_dump(include={"classes", "parts", "what", "cut", "column", "encoding"})


class Sizes(Request):
    files: int = Field(ge=0)
    bytes: int = Field(ge=0)


class Wish(Told):
    name: str
    folders: list[str] | None  # None for all
    size: int | None = None
    mode: str = "auto"
    copies: str = "once"


class Page(Request):
    dataset: str
    page: int = Field(0, ge=0)
    skipped: bool = False  # those alone


class Named(Request):
    dataset: str


@served
def may(data: object) -> dict[str, Any]:
    """Whether so many files may be brought along, before they are uploaded."""
    sizes, limits = Sizes.check(data), limits_here()
    most = min(limits.files, MOST_PACKED)
    if sizes.files > most:
        raise BadSetting(say("import.too_many", n=sizes.files, most=most))
    free = UPLOADS.room(current_space())
    if free < sizes.bytes <= limits.upload:
        raise BadSetting(say("public.uploads", mb=free // 2**20))
    if sizes.bytes > limits.upload:
        raise BadSetting(say("import.too_heavy", mb=sizes.bytes / 2**20, most=limits.upload / 2**20))
    return {}


@served
def look(data: object) -> dict[str, Any]:
    """What is understood of the folders of what was uploaded, with a few pictures, and a name that is free."""
    told = Told.check(data)
    paths = uploads(told.paths)
    with opening():
        found = look_at(paths, limits_here(), **told.reading)
    cells: dict[str, dict[str, Any]] = {}
    for (part, label), n in found.cells.items():
        shown = {"picture": _strip(found.pictures.get((part, label))), "excerpts": found.excerpts.get((part, label), ())}
        cells.setdefault(label, {})[part] = {"n": n, **shown}
    return {
        "files": found.files,
        "folders": [{"name": name, "n": n} for name, n in found.folders.items()],
        "most": MOST_CLASSES,
        "parts": found.counts,
        "cells": cells,
        "levels": found.levels,
        "asked": found.parts,
        "columns": found.columns,
        "told": found.told,
        "what": found.what,
        "others": found.others,
        "read": {"cut": found.cut, "column": found.text, "columns": found.texts} if found.cut else None,
        "name": free_name(paths[0].stem if len(paths) == 1 else f"my-{found.what}"),
    }


def _strip(pictures: np.ndarray | None) -> str | None:
    """Some pictures side by side, as an address that a page shows."""
    if pictures is None:
        return None
    return f"data:image/png;base64,{b64encode(png(wall(torch.from_numpy(pictures.copy()), len(pictures)))).decode()}"


@served
def forget(data: object) -> dict[str, Any]:
    """Remove what was uploaded."""
    UPLOADS.drop(uploads(Given.check(data).paths))
    return {}


@at_edge
def _bring(event: gr.EventData) -> Iterator[tuple[dict[str, Any], object]]:
    """Import what was uploaded; the picker goes to the new dataset."""
    try:
        check_room()
        wish = Wish.check(event._data)
        paths = uploads(wish.paths)
        name = wish.name.strip()
        steps = import_files(paths, name, wish.folders, wish.size, wish.mode, limits_here(), copies=wish.copies, **wish.reading)
        try:
            with closing(steps):
                for progress in steps:
                    yield _record(progress), gr.skip()
        finally:
            if space := current_space():
                measure(space)
        UPLOADS.drop(paths)
        yield (
            {"imported": name, "kept": sum(verdict.kept for verdict in table_of(name)), "total": len(table_of(name))},
            gr.update(choices=dataset_choices(), value=name),
        )
    except GenlabError as fault:
        yield refusal(fault), gr.skip()


def _record(progress: Progress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in ("doing", "done", "total", "kept", "skipped")}


@served
def files(data: object) -> dict[str, Any]:
    """A page of what became of the files of a dataset, and whether it is one's own."""
    asked = Page.check(data)
    table = table_of(asked.dataset) if (own := describe(asked.dataset).own) else ()
    shown = [verdict for verdict in table if not (asked.skipped and verdict.kept)]
    rows = shown[asked.page * ROWS : (asked.page + 1) * ROWS]
    return {
        "own": own,
        "about": describe(asked.dataset).description,
        "summary": summary(table),
        "total": len(table),
        "skipped": sum(not verdict.kept for verdict in table),
        "pages": -(-len(shown) // ROWS),
        "rows": [
            {"file": v.file, "kept": v.kept, "words": v.words, "part": v.part, "row": v.row, "items": v.items} for v in rows
        ],
    }


@served
def remove(data: object) -> dict[str, Any]:
    """Delete a dataset of one's own."""
    delete_dataset(Named.check(data).dataset)
    return {}


@at_edge
def _removed() -> object:
    choices = dataset_choices()
    return gr.update(choices=choices, value=choices[0][1])
