"""Exposure: images much darker or brighter than they should be."""

from collections.abc import Iterator

import numpy as np
import torch

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, chosen, dropped, needs_images
from genlab.quality.degrade import as_pixels
from genlab.quality.learned import telling_apart, told_apart
from genlab.quality.settings import ExposureSettings

SENTENCES = {
    "dark": Message("Underexposed images: a model learns to draw some of its samples in the dark."),
    "bright": Message("Overexposed images: what was clipped to white is lost, and a model learns the loss."),
}


class Exposure:
    """Exposure: see the protocol `Defect`."""

    Settings = ExposureSettings
    takes: Takes = {"image": None}
    lowers: tuple[str, ...] = ("consistency",)

    def inject(self, data: Splits, settings: ExposureSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        needs_images(data, Message("exposure"))
        rows = chosen(data.train, settings.rate, seed)
        before = data.train.read(rows)
        after = torch.from_numpy(EXPOSURES[settings.kind](before.numpy(), settings.severity))
        changed = (after != before).flatten(1).any(1)
        return data.train.with_items(rows, after), Truth(changed=data.train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        if data.spec.kind.pixels:
            for kind, scores in told_apart(features, EXPOSURES).items():
                yield Finding(f"exposure-{kind}", SENTENCES[kind], data.train.id, scores, scores > 0.5)

    def fit(self, clean: Features) -> Check:
        return telling_apart(clean, EXPOSURES, "exposure") if clean.data.spec.kind.pixels else lambda items: {}

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def darkened(images: np.ndarray, severity: float) -> np.ndarray:
    return as_pixels(images * (1 - 0.8 * severity))


def brightened(images: np.ndarray, severity: float) -> np.ndarray:
    return as_pixels(255 - (255.0 - images) * (1 - 0.8 * severity))


EXPOSURES = {"dark": darkened, "bright": brightened}
