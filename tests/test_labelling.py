"""Classes given by hand or by a table are steps of a recipe: they can be undone, exported and trained on."""

import csv
from pathlib import Path

import numpy as np
import pytest
from uploads import packed, picture

from genlab.__main__ import main
from genlab.data import Part, Splits, label, labelled_parts, load, read_labels, save_dataset, save_recipe
from genlab.data.exporting import export
from genlab.data.importing import import_images, table_of
from genlab.data.labelling import MOST_CLASSES, check_class
from genlab.errors import BadData, GenlabError, UnknownName
from genlab.training.run import Run
from genlab.training.train import train


@pytest.fixture
def pets(tmp_path: Path) -> Splits:
    """Forty images without any classes, imported from files."""
    (tmp_path / "pets").mkdir()
    for i in range(40):
        (tmp_path / "pets" / f"{i}.png").write_bytes(packed(picture(i)))
    list(import_images([tmp_path / "pets"], "pets"))
    return load("pets")


def table(file: Path, *rows: tuple[str, str], head: tuple[str, str] = ("file", "species")) -> Path:
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([head, *rows])
    return file


def test_a_label_brings_its_class_in_the_order_in_which_they_were_made_and_every_part_knows_it(pets):
    made = label("pets", {"train": {5: "dog", 1: "cat", 3: "dog"}}).apply(pets)
    assert made.spec.classes == ("dog", "cat")
    assert made.train.label[[1, 3, 5]].tolist() == [1, 0, 0]
    assert int((made.train.label >= 0).sum()) == 3
    assert {part.spec for part in made.parts.values()} == {made.spec}
    assert made.train.fingerprint != pets.train.fingerprint
    assert made.test.fingerprint == pets.test.fingerprint


def test_a_label_is_a_step_that_can_be_undone(pets):
    first = save_recipe("named", label("pets", {"train": {0: "cat"}}))
    recipe = label("pets+named", {"train": {0: "dog", 1: "dog"}})
    assert recipe.tell() == "pets + 1 item relabelled; 2 items relabelled"
    assert recipe.without(2).apply(pets).train.fingerprint == first.train.fingerprint
    assert recipe.without(2).without(1).apply(pets).train.fingerprint == pets.train.fingerprint
    assert recipe.apply(pets).spec.classes == ("cat", "dog")


def test_what_is_held_out_is_labelled_only_where_nothing_has_a_class(pets):
    assert labelled_parts("pets") == ("train", "validation", "test")
    made = save_recipe("all", label("pets", {part: dict.fromkeys(range(len(pets.parts[part])), "cat") for part in pets.parts}))
    assert {int(part.counts[0]) for part in made.parts.values()} == {len(part) for part in pets.parts.values()}
    assert labelled_parts("pets+all") == ("train", "validation", "test")  # it is the source that has none
    assert labelled_parts("digits") == ("train",)
    digits = load("digits")
    with pytest.raises(BadData, match="held out of digits keeps the labels that it came with"):
        label("digits", {"test": {0: "3"}}).apply(digits)


def test_labels_go_out_with_the_export_and_come_back(pets, tmp_path):
    given = {"train": {i: "cat" if i % 2 else "dog" for i in range(20)}, "test": {0: "cat"}}
    made = save_recipe("some", label("pets", given))
    export(made, tmp_path / "out.zip")
    list(import_images([tmp_path / "out.zip"], "back"))
    assert [part.fingerprint for part in load("back").parts.values()] == [part.fingerprint for part in made.parts.values()]


def test_a_model_is_asked_for_classes_that_were_given(pets):
    save_recipe("two", label("pets", {"train": {i: "cat" if i % 2 else "dog" for i in range(20)}}))
    run = Run.create("vae", "pets+two", {"network": "mlp", "width": 8, "steps": 2, "conditional": True}, "mine", threads=1)
    *_, last = train(run, load("pets+two"), "cpu")
    assert np.isfinite(last.losses["model"])
    assert run.record["settings"]["conditional"] is True


def test_a_table_names_files_as_they_were_imported(pets, tmp_path):
    rows = [(f"{i}.png", "cat" if i < 25 else "dog") for i in range(38)]
    found = read_labels("pets", table(tmp_path / "labels.csv", *rows, ("gone.png", "cat")))
    assert found.told == ("labels.csv names 1 file that cannot be found here, or not told apart.",)
    made = label("pets", found.given).apply(pets)
    told = {
        Path(v.file).name: (*made.spec.classes, "")[int(made.parts[v.part].label[v.row])]
        for v in table_of("pets")
    }  # fmt: skip
    assert told == {**dict(rows), "38.png": "", "39.png": ""}


def test_a_table_names_ids_or_files_of_an_export_where_nothing_was_imported(tmp_path):
    digits = load("digits")
    here, there = digits.train.spec.classes[digits.train.label[7]], digits.test.spec.classes[digits.test.label[0]]
    rows = [("12", "loop"), (f"train/{here}/000007.png", "stroke"), (f"test/{there}/000000.png", "loop")]
    found = read_labels("digits", table(tmp_path / "t.csv", *rows, head=("id", "class")))
    assert found.given == {"train": {12: "loop", 7: "stroke"}}
    assert found.told == ("1 of its files are held out and keep the classes that they came with.",)


def test_the_verb_writes_a_recipe_that_is_used_like_any_other(pets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "labels.csv", *((f"{i}.png", f"kind {i % 3}") for i in range(40)))
    assert main(["label", "pets", "--table", "labels.csv", "--column", "species", "--out", "named.json"]) == 0
    assert "items relabelled in the test part" in capsys.readouterr().out
    named = load("pets+named.json")
    assert sorted(named.spec.classes) == ["kind 0", "kind 1", "kind 2"]
    assert all((part.label >= 0).all() for part in named.parts.values())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("label pets --out x.json", "--table"),
        ("label pets --table gone.csv --out x.json", "gone.csv cannot be read as a table"),
        ("label pets --table t.csv --column colour --out x.json", "tells no classes of these files in a column 'colour'"),
        ("label pets --table other.csv --out x.json", "other.csv tells no classes of these files. No column names them."),
        ("label pets --table bad.csv --out x.json", "A class cannot be called 'a/b'"),
        ("label pets --table t.csv --out x.txt", "x.txt is no .json file"),
    ],
)
def test_a_wrong_word_gets_its_sentence(words, sentence, pets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "t.csv", ("1.png", "cat"), ("2.png", "cat"))
    table(tmp_path / "other.csv", ("eins.jpg", "cat"))
    table(tmp_path / "bad.csv", ("1.png", "a/b"))
    assert main(words.split()) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({}, BadData, "No class was given"),
        ({"train": {}}, BadData, "No class was given"),
        ({"train": {999: "cat"}}, UnknownName, "There is no item 999 in the train part of pets"),
        ({"trian": {0: "cat"}}, GenlabError, "trian"),
        ({"train": {0: "  "}}, BadData, "cannot be called '  '"),
    ],
)
def test_labels_that_cannot_be_get_their_sentence(pets, given, kind, sentence):
    with pytest.raises(kind, match=sentence):
        label("pets", given)


def test_the_gallery_begins_with_what_has_no_label_and_shows_held_out_images_where_they_can_have_one(pets):
    from genlab.ui.tabs.data.tab import gallery

    save_recipe("one", label("pets", {"train": {3: "cat"}}))
    shown = gallery({"dataset": "pets+one", "done": [0, 1]})["groups"]
    assert [group["name"] for group in shown] == ["", "cat"]
    assert sorted(shown[0]["ids"] + shown[1]["ids"] + [0, 1]) == pets.train.id.tolist()
    assert shown[1]["ids"] == [3]
    assert gallery({"dataset": "pets+one", "part": "test"})["part"] == "test"
    assert gallery({"dataset": "digits", "part": "test"})["part"] == "train"


@pytest.mark.parametrize("word", ["", " ", ".", "..", ".hidden", "a/b", "a\\b", "a\nb", "x" * 61])
def test_a_word_that_cannot_name_a_folder_is_no_class(word):
    with pytest.raises(BadData, match="A class cannot be called"):
        check_class(word)


def test_there_are_no_more_classes_than_a_dataset_can_have():
    part = Part(np.zeros((MOST_CLASSES + 1, 1, 8, 8), np.uint8))
    many = save_dataset("many", {"train": part, "validation": part, "test": part}, (), "many")
    with pytest.raises(BadData, match="There would be 1,001 classes"):
        label("many", {"train": {item: f"class {item}" for item in range(len(many.train))}})
