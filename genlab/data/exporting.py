"""Exporting: a dataset as a zip of files in class folders with a manifest; the importer reads images back to the same bits."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from genlab.data.dataset import Dataset, Splits
from genlab.data.library import describe
from genlab.data.spec import names_folder
from genlab.errors import BadData
from genlab.files import write_bytes
from genlab.messages import Message, joined
from genlab.modalities import MODALITIES

MANIFEST = "manifest.json"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the date of all files, so that the same dataset gives the same zip


def export(data: Splits, file: Path) -> None:
    """Write `file`, a zip of PART/CLASS/ID.png, or what files its kind of data has, and manifest.json.

    Items without a label lie in PART itself. Raises BadData for what is no file by itself, and for classes that cannot name a
    folder.
    """
    if not data.spec.kind.suffix:
        raise BadData(
            "{name} holds {things}; only {possible} can be exported as a zip of files.",
            name=data.name,
            things=data.spec.kind.things,
            possible=joined([kind.things for kind in MODALITIES.values() if kind.suffix], Message(" and ")),
        )
    if bad := [name for name in data.spec.classes if not names_folder(name)]:
        raise BadData("The class {bad!r} cannot name a folder. Relabel its items first.", bad=bad[0])
    write_bytes(file, _zipped(data))


def manifest(data: Splits) -> dict[str, Any]:
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
    return {"format": 1, "name": data.name, "made of": about, "shape": list(data.spec.shape), "parts": parts}


def _zipped(data: Splits) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, MANIFEST, (json.dumps(manifest(data), indent=2, ensure_ascii=False) + "\n").encode())
        for name, part in data.parts.items():
            _add_part(archive, name, part)
    return buffer.getvalue()


def _add_part(archive: zipfile.ZipFile, name: str, part: Dataset) -> None:
    folders = [*(f"{name}/{label}" for label in part.spec.classes), name]  # label -1 finds the last
    kind, labels, ids, days = part.spec.kind, part.label.tolist(), part.id.tolist(), part.days
    for start in range(0, len(part), 1024):
        for row, item in enumerate(part.read(slice(start, start + 1024)), start):
            name = f"{folders[labels[row]]}/{ids[row]:06d}{kind.suffix}"
            _add(archive, name, kind.file(item, taken=days[row]))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EARLIEST), content)
