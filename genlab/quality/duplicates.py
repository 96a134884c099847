"""Duplicates: items that are there more than once, bit for bit or made over: moved, cropped, turned, recoloured, mirrored."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.mending import added_ids
from genlab.data.recipe import Recipe
from genlab.features import LOOKALIKES, Features, Lookalikes
from genlab.messages import Message
from genlab.modalities.storage import Items
from genlab.quality.copies import COPIES, retold
from genlab.quality.defect import ANY, Finding, Takes, Truth, Whole, check_takes, chosen, dropped, generator
from genlab.quality.settings import DuplicatesSettings
from genlab.quality.warps import fitted
from genlab.quality.wording import alike, document, plain, said
from genlab.statistics import luminance

ALIKE = 0.155  # what may differ between near copies, as a share of the picture's contrast
GAIN = (0.7, 1.43)  # by how much one may be brighter
WARPED = 0.12  # the same once one is warped to the other
NEXT = 2  # lookalikes that may be copies
NEARER = 0.78  # share of an item's distance to its last lookalike within which a copy lies
CLOSE = 0.25  # distance of sketches within which one may lie where there are many
CROWDED = 0.15  # distance to the last within which nothing tells a moved copy from another item
PAIRS = 4000  # compared at a time
RUN, FEWEST, SHARED = 8, 100, 0.7  # bytes of the runs of documents, of which so many can be compared, and copies share so many
LONG = 150  # bytes of a document that a few other words leave what it is
SENTENCES = {
    "exact": Message("Exact copies: a model sees them more often than the rest, and learns them by heart."),
    "near": Message(
        "Near copies, moved, cropped, turned, recompressed, recoloured: a model sees one picture many times, and repeats it."
    ),
    "mirrored": Message(
        "Mirrored copies: where left and right do not matter they teach little more; where they do, they are wrong."
    ),
}


class Duplicates(Whole):
    """Duplicates: see the protocol `Defect`."""

    Settings = DuplicatesSettings
    takes: Takes = {"image": None, "text": ("exact", "near"), ANY: ("exact",)}
    lowers: tuple[str, ...] = ("consistency", "privacy")

    def inject(self, data: Splits, settings: DuplicatesSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("duplicates", data, settings)
        rows = chosen(data.train, settings.rate, seed)
        copies = data.train[rows]
        if settings.kind != "exact":
            copies = made_over(copies, settings.kind, settings.severity, seed)
        ids = added_ids(key, len(copies))
        return data.train.extended(copies.with_column("id", ids)), Truth(added=ids, origins=copies.id)

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        exact = same_content(data.train)
        yield _finding("exact", data.train, exact, (exact >= 0).float())
        if data.spec.kind.pixels and len(data.train) > 1:
            pairs, mirrored, scores = _compared(data.train, features.lookalikes, exact)
            for kind, which in (("near", ~mirrored), ("mirrored", mirrored)):
                yield _finding(kind, data.train, *_grouped(len(data.train), pairs[which], scores[which]))
        elif data.spec.kind.reads:
            yield _retold(data.train, exact)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def made_over(copies: Dataset, kind: str, severity: float, seed: int) -> Dataset:
    """These items, each changed as a copy is; documents that are too short stay away, as a word makes them another."""
    if copies.spec.kind.reads:
        lengths = torch.from_numpy(plain(copies.read(slice(None)))[1])
        copies = copies[(lengths >= LONG).nonzero()[:, 0]]
    if not len(copies):
        return copies
    each = zip(copies.read(slice(None)), copies.id.tolist(), strict=True)
    made: Items
    if copies.spec.kind.reads:
        made = [document(retold(said(x), severity, generator(seed, i))) for x, i in each]
    else:
        made = torch.from_numpy(np.stack([COPIES[kind](x.numpy(), severity, generator(seed, i)) for x, i in each]))
    return copies.with_items(torch.arange(len(copies)), made)


def same_content(data: Dataset) -> Tensor:
    """[N] the number of the group of items alike bit for bit; -1 for those that stand alone."""
    first: dict[bytes, int] = {}
    group = torch.tensor([first.setdefault(content, row) for row, content in enumerate(data.hashes)], dtype=torch.long)
    sizes = torch.bincount(group, minlength=len(data))
    return torch.where(sizes[group] > 1, group, -1)


def likely(found: Lookalikes) -> tuple[Tensor, Tensor]:
    """Which of the NEXT nearest lookalikes may be copies [N, NEXT], and which items stand apart [N].

    Copies lie much nearer than what is merely of their kind (as Lowe 2004, section 7.1, tells matches). Where this lies as near
    as a copy would, as shapes drawn in all places and colours do, nothing tells a moved copy from another item.
    """
    nearest, last = found.distances[:, :NEXT], found.distances[:, LOOKALIKES - 1 :]
    usual = last if last.shape[1] else torch.full((len(nearest), 1), torch.inf)
    return nearest < (NEARER * usual).clamp(min=CLOSE), usual[:, 0] > CROWDED


def likeness(a: Tensor, b: Tensor, mirrored: Tensor, apart: Tensor) -> Tensor:
    """[n] how much images uint8 [n, C, H, W] are like copies of each other, 0.5 being the limit."""
    b = torch.where(mirrored[:, None, None, None], b.flip(3), b)
    scores = 1 - differences(a, b) / (2 * ALIKE)
    rest = ((scores <= 0.5) & apart).nonzero()[:, 0]
    scores[rest] = torch.maximum(scores[rest], 1 - fitted(a[rest], b[rest]) / (2 * WARPED))
    return scores.clamp(min=0)


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


def _retold(data: Dataset, exact: Tensor) -> Finding:
    """Documents that share most of what they say; of those alike bit for bit the first stands for all."""
    first = torch.ones(len(data), dtype=torch.bool)
    first[exact >= 0] = False
    first[exact[exact >= 0].unique()] = True  # groups are called by the row of their first
    alone = first.nonzero()[:, 0]
    pairs, shares, compared = alike(data[alone], RUN, FEWEST, SHARED)
    likeness = 0.5 + (shares - SHARED) / (2 - 2 * SHARED) + 1e-3
    groups, scores = _grouped(len(data), alone[pairs], likeness.clamp(max=1))
    sentence = Message(
        "Near copies, whatever their case and spacing, with a few other words: a model sees one text many times, and recites it. "
        "Of {n:,} different documents {short:,} are too short to tell.",
        n=len(alone), short=int((~compared).sum()),
    )  # fmt: skip
    return replace(_finding("near", data, groups, scores), sentence=sentence)


def _compared(data: Dataset, found: Lookalikes, exact: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs [P, 2] of items that may be copies and are no exact ones, whether mirrored [P], and their likeness [P]."""
    may_be, apart = likely(found)
    first, place = may_be.nonzero().unbind(1)
    second, mirrored = found.rows[first, place], found.mirrored[first, place]
    ends = torch.stack([first, second], 1).sort(1).values
    pairs = torch.cat([ends, mirrored[:, None], (apart[first] & apart[second])[:, None]], 1).unique(dim=0)  # [P, 4]
    pairs = pairs[(exact[pairs[:, 0]] != exact[pairs[:, 1]]) | (exact[pairs[:, 0]] < 0)]
    parts = pairs.split(PAIRS) if len(pairs) else ()
    like = [likeness(data.read(p[:, 0]), data.read(p[:, 1]), p[:, 2] > 0, p[:, 3] > 0) for p in parts]
    return pairs[:, :2], pairs[:, 2] > 0, torch.cat([torch.empty(0), *like])


def _grouped(count: int, pairs: Tensor, likeness: Tensor) -> tuple[Tensor, Tensor]:
    """Groups [count] of items that pairs of copies link, -1 for what stands alone, and the scores [count] of their likest."""
    scores = torch.zeros(count)
    for side in (0, 1):
        scores.scatter_reduce_(0, pairs[:, side], likeness, "amax")
    links = pairs[likeness > 0.5].numpy()
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(count, count))
    group = torch.from_numpy(connected_components(graph, directed=False)[1]).long()
    sizes = torch.bincount(group, minlength=1)
    return torch.where(sizes[group] > 1, group, -1), scores
