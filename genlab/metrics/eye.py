"""Eye: how the items of a dataset are seen, by a judge where there are pictures and classes, else by the checks' embedding."""

import hashlib
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from genlab.data import Dataset, Splits
from genlab.features import Features
from genlab.files import DAMAGED, DiskFault, keep, npz
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Need, there
from genlab.metrics.judge import Judge, Way, convolutions, learning
from genlab.metrics.quoted import quotations_of
from genlab.models.base import blocks_of
from genlab.paths import cache_folder
from genlab.quoting import Quotations, words_of

FORMAT = 1  # of what lies in the cache; raised when it is computed in another way
FEATURES = 64  # numbers by which a judge tells items apart
WAY = Way(partial(convolutions, features=FEATURES), FEATURES, passes=2, augment="none")  # a minute for MNIST on two cores


class Eye:
    """What sees: it learns from a clean training part once, and what it sees of real items is kept in the cache."""

    def __init__(self, data: Splits, seed: int = 1, judges: bool = True) -> None:
        """Without `judges` the embedding sees whatever the data are, as no judge has to learn then."""
        self.data, self.seed, self.spec = data, seed, data.train.spec
        self.train = without_copies(data.train)  # what is learnt from, and held against
        self.labelled = self.spec.kind.pixels and len(self.spec.classes) > 1 and bool((self.train.label >= 0).any())
        self.judges = judges and self.labelled
        self._judge: Judge | None = None
        self._features: Features | None = None

    @property
    def told(self) -> Message:
        """Who sees, in words."""
        if not self.judges:
            return Message("the embedding of the training part")
        right = self.accuracy
        return Message("a classifier of the clean training part, right on {right:.1%} of the test part", right=right)

    @property
    def accuracy(self) -> float:
        """Share of the labelled test items that the judge sees rightly."""
        test = self.seen("test")
        label = there(test.wished)
        return float((there(test.seen).argmax(1) == label)[label >= 0].double().mean())

    def look(self, x: Tensor, wished: Tensor | None = None) -> Evidence:
        """What is seen of items [n, *shape] in model space."""
        if self.judges:
            with torch.no_grad():
                features, seen = self.judge.look(x)
            return Evidence(features, x, wished, seen)
        stored = self.spec.kind.to_stored(x)
        items = Dataset.of("samples", self.spec, stored, {"label": torch.full((len(x),), -1), "id": torch.arange(len(x))})
        pooled = self.features.pooled_of(items)
        classes = self.features.classifier(pooled).probabilities if self.labelled else None
        found = Evidence(self.features.embedding_of(pooled), x, wished, classes)
        return replace(found, compared=self.spec.kind.compared(x))

    def read(self, found: Evidence, needs: Collection[Need]) -> Evidence:
        """The same with what texts say, where that is needed and there are texts: their words, and what they quote."""
        if not self.spec.kind.reads or not {"words", "copied"} & {*needs}:
            return found
        texts = [self.spec.kind.told(item) for item in self.spec.kind.to_stored(there(found.items))]
        if "copied" in needs:
            quoted = [self.quotations.look(text) for text in texts]
            found = replace(found, copied=torch.tensor([(one.copied, one.size, one.longest) for one in quoted]))
        if "words" in needs:
            number: dict[str, int] = {}
            rows = [[number.setdefault(word, len(number)) for word in words_of(text)] for text in texts]
            longest = max(1, *map(len, rows))
            found = replace(found, words=torch.tensor([row + [-1] * (longest - len(row)) for row in rows]))
        return found

    def real(self, part: str, n: int | None = None) -> Evidence:
        """What is seen of a part, the training part without its copies; of the first n items, all by default."""
        data = self._part(part)
        size = len(data) if n is None else min(n, len(data))
        items = torch.cat([data.inputs(block) for block in blocks_of(size, 4096)])
        return replace(self.seen(part)[:size], items=items, compared=self.spec.kind.compared(items))

    def size(self, part: str) -> int:
        """How many items a part has."""
        return len(self._part(part))

    def seen(self, part: str) -> Evidence:
        """The same of all of a part, without the items themselves."""
        data = self._part(part)
        found = self._kept(data)
        return Evidence(found["features"], None, data.label if self.spec.classes else None, found.get("seen"))

    def _part(self, name: str) -> Dataset:
        return self.train if name == "train" else getattr(self.data, name)

    @property
    def learnt(self) -> bool:
        """Whether a judge is there, or kept in the cache."""
        return self.judges and (self._judge is not None or self._weights.exists())

    def learn(self) -> Iterator[float]:
        """Learn to see, where that is not kept yet; which share of it is done."""
        file = self._weights
        if not self.judges or self._judge is not None:
            return
        with suppress(OSError, SafetensorError, RuntimeError):  # not there, or damaged: then it learns
            judge = Judge(self.spec, WAY).eval()
            judge.load_state_dict(load_file(file))
            self._judge = judge
            return
        for done, judge in learning(self.train[self.train.label >= 0], self.seed, WAY):
            if done == 1:
                self._judge = judge
                with suppress(DiskFault):  # it can learn again
                    keep(file, save(judge.state_dict()))
            yield done

    @property
    def judge(self) -> Judge:
        deque(self.learn(), 0)
        assert self._judge is not None
        return self._judge

    @property
    def features(self) -> Features:
        if self._features is None:
            self._features = Features(self.train)
        return self._features

    @cached_property
    def quotations(self) -> Quotations:
        """What is found again of the training part in other texts."""
        return quotations_of(self.train)

    @property
    def _weights(self) -> Path:
        return self._file(self.train).with_suffix(".safetensors")

    def _kept(self, data: Dataset) -> dict[str, Tensor]:
        """What is seen of real items, from the cache where it is there."""
        file = self._file(data)
        with suppress(*DAMAGED), np.load(file, allow_pickle=False) as kept:
            return {key: torch.from_numpy(kept[key]) for key in kept}
        blocks = [self.look(data.inputs(block)) for block in blocks_of(len(data), 4096)]
        found = {"features": torch.cat([one.features for one in blocks]).numpy()}
        if self.judges:
            found["seen"] = torch.cat([one.seen for one in blocks if one.seen is not None]).numpy()
        with suppress(DiskFault):  # it can be seen again
            keep(file, npz(**found))
        return {key: torch.from_numpy(value) for key, value in found.items()}

    def _file(self, data: Dataset) -> Path:
        how = () if self.judges == self.labelled else ("embedding",)
        content = repr((FORMAT, self.spec, self.seed, *how)).encode() + self.train.fingerprint.encode() + b"".join(data.hashes)
        return cache_folder() / "seen" / f"{hashlib.blake2b(content, digest_size=16).hexdigest()}.npz"


def without_copies(data: Dataset) -> Dataset:
    """The first of all items that are alike bit for bit."""
    first: dict[bytes, int] = {}
    for row, content in enumerate(data.hashes):
        first.setdefault(content, row)
    return data if len(first) == len(data) else data[torch.tensor([*first.values()])]
