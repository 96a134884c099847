"""Marks: samples that somebody liked or rejected, kept as pictures that say how they were drawn; the liked make a dataset."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from torch import Tensor

from genlab.data import Part, Splits, save_dataset
from genlab.errors import BadData
from genlab.files import read_json, write_bytes, writing
from genlab.images import png
from genlab.messages import Message
from genlab.models.base import size_in_words
from genlab.paths import datasets_folder

Kind = Literal["favourite", "rejected"]
KINDS: tuple[Kind, ...] = ("favourite", "rejected")
MOST = 2000  # marks that are kept


@dataclass(frozen=True)
class Mark:
    """A marked sample: a PNG file with how it was drawn in its text chunk."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.stem

    @property
    def pixels(self) -> np.ndarray:
        """uint8 [C, H, W]."""
        with self._opened() as image:
            pixels = np.asarray(image)
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    @property
    def told(self) -> dict[str, Any]:
        """Model, step, seed, label, the model's classes, and the settings."""
        with self._opened() as image:
            try:
                return read_json(image.text["genlab"])
            except (KeyError, ValueError) as fault:
                raise BadData("The mark {id} does not tell how it was drawn: its file is damaged.", id=self.id) from fault

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W), without reading a pixel."""
        with self._opened() as image:
            return len(image.getbands()), image.height, image.width

    def remove(self) -> None:
        """Take the mark off."""
        with writing(self.path):
            self.path.unlink(missing_ok=True)

    def _opened(self) -> Any:
        try:
            return Image.open(self.path, formats=["PNG"])
        except OSError as fault:
            raise BadData("The mark {id} cannot be read: its file is damaged or gone.", id=self.id) from fault


def id_of(told: Mapping[str, Any]) -> str:
    """The name of a sample's mark: the same for the same way of drawing it."""
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=10).hexdigest()


def set_mark(pixels: Tensor, told: Mapping[str, Any], kind: Kind | None) -> None:
    """Mark a sample, uint8 [C, H, W], as one kind and not the other; None takes its mark off."""
    file = f"{id_of(told)}.png"
    if kind and sum(count_marks().values()) >= MOST:
        raise BadData("{n:,} samples are marked already (limit). Take some marks off first.", n=MOST)
    if kind:
        with writing(marks_folder()):
            (marks_folder() / kind).mkdir(parents=True, exist_ok=True)
        write_bytes(marks_folder() / kind / file, png(pixels, {"genlab": json.dumps(told)}))
    for other in KINDS:
        if other != kind:
            Mark(marks_folder() / other / file).remove()


def marks_of(kind: Kind) -> list[Mark]:
    """All marks of a kind, newest first."""
    files = sorted((marks_folder() / kind).glob("*.png"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    return [Mark(file) for file in files]


def kind_of(told: Mapping[str, Any]) -> Kind | None:
    """How a sample is marked."""
    file = f"{id_of(told)}.png"
    return next((kind for kind in KINDS if (marks_folder() / kind / file).exists()), None)


def count_marks() -> dict[Kind, int]:
    """The number of marks of each kind."""
    return {kind: len(list((marks_folder() / kind).glob("*.png"))) for kind in KINDS}


def export_marks() -> bytes:
    """All marks as a zip: a folder a kind, in it a folder a class, and manifest.json with how each was drawn."""
    buffer, manifest = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as archive:
        for kind in KINDS:
            for mark in marks_of(kind):
                file = f"{kind}/{_folder(mark.told['label'])}/{mark.id}.png"
                archive.write(mark.path, file)
                manifest.append({"file": file, "kind": kind, **mark.told})
        archive.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))
    if not manifest:
        raise BadData("Nothing is marked yet. Mark a few samples, then export them.")
    return buffer.getvalue()


def favourites_dataset(name: str, shape: Sequence[int] | None = None) -> Splits:
    """Make a dataset of the favourites of one shape, by default the newest one's; raises BadData for fewer than two."""
    marks = marks_of("favourite")
    shapes = [mark.shape for mark in marks]
    shape = tuple(shape or (shapes[0] if shapes else ()))
    taken = [mark for mark, its in zip(marks, shapes, strict=True) if its == shape]
    if len(taken) < 2:
        found = Message("One favourite") if taken else Message("No favourite")
        where = Message("yet")
        if len(taken) < len(marks):
            where = Message("of {shape} among {n:,}", shape=size_in_words(shape), n=len(marks))
        raise BadData(
            "{found} {where}; a dataset needs at least 2 (50+ advised). Mark more samples with ♥.", found=found, where=where
        )
    told = [mark.told for mark in taken]
    classes = _classes(told)
    labels = np.array([classes.index(t["label"]) if t["label"] in classes else -1 for t in told])
    part = Part(np.stack([mark.pixels for mark in taken]), {"label": labels})
    size = f"{shape[2]}×{shape[1]}"
    return save_dataset(
        name, {"train": part}, classes, Message("{n:,} favourites, {size}", n=len(taken), size=size), record={"drawn": told}
    )


def marks_folder() -> Path:
    """Where marks lie: a folder a kind, beside the datasets."""
    return datasets_folder().with_name("marks")


def _classes(told: list[dict[str, Any]]) -> list[str]:
    """The classes of the model where all favourites come from alike ones, so that it can be fine-tuned; else those that occur."""
    known = {tuple(t["classes"]) for t in told}
    return list(known.pop()) if len(known) == 1 else sorted({t["label"] for t in told if t["label"] is not None})


def _folder(label: str | None) -> str:
    """A class as the name of a folder in an archive."""
    return "".join(c if c.isalnum() or c in " -_" else "_" for c in label) if label else "unlabelled"
