"""The three games of a GAN against what is known of them, and what points have for settings."""

import pytest
import torch
from torch import nn

from genlab.data import Batch, DataSpec
from genlab.errors import BadSetting
from genlab.models import MODELS
from genlab.models.gan import GAMES, slopes

REAL, FAKE = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.0])
PLANE = DataSpec("points", (2,), ("a", "b"))


def build(spec=PLANE, **settings):
    torch.manual_seed(0)
    return MODELS["gan"](spec, MODELS["gan"].Settings.parse({"width": 8, "latent": 2} | settings))


def batch(n=8):
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.rand(n, 2, generator=generator) * 2 - 1, torch.arange(n) % 2)


def test_hinge_values():
    game = GAMES["hinge"]
    assert game.discriminator(REAL, FAKE).mean().item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3)
    assert game.generator(FAKE).mean().item() == pytest.approx(2 / 3)
    assert game.discriminator(torch.zeros(3), torch.zeros(3)).tolist() == [2, 2, 2]  # that of one who can only guess
    assert game.discriminator(torch.full((3,), 1.0), torch.full((3,), -1.0)).tolist() == [0, 0, 0]  # and who wins by a margin


def test_a_critic_wants_the_distance():
    game = GAMES["wgan-gp"]
    assert game.discriminator(REAL, FAKE).mean().item() == pytest.approx(-2 / 3 - 0.5)
    assert game.generator(FAKE).mean().item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape", [(2,), (3, 8, 8)])
def test_a_linear_critic_has_one_slope_everywhere(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    real, fake = torch.rand(5, *shape), torch.rand(5, *shape)
    found = slopes(lambda x: (x * weight).flatten(1).sum(1) + 3, real, fake, torch.rand(5, 1))
    assert torch.allclose(found, weight.norm().expand(5), rtol=1e-5)


def test_slopes_are_taken_between_real_and_generated():
    real, fake, between = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]]), torch.tensor([[0.25]])
    found = slopes(lambda x: x.square().sum(1), real, fake, between)  # whose slope at a place is twice its length
    assert found.item() == pytest.approx(2 * 0.25)


def test_the_penalty_reaches_the_loss_in_closed_form():
    model = build(loss="wgan-gp", penalty=7.0)
    critic = nn.Linear(2, 1)
    model.discriminator = type("Linear", (nn.Module,), {"forward": lambda self, x, weights: critic(x).squeeze(1)})()
    loss = next(model.training_losses(batch(), 0))
    slope = critic.weight.norm()
    assert loss.logs["slope"].item() == pytest.approx(float(slope), rel=1e-5)
    expected = 7.0 * (slope - 1) ** 2 - loss.logs["distance"]
    assert loss.value.mean().item() == pytest.approx(float(expected), rel=1e-4)


def test_the_held_out_loss_of_a_critic_needs_no_gradients():
    with torch.no_grad():
        assert build(loss="wgan-gp").held_out_loss(batch()).isfinite().all()


@pytest.mark.parametrize("loss", GAMES)
@pytest.mark.parametrize("spec", [PLANE, DataSpec("image", (1, 8, 8), ("a", "b"))], ids=["points", "image"])
def test_every_game_moves_both_players_on_points_and_images(loss, spec):
    model = build(spec, loss=loss, critic_steps=3, conditional=True)
    items = batch() if spec is PLANE else Batch(torch.rand(8, 1, 8, 8) * 2 - 1, torch.arange(8) % 2)
    players = []
    for turn in model.training_losses(items, 0):
        for parameter in model.parameters():
            parameter.grad = None
        turn.value.mean().backward()
        moved = [p.grad for p in model.players()[turn.player].parameters if p.grad is not None]
        assert sum(float(gradient.abs().sum()) for gradient in moved) > 0
        players.append(turn.player)
    assert players == ["discriminator"] * 3 + ["generator"]


def test_critic_steps_see_fresh_noise():
    model = build(critic_steps=2, spectral_norm=False)
    torch.manual_seed(0)
    first, second, _ = (turn.value.mean().item() for turn in model.training_losses(batch(), 0))
    assert first != second  # the discriminator has not moved in between, so only the noise can differ


def test_a_critic_has_neither_spectral_norm_nor_batch_norm():
    for spec in (PLANE, DataSpec("image", (1, 28, 28))):
        critic = build(spec, loss="wgan-gp", spectral_norm=True).discriminator
        assert not any("parametrizations" in name for name, _ in critic.named_parameters())
        assert not any(isinstance(part, nn.BatchNorm2d) for part in critic.modules())


def test_the_unit_of_each_game_tells_them_apart():
    family = MODELS["gan"]
    units = {loss: family.loss_unit(family.Settings.parse({"loss": loss})) for loss in GAMES}
    assert len(set(units.values())) == 3
    assert "nats" in units["non-saturating"]
    assert "nats" not in units["wgan-gp"] + units["hinge"]


def test_verdicts_lie_between_0_and_1_and_rank_as_the_scores():
    for loss in GAMES:
        model = build(loss=loss).eval()
        x = batch(32).x
        verdicts, scores = model.judge(x), model.discriminator(x, None)
        assert ((verdicts > 0) & (verdicts < 1)).all()
        assert verdicts.argsort().tolist() == scores.argsort().tolist()


@pytest.mark.parametrize(
    ("family", "settings", "sentence"),
    [
        ("gan", {"network": "dcgan"}, "for points it must be auto or mlp"),
        ("vae", {"network": "conv"}, "for points it must be auto or mlp"),
        ("vae", {"likelihood": "bernoulli"}, "it must be auto or gaussian"),
        ("diffusion", {"attention": True}, "for points it must be false"),
        ("gan", {"augment": "flip"}, "for points it must be none"),
    ],
)
def test_a_setting_that_makes_no_sense_for_points_is_refused(family, settings, sentence):
    model = MODELS[family]
    with pytest.raises(BadSetting, match=sentence):
        model(PLANE, model.Settings.parse(settings))
