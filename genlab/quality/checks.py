"""Inspect: all checks over one training part, and the recipe that repairs what they find."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import OPERATIONS, Recipe
from genlab.errors import BadData
from genlab.features import Features
from genlab.files import DiskFault, keep, npz
from genlab.messages import Message, from_json, to_json
from genlab.paths import cache_folder
from genlab.quality.defect import DEFECTS, Check, Defect, Finding, Verdict, takes
from genlab.registry import unknown

FORMAT = 4  # of findings in the cache; raised when a check finds in another way
ARRAYS = ("scores", "flagged", "groups", "suggestions", "places", "boxes")


def inspect(data: Splits, features: Features | None = None, defects: Iterable[str] | None = None) -> Iterator[Finding]:
    """What there is to find in the training part, of all kinds or of these, a finding a check, the quick ones first.

    The cache keeps what was found.
    """
    features = features or Features(data.train)
    for name in DEFECTS if defects is None else defects:
        if takes(DEFECTS[name], data.spec.modality):
            yield from _kept(name, data, features)


def fit(clean: Dataset, features: Features | None = None, defects: Iterable[str] | None = None) -> Check:
    """What judges other items, each by itself, by what is usual in clean data: `fit(clean)(items)["noise-blur"].scores` [n].

    The items, such as a model's samples, are of the same shape; those with a label are asked whether it is right. The check
    raises BadData for none, and for items of another kind or shape.
    """
    features = features or Features(clean)
    names = [name for name in (DEFECTS if defects is None else defects) if takes(DEFECTS[name], clean.spec.modality)]
    checks = [DEFECTS[name].fit(features) for name in names]

    def check(items: Dataset) -> dict[str, Verdict]:
        learnt, given = (
            Message("{things} of {shape}", things=one.spec.kind.things, shape="×".join(map(str, one.spec.shape)))
            for one in (clean, items)
        )
        if not len(items) or learnt != given:
            raise BadData(
                "{n:,} {given} were given; this check judges {learnt}, at least one.", n=len(items), given=given, learnt=learnt
            )
        return {issue: verdict for one in checks for issue, verdict in one(items).items()}

    return check


def repair(data: Splits, findings: Iterable[Finding], recipe: Recipe, issues: Iterable[str] | None = None) -> Recipe:
    """The recipe with what mends these findings, by name of issue, or all; what is dropped once is not mended again.

    Raises UnknownName for an issue there is none of, and BadData where nothing would be left.
    """
    found = {finding.name: finding for finding in findings}
    wanted = list(found) if issues is None else list(issues)
    if missing := [name for name in wanted if name not in found]:
        raise BadData(unknown("issue", missing[0], list(found)))
    gone = torch.empty(0, dtype=torch.long)
    for name in wanted:
        finding = found[name]
        finding = finding.only(finding.ids[finding.flagged & ~torch.isin(finding.ids, gone)].tolist())
        before, recipe = recipe, defect_of(name).repair(data, finding, recipe)
        if recipe == before:
            continue
        step = recipe.steps[-1]
        if step.do == "drop":
            gone = torch.cat([gone, torch.tensor(step.settings["ids"], dtype=torch.long)])
        if step.do == "rewrite":  # what comes next is rewritten as it then is
            data = data.with_part("train", OPERATIONS[step.do].apply(data, step))
    if len(gone) and torch.isin(data.train.id, gone).all():
        raise BadData("This repair would leave nothing of the training part. Repair fewer issues, or keep some of the items.")
    return recipe


def defect_of(issue: str) -> Defect:
    """The defect that an issue is of: `noise-blur` is noise."""
    return DEFECTS[max((name for name in DEFECTS if issue == name or issue.startswith(f"{name}-")), key=len, default=issue)]


def _kept(name: str, data: Splits, features: Features) -> Iterator[Finding]:
    """The findings of one defect, from the cache where they were found before."""
    held_out = f"{data.validation.fingerprint[:8]}{data.test.fingerprint[:8]}"  # which leaks and frequencies are judged by
    file = cache_folder() / "features" / features.key / f"found-{FORMAT}-{name}-{held_out}.npz"
    if not file.exists():
        found = []
        for finding in DEFECTS[name].detect(data, features):
            found.append(finding)
            yield finding
        with suppress(DiskFault):  # it can be found again
            keep(file, _packed(found))
        return
    with np.load(file, allow_pickle=False) as kept:
        for i, (issue, sentence, classes) in enumerate(from_json(json.loads(str(kept["about"])))):
            arrays: dict[str, Tensor] = {a: torch.from_numpy(kept[f"{a}-{i}"]) for a in ARRAYS if f"{a}-{i}" in kept}
            yield Finding(issue, Message(sentence), data.train.id, classes=tuple(classes), **arrays)


def _packed(found: list[Finding]) -> bytes:
    arrays = {
        f"{a}-{i}": getattr(finding, a).numpy()
        for i, finding in enumerate(found)
        for a in ARRAYS
        if getattr(finding, a) is not None
    }
    return npz(about=np.array(json.dumps(to_json([[f.name, f.sentence, f.classes] for f in found]))), **arrays)
