"""Measured: a few metrics of a run's own samples while it trains, always from the same seeds, against the same real items."""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from genlab.data import Dataset, Splits
from genlab.data.dataset import even_rows
from genlab.errors import BadSetting
from genlab.messages import Message, to_json
from genlab.metrics import METRICS
from genlab.metrics.evaluation import wishes
from genlab.metrics.evidence import Evidence, Real, there
from genlab.metrics.eye import Eye, without_copies
from genlab.metrics.neighbours import nearest, radii, within
from genlab.models.base import GenerativeModel
from genlab.models.many import in_blocks
from genlab.training.run import Run, metrics_of

SAMPLES = 256  # that are measured each time
LEARNT, HELD_OUT = 2000, 1000  # items of the training and the validation part that they are held against, at most
FEWEST = 20  # held-out items
SOME = 3  # samples of a class, of which one or two may be taken for it


@dataclass(frozen=True)
class Found:
    """What was found in some samples."""

    metrics: dict[str, float]
    shares: dict[str, float] = field(default_factory=dict)  # of the classes, where what sees can tell them
    shown: list[str] = field(default_factory=list)  # the classes of which some samples lie among real items
    different: int = SAMPLES  # training items of which each is the nearest to some sample


class Measuring:
    """Measures samples of one run; who sees them is decided once, and kept with it for all its later lives."""

    def __init__(self, run: Run, data: Splits) -> None:
        self.run, self.data = run, data
        self.names = metrics_of(run.settings)
        self.needs = frozenset().union(*(METRICS[name].needs for name in self.names))

    @torch.no_grad()
    def prepare(self, model: GenerativeModel) -> None:
        """Look at the real items, and keep with the run who sees, what real items score, and what cannot be measured."""
        held_out = _some(self.data.validation, HELD_OUT)
        facts: dict[str, Any] = {"n": SAMPLES, "reals": len(held_out)}
        if len(held_out) < FEWEST:
            told = Message("{name} has {n} held-out items; metrics need at least 20.", name=self.data.name, n=len(held_out))
            facts["impossible"] = dict.fromkeys(self.names, told)
        else:
            facts |= self._opened(model, held_out, without_copies(_some(self.data.train, LEARNT)))
        self.names = [name for name in self.names if name not in facts["impossible"]]
        if self.run.measured != facts:
            self.run.amend(measured=to_json(facts))

    def look(self, model: GenerativeModel, patience: float = math.inf) -> Found | None:
        """What is found in samples of a model; None where that is seen to take longer than so many seconds, or nothing can be."""
        if not self.names:
            return None
        began, items = perf_counter(), []
        for block in in_blocks(model, SAMPLES, model.SamplingSettings(), 0, self.wished):
            if block.ready:
                items.append(block.draft.items.cpu())
            elif (perf_counter() - began) * block.draft.total / block.draft.step > patience:
                return None
        fake, found = self.eye.read(self.eye.look(torch.cat(items), self.wished), self.needs), {}
        for name in self.names:
            try:
                found[name] = METRICS[name](fake, self.real).number
            except BadSetting:
                continue  # of these samples it cannot be had
        numbers = {name: number for name, number in found.items() if math.isfinite(number)}
        return Found(numbers, *self._classes_of(fake), _different(fake, self.real.train))

    def _classes_of(self, fake: Evidence) -> tuple[dict[str, float], list[str]]:
        """The shares of the classes, and those of which a sample lies among real items, as precision has it."""
        if fake.seen is None:
            return {}, []
        label, classes = fake.seen.argmax(1), self.real.classes
        real = within(fake.features, self.real.test.features, self.reach, equal=True) > 0
        counts = torch.bincount(label[real], minlength=len(classes))
        return _shares(label, classes), [classes[k] for k in torch.nonzero(counts >= SOME)[:, 0].tolist()]

    def _opened(self, model: GenerativeModel, held_out: Dataset, train: Dataset) -> dict[str, Any]:
        self.eye = self._eye(train)
        classes = self.data.spec.classes
        test = self.eye.read(self.eye.look(held_out.inputs(slice(None)), held_out.label if classes else None), self.needs)
        self.real = Real(test, self._learnt(train), classes)
        self.reach = radii(test.features)
        self.wished = wishes(model, self.real, SAMPLES)
        fake = replace(self.real.test, wished=self.wished)
        lacking = {name: METRICS[name].lacking(fake, self.real) for name in self.names}
        return {
            "judge": self.eye.judges,
            "classes": _shares(train.label[train.label >= 0], self.real.classes) if self.eye.labelled else {},
            "copies": METRICS["copies"](self.real.test, self.real).number,
            "impossible": {
                name: Message("{title} needs {lacking}.", title=METRICS[name].title, lacking=what)
                for name, what in lacking.items()
                if what
            },
        }

    def _learnt(self, train: Dataset) -> Evidence:
        """What is seen of training items, which an embedding was learnt from."""
        x, label = train.inputs(slice(None)), train.label if train.spec.classes else None
        if self.eye.judges:
            return self.eye.look(x, label)
        features = self.eye.features
        return Evidence(features.embedding_of(features.pooled), x, label)

    def _eye(self, train: Dataset) -> Eye:
        """A judge where one has learnt these data already, or the run began with one; else the embedding of some of them."""
        eye, before = Eye(self.data), self.run.measured.get("judge")
        if not (eye.learnt if before is None else before):
            return Eye(replace(self.data, train=train), judges=False)
        deque(eye.learn(), 0)
        return eye


def _different(fake: Evidence, train: Evidence) -> int:
    own, theirs = (there(side.items).flatten(1) for side in (fake, train))
    return len(nearest(own, theirs)[1].unique())


def _some(data: Dataset, most: int) -> Dataset:
    return data[even_rows(len(data), most)]


def _shares(label: Tensor, classes: tuple[str, ...]) -> dict[str, float]:
    counts = torch.bincount(label, minlength=len(classes))
    return dict(zip(classes, (counts / counts.sum()).tolist(), strict=True))
