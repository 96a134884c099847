"""The pad: an endless plane of latents, a draw of the prior at every whole place and blends on great circles between them."""

import math
from hashlib import sha256

import torch
from torch import Tensor

from genlab.latent.space import slerp
from genlab.models.base import Given, LatentModel

SEEDS = 10**9  # as many as a person can type


def seed_at(column: int, row: int) -> int:
    """The seed of the draw at a whole place, the same for ever; hashed, so that the plane never repeats itself visibly."""
    return int.from_bytes(sha256(f"{column},{row}".encode()).digest()[:8]) % SEEDS


def cell(model: LatentModel, column: int, row: int, across: Tensor, down: Tensor, given: Given | None = None) -> Tensor:
    """[m·n, *L] latents between the four draws around a cell, at `across` [n] and `down` [m] in [0, 1], row by row.

    Bilinear on great circles, so a blend is about as far from the middle as the draws are (White 2016, section 2.1).
    """
    corners = [[model.prior(1, seed_at(column + i, row + j), given)[0] for i in (0, 1)] for j in (0, 1)]
    upper, lower = (slerp(left, right, across) for left, right in corners)  # [n, *L] each
    return torch.stack([slerp(a, b, down) for a, b in zip(upper, lower, strict=True)], dim=1).flatten(0, 1)


def place(model: LatentModel, x: float, y: float, given: Given | None = None) -> Tensor:
    """The latent [1, *L] at any place of the plane."""
    column, row = math.floor(x), math.floor(y)
    return cell(model, column, row, torch.tensor([x - column]), torch.tensor([y - row]), given)
