"""Density and coverage: how much of the data lies near samples, and how much near data these lie (Naeem et al. 2020, eq. 5-7)."""

from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class
from genlab.metrics.neighbours import K, nearest, radii, within


def coverage(real: Tensor, fake: Tensor, k: int = K) -> float:
    """Share of real features [n, D] with a generated one [m, D] within their k-th neighbour's distance."""
    return float(_covered(real, fake, k).float().mean())


def density(real: Tensor, fake: Tensor, k: int = K) -> float:
    """How many real features [n, D] have each generated one [m, D] within their k-th neighbour's distance, over k: 1 at best."""
    return float(within(fake, real, radii(real, k)).double().mean() / k)


def _covered(real: Tensor, fake: Tensor, k: int = K) -> Tensor:
    """[n] whether each real feature has a generated one within its reach."""
    return nearest(real, fake)[0][:, 0] < radii(real, k)


def _by_class(fake: Evidence, real: Real) -> Value:
    covered = _covered(real.test.features, fake.features)
    return Value(float(covered.float().mean()), by_class(covered, real.test.wished, real.classes))


def _lone(fake: Evidence, real: Real) -> Value:
    near = within(fake.features, real.test.features, radii(real.test.features))
    return Value(float(near.double().mean() / K), worst=near.argsort(stable=True))


COVERAGE = Metric(
    Message("Coverage"),
    Message("The share of real items that have a sample nearer than their fifth neighbour: what is missing is not covered."),
    "higher",
    _by_class,
)
DENSITY = Metric(
    Message("Density"),
    Message("How crowded with real items the places are where samples lie; 1 is as crowded as where real items lie."),
    "higher",
    _lone,
)
