"""Probes: what a slider moves, how long a way is, what lies in the middle of several latents."""

import math

import torch
from torch import Tensor

from genlab.config import Config
from genlab.errors import BadSetting
from genlab.models.base import Given, LatentModel

STEP = 0.05  # to both sides, in units of the slider
ROUNDS = 50  # of the mean on a sphere, which is found much sooner unless latents lie opposite one another


@torch.no_grad()
def jacobian(
    model: LatentModel, z: Tensor, direction: Tensor, given: Given | None = None, settings: Config | None = None
) -> Tensor:
    """[H, W] how much each pixel moves with a slider along `direction` [*L] at a latent [1, *L].

    |∂x/∂value| by central differences, the mean over the colours; 1 is from black to white with one unit of the slider.
    """
    if not model.spec.kind.pixels:
        raise BadSetting(
            "This model draws {things}, without pixels; the heat map is for models of images.", things=model.spec.kind.things
        )
    ends = torch.cat([z + STEP * direction.to(z), z - STEP * direction.to(z)])
    above, below = model.decode(ends, (given or Given()).spread(2), settings)
    return (above - below).abs().mean(0) / 2 / (2 * STEP)


def lengths(items: Tensor) -> Tensor:
    """[n] how long the way is to each of the items [n, *shape] along it, on the surface of what a model draws.

    The sum of the steps' root mean square differences of pixels in [0, 1] (the curve length of Shao et al. 2018, eq. 1, taken
    in as many pieces as there are items).
    """
    steps = (items[1:] - items[:-1]).flatten(1).square().mean(1).sqrt() / 2
    return torch.cat([steps.new_zeros(1), steps.cumsum(0)])


def mix(z: Tensor, weights: list[float]) -> Tensor:
    """[*L] the middle of latents [n, *L] by these weights: their mean on the sphere, and the mean of their lengths.

    Buss & Fillmore 2001, algorithm A1; of two latents it is the great circle between them. Raises BadSetting where weights are
    missing, negative or all zero.
    """
    if len(weights) != len(z) or min(weights, default=-1) < 0 or not 0 < sum(weights) < math.inf:
        raise BadSetting(
            "{n} images were to be mixed with the weights {weights!r}; each needs one, from 0 on and not all 0.",
            n=len(z),
            weights=weights,
        )
    w = (torch.tensor(weights, dtype=torch.double) / sum(weights)).to(z.device)[:, None]
    flat = z.flatten(1).double()
    length = flat.norm(dim=1, keepdim=True)
    units, middle = flat / length.clamp(min=1e-12), (w * flat).sum(0)
    if length.min() == 0 or (w * units).sum(0).norm() < 1e-6:  # no one mean on a sphere
        return middle.to(z).reshape(z.shape[1:])
    found = torch.nn.functional.normalize((w * units).sum(0), dim=0)
    for _ in range(ROUNDS):
        cosine = (units @ found).clamp(-1, 1)[:, None]
        across = units - cosine * found
        step = (w * cosine.arccos() * torch.nn.functional.normalize(across, dim=1)).sum(0)
        found = step.norm().cos() * found + torch.sinc(step.norm() / math.pi) * step
    return (found * (w * length).sum()).to(z).reshape(z.shape[1:])
