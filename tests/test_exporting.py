"""What is exported comes back through the importer as the same items, whatever was done to them."""

import json
import zipfile
from collections import Counter
from datetime import date

import pytest
import torch

from genlab.data import Recipe, load
from genlab.data.dataset import UNDATED
from genlab.data.exporting import export
from genlab.data.importing import import_images
from genlab.errors import BadData


@pytest.mark.parametrize("name", ["digits", "sprites"])
def test_a_damaged_dataset_comes_back_with_its_fingerprints(name, tmp_path):
    source = load(name)
    few = Recipe.of(source).then("drop", {"ids": source.train.id[60:].tolist()})
    data = few.then("duplicates", {"rate": 0.3}).then("missing", {"kind": "labels", "rate": 0.1}).apply(source)
    data = type(data)(data.name, data.train, data.validation[:40], data.test[:40])
    export(data, tmp_path / "out.zip")
    *_, last = import_images([tmp_path / "out.zip"], "back")
    assert last.imported is not None
    back = load("back")
    assert [part.fingerprint for part in back.parts.values()] == [part.fingerprint for part in data.parts.values()]
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        told = json.loads(archive.read("manifest.json"))
    assert told["parts"]["train"]["fingerprint"] == data.train.fingerprint


def test_dates_come_back_whatever_was_done_to_the_items(tmp_path):
    source = load("digits")
    train = source.train[:30].with_column("date", torch.tensor([date(2019, 7, 14).toordinal(), UNDATED, 700_000] * 10))
    few = type(source)("digits", train, source.validation[:4], source.test[:4])
    data = Recipe.of(few).then("missing", {"kind": "blank", "rate": 0.3}).then("duplicates", {"rate": 0.2}).apply(few)
    export(data, tmp_path / "out.zip")
    list(import_images([tmp_path / "out.zip"], "back"))
    back = load("back")
    told = {part: Counter(zip(items.hashes, items.days, strict=True)) for part, items in back.parts.items()}
    assert told == {part: Counter(zip(items.hashes, items.days, strict=True)) for part, items in data.parts.items()}
    assert set(back.train.days) == {date(2019, 7, 14), None, date.fromordinal(700_000)}
    assert set(back.test.days) == {None}


def test_the_same_dataset_gives_the_same_zip(tmp_path):
    for name in ("a.zip", "b.zip"):
        export(load("digits"), tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_points_are_refused(tmp_path):
    with pytest.raises(BadData, match="only images, documents, series can be exported"):
        export(load("rings"), tmp_path / "out.zip")
