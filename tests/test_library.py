"""One's own datasets: kept whole or not at all, named safely, listed, opened, deleted; each space has its own."""

import errno
import json

import numpy as np
import pytest
import torch
from filelock import FileLock

from genlab.data import Part, delete_dataset, describe, list_datasets, load, save_dataset
from genlab.data.library import FORMAT, record_of
from genlab.errors import BadData, BadSetting, UnknownName
from genlab.files import DiskFault, one_at_a_time
from genlab.paths import datasets_folder, in_space


def part(n: int, seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    return Part(random.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), {"label": random.integers(0, 2, n)})


def test_a_dataset_is_saved_listed_opened_and_deleted():
    saved = save_dataset("mine", {"train": part(36)}, ["cat", "dog"], "36 noises", record={"source": "noise.zip"})
    assert "mine" in list_datasets()
    assert describe("mine").classes == ("cat", "dog")
    assert describe("mine").own
    assert record_of("mine")["source"] == "noise.zip"
    assert [len(p) for p in saved.parts.values()] == [30, 3, 3]
    everything = np.concatenate([p.base for p in load("mine").parts.values()])
    assert sorted(map(bytes, everything)) == sorted(map(bytes, part(36).items))
    delete_dataset("mine")
    assert not list(datasets_folder().iterdir())
    assert "mine" not in list_datasets()
    with pytest.raises(UnknownName):
        load("mine")


def test_parts_that_are_brought_along_are_kept():
    saved = save_dataset("mine", {"train": part(20), "test": part(5, 1)}, ["a", "b"], "")
    assert [len(p) for p in saved.parts.values()] == [19, 1, 5]
    assert torch.equal(saved.test.read(slice(None)), torch.from_numpy(part(5, 1).items))


def test_two_items_are_enough():
    saved = save_dataset("two", {"train": part(2)}, ["a", "b"], "")
    assert all(len(p) == 2 for p in saved.parts.values())


@pytest.mark.parametrize("name", ["digits", "mine"])
def test_a_name_that_is_taken_is_refused(name):
    save_dataset("mine", {"train": part(4)}, ["a", "b"], "")
    with pytest.raises(BadData, match="already a dataset"):
        save_dataset(name, {"train": part(4)}, ["a", "b"], "")


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 41, "-x", "a/b", "ü"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(BadSetting, match="cannot name a dataset"):
        save_dataset(name, {"train": part(4)}, ["a", "b"], "")
    with pytest.raises(UnknownName):
        load(name)


def test_what_comes_with_genlab_is_not_deleted():
    with pytest.raises(BadData, match="comes with genlab"):
        delete_dataset("digits")


def test_a_save_that_fails_leaves_nothing(monkeypatch):
    monkeypatch.setattr(
        "genlab.data.library.write_json", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(Exception, match="no space left"):
        save_dataset("mine", {"train": part(4)}, ["a", "b"], "")
    assert "mine" not in list_datasets()
    assert not [path for path in datasets_folder().iterdir() if path.suffix != ".lock"]


def test_a_name_used_again_is_another_dataset():
    save_dataset("mine", {"train": part(4)}, ["a", "b"], "")
    first = load("mine").train.fingerprint
    delete_dataset("mine")
    save_dataset("mine", {"train": part(4, 1)}, ["a", "b"], "")
    assert load("mine").train.fingerprint != first


def test_spaces_do_not_see_one_another(tmp_path):
    save_dataset("mine", {"train": part(4)}, ["a", "b"], "")
    with in_space(tmp_path / "visitor"):
        assert "mine" not in list_datasets()
        save_dataset("mine", {"train": part(4, 1)}, ["a", "b"], "")
        theirs = load("mine").train.fingerprint
    assert load("mine").train.fingerprint != theirs


@pytest.mark.parametrize(("written", "sentence"), [(FORMAT + 1, "newer genlab"), (None, "damaged"), ("{", "damaged")])
def test_a_record_that_cannot_be_read_is_refused(written, sentence):
    save_dataset("mine", {"train": part(4)}, ["a", "b"], "")
    file = datasets_folder() / "mine" / "dataset.json"
    file.write_text(json.dumps({"format": written}) if written != "{" else "{")
    with pytest.raises(BadData, match=sentence):
        load("mine")


def test_a_full_disk_is_told_when_not_even_the_lock_finds_room(monkeypatch, tmp_path):
    def full(self, *args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileLock, "acquire", full)
    with pytest.raises(DiskFault), one_at_a_time(tmp_path / "set"):
        pytest.fail("nothing is made without the lock")
