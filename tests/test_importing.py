"""Importing: every upload gets its exact words or comes in with its pixels; nothing is left, and memory stays small."""

import time
from pathlib import Path

import numpy as np
import pytest
from uploads import UPLOADS, Upload

from genlab.data import importer, load
from genlab.data.importing import PUBLIC, import_images
from genlab.errors import GenlabError
from genlab.paths import datasets_folder

MEASURED = """
import atexit, pathlib, re, runpy
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path({note!r}).write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
runpy.run_path({importer!r}, run_name="__main__")
"""


@pytest.fixture
def peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the importer notes the most memory that it took, in kB, as it ends."""
    wrapper, note = tmp_path / "measured.py", tmp_path / "peak"
    wrapper.write_text(MEASURED.format(note=str(note), importer=importer.__file__))
    monkeypatch.setattr(importer, "__file__", str(wrapper))
    return note


def imported(paths, name="mine", **options):
    *_, last = import_images(paths, name, limits=PUBLIC, **options)
    return last.imported


def left_over() -> list[Path]:
    return [p for p in datasets_folder().iterdir() if p.suffix != ".lock" and p.name != "mine"]


@pytest.mark.parametrize("upload", UPLOADS.values(), ids=UPLOADS)
def test_an_upload_gets_its_words_or_comes_in(upload: Upload, peak: Path, tmp_path: Path):
    given = tmp_path / "given"
    given.mkdir()
    paths = upload.make(given)
    before, began = _tree(tmp_path), time.monotonic()
    if upload.refused:
        with pytest.raises(GenlabError) as refusal:
            imported(paths)
        assert str(refusal.value) == upload.refused
    else:
        table = {verdict.file: verdict for verdict in imported(paths).table}
        assert {name: table[name].words for name in upload.words} == dict(upload.words)
        for name, expected in upload.pixels.items():
            part = load("mine").parts[table[name].part]
            assert np.array_equal(part.read([table[name].row])[0].permute(1, 2, 0).numpy(), expected)
        good = [v for v in table.values() if v.kept and not v.words]
        assert len(good) >= 1
    assert time.monotonic() - began < 30
    assert int(peak.read_text()) < 2**20
    assert not left_over()
    assert {path for path in _tree(tmp_path) - before if "datasets" not in path.parts} == {peak}


def _tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
