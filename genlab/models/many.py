"""Many: any number of samples, drawn in blocks that fit in memory, and a file that takes them as they come."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from genlab.config import Config
from genlab.data import DataSpec
from genlab.errors import BadSetting
from genlab.files import whole_file
from genlab.modalities import Modality
from genlab.models.base import Draft, GenerativeModel, blocks_of

BLOCK = 1024  # samples at a time


@dataclass(frozen=True)
class Block:
    """Some of many samples so far."""

    rows: slice  # of all samples
    draft: Draft

    @property
    def done(self) -> int:
        """How many of all samples the work stands for so far."""
        return self.rows.start + (self.rows.stop - self.rows.start) * self.draft.step // self.draft.total

    @property
    def ready(self) -> bool:
        return self.draft.step == self.draft.total


def in_blocks(model: GenerativeModel, n: int, settings: Config, seed: int, label: Tensor | None) -> Iterator[Block]:
    """Draw n samples, sample i from seed + i and of the class whose turn it is, without holding them all."""
    turn = torch.arange(model.classes) if label is None and model.classes else label
    for rows in blocks_of(n, BLOCK):
        size = rows.stop - rows.start
        given = model.given_labels(None if turn is None else turn.roll(-rows.start), size)
        for draft in model.sample(size, settings, seed + rows.start, given):
            yield Block(rows, draft)


def items_of(blocks: Iterable[Block]) -> Tensor:
    """All samples at once."""
    return torch.cat([block.draft.items.cpu() for block in blocks if block.ready])


def check_picture(n: int, spec: DataSpec) -> None:
    """Raise BadSetting for more samples than one picture can show."""
    most = spec.kind.most(spec.shape)
    if n > most:
        raise BadSetting(
            "n is {n:,}; one picture shows {most:,} of these samples at most. Name a .npz file for more.", "n", n=n, most=most
        )


def bytes_of(n: int, spec: DataSpec) -> int:
    """What so many samples take in a file at most."""
    return n * (spec.kind.array(torch.zeros(1, *spec.shape)).nbytes + 8)


def write_npz(path: Path, model: GenerativeModel, n: int, label: Tensor | None, blocks: Iterable[Block]) -> None:
    """Write samples and their labels (-1 for none) as numpy's compressed file of arrays, each block when it is drawn."""
    spec = model.spec
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with _member(archive, "samples") as member:
            _head(member, (n, *spec.shape), spec.kind.array(torch.zeros(1, *spec.shape)).numpy().dtype)
            for block in blocks:
                if block.ready:
                    member.write(spec.kind.array(block.draft.items).numpy().tobytes())
        with _member(archive, "labels") as member:
            _head(member, (n,), np.dtype(np.int64))
            for rows in blocks_of(n, BLOCK):
                member.write(_labels(model, rows, label).tobytes())


def texts_of(kind: Modality, blocks: Iterable[Block], seed: int) -> Iterator[str]:
    """What samples say that are read, each under a line with the seed that it came from."""
    for block in blocks:
        if block.ready:
            for i, item in enumerate(kind.to_stored(block.draft.items), start=seed + block.rows.start):
                yield f"── seed {i}\n{kind.told(item)}\n"


def _labels(model: GenerativeModel, rows: slice, label: Tensor | None) -> np.ndarray:
    at = np.arange(rows.start, rows.stop, dtype=np.int64)
    return np.full_like(at, -1) if not model.classes else at % model.classes if label is None else np.full_like(at, int(label))


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    told = zipfile.ZipInfo(f"{name}.npy")  # of the first day that a zip can tell, so that the same samples give the same file
    told.compress_type = zipfile.ZIP_DEFLATED
    return archive.open(told, "w", force_zip64=True)


def _head(member: IO[bytes], shape: tuple[int, ...], kind: np.dtype) -> None:
    facts = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(member, facts)
