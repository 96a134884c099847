"""Disentanglement: whether each axis of a latent space stands for one factor of the data, where these are known."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genlab.errors import BadSetting

BINS = 20  # that continuous values are cut into
FEW = 10  # values up to this number are taken as they are
TREES = 40


@dataclass(frozen=True)
class Disentanglement:
    """Scores from 0 to 1."""

    mig: float  # by how much the axis that knows most of a factor knows more than the next one
    disentanglement: float  # whether an axis stands for one factor alone
    completeness: float  # whether a factor is in one axis alone
    informativeness: float  # how well factors can be told from latents that were not learned from


def disentanglement(z: Tensor, factors: Tensor, seed: int = 0) -> Disentanglement:
    """Scores of latents [n, L] against the factors [n, F] of the same items; thousands of items are needed.

    MIG is that of Chen et al. 2018 (eq. 6); the other three are those of Eastwood & Williams 2018 (section 2), the importance
    of axes being that of random forests as in theirs, and the informativeness R², for classes the share that is right.
    Factors that are the same in all items are left out; raises BadSetting where fewer than two factors or axes remain.
    """
    z, factors = z.flatten(1), factors[:, factors.amax(0) > factors.amin(0)]
    if min(z.shape[1], factors.shape[1]) < 2:
        raise BadSetting(
            "{n} axes and {factors} factors that vary are too few; two of each are needed.",
            n=z.shape[1],
            factors=factors.shape[1],
        )
    importance, informed = _forests(z.numpy(), factors.numpy(), seed)
    share = importance.sum(1) / importance.sum()  # of each axis in all that is known
    return Disentanglement(
        mutual_information_gap(z, factors),
        float((share * _purity(importance)).sum()),
        float(_purity(importance.T).mean()),
        float(np.mean(informed)),
    )


def mutual_information_gap(z: Tensor, factors: Tensor) -> float:
    """MIG (Chen et al. 2018, eq. 6), its mutual information that of values in bins of equal counts."""
    axes, known = [_binned(column) for column in z.T], [_binned(column) for column in factors.T]
    gaps = []
    for factor in known:
        first, second = torch.tensor([_information(axis, factor) for axis in axes]).topk(2).values
        gaps.append(float(first - second) / _information(factor, factor))
    return float(np.mean(gaps))


def _information(a: Tensor, b: Tensor) -> float:
    """Nats that two discrete variables [n] say of one another; of one and itself, its entropy."""
    joint = torch.bincount(a * (int(b.max()) + 1) + b, minlength=(int(a.max()) + 1) * (int(b.max()) + 1)).double() / len(a)
    joint = joint.reshape(-1, int(b.max()) + 1)
    apart = joint.sum(1, keepdim=True) * joint.sum(0)
    there = joint > 0
    return float((joint[there] * (joint[there] / apart[there]).log()).sum())


def _binned(column: Tensor) -> Tensor:
    """[n] numbers of bins of equal counts; the values themselves where they are few."""
    values, which = column.unique(return_inverse=True)
    if len(values) <= FEW:
        return which
    return column.argsort().argsort() * BINS // len(column)


def _forests(z: np.ndarray, factors: np.ndarray, seed: int) -> tuple[np.ndarray, list[float]]:
    """Importance [L, F] of each axis for each factor, and how well factors of a held-out third are told."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # slow to import, seldom needed

    cut = len(z) * 2 // 3
    columns, informed = [], []
    for factor in factors.T:
        family = RandomForestClassifier if len(np.unique(factor)) <= FEW else RandomForestRegressor
        forest = family(TREES, min_samples_leaf=5, max_features=None, random_state=seed).fit(z[:cut], factor[:cut])
        columns.append(forest.feature_importances_)
        informed.append(max(0.0, forest.score(z[cut:], factor[cut:])))
    return np.stack(columns, 1), informed


def _purity(importance: np.ndarray) -> np.ndarray:
    """[rows] 1 where a row has all of its weight in one column, 0 where it has the same in all."""
    share = importance / importance.sum(1, keepdims=True).clip(min=1e-12)
    entropy = -(share * np.log(share.clip(min=1e-12))).sum(1)
    return 1 - entropy / np.log(importance.shape[1])
