"""Noise: grain, stray black and white pixels, blur, and blocks left by JPEG; points that were jolted."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.errors import BadSetting
from genlab.features import Features, nearest
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, Usual, Verdict, chosen, dropped, generator, verdict
from genlab.quality.degrade import DEGRADATIONS
from genlab.quality.learned import telling_apart, told_apart
from genlab.quality.settings import NoiseSettings

SENTENCES = {
    "gaussian": Message("Grainy images: a model learns the grain with the picture, and its samples get it too."),
    "salt-and-pepper": Message("Stray black and white pixels: a model spends its capacity on where they might fall."),
    "blur": Message("Blurred images: a model cannot know that they are not meant, and draws soft edges."),
    "jpeg": Message("Blocks and ripples of strong JPEG compression: a model reproduces them as if they belonged to the things."),
}
FAR = 5  # robust standard deviations from which the distance to one's neighbours is no chance


class Noise:
    """Noise: see the protocol `Defect`."""

    Settings = NoiseSettings
    takes: Takes = {"image": None, "points": ("gaussian",)}
    lowers: tuple[str, ...] = ("accuracy",)

    def inject(self, data: Splits, settings: NoiseSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        train, rows = data.train, chosen(data.train, settings.rate, seed)
        if not len(rows):
            return train, Truth()
        before = train.read(rows)
        random = (generator(seed, item) for item in train.id[rows].tolist())
        if not data.spec.kind.pixels:
            if settings.kind != "gaussian":
                raise BadSetting("kind is {kind!r}; points can have Gaussian noise alone.", "kind", kind=settings.kind)
            jolts = np.stack([draw.standard_normal(2) for draw in random])
            after = before + 0.4 * settings.severity * torch.from_numpy(jolts).float()  # a fifth of the range of 2
        else:
            after = torch.from_numpy(DEGRADATIONS[settings.kind](before.numpy(), settings.severity, random))
        changed = (after != before).flatten(1).any(1)
        return train.with_items(rows, after), Truth(changed=train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        if not data.spec.kind.pixels:
            yield _jolted(features)
            return
        for kind, scores in told_apart(features, DAMAGERS).items():
            yield Finding(f"noise-{kind}", SENTENCES[kind], data.train.id, scores, scores > 0.5)

    def fit(self, clean: Features) -> Check:
        if clean.data.spec.kind.pixels:
            return telling_apart(clean, DAMAGERS, "noise")
        usual = Usual(_log(clean.neighbours.distances.mean(1)))

        def far(items: Dataset) -> dict[str, Verdict]:
            near = nearest(clean.embedding_of(clean.pooled_of(items)), clean.neighbours.distances.shape[1], clean.embedding)
            return {"noise-gaussian": verdict(usual.away(_log(torch.from_numpy(near["distances"]).mean(1))), FAR)}

        return far

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def _degraded(kind: str, images: np.ndarray, severity: float) -> np.ndarray:
    return DEGRADATIONS[kind](images, severity, (generator(0, i) for i in range(len(images))))


DAMAGERS = {kind: partial(_degraded, kind) for kind in DEGRADATIONS}


def _jolted(features: Features) -> Finding:
    """Points that lie farther from their neighbours than chance allows."""
    distances = _log(features.neighbours.distances.mean(1))
    found = verdict(Usual(distances).away(distances), FAR)
    sentence = Message("Points far from all others: a model puts probability where nothing belongs.")
    return Finding("noise-gaussian", sentence, features.data.id, found.scores, found.flagged)


def _log(distances: Tensor) -> Tensor:
    return distances.clamp(min=1e-9).log()
