"""Sweeper: a process beside the page that removes the spaces nobody uses, and tells how large each other one is.

    python -m genlab.ui.server.sweeper FOLDER SECONDS < what it told last     # unused for so many seconds

Each line is one space: its name, when it was last used, its bytes and its files; of those that were removed only the name.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

BLOCK = 4096  # bytes that a file takes at least


@dataclass(frozen=True)
class Size:
    """What a space takes of the disk, and when it was last used before it was looked at."""

    bytes: int
    files: int
    used: int = 0  # nanoseconds; 0 where that is not known


def main(folder: str, idle: str) -> None:
    """Sweep once, leaving the processor to the page."""
    os.nice(10)
    for name, size in sweep(Path(folder), float(idle), read(sys.stdin)).items():
        print(name, *((size.used, size.bytes, size.files) if size else ()))


def read(lines: Iterable[str]) -> dict[str, Size | None]:
    """What a sweep has told."""
    told = (line.split() for line in lines)
    return {name: Size(int(rest[1]), int(rest[2]), int(rest[0])) if rest else None for name, *rest in told}


def sweep(folder: Path, idle: float, known: Mapping[str, Size | None] = {}) -> dict[str, Size | None]:
    """Remove the spaces that were not used for `idle` seconds and train nothing; the sizes of all, None for those removed.

    Those that were not used since their size was `known` are not looked into again.
    """
    now, found = time.time(), dict[str, Size | None]()
    with suppress(FileNotFoundError), os.scandir(folder) as spaces:
        for space in spaces:
            with suppress(OSError):  # it went meanwhile
                if not space.is_dir(follow_symlinks=False):
                    continue
                used, before = space.stat().st_mtime_ns, known.get(space.name)
                if now - used / 1e9 > idle and not _trains(Path(space.path)):
                    shutil.rmtree(space.path, ignore_errors=True)
                    found[space.name] = None
                else:
                    found[space.name] = before if before and before.used == used else replace(size_of(space.path), used=used)
    return found


def size_of(folder: str | Path) -> Size:
    """Bytes and number of all files below a folder; those that vanish meanwhile do not count."""
    total, count, folders = 0, 0, [os.fspath(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += max(BLOCK, entry.stat(follow_symlinks=False).st_size)
                        count += 1
    return Size(total, count)


def _trains(space: Path) -> bool:
    from genlab.training.run import ALIVE, list_runs  # slow to import, and few sweeps need it

    return any(run.status().state in (*ALIVE, "queued") for run in list_runs(space / "runs"))


if __name__ == "__main__":
    main(*sys.argv[1:])
