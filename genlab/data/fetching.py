"""Fetching: datasets that have to be downloaded, block by block, so that one sees how far it is and can stop."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from urllib.request import urlopen

from genlab.data.library import PLUS, cannot_be_had, is_here
from genlab.data.sources import SOURCES, Remote
from genlab.files import one_at_a_time, writing
from genlab.paths import downloads_folder

BLOCK = 2**18  # bytes
PATIENCE = 20  # seconds without an answer


@dataclass(frozen=True)
class Fetched:
    """How far a dataset has come."""

    done: int  # bytes
    total: int


def fetch(name: str) -> Iterator[Fetched]:
    """Bring a dataset onto this machine, where it is not here yet; to close this early leaves no half file behind.

    Raises DataMissing with a sentence on what to do where it cannot be had.
    """
    name = name.partition(PLUS)[0]
    if is_here(name):
        return
    source, folder = SOURCES[name], downloads_folder()
    with one_at_a_time(folder / name):
        if is_here(name):  # somebody else was faster
            return
        done = 0
        try:
            for remote in source.remote():
                here = 0
                for here in _bring(remote, folder):
                    yield Fetched(done + here, max(source.download, done + here))
                done += here
        except OSError as fault:  # of the connection; a full disk has its own sentence
            raise cannot_be_had(name, fault) from fault


def _bring(remote: Remote, folder: Path) -> Iterator[int]:
    """Fetch one file and unpack it; the bytes that have come."""
    target = folder / remote.path
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        yield from _download(remote, target)
    yield target.stat().st_size
    if target.suffix in (".gz", ".zip"):
        _unpack(target)


def _download(remote: Remote, target: Path) -> Iterator[int]:
    draft = target.with_name(target.name + ".part")
    digest = sha256() if len(remote.digest) == 64 else md5(usedforsecurity=False)
    try:
        with urlopen(remote.url, timeout=PATIENCE) as answer, draft.open("wb") as file:  # noqa: S310  of those in `classics`
            while block := answer.read1(BLOCK):  # what is there by now: a slow line is seen to move
                with writing(target):
                    file.write(block)
                digest.update(block)
                yield file.tell()
        if digest.hexdigest() != remote.digest:
            raise OSError(f"{target.name} came damaged")
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _unpack(archive: Path) -> None:
    """Put what an archive holds in its place, whole or not at all."""
    from torchvision.datasets.utils import extract_archive  # slow to import, needed once

    folder, draft = archive.parent, archive.with_name(f"{archive.name}.unpacked")
    try:
        with writing(folder):
            draft.mkdir(exist_ok=True)
            extract_archive(str(archive), str(draft))
            for file in draft.iterdir():
                shutil.rmtree(folder / file.name, ignore_errors=True)
                os.replace(file, folder / file.name)
            archive.unlink()
    finally:
        shutil.rmtree(draft, ignore_errors=True)
