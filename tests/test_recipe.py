"""A dataset is its source and a recipe: steps that can be undone, kept and shared, and that touch the training part alone."""

import json
from dataclasses import replace

import pytest
import torch

from genlab.data import (
    Recipe,
    change_recipe,
    delete_dataset,
    describe,
    list_datasets,
    load,
    merge,
    recipe_of,
    save_recipe,
    write_recipe,
)
from genlab.data.dataset import UNDATED
from genlab.data.mending import added_ids, filled
from genlab.data.recipe import FORMAT
from genlab.errors import BadData, BadSetting, GenlabError, UnknownName
from genlab.paths import in_space


@pytest.fixture
def digits():
    return load("digits")


@pytest.fixture
def recipe(digits):
    return Recipe.of(digits)


def test_a_recipe_without_steps_is_its_source(digits, recipe):
    assert recipe.apply(digits).train.fingerprint == digits.train.fingerprint


def test_dropped_items_are_gone_and_the_held_out_parts_are_as_they_were(digits, recipe):
    made = recipe.then("drop", {"ids": [3, 5, 999_999]}).apply(digits)
    assert sorted(set(digits.train.id.tolist()) - set(made.train.id.tolist())) == [3, 5]
    assert made.test is not digits.train
    assert made.validation.fingerprint == digits.validation.fingerprint
    assert made.test.fingerprint == digits.test.fingerprint


def test_relabelling_may_bring_a_new_class_of_which_every_part_knows(digits, recipe):
    made = recipe.then("relabel", {"ids": [0, 1], "classes": ["squiggle", ""]}).apply(digits)
    assert made.train.label[:2].tolist() == [10, -1]
    assert {part.spec.classes[-1] for part in made.parts.values()} == {"squiggle"}


def test_weights_decide_how_often_a_class_is_drawn_and_a_batch_stays_a_function_of_its_address(digits, recipe):
    train = recipe.then("weigh", {"weights": {str(k): 0.0 for k in range(1, 10)} | {"4": 1.0}}).apply(digits).train
    batch, again, other = (train.batch(400, 7, step) for step in (3, 3, 4))
    assert torch.equal(batch.x, again.x)
    assert not torch.equal(batch.x, other.x)
    share = float((batch.label == 4).float().mean())
    assert set(batch.label.tolist()) == {0, 4}
    assert share == pytest.approx(int(digits.train.counts[4]) / int(digits.train.counts[[0, 4]].sum()), abs=0.1)


def test_a_box_is_filled_smoothly_from_its_rim():
    ramp = torch.arange(0, 240, 15).repeat(16, 1).to(torch.uint8)[None, None]  # [1, 1, 16, 16] brighter to the right
    holed = ramp.clone()
    holed[..., 4:10, 5:11] = 0
    assert (filled(holed, [(4, 5, 6, 6)]).int() - ramp.int()).abs().max() <= 2


def test_merging_adds_what_the_other_has_under_ids_of_its_own(digits, recipe):
    save_recipe("few", recipe.then("drop", {"ids": digits.train.id[20:].tolist()}))
    other, made = load("digits+few"), merge("digits", "digits+few").apply(digits)
    assert len(made.train) == len(digits.train) + 20
    assert made.train.id[-20:].tolist() == added_ids(1, 20).tolist()
    assert torch.equal(made.train.read(range(len(digits.train), len(made.train))), other.train.read(slice(None)))
    assert made.train.label[-20:].tolist() == other.train.label.tolist()
    undone = merge("digits", "digits+few").without(1).apply(digits)
    assert undone.train.fingerprint == digits.train.fingerprint != made.train.fingerprint


def test_merged_images_are_brought_to_size_and_mode_and_classes_are_united_by_name(digits):
    large, sprites = load("digits-28"), load("sprites")
    same = merge("digits-28", "digits").apply(large).train
    assert same.spec == large.train.spec
    assert int(same.counts.sum()) == 2 * len(large.train)
    assert (same.counts == 2 * large.train.counts).all()
    mixed = merge("digits", "sprites").apply(digits)
    assert mixed.spec.classes == (*digits.spec.classes, *sprites.spec.classes)
    assert mixed.test.spec == mixed.spec
    assert mixed.train.counts[10:].tolist() == sprites.train.counts.tolist()
    added = mixed.train.read(range(len(digits.train), len(mixed.train))).float()  # [N, 1, 8, 8]
    whole = sprites.train.read(slice(None)).float()  # [N, 3, 32, 32]
    assert (added.mean((1, 2, 3)) - whole.mean((1, 2, 3))).abs().max() < 2  # of 255


def test_points_are_merged_with_points():
    rings, made = load("rings"), merge("rings", "gaussians").apply(load("rings")).train
    assert len(made) == len(rings.train) + len(load("gaussians").train)
    assert made.spec.classes[:4] == ("inner", "middle", "outer", "0")


def test_weights_and_dates_survive_what_is_added_by_a_dataset_that_knows_none(digits, recipe):
    dated = replace(digits, train=digits.train.with_column("date", torch.full((len(digits.train),), 738_000)))
    made = recipe.then("weigh", {"weights": {"3": 5.0}}).then("merge", merge("digits", "digits").steps[0].settings).apply(dated)
    n = len(digits.train)
    assert set(made.train.column("date")[:n].tolist()) == {738_000}
    assert set(made.train.column("date")[n:].tolist()) == {UNDATED}
    assert set(made.train.column("weight")[n:].tolist()) == {1.0}
    assert set(made.train.column("weight")[:n][digits.train.label == 3].tolist()) == {5.0}


def test_a_dataset_is_not_made_of_itself_nor_by_way_of_another(recipe, tmp_path):
    save_recipe("a", recipe)
    with pytest.raises(BadData, match=r"'digits\+a' would be made of itself"):
        change_recipe("digits+a", merge("digits+a", "digits+a"))
    save_recipe("b", merge("digits", "digits+a"))
    strange = Recipe.of(load("sprites")).then("outliers", {"dataset": "digits+b"})
    save_recipe("c", strange)
    for other in ("digits+b", "sprites+c"):
        with pytest.raises(BadData, match="would be made of itself"):
            change_recipe("digits+a", merge("digits", other))
    file = tmp_path / "own.json"
    write_recipe(file, recipe.then("merge", {"dataset": f"digits+{file}", "fingerprint": ""}))
    with pytest.raises(BadData, match="would be made of itself"):
        load(f"digits+{file}")
    assert load("digits+a").train.fingerprint == load("digits").train.fingerprint


def test_undoing_a_step_leaves_the_ids_of_the_others(digits, recipe):
    recipe = recipe.then("duplicates", {"rate": 0.1}, 1).then("duplicates", {"rate": 0.05}, 2)
    drop = recipe.then("drop", {"ids": added_ids(2, 10).tolist()})
    before, after = drop.apply(digits).train, drop.without(1).apply(digits).train
    assert torch.isin(after.id, before.id).all()
    assert not torch.isin(added_ids(2, 10), after.id).any()
    assert recipe.without(1).without(2).apply(digits).train.fingerprint == digits.train.fingerprint


def test_a_changed_item_is_read_changed_through_any_view(digits, recipe):
    made = recipe.then("missing", {"kind": "blank", "rate": 0.2}, 0).apply(digits).train
    blank = (made.read(slice(None)) == 0).flatten(1).all(1)
    assert int(blank.sum()) == round(0.2 * len(made))
    view = made[blank][3:5]
    assert (view.read([0, 1]) == 0).all()
    assert made.base is digits.train.base  # read-only, never copied


def test_a_kept_recipe_is_a_dataset_by_name(digits, recipe):
    save_recipe("noisy", recipe.then("noise", {"kind": "blur", "rate": 0.3}, 5))
    assert list_datasets()[-1] == "digits+noisy"
    assert describe("digits+noisy").description == "digits + noise (rate 0.3, severity 0.5, blur, seed 5)"
    assert recipe_of("digits+noisy").steps[0].seed == 5
    assert load("digits+noisy").train.fingerprint == load("digits+noisy").train.fingerprint != digits.train.fingerprint
    delete_dataset("digits+noisy")
    with pytest.raises(UnknownName, match="no dataset called"):
        load("digits+noisy")


def test_a_recipe_in_a_file_is_opened_by_path_but_not_from_a_visitors_space(recipe, tmp_path):
    write_recipe(tmp_path / "my.json", recipe.then("drop", {"ids": [1]}))
    name = f"digits+{tmp_path}/my.json"
    assert len(load(name).train) == len(load("digits").train) - 1
    with in_space(tmp_path / "visitor"), pytest.raises(UnknownName):
        load(name)


@pytest.mark.parametrize(
    ("do", "settings", "sentence"),
    [
        ("drop", {"ids": "all"}, "Step 1 of the recipe, drop, cannot be read: ids"),
        ("drop", {}, "ids: Field required"),
        ("relabel", {"ids": [1, 2], "classes": ["3"]}, "relabels 2 items to 1 classes"),
        ("fill", {"ids": [1], "boxes": [[6, 6, 4, 4]]}, "does not lie within 8×8 pixels"),
        ("weigh", {"weights": {"1": -1.0}}, "weight below 0"),
        ("weigh", {"weights": {str(k): 0.0 for k in range(10)}}, "nothing would be drawn"),
        ("merge", {"dataset": "rings", "fingerprint": ""}, "rings holds points, digits holds images; merge images into images"),
        ("merge", {"dataset": "sprites", "fingerprint": ""}, "is no longer what it was when it was merged"),
        ("merge", {"dataset": "sprits", "fingerprint": ""}, "There is no dataset called 'sprits'. Did you mean 'sprites'?"),
        ("noise", {"rate": 2.0}, "noise, cannot be read: rate"),
        ("polish", {}, "There is no step called 'polish'."),
    ],
)
def test_a_step_that_cannot_be_gets_its_sentence(digits, recipe, do, settings, sentence):
    with pytest.raises(GenlabError, match=sentence):
        recipe.then(do, settings).apply(digits)


def test_a_recipe_that_leaves_nothing_is_refused(digits, recipe):
    with pytest.raises(BadData, match="would leave nothing of the training part"):
        recipe.then("drop", {"ids": digits.train.id.tolist()}).apply(digits)


def test_a_recipe_for_another_dataset_is_refused(digits, recipe):
    with pytest.raises(BadData, match=r"was made for 'digits'.*Use it with its own source"):
        recipe.apply(load("sprites"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": FORMAT + 1}, "was written by a newer genlab"),
        ({"steps": "none"}, "is no recipe of genlab"),
        ({"steps": [{"do": "drop", "key": 1, "settings": {"ids": []}, "seed": 0}] * 2}, "keys of its steps"),
        ({"source": None, "fingerprint": None}, "made for"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(recipe, tmp_path, change, sentence):
    (tmp_path / "bad.json").write_text(json.dumps(recipe.to_json() | change))
    with pytest.raises(BadData, match=sentence):
        load(f"digits+{tmp_path}/bad.json")


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadData, match=r"bad.json cannot be read as JSON"):
        load(f"digits+{tmp_path}/bad.json")


def test_a_name_that_is_taken_or_is_none_is_refused(recipe):
    save_recipe("a", recipe)
    with pytest.raises(BadData, match="already a dataset"):
        save_recipe("a", recipe)
    with pytest.raises(BadSetting, match="cannot name a recipe"):
        save_recipe("../a", recipe)
