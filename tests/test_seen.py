"""A run goes on with the data that it began with, and says what differs in others of that name."""

import json

import pytest
from few import IMAGES
from pets import pets, replaced

from genlab.__main__ import main
from genlab.data import Recipe, change_recipe, load, save_recipe
from genlab.errors import BadSetting, RunFault
from genlab.training.run import Run, list_runs
from genlab.training.train import train

TINY = {"width": 16, "steps": 4, "save_every": 2}


@pytest.fixture
def run():
    """Two of four steps are done."""
    run = Run.create("vae", pets().name, TINY, "mine", threads=1)
    steps = train(run, load("pets"), "cpu")
    while next(steps).step < 2:
        pass
    steps.close()
    return run


OTHERS = [
    ({"seed": 1}, "its items are others"),
    ({"n": 48}, "it had 50 items and has 40"),
    ({"classes": ("x", "y")}, "its classes were cat, dog and are x, y"),
    ({"size": 12}, "its items were 1×8×8 and are 1×12×12"),
]


@pytest.mark.parametrize(("what", "sentence"), OTHERS)
def test_a_run_whose_dataset_was_replaced_does_not_go_on_and_says_what_differs(run, what, sentence):
    with pytest.raises(RunFault, match=f"pets is no longer what the run 'mine' began to learn: .*{sentence}.* Bring the old"):
        list(train(run, replaced(**what), "cpu"))
    assert sentence in run.status().message
    assert run.status().step == 2


def test_it_goes_on_when_the_old_data_are_back(run):
    with pytest.raises(RunFault):
        list(train(run, replaced(seed=1), "cpu"))
    list(train(run, replaced(), "cpu"))
    assert run.status().state == "done"


def test_a_run_that_waited_while_its_dataset_was_replaced_learns_no_other_classes():
    run = Run.create("vae", pets().name, TINY, threads=1)
    with pytest.raises(RunFault, match="its classes were cat, dog and are x, y"):
        list(train(run, replaced(classes=("x", "y")), "cpu"))


@pytest.mark.parametrize(("what", "sentence"), OTHERS)
def test_a_run_of_before_knows_its_data_by_its_checkpoint(run, what, sentence):
    forgetful(run)
    with pytest.raises(RunFault, match="its items are others" if "n" in what else sentence):
        list(train(run, replaced(**what), "cpu"))
    list(train(run, replaced(), "cpu"))
    assert run.status().state == "done"
    assert run.record["data"]["fingerprint"] == load("pets").train.fingerprint


def forgetful(run):
    record = {key: value for key, value in run.record.items() if key != "data"}
    (run.path / "run.json").write_text(json.dumps(record))


def test_a_run_of_before_that_has_saved_nothing_starts():
    run = Run.create("vae", pets().name, TINY, threads=1)
    forgetful(run)
    list(train(run, load("pets"), "cpu"))
    assert run.status().state == "done"


def test_a_run_whose_recipe_was_changed_does_not_go_on():
    recipe = Recipe.of(load("digits"))
    name = save_recipe("fewer", recipe.then("drop", {"ids": [0, 1, 2]})).name
    run = Run.create("vae", name, TINY, threads=1)
    next(train(run, load(name), "cpu"))
    changed = change_recipe(name, recipe.then("drop", {"ids": [0, 1]}))
    with pytest.raises(RunFault, match=r"its recipe was “digits \+ .*” and is “digits \+ .*”"):
        list(train(run, changed, "cpu"))


def test_a_recipe_that_makes_the_same_data_in_other_words_is_no_difference():
    recipe = Recipe.of(load("digits"))
    name = save_recipe("same", recipe.then("drop", {"ids": [0]})).name
    run = Run.create("vae", name, TINY, threads=1)
    next(train(run, load(name), "cpu"))
    list(train(run, change_recipe(name, recipe.then("drop", {"ids": [0]}).then("drop", {"ids": [0]})), "cpu"))
    assert run.status().state == "done"


def test_weights_are_part_of_the_data():
    recipe = Recipe.of(load("digits"))
    name = save_recipe("even", recipe.then("weigh", {"weights": {"9": 2.0}})).name
    run = Run.create("vae", name, TINY, threads=1)
    next(train(run, load(name), "cpu"))
    with pytest.raises(RunFault, match="its items are weighted otherwise"):
        list(train(run, change_recipe(name, recipe.then("weigh", {"weights": {"9": 3.0}})), "cpu"))


def test_data_of_another_name_are_refused():
    run = Run.create("vae", "digits", TINY, threads=1)
    with pytest.raises(RunFault, match=r"learns digits, but was given pets; give it load\('digits'\)"):
        next(train(run, pets(), "cpu"))


def test_data_without_a_name_in_the_library_can_be_learnt():
    data = Recipe.of(load("digits")).then("drop", {"ids": [0]}).apply(load("digits"), "fewer digits")
    run = Run.create("vae", data, TINY, threads=1)
    list(train(run, data, "cpu"))
    assert run.record["dataset"] == "fewer digits"


def test_the_command_line_says_what_differs(run, capsys):
    replaced(classes=("x", "y"))
    assert main(["resume", "mine", "--device", "cpu"]) == 2
    assert "its classes were cat, dog and are x, y" in capsys.readouterr().err


@pytest.mark.parametrize("family", IMAGES)
def test_data_that_no_network_takes_are_refused_before_a_run_is_made(family):
    with pytest.raises(BadSetting, match=r"128×128 in grey; models learn those from 8×8 to 64×64. Import them again"):
        Run.create(family, pets(size=128, n=6).name, {})
    with pytest.raises(BadSetting, match="no classes"):
        Run.create(family, "swiss-roll", {"conditional": True})
    assert list_runs() == []
