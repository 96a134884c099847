"""Several processes train as one would with their batches put together, and one of them writes."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from marks import long
from safetensors.torch import load_file
from serving import beside

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import RunFault
from genlab.training.checkpoint import load_model, load_state
from genlab.training.run import Run
from genlab.training.train import accelerator_for, share_of, train

ROOT = Path(__file__).parents[1]
FAMILIES = {
    "vae": {"width": 32},
    "gan": {"network": "mlp", "latent": 8},  # without batch norm, whose statistics are those of a process's own share
    "diffusion": {"conditional": True},  # at width 8 a bias before a norm has no gradient but rounding, which Adam blows up
}
SHARE = 16  # of a batch that each process has


def launched(*words: str) -> subprocess.CompletedProcess:
    """What processes said, who have nothing but the words to go by."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": beside()}
    return subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", params=[5, long(20)])
def steps(request) -> int:
    """How many steps the runs take."""
    return request.param


@pytest.fixture(scope="module")
def together(tmp_path_factory, steps) -> Path:
    """Runs of every family that two processes trained, with the weights of each process."""
    folder = tmp_path_factory.mktemp("together")
    for family, settings in FAMILIES.items():
        wanted = settings | {"steps": steps, "batch_size": SHARE}
        Run.create(family, "digits", wanted, family, folder, threads=1, processes=2)
    told = launched("processes", *(str(folder / family) for family in FAMILIES))
    assert told.returncode == 0, told.stderr[-2000:]
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_the_processes_end_with_the_same_weights(family, together):
    first, second = (load_file(together / family / f"rank-{rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_processes_equal_one_with_the_double_batch(family, together, steps):
    settings = FAMILIES[family] | {"steps": steps, "batch_size": 2 * SHARE}
    alone = Run.create(family, "digits", settings, "alone", threads=1)
    losses = [progress.losses for progress in train(alone, load("digits"), "cpu")]
    state = load_state(alone.checkpoints()[-1])
    ours = load_file(together / family / "rank-0.safetensors")
    parameters = [name for name in ours if f"model.{name}" in state and name not in ("spread", "information")]
    assert parameters
    for name in parameters:
        assert torch.allclose(ours[name], state[f"model.{name}"], atol=1e-5, rtol=0), name
    for told, noted in zip([losses[0], losses[-1]], (Run(together / family).history()[i] for i in (0, -1)), strict=True):
        assert told == pytest.approx(noted["losses"], rel=1e-3)


def test_one_process_goes_on_where_two_stopped(together, steps):
    """The items of a step stay the same, whoever computes them."""
    run = Run.create("vae", "digits", {"width": 32, "steps": steps, "batch_size": SHARE}, processes=2, threads=1)
    list(train(run, load("digits"), "cpu"))
    ours = load_file(together / "vae" / "rank-0.safetensors")
    state = load_state(run.checkpoints()[-1])
    assert torch.allclose(ours["decoder.0.weight"], state["model.decoder.0.weight"], atol=1e-5)
    assert "--num_processes 2" in load_model(run.name).card


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(RunFault, match="cannot be shared evenly by 3 processes"):
        share_of(32, 3)


def test_a_process_that_is_alone_where_two_were_asked_for_becomes_the_launcher_of_two(monkeypatch):
    """As under `accelerate launch` on processors alone."""
    started: list[list[str]] = []
    monkeypatch.setenv("MASTER_PORT", "0")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: ["accelerate", "launch", "--num_processes=2", "-m", "genlab"])
    monkeypatch.setattr(os, "execv", lambda _, words: started.append(words) or sys.exit())
    with pytest.raises(SystemExit):
        main(["train", "vae", "digits"])
    (words,) = started
    assert words[words.index("--nproc_per_node") + 1] == "2"
    assert words[-5:] == ["-m", "genlab", "train", "vae", "digits"]


@pytest.mark.long
def test_accelerate_launch_trains_one_run(tmp_path):
    words = ["train", "vae", "digits", "--steps", "4", "--batch-size", "8", "--name", "two", "--runs-dir", str(tmp_path)]
    told = launched("accelerate.commands.accelerate_cli", "launch", "--cpu", "--num_processes", "2", "-m", "genlab", *words)
    assert told.returncode == 0, told.stderr[-2000:]
    run = Run.open(tmp_path / "two")
    assert run.status().state == "done"
    assert run.hardware.startswith("2 processes")
    assert [record["step"] for record in run.history()] == [1, 2, 3, 4]
    assert told.stdout.count("Saved in") == 1


def test_alone_is_not_several():
    assert accelerator_for("cpu", "fp32").num_processes == 1
