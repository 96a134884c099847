"""Outliers: items that belong to another dataset."""

from collections.abc import Iterator

import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.library import load
from genlab.data.mending import added_ids
from genlab.data.recipe import Recipe
from genlab.errors import BadSetting
from genlab.features import Features, Predictions, nearest
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, Usual, chosen, draws, dropped, needs_images, verdict
from genlab.quality.settings import OutliersSettings

FAR = 3.2  # robust standard deviations from what is usual
CLOSE = 5  # neighbours that are looked at
FEWEST = 12  # items among which one can be an outlier


class Outliers:
    """Outliers: see the protocol `Defect`."""

    Settings = OutliersSettings
    takes: Takes = {"image": None}
    lowers: tuple[str, ...] = ("accuracy",)

    def inject(self, data: Splits, settings: OutliersSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        needs_images(data, Message("outliers"))
        train, other = data.train, load(settings.dataset).train
        if settings.dataset.split("+")[0] == data.name.split("+")[0] or not other.spec.kind.pixels:
            told = "dataset is {dataset!r}; outliers must be images of another dataset than {name!r}."
            raise BadSetting(Message(told, dataset=settings.dataset, name=data.name), "dataset")
        count = min(round(settings.rate * len(train)), len(other))
        strangers = other[chosen(other, count / len(other), seed)]
        ids = added_ids(key, len(strangers))
        classes = len(data.spec.classes)
        label = torch.from_numpy(draws(ids, seed) * classes).long() if classes else torch.full((len(ids),), -1)
        items = data.spec.kind.brought_to(strangers.read(slice(None)), data.spec.shape)
        added = Dataset.of(other.name, data.spec, items, {"id": ids, "label": label})
        return train.extended(added), Truth(added=ids)

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        if data.spec.kind.pixels and len(data.train) >= FEWEST:
            found = verdict(Strangeness(features).of_all(), FAR)
            sentence = Message(
                "Images unlike all others: a model gives them a share of its samples, or smears the rest to reach them."
            )
            yield Finding("outliers", sentence, data.train.id, found.scores, found.flagged)

    def fit(self, clean: Features) -> Check:
        if not clean.data.spec.kind.pixels or len(clean.data) < FEWEST:
            return lambda items: {}
        strangeness = Strangeness(clean)
        return lambda items: {"outliers": verdict(strangeness.of(items), FAR)}

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


class Strangeness:
    """How far items are from what is usual: from their neighbours, or from being claimed by any class."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.near = Usual(self._near(features.neighbours.distances))
        self.by_class = int((features.data.counts > 1).sum()) > 1
        self.unclaimed = Usual(-features.predictions.scores.amax(1)) if self.by_class else None

    def of_all(self) -> Tensor:
        """[N] of the items themselves, none of which has a say of its own."""
        return self._judge(self.features.neighbours.distances, self.features.predictions if self.by_class else None)

    def of(self, items: Dataset) -> Tensor:
        """[n] of other items."""
        pooled = self.features.pooled_of(items)
        near = nearest(self.features.embedding_of(pooled), CLOSE, self.features.embedding)["distances"]
        return self._judge(torch.from_numpy(near), self.features.classifier(pooled) if self.by_class else None)

    def _judge(self, distances: Tensor, predictions: Predictions | None) -> Tensor:
        far = self.near.away(self._near(distances))
        if predictions is None or self.unclaimed is None:
            return far
        return torch.maximum(far, self.unclaimed.away(-predictions.scores.amax(1)))

    @staticmethod
    def _near(distances: Tensor) -> Tensor:
        return distances[:, :CLOSE].mean(1).clamp(min=1e-9).log()
