"""Defect transfer τ: how much of the damage in its training data a model draws again: all of it is 1, nothing is 0."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genlab.data import Dataset, Splits
from genlab.data.library import recipe_of
from genlab.data.recipe import OPERATIONS, Recipe, Step
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Damage, Evidence, Metric, Real, Value, there
from genlab.quality import DEFECTS, Check, fit

# Those that a check tells from single items
SEEN = ("missing", "noise", "exposure", "outliers", "garbled", "personal", "repetition", "sensor")
SURE = 0.05  # by how much its hits must exceed its false alarms for it to tell anything


def transfer(flags: Tensor, clean: Tensor, damage: Sequence[Damage]) -> Tensor:
    """[J] τ of each kind of damage, from what a check flags of samples [n, J] and of clean items [m, J]; NaN where it is blind.

    τ = (share flagged - false alarms) / (hits - false alarms) / rate in training.
    """
    alarms = clean.double().mean(0)
    hits, rates = (torch.tensor([getattr(one, name) for one in damage], dtype=torch.double) for name in ("hits", "rate"))
    sure = hits - alarms > SURE
    return ((flags.double().mean(0) - alarms) / ((hits - alarms) * rates)).where(sure, torch.nan)


@dataclass(frozen=True)
class Harm:
    """What was done to a training part, and checks that learnt from clean data to see it."""

    like: Dataset
    checks: tuple[Check, ...]  # one for each way
    damage: tuple[Damage, ...]

    def look(self, items: Dataset) -> Tensor:
        """[n, J] whether each item seems to be damaged, in each way."""
        return torch.stack([check(items)[damage.name].flagged for check, damage in zip(self.checks, self.damage, strict=True)], 1)

    def seen(self, items: Evidence) -> Evidence:
        """The same evidence with what the checks flag of it."""
        return replace(items, flags=self.look(as_data(self.like, there(items.items))))


def harm(clean: Splits, name: str) -> Harm:
    """The damage of a dataset whose source is clean, as far as single items show it.

    Hits are those among the test part, damaged likewise; samples of a model, and items of any other part, are others.
    """
    recipe = recipe_of(name)
    if recipe.steps and recipe.fingerprint != clean.train.fingerprint:
        told = "{name} was not made of {clean}, so what was done to it cannot be told here; choose the data that it was made of."
        raise BadSetting(told, "data", name=name, clean=clean.name)
    train, harmed = _done(clean, recipe)
    checks, damage = [], []
    for issue in dict.fromkeys(_issue(step) for step, _ in harmed):
        steps = [(step, ids[torch.isin(ids, train.id)]) for step, ids in harmed if _issue(step) == issue]
        ids = torch.cat([ids for _, ids in steps])
        if not len(ids):
            continue
        check = fit(clean.train, defects=[steps[0][0].do])
        hits = [(_hits(check, _made_so(clean, step), issue), len(own)) for step, own in steps if len(own)]
        if known := [(share, n) for share, n in hits if share is not None]:
            checks.append(check)
            share = sum(share * n for share, n in known) / sum(n for _, n in known)
            damage.append(Damage(issue, len(ids.unique()) / len(train), share))
    return Harm(clean.train, tuple(checks), tuple(damage))


def as_data(like: Dataset, x: Tensor) -> Dataset:
    """Items [n, *shape] in model space as a dataset without labels."""
    columns = {"label": torch.full((len(x),), -1), "id": torch.arange(len(x))}
    return Dataset.of("samples", like.spec, like.spec.kind.to_stored(x), columns)


def _issue(step: Step) -> str:
    return "-".join([step.do, *filter(None, [step.parsed.model_dump().get("kind")])])


def _done(clean: Splits, recipe: Recipe) -> tuple[Dataset, list[tuple[Step, Tensor]]]:
    """The training part in the end, and the ids of what each step damaged that was not mended: copies of it are damaged, too."""
    data, harmed = clean, list[tuple[Step, Tensor]]()
    for step in recipe.steps:
        if step.do not in DEFECTS:
            changed = OPERATIONS[step.do].apply(data, step)
        else:
            changed, truth = DEFECTS[step.do].inject(data, step.parsed, step.seed, step.key)
            if step.do == "duplicates":
                harmed = [(one, torch.cat([ids, truth.added[torch.isin(truth.origins, ids)]])) for one, ids in harmed]
            if step.do in SEEN:
                harmed.append((step, truth.damaged))
        if step.do == "fill":
            whole = torch.tensor(step.settings["ids"])
            harmed = [(one, ids[~torch.isin(ids, whole)] if one.do == "missing" else ids) for one, ids in harmed]
        data = data.with_part(step.part, changed)
    return data.train, harmed


def _hits(check: Check, bad: Dataset, issue: str) -> float | None:
    """The share of damaged items that a check flags; None where there are none, or it does not look for that."""
    verdict = check(bad).get(issue) if len(bad) else None
    return None if verdict is None else float(verdict.flagged.double().mean())


def _made_so(clean: Splits, step: Step) -> Dataset:
    """Test items, all damaged as the step does it, or as many strangers as it would bring."""
    settings = step.parsed.model_copy(update={"rate": 1.0})
    after, truth = DEFECTS[step.do].inject(replace(clean, train=clean.test), settings, step.seed + 1, step.key)
    return after[torch.isin(after.id, truth.damaged)]


def _transferred(fake: Evidence, real: Real) -> Value:
    flags = there(fake.flags)
    each = transfer(flags, there(real.test.flags), real.damage)
    if each.isnan().all():
        names = [damage.name for damage in real.damage]
        raise BadSetting("The checks see too little of {names} in such data to tell how much of it is drawn again.", names=names)
    told = {damage.name: float(tau) for damage, tau in zip(real.damage, each, strict=True) if not tau.isnan()}
    return Value(float(each.nanmean()), told, torch.nonzero(flags.any(1))[:, 0])


TRANSFER = Metric(
    Message("Defect transfer"),
    Message("How much of the damage in its training data the model draws again: 1 all of it, 0 nothing."),
    "lower",
    _transferred,
    frozenset({"flags"}),
    fair=False,  # its groups are kinds of damage
)
