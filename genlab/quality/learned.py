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
COPIES = 1200  # that are damaged to learn from
SEVERITIES = (0.3, 0.5, 0.8)  # of the copies, in turn
Limits = tuple[tuple[float, float], ...]  # share of the worst copies that are recognised; how many times as probable a copy as
# an item one must then be to have no say: the surer the copies are told, the sooner
SUSPECT: Limits = ((0.98, 0.3), (0.95, 1.0))
NATURE = 0.3  # what a larger share of the items has is in the nature of the data
NEVER = 1e300
Damager = Callable[[np.ndarray, float], np.ndarray]  # images uint8 [n, C, H, W] and a severity


class Learned:
    """What tells items as they are from copies of them that were damaged in each of some ways, by numbers of both.

    A logistic regression. As the items may be damaged themselves, those that the first fit takes for copies have no say in the
    second, where copies can be told at all.
    """

    def __init__(self, as_is: np.ndarray, twins: Mapping[str, np.ndarray], limits: Limits = SUSPECT) -> None:
        """Of the items [N, S], and by kind of damage of copies [n, S], whose severities come in turn."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.kinds, numbers = tuple(twins), [*twins.values()]
        rows = even_rows(len(as_is), 5 * COPIES).numpy()
        for _ in range(2):
            kind = np.repeat(np.arange(len(numbers) + 1), [len(rows), *map(len, numbers)])
            self.model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300))
            self.model.fit(np.concatenate([as_is[rows], *numbers]), kind)
            probable = self.model.predict_proba(as_is)
            worst = [own[len(SEVERITIES) - 1 :: len(SEVERITIES)] for own in numbers]
            recognised = [_share_like(self.model.predict_proba(own), k) for k, own in enumerate(worst, 1)]
            times = np.array([next((times for least, times in limits if share > least), NEVER) for share in recognised])
            like = probable[:, 1:] > times * probable[:, :1]  # [N, K]
            suspect = (like & (like.mean(0) < NATURE)).any(1)
            rows = rows[~suspect[rows]] if (~suspect[rows]).sum() >= FEWEST else rows

    def scores(
        self, numbers: np.ndarray, rounds: int, never: np.ndarray | None = None, among: np.ndarray | None = None
    ) -> dict[str, Tensor]:
        """[n] for each kind of damage how probable it is of items of these numbers [n, S], by how frequent it is among others.

        These are the items themselves where no others are given; of some it is `never` [n] told.
        """
        probable = self.model.predict_proba(numbers)
        frequency = _frequencies(probable if among is None else self.model.predict_proba(among), rounds)
        posterior = _at(probable, frequency)
        if never is not None:
            posterior[never, 1:] = 0
        return {name: torch.from_numpy(posterior[:, i]).float() for i, name in enumerate(self.kinds, 1)}


def told_apart(features: Features, damagers: Mapping[str, Damager]) -> dict[str, Tensor]:
    """[N] for each kind of damage: how probable it is that an image was damaged so, and how frequent it is among them."""
    if len(features.data) < FEWEST:
        return dict.fromkeys(damagers, torch.zeros(len(features.data)))
    return _learned(features, damagers).scores(features.statistics.numpy(), rounds=50, never=_blank(features.span))


def telling_apart(features: Features, damagers: Mapping[str, Damager], name: str) -> Check:
    """A check of other images for such damage, each by itself: none of them has a say in how frequent it is."""
    if len(features.data) < FEWEST:
        return lambda items: {}
    learned = _learned(features, damagers)

    def check(items: Dataset) -> dict[str, Verdict]:
        found = learned.scores(features.measure.of(items).numpy(), rounds=1, never=_blank(spans(items)))
        return {f"{name}-{kind}": Verdict(scores, scores > 0.5) for kind, scores in found.items()}

    return check


def _learned(features: Features, damagers: Mapping[str, Damager]) -> Learned:
    """What tells a dataset's images from copies of them, by their statistics."""
    images = features.data.read(even_rows(len(features.data), COPIES)).numpy()
    twins = {kind: features.measure(torch.from_numpy(_damaged(images, damage))).numpy() for kind, damage in damagers.items()}
    return Learned(features.statistics.numpy(), twins)


def _blank(span: Tensor) -> np.ndarray:
    """Which images are neither noisy nor dark, as there is nothing in them."""
    return (span <= FAINT).numpy()


def _share_like(probable: np.ndarray, kind: int) -> float:
    return float((probable[:, kind] > probable[:, 0]).mean())


def _damaged(images: np.ndarray, damage: Damager) -> np.ndarray:
    copies = np.empty_like(images)
    for i, severity in enumerate(SEVERITIES):
        copies[i :: len(SEVERITIES)] = damage(images[i :: len(SEVERITIES)], severity)
    return copies


def _frequencies(probable: np.ndarray, rounds: int) -> np.ndarray:
    """[K] how frequent classes are whose probabilities [N, K] held for equal ones: what explains the items best.

    It is found in rounds (Saerens, Latinne & Decaestecker 2002, eq. 4), of which the first takes them as they are usual.
    """
    frequency = np.full(probable.shape[1], 0.02)
    frequency[0] = 1 - frequency[1:].sum()
    for _ in range(rounds - 1):
        frequency = _at(probable, frequency).mean(0)
    return frequency


def _at(probable: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """[N, K] the same probabilities where the classes are so frequent."""
    posterior = probable * frequency
    return posterior / posterior.sum(1, keepdims=True)
