"""A run that is given more steps is the run that would have been asked for them at once, or says why it is not."""

import pytest
import torch

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import RunFault
from genlab.training.checkpoint import load_model, load_state
from genlab.training.extend import extend
from genlab.training.run import Run
from genlab.training.train import train

TINY = {"width": 16, "steps": 6, "save_every": 3}


def done(name, **settings):
    run = Run.create("vae", "digits", TINY | settings, name, threads=1)
    list(train(run, load("digits"), "cpu"))
    return run


def test_a_finished_run_goes_on_to_the_bits_of_one_that_was_asked_for_more_at_once():
    run, other = done("more"), done("other", steps=9)
    assert extend(run, 9) == "9 steps instead of 6 from step 6 on"
    assert (run.status().state, run.status().step, run.status().steps) == ("stopped", 6, 9)
    list(train(run, load("digits"), "cpu"))
    assert run.status().state == "done"
    ours, theirs = (load_state(of.checkpoints()[-1]) for of in (run, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name != "seconds")
    assert run.command == other.command


def test_a_learning_rate_that_had_fallen_is_told_to_rise_again():
    run = done("fallen", decay="linear", warmup=0)
    told = "12 steps instead of 6 from step 6 on, where the learning rate went from 0.00017 to 0.0005: the command alone does not"
    assert told in extend(run, 12)
    rates = [progress.learning_rate for progress in train(run, load("digits"), "cpu")]
    assert rates[0] == pytest.approx(0.0005)
    assert told in load_model("fallen").card


@pytest.mark.parametrize("steps", [6, 5, 0])
def test_no_more_steps_than_there_were_are_refused(steps):
    run = done("same")
    with pytest.raises(RunFault, match=f"steps is {steps}; the run 'same' has 6 already. Give a larger number"):
        extend(run, steps)
    assert run.status().state == "done"


def test_a_run_that_trains_is_not_given_more():
    run = done("busy")
    run.note("running")
    with pytest.raises(RunFault, match="stop it before it is given more steps"):
        extend(run, 9)


def test_from_the_command_line(capsys):
    done("mine")
    assert main(["resume", "mine", "--device", "cpu"]) == 0
    assert "With --steps it gets more." in capsys.readouterr().out
    assert main(["resume", "mine", "--steps", "4", "--device", "cpu"]) == 2
    assert "Give a larger number" in capsys.readouterr().err
    assert main(["resume", "mine", "--steps", "many", "--device", "cpu"]) == 2
    assert "steps is 'many'; it must be a whole number" in capsys.readouterr().err
    assert main(["resume", "mine", "--steps", "8", "--device", "cpu"]) == 0
    assert Run.open("mine").status().step == 8
