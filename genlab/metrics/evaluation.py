"""Evaluate: several draws of a model against real items, with how sure one is, and what as many real items score."""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from genlab.config import Config
from genlab.data import Splits, load
from genlab.data.recipe import PLUS
from genlab.errors import BadSetting, GenlabError
from genlab.messages import Message
from genlab.metrics import METRICS
from genlab.metrics.defect_transfer import harm
from genlab.metrics.evidence import INSIDE, Evidence, Metric, Real, Value, there
from genlab.metrics.eye import Eye
from genlab.metrics.inside import inside
from genlab.metrics.neighbours import nearest
from genlab.modalities.storage import Items
from genlab.models.base import GenerativeModel
from genlab.models.many import in_blocks
from genlab.models.settings import SEEDS

MOST_DRAWS, MOST_LATENTS = 20, 100_000
SCARCE = 5  # samples for each number of the features, below which what is fitted to them is mostly chance
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)  # 97.5 % points of t for 1, 2, … degrees


@dataclass(frozen=True)
class Score:
    """What one metric says of one model, draw by draw; another training of it may differ by more than its draws do."""

    metric: str
    n: int  # samples of a draw
    values: tuple[Value, ...]  # of each draw, as far as it has come
    real: Value | None = None  # what real items score that nothing was trained on
    reals: int = 0  # how many of these there were
    warning: str = ""

    @property
    def number(self) -> float:
        """The mean of the draws."""
        return math.fsum(value.number for value in self.values) / len(self.values)

    @property
    def spread(self) -> float:
        """The standard deviation of the draws; 0 for a single one."""
        return math.sqrt(math.fsum((value.number - self.number) ** 2 for value in self.values) / max(1, len(self.values) - 1))

    @property
    def margin(self) -> float | None:
        """Half the width of the 95 % interval of the mean over draws (Student 1908); None for a single draw."""
        free = len(self.values) - 1
        if not free:
            return None
        return (STUDENT[free - 1] if free <= len(STUDENT) else 2.1) * self.spread / math.sqrt(free + 1)

    @property
    def groups(self) -> dict[str, float]:
        """The mean of the draws of each class, of those in which it could be told."""
        names = dict.fromkeys(name for value in self.values for name in value.groups)
        told = {name: [value.groups[name] for value in self.values if name in value.groups] for name in names}
        return {name: math.fsum(numbers) / len(numbers) for name, numbers in told.items()}

    @property
    def lagging(self) -> "Lag | None":
        """The class that fares worst; None where none does, or where they may differ."""
        return lag(self.metric, self.groups)


@dataclass(frozen=True)
class Lag:
    """The class that fares worst by a metric."""

    name: str
    number: float
    gap: float  # how far it lies from the best one


def lag(metric: str, groups: Mapping[str, float]) -> Lag | None:
    """The class that fares worst of those that are told; None where none does, or where they may differ."""
    bad = {name: badness(METRICS[metric], number) for name, number in groups.items()}
    if len(bad) < 2 or not METRICS[metric].fair:
        return None
    worst = max(bad, key=lambda name: bad[name])
    gap = bad[worst] - min(bad.values())
    return Lag(worst, groups[worst], gap) if gap else None


def badness(metric: Metric, number: float) -> float:
    """How far from good a number is, larger for worse."""
    return {"lower": number, "higher": -number, "half": abs(number - 0.5)}[metric.better]


@dataclass(frozen=True)
class Step:
    """How far an evaluation is, and what is known by then."""

    doing: str  # learn, draw, ask, measure
    done: int
    total: int
    scores: Mapping[str, Score] = field(default_factory=dict)
    impossible: Mapping[str, Message] = field(default_factory=dict)  # metrics that cannot be had, and why
    samples: Items | None = None  # the n of the first draw, as they are stored


@torch.no_grad()
def evaluate(
    model: GenerativeModel,
    data: Splits,
    metrics: Sequence[str] = (),
    n: int = 1000,
    draws: int = 3,
    seed: int = 0,
    settings: Config | None = None,
    eye: Eye | None = None,
    learnt: str = "",
    k: int = 100,
) -> Generator[Step]:
    """Measure a model by `metrics`, all quick ones by default, on `draws` times n samples; draw i starts from seed + i·n.

    It is held against the test part of clean data; items of the validation part, which no training saw either, tell what real
    ones score. `learnt` names the dataset that the model learnt, whose damage is looked for in the samples; a likelihood is that
    of k latents an item. A conditional model is asked for the classes in the shares that they have in the data. What can be
    measured is, also where other metrics cannot be; closing it keeps what is done. Raises BadSetting where nothing fits.
    """
    names = names_of(metrics)
    chosen = {name: METRICS[name] for name in names}
    needs = frozenset().union(*(metric.needs for metric in chosen.values()))
    check(model, data, n, draws, seed, k)
    total = draws * (n + len(names))
    yield Step("learn", 0, total)
    eye = eye or Eye(data)
    for _ in eye.learn():
        yield Step("learn", 0, total)
    real = Real(eye.real("test"), eye.real("train"), data.train.spec.classes)
    held, wished = eye.read(eye.real("validation", n), needs), wishes(model, real, n)
    scores: dict[str, Score] = {}
    impossible: dict[str, Message] = {}
    harmed = None
    if not eye.spec.kind.reads:
        no_texts = Message("How much is quoted and how many words are distinct is told of texts, and these are none.")
        impossible |= {name: no_texts for name in names if {"words", "copied"} & METRICS[name].needs}
    if "flags" in needs:
        try:
            harmed = harm(data, learnt or data.name)
        except GenlabError as fault:  # what it learnt is not here
            impossible |= {name: fault.message for name in names if "flags" in METRICS[name].needs}
    if harmed and harmed.damage:
        real, held = replace(real, test=harmed.seen(real.test), damage=harmed.damage), harmed.seen(held)
    asked = real
    if "losses" in needs:
        try:
            asked = replace(real, train=_known(real.train, eye, learnt))
        except GenlabError as fault:
            impossible |= {name: fault.message for name in names if "losses" in METRICS[name].needs}
    first: Items | None = None
    for draw in range(draws):
        before, items = draw * (n + len(names)), []
        for block in in_blocks(model, n, settings or model.SamplingSettings(), seed + draw * n, wished):
            if block.ready:
                items.append(block.draft.items.cpu())
            yield Step("draw", before + block.done, total, dict(scores), dict(impossible), first)
        fake = eye.read(eye.look(torch.cat(items), wished), needs)
        if harmed and harmed.damage:
            fake = harmed.seen(fake)
        own = real
        for told in inside(model, asked, needs, n, seed + draw * n, k):
            own = told or own
            yield Step("ask", before + n, total, dict(scores), dict(impossible), first)
        first = eye.spec.kind.to_stored(there(fake.items)) if first is None else first
        for i, (name, metric) in enumerate(chosen.items(), 1):
            if name not in impossible:
                try:
                    scores[name] = added(scores.get(name), name, metric(fake, own if metric.needs & INSIDE else real), n)
                    if draw == 0:
                        scores[name] = _beside(scores[name], metric, held, real)
                except BadSetting as fault:
                    impossible[name] = fault.message
            yield Step("measure", before + n + i, total, dict(scores), dict(impossible), first)


def names_of(metrics: Sequence[str]) -> list[str]:
    """The metrics that are asked for, each once: all quick ones by default."""
    return list(dict.fromkeys(metrics)) or [name for name in METRICS if not METRICS[name].slow]


@dataclass(frozen=True)
class Behind:
    """Samples that a number is about, and the training item that is nearest to each."""

    samples: Tensor  # uint8 [k, C, H, W] a picture of each
    nearest: Tensor  # likewise
    worst: bool  # whether the metric tells which are; else they are the first


@torch.no_grad()
def behind(score: Score, samples: Items, eye: Eye, most: int = 24) -> Behind:
    """What is behind a score of these samples, those of its first draw as they are stored."""
    worst = score.values[0].worst
    rows = torch.arange(len(samples)) if worst is None else worst
    rows = rows[:most]
    chosen = samples[rows] if isinstance(samples, Tensor) else [samples[row] for row in rows.tolist()]
    if not len(chosen):
        raise BadSetting("{title} finds nothing wrong with these samples.", title=METRICS[score.metric].title)
    kind, shape = eye.spec.kind, eye.spec.shape
    near = nearest(eye.look(kind.to_model(chosen, shape)).features, eye.seen("train").features)[1][:, 0]
    return Behind(kind.pictures(chosen, shape), eye.train.pictures(near), worst is not None)


def check(model: GenerativeModel, data: Splits, n: int, draws: int, seed: int, k: int = 100) -> None:
    """Raise BadSetting with a sentence where a model cannot be measured so."""
    spec = data.train.spec
    if model.spec.modality != spec.modality or (model.spec.shape != spec.shape and not spec.kind.reads):
        raise BadSetting(
            "This model draws {things} of {shape}; {name} has {others} of {other}. Choose the data that it learnt, or like ones.",
            "data",
            things=model.spec.kind.things,
            shape="×".join(map(str, model.spec.shape)),
            name=data.name,
            others=spec.kind.things,
            other="×".join(map(str, spec.shape)),
        )
    if model.classes and model.spec.classes != spec.classes:
        raise BadSetting(
            "This model was asked for {own}; the classes of {name} are {others}. Choose data with the same classes.",
            "data",
            own=list(model.spec.classes),
            name=data.name,
            others=list(spec.classes) or Message("none"),
        )
    for name, value, low, high in [("n", n, 20, 1_000_000), ("draws", draws, 1, MOST_DRAWS), ("k", k, 1, MOST_LATENTS)]:
        if not isinstance(value, int) or not low <= value <= high:
            raise BadSetting(
                "{name} is {value!r}; it must be a whole number from {low} to {high:,}.",
                name,
                name=name,
                value=value,
                low=low,
                high=high,
            )
    if not isinstance(seed, int) or not 0 <= seed <= SEEDS - draws * n:
        raise BadSetting("seed is {seed!r}; it must be a whole number from 0 up.", "seed", seed=seed)
    few = min(len(data.test), len(data.validation))
    if few < METRICS["frechet"].fewest:
        told = "{name} has {n} items in its test or validation part; an evaluation needs at least 20 in each."
        raise BadSetting(told, "data", name=data.name, n=few)


def wishes(model: GenerativeModel, real: Real, n: int) -> Tensor | None:
    """[n] the classes that a conditional model is asked for: in the shares that they have in the training part."""
    if not model.classes or real.train.wished is None:
        return None
    known = real.train.wished[real.train.wished >= 0].sort().values
    if not len(known):
        return None
    spread = (torch.arange(n) * 0.6180339887498949 % 1 * len(known)).long()  # evenly, and mixed (Weyl 1916)
    return known[spread]


def _known(train: Evidence, eye: Eye, learnt: str) -> Evidence:
    """Those training items that a model learnt as they are, where its data were made of these; else all."""
    if PLUS not in learnt or learnt.partition(PLUS)[0] != eye.data.name:
        return train
    contents = {*load(learnt).train.hashes}
    rows = [row for row, content in enumerate(eye.train.hashes) if content in contents]
    if not rows:
        raise BadSetting(
            "{name} has no item that is as in {data}; who was in it cannot be told.", name=learnt, data=eye.data.name
        )
    return train[torch.tensor(rows)]


def added(score: Score | None, name: str, value: Value, n: int) -> Score:
    """A score with one draw more; a new one where there is none yet."""
    return Score(name, n, (value,)) if score is None else replace(score, values=(*score.values, value))


def _beside(score: Score, metric: Metric, held: Evidence, real: Real) -> Score:
    """The score with what real items have, and with what makes it doubtful."""
    dimensions, warning = real.test.features.shape[1], ""
    if score.n < SCARCE * dimensions:
        warning = Message("{n:,} samples for {d} features are few: much of this is chance.", n=score.n, d=dimensions)
    elif len(held) < score.n:
        warning = Message("Real items tell by {n:,} only, for there are no more.", n=len(held))
    if metric.needs & INSIDE:  # which speak of the model, not of samples
        return score if metric.honest is None else replace(score, real=Value(metric.honest))
    try:
        return replace(score, real=metric(held, real), reals=len(held), warning=warning)
    except BadSetting as fault:
        told = "What real items score is not known, as there are {n:,} of them: {why}"
        return replace(score, warning=Message(told, n=len(held), why=fault.message))
