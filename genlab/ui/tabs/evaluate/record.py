"""What the Evaluate tab's script is told of a comparison, in the words of whoever looks."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from genlab.messages import listed
from genlab.metrics import ASPECTS, FIGURES, METRICS, Comparison, Lag, Score, Span, choice
from genlab.metrics.comparison import BETTER, written
from genlab.ui.words import say


def record_of(found: Comparison, models: list[str]) -> dict[str, Any]:
    """A comparison as far as it is, of so many models in all."""
    known, lacking = ([*those.values()] for those in (found.scores, found.impossible))
    nowhere = {name for name in METRICS if len(lacking) == len(models) and all(name in own for own in lacking)}
    metrics = [name for name in METRICS if name not in nowhere and any(name in own for own in (*known, *lacking))]
    where, aspects = listed(dict.fromkeys(cost.hardware for cost in found.costs.values())), found.summary()
    return {
        "models": models,
        "data": found.data,
        "judge": str(found.judge),
        "metrics": [named(name) for name in metrics],
        "scores": {model: {name: _told(score) for name, score in own.items()} for model, own in found.scores.items()},
        "impossible": {model: {name: str(why) for name, why in own.items()} for model, own in found.impossible.items()},
        "costs": [_cost(found, name) for name in FIGURES] if found.costs else [],
        "where": say("evaluate.where", where=where) if found.costs else "",
        "settings": [{"name": name, "values": values} for name, *values in [*found.differences()][1:]],
        "aspects": [_aspect(name, own) for name, own in aspects.items()],
        "choice": str(choice(aspects)),
    }


def _cost(found: Comparison, name: str) -> dict[str, Any]:
    """A line of what the models cost."""
    of, known = FIGURES[name], {model: cost.figures() for model, cost in found.costs.items()}
    numbers = {model: figures[name] for model, figures in known.items() if name in figures}
    told = {model: str(of.told(numbers[model])) if model in numbers else "–" for model in known}
    return {"name": name, "title": str(of.title), "why": str(of.meaning), "better": of.better, "told": told, "numbers": numbers}


def _aspect(name: str, own: Mapping[str, Span]) -> dict[str, Any]:
    of = ASPECTS[name]
    return {"title": str(of.title), "why": str(of.meaning), "spans": {model: asdict(span) for model, span in own.items()}}


def _told(score: Score) -> dict[str, Any]:
    return {
        "told": written(score.number, score.margin),
        "number": score.number,
        "margin": score.margin,
        "values": [value.number for value in score.values],
        "real": None if score.real is None else score.real.number,
        "real_told": None if score.real is None or math.isnan(score.real.number) else written(score.real.number),
        "warning": str(score.warning),
        "lag": lag_told("evaluate.lag", score.lagging),
    }


def named(metric: str) -> dict[str, Any]:
    """What a metric is called, and what it means."""
    of = METRICS[metric]
    return {"name": metric, "title": str(of.title), "why": f"{of.meaning} {BETTER[of.better]}.", "better": of.better}


def lag_told(key: str, found: Lag | None) -> str:
    """Which class fares worst, in a sentence; empty where none does."""
    return say(key, name=found.name, number=written(found.number), gap=written(found.gap)) if found else ""
