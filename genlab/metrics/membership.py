"""Membership: how well an attacker tells from a model's losses what it was trained on (Yeom et al. 2018; Carlini et al. 2022)."""

import torch
from torch import Tensor

from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there

ALARMS = 0.01  # share of unseen items that are taken for trained ones


def told_apart(trained: Tensor, unseen: Tensor) -> float:
    """How often a trained item has a lower loss [n] than an unseen one [m] (the AUC), ties counted half."""
    ordered = unseen.sort().values
    above = len(unseen) - torch.searchsorted(ordered, trained, right=True).double()
    as_high = torch.searchsorted(ordered, trained, right=True).double() - torch.searchsorted(ordered, trained).double()
    return float((above + as_high / 2).mean() / len(unseen))


def hits(trained: Tensor, unseen: Tensor, alarms: float = ALARMS) -> float:
    """Share of trained items whose loss [n] is below that of all but a share of unseen ones [m]: that share itself by chance."""
    lowest = int(alarms * (len(unseen) + 1) + 1e-9)
    if not lowest:
        told = "One false alarm in {n:,} cannot be told of {items} unseen items; it takes {n:,} or more."
        raise BadSetting(told, "n", n=round(1 / alarms), items=len(unseen))
    return float((trained < unseen.sort().values[lowest - 1]).double().mean())


def _losses(real: Real) -> tuple[Tensor, Tensor]:
    return there(real.train.losses), there(real.test.losses)


def _membership(fake: Evidence, real: Real) -> Value:
    return Value(told_apart(*_losses(real)))


def _hits(fake: Evidence, real: Real) -> Value:
    return Value(hits(*_losses(real)))


MEMBERSHIP = Metric(
    Message("Membership"),
    Message("How often an item that was trained on has a lower loss than one that was not: what is told of who is in the data."),
    "half",
    _membership,
    frozenset({"losses"}),
    honest=0.5,
)
HITS = Metric(
    Message("Membership, surest"),
    Message("The share of trained items that their loss gives away where one in a hundred others is wrongly accused."),
    "lower",
    _hits,
    frozenset({"losses"}),
    honest=ALARMS,
)
