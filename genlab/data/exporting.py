"""Exporting: a dataset as a zip of files in class folders with a manifest; the importer reads images back to the same bits."""

import io
import json
import lzma
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genlab.data.layout import PARTS
from genlab.data.library import check_free, describe, save_dataset
from genlab.data.sources import Part
from genlab.data.spec import names_folder
from genlab.errors import BadData
from genlab.files import read_json, write_bytes
from genlab.messages import Message
from genlab.modalities import MODALITIES, Modality

if TYPE_CHECKING:  # an import asks whether it has an export before it, and should not wait for torch
    from genlab.data.dataset import Dataset, Splits

MANIFEST = "manifest.json"
MOST_BYTES, MOST_TOLD = 2**32, 2**24  # of an export that is read back, and of its manifest
UNREADABLE = (EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, LookupError, TypeError, ValueError)
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the date of all files, so that the same dataset gives the same zip


def export(data: "Splits", file: Path) -> None:
    """Write `file`, a zip of PART/CLASS/ID.png, or what files its kind of data has, and manifest.json.

    Items without a label lie in PART itself. Raises BadData for what is no file by itself, and for classes that cannot name a
    folder.
    """
    if not data.spec.kind.suffix:
        raise BadData(
            "{name} holds {things}; only {possible} can be exported as a zip of files.",
            name=data.name,
            things=data.spec.kind.things,
            possible=[kind.things for kind in MODALITIES.values() if kind.suffix],
        )
    if bad := [name for name in data.spec.classes if not names_folder(name)]:
        raise BadData("The class {bad!r} cannot name a folder. Relabel its items first.", bad=bad[0])
    write_bytes(file, _zipped(data))


def holds(file: Path) -> str:
    """The kind of data of an export that `read_export` opens; "" for images, which the importer reads, and for what is none."""
    with suppress(OSError, *UNREADABLE), zipfile.ZipFile(file) as archive:
        if archive.getinfo(MANIFEST).file_size <= MOST_TOLD:
            modality = read_json(archive.read(MANIFEST))["modality"]
            return modality if modality in MODALITIES and not MODALITIES[modality].pixels else ""
    return ""


def read_export(file: Path, name: str) -> "Splits":
    """Keep what `export` wrote of items that are no images as a dataset, whose parts have the fingerprints that they had.

    Raises BadData for what is no such export, and for a file in it that cannot be read.
    """
    check_free(name)
    if not (modality := holds(file)):
        raise BadData(
            "{file} is no export of genlab that can be read so; give a zip that export wrote of such a dataset.", file=file.name
        )
    kind = MODALITIES[modality]
    try:
        with zipfile.ZipFile(file) as archive:
            if (size := sum(one.file_size for one in archive.infolist())) > MOST_BYTES:
                raise BadData(
                    "{file} would take {mb:,.0f} MB; at most {most:,} are possible.",
                    file=file.name,
                    mb=size / 2**20,
                    most=MOST_BYTES // 2**20,
                )
            told = read_json(archive.read(MANIFEST))
            classes = [str(name) for name in told["parts"]["train"]["classes"]]
            parts = {part: _read_part(archive, kind, part, classes) for part in PARTS}
            if {part: len(content.items) for part, content in parts.items()} != {p: told["parts"][p]["items"] for p in PARTS}:
                raise ValueError(Message("it holds fewer or more files than it tells"))
            return save_dataset(name, parts, classes, str(told["made of"]), modality)
    except UNREADABLE as fault:
        raise BadData(
            "{file} is damaged, or not as export wrote it: {fault}. Export the dataset again.", file=file.name, fault=fault
        ) from fault


def _read_part(archive: zipfile.ZipFile, kind: Modality, part: str, classes: list[str]) -> Part:
    names = [name for name in archive.namelist() if name.startswith(f"{part}/") and name.endswith(kind.suffix)]
    items = [kind.read(archive.read(name)) for name in names]
    labels = [classes.index(name.split("/")[1]) if name.count("/") > 1 else -1 for name in names]
    return Part(kind.storage.of(items, kind.dtype), {"label": np.array(labels)})


def manifest(data: "Splits") -> dict[str, Any]:
    """What is in the zip, where it came from, and the fingerprints of its parts."""
    parts = {
        name: {
            "items": len(part),
            "fingerprint": part.fingerprint,
            "classes": dict(zip(part.spec.classes, part.counts.tolist(), strict=True)),
        }
        for name, part in data.parts.items()
    }
    about = describe(data.name).description
    return {
        "format": 1,
        "name": data.name,
        "made of": about,
        "modality": data.spec.modality,
        "shape": list(data.spec.shape),
        "parts": parts,
    }


def _zipped(data: "Splits") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, MANIFEST, (json.dumps(manifest(data), indent=2, ensure_ascii=False) + "\n").encode())
        for name, part in data.parts.items():
            _add_part(archive, name, part)
    return buffer.getvalue()


def _add_part(archive: zipfile.ZipFile, name: str, part: "Dataset") -> None:
    folders = [*(f"{name}/{label}" for label in part.spec.classes), name]  # label -1 finds the last
    kind, labels, ids, days = part.spec.kind, part.label.tolist(), part.id.tolist(), part.days
    for start in range(0, len(part), 1024):
        for row, item in enumerate(part.read(slice(start, start + 1024)), start):
            name = f"{folders[labels[row]]}/{ids[row]:06d}{kind.suffix}"
            _add(archive, name, kind.file(item, taken=days[row]))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EARLIEST), content)
