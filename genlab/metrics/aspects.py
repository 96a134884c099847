"""Aspects: what was measured of models in six aspects from 0 to 1, and which of them one would choose for what."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from genlab.messages import Message, joined
from genlab.metrics.costs import MANY, Cost
from genlab.metrics.evaluation import Score

Scores = Mapping[str, Score]
SLOW, FAST = 1, 10_000  # samples a second that count as 0 and as 1, by their logarithm between
LARGE, SMALL = 100_000_000, 10_000  # parameters, likewise


@dataclass(frozen=True)
class Span:
    """A number from 0 to 1, and where it may lie; from 0 to 1, where a single draw tells no interval."""

    number: float
    low: float
    high: float


@dataclass(frozen=True)
class Aspect:
    """One side of a model; None where it was not measured."""

    title: Message
    meaning: Message
    of: Callable[[Scores, Cost | None], Span | None]


def summary(scores: Mapping[str, Scores], costs: Mapping[str, Cost]) -> dict[str, dict[str, Span]]:
    """By aspect and model, as far as it was measured."""
    found = {name: {model: aspect.of(own, costs.get(model)) for model, own in scores.items()} for name, aspect in ASPECTS.items()}
    told = {name: {model: span for model, span in own.items() if span is not None} for name, own in found.items()}
    return {name: own for name, own in told.items() if own}


def choice(found: Mapping[str, Mapping[str, Span]]) -> Message | str:
    """Which model one would choose for what, in a sentence; empty where there is nothing to choose between."""
    aspects: dict[tuple[str, ...], list[Message]] = {}
    for name, own in found.items():
        if len(own) > 1:
            aspects.setdefault(leaders(own), []).append(ASPECTS[name].title)
    if not aspects:
        return ""
    parts = [_chosen(titles, models, len(models) == max(map(len, found.values()))) for models, titles in aspects.items()]
    return Message("What you would choose for {parts}.", parts=joined(parts, Message("; for ")))


def leaders(own: Mapping[str, Span]) -> tuple[str, ...]:
    """The best model, and those whose intervals overlap with its own."""
    best = max(own.values(), key=lambda span: span.number)
    return tuple(model for model, span in own.items() if span.high >= best.low)


def _chosen(titles: list[Message], models: tuple[str, ...], all_of_them: bool) -> Message:
    if len(models) == 1:
        return Message("{aspects}: {model}", aspects=titles, model=models[0])
    if all_of_them:
        return Message("{aspects}: these draws cannot tell them apart", aspects=titles)
    return Message("{aspects}: these draws cannot tell {models} apart", aspects=titles, models=[*models])


def _beside_real(metric: str) -> Callable[[Scores, Cost | None], Span | None]:
    """A score over what real items have."""

    def of(scores: Scores, _: Cost | None) -> Span | None:
        score = scores.get(metric)
        if score is None or score.real is None or not score.real.number > 0 or not math.isfinite(score.number):
            return None
        real = score.real.number
        return _span(score, lambda x: x / real)

    return of


def _span(score: Score, to_part: Callable[[float], float]) -> Span:
    """A score and its interval, brought to lie from 0 to 1."""
    number = _within(to_part(score.number))
    if score.margin is None:
        return Span(number, 0, 1)
    ends = sorted(_within(to_part(score.number + side * score.margin)) for side in (-1, 1))
    return Span(number, *ends)


def _honest(scores: Scores, _: Cost | None) -> Span | None:
    """1 less the excess over real items: twice that of what is nearer to training, or that of copies where it is more."""
    found = [span for span in (_without_excess(scores.get("nearer"), 2), _without_excess(scores.get("copies"), 1)) if span]
    return min(found, key=lambda span: span.number, default=None)


def _without_excess(score: Score | None, times: int) -> Span | None:
    if score is None or score.real is None:
        return None
    real = score.real.number
    return _span(score, lambda x: 1 - times * (x - real))


def _fast(_: Scores, cost: Cost | None) -> Span | None:
    return Span(*(_log(speed, SLOW, FAST) for speed in (median(cost.many), min(cost.many), max(cost.many)))) if cost else None


def _small(_: Scores, cost: Cost | None) -> Span | None:
    return Span(*[_log(cost.parameters, LARGE, SMALL)] * 3) if cost else None


def _log(x: float, none: float, whole: float) -> float:
    return _within(math.log(x / none) / math.log(whole / none))


def _within(x: float) -> float:
    return min(1.0, max(0.0, x))


ASPECTS: Mapping[str, Aspect] = {
    "realism": Aspect(Message("realism"), Message("Precision over that of real items, 1 at most."), _beside_real("precision")),
    "diversity": Aspect(Message("diversity"), Message("Coverage over that of real items, 1 at most."), _beside_real("coverage")),
    "agreement": Aspect(
        Message("agreement"),
        Message("Agreement with the class that was asked for over that of real items with their labels, 1 at most."),
        _beside_real("agreement"),
    ),
    "honesty": Aspect(
        Message("honesty"),
        Message(
            "1 less what looks copied: twice the share of samples nearer to training, or the share of copies where it is more, "
            "each less that of real items."
        ),
        _honest,
    ),
    "speed": Aspect(
        Message("speed"),
        Message("Samples a second, {n} at once, by their logarithm: {slow} is 0, {fast:,} is 1.", n=MANY, slow=SLOW, fast=FAST),
        _fast,
    ),
    "smallness": Aspect(
        Message("smallness"),
        Message("Parameters, by their logarithm: {large:,} are 0, {small:,} are 1.", large=LARGE, small=SMALL),
        _small,
    ),
}
