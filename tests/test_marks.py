"""Marks: kept with their pixels and how they were drawn, exported, and made into a dataset to train on."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch

from genlab import marks
from genlab.data import load
from genlab.errors import BadData
from genlab.marks import count_marks, export_marks, favourites_dataset, kind_of, marks_of, set_mark
from genlab.paths import in_space

CLASSES = ["cat", "dog", "owl"]


def sample(seed: int, size: int = 8, channels: int = 1):
    pixels = torch.randint(0, 256, (channels, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    label = CLASSES[seed % 2]
    return pixels, {"model": "mine", "step": 5, "seed": seed, "label": label, "classes": CLASSES, "guidance": 1.5}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mark_keeps_pixels_and_how_they_were_drawn(channels):
    pixels, told = sample(3, channels=channels)
    set_mark(pixels, told, "favourite")
    (mark,) = marks_of("favourite")
    assert np.array_equal(mark.pixels, pixels)
    assert mark.told == told
    assert mark.shape == (channels, 8, 8)
    assert kind_of(told) == "favourite"


def test_a_sample_has_one_mark_at_most_and_none_when_it_is_taken_off():
    pixels, told = sample(3)
    for kind, counts in [("favourite", (1, 0)), ("favourite", (1, 0)), ("rejected", (0, 1)), (None, (0, 0)), (None, (0, 0))]:
        set_mark(pixels, told, kind)
        assert tuple(count_marks().values()) == counts
        assert kind_of(told) == kind


def test_the_newest_mark_comes_first():
    for seed in range(4):
        set_mark(*sample(seed), "favourite")
    assert [mark.told["seed"] for mark in marks_of("favourite")] == [3, 2, 1, 0]


def test_the_export_has_class_folders_and_a_manifest():
    for seed in range(4):
        set_mark(*sample(seed), "rejected" if seed == 3 else "favourite")
    set_mark(sample(9)[0], {**sample(9)[1], "label": None}, "favourite")
    set_mark(sample(8)[0], {**sample(8)[1], "label": "../a/b"}, "favourite")
    with zipfile.ZipFile(io.BytesIO(export_marks())) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        folders = sorted(name.rsplit("/", 1)[0] for name in archive.namelist() if "/" in name)
        assert {entry["file"] for entry in manifest} == set(archive.namelist()) - {"manifest.json"}
    assert folders == sorted(
        ["favourite/cat", "favourite/cat", "favourite/dog", "favourite/unlabelled", "favourite/___a_b", "rejected/dog"]
    )
    assert {entry["seed"] for entry in manifest if entry["kind"] == "favourite"} == {0, 1, 2, 8, 9}


def test_favourites_become_a_dataset_with_the_models_classes():
    for seed in range(12):
        set_mark(*sample(seed), "rejected" if seed == 11 else "favourite")
    set_mark(*sample(20, size=12), "rejected")
    data = favourites_dataset("my-favourites")
    assert data.spec.classes == tuple(CLASSES)
    assert sum(map(len, data.parts.values())) == 11
    images = {bytes(item): int(label) for part in data.parts.values() for item, label in zip(part.base, part.label, strict=True)}
    assert images == {bytes(sample(seed)[0].numpy()): seed % 2 for seed in range(11)}
    assert load("my-favourites") is not None


def test_favourites_of_another_size_stay_out():
    for seed in range(5):
        set_mark(*sample(seed, size=12 if seed == 0 else 8), "favourite")
    assert sum(map(len, favourites_dataset("mine").parts.values())) == 4
    set_mark(*sample(9, size=12), "favourite")
    assert favourites_dataset("newest").spec.shape == (1, 12, 12)
    assert sum(map(len, favourites_dataset("asked-for", (1, 8, 8)).parts.values())) == 4


def test_too_few_favourites_are_a_sentence():
    with pytest.raises(BadData, match="No favourite yet; a dataset needs at least 2"):
        favourites_dataset("mine")
    with pytest.raises(BadData, match="Nothing is marked yet"):
        export_marks()
    set_mark(*sample(0), "favourite")
    with pytest.raises(BadData, match="One favourite yet"):
        favourites_dataset("mine")
    set_mark(*sample(1, size=12), "favourite")
    with pytest.raises(BadData, match="One favourite of 12×12 in grey among 2; a dataset needs at least 2"):
        favourites_dataset("mine")
    with pytest.raises(BadData, match="No favourite of 28×28 in grey among 2"):
        favourites_dataset("mine", (1, 28, 28))


def test_there_is_an_end_to_marks(monkeypatch):
    monkeypatch.setattr(marks, "MOST", 2)
    for seed in range(2):
        set_mark(*sample(seed), "favourite")
    with pytest.raises(BadData, match=r"2 samples are marked already \(limit\)"):
        set_mark(*sample(2), "rejected")
    set_mark(*sample(1), None)
    set_mark(*sample(2), "rejected")


def test_a_damaged_mark_is_a_sentence():
    for seed in range(2):
        set_mark(*sample(seed), "favourite")
    marks_of("favourite")[0].path.write_bytes(b"not a picture")
    with pytest.raises(BadData, match="cannot be read: its file is damaged"):
        favourites_dataset("mine")


def test_each_space_has_its_own_marks(tmp_path):
    with in_space(tmp_path / "visitor"):
        set_mark(*sample(0), "favourite")
    assert count_marks()["favourite"] == 0
