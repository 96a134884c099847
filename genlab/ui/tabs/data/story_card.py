"""The story card of the Data tab: break it, find it, fix it, with three models that train meanwhile."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

import genlab
from genlab.errors import GenlabError
from genlab.ui.kit.pictures import wall
from genlab.ui.kit.shared import QUIET, Request, at_edge, on_all_cores
from genlab.ui.kit.widgets import widget

COLUMNS = 10  # of a wall, a class each


def build() -> None:
    """One widget; the story is told to one visitor at a time, and ends as soon as nobody listens."""
    card = widget("tabs/data/story", events=["begin", "leave"])
    told = card.begin(_tell, None, card, concurrency_id="story", concurrency_limit=1, trigger_mode="multiple", **QUIET)
    card.leave(None, None, None, cancels=[told], **QUIET)


class Begun(Request):
    turn: int  # which telling it is


@at_edge
def _tell(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """A record a scene."""
    asked = Begun.check(event._data)
    try:
        for scene in on_all_cores(genlab.story.tell()):  # loads what trains only now
            walls = {name: wall(pixels, COLUMNS) for name, pixels in scene.walls.items()}
            yield {"turn": asked.turn, "step": scene.step, "facts": scene.facts, "walls": walls}
    except GenlabError as fault:
        yield {"turn": asked.turn, "error": str(fault)}
