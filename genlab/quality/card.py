"""Report: the card of a dataset, seven scores each with its definition, as JSON, as a picture and as Markdown."""

import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.algebra import eigenvalues
from genlab.data.dataset import Dataset, Splits, even_rows
from genlab.data.importer import LOCATION
from genlab.data.importing import table_of
from genlab.data.library import describe
from genlab.data.recipe import PLUS
from genlab.features import Features
from genlab.messages import Message, joined, listed, say
from genlab.quality.checks import defect_of
from genlab.quality.defect import Finding
from genlab.quality.wording import blocks

ENOUGH = 10_000  # items, a rule of thumb: below, GANs and diffusion models learn items by heart; VAEs do with a tenth
LETTERS = 10**6  # bytes of documents, another: Tiny Shakespeare has as many, and small models of letters learn less by heart
RECENT = 5  # years
MOST = 2000  # items that the Vendi score is computed of


@dataclass(frozen=True)
class Score:
    """One line of the card: a share in [0, 1] or None for unknown, what was measured, and how it is defined."""

    name: str
    value: float | None
    measured: str
    definition: str

    @property
    def told(self) -> str:
        """The value in words."""
        return Message("unknown") if self.value is None else Message("{share:.1%}", share=self.value)


@dataclass(frozen=True)
class Issue:
    """One check's outcome in numbers."""

    name: str
    count: int
    share: float
    classes: tuple[str, ...]
    sentence: str

    @property
    def told(self) -> str:
        """What was found: classes, or how many items."""
        return listed(self.classes) or Message("{n:,}", n=self.count)


@dataclass(frozen=True)
class Report:
    """The card of a dataset."""

    dataset: str
    made_by: str  # source and recipe
    fingerprint: str
    items: int
    shape: tuple[int, ...]
    classes: dict[str, int]
    scores: tuple[Score, ...]
    issues: tuple[Issue, ...]
    size: str = ""  # of an item, in words

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON can hold, its sentences in the language of whoever reads now."""
        return say(asdict(self))


def report(data: Splits, findings: Iterable[Finding], features: Features | None = None) -> Report:
    """The card of a dataset from what `inspect` found."""
    found = tuple(findings)
    features = features or Features(data.train)
    issues = tuple(Issue(f.name, f.count, float(f.flagged.float().mean()), f.classes, f.sentence) for f in found)
    counts = dict(zip(data.spec.classes, data.train.counts.tolist(), strict=True))
    told, shape = describe(data.name).description, data.spec.shape
    scores = _scores(data, found, features)
    size = (
        Message("any length, of which models get up to {n:,} bytes at once", n=shape[0])
        if data.spec.kind.reads
        else Message("shape {shape}", shape="×".join(map(str, shape)))
    )
    return Report(data.name, told, data.train.fingerprint, len(data.train), shape, counts, scores, issues, size)


def vendi(x: Tensor) -> float:
    """The Vendi score of items x [n, D]: how many of them are different in effect, from 1 to n (Friedman & Dieng 2023, eq. 3).

    It is the exponential of the entropy of the eigenvalues of K/n, where K holds the cosines of the items.
    """
    u = F.normalize(x.double(), dim=1, eps=1e-9)
    u = torch.where(u.square().sum(1, keepdim=True) > 0, u, torch.full_like(u, u.shape[1] ** -0.5))  # items at 0 are alike
    values = eigenvalues(u @ u.T if len(u) < u.shape[1] else u.T @ u) / len(u)
    values = values[values > 1e-12]
    return float((-(values * values.log()).sum()).exp())


def _scores(data: Splits, found: tuple[Finding, ...], features: Features) -> tuple[Score, ...]:
    n, flagged = len(data.train), {finding.name: finding for finding in found}

    def clean(score: str) -> tuple[float, str]:
        """Share of the items that no check flags whose defect lowers this score, and the counts of those that do."""
        hits = [f for f in found if score in defect_of(f.name).lowers and f.flagged.any()]
        bad = torch.stack([f.flagged for f in hits]).any(0) if hits else torch.zeros(n, dtype=torch.bool)
        told = listed(Message("{n:,} {name}", n=f.count, name=f.name) for f in hits)
        return 1 - float(bad.float().mean()), told or Message("nothing found")

    accuracy, wrong = clean("accuracy")
    whole, missing = clean("completeness")
    absent = flagged["missing-class"].classes if "missing-class" in flagged else ()
    present = 1 - len(absent) / max(1, len(data.spec.classes))
    consistent, unlike = clean("consistency")
    single, private = clean("privacy")
    told = _of_documents() if data.spec.kind.reads else _of_images()
    gone = Message("{missing}; {n} classes without items", missing=missing, n=len(absent))
    located = () if data.spec.kind.reads else (_located(data.name),)
    alone = joined([Message("copies: {copies}", copies=private) if located else private, *located], "; ")
    return (
        Score("accuracy", accuracy, wrong, told["accuracy"]),
        Score("completeness", whole * present, gone, told["completeness"]),
        Score("consistency", consistent, unlike, told["consistency"]),
        _timeliness(data.train),
        _diversity(data, features, flagged),
        _quantity(data.train),
        Score("privacy", single, alone, told["privacy"]),
    )


def _of_images() -> dict[str, Message]:
    """How the scores are defined where items are looked at."""
    return {
        "accuracy": Message("share of items without a wrong label, noise, or the look of an outlier"),
        "completeness": Message(
            "share of items that are neither blank, masked nor unlabelled, times share of classes that occur"
        ),
        "consistency": Message(
            "share of items that are no copy, no leak from the held-out parts, and exposed as the rest; size and mode are one"
        ),
        "privacy": Message(
            "share of items that are no copy, which a model learns by heart and gives away; who is in a picture is not known"
        ),
    }


def _of_documents() -> dict[str, Message]:
    """How they are where items are read."""
    return {
        "accuracy": Message("share of documents that are not garbled and have the right source, as far as their words tell it"),
        "completeness": Message(
            "share of documents that are neither empty, without a source nor seem cut off, times share of sources that occur"
        ),
        "consistency": Message(
            "share of documents that are no copy, no leak from the held-out parts, no loop, and without lines that belong to none"
        ),
        "privacy": Message(
            "share of documents that are no copy, which a model recites, and hold no e-mail address, phone or card number; "
            "names of people are not looked for"
        ),
    }


def _quantity(data: Dataset) -> Score:
    n = len(data)
    if data.spec.kind.reads:
        size = sum(len(item) for _, items in blocks(data) for item in items)
        told = Message("{size:,} bytes in {n:,} documents", size=size, n=n)
        enough = Message(
            "bytes for each of {enough:,}, a rule of thumb for small models that write letter by letter", enough=LETTERS
        )
        return Score("quantity", min(1.0, size / LETTERS), told, enough)
    told = Message("{n:,} items", n=n)
    enough = Message(
        "items for each of {enough:,}, a rule of thumb for GANs and diffusion models; a VAE does with a tenth", enough=ENOUGH
    )
    return Score("quantity", min(1.0, n / ENOUGH), told, enough)


def _timeliness(data: Dataset) -> Score:
    """The ages of the items whose day is known."""
    days, today = sorted(day for day in data.days if day), date.today()
    definition = Message(
        "share of the items with a known date that are at most {recent} years old; dates come from EXIF or real file dates",
        recent=RECENT,
    )
    if not days:
        return Score("timeliness", None, Message("no dates are known of these items, and none are made up"), definition)
    young = sum((today - day).days <= RECENT * 365.25 for day in days)
    told = Message(
        "newest {newest}, oldest {oldest}, median {median}; {n:,} of {items:,} items have a date",
        newest=days[-1],
        oldest=days[0],
        median=days[len(days) // 2],
        n=len(days),
        items=len(data),
    )
    return Score(
        "timeliness", young / len(days), told, Message("{definition}; today is {today}", definition=definition, today=today)
    )


def _located(name: str) -> str:
    """What is known of where the pictures were taken."""
    source = name.partition(PLUS)[0]
    table = table_of(source) if describe(source).own else ()
    if removed := sum(LOCATION in verdict.remarks for verdict in table):
        return Message("location data was removed from {n:,} files at import", n=removed)
    return Message("no location data")


def _diversity(data: Splits, features: Features, flagged: dict[str, Finding]) -> Score:
    x, label = features.embedding, data.train.label
    whole = vendi(_sample(x))
    by_class = {name: vendi(_sample(x[label == k])) for k, name in enumerate(data.spec.classes) if (label == k).any()}
    told = [Message("{whole:.1f} different items in effect", whole=whole)]
    if by_class:
        values = [Message("{name} {value:.1f}", name=name, value=value) for name, value in by_class.items()]
        told.append(Message("by class {values}", values=values))
    if "imbalance" in flagged and flagged["imbalance"].classes:
        told.append(Message("rare: {classes}", classes=flagged["imbalance"].classes))
    most = min(len(x), x.shape[1], MOST)
    value = float(torch.tensor(whole).log() / torch.tensor(float(most)).log()) if most > 1 else 0.0
    return Score(
        "diversity",
        value,
        joined(told, "; "),
        Message(
            "logarithm of the Vendi score of the embedding (Friedman & Dieng 2023), as a share of its greatest value, {most:,}",
            most=most,
        ),
    )


def _sample(x: Tensor) -> Tensor:
    return x[even_rows(len(x), MOST)]


# --- As a picture and as Markdown ---


def draw(card: Report) -> bytes:
    """The card as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    scores, issues = figure.subplots(2, 1, height_ratios=(7, max(3, len(card.issues))))
    known = [score.value or 0.0 for score in card.scores]
    scores.barh([score.name for score in card.scores], known, color="tab:blue")
    for i, score in enumerate(card.scores):
        scores.text(known[i] + 0.01, i, score.told, va="center", fontsize=8)
    scores.set(xlim=(0, 1.15), title=str(Message("{made_by}: {n:,} items", made_by=card.made_by, n=card.items)))
    counts = [issue.count for issue in card.issues]
    issues.barh([issue.name for issue in card.issues], counts, color="tab:red")
    for i, count in enumerate(counts):
        issues.text(count, i, f" {count:,}", va="center", fontsize=8)
    issues.set(xlabel=str(Message("items (for classes: how many are concerned)")), xlim=(0, max([1, *counts]) * 1.15))
    for axes in (scores, issues):
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def markdown(card: Report) -> str:
    """The card as a data card in Markdown, without a path in it."""
    scores = "\n".join(f"| {s.name} | {s.told} | {s.measured} | {s.definition} |" for s in card.scores)
    issues = "\n".join(f"| {i.name} | {i.told} | {i.sentence} |" for i in card.issues if i.count)
    classes = listed(Message("{name} {n:,}", name=name, n=count) for name, count in card.classes.items())
    text = Message(
        """# {dataset}

- **Made of**: {made_by}
- **Items**: {n:,} of {size}, training part, fingerprint `{fingerprint}`
- **Classes**: {classes}

| score | value | measured | definition |
|---|---|---|---|
{scores}

| issue | found | what it means |
|---|---|---|
{issues}
""",
        dataset=card.dataset,
        made_by=card.made_by,
        n=card.items,
        size=card.size,
        fingerprint=card.fingerprint,
        classes=classes or Message("none"),
        scores=scores,
        issues=issues or Message("| none | | |"),
    )
    return str(text)
