"""Defect: the protocol of the files beside it; each holds the three sides of one thing: inject it, detect it, repair it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.errors import BadData
from genlab.features import Features
from genlab.messages import Message
from genlab.quality import DEFECTS
from genlab.quality.settings import Damage


@dataclass(frozen=True)
class Truth:
    """What an injection really did, told in ids of items."""

    changed: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))  # items whose content or label differs now
    added: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))  # items that were not there
    origins: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))  # of copies: what each is a copy of
    removed: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))  # items that are gone
    classes: tuple[str, ...] = ()  # that were thinned or left out

    @property
    def damaged(self) -> Tensor:
        """Items that are not as they should be."""
        return torch.cat([self.changed, self.added])


@dataclass(frozen=True, eq=False)
class Finding:
    """What one check found; its name is the defect's, with a hyphen and the kind where there are several.

    Rows are those of the training part that was looked at, of which `ids` are the ids.
    """

    name: str
    sentence: str  # what it means for a generative model
    ids: Tensor  # [N]
    scores: Tensor  # [N] in [0, 1], 1 for surely damaged
    flagged: Tensor  # [N] bool
    groups: Tensor | None = None  # [N] of duplicates: equal numbers for what belongs together, -1 for what stands alone
    suggestions: Tensor | None = None  # [N] the class that an item seems to have; -1 for none
    places: Tensor | None = None  # [N] of documents: the byte from which it can be seen
    boxes: Tensor | None = None  # [N, 4] top, left, height, width of a mask in pixels; zeros where there is none
    classes: tuple[str, ...] = ()  # that are too rare, or missing

    @property
    def count(self) -> int:
        """How many items, or classes where it is about these, are concerned."""
        return len(self.classes) or int(self.flagged.sum())

    @property
    def suspects(self) -> Tensor:
        """Rows of the flagged items, the worst first."""
        rows = self.flagged.nonzero()[:, 0]
        return rows[self.scores[rows].argsort(descending=True, stable=True)]

    def only(self, ids: Iterable[int]) -> "Finding":
        """The same finding, of which only these items are held to be damaged: what a person made of it."""
        chosen = torch.isin(self.ids, torch.as_tensor(list(ids), dtype=torch.long))
        return replace(self, flagged=chosen)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a check that learnt from clean data holds of other items."""

    scores: Tensor  # [n] in [0, 1], 1 for surely damaged
    flagged: Tensor  # [n] bool


Check = Callable[[Dataset], dict[str, Verdict]]  # of other items, a verdict an issue; each item is judged by itself


Takes = Mapping[str, tuple[str, ...] | None]  # by kind of data that can have a defect, which kinds of it; None for all
ANY = "any"  # kind of data that is not named


class Defect(Protocol):
    """One kind of damage, with the three sides of it."""

    lowers: tuple[str, ...]  # scores of a dataset's card that count its items

    @property
    def Settings(self) -> type[Damage]:
        """What it can be set to."""

    @property
    def takes(self) -> Takes:
        """The kinds of data that can have it."""

    def inject(self, data: Splits, settings: Any, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        """The training part damaged, and what was done; ids of added items begin with `key` (see `added_ids`)."""

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        """What there is of the defect in the training part, a finding a kind."""

    def fit(self, clean: Features) -> Check:
        """A check of other items, such as a model's samples, by what is usual in clean data; none where this is about a whole."""

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        """The recipe with the steps that mend what the finding flags; the same recipe where nothing can be done."""


def kinds_of(defect: Defect, modality: str) -> tuple[str, ...] | None:
    """Which kinds of a defect data of a kind can have: none of them for those that cannot have it, None for all."""
    return defect.takes.get(modality, defect.takes.get(ANY, ()))


def takes(defect: Defect, modality: str, kind: str | None = None) -> bool:
    """Whether data of a kind can have a defect, or one kind of it."""
    kinds = kinds_of(defect, modality)
    return kinds is None or (kind in kinds if kind else len(kinds) > 0)


def check_takes(name: str, data: Splits, settings: Damage) -> None:
    """Raise a sentence where such data cannot have a defect, or not of that kind."""
    defect, kind = DEFECTS[name], getattr(settings, "kind", None)
    if not takes(defect, data.spec.modality, kind):
        sort = Message("{name} of the kind {kind!r}", name=name, kind=kind)
        raise _lacking(data, sort if takes(defect, data.spec.modality) else name)


def _lacking(data: Splits, what: str) -> BadData:
    return BadData(
        "{name} holds {things}, which have no {what}. Possible for {things}: {possible}.",
        name=data.name,
        things=data.spec.kind.things,
        what=what,
        possible=[name for name, defect in DEFECTS.items() if takes(defect, data.spec.modality)],
    )


class Usual:
    """What is usual of some values, by their median and its median deviation."""

    def __init__(self, values: Tensor) -> None:
        self.middle = values.median()
        self.deviation = (1.4826 * (values - self.middle).abs().median()).clamp(min=1e-6)

    def away(self, values: Tensor) -> Tensor:
        """[n] in standard deviations from the median, as a normal distribution of the same quartiles has them."""
        return (values - self.middle) / self.deviation


def verdict(away: Tensor, limit: float) -> Verdict:
    """Of values [n] in standard deviations: what lies farther than the limit is damaged."""
    return Verdict(torch.sigmoid(away - limit), away > limit)


class Whole:
    """Of defects that a dataset has as a whole: no item by itself can be told to have them."""

    def fit(self, clean: Features) -> Check:
        return lambda items: {}


def dropped(recipe: Recipe, finding: Finding) -> Recipe:
    """The repair of most defects: the flagged items go."""
    return recipe.then("drop", {"ids": finding.ids[finding.flagged].tolist()}) if finding.flagged.any() else recipe


# --- Randomness by item: which are damaged, and how, follows from (seed, id) whatever the others are ---


def draws(ids: Tensor, seed: int) -> np.ndarray:
    """[n] numbers in [0, 1), one an item, by the finaliser of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = ids.numpy().astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x / 2.0**64


def chosen(data: Dataset, rate: float, seed: int) -> Tensor:
    """[round(rate · N)] rows, in their order; a higher rate adds to those of a lower."""
    count = round(rate * len(data))
    return torch.from_numpy(draws(data.id, seed)).argsort(stable=True)[:count].sort().values


def generator(seed: int, item: int) -> np.random.Generator:
    """The random numbers of one item."""
    return np.random.default_rng((seed, item))


def chosen_classes(data: Dataset, rate: float, seed: int) -> list[int]:
    """Numbers of the classes concerned, in random order: a share `rate` of those there are, at least one where it is above 0."""
    there = data.counts.nonzero()[:, 0].tolist()
    if not there:
        raise BadData("{name} has no classes that could be rare or missing.", name=data.name)
    order = np.random.default_rng(seed).permutation(there).tolist()
    return order[: max(round(rate * len(order)), int(rate > 0))]


def needs_images(data: Splits, what: str) -> None:
    """Raise a sentence unless the items are images."""
    if not data.spec.kind.pixels:
        raise _lacking(data, what)


def needs_classes(data: Splits, least: int = 2) -> None:
    """Raise a sentence unless there are classes to speak of."""
    if int((data.train.counts > 0).sum()) < least:
        raise BadData(
            "{name} has fewer than {least} classes with items, so that no label can be told wrong from right.",
            name=data.name,
            least=least,
        )
