"""Coverage: how much of the data lies near something generated (Naeem et al. 2020, eq. 7)."""

import torch
from torch import Tensor

K = 5  # neighbours


def coverage(real: Tensor, fake: Tensor) -> float:
    """Share of real features [n, D] with a generated one [m, D] within their k-th neighbour's distance."""
    radius = torch.cdist(real, real).kthvalue(K + 1, dim=1).values  # the nearest is the point itself
    return float((torch.cdist(real, fake).min(dim=1).values < radius).float().mean())
