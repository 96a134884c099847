"""Runs are deleted, several at once and those that train too; what stays is told in a sentence each."""

import threading

import pytest

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import RunFault
from genlab.training.run import Run, delete_runs
from genlab.training.train import train


def made(*names: str, state: str = "done") -> list[Run]:
    runs = [Run.create("vae", "digits", {"steps": 100_000, "width": 16}, name, threads=1) for name in names]
    for run in runs:
        run.note(state)
    return runs


@pytest.fixture
def training():
    """A run that trains in a thread of this process."""
    (run,) = made("training")
    begun = threading.Event()

    def go() -> None:
        for _ in train(run, load("digits"), "cpu"):
            begun.set()

    thread = threading.Thread(target=go)
    thread.start()
    assert begun.wait(60)
    yield run
    if run.path.exists():
        run.ask("stop")
    thread.join(60)


def test_a_run_that_trains_is_stopped_and_deleted(training):
    (rested,) = made("rested")
    (refusal,) = delete_runs(["training", "rested"])
    assert str(refusal) == "The run 'training' is training; stop it before it is deleted."
    assert not rested.path.exists()
    assert delete_runs(["training"], stop=True) == []
    assert not training.path.exists()


def test_a_run_that_takes_long_to_stop_is_waited_for_only_so_long():
    (run,) = made("stuck", state="running")  # nobody listens to what it is asked
    with pytest.raises(RunFault, match="has been told to stop, but its step takes long"):
        run.stop(patience=0.1)
    assert run.wanted() == "stop"


def test_the_command_line_says_what_it_deleted_and_why_not_the_rest(capsys):
    a, b, busy = [*made("a", "b"), *made("busy", state="running")]
    assert main(["delete", "a", "nothing", "busy", "a", "b"]) == 2
    told = capsys.readouterr()
    assert told.out == "2 runs deleted.\n"
    assert "There is no run called 'nothing'" in told.err
    assert "'busy' is training; stop it before it is deleted.\nAdd --stop" in told.err
    assert [run.path.exists() for run in (a, b, busy)] == [False, False, True]


def test_the_command_line_deletes_a_waiting_run(capsys):
    (run,) = made("waiting", state="queued")
    assert main(["delete", "waiting"]) == 0
    assert capsys.readouterr().out == "1 run deleted.\n"
    assert not run.path.exists()


@pytest.mark.parametrize("noted", ["{}", "[]", "nonsense", '{"state": "gone", "message": ""}', '{"state": "done", "message": 7}'])
def test_a_run_whose_status_is_damaged_says_so_and_can_be_deleted(noted: str, capsys):
    (run,) = made("hurt")
    (run.path / "status.json").write_text(noted)
    assert run.status().state == "stopped"
    assert "status.json is damaged" in str(run.status().message)
    assert main(["list"]) == 0
    assert "hurt" in capsys.readouterr().out
    delete_runs(["hurt"])
    assert not run.path.exists()
