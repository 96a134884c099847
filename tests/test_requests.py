"""What the page's widgets may ask for: runs by name alone, strictly checked, refused in a sentence."""

import pytest

from genlab.training.run import Run
from genlab.ui import train_tab


@pytest.fixture
def outside(tmp_path):
    """A run that lies beside the runs folder."""
    return Run.create("vae", "digits", {}, "precious", tmp_path / "elsewhere")


@pytest.mark.parametrize("reach", [str, lambda path: f"../elsewhere/{path.name}"])
def test_no_run_outside_of_the_folder_can_be_reached(outside, reach):
    name = reach(outside.path)
    for function, extra in [
        (train_tab.remove, {}),
        (train_tab.rename, {"name": "mine"}),
        (train_tab.ask, {"wanted": "stop"}),
        (train_tab.sample, {"step": 1}),
    ]:
        assert "cannot name a run" in function({"run": name, **extra})["error"]
    assert (outside.path / "run.json").exists()
    assert not (outside.path / "control.json").exists()


@pytest.mark.parametrize(
    "wish", [None, [], "x", {}, {"run": 3}, {"run": "a", "wanted": "explode"}, {"run": "a", "wanted": "stop", "more": 1}]
)
def test_a_malformed_wish_gets_a_sentence(wish):
    error = train_tab.ask(wish)["error"]
    assert error.endswith(".")
    assert "Something went wrong" not in error


def test_a_run_that_is_gone_says_so():
    assert "There is no run called 'gone'" in train_tab.remove({"run": "gone"})["error"]
