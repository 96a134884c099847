"""Photographs to bring to the page: the zip of CIFAR-10's JPEGs, where there is one, or a few of each class of it."""

import os
import zipfile
from pathlib import Path

import pytest

ZIP = Path(os.environ.get("GENLAB_DATA", "nowhere")) / "cifar10-jpg.zip"
needs_photographs = pytest.mark.skipif(not ZIP.is_file(), reason="needs cifar10-jpg.zip: set GENLAB_DATA to its folder")


def few(file: Path, each: int, *classes: str, parts: tuple[str, ...] = ("train",)) -> Path:
    """A zip of the first so many photographs of each class in each part."""
    left = {(part, kind): each for part in parts for kind in classes}
    with zipfile.ZipFile(ZIP) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            place = tuple(name.split("/")[:2])
            if left.get(place):
                left[place] -= 1
                target.writestr(name, source.read(name))
    return file
