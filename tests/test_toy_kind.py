"""A kind of data is one file and one line: a toy one, of varying length, gets data, checks, training, samples and commands."""

import json
import zipfile
from collections import Counter
from dataclasses import replace

import melodies
import numpy as np
import pytest
import torch
from melodies import LONGEST, Chimes, Melody, compose

from genlab.__main__ import main
from genlab.data import Dataset, Recipe, describe, list_datasets, load, save_dataset, save_recipe
from genlab.data.exporting import export, holds, read_export
from genlab.data.summary import nearest, neighbours, project, summarise
from genlab.errors import BadData, BadSetting, GenlabError
from genlab.features import Features
from genlab.modalities import MODALITIES, Lengths, Ragged
from genlab.models.settings import Truncation
from genlab.quality import DEFECTS, inspect, repair, report
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train


@pytest.fixture(autouse=True)
def listed():
    with melodies.listed():
        yield


@pytest.fixture
def data():
    return load("melodies")


def plain(items):
    return [item.tolist() for item in items]


def test_what_was_composed_is_what_is_read_whatever_its_length(data):
    raw = [row.tolist() for row in compose(60, 1).items]
    assert plain(data.test.read(slice(None))) == raw
    assert plain(data.test.read([5, 2])) == [raw[5], raw[2]]
    assert {len(row) for row in raw} == set(range(3, 13))
    assert describe("melodies").modality == data.spec.modality == "melody"
    assert data.spec.shape == data.test.spec.shape == (LONGEST,)
    assert isinstance(data.train.base.flat, np.memmap)


def test_models_get_what_is_short_filled_up_and_of_what_is_long_a_piece(data):
    items, x = data.train.read(slice(0, 50)), data.train.inputs(slice(0, 50))
    assert x.shape == (50, LONGEST)
    for item, row in zip(items, ((x + 1) * melodies.MIDDLE).round().long().tolist(), strict=True):
        assert row == [*item.tolist(), *[0] * LONGEST][:LONGEST]
    short = [item for item in items if len(item) <= LONGEST]
    assert plain(data.spec.kind.to_stored(data.spec.kind.to_model(short, data.spec.shape))) == plain(short)
    batch, again = data.train.batch(16, 3, 7), data.train.batch(16, 3, 7)
    assert torch.equal(batch.x, again.x)
    pieces = {
        tuple(data.train[[int(i) for i in (data.train.id == 0).nonzero()]].batch(1, 0, step).x[0].tolist()) for step in range(9)
    }
    assert len(pieces) > 1 or len(items[0]) <= LONGEST


def test_views_patches_and_joins_keep_every_length(data):
    some = data.train[:20]
    longer = some.with_items(torch.tensor([3, 4]), [torch.arange(1, 15, dtype=torch.uint8), torch.tensor([9], dtype=torch.uint8)])
    assert plain(longer.read([3, 4, 5])) == [[*range(1, 15)], [9], some.read([5])[0].tolist()]
    both = longer.extended(data.test[:2])
    assert plain(both.read([20, 21, 3])) == [*plain(data.test.read([0, 1])), [*range(1, 15)]]
    assert len(set(longer.hashes) - set(some.hashes)) == 2


def test_rows_of_varying_length_may_be_of_any_shape_beside_and_there_must_be_some(tmp_path):
    rows = [np.random.default_rng(length).random((length, 2, 3)) for length in (4, 1, 0, 7)]
    written = Ragged.of(rows, np.float32)
    Lengths().write(tmp_path, written[np.array([3, 2, 0])], np.float32)
    found = Lengths().open(tmp_path)
    assert found.shape == (3, 7, 2, 3)
    assert all(np.array_equal(row, rows[i].astype(np.float32)) for row, i in zip(found, (3, 2, 0), strict=True))
    assert found.nbytes == 11 * 6 * 4
    with pytest.raises(BadData, match="at least one in each part"):
        Ragged.of([], np.float32)


def test_the_fingerprint_knows_contents_and_classes_and_no_order(data):
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
    assert data.train[order].fingerprint == data.train.fingerprint
    assert data.train[:-1].fingerprint != data.train.fingerprint
    falls = torch.from_numpy(compose(60, 1).columns["label"])
    in_memory = Dataset.of("x", data.spec, [torch.from_numpy(row.copy()) for row in compose(60, 1).items], {"label": falls})
    assert in_memory.fingerprint == data.test.fingerprint


def test_where_an_item_ends_and_its_class_begins_is_no_matter_of_chance(data):
    spec, label = replace(data.spec, classes=("a",)), torch.tensor([0])
    short = Dataset.of("x", spec, [torch.tensor([1], dtype=torch.uint8)], {"label": label})
    long = Dataset.of("x", spec, [torch.tensor([1, ord("a")], dtype=torch.uint8)], {"label": label - 1})
    assert short.fingerprint != long.fingerprint


def test_a_dataset_of_ones_own_gets_its_held_out_parts_and_can_be_merged(data):
    kept = save_dataset("mine", {"train": compose(120, 5)}, ("rising", "falling"), "of my own", "melody")
    told = Counter(tuple(item.tolist()) for part in kept.parts.values() for item in part.read(slice(None)))
    assert told == Counter(tuple(row.tolist()) for row in compose(120, 5).items)
    assert len(kept.validation) == len(kept.test) == 10
    recipe = Recipe.of(data).then("merge", {"dataset": "mine", "fingerprint": kept.train.fingerprint})
    merged = save_recipe("both", recipe)
    assert len(merged.train) == len(data.train) + 100
    assert plain(merged.train.read([-1])) == plain(kept.train.read([-1]))
    with pytest.raises(BadData, match="merge melodies into melodies alone"):
        save_recipe("none", Recipe.of(data).then("merge", {"dataset": "digits", "fingerprint": load("digits").train.fingerprint}))


def test_it_has_neighbours_features_a_map_and_facts(data):
    train = data.train
    assert neighbours(train, 0, 3).rows.shape == (3,)
    assert float(nearest(train, train.read([7])[0], 1).distances) == 0
    assert Features(train).embedding.shape == (len(train), LONGEST)
    assert project(train).points.shape == (len(train), 2)
    lengths = [len(item) for item in train.read(slice(None))]
    assert summarise(train).facts.numbers == {"length": sum(lengths) / len(lengths)}


def test_checks_look_for_what_any_data_can_have_and_repairs_mend_it(data):
    damaged = save_recipe(
        "twice", Recipe.of(data).then("duplicates", {"kind": "exact", "rate": 0.2}).then("leaks", {"rate": 0.5})
    )
    found = list(inspect(damaged))
    count = {finding.name: finding.count for finding in found}
    assert count["duplicates-exact"] >= 0.19 * len(data.train)
    assert count["leaks"] >= 30
    assert not any(name.startswith(("noise", "exposure", "outliers")) for name in count)
    mended = repair(damaged, found, Recipe.of(data)).apply(data)
    assert max(Counter(mended.train.hashes).values()) == 1
    assert report(damaged, found).items == len(damaged.train)


@pytest.mark.parametrize(
    ("defect", "settings"), [("noise", {}), ("missing", {"kind": "patch"}), ("label-errors", {"kind": "confusions"})]
)
def test_what_it_cannot_have_is_refused_with_what_it_can(data, defect, settings):
    with pytest.raises(GenlabError, match=r"holds melodies, which .*Possible for melodies: .*leaks"):
        Recipe.of(data).then(defect, settings).apply(data)


def test_every_defect_that_it_takes_can_be_made(data):
    from genlab.quality.defect import kinds_of

    for name, defect in DEFECTS.items():
        kinds = kinds_of(defect, "melody")
        for settings in [{"kind": kind} for kind in kinds or ()] or [{}] * (kinds is None):
            assert len(Recipe.of(data).then(name, settings).apply(data).train)


def test_a_family_learns_it_saves_opens_and_draws(data):
    run = Run.create("chimes", "melodies", {"steps": 80, "learning_rate": 0.05, "ema": 0.0, "warmup": 0}, threads=1)
    losses = [progress.losses["model"] for progress in train(run, data, "cpu")]
    assert losses[-1] < losses[0]
    trained = load_model(run.name)
    assert trained.model.spec == data.spec
    *_, draft = trained.model.sample(3, Truncation(), 0)
    assert all(1 <= len(item) <= LONGEST for item in data.spec.kind.to_stored(draft.items))
    assert run.samples()


def test_others_families_and_settings_that_do_not_suit_it_are_refused(data):
    with pytest.raises(BadSetting, match="these data are melody"):
        Run.create("vae", "melodies", {"steps": 2})
    with pytest.raises(BadSetting, match="for melodies it must be none"):
        Chimes(data.spec, Chimes.Settings(augment="flip"))


def test_it_is_on_the_command_line(tmp_path, capsys):
    recipe = tmp_path / "worse.json"
    assert main(["train", "chimes", "melodies", "--steps", "3", "--name", "ringing", "--threads", "1"]) == 0
    for file in ("x.png", "x.npz"):
        assert main(["sample", "ringing", "--n", "4", "--out", str(tmp_path / file)]) == 0
    assert np.load(tmp_path / "x.npz")["samples"].shape == (4, LONGEST)
    assert main(["inspect", "melodies", "--out", str(tmp_path / "card.md")]) == 0
    assert main(["damage", "melodies", "--defect", "imbalance", "--out", str(recipe)]) == 0
    assert main(["repair", f"melodies+{recipe}", "--out", str(tmp_path / "better.json")]) == 0
    assert main(["export", "melodies", "--out", str(tmp_path / "all.zip")]) == 0
    assert "660 melodies are in" in capsys.readouterr().out
    assert main(["import", str(tmp_path / "all.zip"), "--name", "back"]) == 0
    back = load("back")
    for part, items in load("melodies").parts.items():
        assert back.parts[part].fingerprint == items.fingerprint
    assert main(["damage", "melodies", "--defect", "exposure", "--out", str(recipe)]) == 2


def test_an_export_that_is_damaged_is_refused_and_nothing_is_kept(data, tmp_path):
    export(data, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip", "a") as archive:
        archive.writestr("test/rising/x.txt", "no notes")
    with pytest.raises(BadData, match="A melody is notes"):
        read_export(tmp_path / "all.zip", "back")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "all.zip").read_bytes()[:-40])
    with pytest.raises(BadData, match="is no export"):
        read_export(tmp_path / "cut.zip", "back")
    export(data, tmp_path / "more.zip")
    with zipfile.ZipFile(tmp_path / "more.zip", "a") as archive:
        archive.writestr("test/rising/x.txt", archive.read(next(n for n in archive.namelist() if n.endswith(".txt"))))
    with pytest.raises(BadData, match="fewer or more files"):
        read_export(tmp_path / "more.zip", "back")
    assert "back" not in list_datasets()


@pytest.mark.parametrize("manifest", ['{"modality": "nope"}', "[]", "null", '{"modality": []}', "[" * 100_000])
def test_the_manifest_of_somebody_else_is_no_export(tmp_path, manifest):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("manifest.json", manifest)
    assert holds(tmp_path / "own.zip") == ""


def test_an_export_holds_files_that_are_read_back(data, tmp_path):
    export(data, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(files.pop("manifest.json"))["parts"]["train"]["fingerprint"] == data.train.fingerprint
    back = Counter(data.spec.kind.content(data.spec.kind.read(content)) for content in files.values())
    assert back == Counter(data.spec.kind.content(item) for part in data.parts.values() for item in part.read(slice(None)))
    assert "test/rising/" in str(list(files))


@pytest.mark.parametrize("name", [*MODALITIES, "melody"])
def test_a_file_is_read_back_as_it_was_and_what_is_none_is_refused(name):
    kind = MODALITIES[name]
    if kind.suffix:
        for data in [load(source) for source in ("digits", "sprites", "melodies") if describe(source).modality == name]:
            item = data.test.read([0])[0]
            assert torch.equal(kind.read(kind.file(item)), item)
        with pytest.raises(BadData):
            kind.read(b"\x89PNG none")


def test_a_picture_of_many_and_one_of_each(data):
    kind, x = Melody(), data.test.inputs(slice(0, 6))
    assert kind.tiles(x).shape == (6, 1, 16, LONGEST)
    assert kind.sheet(x, 3).shape == (1, 32, 3 * LONGEST)
    assert torch.equal(data.test.pictures(slice(0, 6)), kind.tiles(x))
