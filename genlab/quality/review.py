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


def left_over(before: Splits, after: Splits) -> dict[str, int]:
    """How many items of the training part are gone, and of the others how many have another class."""
    old = dict(zip(before.train.id.tolist(), _names(before), strict=True))
    new = dict(zip(after.train.id.tolist(), _names(after), strict=True))
    there = old.keys() & new.keys()
    return {"dropped": len(old) - len(there), "relabelled": sum(old[i] != new[i] for i in there)}


def _names(data: Splits) -> list[str]:
    names = [*data.spec.classes, ""]  # label -1 finds the last
    return [names[k] for k in data.train.label.tolist()]
