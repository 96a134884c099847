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
        raise UnknownName(f"There is no item {min(strange)} in the training part of {data.name}. Open the suspects again.")
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


@dataclass(frozen=True)
class Changed:
    """What became of one item of a training part, told in its rows; -1 where it is not there."""

    before: int
    after: int


def changes(before: Splits, after: Splits) -> dict[str, list[Changed]]:
    """The items that are gone, that came in, that have another class, and that look different, each in its order."""
    old, new = ({item: row for row, item in enumerate(data.train.id.tolist())} for data in (before, after))
    both = [Changed(row, new[item]) for item, row in old.items() if item in new]
    was, now = _names(before), _names(after)
    return {
        "dropped": [Changed(row, -1) for item, row in old.items() if item not in new],
        "added": [Changed(-1, row) for item, row in new.items() if item not in old],
        "relabelled": [change for change in both if was[change.before] != now[change.after]],
        "altered": _altered(before, after, both),
    }


def _altered(before: Splits, after: Splits, both: list[Changed]) -> list[Changed]:
    found: list[Changed] = []
    for start in range(0, len(both), 4096):  # not all in memory at once
        some = both[start : start + 4096]
        old, new = before.train.read([c.before for c in some]), after.train.read([c.after for c in some])
        found += [some[i] for i in (old != new).flatten(1).any(1).nonzero()[:, 0].tolist()]
    return found


def _names(data: Splits) -> list[str]:
    names = [*data.spec.classes, ""]  # label -1 finds the last
    return [names[k] for k in data.train.label.tolist()]
