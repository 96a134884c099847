"""What the page's widgets may ask for: runs by name alone, strictly checked, refused in a sentence."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from genlab.models import MODELS
from genlab.training import worker
from genlab.training.queue import Queue
from genlab.training.run import Run, list_runs
from genlab.ui.tabs.train import tab as train_tab


@pytest.fixture
def outside(tmp_path):
    """A run that lies beside the runs folder."""
    return Run.create("vae", "digits", {}, "precious", tmp_path / "elsewhere")


@pytest.mark.parametrize("reach", [str, lambda path: f"../elsewhere/{path.name}"])
def test_no_run_outside_of_the_folder_can_be_reached(outside, reach):
    name = reach(outside.path)
    for function, extra in [
        (train_tab.history, {}),
        (train_tab.rename, {"name": "mine"}),
        (train_tab.ask, {"wanted": "stop"}),
        (train_tab.sample, {"step": 1}),
    ]:
        assert "cannot name a run" in function({"run": name, **extra})["error"]
    assert "cannot name a run" in train_tab.remove({"runs": [name], "stop": True})["error"]
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
    assert "There is no run called 'gone'" in train_tab.remove({"runs": ["gone"]})["error"]


def test_the_same_form_sent_again_within_a_moment_makes_one_run(tmp_path, monkeypatch):
    """Also when all of it arrives at once."""
    monkeypatch.setattr(train_tab, "queue", lambda: Queue(tmp_path / "queue.json"))
    monkeypatch.setattr(worker, "start", lambda run, device: run.note("running"))
    form = ["vae", "digits", "small", "", ""]
    values = [field.default for field in MODELS["vae"].Settings.fields()]
    forms = {"vae": SimpleNamespace(components=values, read=lambda own: {})}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: train_tab._begin(forms, [*form, *values]), range(8)))
    assert answers == [{"run": "vae-1"}] * 8
    assert train_tab._begin(forms, [*form[:-1], "another", *values]) == {"run": "another"}
    monkeypatch.setattr(train_tab, "MOMENT", 0)
    assert train_tab._begin(forms, [*form, *values]) == {"run": "vae-2"}
    assert len(list_runs()) == 3
