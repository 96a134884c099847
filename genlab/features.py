"""Features: what the checks share about the items of one dataset; each is computed once and kept in the cache.

How items are seen is their modality's: images by filters, points by their coordinates.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.algebra import eigen
from genlab.data.dataset import Dataset, even_rows
from genlab.files import DiskFault, keep, npz
from genlab.paths import cache_folder
from genlab.sketches import lookalikes, sketches_of
from genlab.statistics import Statistics

FORMAT = 2  # of what lies in the cache; raised when it is computed in another way
SAMPLE = 4000  # items from which is learnt what tells them apart
DIMENSIONS = 128  # of the embedding
NEIGHBOURS = 10
LOOKALIKES = 5  # that are looked for, of which the last tells how near what is merely of a kind lies
BLOCK = 32  # images at a time, so that their answers stay in the processor's cache
FAINT = 4  # grey levels: an image of no more between its darkest and brightest pixel is blank


@dataclass(frozen=True)
class Predictions:
    """What the other items say of the class of each; no item has a say in its own prediction."""

    scores: Tensor  # [N, K] near 1 for the class, near -1 for the others
    probabilities: Tensor  # [N, K]


@dataclass(frozen=True)
class Classifier:
    """The same regression for items that had no part in it."""

    weights: Tensor  # [D + 1, K] of the pooled features, and of a constant
    sharpness: float  # of the softmax

    def __call__(self, pooled: Tensor) -> Predictions:
        scores = F.pad(pooled, (0, 1), value=CONSTANT) @ self.weights
        return Predictions(scores, (scores * self.sharpness).softmax(1))


@dataclass(frozen=True)
class Neighbours:
    """The nearest items to each, itself excluded, nearest first."""

    distances: Tensor  # [N, k] in units of the embedding
    rows: Tensor  # [N, k]


@dataclass(frozen=True)
class Lookalikes(Neighbours):
    """The items that look most alike, nearest first, whether as they are or as their mirror images."""

    mirrored: Tensor  # [N, k]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Lookalikes":
        """What `sketches.lookalikes` found, or the cache keeps of it."""
        distances, rows, mirrored = (torch.as_tensor(found[name]) for name in ("distances", "rows", "mirrored"))
        return cls(distances, rows.long(), mirrored)


class Features:
    """Features of one dataset; computed when they are asked for, then read from the cache by `key`."""

    def __init__(self, data: Dataset) -> None:
        self.data = data

    @cached_property
    def key(self) -> str:
        """Hash of the items in their order with their labels; unlike a fingerprint it tells orders apart."""
        content = b"".join(self.data.hashes) + self.data.label.numpy().tobytes() + repr((FORMAT, self.data.spec)).encode()
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    @cached_property
    def pooled(self) -> Tensor:
        """[N, D] what tells items apart, of images what their filters answer; each column of mean 0 and deviation 1."""
        x = self.answers(self.data)
        self._scale = x.mean(0), x.std(0, correction=0) + 1e-3
        return x.sub_(self._scale[0]).div_(self._scale[1])  # in place, as everything that is as large below

    def pooled_of(self, others: Dataset) -> Tensor:
        """[n, D] the same of other items, seen as these are, and on their scale."""
        self.pooled  # noqa: B018  finds the scale
        return self.answers(others).sub_(self._scale[0]).div_(self._scale[1])

    @cached_property
    def answers(self) -> Callable[[Dataset], Tensor]:
        """What tells items apart, learnt from these: [n, D] of the items of any dataset like this one."""
        spec = self.data.spec
        answer = spec.kind.features(self.data.read(even_rows(len(self.data), SAMPLE)), spec.shape)

        def answers(data: Dataset) -> Tensor:
            first = answer(data.read(slice(0, BLOCK)))
            pooled = first.new_empty(len(data), first.shape[1])  # filled part by part, as it is large
            pooled[:BLOCK] = first
            for start in range(BLOCK, len(data), BLOCK):
                pooled[start : start + BLOCK] = answer(data.read(slice(start, start + BLOCK)))
            return pooled

        return answers

    @cached_property
    def span(self) -> Tensor:
        """[N] grey levels between the darkest and the brightest value of each image."""
        return spans(self.data)

    @cached_property
    def measure(self) -> Statistics:
        """What measures low-level statistics of images by what is usual in this dataset."""
        return Statistics(self.data)

    @cached_property
    def statistics(self) -> Tensor:
        """[N, S] low-level statistics of the images."""
        return self.measure.of(self.data)

    @cached_property
    def embedding(self) -> Tensor:
        """[N, d] the principal components of the pooled features, the strongest first."""
        return self.kept("embedding", lambda: {"x": (self.pooled @ self._components).half().numpy()})["x"].float()

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """[n, d] the same of the pooled features of other items."""
        return pooled @ self._components

    @cached_property
    def _components(self) -> Tensor:
        return _principal(self.pooled, DIMENSIONS)

    @cached_property
    def neighbours(self) -> Neighbours:
        """The nearest items by the embedding."""
        found = self.kept("neighbours", lambda: nearest(self.embedding, min(NEIGHBOURS, len(self.data) - 1)))
        return Neighbours(found["distances"], found["rows"].long())

    @cached_property
    def lookalikes(self) -> Lookalikes:
        """The nearest items by their sketches, either way round."""
        return Lookalikes.of(self.kept("lookalikes", lambda: lookalikes(self.sketches, min(LOOKALIKES, len(self.data) - 1))))

    @cached_property
    def sketches(self) -> Tensor:
        """[N, S] sketches of the images."""
        return sketches_of(self.data)

    @cached_property
    def predictions(self) -> Predictions:
        """Classes by leave-one-out ridge regression on the pooled features."""
        found = self.kept("predictions", lambda: _of_predictions(self._ridge))
        return Predictions(found["scores"], found["probabilities"])

    @cached_property
    def classifier(self) -> Classifier:
        """What predicts the classes of other items from their pooled features."""
        return self._ridge[1]

    @cached_property
    def _ridge(self) -> tuple[Predictions, Classifier]:
        return _predicted(self.pooled, self.data.label, len(self.data.spec.classes))

    def kept(self, name: str, compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, Tensor]:
        """What is called so in the cache, computed where it is not there."""
        file = cache_folder() / "features" / self.key / f"{name}.npz"
        if not file.exists():
            found = compute()
            with suppress(DiskFault):  # it can be computed again
                keep(file, npz(**found))
            return {key: torch.from_numpy(value) for key, value in found.items()}
        with np.load(file, allow_pickle=False) as kept:
            return {key: torch.from_numpy(kept[key]) for key in kept}


def spans(data: Dataset) -> Tensor:
    """[N] grey levels between the darkest and the brightest value of each image."""
    blocks = (data.read(slice(start, start + BLOCK)).flatten(1) for start in range(0, len(data), BLOCK))
    return torch.cat([block.amax(1).float() - block.amin(1) for block in blocks])


# --- What follows from the features ---


def _principal(x: Tensor, most: int) -> Tensor:
    """[D, d] the strongest principal components of x [N, D] (Pearson 1901), signs fixed by their largest weight."""
    _, vectors = eigen(x.T @ x / len(x))
    vectors = vectors.flip(1)[:, :most]
    strongest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return vectors * strongest.sign()


def nearest(x: Tensor, k: int, among: Tensor | None = None) -> dict[str, np.ndarray]:
    """Distances and rows [N, k] of the nearest to each row of x, itself excluded, or among others; all are compared."""
    others = x if among is None else among
    squares = others.square().sum(1)
    distances, rows = [x.new_empty(0, k)], [torch.empty(0, k, dtype=torch.int)]
    for start in range(0, len(x), 500):
        part = x[start : start + 500]
        block = (part @ others.T).mul_(-2).add_(squares)  # [b, N] squared distances but for a constant a row
        if among is None:
            block[torch.arange(len(part)), start + torch.arange(len(part))] = torch.inf
        near = block.topk(k, largest=False)
        rows.append(near.indices.int())
        distances.append((near.values + part.square().sum(1, keepdim=True)).clamp(min=0).sqrt())
    return {"distances": torch.cat(distances).numpy(), "rows": torch.cat(rows).numpy()}


def _predicted(x: Tensor, label: Tensor, classes: int) -> tuple[Predictions, Classifier]:
    """Two rounds: what the first holds to be wrong surely has no say in the second; nor have items without a label."""
    y = 2 * F.one_hot(label.clamp(min=0), classes).float() - 1
    weight = (label >= 0).float()
    for _ in range(2):
        scores, weights = ridge(x, y, weight, constant=CONSTANT)
        sharpness = _sharpness(scores, label, weight)
        probabilities = (scores * sharpness).softmax(1)
        given = probabilities[torch.arange(len(x)), label.clamp(min=0)]
        weight = weight * (probabilities.amax(1) - given < SURELY)
    return Predictions(scores, probabilities), Classifier(weights, sharpness)


def _of_predictions(found: tuple[Predictions, Classifier]) -> dict[str, np.ndarray]:
    return {"scores": found[0].scores.numpy(), "probabilities": found[0].probabilities.numpy()}


CONSTANT = 10.0  # beside the features, so large that it is hardly penalised
SURELY = 0.6  # by how much another class is more probable than the given one, for the item to be left out


def ridge(
    x: Tensor, y: Tensor, weight: Tensor, penalties: tuple[float, ...] = (3, 10, 30, 100, 300, 1000, 3000), constant: float = 0
) -> tuple[Tensor, Tensor]:
    """Ridge predictions [N, K] of the targets y [N, K] from x [N, D] and a constant, each from all the others, in closed form.

    ŷ₋ᵢ = (ŷᵢ - hᵢyᵢ) / (1 - hᵢ) with the leverage hᵢ = wᵢ xᵢᵀ(XᵀWX + λI)⁻¹xᵢ (Allen 1974, the PRESS statistic); items of weight 0
    have no say at all. The penalty λ is that of the least squared error; its weights [D + 1, K] are for other items.
    """

    def blocks() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for part in zip(x.split(4096), y.split(4096), weight[:, None].split(4096), strict=True):
            yield F.pad(part[0], (0, 1), value=constant), *part[1:]

    none = x.new_zeros(())
    values, vectors = eigen(sum(((w * b).T @ b for b, _, w in blocks()), none))
    moments = vectors.T @ sum((b.T @ (w * t) for b, t, w in blocks()), none)  # [D + 1, K]
    shrunk = 1 / (values.clamp(min=0)[:, None] + torch.tensor(penalties))  # [D + 1, P]
    fits, leverages = zip(*(_ridge(b @ vectors, moments, shrunk) for b, _, _ in blocks()), strict=True)
    best, weights, error = y, moments, torch.inf
    for fit, own, column in zip(torch.cat(fits, 1), torch.cat(leverages).T, shrunk.T, strict=True):  # [N, K], [N] a penalty
        leverage = (weight * own)[:, None].clamp(max=1 - 1e-4)
        left_out = (fit - leverage * y) / (1 - leverage)
        squared = float(((left_out - y).square().mean(1) * weight).sum())
        if squared < error:
            best, weights, error = left_out, vectors @ (moments * column[:, None]), squared
    return best, weights


def _ridge(u: Tensor, moments: Tensor, shrunk: Tensor) -> tuple[Tensor, Tensor]:
    """Fits [P, n, K] and unweighted leverages [n, P] of rows u [n, D] on the principal axes, for each penalty."""
    return torch.stack([u @ (moments * column[:, None]) for column in shrunk.T]), u.square() @ shrunk


def _sharpness(scores: Tensor, label: Tensor, weight: Tensor) -> float:
    """That of the softmax under which the labels are likeliest, one in twenty being thought wrong."""
    labels = label.clamp(min=0)[:, None]

    def unlikely(sharpness: float) -> float:
        right = (scores * sharpness).softmax(1).gather(1, labels)[:, 0]
        return -float(((0.95 * right + 0.05 / scores.shape[1]).log() * weight).sum())

    return min((1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14, 20), key=unlikely)
