"""Review: what a person makes of the suspects, as steps of a recipe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genlab.data.dataset import Splits
from genlab.data.recipe import Recipe
from genlab.errors import BadData, UnknownName
from genlab.quality.checks import repair
from genlab.quality.defect import Finding


@dataclass(frozen=True)
class Decisions:
    """What was decided item by item, told in ids; what nothing was decided of is left to the repair of its issue."""

    keep: frozenset[int] = frozenset()
    drop: frozenset[int] = frozenset()
    relabel: Mapping[int, str] = field(default_factory=dict)  # the class that an item gets; "" for unknown

    @property
    def all(self) -> frozenset[int]:
        """Every item that something was decided of."""
        return self.keep | self.drop | frozenset(self.relabel)


def revise(
    data: Splits, findings: Iterable[Finding], recipe: Recipe, issues: Iterable[str] | None, decisions: Decisions
) -> Recipe:
    """The recipe that does what was decided, and repairs these issues, or all, where nothing was.

    Raises UnknownName for ids that are not in the training part, and BadData where the recipe would stay as it is.
    """
    ids = set(data.train.id.tolist())
    if strange := decisions.all - ids:
        raise UnknownName(
            "There is no item {item} in the training part of {name}. Open the suspects again.",
            item=min(strange),
            name=data.name,
        )
    open_findings = (finding.only(set(finding.ids[finding.flagged].tolist()) - decisions.all) for finding in findings)
    revised = repair(data, open_findings, recipe, issues)
    if decisions.drop:
        if decisions.drop >= ids:
            raise BadData("This would drop every item of the training part. Keep some of them.")
        revised = revised.then("drop", {"ids": sorted(decisions.drop)})
    if decisions.relabel:
        chosen = sorted(decisions.relabel)
        revised = revised.then("relabel", {"ids": chosen, "classes": [decisions.relabel[i] for i in chosen]})
    if revised == recipe:
        raise BadData("There is nothing to repair here. Mark items to drop or to relabel, or choose another issue.")
    return revised


def worst_of(findings: Sequence[Finding]) -> tuple[Tensor, Tensor]:
    """For each item the number of the finding that flags it with the highest score, -1 for none, and the highest score of all."""
    scores = torch.stack([finding.scores for finding in findings])  # [F, N]
    flagged = torch.stack([finding.flagged for finding in findings])
    worst = scores.masked_fill(~flagged, -1).argmax(0)
    return torch.where(flagged.any(0), worst, -1), scores.amax(0)


def changes(before: Splits, after: Splits) -> dict[str, Tensor]:
    """The items that are gone, that came in, that have another class, and that look different, each in its order.

    Of each kind [n, 2], the item's row in the training part before and after; -1 where it is not there.
    """
    old, new = before.train.id, after.train.id
    rows, moved = torch.arange(len(old)), _rows_of(old, new)
    both, came = torch.stack([rows, moved], 1)[moved >= 0], (_rows_of(new, old) < 0).nonzero()[:, 0]
    names = sorted({*before.spec.classes, *after.spec.classes})
    was, now = (_names(data, names)[column] for data, column in zip((before, after), both.T, strict=True))
    return {
        "dropped": torch.stack([rows, moved], 1)[moved < 0],
        "added": torch.stack([torch.full_like(came, -1), came], 1),
        "relabelled": both[was != now],
        "altered": both[_altered(before, after, both)],
    }


def _rows_of(items: Tensor, among: Tensor) -> Tensor:
    """[n] where each of the items [n] stands among others [m], all of them different; -1 where it is not."""
    if not len(among):
        return torch.full_like(items, -1)
    order = among.argsort()
    found = order[torch.searchsorted(among[order], items).clamp(max=len(among) - 1)]
    return torch.where(among[found] == items, found, -1)


def _altered(before: Splits, after: Splits, both: Tensor) -> Tensor:
    """[n] whether each pair of rows [n, 2] differs; not all in memory at once."""
    content = before.spec.kind.content
    pairs = (zip(before.train.read(some[:, 0]), after.train.read(some[:, 1]), strict=True) for some in both.split(4096))
    return torch.tensor([content(was) != content(now) for some in pairs for was, now in some], dtype=torch.bool)


def _names(data: Splits, names: Sequence[str]) -> Tensor:
    """[n] the class of each training item as its number among names; -1 where it has none."""
    numbers = torch.tensor([*map(names.index, data.spec.classes), -1])  # label -1 finds the last
    return numbers[data.train.label]
