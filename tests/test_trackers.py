"""What a tracker is told is what the run recorded."""

import shutil

import pytest

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import BadSetting, RunFault
from genlab.training import trackers
from genlab.training.extend import extend
from genlab.training.run import Run
from genlab.training.trackers import track
from genlab.training.train import train


@pytest.fixture
def run():
    run = Run.create("vae", "digits", {"steps": 5, "width": 16}, "told", threads=1)
    list(train(run, load("digits"), "cpu"))
    return run


def test_tensorboard_reads_the_record_back(run, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert track(run, "tensorboard", tmp_path) == 5
    told = EventAccumulator(str(tmp_path / "told"))
    told.Reload()
    losses = {event.step: event.value for event in told.Scalars("loss/model")}
    assert losses == pytest.approx({record["step"]: record["losses"]["model"] for record in run.history()})
    held_out = [record["step"] for record in run.history() if record["held_out"] is not None]
    assert [event.step for event in told.Scalars("loss/held out")] == held_out
    assert {"KL", "learning rate", "gradient norm"} <= set(told.Tags()["scalars"])


def steps_in(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told = EventAccumulator(str(folder))
    told.Reload()
    return [event.step for event in told.Scalars("loss/model")]


def test_a_second_call_tells_only_what_is_new(run, tmp_path):
    assert track(run, "tensorboard", tmp_path) == 5
    assert track(run, "tensorboard", tmp_path) == 0
    assert steps_in(tmp_path / "told") == [1, 2, 3, 4, 5]
    extend(run, 8)
    list(train(run, load("digits"), "cpu"))
    assert track(run, "tensorboard", tmp_path) == 3
    assert steps_in(tmp_path / "told") == list(range(1, 9))


def test_another_folder_or_one_that_was_emptied_is_told_all(run, tmp_path):
    track(run, "tensorboard", tmp_path / "one")
    assert track(run, "tensorboard", tmp_path / "two") == 5
    shutil.rmtree(tmp_path / "one")
    assert track(run, "tensorboard", tmp_path / "one") == 5
    assert steps_in(tmp_path / "one" / "told") == [1, 2, 3, 4, 5]


def test_runs_of_one_name_are_not_mixed(run, tmp_path):
    track(run, "tensorboard", tmp_path)
    run.delete()
    again = Run.create("vae", "digits", {"steps": 2, "width": 16}, "told", threads=1)
    list(train(again, load("digits"), "cpu"))
    with pytest.raises(RunFault, match="holds the record of another run; choose another folder"):
        track(again, "tensorboard", tmp_path)
    assert steps_in(tmp_path / "told") == [1, 2, 3, 4, 5]


def test_trackers_without_a_folder_get_the_name_of_the_run(run, tmp_path, monkeypatch):
    """trackio and W&B through a stand-in: their own packages are not needed here."""
    told = {"steps": []}

    class StandIn:
        requires_logging_directory = False

        def __init__(self, project, name, resume):
            told.update(project=project, name=name, resume=resume)

        def start(self):
            told["open"] = True

        def store_init_configuration(self, values):
            told["settings"] = values

        def log(self, values, step):
            told["steps"].append(step)

        def finish(self):
            told["open"] = False

    monkeypatch.setitem(trackers.LOGGER_TYPE_TO_CLASS, "trackio", StandIn)
    monkeypatch.setattr(trackers, "get_available_trackers", lambda: ["trackio"])
    track(run, "trackio", tmp_path)
    assert (told["project"], told["name"], told["open"]) == ("genlab", "told", False)
    assert told["steps"] == [record["step"] for record in run.history()]
    assert told["settings"]["width"] == 16
    assert told["resume"] == "allow"
    assert track(run, "trackio", tmp_path) == 0


@pytest.mark.parametrize(("tracker", "sentence"), [("tensorbord", "Did you mean 'tensorboard'"), ("wandb", "pip install wandb")])
def test_a_tracker_that_is_not_there_is_refused(run, tmp_path, tracker, sentence, monkeypatch):
    monkeypatch.setattr(trackers, "get_available_trackers", lambda: ["tensorboard"])
    with pytest.raises(BadSetting, match=sentence):
        track(run, tracker, tmp_path)


def test_a_run_without_a_record_is_refused(tmp_path):
    with pytest.raises(RunFault, match="recorded nothing yet"):
        track(Run.create("vae", "digits", {}, "empty"), "tensorboard", tmp_path)


def test_from_the_command_line(run, tmp_path, capsys):
    assert main(["track", "told", "--to", "tensorboard", "--out", str(tmp_path)]) == 0
    assert "5 new records of told" in capsys.readouterr().out
    assert list((tmp_path / "told").iterdir())
