"""What training promises: exact continuation, safe stopping, honest records."""

import json
import math
import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
import torch
from few import IMAGES, USUAL
from marks import long
from serving import beside

from genlab.data import load
from genlab.errors import BadSetting, Diverged, RunFault, UnknownName
from genlab.models import MODELS
from genlab.models.base import Player
from genlab.training import worker
from genlab.training.checkpoint import load_model, load_state, optimizer_tensors, restore_optimizer
from genlab.training.interludes import Rhythm, write_rhythm
from genlab.training.optimizer import optimizer_for
from genlab.training.run import Run, list_runs
from genlab.training.train import accelerator_for, learning_rate, train

TINY = {"width": 16, "steps": 20, "save_every": 5}


@pytest.fixture
def data():
    return load("digits")


def make(family="vae", name=None, **settings):
    return Run.create(family, USUAL[family], TINY | settings, name, threads=1)


def test_a_run_learns_no_other_data_than_its_record_says():
    run = Run.create("vae", "digits", {"steps": 1})
    with pytest.raises(RunFault, match=r"learns digits, but was given sprites; give it load\('digits'\)"):
        list(train(run, load("sprites"), "cpu"))
    assert not run.checkpoints()


@pytest.mark.parametrize(("kills", "families"), [(2, ["gan"]), long(14, [*MODELS])], ids=["few", "many"])
def test_runs_killed_again_and_again_end_with_the_same_bits(kills, families, tmp_path):
    """kill -9 in steps and inside saves; final weights, averages, optimizers and history equal an uninterrupted run's."""
    command = [sys.executable, "-m", "killing", str(tmp_path), str(kills), *families]
    environment = os.environ | {"PYTHONPATH": beside()}
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1], env=environment)
    assert told.returncode == 0, told.stderr
    outcomes = [json.loads(line) for line in told.stdout.splitlines()]
    assert [outcome["family"] for outcome in outcomes] == families
    for outcome in outcomes:
        assert (outcome["kills"], outcome["unreadable"]) == (kills, 0), outcome
        assert outcome["bit for bit"], outcome
        assert outcome["same history"], outcome


@pytest.mark.parametrize("family", MODELS)
def test_every_family_trains_saves_draws_and_opens_again(family):
    run, data = make(family, conditional=family in IMAGES), load(USUAL[family])
    records = list(train(run, data, "cpu"))
    assert [record.step for record in records] == list(range(1, 21))
    assert run.status().state == "done"
    assert all(math.isfinite(value) for record in run.history() for value in record["losses"].values())
    assert run.samples()[-1] == 20
    assert run.sample_file(20).read_bytes().startswith(b"\x89PNG" if family in IMAGES else b"[")
    trained = load_model(run.name)
    assert trained.step == 20
    assert trained.dataset == USUAL[family]
    for fact in (data.train.fingerprint, run.command, "20 steps"):
        assert fact in trained.card
    assert str(run.path.parent) not in trained.card
    assert (trained.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_averaged_weights_are_those_that_are_saved(data):
    run = make()
    list(train(run, data, "cpu"))
    state = load_state(run.checkpoints()[-1])
    saved = load_model(run.name).model.state_dict()
    assert all(torch.equal(saved[name], state[f"average.module.{name}"]) for name in saved)
    assert any(not torch.equal(saved[name], state[f"model.{name}"]) for name in saved)


def test_a_vae_learns_digits(data):
    run = make(steps=300, width=64, learning_rate=3e-3)
    write_rhythm(run, Rhythm(decided=1, record=100, measure=100, draw=0))  # whatever time a busy machine has for it
    losses = [record["held_out"] for record in run_to_end(run, data) if record["held_out"] is not None]
    assert losses[-1] < 0.8 * losses[0]


def run_to_end(run, data):
    list(train(run, data, "cpu"))
    return run.history()


def test_closing_the_generator_saves_and_stops_and_resuming_goes_on(data):
    run = make()
    with closing(train(run, data, "cpu")) as steps:
        for progress in steps:
            if progress.step == 7:
                break
    assert run.status().state == "stopped"
    assert run.checkpoints()[-1].name == "step-00000007"
    assert next(train(run, data, "cpu")).step == 8


def test_stop_is_obeyed_before_the_next_step(data):
    run = make()
    seen = []
    for progress in train(run, data, "cpu"):
        seen.append(progress.step)
        if progress.step == 3:
            run.ask("stop")
    assert seen == [1, 2, 3]
    assert run.status().state == "stopped"
    assert run.checkpoints()


def test_a_paused_run_keeps_its_place_and_can_be_sampled(data):
    run = make()
    steps = train(run, data, "cpu")
    while next(steps).step < 3:
        pass
    run.ask("pause")
    paused = next(steps)
    assert (paused.state, paused.step) == ("paused", 3)
    assert run.status().state == "paused"
    assert load_model(run.name).step == 3
    run.ask("run")
    assert next(steps).step == 4
    steps.close()


@pytest.mark.parametrize("family", IMAGES)
def test_a_loss_that_is_not_finite_stops_before_the_step_and_keeps_the_last_checkpoint(family, data):
    run = make(family, save_every=2, **({"likelihood": "gaussian"} if family == "vae" else {}))  # NaN is black by chance
    steps = train(run, data, "cpu")
    while next(steps).step < 4:
        pass
    before = load_state(run.checkpoints()[-1])
    steps.close()
    spoilt = train(run, poisoned(data, from_step=5), "cpu")
    with pytest.raises(Diverged, match=r"Stopped at step 6: the loss .* became NaN.*step 4 are safe.*learning rate.*try"):
        list(spoilt)
    assert (run.status().state, run.status().kind) == ("failed", "diverged")
    assert "Stopped at step 6" in run.status().message
    after = load_state(run.checkpoints()[-1])
    assert run.checkpoints()[-1].name == "step-00000004"
    assert all(torch.equal(before[name], after[name]) for name in before if name != "seconds")
    assert next(train(run, data, "cpu")).step == 5


def poisoned(data, from_step):
    """The same data with NaN in every batch from a step on."""
    from dataclasses import replace

    class Poisoned(type(data.train)):
        def batch(self, size, seed, step, augment="none", **share):
            clean = super().batch(size, seed, step, augment, **share)
            return replace(clean, x=clean.x * math.nan) if step >= from_step else clean

    train_part = data.train
    return replace(data, train=Poisoned(train_part.name, train_part.spec, train_part.base, train_part.columns, train_part.index))


@pytest.mark.long
def test_too_high_a_learning_rate_ends_in_a_sentence_not_in_saved_nan(data):
    run = make(learning_rate=1.0, clip=0.0, warmup=0, steps=200, save_every=1, network="mlp", likelihood="gaussian")
    with suppress(Diverged):
        list(train(run, data, "cpu"))
    assert run.status().state in ("done", "failed")
    for folder in run.checkpoints():
        assert load_model(str(folder))


def test_two_processes_cannot_train_one_run(data):
    run = make()
    first = train(run, data, "cpu")
    next(first)
    with pytest.raises(RunFault, match="training in another process"):
        next(train(run, data, "cpu"))
    first.close()


def test_the_learning_rate_rises_then_falls():
    settings = MODELS["vae"].Settings.parse({"warmup": 10, "decay": "cosine", "steps": 100})
    rates = [learning_rate(settings, 1.0, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == max(rates[5:15])
    assert rates[-1] < 0.01


def test_an_unfinished_last_line_of_the_history_is_left_out(data):
    run = make(steps=3)
    list(train(run, data, "cpu"))
    with (run.path / "history.jsonl").open("a") as file:
        file.write('{"step": 4, "loss')
    assert [record["step"] for record in run.history()] == [1, 2, 3]
    assert run.status().step == 3


def test_only_the_last_checkpoints_are_kept(data):
    run = make()
    list(train(run, data, "cpu"))
    assert [folder.name for folder in run.checkpoints()] == ["step-00000015", "step-00000020"]


def test_the_training_part_is_all_that_training_touches(data):
    """Validation draws the held-out curve only; the test part is never read."""
    from dataclasses import replace

    run, other = make(), make(name="other")
    list(train(run, data, "cpu"))
    list(train(other, replace(data, test=None, validation=data.validation[:64]), "cpu"))
    assert weights_of(run).keys() == weights_of(other).keys()
    assert all(torch.equal(weights_of(run)[name], weights_of(other)[name]) for name in weights_of(run))


def weights_of(run):
    return load_model(run.name).model.state_dict()


@pytest.mark.long
def test_the_worker_trains_in_a_process_of_its_own_and_is_found_again(data):
    run = make(steps=100_000)
    worker.start(run, "cpu")
    try:
        wait_for(lambda: run.status().step >= 3)
        found = Run.open(run.name).status()  # all a restarted server has
        assert found.state == "running"
        with pytest.raises(RunFault, match="stop it before"):
            run.delete()
        run.ask("stop")
        wait_for(lambda: run.status().state == "stopped")
    finally:
        run.ask("stop")
    assert run.checkpoints()


def wait_for(condition, seconds=240):
    import time

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


# --- The run directory ---


@pytest.mark.parametrize("name", ["../up", "Large", "a b", "", "x" * 41, "-a", "ünï"])
def test_a_name_that_could_leave_the_folder_is_refused(name):
    if name:
        with pytest.raises(BadSetting, match="use 1 to 40 small letters"):
            make(name=name)


def test_runs_are_named_listed_renamed_and_deleted():
    first, second = make(), make()
    assert [first.name, second.name] == ["vae-1", "vae-2"]
    assert {run.name for run in list_runs()} == {"vae-1", "vae-2"}
    renamed = first.rename("mine")
    with pytest.raises(RunFault, match="already a run called"):
        second.rename("mine")
    renamed.delete()
    assert [run.name for run in list_runs()] == ["vae-2"]
    with pytest.raises(UnknownName, match="no run called 'mine'"):
        Run.open("mine")


def test_a_run_of_a_newer_version_is_refused_by_name_and_harms_no_list():
    run = make()
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(RunFault, match="newer genlab \\(format 99"):
        Run.open(run.name)
    assert list_runs() == []


def test_a_damaged_run_is_refused_by_name():
    run = make()
    (run.path / "run.json").write_text('{"format"')
    with pytest.raises(RunFault, match="damaged"):
        Run.open(run.name)


def test_a_run_whose_process_is_gone_is_interrupted():
    run = make()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run.note("running", pid=process.pid)
    assert run.status().state == "running"
    process.kill()
    process.wait()
    assert run.status().state == "interrupted"


def test_the_command_repeats_the_run():
    run = make("gan", network="mlp", spectral_norm=False)
    words = run.command.split()
    assert words[:6] == ["python", "-m", "genlab", "train", "gan", "digits"]
    assert "--no-spectral-norm" in words
    assert "--save-every" in words


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(RunFault, match="no CUDA device"):
        accelerator_for("cuda", "auto")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("family", MODELS)
def test_every_family_trains_on_a_gpu(family):
    run = make(family, conditional=family in IMAGES, compile=family == "vae")
    list(train(run, load(USUAL[family]), "cuda"))
    assert load_model(run.name, "cuda").model.device.type == "cuda"


def test_a_run_with_a_time_limit_stops_and_keeps_everything(data):
    run = Run.create("vae", "digits", {**TINY, "steps": 1_000_000, "save_every": 1_000_000}, threads=1, seconds=0.3)
    last = list(train(run, data, "cpu"))[-1]
    status = run.status()
    assert (status.state, status.step) == ("stopped", last.step)
    assert "its 0.3 seconds are over" in status.message
    assert 0.3 <= last.seconds < 3
    assert load_model(run.name).step == last.step


def test_a_pause_does_not_stretch_the_time_limit(data):
    run = Run.create("vae", "digits", {**TINY, "steps": 1_000_000}, threads=1, seconds=0.5)
    run.ask("pause")
    steps = train(run, data, "cpu")
    assert list(steps) == []
    assert run.status().state == "stopped"
    assert "0.5 seconds are over" in run.status().message


def test_a_state_that_was_saved_before_optimizers_were_fused_is_gone_on_from():
    """Two steps of the plain optimizer come to the same as one of it, a save, and one of the fused."""
    weights = [torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4)) for _ in range(2)]
    plain, other = (torch.optim.AdamW([weight], lr=1e-3, weight_decay=0.0, fused=False) for weight in weights)
    fused = optimizer_for(Player([weights[1]]), MODELS["vae"].Settings())
    for weight, optimizer in zip(weights, (plain, other), strict=True):
        weight.grad = torch.full((3, 4), 0.5)
        optimizer.step()
    restore_optimizer("model", fused, {name: value.clone() for name, value in optimizer_tensors("model", other).items()})
    plain.step()
    fused.step()
    assert float(fused.state[weights[1]]["step"]) == 2
    assert torch.allclose(*weights, rtol=1e-6)


def test_the_record_of_a_run_is_read_once_until_it_is_another(data, monkeypatch):
    run, reads = make(), []
    text = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda file, *rest: reads.append(file.name) or text(file, *rest))
    assert (run.record["family"], run.settings.steps, run.modality) == (run.model.__name__.lower(), 20, "image")
    assert run.command.startswith("python -m genlab train")
    assert reads.count("run.json") <= 1
    run.amend(processes=2)
    assert run.record["processes"] == 2
    run.record["processes"] = 5  # of a copy alone
    assert run.record["processes"] == 2
