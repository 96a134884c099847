"""Files that are whole or absent: written under a temporary name, synced, renamed."""

import errno
import hashlib
import io
import json
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from genlab.errors import GenlabError
from genlab.messages import Message

DEEPEST = 32  # levels of JSON; what genlab writes has a few
LEFT = 3600.0  # seconds after which nobody is still writing a file's draft


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block ends well, and vanishes otherwise."""
    draft = target.with_name(target.name + ".tmp")
    try:
        with writing(target):
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            yield draft
            for file in draft.rglob("*"):
                _sync(file)
            _sync(draft)
            if target.exists():
                shutil.rmtree(target)
            os.replace(draft, target)
            _sync(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Let one process after another make `target`."""
    lock = FileLock(target.with_name(target.name + ".lock"))
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def whole_file(path: Path, sync: bool = True) -> Iterator[IO[bytes]]:
    """Yield a file that takes the place of `path` when the block ends well, and vanishes otherwise.

    Without `sync`, what is soon replaced again may be lost with the power.
    """
    draft = path.with_name(path.name + ".tmp")
    try:
        with writing(path):
            with draft.open("wb") as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            os.replace(draft, path)
    finally:
        with suppress(OSError):  # where nothing could be written, nothing can be removed, which has been said
            draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, sync: bool = True) -> None:
    """Replace `path` with `content` in one step."""
    with whole_file(path, sync) as file:
        file.write(content)


def keep(file: Path, content: bytes) -> None:
    """Write a file of a cache, and its folder where it is not there yet; what is lost with the power can be made again."""
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, content, sync=False)


def sweep_drafts(folder: Path) -> None:
    """Remove what processes that were killed left half made in a folder; a folder that one still makes is locked."""
    for draft in folder.glob("*.tmp"):
        with suppress(OSError, Timeout):
            if not draft.is_dir():
                if time.time() - draft.stat().st_mtime > LEFT:
                    draft.unlink()
                continue
            with FileLock(draft.with_suffix(".lock"), timeout=0):
                shutil.rmtree(draft)


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text that anybody may have written; raises ValueError for what is none, or nested without end."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value]
    for _ in range(DEEPEST):
        if not (level := [part for parts in level for part in _parts(parts)]):
            return value
    raise ValueError("it is nested too deeply")


def _parts(value: Any) -> list[Any]:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [part for part in parts if isinstance(part, dict | list)]


def write_json(path: Path, value: Any) -> None:
    """Replace `path` with `value` as readable JSON."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)  # what reading such a file may raise


def npz(**arrays: Any) -> bytes:
    """Arrays as numpy's compressed file of several."""
    import numpy as np  # slow to import beside all else here

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class DiskFault(GenlabError):
    """The disk is full, read-only or broken."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a fault of the disk into its sentence."""
    try:
        yield
    except (OSError, SafetensorError) as fault:
        number = getattr(fault, "errno", None)
        reason = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise DiskFault(
            "Could not write {name}: {reason}. {remedy}", name=path.name, reason=reason, remedy=_remedy(number, path)
        ) from fault


def _remedy(number: int | None, path: Path) -> str:
    """What a person can do about a fault of the disk."""
    if number in (errno.ENOENT, errno.ENOTDIR) and not path.parent.is_dir():
        return Message("There is no folder {parent!r}; make it, or choose another.", parent=str(path.parent))
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Message("Free some space or choose another folder.")
    if number in (errno.EISDIR, errno.ENAMETOOLONG):
        return Message("Choose another file name.")
    return Message("Choose another folder.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
