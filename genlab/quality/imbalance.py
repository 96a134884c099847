"""Imbalance: classes that are much rarer than the others, or one that dominates all of them."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.errors import BadData
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import ANY, Finding, Takes, Truth, Whole, chosen_classes, draws
from genlab.quality.settings import ImbalanceSettings

RARE = 0.5  # of what is usual, below which a class is rare
HEAD = 1 / 3  # share that the most frequent class of a long tail keeps
MOST, TIMES = 0.5, 1.5  # a class dominates with a larger share of the items than this, and than so many times its fair one


class Imbalance(Whole):
    """Imbalance: see the protocol `Defect`."""

    Settings = ImbalanceSettings
    takes: Takes = {ANY: None}
    lowers: tuple[str, ...] = ()

    def inject(self, data: Splits, settings: ImbalanceSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        train = data.train
        numbers = chosen_classes(train, settings.rate, seed)
        kept = torch.ones(len(train), dtype=torch.bool)
        thinned, shares = numbers, _shares(settings, len(numbers))
        if settings.kind == "dominating":
            thinned, shares = _under(train.counts, numbers, settings.severity)
        for number, share in zip(thinned, shares, strict=True):
            rows = (train.label == number).nonzero()[:, 0]
            order = torch.from_numpy(draws(train.id[rows], seed)).argsort()
            kept[rows[order[round(share * len(rows)) :]]] = False
        if not kept.any():
            raise BadData("Thinning every class to nothing would leave nothing. Choose a smaller rate or severity.")
        return train[kept], Truth(removed=train.id[~kept], classes=tuple(train.spec.classes[k] for k in sorted(numbers)))

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        train = data.train
        for name, classes_of, sentence in ISSUES:
            classes = classes_of(train.counts)
            items = torch.isin(train.label, classes)
            names = tuple(train.spec.classes[k] for k in classes.tolist())
            yield Finding(name, sentence, train.id, items.float(), torch.zeros_like(items), classes=names)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        """Draw classes as often as the held-out parts have them.

        Where they are rare there, too, as often as the others, and one that dominates there as often as the next.
        """
        if not finding.classes:
            return recipe
        numbers = torch.tensor([data.spec.classes.index(name) for name in finding.classes])
        wanted = _wanted(data, numbers) if finding.name == "imbalance" else _less(data, int(numbers[0]))
        weights = {data.spec.classes[k]: float(wanted[k] / data.train.counts[k]) for k in numbers.tolist()}
        before: dict[str, float] = next((step.settings["weights"] for step in reversed(recipe.steps) if step.do == "weigh"), {})
        return recipe.then("weigh", {"weights": {**before, **weights}})  # the last of such steps holds


def rare_classes(counts: Tensor) -> Tensor:
    """Numbers of the classes with fewer than half the items that the better-off half of the classes has at the median."""
    there = counts[counts > 0].sort().values
    if len(there) < 2:
        return torch.empty(0, dtype=torch.long)
    usual = there[len(there) // 2 :].float().median()
    return ((counts > 0) & (counts < RARE * usual)).nonzero()[:, 0]


def dominating_classes(counts: Tensor) -> Tensor:
    """The number of the class that has more items than all others together, where there is one."""
    share, there = counts / counts.sum().clamp(min=1), int((counts > 0).sum())
    return ((share > MOST) & (share > TIMES / max(1, there)) & torch.tensor(there > 1)).nonzero()[:, 0]


ISSUES = (
    (
        "imbalance",
        rare_classes,
        Message("Rare classes: a model draws them seldom, and badly; re-weighting shows it them as often as the others."),
    ),
    (
        "imbalance-dominating",
        dominating_classes,
        Message(
            "One class has more items than all others together: a model becomes a model of it; re-weighting shows it less often."
        ),
    ),
)


def _under(counts: Tensor, numbers: list[int], share: float) -> tuple[list[int], np.ndarray]:
    """All other classes, and what each of them keeps, so that these make up a share of the items where they do not already."""
    others = [k for k in counts.nonzero()[:, 0].tolist() if k not in numbers] if numbers else []
    left = counts[numbers].sum() * (1 - share) / max(share, 1e-9)
    return others, np.full(len(others), min(1.0, float(left / counts[others].sum().clamp(min=1))))


def _less(data: Splits, number: int) -> Tensor:
    """[K] how many items a class that dominates would have were it as frequent as elsewhere."""
    counts, held_out = data.train.counts.float(), (data.validation.counts + data.test.counts).float()
    others = torch.arange(len(counts)) != number
    fair = counts[others].max()
    if not held_out[others].sum() or len(dominating_classes(held_out)):
        return torch.full_like(counts, float(fair))
    return torch.full_like(counts, float(held_out[number] * counts[others].sum() / held_out[others].sum()))


def _shares(settings: ImbalanceSettings, n: int) -> np.ndarray:
    """[n] what the classes keep; a long tail falls geometrically (Cao et al. 2019), its head being a third."""
    least = 1 - settings.severity
    if settings.kind == "thinned" or n == 1 or least >= HEAD:
        return np.full(n, least)
    return np.geomspace(HEAD, max(least, 1e-3), n)


def _wanted(data: Splits, rare: Tensor) -> Tensor:
    """[K] how many items the classes would have were they as frequent as elsewhere."""
    counts = data.train.counts.float()
    held_out = (data.validation.counts + data.test.counts).float()
    usual = torch.ones_like(counts).index_fill(0, rare, 0) * (counts > 0)  # 1 for classes that nothing was taken from
    fair = (counts * usual).sum() / usual.sum()
    also_rare = torch.isin(torch.arange(len(counts)), rare_classes(held_out)) | (held_out == 0)
    known = held_out * (counts * usual).sum() / (held_out * usual).sum().clamp(min=1)
    return torch.where(also_rare, fair, known)
