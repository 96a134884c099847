"""Every sampler lands on the distribution that the network knows, at the ends of all its ranges as between them.

The network is none that was trained: of data that are normally distributed, the best prediction is known in closed form.
"""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from genlab.data import DataSpec
from genlab.models import MODELS
from genlab.models.diffusion import SAMPLERS

MEAN, SPREAD, COUNT = 0.3, 0.1, 128
SPECS = {"image": DataSpec("image", (1, 8, 8), ("a", "b")), "points": DataSpec("points", (2,), ("a", "b"))}


class Best(nn.Module):
    """The best prediction for data whose every coordinate has this mean and spread, whatever the class."""

    def __init__(self, model):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(()))  # which tells the device
        self.target, self.levels = model.settings.target, model._levels

    def forward(self, x, t, class_labels=None):
        signal, noise = self.levels(torch.as_tensor(t))
        surplus = x - signal * MEAN
        total = signal**2 * SPREAD**2 + noise**2
        clean, eps = MEAN + signal * SPREAD**2 / total * surplus, noise / total * surplus  # posterior means
        return SimpleNamespace(sample={"flow": eps - clean, "noise": eps, "v": signal * eps - noise * clean}[self.target])


def drawn(target, modality, sampler, steps, guidance=1.0):
    model = MODELS["diffusion"](SPECS[modality], MODELS["diffusion"].Settings(target=target, width=8, conditional=True))
    model.network = Best(model)
    settings = model.SamplingSettings(sampler=sampler, steps=steps, guidance=guidance)
    n = COUNT if modality == "points" else COUNT // 32
    *_, last = model.sample(n, settings, 0, model.given_labels(None, n))
    return last.items


WAYS = [(target, sampler) for target in SAMPLERS for sampler in SAMPLERS[target]]


@pytest.mark.parametrize("steps", [994, 1000])
@pytest.mark.parametrize(("target", "sampler"), WAYS)
def test_a_sampler_lands_on_the_distribution_where_it_takes_as_many_steps_as_there_are_noise_levels(target, sampler, steps):
    items = drawn(target, "points", sampler, steps)
    assert items.mean() == pytest.approx(MEAN, abs=0.02)
    assert items.std() == pytest.approx(SPREAD, rel=0.15)


@pytest.mark.parametrize("guidance", [1.0, 10.0])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("modality", SPECS)
@pytest.mark.parametrize(("target", "sampler"), WAYS)
def test_the_fewest_steps_and_the_strictest_guidance_give_something_finite(target, sampler, modality, steps, guidance):
    assert drawn(target, modality, sampler, steps, guidance).isfinite().all()


@pytest.mark.parametrize("target", SAMPLERS)
def test_every_number_of_steps_near_the_most_gives_times_that_differ(target):
    """Heun looks twice at a time, and only then."""
    for sampler in SAMPLERS[target].values():
        for steps in range(985, 1001):
            times = sampler.ready(target, steps, torch.device("cpu")).timesteps
            assert times.min() >= 0
            assert len(times.unique()) >= steps - 10
