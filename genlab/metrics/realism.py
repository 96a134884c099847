"""Precision and recall: what of the samples lies among real items, and what of these among samples (Kynkäänniemi et al. 2019)."""

import torch
from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class
from genlab.metrics.neighbours import K, radii, within


def precision(real: Tensor, fake: Tensor, k: int = K) -> float:
    """Share of generated features [m, D] no further from a real one [n, D] than its k-th neighbour (equation 1)."""
    return float(_inside(fake, real, k).float().mean())


def recall(real: Tensor, fake: Tensor, k: int = K) -> float:
    """Share of real features [n, D] no further from a generated one [m, D] than its k-th neighbour (equation 2)."""
    return precision(fake, real, k)


def _inside(points: Tensor, centres: Tensor, k: int = K) -> Tensor:
    """[n] whether each point lies within the reach of a centre."""
    return within(points, centres, radii(centres, k), equal=True) > 0


def _realistic(fake: Evidence, real: Real) -> Value:
    inside = _inside(fake.features, real.test.features)
    return Value(float(inside.float().mean()), by_class(inside, fake.wished, real.classes), torch.nonzero(~inside)[:, 0])


PRECISION = Metric(
    Message("Precision"),
    Message("The share of samples that lie among real items: what looks wrong does not."),
    "higher",
    _realistic,
)
RECALL = Metric(
    Message("Recall"),
    Message("The share of real items that lie among the samples: what the model never draws does not."),
    "higher",
    lambda fake, real: Value(recall(real.test.features, fake.features)),
)
