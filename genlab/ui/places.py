"""Places: the few things that can be done at once, shared by all who ask; whoever has least goes first."""

import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from genlab.errors import BadSetting
from genlab.paths import current_space
from genlab.patience import go_on
from genlab.ui.words import say

PATIENCE = 20.0  # seconds that one waits for a place
LOOK = 0.5  # seconds between two looks at whether whoever waits is still there


class Places:
    """So many at once in all; those who wait are let in by how many places they hold, then by how long they have waited."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: Counter[Hashable] = Counter()
        self._waiting: list[tuple[Hashable, int]] = []  # by whom, and how many places they may hold
        self._changed = threading.Condition()

    @contextmanager
    def one(self, share: int | None = None) -> Iterator[None]:
        """Hold a place, of which this visitor may have `share` (None: all); raises BadSetting where none gets free in time."""
        whose = current_space()
        self._enter(whose, self.most if share is None else share)
        try:
            yield
        finally:
            with self._changed:
                self._held -= Counter([whose])  # which forgets whoever holds none
                self._changed.notify_all()

    def _enter(self, whose: Hashable, share: int) -> None:
        ticket, until = (whose, share), time.monotonic() + PATIENCE
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._may(ticket):
                    if time.monotonic() > until:
                        raise BadSetting(say("page.busy"))
                    go_on()
                    self._changed.wait(LOOK)
                self._held[whose] += 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _may(self, ticket: tuple[Hashable, int]) -> bool:
        free = self._held.total() < self.most
        return free and ticket == min(filter(self._fits, self._waiting), key=lambda other: self._held[other[0]], default=None)

    def _fits(self, ticket: tuple[Hashable, int]) -> bool:
        whose, share = ticket
        return self._held[whose] < share
