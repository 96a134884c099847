"""Defect transfer τ: how much of the damage in its training data a model draws again: all of it is 1, nothing is 0."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genlab.data import Dataset, Splits
from genlab.data.library import recipe_of
from genlab.data.recipe import OPERATIONS, PLUS, Recipe, Step
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Damage, Evidence, Metric, Real, Value, there
from genlab.quality import DEFECTS, Check, fit

SEEN = ("missing", "noise", "exposure", "outliers")  # defects that a check tells from single items
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
    shares = {step.key: share for step, share in _done(clean, recipe)} if PLUS in name else {}
    checks, damage = [], []
    for step in recipe.steps:
        issue = "-".join([step.do, *filter(None, [step.parsed.model_dump().get("kind")])])
        if step.do not in SEEN or not shares.get(step.key):
            continue
        check = fit(clean.train, defects=[step.do])
        bad = _made_so(clean, step)
        if len(bad) and (verdict := check(bad).get(issue)) is not None:
            checks.append(check)
            damage.append(Damage(issue, shares[step.key], float(verdict.flagged.double().mean())))
    return Harm(clean.train, tuple(checks), tuple(damage))


def as_data(like: Dataset, x: Tensor) -> Dataset:
    """Items [n, *shape] in model space as a dataset without labels."""
    columns = {"label": torch.full((len(x),), -1), "id": torch.arange(len(x))}
    return Dataset.of("samples", like.spec, like.spec.kind.to_stored(x), columns)


def _done(clean: Splits, recipe: Recipe) -> Iterator[tuple[Step, float]]:
    """Each step that damages, with the share of the finished training part that has it."""
    data, harmed = clean, []
    for step in recipe.steps:
        if step.do in SEEN:
            changed, truth = DEFECTS[step.do].inject(data, step.parsed, step.seed, step.key)
            harmed.append((step, truth.damaged))
        else:
            changed = OPERATIONS[step.do].apply(data, step)
        data = data.with_part(step.part, changed)
    for step, ids in harmed:
        yield step, float(torch.isin(data.train.id, ids).double().mean())


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
