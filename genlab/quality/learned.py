"""Learned: what a defect looks like in one dataset is learnt from copies of its own images that were damaged on purpose.

So thresholds fit the data: a drawing of 28×28 pixels is not blurry because photographs are sharper.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from genlab.features import Features, even_rows

FEWEST = 20  # items from which something can be learnt
SEVERITIES = (0.3, 0.5, 0.8)  # of the copies, in turn
Damager = Callable[[np.ndarray, float], np.ndarray]  # images uint8 [n, C, H, W] and a severity


def told_apart(features: Features, damagers: Mapping[str, Damager], copies: int = 2000) -> dict[str, Tensor]:
    """[N] for each kind of damage: how probable it is that an item was damaged so.

    A logistic regression on the items' statistics tells the items as they are from damaged copies; as the items may be damaged
    themselves, how frequent each kind is among them is estimated with it (Saerens, Latinne & Decaestecker 2002, eq. 4).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = features.data
    if len(data) < FEWEST:
        return dict.fromkeys(damagers, torch.zeros(len(data)))
    images = data.read(even_rows(len(data), copies)).numpy()
    twins = [features.measure(torch.from_numpy(_damaged(images, damage))) for damage in damagers.values()]
    as_is = features.statistics
    sample = as_is[even_rows(len(data), 5 * copies)]
    kind = np.repeat(np.arange(len(twins) + 1), [len(sample), *map(len, twins)])
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300))
    model.fit(torch.cat([sample, *twins]).numpy(), kind)
    probable = _with_frequencies(model.predict_proba(as_is.numpy()))
    return {name: torch.from_numpy(probable[:, i + 1]).float() for i, name in enumerate(damagers)}


def _damaged(images: np.ndarray, damage: Damager) -> np.ndarray:
    copies = np.empty_like(images)
    for i, severity in enumerate(SEVERITIES):
        copies[i :: len(SEVERITIES)] = damage(images[i :: len(SEVERITIES)], severity)
    return copies


def _with_frequencies(probable: np.ndarray, rounds: int = 50) -> np.ndarray:
    """Probabilities [N, K] that held for classes of equal frequency, for the frequencies that explain the items best."""
    frequency = np.full(probable.shape[1], 0.02)
    frequency[0] = 1 - frequency[1:].sum()
    for _ in range(rounds):
        posterior = probable * frequency
        posterior /= posterior.sum(1, keepdims=True)
        frequency = posterior.mean(0)
    return posterior
