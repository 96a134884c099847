"""The drawing card of the Data tab: points put on the plane with mouse or finger become a dataset."""

from typing import Any

from pydantic import Field

from genlab.data import save_drawing
from genlab.data.drawing import CLASSES, LEAST, MOST
from genlab.ui.kit.shared import QUIET, Request, Shared, pick_dataset, served
from genlab.ui.kit.widgets import widget
from genlab.ui.server.spaces import check_room


def build(shared: Shared) -> None:
    """One widget; what it saves is chosen at once."""
    card = widget("tabs/data/drawing", [drawing_limits, drawing_save], ["drawn"])
    card.drawn(pick_dataset, None, shared.dataset_picker, **QUIET)


class Drawing(Request):
    name: str = Field(max_length=200)
    points: list[list[float]] = Field(max_length=10 * MOST)
    colours: list[int] = Field(max_length=10 * MOST)


@served
def drawing_limits(wish: object) -> dict[str, Any]:
    """How many points a drawing may have, and the names of its colours."""
    Request.check(wish)
    return {"least": LEAST, "most": MOST, "classes": CLASSES}


@served
def drawing_save(wish: object) -> dict[str, Any]:
    """Keep a drawing as a dataset."""
    asked = Drawing.check(wish)
    check_room()
    return {"name": save_drawing(asked.name.strip(), asked.points, asked.colours).name}
