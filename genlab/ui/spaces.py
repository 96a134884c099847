"""Spaces: on a public page each visitor's runs and datasets lie in a folder of their own, which goes when it is long unused."""

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gradio.context import LocalContext

from genlab.errors import BadData
from genlab.paths import in_space, visitors_folder
from genlab.training.run import ALIVE, list_runs
from genlab.ui.preset import current
from genlab.ui.words import say

COOKIE = "genlab-visitor"
_TOKEN = re.compile(rf"(?:^|;\s*){COOKIE}=([\w-]{{43}})\s*(?:;|$)", re.ASCII)
NOBODY = Path(os.devnull)  # nothing can lie under it: who has no cookie sees what ships with genlab, and keeps nothing
SWEEP = 60  # seconds


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
    with suppress(FileNotFoundError):
        os.utime(folder)  # it is in use
    return folder


def cookie_for(cookies: str | None) -> str | None:
    """A Set-Cookie header for a visitor who is new to a public page."""
    if not current().public or _TOKEN.search(cookies or ""):
        return None
    framed = os.environ.get("SPACE_HOST")  # a Space is shown inside a page of another site
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; " + (
        "SameSite=None; Secure; Partitioned" if framed else "SameSite=Lax"
    )


def check_room() -> None:
    """Raise BadData when the spaces have used up the disk that they share."""
    most = current().disk
    if most is not None and _size(visitors_folder()) > most:
        sweep()
        if _size(visitors_folder()) > most:
            raise BadData(say("public.full"))


def sweep() -> None:
    """Remove the spaces that nobody uses, and those longest unused while all together are too large."""
    caps, now = current(), time.time()
    spaces = sorted(visitors_folder().glob("*/"), key=_used)
    for space in spaces:
        too_old = caps.idle is not None and now - _used(space) > caps.idle
        too_large = caps.disk is not None and _size(visitors_folder()) > caps.disk and now - _used(space) > SWEEP
        if (too_old or too_large) and not _trains(space):
            shutil.rmtree(space, ignore_errors=True)


def keep_swept() -> None:
    """Sweep every minute from now on, in a thread of its own."""
    sweep()
    timer = threading.Timer(SWEEP, keep_swept)
    timer.daemon = True
    timer.start()


def _trains(space: Path) -> bool:
    return any(run.status().state in (*ALIVE, "queued") for run in list_runs(space / "runs"))


def _used(space: Path) -> float:
    try:
        return space.stat().st_mtime
    except FileNotFoundError:
        return 0


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; those that vanish meanwhile do not count."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total
