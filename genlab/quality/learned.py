"""Learned: what a defect looks like in one dataset is learnt from copies of its own images that were damaged on purpose.

So thresholds fit the data: a drawing of 28×28 pixels is not blurry because photographs are sharper.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, even_rows
from genlab.features import FAINT, Features, spans
from genlab.quality.defect import Check, Verdict

FEWEST = 20  # items from which something can be learnt
SEVERITIES = (0.3, 0.5, 0.8)  # of the copies, in turn
SUSPECT = ((0.98, 0.3), (0.95, 1.0))  # share of the worst copies that are recognised; how many times as probable a copy as an
# item one must then be to have no say: the surer the copies are told, the sooner
NATURE = 0.3  # what a larger share of the items has is in the nature of the data
NEVER = 1e300
Damager = Callable[[np.ndarray, float], np.ndarray]  # images uint8 [n, C, H, W] and a severity


class Learned:
    """What tells a dataset's images as they are from copies of them that were damaged in each of some ways.

    A logistic regression on the images' statistics. As the items may be damaged themselves, those that the first fit takes for
    copies have no say in the second, where copies can be told at all.
    """

    def __init__(self, features: Features, damagers: Mapping[str, Damager], copies: int = 1200) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        data, self.damagers, self.measure = features.data, damagers, features.measure
        images = data.read(even_rows(len(data), copies)).numpy()
        twins = [features.measure(torch.from_numpy(_damaged(images, damage))).numpy() for damage in damagers.values()]
        as_is = features.statistics.numpy()
        rows = even_rows(len(data), 5 * copies).numpy()
        for _ in range(2):
            kind = np.repeat(np.arange(len(twins) + 1), [len(rows), *map(len, twins)])
            self.model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300))
            self.model.fit(np.concatenate([as_is[rows], *twins]), kind)
            probable = self.model.predict_proba(as_is)
            worst = [own[len(SEVERITIES) - 1 :: len(SEVERITIES)] for own in twins]
            times = np.array([_times(_share_like(self.model.predict_proba(own), k)) for k, own in enumerate(worst, 1)])
            like = probable[:, 1:] > times * probable[:, :1]  # [N, K]
            suspect = (like & (like.mean(0) < NATURE)).any(1)
            rows = rows[~suspect[rows]] if (~suspect[rows]).sum() >= FEWEST else rows

    def scores(self, statistics: Tensor, span: Tensor, rounds: int) -> dict[str, Tensor]:
        """[n] for each kind of damage: how probable it is of images with these statistics and from darkest to brightest."""
        posterior = _with_frequencies(self.model.predict_proba(statistics.numpy()), rounds)
        posterior[(span <= FAINT).numpy(), 1:] = 0  # what is blank is neither noisy nor dark
        return {name: torch.from_numpy(posterior[:, i]).float() for i, name in enumerate(self.damagers, 1)}


def told_apart(features: Features, damagers: Mapping[str, Damager]) -> dict[str, Tensor]:
    """[N] for each kind of damage: how probable it is that an item was damaged so, and how frequent it is among the items."""
    if len(features.data) < FEWEST:
        return dict.fromkeys(damagers, torch.zeros(len(features.data)))
    return Learned(features, damagers).scores(features.statistics, features.span, rounds=50)


def telling_apart(features: Features, damagers: Mapping[str, Damager], name: str) -> Check:
    """A check of other images for such damage, each by itself: none of them has a say in how frequent it is."""
    if len(features.data) < FEWEST:
        return lambda items: {}
    learned = Learned(features, damagers)

    def check(items: Dataset) -> dict[str, Verdict]:
        found = learned.scores(learned.measure.of(items), spans(items), rounds=1)
        return {f"{name}-{kind}": Verdict(scores, scores > 0.5) for kind, scores in found.items()}

    return check


def _times(recognised: float) -> float:
    return next((times for share, times in SUSPECT if recognised > share), NEVER)


def _share_like(probable: np.ndarray, kind: int) -> float:
    return float((probable[:, kind] > probable[:, 0]).mean())


def _damaged(images: np.ndarray, damage: Damager) -> np.ndarray:
    copies = np.empty_like(images)
    for i, severity in enumerate(SEVERITIES):
        copies[i :: len(SEVERITIES)] = damage(images[i :: len(SEVERITIES)], severity)
    return copies


def _with_frequencies(probable: np.ndarray, rounds: int) -> np.ndarray:
    """Probabilities [N, K] that held for classes of equal frequency, for the frequencies that explain the items best.

    These are found in rounds (Saerens, Latinne & Decaestecker 2002, eq. 4), of which the first takes them as they are usual.
    """
    frequency = np.full(probable.shape[1], 0.02)
    frequency[0] = 1 - frequency[1:].sum()
    for _ in range(rounds):
        posterior = probable * frequency
        posterior /= posterior.sum(1, keepdims=True)
        frequency = posterior.mean(0)
    return posterior
