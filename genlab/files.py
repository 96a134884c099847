"""Files that are whole or absent: written under a temporary name, synced, renamed."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from safetensors import SafetensorError

from genlab.errors import GenlabError


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


def write_bytes(path: Path, content: bytes, sync: bool = True) -> None:
    """Replace `path` with `content` in one step; without `sync`, what is soon replaced again may be lost with the power."""
    draft = path.with_name(path.name + ".tmp")
    try:
        with writing(path):
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Replace `path` with `value` as readable JSON."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


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
        reason = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise DiskFault(f"Could not write {path.name}: {reason}. Free some space or choose another folder.") from fault


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
