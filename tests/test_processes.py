"""Several processes train as one would with their batches put together, and one of them writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

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
STEPS, SHARE = 20, 16


def launched(*words: str, launcher: tuple[str, ...] = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")):
    """What two processes said, who have nothing but the words to go by."""
    command = [sys.executable, *launcher, *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    """Runs of every family that two processes trained, with the weights of each process."""
    folder = tmp_path_factory.mktemp("together")
    for family, settings in FAMILIES.items():
        wanted = settings | {"steps": STEPS, "batch_size": SHARE}
        Run.create(family, "digits", wanted, family, folder, threads=1, processes=2)
    told = launched("-m", "tests.processes", *(str(folder / family) for family in FAMILIES))
    assert told.returncode == 0, told.stderr[-2000:]
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_the_processes_end_with_the_same_weights(family, together):
    first, second = (load_file(together / family / f"rank-{rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_processes_equal_one_with_the_double_batch(family, together):
    settings = FAMILIES[family] | {"steps": STEPS, "batch_size": 2 * SHARE}
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


def test_one_process_goes_on_where_two_stopped(together):
    """The items of a step stay the same, whoever computes them."""
    run = Run.create("vae", "digits", {"width": 32, "steps": STEPS, "batch_size": SHARE}, processes=2, threads=1)
    list(train(run, load("digits"), "cpu"))
    ours = load_file(together / "vae" / "rank-0.safetensors")
    state = load_state(run.checkpoints()[-1])
    assert torch.allclose(ours["decoder.0.weight"], state["model.decoder.0.weight"], atol=1e-5)
    assert "--num_processes 2" in load_model(run.name).card


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(RunFault, match="cannot be shared evenly by 3 processes"):
        share_of(32, 3)


def test_accelerate_launch_trains_one_run(tmp_path):
    words = ["train", "vae", "digits", "--steps", "4", "--batch-size", "8", "--name", "two", "--runs-dir", str(tmp_path)]
    launcher = ("-m", "accelerate.commands.accelerate_cli", "launch", "--cpu", "--num_processes", "2", "-m", "genlab")
    told = launched(*words, launcher=launcher)
    assert told.returncode == 0, told.stderr[-2000:]
    run = Run.open(tmp_path / "two")
    assert run.status().state == "done"
    assert run.hardware.startswith("2 processes")
    assert [record["step"] for record in run.history()] == [1, 2, 3, 4]
    assert told.stdout.count("Saved in") == 1


def test_alone_is_not_several():
    assert accelerator_for("cpu", "fp32").num_processes == 1
