"""Copying: whether samples are nearer to what was learnt than to what was not; the training part has no copies of its own."""

import math

import torch
from torch import Tensor

from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there
from genlab.metrics.neighbours import nearest

RATIO = 1 / 3  # of the nearest training item's distance to the second's, below which a sample is a copy (Yoon et al. 2023)
CELLS, ROUNDS = 10, 20  # of the space, in which distances are compared; rounds of k-means that find them
FEWEST = 20  # samples of a cell that has a say


def ratios(fake: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """[m] nearest distance of samples [m, D] to training items [n, D] over the second nearest, and the row of the nearest."""
    distances, rows = nearest(fake, train, min(2, len(train)))  # beside a single one, all but itself is as far as the second
    return distances[:, 0] / distances[:, -1].clamp(min=1e-12), rows[:, 0]


def nearer(fake: Tensor, train: Tensor, other: Tensor) -> float:
    """Share of samples [m, D] nearer to some training item than to equally many others [n, D] that were not trained on."""
    return float(_nearer(fake, train, other).double().mean())


def copying_test(fake: Tensor, train: Tensor, test: Tensor, seed: int = 0) -> float:
    """C_T: how surely samples lie nearer to the training items than test items do; 0 where neither does (Meehan et al. 2020).

    In each cell of the space the z-score of Mann and Whitney's U, below 0 for copies; the mean is weighed by the cell's samples.
    """
    cells = _cells(train, seed)
    near = [nearest(x, cells)[1][:, 0] for x in (fake, train, test)]
    total, weight = 0.0, 0
    for cell in range(len(cells)):
        ours, known, theirs = (x[where == cell] for x, where in zip((fake, train, test), near, strict=True))
        if min(len(ours), len(theirs)) < FEWEST or not len(known):
            continue
        z = _z_score(nearest(ours, known)[0][:, 0], nearest(theirs, known)[0][:, 0])
        total, weight = total + z * len(ours), weight + len(ours)
    return total / weight if weight else float("nan")


def two_sample(real: Tensor, fake: Tensor) -> float:
    """How often the nearest other item tells which side one is from (Lopez-Paz & Oquab 2017): ½ where both are alike."""
    n = min(len(real), len(fake))
    both = torch.cat([real[:n], fake[:n]])
    side = torch.arange(2 * n) >= n
    return float((side[nearest(both, both, own=True)[1][:, 0]] == side).double().mean())


def _nearer(fake: Tensor, train: Tensor, other: Tensor) -> Tensor:
    """[m] 1 where a training item is nearer than all of as many others, ½ where both are as near."""
    sides = (_alike_many(train, other), _alike_many(other, train))
    ours, theirs = (nearest(fake, side)[0][:, 0] for side in sides)
    return (ours < theirs).double() + (ours == theirs).double() / 2


def _alike_many(side: Tensor, other: Tensor, seed: int = 0) -> Tensor:
    """As many of one side as there are of the other, if it has them, drawn once for all."""
    return side[torch.randperm(len(side), generator=torch.Generator().manual_seed(seed))[: len(other)]]


def _cells(x: Tensor, seed: int) -> Tensor:
    """[k, D] the centres of k-means (Lloyd 1982) of features [n, D], at most CELLS."""
    draw = torch.Generator().manual_seed(seed)
    centres = x[torch.randperm(len(x), generator=draw)[:CELLS]].clone()
    for _ in range(ROUNDS):
        own = nearest(x, centres)[1][:, 0]
        counts = torch.bincount(own, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, own, x)
        centres = (sums / counts.clamp(min=1)[:, None]).where(counts[:, None] > 0, centres)
    return centres


def _z_score(a: Tensor, b: Tensor) -> float:
    """That of how many pairs have the larger value in a [n] and not in b [m] (Mann & Whitney 1947), ties counted half."""
    above = torch.searchsorted(b.sort().values, a).double() + torch.searchsorted(b.sort().values, a, right=True).double()
    u, n, m = above.sum() / 2, len(a), len(b)
    return float((u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5)


def _flat(x: Evidence) -> Tensor:
    return there(x.items).flatten(1) if x.compared is None else x.compared


def _copies(fake: Evidence, real: Real) -> Value:
    ratio, _ = ratios(_flat(fake), _flat(real.train))
    return Value(float((ratio < RATIO).double().mean()), worst=ratio.argsort(stable=True))


def _tested(fake: Evidence, real: Real) -> Value:
    z = copying_test(fake.features, real.train.features, real.test.features)
    if math.isnan(z):
        told = "The copying test needs {fewest} samples and as many test items in some part of the space; there are too few."
        raise BadSetting(told, "n", fewest=FEWEST)
    return Value(z)


def _near(fake: Evidence, real: Real) -> Value:
    closer = _nearer(_flat(fake), _flat(real.train), _flat(real.test))
    return Value(float(closer.mean()))


COPIES = Metric(
    Message("Copies"),
    Message("The share of samples whose nearest training item is less than a third as far as the second nearest."),
    "lower",
    _copies,
    frozenset({"items"}),
)
NEARER = Metric(
    Message("Nearer to training"),
    Message(
        "The share of samples nearer to a training item than to equally many that the model never saw; ½ where none is copied."
    ),
    "half",
    _near,
    frozenset({"items"}),
)
COPYING = Metric(
    Message("Copying test"),
    Message(
        "How many standard deviations further from training items samples lie than unseen items do; below -3 they are copied."
    ),
    "higher",
    _tested,
    fewest=100,
)
TWO_SAMPLE = Metric(
    Message("Two-sample accuracy"),
    Message("How often the nearest neighbour tells samples from real items; ½ where nothing does, 0 for copies."),
    "half",
    lambda fake, real: Value(two_sample(real.test.features, fake.features)),
)
