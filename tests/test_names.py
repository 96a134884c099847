"""A run and a model that ships never hide one another."""

import pytest

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import RunFault
from genlab.paths import shipped_models
from genlab.training.checkpoint import list_models, load_model
from genlab.training.run import Run, list_runs
from genlab.training.train import train
from genlab.ui.kit import links
from genlab.ui.kit.shared import open_model
from genlab.ui.page import TABS

TINY = {"width": 16, "steps": 2}


def made(name):
    run = Run.create("vae", "digits", TINY, name, threads=1)
    list(train(run, load("digits"), "cpu"))
    return run


@pytest.fixture
def shipped():
    return shipped_models()[0]


@pytest.fixture
def namesake(shipped):
    """A run of before, when it still could be called so."""
    run = made("mine")
    return Run(run.path.rename(run.path.with_name(shipped)))


def test_a_run_is_not_called_like_a_model_that_ships(shipped):
    with pytest.raises(RunFault, match=f"A model that ships with genlab is called '{shipped}'; choose another name, such as"):
        Run.create("vae", "digits", TINY, shipped)
    run = made("mine")
    with pytest.raises(RunFault, match="choose another name"):
        run.rename(shipped)
    assert [run.name for run in list_runs()] == ["mine"]


def test_where_both_exist_both_are_listed_and_each_opens(namesake, shipped, capsys):
    address = f"run:{shipped}"
    assert {shipped, address} <= set(list_models())
    assert load_model(shipped).dataset != "digits"
    assert load_model(address).folder == namesake.checkpoints()[-1]
    assert open_model(address).name == address
    assert main(["list"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines() if shipped in line.split()[0].split(":")] == [
        [shipped, "shipped"],
        [address, "done"],
    ]


def test_the_address_of_such_a_run_goes_round(namesake, shipped, tmp_path):
    link = links.read({"tab": "latent", "model": f"run:{shipped}", "seed": "3"}, TABS)
    assert (link.model, link.faults) == (f"run:{shipped}", [])
    assert main(["sample", f"run:{shipped}", "--n", "1", "--out", str(tmp_path / "one.png")]) == 0
    assert main(["train", "vae", "digits", "--from", f"run:{shipped}", "--steps", "1", "--name", "tuned", "--threads", "1"]) == 0
    assert f"--from run:{shipped}" in Run.open("tuned").command


def test_such_a_run_can_be_renamed_and_is_then_named_plainly(namesake):
    assert namesake.rename("freed").address == "freed"
    assert load_model("freed").dataset == "digits"
