"""Marking: the tray of favourites and rejected samples that the Sample tab shows, its export, and the dataset made of it."""

import base64
from typing import Any

from genlab.config import Field
from genlab.data.library import free_name
from genlab.errors import UnknownName
from genlab.marks import KINDS, Kind, Mark, count_marks, export_marks, favourites_dataset, marks_of
from genlab.ui.draw import file_uri
from genlab.ui.shared import Request, served
from genlab.ui.spaces import check_room
from genlab.ui.words import say

SHOWN = 18  # marks of a kind in the tray


class Which(Request):
    kind: Kind
    id: str = Field(max_length=40)


def tray() -> dict[str, Any]:
    """How many marks there are, and the newest of them."""
    counts = count_marks()
    return {kind: {"n": counts[kind], "newest": [_thumbnail(mark) for mark in marks_of(kind)[:SHOWN]]} for kind in KINDS}


@served
def unmark(data: object) -> dict[str, Any]:
    """Take a mark off that is shown in the tray."""
    asked = Which.check(data)
    found = [mark for mark in marks_of(asked.kind) if mark.id == asked.id]
    if not found:
        raise UnknownName(say("marks.gone"))
    found[0].remove()
    return tray()


@served
def marks_zip(data: object) -> dict[str, str]:
    """All marks as a zip."""
    Request.check(data)
    return {"name": "marks.zip", "content": base64.b64encode(export_marks()).decode()}


@served
def marks_dataset(data: object) -> dict[str, Any]:
    """Make a dataset of the favourites."""
    Request.check(data)
    check_room()
    made = favourites_dataset(free_name("my-favourites"))
    return {"name": made.name, "n": sum(map(len, made.parts.values()))}


def _thumbnail(mark: Mark) -> dict[str, Any]:
    told = mark.told
    return {"id": mark.id, "image": file_uri(mark.path), "model": told["model"], "seed": told["seed"], "label": told["label"]}
