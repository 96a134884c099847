"""A run on points shows itself only while it is watched; a hand on it can slow, step and steer it, and is remembered."""

import json
import os
import time
from itertools import islice

import pytest
import torch
from few import IMAGES

from genlab.data import load
from genlab.errors import BadSetting, RunFault
from genlab.models import MODELS
from genlab.training.checkpoint import load_model
from genlab.training.live import look_at
from genlab.training.run import Control, Run
from genlab.training.train import train

TINY = {"steps": 30, "batch_size": 16, "width": 8, "latent": 2, "save_every": 10, "warmup": 0}


def made(name="ring", family="gan", **settings):
    tiny = TINY if family == "gan" else {key: TINY[key] for key in ("steps", "batch_size", "width", "warmup")}
    return Run.create(family, "gaussians", tiny | settings, name, threads=1)


def weights(run):
    return load_model(run.name).model.state_dict()


def finished(run):
    for _ in train(run, load(run.record["dataset"]), "cpu"):
        pass
    return run


def view(run):
    return json.loads(run.live_file.read_text())


@pytest.mark.parametrize("family", IMAGES)
def test_every_family_trains_on_points_with_its_defaults_and_leaves_its_last_view(family):
    run = finished(Run.create(family, "gaussians", {"steps": 3}, threads=1))
    assert view(run)["step"] == 3
    assert load_model(run.name).model.spec.modality == "points"
    assert "image" not in run.loss_unit
    assert run.sample_file(run.samples()[-1]).read_bytes().startswith(b"\x89PNG")


def test_nothing_is_shown_to_nobody():
    run = made()
    steps = train(run, load("gaussians"), "cpu")
    list(islice(steps, 5))
    assert not run.live_file.exists()
    run.watch()
    list(islice(steps, 5))
    assert 5 < view(run)["step"] <= 10
    steps.close()


def test_a_look_is_forgotten_after_a_while():
    run = made()
    assert not run.watched
    run.watch()
    assert run.watched
    os.utime(run.path / "watched", (time.time() - 60,) * 2)
    assert not run.watched


def test_watching_changes_no_weight():
    watched, alone = made("watched"), finished(made("alone"))
    watched.watch()
    finished(watched)
    assert all(torch.equal(a, b) for a, b in zip(weights(watched).values(), weights(alone).values(), strict=True))


def test_images_have_no_live_view():
    run = finished(Run.create("vae", "digits", {"steps": 2, "width": 8}, threads=1))
    assert not run.live_file.exists()


def test_single_steps_are_taken_while_paused_and_no_more():
    run = made()
    run.ask("pause")
    run.advance(3)
    taken = 0
    for progress in train(run, load("gaussians"), "cpu"):
        taken = progress.step
        if progress.state == "paused":
            assert taken == 3
            assert run.status().state == "paused"
            run.ask("run")
    assert taken == 30
    assert run.steered is None  # waiting changes nothing that the command would not repeat


def test_pauses_steps_and_slow_motion_change_no_weight():
    run, alone = made("slow"), finished(made("alone"))
    run.steer(400, [])
    run.advance(2)
    for progress in train(run, load("gaussians"), "cpu"):
        if progress.state == "paused":
            run.ask("run")
    assert all(torch.equal(a, b) for a, b in zip(weights(run).values(), weights(alone).values(), strict=True))


def test_slow_motion_keeps_its_pace():
    run = made(steps=6)
    run.steer(20, [])
    began = time.monotonic()
    finished(run)
    assert time.monotonic() - began > 5 / 20


@pytest.mark.parametrize("mover", ["generator", "discriminator"])
def test_only_the_chosen_player_learns_and_the_run_says_so(mover):
    run = made(ema=0.0)
    start = MODELS["gan"]
    torch.manual_seed(0)
    before = start(load("gaussians").spec, run.settings).state_dict()
    run.steer(0, [mover])
    finished(run)
    after = weights(run)
    moved = {name.split(".")[0] for name, value in after.items() if value.is_floating_point() and "weight" in name
             and "_u" not in name and "_v" not in name and not torch.equal(value, before[name])}  # fmt: skip
    assert {name for name in moved if name in ("generator", "discriminator")} == {mover}
    assert run.steered == 1
    assert "by hand from step 1 on" in load_model(run.name).card


def test_a_resumed_run_forgets_steering_that_its_save_does_not_hold():
    run = made()
    steps = train(run, load("gaussians"), "cpu")
    list(islice(steps, 10))
    steps.close()
    run.note_steering(11)
    run.forget(after=10)
    assert run.steered is None
    run.note_steering(4)
    run.forget(after=10)
    assert run.steered == 4


@pytest.mark.parametrize(("pace", "sentence"), [(-1, "from 0 to 1000"), (1e9, "from 0 to 1000"), (float("nan"), "from 0")])
def test_a_pace_that_cannot_be_is_refused(pace, sentence):
    with pytest.raises(RunFault, match=sentence):
        made().steer(pace, [])


def test_no_steps_and_too_many_are_refused():
    run = made()
    for steps in (0, 1001):
        with pytest.raises(RunFault, match="from 1 to 1,000"):
            run.advance(steps)


def test_a_damaged_control_file_means_go_on():
    run = made()
    for content in ("", "{", "[]", '{"wanted": "run"}'):
        (run.path / "control.json").write_text(content)
        assert run.control() == Control()


def test_a_setting_that_makes_no_sense_is_refused_before_a_folder_is_made(runs):
    with pytest.raises(BadSetting, match="for points"):
        made(network="dcgan")
    assert not (runs / "ring").exists()


def test_a_model_at_rest_can_be_looked_at():
    run = finished(made())
    rest, last = json.loads(look_at(load_model(run.name))), view(run)
    assert rest["step"] == 30
    assert rest["generated"]["shape"] == last["generated"]["shape"]
