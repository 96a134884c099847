"""Fairness: Gradio's queue of events, in which nobody waits for another's, and nothing stays that nobody reads."""

import secrets
import time
from asyncio import Queue as AsyncQueue
from collections import Counter
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gradio.queueing import Event, Queue

from genlab.ui.server.preset import current
from genlab.ui.server.spaces import visitor_of
from genlab.ui.words import say

UNREAD = 30.0  # seconds without a reader after which a page has been left; one that is open asks every ten
MOST_UNREAD = 100  # messages to one page


class Letters(AsyncQueue):
    """The messages to one open page, and when it last asked for one."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = time.monotonic()

    async def get(self) -> Any:
        self.asked = time.monotonic()
        return await super().get()

    @property
    def unread(self) -> bool:
        return time.monotonic() - self.asked > UNREAD or self.qsize() > MOST_UNREAD


class FairQueue(Queue):
    """Takes so many events of each visitor; of those that wait, whoever has the fewest running goes first."""

    def __init__(self, blocks: Any, most: int, at_once: int) -> None:
        super().__init__(True, blocks.max_threads, 1, most, blocks, at_once)
        self._visitors: WeakKeyDictionary[Event, Path | None] = WeakKeyDictionary()
        self._cleared = 0.0

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        self._clear()
        most, whose = current().joined, visitor_of(request)
        mine = sum(self._visitors.get(event) == whose for event in self.event_ids_to_events.values())
        if most is not None and mine >= most:
            return False, say("public.joined", n=mine), "queue_full"
        body.session_hash = body.session_hash or secrets.token_hex(16)
        letters = self.pending_messages_per_session.get(body.session_hash)
        if isinstance(letters, Letters):
            letters.asked = time.monotonic()  # it will be read from now on
        else:
            self.pending_messages_per_session[body.session_hash] = Letters()
        taken, told, state = await super().push(body, request, username)
        if taken and (event := self.event_ids_to_events.get(told)):
            self._visitors[event] = whose
            request.state.event = event  # whose work ends when nobody waits for it any longer
        return taken, told, state

    async def process_events(self, events: list[Event], *rest: Any) -> None:
        try:
            await super().process_events(events, *rest)
        finally:
            for event in events:
                event.alive = False  # done, or cancelled while a thread still works for it

    def send_message(self, event: Event, event_message: Any) -> None:
        if self._left(event.session_hash):
            event.alive = False  # which ends it
        elif event.session_hash in self.pending_messages_per_session:
            super().send_message(event, event_message)

    def get_events(self) -> Any:
        self._clear()
        running = Counter(self._visitors.get(event) for job in self.active_jobs for event in job or ())
        for waiting in self.event_queue_per_concurrency_id.values():
            waiting.queue.sort(key=lambda event: running[self._visitors.get(event)])
        return super().get_events()

    def _clear(self) -> None:
        """Forget, once a second, the events and messages of pages that were left."""
        if time.monotonic() - self._cleared < 1:
            return
        self._cleared = time.monotonic()
        for waiting in self.event_queue_per_concurrency_id.values():
            for event in [event for event in waiting.queue if self._left(event.session_hash)]:
                waiting.queue.remove(event)
                self.event_ids_to_events.pop(event._id, None)
        alive = {event.session_hash for event in self.event_ids_to_events.values()}
        for session in [session for session in self.pending_messages_per_session if session not in alive and self._left(session)]:
            del self.pending_messages_per_session[session]
            self.pending_event_ids_session.pop(session, None)

    def _left(self, session: str) -> bool:
        letters = self.pending_messages_per_session.get(session)
        return isinstance(letters, Letters) and letters.unread
