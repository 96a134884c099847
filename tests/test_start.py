"""Fine-tuning begins exactly where the model was, on data of the same shape, and its record says so."""

import numpy as np
import pytest
import torch
from few import IMAGES, USUAL
from marks import needs_mnist

from genlab.__main__ import main
from genlab.data import Part, load, save_dataset
from genlab.errors import BadSetting, UnknownName
from genlab.models import MODELS
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.start import create_from, possible_starts, take_over
from genlab.training.train import train

TINY = {"width": 16, "batch_size": 16, "steps": 6, "save_every": 3}


@pytest.fixture
def mine():
    """Three classes of noise in the shape of digits."""
    random = np.random.default_rng(0)
    part = Part(random.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8), {"label": random.integers(0, 3, 60)})
    return save_dataset("mine", {"train": part}, ["a", "b", "c"], "noise")


def trained(family: str, **settings) -> Run:
    run = Run.create(family, USUAL[family], TINY | settings, "before", threads=1)
    list(train(run, load(USUAL[family]), "cpu"))
    return run


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("family", IMAGES)
def test_every_family_goes_on_from_its_weights(family, conditional, mine):
    before = trained(family, conditional=conditional)
    run = create_from(family, "before", "mine", {"steps": 4, "warmup": 0}, "after", threads=1)
    list(train(run, load("mine"), "cpu"))
    assert run.status().state == "done"
    assert 0 in run.samples()
    assert run.settings.width == 16
    assert "--from before" in run.command
    assert f"**Started from**: before, step {before.settings.steps}" in load_model("after").card


@pytest.mark.parametrize("family", MODELS)
def test_the_samples_before_are_those_of_the_model(family):
    before = trained(family)
    run = create_from(family, "before", USUAL[family], {"steps": 1, "learning_rate": 1e-7}, "after", threads=1)
    list(train(run, load(USUAL[family]), "cpu"))
    assert run.sample_file(0).read_bytes() == before.sample_file(6).read_bytes()


def test_the_weights_are_kept_with_the_run():
    before = trained("vae")
    run = create_from("vae", "before", "digits", {"steps": 3}, "after", threads=1)
    before.delete()
    list(train(run, load("digits"), "cpu"))
    assert run.status().state == "done"


def test_classes_that_both_have_are_taken_over(mine):
    trained("vae", conditional=True)
    source = load_model("before").model
    model = type(source)(load("mine").spec, source.settings)
    take_over(model, source)
    ours, theirs = model.decoder[0].weight, source.decoder[0].weight
    assert ours.shape[1] == theirs.shape[1] - 7  # three classes instead of ten
    assert torch.equal(ours, theirs[:, : ours.shape[1]])


def test_data_without_classes_make_the_model_one_without(mine):
    random = np.random.default_rng(0)
    save_dataset("bare", {"train": Part(random.integers(0, 256, (30, 1, 8, 8), dtype=np.uint8))}, [], "noise")
    trained("vae", conditional=True)
    run = create_from("vae", "before", "bare", {"steps": 2}, "after", threads=1)
    list(train(run, load("bare"), "cpu"))
    assert not run.settings.conditional


@pytest.mark.parametrize(
    ("wish", "kind", "sentence"),
    [
        ({"dataset": "sprites"}, BadSetting, r"before draws image of 1×8×8, but sprites holds image of 3×32×32"),
        ({"settings": {"width": 32}}, BadSetting, r"do not fit these settings.*width \(was 16\)"),
        ({"family": "gan"}, BadSetting, "before is a vae, not a gan"),
        ({"model": "nothing"}, UnknownName, "no model called 'nothing'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_left(wish, kind, sentence, runs):
    trained("vae")
    asked = {"family": "vae", "model": "before", "dataset": "digits", "settings": {}} | wish
    with pytest.raises(kind, match=sentence):
        create_from(**asked, name="after")
    assert not (runs / "after").exists()


def test_the_possible_starts_are_those_of_the_family_and_shape():
    trained("vae")
    assert "before" in possible_starts("vae", "digits")
    assert "before" not in possible_starts("gan", "digits")
    assert "before" not in possible_starts("vae", "sprites")


def test_from_the_command_line(capsys):
    trained("vae")
    assert main(["train", "vae", "digits", "--from", "before", "--steps", "2", "--name", "after", "--threads", "1"]) == 0
    assert Run.open("after").settings.width == 16
    assert main(["train", "vae", "sprites", "--from", "before", "--steps", "2"]) == 2
    assert "same shape" in capsys.readouterr().err


@needs_mnist
@pytest.mark.parametrize("model", ["vae-mnist", "dcgan-mnist", "diffusion-mnist"])
def test_the_shipped_models_can_be_gone_on_from(model):
    family = load_model(model).family
    assert model in possible_starts(family, "digits-28")
    run = create_from(family, model, "digits-28", {"steps": 1}, "after", threads=1)
    assert run.settings.steps == 1
