"""Uploads: the files in Gradio's folder, which strangers send and are sent; they count for whoever they are of, and go soon."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder

from genlab.errors import BadData
from genlab.paths import current_space
from genlab.ui.server.preset import current
from genlab.ui.words import say

UNUSED = 600.0  # seconds after which a file that nobody has used goes
LEAST = 4096  # bytes that a file counts at least


@dataclass(eq=False)
class Sent:
    """What came with one request, or what was made for one."""

    whose: Path | None
    size: int
    files: frozenset[Path] = frozenset()
    at: float = 0.0


class Uploads:
    """Who has sent what; on a page that is not public nothing is counted."""

    def __init__(self) -> None:
        self._sent: list[Sent] = []
        self._lock = threading.Lock()

    def room(self, whose: Path | None) -> int:
        """The bytes that a visitor may still send."""
        caps = current()
        if caps.uploads is None or caps.all_uploads is None:
            return caps.request
        with self._lock:
            own = sum(sent.size for sent in self._sent if sent.whose == whose)
            return max(0, min(caps.uploads - own, caps.all_uploads - sum(sent.size for sent in self._sent)))

    @contextmanager
    def coming(self, whose: Path | None, size: int) -> Iterator[Sent]:
        """Count so many bytes while they come, and what came of them afterwards."""
        sent = Sent(whose, size, at=time.monotonic())
        with self._lock:
            self._sent.append(sent)
        try:
            yield sent
        finally:
            sent.at = time.monotonic()  # what was cut off may lie there, too

    def owns(self, path: Path) -> bool:
        """Whether a file was sent by this visitor; it is in use then, and stays a while longer."""
        with self._lock:
            own = [sent for sent in self._sent if path in sent.files and sent.whose == current_space()]
            for sent in own:
                sent.at = time.monotonic()
        return bool(own) or not current().public

    def made(self, path: Path) -> None:
        """Count a file that is handed out to this visitor; it takes the place of the oldest that were."""
        if not current().public:
            return
        size = path.stat().st_size
        while self.room(current_space()) < size and (oldest := self._oldest_of(current_space())):
            self._remove(oldest)
        if self.room(current_space()) < size:
            path.unlink(missing_ok=True)
            raise BadData(say("public.full"))
        with self._lock:
            self._sent.append(Sent(current_space(), max(size, LEAST), frozenset([path]), time.monotonic()))

    def drop(self, paths: Iterable[Path]) -> None:
        """Remove files that this visitor no longer needs."""
        gone = frozenset(paths)
        with self._lock:
            for sent in [sent for sent in self._sent if sent.whose == current_space() and sent.files & gone]:
                sent.files -= gone
                if not sent.files:
                    self._sent.remove(sent)
            unused = gone - self._used()
        _unlink(unused)

    def sweep(self) -> None:
        """Remove what nobody has used for long, and what was left of uploads that were cut off."""
        for sent in [sent for sent in self._sent if time.monotonic() - sent.at > UNUSED]:
            self._remove(sent)
        for left in Path(get_upload_folder()).glob("tmp*"):
            with suppress(OSError):
                if left.is_file() and time.time() - left.stat().st_mtime > UNUSED:
                    left.unlink()

    def _remove(self, sent: Sent) -> None:
        with self._lock:
            with suppress(ValueError):  # another thread was quicker
                self._sent.remove(sent)
            unused = sent.files - self._used()
        _unlink(unused)

    def _used(self) -> frozenset[Path]:
        return frozenset().union(*(sent.files for sent in self._sent))

    def _oldest_of(self, whose: Path | None) -> Sent | None:
        with self._lock:
            return min((sent for sent in self._sent if sent.whose == whose), key=lambda sent: sent.at, default=None)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # a file of the same content and another name lies there, too
            path.parent.rmdir()


UPLOADS = Uploads()
