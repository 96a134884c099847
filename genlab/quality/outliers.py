"""Outliers: items that belong to another dataset."""

from collections.abc import Iterator

import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.library import load
from genlab.data.mending import added_ids, brought_to
from genlab.data.recipe import Recipe
from genlab.errors import BadSetting
from genlab.features import Features
from genlab.quality.defect import Finding, Truth, chosen, draws, dropped, needs_images
from genlab.quality.noise import robust
from genlab.quality.settings import OutliersSettings

FAR = 3.2  # robust standard deviations from what is usual
FEWEST = 12  # items among which one can be an outlier


class Outliers:
    """Outliers: see the protocol `Defect`."""

    Settings = OutliersSettings
    of_points: bool | tuple[str, ...] = False

    def inject(self, data: Splits, settings: OutliersSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        needs_images(data, "outliers")
        train, other = data.train, load(settings.dataset).train
        if settings.dataset.split("+")[0] == data.name.split("+")[0] or other.spec.modality != "image":
            possible = f"outliers must be images of another dataset than {data.name!r}"
            raise BadSetting(f"dataset is {settings.dataset!r}; {possible}.", "dataset")
        count = min(round(settings.rate * len(train)), len(other))
        strangers = other[chosen(other, count / len(other), seed)]
        ids = added_ids(key, len(strangers))
        classes = len(data.spec.classes)
        label = torch.from_numpy(draws(ids, seed) * classes).long() if classes else torch.full((len(ids),), -1)
        items = brought_to(data.spec, strangers.read(slice(None)))
        added = Dataset(other.name, data.spec, items.numpy(), {"id": ids, "label": label})
        return train.extended(added), Truth(added=ids)

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        if data.spec.modality == "image" and len(data.train) >= FEWEST:
            scores, flagged = strange(features)
            sentence = "Images unlike all others: a model gives them a share of its samples, or smears the rest to reach them."
            yield Finding("outliers", sentence, data.train.id, scores, flagged)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def strange(features: Features) -> tuple[Tensor, Tensor]:
    """Scores and flags [N]: an item is strange that is far from its neighbours, or that no class claims."""
    far = robust(features.neighbours.distances[:, :5].mean(1).clamp(min=1e-9).log())
    data = features.data
    if int((data.counts > 1).sum()) > 1:
        far = torch.maximum(far, robust(-features.predictions.scores.amax(1)))
    return torch.sigmoid(far - FAR), far > FAR
