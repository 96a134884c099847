"""What a run will take is told before it is made, from real steps on the real data."""

import pytest
from few import USUAL

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import BadSetting, RunFault
from genlab.models import MODELS
from genlab.training import estimate as measuring
from genlab.training.estimate import Estimator, estimate
from genlab.training.run import list_runs
from genlab.training.train import Trainer

TINY = {"width": 16, "batch_size": 32}


@pytest.mark.parametrize("family", MODELS)
def test_every_family_is_estimated_and_nothing_is_left(family):
    found = estimate(family, USUAL[family], TINY | {"steps": 100}, "cpu")
    assert found.seconds == pytest.approx(1.1 * 100 * found.step_seconds)
    assert found.memory > 5 * 4 * 1000
    assert list_runs() == []


def test_larger_batches_than_there_is_time_for_follow_from_smaller_ones(monkeypatch):
    monkeypatch.setattr(measuring, "BUDGET", 0.0)
    monkeypatch.setattr(measuring, "_seconds_of", lambda trainer, size: 0.01 * size)
    tried, step = [], Trainer.try_step
    monkeypatch.setattr(Trainer, "try_step", lambda self, size: (tried.append(size), step(self, size)))
    all_there_are = 0.01 * len(load("digits").train)
    assert estimate("vae", "digits", TINY | {"batch_size": 8192}, "cpu").step_seconds == pytest.approx(all_there_are)
    assert tried == [4]


def test_steps_that_warm_up_leave_the_time_to_try_the_whole_batch(monkeypatch):
    """On a GPU the first steps take seconds, and small batches as long as each other: nothing follows from them."""
    clock, seen = 0.0, set()

    def step(trainer, size):
        nonlocal clock
        clock += max(0.03, 0.0001 * size) + (0 if size in seen else 5)
        seen.add(size)

    monkeypatch.setattr(Trainer, "try_step", step)
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock)
    assert estimate("vae", "digits", TINY | {"batch_size": 1024}, "cpu").step_seconds == pytest.approx(0.1024)


@pytest.mark.parametrize(
    ("taken", "seconds"), [({4: 1.0, 16: 2.5}, 2.5 + 0.125 * 112), ({4: 1.0}, 32.0), ({4: 1.0, 16: 0.9}, 0.9), ({128: 7.0}, 7.0)]
)
def test_a_step_of_128_lies_on_the_line_through_the_largest_that_were_measured(taken, seconds):
    assert measuring._at(128, taken) == pytest.approx(seconds)


def test_memory_grows_with_the_batch_and_with_the_network():
    small, batch, wide = (
        estimate("vae", "digits", {"width": width, "batch_size": size}, "cpu").memory
        for width, size in [(64, 64), (64, 1024), (1024, 64)]
    )
    assert batch - small > 960 * 64 * 4 * 2  # two layers' units at least
    assert wide - small > 5 * 4 * 2 * 1024**2  # both nets have a layer of 1024 × 1024


def test_what_is_long_or_too_large_is_told_how_to_be_less(monkeypatch):
    sprites = {"steps": 10_000_000, "batch_size": 64}
    assert "It takes less with a batch of 32 or fewer steps." in str(estimate("vae", "sprites", sprites, "cpu"))
    monkeypatch.setattr(measuring, "_free", lambda trainer: 2**20)
    told = str(estimate("vae", "sprites", {"batch_size": 64}, "cpu"))
    assert "Only 1 MB are free. It takes less with a batch of 32 or a smaller network." in told
    large = load("digits-28").spec.__class__("image", (3, 64, 64))
    settings = MODELS["vae"].Settings.parse({})
    assert "images of 32×32 (about 25% of the work)" in measuring._hint(1e5, 0, 1, large, settings)
    assert measuring._hint(60, 0, 1, large, settings) == ""


def test_what_cannot_be_made_is_refused():
    with pytest.raises(BadSetting, match="no classes"):
        estimate("vae", "swiss-roll", {"conditional": True}, "cpu")


def test_from_the_command_line(capsys):
    assert main(["train", "vae", "digits", "--width", "16", "--steps", "100", "--device", "cpu", "--estimate"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("About ")
    assert "s a step" in told
    assert list_runs() == []


def test_another_process_answers_again_and_again_and_is_ended_when_it_takes_too_long(monkeypatch):
    asked = Estimator()
    found = asked.ask("vae", "digits", TINY, "cpu")
    assert found.step_seconds > 0
    with pytest.raises(RunFault, match="width is 1; it must be a whole number from 8") as refused:
        asked.ask("vae", "digits", {"width": 1}, "cpu")
    assert refused.value.about == ("width",)
    process = asked._process
    monkeypatch.setattr(measuring, "PATIENCE", 0.0)
    with pytest.raises(RunFault, match=r"A few steps of this take longer than 0 s here. Choose a smaller network"):
        asked.ask("vae", "digits", TINY, "cpu")
    assert process.poll() is not None


def test_more_questions_than_can_wait_are_refused_at_once(monkeypatch):
    monkeypatch.setattr(measuring, "MOST", 1)
    asked = Estimator()
    with asked._places, pytest.raises(RunFault, match="Too many others ask"):
        asked.ask("vae", "digits", TINY, "cpu")
