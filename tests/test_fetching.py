"""Datasets that have to be downloaded: fetched when asked for and at no other time, block by block, whole or not at all."""

import gzip
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from genlab.__main__ import main
from genlab.data import SOURCES, describe, fetch, fetching, is_here, load, sources
from genlab.errors import DataMissing
from genlab.paths import downloads_folder
from genlab.ui.kit.links import read
from genlab.ui.kit.shared import dataset_choices
from genlab.ui.server.preset import LOCAL, PUBLIC, choose

PARTS = {"train": 60, "t10k": 12}


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A machine without data, whose connection is a folder with a small KMNIST."""
    for variable in ("CACHE", "DATA"):
        monkeypatch.setenv(f"GENLAB_{variable}", str(tmp_path / variable))
    published = tmp_path / "published"
    published.mkdir()
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [f"{published.as_uri()}/"])
    monkeypatch.setattr(datasets.KMNIST, "resources", [(file.name, publish(file)) for file in files_of(published)])
    return published


def files_of(folder: Path) -> list[Path]:
    return [folder / f"{name}.gz" for name in sources.IDX]


def publish(file: Path) -> str:
    """Write a file as MNIST's are, and give its checksum."""
    n, random = PARTS[file.name.split("-")[0]], np.random.default_rng(0)
    shape, high = ((n, 28, 28), 256) if "images" in file.name else ((n,), 10)
    header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
    file.write_bytes(gzip.compress(header + random.integers(0, high, shape, dtype=np.uint8).tobytes()))
    return md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def test_what_is_drawn_or_shipped_is_here_and_the_rest_says_its_size():
    absent = {name for name in SOURCES if not is_here(name)}
    assert absent == {"mnist", "fashion-mnist", "kmnist", "cifar10", "celeba", "tiny-shakespeare", "names"}
    assert all(SOURCES[name].download > 1e5 for name in absent)
    assert not any(SOURCES[name].download for name in set(SOURCES) - absent)


def test_nothing_is_fetched_unasked(monkeypatch):
    monkeypatch.setattr(fetching, "urlopen", lambda *_, **__: pytest.fail("It was fetched."))
    with pytest.raises(
        DataMissing, match=r"Fetch it on the Data tab or with python -m genlab fetch kmnist \(21 MB\), or put the"
    ):
        load("kmnist")
    assert describe("kmnist").classes[0] == "o"


def test_a_dataset_comes_block_by_block_and_is_here_then(bare, monkeypatch):
    monkeypatch.setattr(fetching, "BLOCK", 1000)
    steps = list(fetch("kmnist"))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert len(steps) > 20
    assert steps[-1].done == sum(file.stat().st_size for file in files_of(bare))
    assert is_here("kmnist")
    assert sum(map(len, load("kmnist").parts.values())) == sum(PARTS.values())
    assert list(fetch("kmnist")) == []


def test_who_stops_leaves_nothing_half(monkeypatch):
    monkeypatch.setattr(fetching, "BLOCK", 1000)
    steps = fetch("kmnist")
    next(steps)
    steps.close()
    assert not [file for file in downloads_folder().rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert not is_here("kmnist")
    assert list(fetch("kmnist"))


def test_a_file_that_comes_damaged_is_refused_in_a_sentence(bare):
    files_of(bare)[1].write_bytes(b"not what was published")
    with pytest.raises(DataMissing, match=r"could not be had \(train-labels-idx1-ubyte.gz came damaged\).*try again, or put"):
        list(fetch("kmnist"))
    assert not is_here("kmnist")


def test_a_verb_fetches_what_it_is_asked_about(capsys):
    assert main(["fetch", "kmnist"]) == 0
    assert "72 items" in capsys.readouterr().out
    assert is_here("kmnist")


def test_the_picker_tells_what_would_be_fetched_and_strangers_are_not_offered_it():
    assert ("mnist · 12 MB, to be fetched", "mnist") in dataset_choices()
    assert ("digits", "digits") in dataset_choices()
    assert read({"dataset": "mnist"}, ()).faults == []
    choose(PUBLIC)
    try:
        assert "mnist" not in dict(dataset_choices()).values()
        assert "mnist" in read({"dataset": "mnist"}, ()).faults[0]
    finally:
        choose(LOCAL)
