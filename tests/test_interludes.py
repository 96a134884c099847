"""What a run does beside learning takes a tenth of its time at most, is decided once, and is the same in every life of it."""

import json
from contextlib import closing
from functools import partial
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.data import load
from genlab.training import interludes, train
from genlab.training.interludes import FIRST, MOST, SHARE, Interludes, Rhythm, read_rhythm, times, write_rhythm
from genlab.training.run import Run


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """A run of so many steps whose every act takes as long as it says, and which counts what became of its time."""

    def __init__(self, path, monkeypatch, steps, step=0.1, record=1e-4, measure=0.05, draw=0.1, limit=None, evaluate=None):
        self.clock, self.path, self.steps, self.step = Clock(), path, steps, step
        self.seconds = {"record": record, "measure": measure, "draw": draw}
        self.record = {"settings": {"steps": steps}, "seconds": limit}
        if evaluate is not None:
            self.seconds["evaluate"] = evaluate
        self.done: dict[str, list[int]] = {kind: [] for kind in self.seconds}
        monkeypatch.setattr(interludes, "perf_counter", self.clock)

    def act(self, kind):
        self.clock.now += self.seconds[kind]
        self.done[kind].append(self.at)
        return 1.0

    def remember(self, record):
        self.act("record")

    def draw(self, step, patience):
        return bool(self.patiently("draw", patience))

    def patiently(self, kind, patience):
        if self.seconds[kind] > patience:  # as a family of ten steps sees it after the first
            self.clock.now += self.seconds[kind] / 10
            return None
        return self.act(kind)

    def live(self, after=0, until=None):
        self.at = after
        evaluate = partial(self.patiently, "evaluate") if "evaluate" in self.seconds else None
        beside = Interludes(self, lambda: self.act("measure"), self.draw, 2, evaluate)
        for step in range(after + 1, (until or self.steps) + 1):
            self.at = step
            self.clock.now += self.step
            beside.stepped(self.step)
            beside.after(self.at)
            if beside.due("record", self.at):
                beside.record({})
        return self

    @property
    def share(self):
        """Of the time in which it ran, what went by beside learning, the end not counted."""
        end = sum(self.seconds.values())
        return max(0.0, self.clock.now - self.steps * self.step - end) / self.clock.now


seconds = st.floats(-4, 1).map(lambda power: 10**power)


@given(st.integers(1, 20_000), seconds.map(lambda s: max(s, 2e-3)), seconds, st.floats(0, 2), st.none() | seconds)
def test_whatever_takes_how_long_all_but_the_end_takes_a_tenth_at_most(tmp_path_factory, steps, step, draw, measure, evaluate):
    with pytest.MonkeyPatch.context() as patch:
        times = {"measure": measure * step, "draw": draw, "evaluate": evaluate}
        run = Counted(tmp_path_factory.mktemp("run"), patch, steps, step, **times).live()
    assert run.share <= SHARE + 1e-6
    assert all(done[-1] == steps for done in run.done.values())


@pytest.mark.parametrize("steps", [80, 100, 200, 600, 5000, 50_000])
def test_the_end_is_within_the_tenth_as_soon_as_there_is_more(steps, tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, steps).live()
    assert run.clock.now - steps * run.step <= SHARE * run.clock.now
    assert run.done["draw"][0] <= 9
    assert len(run.done["draw"]) >= min(steps * 0.01, 20)


def test_a_run_of_a_few_steps_shows_its_samples_at_the_end(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 26, step=0.4, draw=1.0, measure=0.3).live()
    assert run.done == {"record": [*range(1, 27)], "measure": [26], "draw": [26]}
    assert run.clock.now - 26 * 0.4 < 1.32


def test_where_time_is_plenty_it_is_no_more_than_anybody_looks_at(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 20_000, draw=1e-3, measure=1e-3, evaluate=1e-3).live()
    for kind, most in MOST.items():
        assert most / 2 <= len(set(run.done[kind])) <= most + 2 * FIRST


def test_a_run_that_ends_by_its_time_divides_that_time(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 1_000_000, limit=30).live(until=300)
    assert len(run.done["draw"]) >= 5
    assert run.clock.now - 300 * run.step <= SHARE * run.clock.now


def test_a_later_life_does_the_same_at_the_same_steps(tmp_path, monkeypatch):
    once = Counted(tmp_path, monkeypatch, 500, evaluate=0.1).live()
    again = Counted(tmp_path, monkeypatch, 500, step=3.0, draw=50.0, evaluate=9.0).live(after=5)  # on a machine of another speed
    for kind, done in again.done.items():
        assert done == sorted({step for step in once.done[kind] if step > 5}), kind


def test_a_life_that_ended_too_early_leaves_the_decision_to_the_next(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 500)
    run.live(until=5)
    assert read_rhythm(run) is None
    run.live(after=4)
    assert read_rhythm(run).decided > 5
    assert run.share <= SHARE


def test_a_run_from_before_there_were_decisions_takes_its_own(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 500).live(after=100)
    assert run.done["draw"][0] == 109
    assert len(run.done["record"]) > 50


def test_every_measured_loss_is_recorded(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 500).live()
    assert set(run.done["measure"]) <= set(run.done["record"])


def test_samples_are_measured_before_the_end_only_where_there_is_time_for_it_twice(tmp_path, monkeypatch):
    slow, quick = (Counted(tmp_path / name, monkeypatch, 500, evaluate=s) for name, s in [("slow", 9.0), ("quick", 0.1)])
    for run in (slow, quick):
        run.path.mkdir()
        run.live()
    assert slow.done["evaluate"] == [500]
    assert len(quick.done["evaluate"]) > 3
    assert len(quick.done["draw"]) > 3
    assert set(quick.done["evaluate"]) <= set(quick.done["record"])


@pytest.mark.parametrize("every", [1, 2, 10, 50, 100])
def test_what_is_counted_in_advance_is_what_falls_due(every):
    rhythm = Rhythm(7, every, every, every)
    due = [step for step in range(8, 100) if rhythm.due("draw", step, 100)]
    assert len(due) == times(every, 7, 100)


def test_a_damaged_decision_is_taken_anew(tmp_path, monkeypatch):
    run = Counted(tmp_path, monkeypatch, 500)
    for content in ("", "{", "[]", '{"decided": 3}'):
        (tmp_path / "interludes.json").write_text(content)
        assert read_rhythm(run) is None


# --- In a real run ---


@pytest.mark.parametrize("steps", [5, 150])
def test_a_real_run_keeps_to_it(steps, monkeypatch):
    """Every batch takes 0.1 seconds of a clock that nothing else moves but held-out losses and samples."""
    clock = Clock()
    learning, beside = [0.1], [0.2]
    monkeypatch.setattr(train, "perf_counter", clock)
    monkeypatch.setattr(interludes, "perf_counter", clock)

    def taking(function, seconds, spent):
        def called(*arguments, **options):
            clock.now += seconds[0]
            spent.append(seconds[0])
            return function(*arguments, **options)

        return called

    stepped, elsewhere = [], []
    monkeypatch.setattr(train.Trainer, "_play", taking(train.Trainer._play, learning, stepped))
    monkeypatch.setattr(train.Trainer, "_measure", taking(train.Trainer._measure, beside, elsewhere))
    monkeypatch.setattr(train.Trainer, "_draw", taking(train.Trainer._draw, beside, elsewhere))
    run = Run.create("vae", "digits", {"steps": steps, "width": 8, "save_every": steps}, threads=1)
    records = list(train.train(run, load("digits"), "cpu"))
    assert sum(stepped) == pytest.approx(0.1 * steps)
    assert sum(elsewhere) - 0.4 <= SHARE * clock.now  # 0.4 at the end
    assert (len(elsewhere) > 2) == (steps == 150)
    assert run.samples() == [progress.step for progress in records if progress.drew]
    assert run.samples()[-1] == steps
    assert records[-1].held_out is not None
    assert records[-1].recorded


def test_a_run_that_is_stopped_and_resumed_keeps_its_decision():
    run = Run.create("vae", "digits", {"steps": 30, "width": 8}, threads=1)
    write_rhythm(run, Rhythm(decided=4, record=2, measure=5, draw=10))
    with closing(train.train(run, load("digits"), "cpu")) as steps:
        list(islice(steps, 13))
    list(train.train(run, load("digits"), "cpu"))
    assert run.samples() == [4, 10, 20, 30]
    assert [r["step"] for r in run.history() if r["held_out"] is not None] == [4, 5, 10, 15, 20, 25, 30]
    assert json.loads((run.path / "interludes.json").read_text())["draw"] == 10
