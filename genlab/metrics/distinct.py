"""Distinct: how rarely a model repeats itself, by the words that it writes."""

from functools import partial

import torch
from torch import Tensor

from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there

DRAWN = 1000  # runs of words of which it is asked how many are different, so that long texts and short ones can be compared


def distinct(words: Tensor, n: int, drawn: int = DRAWN) -> float:
    """Distinct-n (Li et al. 2016) of numbered words [N, W], -1 after the last of a text: of `drawn` runs of n, how many differ.

    The expected share over all ways to draw that many of those there are: rarefaction (Hurlbert 1971). Raises BadSetting
    where there are fewer.
    """
    runs = words.unfold(1, n, 1) if words.shape[1] >= n else words.new_zeros(len(words), 0, n)  # [N, W - n + 1, n]
    runs = runs[(runs >= 0).all(-1)]  # [R, n]
    if len(runs) < drawn:
        told = "There are {have:,} runs of {n} {n?word|words} in these texts; to tell how many differ takes at least {drawn:,}."
        raise BadSetting(Message(told, n=n, have=len(runs), drawn=drawn), "n")
    counts = runs.unique(dim=0, return_counts=True)[1].double()
    total = torch.tensor(float(len(runs)), dtype=torch.double)
    missed = _choose(total - counts, drawn) - _choose(total, drawn)  # log of the probability that a run isn't drawn
    return float(-torch.expm1(missed).sum() / drawn)


def _choose(of: Tensor, k: int) -> Tensor:
    """log of the number of ways to choose k, -inf where there are none."""
    ways = torch.lgamma(of + 1) - torch.lgamma((of - k).clamp(min=0) + 1) - torch.lgamma(torch.tensor(k + 1.0).double())
    return ways.masked_fill(of < k, -torch.inf)


def _measured(n: int, fake: Evidence, real: Real) -> Value:
    return Value(distinct(there(fake.words), n))


def _metric(n: int, title: Message, meaning: Message) -> Metric:
    return Metric(title, meaning, "higher", partial(_measured, n), frozenset({"words"}))


LI = Message("Of {n:,} words and signs drawn from all texts, the share that are different (Li et al. 2016).", n=DRAWN)
ONE = _metric(1, Message("Distinct words"), LI)
TWO = _metric(2, Message("Distinct pairs"), Message("The same of {n:,} pairs of words and signs in a row.", n=DRAWN))
THREE = _metric(3, Message("Distinct triples"), Message("The same of {n:,} triples of words and signs in a row.", n=DRAWN))
