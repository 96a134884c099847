"""Marking: the tray of favourites and rejected samples that the Sample tab shows, its export, and the dataset made of it."""

import base64
from typing import Any

from genlab.config import Field
from genlab.data.library import free_name
from genlab.errors import UnknownName
from genlab.marks import KINDS, Kind, Mark, export_marks, favourites_dataset, marks_of
from genlab.ui.kit.pictures import file_uri
from genlab.ui.kit.shared import Request, open_model, served
from genlab.ui.server.spaces import check_room
from genlab.ui.words import say

SHOWN = 18  # marks of a kind in the tray


class Which(Request):
    kind: Kind
    id: str = Field(max_length=40)


class Of(Request):
    """The model that is chosen."""

    model: str | None = Field(None, max_length=400)


def tray(model: str | None) -> dict[str, Any]:
    """How many samples of a model are marked, the newest of these, and how many of other models are."""
    shelves: dict[str, Any] = {}
    for kind in KINDS:
        marks = marks_of(kind)
        own = [mark for mark in marks if mark.told["model"] == model]
        shelves[kind] = {"n": len(own), "others": len(marks) - len(own), "newest": [_thumbnail(mark) for mark in own[:SHOWN]]}
    return shelves


@served
def unmark(data: object) -> dict[str, Any]:
    """Take a mark off that is shown in the tray."""
    asked = Which.check(data)
    found = [mark for mark in marks_of(asked.kind) if mark.id == asked.id]
    if not found:
        raise UnknownName(say("marks.gone"))
    found[0].remove()
    return {}


@served
def marks_zip(data: object) -> dict[str, str]:
    """All marks as a zip."""
    Request.check(data)
    return {"name": "marks.zip", "content": base64.b64encode(export_marks()).decode()}


@served
def marks_dataset(data: object) -> dict[str, Any]:
    """Make a dataset of the favourites that are as large as the images of the chosen model."""
    chosen = Of.check(data).model
    check_room()
    spec = open_model(chosen).model.spec if chosen else None
    made = favourites_dataset(free_name("my-favourites"), spec.shape if spec and spec.kind.pixels else None)
    return {"name": made.name, "n": sum(map(len, made.parts.values()))}


def _thumbnail(mark: Mark) -> dict[str, Any]:
    told = mark.told
    return {"id": mark.id, "image": file_uri(mark.path), "model": told["model"], "seed": told["seed"], "label": told["label"]}
