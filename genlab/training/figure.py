"""The loss curves of a run as a figure for a card, a report or a slide."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.messages import Message

TEAL, AMBER, GREY = "#0f766e", "#b45309", "#6b7280"


def draw_curves(history: Sequence[Mapping[str, Any]], unit: str) -> bytes:
    """A PNG of the training losses by player and of the held-out loss, over steps."""
    from matplotlib.figure import Figure  # slow to import; without pyplot, which would keep every figure open

    figure = Figure(figsize=(7, 3.5), dpi=120)
    axes = figure.add_axes((0.1, 0.14, 0.87, 0.77))  # found by hand: to have it found takes longer than to draw
    steps = [record["step"] for record in history]
    for player, colour in zip(history[-1]["losses"], (TEAL, GREY), strict=False):
        label = str(Message("{player}, training", player=player))
        axes.plot(steps, [record["losses"][player] for record in history], color=colour, linewidth=1, label=label)
    held_out = [(record["step"], record["held_out"]) for record in history if record["held_out"] is not None]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), color=AMBER, linewidth=1.5, label="held out")
    losses = [loss for record in history for loss in record["losses"].values()]
    if min(losses) > 0 and max(losses) > 8 * min(losses):
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_title(unit, fontsize=9, color=GREY, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
