"""Runs wait for their turn, can change places and leave; the queue survives its server."""

import pytest

from genlab.errors import RunFault
from genlab.paths import in_space
from genlab.training import worker
from genlab.training.queue import Queue
from genlab.training.run import Run, delete_runs


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue whose worker takes a run up and does nothing."""
    monkeypatch.setattr(worker, "start", lambda run, device: run.note("running"))
    return Queue(tmp_path / "queue.json")


def runs(*names: str) -> list[Run]:
    return [Run.create("vae", "digits", {}, name) for name in names]


def states(*of: Run) -> list[str]:
    return [run.status().state for run in of]


def test_one_trains_and_the_others_wait_in_order(queue):
    a, b, c = runs("a", "b", "c")
    for run in (a, b, c):
        queue.add(run)
    assert states(a, b, c) == ["running", "queued", "queued"]
    a.note("done")
    queue.advance()
    assert states(a, b, c) == ["done", "running", "queued"]
    assert queue.waiting() == [c]


def test_more_may_train_at_once(queue):
    a, b, c = runs("a", "b", "c")
    for run in (a, b, c):
        queue.add(run)
    queue.limit(2)
    assert states(a, b, c) == ["running", "running", "queued"]
    with pytest.raises(RunFault, match="from 1 to 8"):
        queue.limit(0)


def test_a_paused_run_lets_the_next_one_go(queue):
    a, b = runs("a", "b")
    queue.add(a)
    queue.add(b)
    a.note("paused")
    queue.advance()
    assert states(a, b) == ["paused", "running"]


def test_where_the_number_is_fixed_a_paused_run_keeps_its_place(tmp_path, queue):
    fixed = Queue(tmp_path / "fixed.json", at_once=1)
    a, b = runs("a", "b")
    fixed.add(a)
    fixed.add(b)
    a.note("paused")
    fixed.advance()
    assert states(a, b) == ["paused", "queued"]
    a.note("stopped")
    fixed.add(a)
    assert states(a, b) == ["queued", "running"], "who goes on lines up"


def test_runs_change_places_and_leave(queue):
    a, b, c, d = runs("a", "b", "c", "d")
    for run in (a, b, c, d):
        queue.add(run)
    queue.move(d, -1)
    assert queue.waiting() == [b, d, c]
    queue.move(b, 5)
    assert queue.waiting() == [d, c, b]
    queue.cancel(c)
    assert queue.waiting() == [d, b]
    with pytest.raises(RunFault, match="not in the queue"):
        queue.cancel(c)
    (c,) = runs("c")
    queue.add(c)
    assert queue.waiting() == [d, b, c]


def test_a_waiting_run_is_taken_out_before_it_is_renamed(queue):
    a, b = runs("a", "b")
    queue.add(a)
    queue.add(b)
    with pytest.raises(RunFault, match="waits in the queue"):
        b.rename("c")


def test_a_run_is_queued_once(queue):
    a, b = runs("a", "b")
    queue.add(a)
    queue.add(b)
    for run in (a, b):
        with pytest.raises(RunFault, match="training or waiting already"):
            queue.add(run)


def test_a_full_queue_says_so(tmp_path, queue):
    small = Queue(tmp_path / "small.json", longest=1)
    a, b, c = runs("a", "b", "c")
    small.add(a)
    small.add(b)
    with pytest.raises(RunFault, match="The queue is full"):
        small.add(c)
    assert states(c) == ["stopped"]


def test_a_visitor_may_have_so_many_and_moves_only_their_own(tmp_path, queue):
    shared = Queue(tmp_path / "shared.json", each=2)
    (mine,) = runs("mine")
    with in_space(tmp_path / "one"):
        theirs = runs("a", "b", "c")
        shared.add(theirs[0])
        shared.add(theirs[1])
        with pytest.raises(RunFault, match="You have 2 runs"):
            shared.add(theirs[2])
        shared.move(theirs[1], -5)
    shared.add(mine)
    assert shared.waiting() == [theirs[1], mine]


def test_another_server_goes_on_with_the_queue(tmp_path, queue):
    a, b = runs("a", "b")
    queue.add(a)
    queue.add(b)
    again = Queue(tmp_path / "queue.json")
    assert again.waiting() == [b]
    a.note("done")
    again.advance()
    assert states(b) == ["running"]


def test_what_was_deleted_or_taken_up_elsewhere_is_forgotten(queue):
    a, b, c = runs("a", "b", "c")
    for run in (a, b, c):
        queue.add(run)
    b.note("running")  # resumed from a terminal
    queue.advance()
    assert queue.waiting() == [c]


def test_a_run_that_cannot_be_started_fails_and_the_next_one_goes(queue, monkeypatch):
    def full(run, device):
        raise RunFault("The disk is full.")

    a, b = runs("a", "b")
    queue.add(a)
    monkeypatch.setattr(worker, "start", full)
    queue.add(b)
    a.note("done")
    queue.advance()
    assert b.status().message == "The disk is full."


def test_a_file_that_is_damaged_is_an_empty_queue(tmp_path, queue):
    (tmp_path / "queue.json").write_text("{")
    assert Queue(tmp_path / "queue.json").waiting() == []


def trained(name: str) -> Run:
    """A stopped run that has taken a step."""
    (run,) = runs(name)
    run.remember({"step": 1, "losses": {"model": 1.0}, "logs": {}, "held_out": None})
    run.note("stopped")
    return run


def test_what_leaves_the_queue_vanishes_unless_it_had_trained_before(queue):
    a, b = runs("a", "b")
    before = trained("before")
    for run in (a, b, before):
        queue.add(run)
    queue.cancel(b)
    queue.cancel(before)
    assert queue.waiting() == []
    assert not b.path.exists()
    assert states(a, before) == ["running", "stopped"]


def test_the_queue_is_cleared_of_one_visitors_runs_and_of_no_other_ones(tmp_path, queue):
    training, a = runs("training", "a")
    before = trained("before")
    for run in (training, a, before):
        queue.add(run)
    with in_space(tmp_path / "one"):
        (theirs,) = runs("theirs")
        queue.add(theirs)
    queue.clear()
    assert queue.waiting() == [theirs]
    assert not a.path.exists()
    assert states(training, before) == ["running", "stopped"]


def test_a_waiting_run_that_is_deleted_leaves_the_queue(queue):
    a, b, c = runs("a", "b", "c")
    for run in (a, b, c):
        queue.add(run)
    assert delete_runs(["b"]) == []
    queue.advance()
    assert queue.waiting() == [c]
