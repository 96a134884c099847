"""Training: the run directory (`run`), the loop (`train`), its process (`worker`), what is kept (`checkpoint`, `card`)."""

from typing import TYPE_CHECKING

from genlab.lazy import on_use

if TYPE_CHECKING:
    from genlab.training import alarms, card, estimate, extend, history, start, trackers, train

__all__ = ["alarms", "card", "estimate", "extend", "history", "start", "trackers", "train"]

__getattr__, __dir__ = on_use(__name__)
