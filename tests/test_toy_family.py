"""A family is one file and one line: a toy one gets its form, its training, its checkpoint, its samples and its command."""

import pytest
import torch
from safetensors.torch import load_file

from genlab.__main__ import main
from genlab.config import Field
from genlab.data import load
from genlab.models import MODELS, LatentModel, Loss, base
from genlab.models.settings import Truncation
from genlab.training.checkpoint import list_models, load_model
from genlab.training.run import Run
from genlab.training.train import train


class Toy(LatentModel):
    """Draws the mean image, a little brighter or darker."""

    class Settings(base.CommonSettings):
        sway: float = Field(0.1, ge=0, le=1, description="how much brighter or darker")

    def __init__(self, spec, settings):
        super().__init__(spec, settings)
        self.latent_shape = (2,)
        self.mean = torch.nn.Parameter(torch.zeros(spec.shape))

    def training_losses(self, batch, step):
        yield Loss("model", ((batch.x - self.mean) ** 2).flatten(1).mean(1))

    def decode(self, z, given=None, settings=None):
        return (self.mean + self.settings.sway * z[:, :1, None, None]).clamp(-1, 1)


@pytest.fixture(autouse=True)
def listed():
    MODELS.register("toy")(Toy)
    yield
    MODELS.remove("toy")


def test_it_has_a_form():
    assert "sway" in {setting.name for setting in MODELS["toy"].Settings.fields()}


def test_it_trains_saves_opens_and_draws():
    run = Run.create("toy", "digits", {"steps": 60, "learning_rate": 0.05, "ema": 0.0, "warmup": 0}, threads=1)
    data = load("digits")
    losses = [progress.losses["model"] for progress in train(run, data, "cpu")]
    assert losses[-1] < losses[0]
    assert run.name in list_models()
    trained = load_model(run.name)
    mean = data.train.read(slice(None)).float().mean(0) / 127.5 - 1
    assert (trained.model.mean - mean).abs().mean() < 0.1
    *_, draft = trained.model.sample(3, Truncation(), 0)
    assert draft.items.shape == (3, 1, 8, 8)
    assert "mean image" in trained.card


def test_it_is_on_the_command_line(tmp_path):
    assert main(["train", "toy", "digits", "--steps", "3", "--sway", "0.2", "--name", "swaying", "--threads", "1"]) == 0
    assert main(["sample", "swaying", "--n", "4", "--out", str(tmp_path / "x.png")]) == 0
    assert main(["train", "toy", "digits", "--sway", "2"]) == 2


def test_it_has_directions_to_slide_along():
    toy = Toy(load("digits").spec, Toy.Settings())
    basis, scale = toy.directions(2, 0)
    assert basis.shape == (2, 2)
    assert len(scale) == 2


def test_its_player_names_the_optimizer_and_a_resumed_run_ends_with_the_same_bits(monkeypatch):
    player = base.Player
    monkeypatch.setattr(Toy, "players", lambda self: {"model": player([self.mean], betas=(0.8, 0.999), optimizer="sgd")})
    data = load("digits")
    runs = [
        Run.create("toy", "digits", {"steps": 12, "save_every": 5, "warmup": 0}, name, threads=1) for name in ("whole", "halved")
    ]
    list(train(runs[0], data, "cpu"))
    for progress in train(runs[1], data, "cpu"):
        if progress.step == 7:
            break
    list(train(runs[1], data, "cpu"))
    first, second = (load_model(run.name).model.mean for run in runs)
    assert torch.equal(first, second)


def test_sgd_steps_as_its_equation_says(monkeypatch):
    monkeypatch.setattr(Toy, "players", lambda self: {"model": base.Player([self.mean], betas=(0.0, 0.999), optimizer="sgd")})
    run = Run.create(
        "toy", "digits", {"steps": 1, "warmup": 0, "decay": "none", "ema": 0.0, "clip": 0, "learning_rate": 0.5}, threads=1
    )
    data = load("digits")
    (progress,) = train(run, data, "cpu")
    x = data.train.batch(run.batch_size, 0, 0).x
    # from zero against the gradient of the mean over items and pixels
    assert torch.allclose(load_model(run.name).model.mean, 0.5 * 2 * x.mean(0) / x[0].numel(), atol=1e-6)
    assert progress.losses["model"] == pytest.approx(float((x**2).mean()), rel=1e-5)


class Tied(Toy):
    """The same with a weight that two layers share."""

    def __init__(self, spec, settings):
        super().__init__(spec, settings)
        self.enter, self.leave = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
        self.leave.weight = self.enter.weight

    def training_losses(self, batch, step):
        turned = self.leave(self.enter(batch.x.flatten(1)[:, :4]))
        yield Loss("model", ((batch.x - self.mean) ** 2).flatten(1).mean(1) + (turned - 0.5).square().mean(1))


def test_weights_that_layers_share_are_saved_once_and_stay_shared(monkeypatch):
    MODELS.register("tied")(Tied)
    try:
        data, settings = load("digits"), {"steps": 8, "save_every": 3, "warmup": 0, "ema": 0.5}
        runs = [Run.create("tied", "digits", settings, name, threads=1) for name in ("at-once", "in-two")]
        list(train(runs[0], data, "cpu"))
        for progress in train(runs[1], data, "cpu"):
            if progress.step == 5:
                break
        list(train(runs[1], data, "cpu"))
        first, second = (load_model(run.name).model for run in runs)
        assert first.enter.weight.data_ptr() == first.leave.weight.data_ptr()
        assert torch.equal(first.enter.weight, second.enter.weight)
        assert not torch.equal(first.enter.weight, Tied(data.spec, Tied.Settings()).enter.weight)
        assert set(load_file(runs[0].checkpoints()[-1] / "model.safetensors")) == {"mean", "enter.weight"}
    finally:
        MODELS.remove("tied")
