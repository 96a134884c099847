"""Neighbours: which features lie within reach of those of the other side; the reach is that of the k-th neighbour."""

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from genlab.models.base import blocks_of

K = 5


_known = WeakTensorKeyDictionary()  # reaches of features, which several metrics and all draws ask for


def radii(x: Tensor, k: int = K) -> Tensor:
    """[n] how far the k-th nearest other of features [n, D] is; asked for the same ones again, it is not found anew."""
    found = _known.setdefault(x, {})
    if k not in found:
        found[k] = _radii(x, k)
    return found[k]


def _radii(x: Tensor, k: int) -> Tensor:
    return torch.cat([_distances(x[part], x).kthvalue(k + 1, dim=1).values for part in blocks_of(len(x), 1000)])


def within(points: Tensor, centres: Tensor, reach: Tensor, equal: bool = False) -> Tensor:
    """[n] how many of the centres [m, D] have each point [n, D] within their reach [m], or also just at it."""
    compare = torch.le if equal else torch.lt
    return torch.cat([compare(_distances(points[part], centres), reach).sum(1) for part in blocks_of(len(points), 1000)])


def nearest(points: Tensor, others: Tensor, k: int = 1, own: bool = False) -> tuple[Tensor, Tensor]:
    """Distances and rows [n, k] of the nearest others [m, D] to each point; of `own` ones, not the point itself."""
    found = []
    for part in blocks_of(len(points), 1000):
        distances = _distances(points[part], others)
        if own:
            distances[torch.arange(len(distances)), torch.arange(part.start, part.stop)] = torch.inf
        found.append(distances.topk(k, largest=False))
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist" if x.shape[1] < 8 else "use_mm_for_euclid_dist")
