"""Tampering: real items made wrong in a known way, to see which metrics notice, and which do not."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics import METRICS
from genlab.metrics.comparison import written
from genlab.metrics.evaluation import Score, added, badness, names_of
from genlab.metrics.evidence import Real
from genlab.metrics.eye import Eye

DRAWS = 5  # parts of the held-out items, each tampered with by itself
SURELY = 4  # standard errors beyond which a difference is no chance of the draws
REPEATED = 0.3  # share of the samples that become the same one
Changed = tuple[Tensor, Tensor | None]  # items, and what was asked for


@dataclass(frozen=True)
class Tamper:
    """One way to be wrong."""

    title: Message
    meaning: Message
    change: Callable[[Tensor, Tensor | None, Eye], Changed]
    classes: bool = False  # whether it needs some
    pixels: bool = False  # whether it needs pictures


def copied(x: Tensor, label: Tensor | None, eye: Eye) -> Changed:
    """Items of the training part instead of new ones."""
    rows = torch.randperm(len(eye.train), generator=torch.Generator().manual_seed(1))[: len(x)]
    return eye.train.inputs(rows), None if label is None else eye.train.label[rows]


def dropped(x: Tensor, label: Tensor | None, eye: Eye) -> Changed:
    """Items of other classes instead of those of the first."""
    assert label is not None
    others = torch.nonzero(label != 0)[:, 0]
    rows = torch.where(label == 0, others[torch.arange(len(x)) % len(others)], torch.arange(len(x)))
    return x[rows], label[rows]


def repeated(x: Tensor, label: Tensor | None, eye: Eye) -> Changed:
    """The same item in many places."""
    rows = torch.arange(len(x))
    rows[: int(REPEATED * len(x))] = 0
    return x[rows], None if label is None else label[rows]


def blurred(x: Tensor, label: Tensor | None, eye: Eye) -> Changed:
    """Pictures seen through a window of three by three pixels."""
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), "replicate"), 3, 1), label


def swapped(x: Tensor, label: Tensor | None, eye: Eye) -> Changed:
    """The first two classes taken for one another."""
    assert label is not None
    return x, torch.where(label == 0, 1, torch.where(label == 1, 0, label))


TAMPERS: Mapping[str, Tamper] = {
    "copied": Tamper(
        Message("copied"), Message("Training items instead of new ones: a perfect model, were it not for the copies."), copied
    ),
    "dropped": Tamper(
        Message("one class dropped"), Message("Items of other classes instead of those of the first."), dropped, classes=True
    ),
    "repeated": Tamper(Message("one item repeated"), Message("Three in ten samples are the same one."), repeated),
    "blurred": Tamper(Message("blurred"), Message("A blur of three by three pixels."), blurred, pixels=True),
    "swapped": Tamper(
        Message("two classes swapped"),
        Message("Whoever asks for the first gets the second."),
        swapped,
        classes=True,
    ),
}


@dataclass(frozen=True)
class Shaken:
    """What metrics say of real items, and of the same made wrong."""

    done: int
    total: int
    honest: Mapping[str, Score]
    wrong: Mapping[str, Mapping[str, Score]]  # by tamper and metric

    @property
    def n(self) -> int:
        """Items of a part."""
        return next((score.n for score in self.honest.values()), 0)

    @property
    def draws(self) -> int:
        """Parts that were measured so far."""
        return next((len(score.values) for score in self.honest.values()), 0)

    def lines(self) -> Iterator[list[object]]:
        """A table for reading: its head, then a line a metric, with a ✓ where it noticed."""
        yield [Message("metric"), Message("real items"), *(TAMPERS[name].title for name in self.wrong)]
        for metric, score in self.honest.items():
            cells = [(self.noticed(name, metric), self.wrong[name].get(metric)) for name in self.wrong]
            told = [f"{'✓ ' if seen else ''}{written(of.number)}" if of else "–" for seen, of in cells]
            yield [METRICS[metric].title, written(score.number, score.margin), *told]

    def noticed(self, tamper: str, metric: str) -> bool | None:
        """Whether a metric got surely worse; None where it says nothing."""
        before, after = self.honest.get(metric), self.wrong.get(tamper, {}).get(metric)
        if before is None or after is None:
            return None
        worse = badness(METRICS[metric], after.number) - badness(METRICS[metric], before.number)
        error = (before.spread**2 / len(before.values) + after.spread**2 / len(after.values)) ** 0.5
        return bool(worse > SURELY * error + 1e-9)


@torch.no_grad()
def shaken(eye: Eye, metrics: Sequence[str] = (), draws: int = DRAWS, n: int | None = None) -> Generator[Shaken]:
    """Measure the held-out items in `draws` parts, as they are and tampered with in each way that such data can be.

    Raises BadSetting where there are too few of them.
    """
    names = [name for name in names_of(metrics) if METRICS[name].of_items]
    if not names:
        raise BadSetting("{names} are asked of a model; real items have none.", "metrics", names=names_of(metrics))
    size = min(n or eye.size("validation"), eye.size("validation") // draws)
    if size < (least := min(METRICS[name].fewest for name in names)):
        raise BadSetting(
            "{n} held-out items are too few to be measured in {draws} parts; these need at least {least} each.",
            "data",
            n=eye.size("validation"),
            draws=draws,
            least=least,
        )
    kinds = {
        name: tamper
        for name, tamper in TAMPERS.items()
        if (not tamper.classes or len(eye.spec.classes) > 1) and (not tamper.pixels or eye.spec.kind.pixels)
    }
    total, needs = draws * (1 + len(kinds)), frozenset().union(*(METRICS[name].needs for name in names))
    yield Shaken(0, total, {}, {})
    for _ in eye.learn():
        yield Shaken(0, total, {}, {})
    real, held = Real(eye.real("test"), eye.real("train"), eye.spec.classes), eye.real("validation")
    found: dict[str, dict[str, Score]] = {"": {}, **{name: {} for name in kinds}}
    for draw in range(draws):
        part = held[draw * size : (draw + 1) * size]
        assert part.items is not None
        for i, name in enumerate(found):
            changed = kinds[name].change(part.items, part.wished, eye) if name else (part.items, part.wished)
            seen = eye.read(eye.look(*changed), needs)
            for metric in names:
                with suppress(BadSetting):  # it needs what these items do not have, or more of them
                    found[name][metric] = added(found[name].get(metric), metric, METRICS[metric](seen, real), size)
            wrong = {name: dict(scores) for name, scores in found.items() if name}
            yield Shaken(draw * len(found) + i + 1, total, dict(found[""]), wrong)
