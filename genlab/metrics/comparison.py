"""Comparison: the scores of some models side by side, as a table, as CSV, as JSON and as a picture."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genlab.config import differing
from genlab.messages import Message, english, say
from genlab.metrics import METRICS
from genlab.metrics.aspects import ASPECTS, Span, choice, summary
from genlab.metrics.costs import FIGURES, Cost
from genlab.metrics.evaluation import Score

TEAL, GREY, PALE = "#0f766e", "#6b7280", "#d1d5db"
BETTER = {"lower": Message("lower is better"), "higher": Message("higher is better"), "half": Message("½ is best")}
COLUMNS = ("model", "data", "metric", "number", "margin", "real", "n", "draws", "seed", "worst_class", "behind", "warning")


@dataclass(frozen=True)
class Comparison:
    """What was measured of models, all on the same data, from the same seeds."""

    data: str
    n: int  # samples of a draw
    seed: int
    judge: str  # who saw, in words
    scores: Mapping[str, Mapping[str, Score]]  # by model and metric
    impossible: Mapping[str, Mapping[str, Message]] = field(default_factory=dict)  # likewise, why there is no number
    costs: Mapping[str, Cost] = field(default_factory=dict)  # by model, and so is
    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # what each was asked for as it learnt

    @property
    def metrics(self) -> list[str]:
        """Those of which there is any number, in their order."""
        return [name for name in METRICS if any(name in own for own in self.scores.values())]

    @property
    def settings(self) -> dict[str, list[Any]]:
        """The settings in which the models differ, a value a model; None where one has no such setting."""
        return differing([*self.asked.values()])

    def summary(self) -> dict[str, dict[str, Span]]:
        """Six aspects from 0 to 1, by aspect and model, as far as they were measured."""
        return summary(self.scores, self.costs)

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row a number: means over the draws, half the width of their 95 % interval, and what real items score."""
        for model, own in self.scores.items():
            for score in own.values():
                lag = score.lagging
                yield {
                    "model": model,
                    "data": self.data,
                    "metric": score.metric,
                    "number": score.number,
                    "margin": score.margin,
                    "real": None if score.real is None else score.real.number,
                    "n": score.n,
                    "draws": len(score.values),
                    "seed": self.seed,
                    "worst_class": lag and lag.name,
                    "behind": lag and lag.gap,
                    "warning": str(score.warning),
                    "values": [value.number for value in score.values],
                    "classes": score.groups,
                }

    def json(self) -> str:
        """All that is known, as JSON."""
        told = {name: {metric: str(why) for metric, why in own.items()} for name, own in self.impossible.items() if own}
        found = self.summary()
        whole = {
            "data": self.data,
            "judge": english(self.judge),
            "scores": [*self.rows()],
            "impossible": told,
            "costs": {name: {**cost.figures(), "hardware": english(cost.hardware)} for name, cost in self.costs.items()},
            "settings": {name: dict(zip(self.asked, values, strict=True)) for name, values in self.settings.items()},
            "summary": {name: {model: asdict(span) for model, span in own.items()} for name, own in found.items()},
            "choice": english(choice(found)),
        }
        return json.dumps(whole, indent=2, ensure_ascii=False)

    def csv(self) -> str:
        """A line a number, without what is behind it, and then a line for each that tells what a model costs."""
        lines = io.StringIO()
        table = csv.DictWriter(lines, COLUMNS, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows())
        for model, cost in self.costs.items():
            table.writerows({"model": model, "metric": name, "number": number} for name, number in cost.figures().items())
        return lines.getvalue()

    def lines(self) -> Iterator[list[str]]:
        """The table for reading: its head, then a line a metric."""
        yield [say(Message("metric")), *self.scores, say(Message("real items"))]
        for name in self.metrics:
            own = [scores.get(name) for scores in self.scores.values()]
            real = next((score.real for score in own if score is not None and score.real is not None), None)
            told = [written(score.number, score.margin) if score else "–" for score in own]
            yield [say(METRICS[name].title), *told, written(real.number) if real else "–"]
        for name, figure in FIGURES.items() if self.costs else ():
            costs = [cost.figures().get(name) if (cost := self.costs.get(model)) else None for model in self.scores]
            yield [say(figure.title), *("–" if number is None else say(figure.told(number)) for number in costs), ""]

    def differences(self) -> Iterator[list[str]]:
        """The settings in which the models differ, for reading: a head, then a line a setting; nothing where none differ."""
        if settings := self.settings:
            yield [say(Message("setting")), *self.asked]
            yield from ([name.replace("_", " "), *("–" if x is None else str(x) for x in row)] for name, row in settings.items())

    def aspects(self) -> Iterator[list[str]]:
        """The summary for reading: its head, then a line an aspect."""
        yield [say(Message("from 0 to 1")), *self.scores]
        for name, own in self.summary().items():
            yield [say(ASPECTS[name].title), *(f"{own[model].number:.2f}" if model in own else "–" for model in self.scores)]

    def card(self, model: str, command: str) -> str:
        """What was measured of a model, as Markdown for its card: in English, with how it was measured, and what repeats it."""
        lines = []
        for name, score in self.scores[model].items():
            real = "–" if score.real is None else written(score.real.number)
            lines.append([english(METRICS[name].title), written(score.number, score.margin), real])
        cost = self.costs.get(model)
        for name, number in (cost.figures() if cost else {}).items():
            lines.append([english(FIGURES[name].title), english(FIGURES[name].told(number)), ""])
        draws = max((len(score.values) for score in self.scores[model].values()), default=0)
        ran = f" Speeds and memory are those of {english(cost.hardware)}, beside whatever else ran." if cost else ""
        how = f"{draws} {'draw' if draws == 1 else 'draws'} of {self.n:,} samples from seed {self.seed} against {self.data}"
        seen = f"seen by {english(self.judge)}; ± is the 95 % interval of the draws, and another training may differ more."
        table = [["metric", "this model", "real items"], ["---"] * 3, *lines]
        return "\n".join([f"{how}, {seen}{ran} Repeated by `{command}`.", "", *(f"| {' | '.join(line)} |" for line in table)])

    def picture(self) -> bytes:
        """A PNG: a panel a metric, a dot a draw, a line for the mean, and what real items score behind them."""
        from matplotlib.figure import Figure  # slow to import

        columns = max(1, min(4, len(self.metrics)))
        lines = max(1, -(-len(self.metrics) // columns))
        figure = Figure(figsize=(2.9 * columns, (1.3 + 0.28 * len(self.scores)) * lines), dpi=120, layout="constrained")
        for name, axes in zip(self.metrics, figure.subplots(lines, columns, squeeze=False).flat, strict=False):
            metric = METRICS[name]
            for place, scores in enumerate(self.scores.values()):
                if score := scores.get(name):
                    axes.plot(
                        [value.number for value in score.values], [place] * len(score.values), "o", color=TEAL, ms=4, alpha=0.5
                    )
                    axes.plot([score.number] * 2, [place - 0.3, place + 0.3], color=TEAL, linewidth=1.5)
                    if score.real is not None:
                        axes.axvline(score.real.number, color=PALE, linewidth=5, zorder=0)
            axes.set_yticks(range(len(self.scores)), [*self.scores], fontsize=7)
            axes.set_ylim(len(self.scores) - 0.5, -0.5)
            axes.tick_params(axis="x", labelsize=7)
            axes.set_title(f"{metric.title}\n{BETTER[metric.better]}", fontsize=8, color=GREY)
            axes.spines[["top", "right"]].set_visible(False)
        for axes in list(figure.axes)[len(self.metrics) :]:
            axes.set_axis_off()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of which n draws were `hits` (Wilson 1927)."""
    z, share = 1.959964, hits / n
    middle, width = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - width) / (1 + z**2 / n), (middle + width) / (1 + z**2 / n)


def written(number: float, margin: float | None = None) -> str:
    """A number with as many digits as it is sure of: two of its margin, or three that count."""
    sure = not margin or margin < 1e-9 * abs(number)  # what is less comes of adding in another order
    size, digits = (abs(number), 2) if sure or margin is None else (margin, 1)
    places = 3 if not size or not math.isfinite(size) else max(0, digits - math.floor(math.log10(size)))
    return f"{number:.{places}f}" if margin is None else f"{number:.{places}f} ± {margin:.{places}f}"
