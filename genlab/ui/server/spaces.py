"""Spaces: on a public page each visitor's runs and datasets lie in a folder of their own, which goes when it is long unused."""

import logging
import math
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gradio.context import LocalContext
from starlette.requests import Request

from genlab.data import megabytes
from genlab.errors import BadData
from genlab.paths import current_space, in_space, visitors_folder
from genlab.training.worker import environment
from genlab.ui.server.preset import current
from genlab.ui.server.sweeper import Size, read, size_of
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say

COOKIE = "genlab-visitor"
_TOKEN = re.compile(rf"(?:^|;\s*){COOKIE}=([\w-]{{43}})\s*(?:;|$)", re.ASCII)
NOBODY = Path(os.devnull)  # nothing can lie under it: who has no cookie sees what ships with genlab, and keeps nothing
SWEEP = 60  # seconds
IMPORTS = 2  # at once
log = logging.getLogger("genlab")


@contextmanager
def visiting() -> Iterator[None]:
    """Enter the space of whoever asks for what is done meanwhile."""
    request = LocalContext.request.get(None)
    with in_space(space_of(request.headers.get("cookie") if request is not None else None)):
        yield


def space_of(cookies: str | None) -> Path | None:
    """The folder of the visitor with this Cookie header; None, the user of this machine, where the page is not public."""
    if not current().public:
        return None
    known = _TOKEN.search(cookies or "")
    if known is None:
        return NOBODY
    folder = visitors_folder() / sha256(known[1].encode()).hexdigest()[:32]
    if time.monotonic() > _used.get(folder, 0) + 1:  # at most once a second: one who drags asks a hundred times
        _used[folder] = time.monotonic()
        with suppress(FileNotFoundError):
            os.utime(folder)
    return folder


def visitor_of(asked: Request) -> Path | None:
    """Whoever asks, by their space; those without a cookie are told apart by where they ask from."""
    space = space_of(asked.headers.get("cookie"))
    return NOBODY / (asked.client.host if asked.client else "") if space == NOBODY else space


def cookie_for(cookies: str | None) -> str | None:
    """A Set-Cookie header for a visitor who is new to a public page."""
    if not current().public or _TOKEN.search(cookies or ""):
        return None
    framed = os.environ.get("SPACE_HOST")  # a Space is shown inside a page of another site
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; " + (
        "SameSite=None; Secure; Partitioned" if framed else "SameSite=Lax"
    )


def check_room(more: int = 0) -> None:
    """Raise BadData when a visitor has used up their part of the disk, or all have that of all; `more` bytes are to come."""
    caps, space = current(), current_space()
    if space is None or caps.disk is None or caps.visitor_disk is None or caps.visitor_files is None:
        return
    own = measure(space)
    if own.bytes + more > caps.visitor_disk or own.files >= caps.visitor_files:
        told = {"used": megabytes(own.bytes), "files": own.files, "most": megabytes(caps.visitor_disk)}
        raise BadData(say("public.yours", **told, most_files=caps.visitor_files))
    if _all() + more > caps.disk:
        raise BadData(say("public.full"))


def room() -> int | None:
    """The bytes that this visitor's import may keep, whatever others import meanwhile; None for as many as the disk has."""
    caps, space = current(), current_space()
    if space is None or caps.disk is None or caps.visitor_disk is None:
        return None
    own = measure(space)
    return max(0, min(caps.visitor_disk - own.bytes, (caps.disk - _all()) // IMPORTS))


def measure(space: Path) -> Size:
    """How large a space is; what others may keep follows from it at once, not only from the next sweep on."""
    found = _sizes[space.name] = size_of(space)
    return found


def _all() -> int:
    return sum(size.bytes for size in list(_sizes.values()))


def sweep(left: Callable[[Path], None] = lambda space: None) -> None:
    """Remove the spaces that nobody uses, in a process beside the page; `left` is called for each that was removed."""
    idle = current().idle
    command = [sys.executable, "-m", "genlab.ui.server.sweeper", str(visitors_folder()), str(idle or math.inf)]
    known = "".join(f"{name} {size.used} {size.bytes} {size.files}\n" for name, size in list(_sizes.items()))
    done = subprocess.run(command, input=known, stdout=subprocess.PIPE, text=True, check=True, env=environment())  # noqa: S603
    told = read(done.stdout.splitlines())
    _used.clear()
    _sizes.clear()
    _sizes.update({name: size for name, size in told.items() if size})
    for name in told.keys() - _sizes.keys():
        left(visitors_folder() / name)


def keep_swept(left: Callable[[Path], None], after: Callable[[], None]) -> None:
    """Sweep every minute from now on, in a thread of its own; `after` is called after each sweep."""

    def beat() -> None:
        while True:
            try:
                sweep(left)
                UPLOADS.sweep()
                after()
            except Exception:  # the next sweep may do what this one could not
                log.exception("the sweep failed")
            time.sleep(SWEEP)

    threading.Thread(target=beat, daemon=True, name="sweep").start()


_used: dict[Path, float] = {}  # when each space was last marked as used
_sizes: dict[str, Size] = {}  # of the visitors' spaces, as they were when last looked at
