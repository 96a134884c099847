"""The Fréchet distance of two sets of features, each taken as normal (Dowson & Landau 1982; Heusel et al. 2017, eq. 6)."""

import numpy as np
import torch
from torch import Tensor

from genlab.algebra import eigen, eigenvalues
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there

SIZES = 15  # of samples, through whose distances the line to infinitely many is drawn
FEWEST = 10  # samples of a class of which a distance is told


def frechet(real: Tensor, fake: Tensor, weight: Tensor | None = None) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) of features [n, D] and [m, D]; these count by their `weight` [m]."""
    mean, covariance = _moments(real.double(), None)
    other, others = _moments(fake.double(), weight)
    values, vectors = eigen(covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = eigenvalues(root @ others @ root).clamp(min=0).sqrt().sum()  # the trace of the root of Σ₁Σ₂
    return float((mean - other).square().sum() + covariance.trace() + others.trace() - 2 * cross)


def endless(real: Tensor, fake: Tensor, seed: int = 0) -> float:
    """The distance that infinitely many samples would have: a line over 1/n, at 1/n = 0 (Chong & Forsyth 2020, section 4)."""
    draw, n = torch.Generator().manual_seed(seed), len(fake)
    sizes = np.linspace(max(2, n // 5), n, SIZES).astype(int)
    distances = [frechet(real, fake[torch.randperm(n, generator=draw)[:size]]) for size in sizes.tolist()]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def by_class(fake: Evidence, real: Real) -> Value:
    """The mean over classes of the distance of what was asked for to what is; beside it each class's own."""
    found = {}
    for k, name in enumerate(real.classes):
        theirs, ours = (side.features[there(side.wished) == k] for side in (real.test, fake))
        if min(len(theirs), len(ours)) >= FEWEST:
            found[name] = frechet(theirs, ours)
    if not found:
        raise BadSetting(
            "No class has {fewest} samples and as many real items, as a distance by class needs.", "n", fewest=FEWEST
        )
    return Value(float(np.mean([*found.values()])), found)


def _moments(x: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean [D] and covariance [D, D], the unbiased one where all count alike."""
    if weight is None:
        return x.mean(0), x.T.cov()
    share = weight.double() / weight.double().sum()
    mean = share @ x
    return mean, (x - mean).T @ ((x - mean) * share[:, None])


DISTANCE = Metric(
    Message("Fréchet distance"),
    Message("How far the samples' features lie from those of real items, both taken as one bell; few samples look further off."),
    "lower",
    lambda fake, real: Value(frechet(real.test.features, fake.features)),
)
ENDLESS = Metric(
    Message("Fréchet distance, endless"),
    Message("The Fréchet distance that infinitely many samples would have, by a line through those of fewer."),
    "lower",
    lambda fake, real: Value(endless(real.test.features, fake.features)),
    fewest=100,
)
BY_CLASS = Metric(
    Message("Fréchet distance by class"),
    Message("The mean over the classes of how far what was asked for lies from real items of that class."),
    "lower",
    by_class,
    frozenset({"wished"}),
)
