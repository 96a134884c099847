"""Missing: blank items, masked patches, lost labels, a class left out."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genlab.data.dataset import Dataset, Splits, even_rows
from genlab.data.recipe import Recipe
from genlab.errors import BadData
from genlab.features import FAINT, Features, spans
from genlab.messages import Message
from genlab.quality.defect import (
    ANY,
    Check,
    Finding,
    Takes,
    Truth,
    Verdict,
    chosen,
    chosen_classes,
    dropped,
    generator,
    needs_images,
    takes,
)
from genlab.quality.settings import MissingSettings
from genlab.quality.wording import blocks, plain
from genlab.statistics import luminance

GREY = 128  # of a mask
SMALLEST = 4  # pixels a side of a mask
FILLED = 1 / 3  # of an image's side, up to which a mask is filled in; behind a larger one too much is lost
USUAL = 0.5  # share of the images from which a level that fills squares is no mask but their background
SURE = 0.8  # probability from which a lost label is told again
FLAT = 0.25  # share of the images with squares of one level from which these are no news
CHANCE = 0.005  # share of clean images that may have a square as large as what is called a mask
NEARLY, HAZE = 12, 32  # grey levels by which neighbours in a mask may differ that a model drew, and its background may vary
BLOCK = 4000


class Missing:
    """Missing: see the protocol `Defect`."""

    Settings = MissingSettings
    takes: Takes = {
        "image": None,
        "points": ("blank", "labels", "class"),
        "text": ("blank", "labels", "class"),
        ANY: ("labels", "class"),
    }
    lowers: tuple[str, ...] = ("completeness",)

    def inject(self, data: Splits, settings: MissingSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        train = data.train
        if settings.kind == "class":
            return _without_classes(train, settings.rate, seed)
        rows = chosen(train, settings.rate, seed)
        if settings.kind == "labels":
            rows = rows[train.label[rows] >= 0]
            return train.with_column("label", train.label.index_fill(0, rows, -1)), Truth(changed=train.id[rows])
        if settings.kind == "patch":
            needs_images(data, Message("patches"))
        before = train.read(rows)
        if data.spec.kind.reads:
            full = torch.tensor([len(item) > 0 for item in before], dtype=torch.bool)
            return train.with_items(rows, [item[:0] for item in before]), Truth(changed=train.id[rows[full]])
        after = _masked(before, train.id[rows], settings.severity, seed) if settings.kind == "patch" else torch.zeros_like(before)
        changed = (after != before).flatten(1).any(1)
        return train.with_items(rows, after), Truth(changed=train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        train = data.train
        if data.spec.kind.pixels:
            yield _blank_images(features)
            yield _masks(train)
        elif takes(self, data.spec.modality, "blank"):
            gone = _gone(train)
            sentence = (
                Message("Empty documents, or blanks alone: a model learns to say nothing as often as they occur.")
                if data.spec.kind.reads
                else Message("Points without a value, exactly at the origin or not a number: a model takes them for data.")
            )
            yield Finding("missing-blank", sentence, train.id, gone.float(), gone)
        if data.spec.classes:
            yield _lost_labels(train, features)
            yield _left_out(data)

    def fit(self, clean: Features) -> Check:
        if not takes(self, clean.data.spec.modality, "blank"):
            return lambda items: {}
        if not clean.data.spec.kind.pixels:
            return lambda items: {"missing-blank": Verdict(_gone(items).float(), _gone(items))}
        squares_of = Squares(clean.data)

        def check(items: Dataset) -> dict[str, Verdict]:
            span = spans(items)
            return {"missing-blank": Verdict(_blankness(span), span <= FAINT), "missing-patch": squares_of.judge(items)}

        return check

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        flagged, ids = finding.flagged, finding.ids
        if not flagged.any():
            return recipe  # a class that is left out can only be brought from elsewhere
        if finding.boxes is not None:
            small = flagged & (finding.boxes[:, 2] <= FILLED * min(data.spec.shape[1:]))
            boxes = {"ids": ids[small].tolist(), "boxes": finding.boxes[small].tolist()}
            return dropped(recipe.then("fill", boxes) if small.any() else recipe, finding.only(ids[flagged & ~small].tolist()))
        if finding.suggestions is not None:
            told = flagged & (finding.suggestions >= 0)
            names = [data.spec.classes[k] for k in finding.suggestions[told].tolist()]
            return recipe.then("relabel", {"ids": ids[told].tolist(), "classes": names}) if names else recipe
        return dropped(recipe, finding)


def _without_classes(train: Dataset, rate: float, seed: int) -> tuple[Dataset, Truth]:
    numbers = chosen_classes(train, rate, seed)
    gone = torch.isin(train.label, torch.tensor(numbers, dtype=torch.long))
    if gone.all():
        raise BadData("Leaving out {n} of {n} classes would leave nothing. Choose a smaller rate.", n=len(numbers))
    return train[~gone], Truth(removed=train.id[gone], classes=tuple(train.spec.classes[k] for k in sorted(numbers)))


def _masked(images: Tensor, ids: Tensor, severity: float, seed: int) -> Tensor:
    """A grey square in each, at a place of its own."""
    height, width = images.shape[2:]
    side = min(height, width, max(SMALLEST, 2 * ceil(severity * min(height, width) / 4)) if severity else 0)
    masked = images.clone()
    for image, item in zip(masked, ids.tolist(), strict=True):
        top, left = generator(seed, item).integers(0, (height - side + 1, width - side + 1))
        image[:, top : top + side, left : left + side] = GREY
    return masked


def _gone(items: Dataset) -> Tensor:
    """[N] whether points lie exactly at the origin, or nowhere, and documents have no letter."""
    if items.spec.kind.reads:
        lengths = [plain(some)[1] for _, some in blocks(items)]
        return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *lengths]) == 0)
    x = items.read(slice(None))
    return (x == 0).all(1) | ~x.isfinite().all(1)


def _blank_images(features: Features) -> Finding:
    sentence = Message("Blank images: a model learns to draw nothing as often as they occur.")
    return Finding("missing-blank", sentence, features.data.id, _blankness(features.span), features.span <= FAINT)


def _blankness(span: Tensor) -> Tensor:
    return FAINT / (FAINT + span)


class Squares:
    """Masks in other images, such as a model draws: nearly flat squares, larger than those in all but a few clean images."""

    def __init__(self, clean: Dataset) -> None:
        self.usual = _near(_usual_levels(clean))
        height, width = clean.spec.shape[1:]
        sides, _, _ = (torch.cat(part) for part in zip(*_largest_squares(clean, self.usual, NEARLY), strict=True))
        self.least = max(_least_side(clean), int(sides.float().quantile(1 - CHANCE)) + 1)
        self.whole = min(height, width)

    def judge(self, items: Dataset) -> Verdict:
        sides = torch.cat([part[0] for part in _largest_squares(items, self.usual, NEARLY)])
        return Verdict((sides / (2 * self.least)).clamp(max=1), (sides >= self.least) & (sides < self.whole))


def _least_side(train: Dataset) -> int:
    return max(SMALLEST, round(min(train.spec.shape[1:]) / 5))


def _masks(train: Dataset) -> Finding:
    """Squares of one level that is not the background of most images."""
    sides, levels, corners = (torch.cat(part) for part in zip(*_largest_squares(train, _usual_levels(train)), strict=True))
    height, width = train.spec.shape[1:]
    least = _least_side(train)
    flagged = (sides >= least) & (sides < min(height, width))
    if flagged.float().mean() > FLAT:  # flat areas are in the nature of these images; a mask has one level wherever it is
        frequency = torch.bincount(levels[flagged], minlength=256)
        flagged &= (frequency > 8 * frequency[frequency > 0].median())[levels]
        sides = sides * flagged
    boxes = torch.stack([corners // width, corners % width, sides, sides], 1) * flagged[:, None]
    scores = (sides / (2 * least)).clamp(max=1)
    sentence = Message("Masked patches: a model learns to paint the mask; the checks find squares of one level within a picture.")
    return Finding("missing-patch", sentence, train.id, scores, flagged, boxes=boxes)


def _largest_squares(train: Dataset, usual: Tensor, within: int = 0) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each block of images side, grey level and top left corner [b] of the largest square of one level that is not usual."""
    for start in range(0, len(train), BLOCK):
        images = train.read(slice(start, start + BLOCK))
        sides = squares(images, within)
        y = luminance(images).round().long()
        sides[usual[y]] = 0
        side, corner = sides.flatten(1).max(1)
        yield side, y.flatten(1).gather(1, corner[:, None])[:, 0], corner


def squares(images: Tensor, within: int = 0) -> Tensor:
    """[n, H, W] the side of the largest square whose top left corner a pixel is, of neighbours alike within so many levels."""
    same = torch.ones(len(images), *images.shape[2:], dtype=torch.bool)  # as its neighbours to the right, below, and both
    same[:, :, -1] = same[:, -1] = False
    corner = images[:, :, :-1, :-1]
    for other in (images[:, :, :-1, 1:], images[:, :, 1:, :-1], images[:, :, 1:, 1:]):
        same[:, :-1, :-1] &= ((corner.short() - other.short()).abs() <= within).all(1)
    sides, size = torch.ones(same.shape, dtype=torch.long), 1
    grown = same
    while grown.any():  # a square of side s + 1 is four overlapping ones of side s
        size += 1
        sides[grown] = size
        larger = torch.zeros_like(grown)
        larger[:, :-1, :-1] = grown[:, :-1, :-1] & grown[:, 1:, :-1] & grown[:, :-1, 1:] & grown[:, 1:, 1:]
        grown = larger
    return sides


def _usual_levels(train: Dataset) -> Tensor:
    """[256] bool: the levels that fill squares in many images."""
    sample = train.read(even_rows(len(train), 1000))
    y, filled = luminance(sample).round().long(), squares(sample) >= SMALLEST
    return torch.stack([((y == level) & filled).flatten(1).any(1).float().mean() > USUAL for level in range(256)])


def _near(levels: Tensor) -> Tensor:
    """[256] the levels chosen, and those that a model's haze makes of them."""
    return F.max_pool1d(levels[None].float(), 2 * HAZE + 1, 1, HAZE)[0] > 0


def _lost_labels(train: Dataset, features: Features) -> Finding:
    lost = train.label < 0
    suggestions = torch.full_like(train.label, -1)
    if lost.any() and (~lost).any():
        likeliest = features.predictions.probabilities.max(1)
        suggestions = torch.where(lost & (likeliest.values >= SURE), likeliest.indices, -1)
    sentence = (
        Message("Documents without a source: a conditional model cannot learn from them what to write when asked.")
        if train.spec.kind.reads
        else Message("Images without a label: a conditional model cannot learn from them what to draw when asked.")
    )
    return Finding("missing-labels", sentence, train.id, lost.float(), lost, suggestions=suggestions)


def _left_out(data: Splits) -> Finding:
    names = tuple(name for name, count in zip(data.spec.classes, data.train.counts.tolist(), strict=True) if not count)
    nothing = torch.zeros(len(data.train))
    sentence = Message("Classes without a single example: a model can never draw them. Merge in a dataset that has them.")
    return replace(Finding("missing-class", sentence, data.train.id, nothing, nothing > 0), classes=names)
