"""Duplicates: items that are there more than once, bit for bit or shifted, recompressed, brightened."""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.mending import added_ids
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.quality.defect import Finding, Truth, chosen, dropped, generator, needs_images
from genlab.quality.degrade import as_pixels, recompressed
from genlab.quality.settings import DuplicatesSettings
from genlab.statistics import luminance

ALIKE = 0.155  # what may differ between near copies, as a share of the picture's contrast
GAIN = (0.7, 1.43)  # by how much one may be brighter
PAIRS = 4000  # compared at a time
SENTENCES = {
    "exact": "Exact copies: a model sees them more often than the rest, and learns them by heart.",
    "near": "Near copies, shifted, recompressed or brightened: a model sees one picture many times, and samples repeat it.",
}


class Duplicates:
    """Duplicates: see the protocol `Defect`."""

    Settings = DuplicatesSettings
    of_points: bool | tuple[str, ...] = ("exact",)

    def inject(self, data: Splits, settings: DuplicatesSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        rows = chosen(data.train, settings.rate, seed)
        copies = data.train[rows]
        if settings.kind == "near":
            needs_images(data, "near copies")
            items = copies.read(slice(None)).numpy()
            near = [_nearly(x, settings.severity, generator(seed, i)) for x, i in zip(items, copies.id.tolist(), strict=True)]
            copies = copies.with_items(torch.arange(len(rows)), torch.from_numpy(np.stack(near))) if near else copies
        ids = added_ids(key, len(rows))
        return data.train.extended(copies.with_column("id", ids)), Truth(added=ids, origins=copies.id)

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        exact = same_content(data.train)
        yield _finding("exact", data.train, exact, (exact >= 0).float())
        if data.spec.modality == "image" and len(data.train) > 1:
            scores, groups = _near(data.train, features, exact)
            yield _finding("near", data.train, groups, scores)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def same_content(data: Dataset) -> Tensor:
    """[N] the number of the group of items alike bit for bit; -1 for those that stand alone."""
    first: dict[bytes, int] = {}
    group = torch.tensor([first.setdefault(content, row) for row, content in enumerate(data.hashes)], dtype=torch.long)
    sizes = torch.bincount(group, minlength=len(data))
    return torch.where(sizes[group] > 1, group, -1)


def differences(a: Tensor, b: Tensor) -> Tensor:
    """[n] how much images uint8 [n, C, H, W] differ at the best gain and shift by up to a pixel, by the contrast of a."""
    x, y = luminance(a), luminance(b)
    height, width = x.shape[1] - 2, x.shape[2] - 2
    middle = x[:, 1:-1, 1:-1].flatten(1)
    best = torch.full((len(x),), torch.inf)
    for top in range(3):
        for left in range(3):
            shifted = y[:, top : top + height, left : left + width].flatten(1)
            gain = ((middle * shifted).sum(1) / shifted.square().sum(1).clamp(min=1)).clamp(*GAIN)
            best = torch.minimum(best, (middle - gain[:, None] * shifted).square().mean(1).sqrt())
    return best / middle.std(1, correction=0).clamp(min=1)


def _finding(kind: str, data: Dataset, groups: Tensor, scores: Tensor) -> Finding:
    """All of a group are alike; all but its first item, by id, are flagged."""
    order = data.id.argsort()
    grouped = groups[order]
    _, which = np.unique(grouped.numpy(), return_index=True)
    first = torch.zeros(len(data), dtype=torch.bool)
    first[order[torch.from_numpy(which)]] = True
    return Finding(f"duplicates-{kind}", SENTENCES[kind], data.id, scores, (groups >= 0) & ~first, groups=groups)


def _near(data: Dataset, features: Features, exact: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and groups of near copies that are not exact ones: look-alikes by spectrum, verified pixel by pixel."""
    near = features.lookalikes.rows  # [N, 2]
    pairs = torch.stack([torch.arange(len(data))[:, None].expand_as(near), near], -1).flatten(0, 1).sort(1).values.unique(dim=0)
    pairs = pairs[(exact[pairs[:, 0]] != exact[pairs[:, 1]]) | (exact[pairs[:, 0]] < 0)]
    parts = pairs.split(PAIRS) if len(pairs) else ()
    differ = torch.cat([torch.empty(0), *(differences(data.read(p[:, 0]), data.read(p[:, 1])) for p in parts)])
    scores = torch.zeros(len(data))
    for side in (0, 1):
        scores.scatter_reduce_(0, pairs[:, side], (1 - differ / (2 * ALIKE)).clamp(min=0), "amax")
    alike = pairs[differ < ALIKE]
    links = torch.cat([alike, alike.flip(1)]).numpy()
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(len(data), len(data)))
    group = torch.from_numpy(connected_components(graph, directed=False)[1]).long()
    sizes = torch.bincount(group, minlength=1)
    return scores, torch.where(sizes[group] > 1, group, -1)


def _nearly(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """One image uint8 [C, H, W], changed in one of three ways."""
    match random.integers(3):
        case 0:
            return _shifted(image, max(1, round(2 * severity)), random)
        case 1:
            return recompressed(image[None], round(100 - 80 * severity))[0]
        case _:
            return as_pixels(image * (1 + 0.4 * severity))


def _shifted(image: np.ndarray, by: int, random: np.random.Generator) -> np.ndarray:
    down, right = ((by, 0), (0, by), (-by, 0), (0, -by))[random.integers(4)]
    padded = np.pad(image, ((0, 0), (by, by), (by, by)), mode="edge")
    return padded[:, by - down : by - down + image.shape[1], by - right : by - right + image.shape[2]]
