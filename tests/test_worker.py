"""Whatever goes wrong in the process that trains, before it begins or later, is told in the run's status."""

import io
import os
import subprocess
import sys

import pytest
from pets import pets

from genlab import data as library
from genlab.data import delete_dataset, load
from genlab.errors import RunFault
from genlab.training import worker
from genlab.training.health import judge
from genlab.training.run import Run
from genlab.training.train import Trainer, train

TINY = {"width": 16, "steps": 20}


@pytest.fixture
def run():
    return Run.create("vae", pets().name, TINY, "mine", threads=1)


@pytest.fixture
def take_up(monkeypatch):
    """Let this process do as the worker's would."""

    def taken_up(run):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"cpu\t{run.path.absolute()}\t\n"))
        monkeypatch.setattr(worker, "_step_back", lambda: None)
        run.note("waiting")
        worker.main()
        return run.status()

    return taken_up


def test_a_run_whose_data_are_gone_says_so(run, take_up):
    delete_dataset("pets")
    status = take_up(run)
    assert (status.state, status.message[:35]) == ("failed", "There is no dataset called 'pets'. ")
    assert judge([], status).sentence == status.message


def test_a_run_whose_data_cannot_be_downloaded_says_what_to_do(take_up, monkeypatch):
    run = Run.create("vae", "digits", TINY, "mine", threads=1)

    def offline(name):
        raise library.library.DataMissing("The dataset 'digits' could not be downloaded. Connect once.")

    monkeypatch.setattr(library, "load", offline)
    assert take_up(run).message == "The dataset 'digits' could not be downloaded. Connect once."


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (MemoryError(), "Out of memory with a batch of 128. Try 64."),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "Out of memory with a batch of 128. Try 64."),
        (ValueError("odd"), "Something went wrong before the first step (ValueError: odd)."),
    ],
)
def test_a_fault_before_the_first_step_is_told(run, take_up, monkeypatch, fault, sentence):
    def broken(name):
        raise fault

    monkeypatch.setattr(library, "load", broken)
    try:
        status = take_up(run)
    except ValueError:
        status = run.status()
    assert (status.state, status.message) == ("failed", sentence)


def test_a_record_that_is_damaged_is_told_when_it_can_be_read_again(run, take_up, monkeypatch):
    whole = (run.path / "run.json").read_text()
    (run.path / "run.json").write_text("{")
    monkeypatch.setattr(Run, "status", lambda self: None)
    take_up(run)
    monkeypatch.undo()
    (run.path / "run.json").write_text(whole)
    assert "its run.json is damaged" in run.status().message


def test_an_installation_that_is_broken_is_told(run, take_up, monkeypatch):
    monkeypatch.setitem(sys.modules, "genlab.training.train", None)
    with pytest.raises(ImportError):
        take_up(run)
    assert run.status().state == "failed"
    assert "genlab cannot train here (ModuleNotFoundError" in run.status().message


def test_a_process_that_was_killed_before_it_began_is_told(run):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run.note("waiting", pid=process.pid)
    process.kill()
    process.wait()
    health = judge([], run.status())
    assert health.kind == "interrupted"
    assert health.sentence.startswith("The process that was to train it was ended before it began")


def test_a_process_that_is_gone_when_it_is_given_a_run_is_told(run, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE)
    while gone.poll() is None:
        os.sched_yield()
    monkeypatch.setattr(worker, "_spare", None)
    monkeypatch.setattr(worker, "_launch", lambda: gone)
    monkeypatch.setattr(run.__class__, "note", lambda self, state, message="", pid=None: None)
    with pytest.raises(RunFault, match=r"The process that was to train 'mine' has not begun \(Broken pipe\)"):
        worker.start(run, "cpu")


def test_a_run_that_is_interrupted_in_a_step_is_stopped_not_failed(run, monkeypatch):
    monkeypatch.setattr(Trainer, "_play", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        list(train(run, load("pets"), "cpu"))
    assert run.status().state == "stopped"


# --- What it does besides steps ---


@pytest.mark.parametrize(
    ("method", "what"), [("held_out_loss", "measure"), ("sample", "draw"), ("save", "save"), ("players", "build")]
)
def test_what_a_run_does_besides_steps_is_said_while_it_does_it(run, monkeypatch, method, what):
    seen, done = [], getattr(run.model, method)

    def watched(self, *inputs, **options):
        seen.append(run.status().doing)
        return done(self, *inputs, **options)

    monkeypatch.setattr(run.model, method, watched)
    steps = train(run, load("pets"), "cpu")
    list(steps)
    assert set(seen) == {what}
    assert run.status().doing == ""
    assert not list(run.path.glob("doing*"))
