"""Places: the few things that can be done at once, shared by all who ask; whoever has least goes first."""

import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from genlab.errors import BadSetting
from genlab.paths import current_space
from genlab.patience import go_on
from genlab.ui.words import say

PATIENCE = 20.0  # seconds that one waits for a place
LOOK = 0.5  # seconds between two looks at whether whoever waits is still there


@dataclass(eq=False)
class Ticket:
    """Somebody who waits."""

    whose: Hashable
    share: int  # how many places they may hold
    admitted: threading.Event = field(default_factory=threading.Event)


class Places:
    """So many at once in all; those who wait are let in by how many places they hold, then by how long they have waited."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: Counter[Hashable] = Counter()
        self._waiting: list[Ticket] = []
        self._lock = threading.Lock()

    @property
    def empty(self) -> bool:
        """Whether nobody holds a place."""
        return not self._held

    @contextmanager
    def one(self, share: int | None = None) -> Iterator[None]:
        """Hold a place, of which this visitor may have `share` (None: all); raises BadSetting where none gets free in time."""
        ticket, until = Ticket(current_space(), self.most if share is None else share), time.monotonic() + PATIENCE
        with self._lock:
            self._waiting.append(ticket)
            self._admit()
        try:
            while not ticket.admitted.wait(LOOK):
                if time.monotonic() > until:
                    raise BadSetting(say("page.busy"))
                go_on()
            yield
        finally:
            with self._lock:
                if ticket.admitted.is_set():
                    self._held -= Counter([ticket.whose])  # which forgets whoever holds none
                else:
                    self._waiting.remove(ticket)
                self._admit()

    def _admit(self) -> None:
        """Give away the places that are free; of those who wait, nobody else is woken."""
        while self._held.total() < self.most and (fitting := [one for one in self._waiting if self._held[one.whose] < one.share]):
            ticket = min(fitting, key=lambda one: self._held[one.whose])
            self._waiting.remove(ticket)
            self._held[ticket.whose] += 1
            ticket.admitted.set()
