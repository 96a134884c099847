"""What a person wants to know of a dataset at a glance: examples, statistics, neighbours and a map in two dimensions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from genlab.algebra import principal
from genlab.data.dataset import Dataset, even_rows
from genlab.errors import BadData

MOST_VALUES = 100_000_000  # pixels that are looked at; what is larger is judged by an even sample
WHOLE = 3_000_000  # pixels that one block of work holds
Measure = TypeVar("Measure", bound=Callable[..., Any])


def once(measure: Measure) -> Measure:
    """Measure a dataset once, for as long as it is in memory; what was found does not keep it there."""
    found: WeakKeyDictionary[Dataset, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()

    @wraps(measure)
    def known(data: Dataset, *rest: Any, **named: Any) -> Any:
        of_this, asked = found.setdefault(data, {}), (*rest, *named.items())
        if asked not in of_this:
            of_this[asked] = measure(data, *rest, **named)
        return of_this[asked]

    return known  # type: ignore[return-value]


@dataclass(frozen=True)
class Summary:
    """Statistics of the pixels, each as a number in [0, 1]."""

    measured: int  # images that were looked at
    mean: float
    deviation: float
    black: float  # share of pixels that are exactly 0
    white: float  # share of pixels that are exactly 255
    mean_images: Tensor  # uint8 [K, C, H, W]  the average of each class; one for all where there are no classes


@dataclass(frozen=True)
class Map:
    """Items as points in a plane."""

    rows: Tensor  # [n]
    points: Tensor  # [n, 2]  middle at 0, in units of the standard deviation along the first axis
    shares: tuple[float, float] | None = None  # of the total variance along each axis, where axes mean something


@dataclass(frozen=True)
class Neighbours:
    """The nearest images to one image, nearest first."""

    rows: Tensor  # [k]
    distances: Tensor  # [k]  root mean square difference of pixels, in [0, 1]
    searched: int  # images that were compared


def examples(data: Dataset, per_class: int, seed: int) -> list[Tensor]:
    """Rows of up to `per_class` random images of each class, and last of those without a class, where there are any."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    label = data.label[order]
    groups = [order[label == k][:per_class] for k in range(len(data.spec.classes))]
    others = order[label < 0] if groups else order
    return [*groups, others[:per_class]] if len(others) or not groups else groups


@once
def summarise(data: Dataset) -> Summary:
    """Statistics of the images' pixels and the average image of each class."""
    rows = _even_sample(data, MOST_VALUES)
    label = data.label[rows] if data.spec.classes else torch.zeros(len(rows), dtype=torch.long)
    classes = max(1, len(data.spec.classes))
    levels = torch.zeros(256, dtype=torch.long)
    sums = torch.zeros(classes, _size(data))
    for part in _blocks(data, rows):
        pixels = data.read(rows[part]).flatten(1)  # [b, C·H·W]
        levels += torch.bincount(pixels.flatten(), minlength=256)
        known = label[part] >= 0
        sums.index_add_(0, label[part][known], pixels[known].float())
    counts = torch.bincount(label[label >= 0], minlength=classes).clamp(min=1)
    share = levels.double() / levels.sum()
    grey = torch.arange(256, dtype=torch.float64) / 255
    mean = (share * grey).sum()
    return Summary(
        measured=len(rows),
        mean=float(mean),
        deviation=float((share * (grey - mean) ** 2).sum().sqrt()),
        black=float(share[0]),
        white=float(share[255]),
        mean_images=(sums / counts[:, None]).round().to(torch.uint8).reshape(classes, *data.spec.shape),
    )


@dataclass(frozen=True)
class Places:
    """Where points lie, class by class, NaN for a class without any; one row for all where there are no classes."""

    middle: Tensor  # [K, 2]
    spread: Tensor  # [K, 2] standard deviations


@once
def locate(data: Dataset) -> Places:
    """The middle and the spread of the points of each class."""
    points = data.read(slice(None)).double()
    groups = [points[data.label == k] for k in range(len(data.spec.classes))] or [points]
    middle = torch.stack([group.mean(0) for group in groups])
    return Places(middle, torch.stack([(group - m).square().mean(0).sqrt() for group, m in zip(groups, middle, strict=True)]))


def scattered(data: Dataset, most: int = 3000) -> Tensor:
    """Rows of points at even distances, as many as one can tell apart in a picture."""
    return _even_sample(data, most * _size(data))


@once
def project(data: Dataset, most: int = 60_000, fitted: int = 3000) -> Map:
    """Principal components of an even sample of the images (Pearson 1901), the first two of them as a map of up to `most`."""
    x = data.read(_even_sample(data, min(fitted, most) * _size(data))).flatten(1).float() / 255  # [n, C·H·W]
    mean = x.mean(0)
    x = x - mean
    s, v = principal(x, min(2, *x.shape))
    axes = v[:, :2] * v[:, :2].sum(0).sign()  # a component's sign is arbitrary: brighter is right, and up
    rows = _even_sample(data, most * _size(data))
    points = torch.cat([(data.read(rows[part]).flatten(1).float() / 255 - mean) @ axes for part in _blocks(data, rows)])
    total = x.square().sum().clamp(min=1e-12)
    shares = (s[:2] ** 2 / total).tolist()
    return Map(rows, points / points[:, 0].std().clamp(min=1e-12), (shares[0], shares[1]))


def neighbours(data: Dataset, row: int, k: int) -> Neighbours:
    """The k images nearest to image `row` by their pixels, itself excluded."""
    rows = _even_sample(data, MOST_VALUES)
    return _nearest(data, rows[rows != row], data.read([row]), k)


def nearest(data: Dataset, image: Tensor, k: int) -> Neighbours:
    """The k images of a dataset nearest to any image, uint8 [C, H, W]; raises BadData for one of another shape."""
    if tuple(image.shape) != data.spec.shape:
        given, possible = ("×".join(map(str, shape)) for shape in (image.shape, data.spec.shape))
        raise BadData(
            "The image is {given}; the images of {name!r} are {possible}, and only such can be compared.",
            given=given,
            name=data.name,
            possible=possible,
        )
    return _nearest(data, _even_sample(data, MOST_VALUES), image[None], k)


@once
def usual_distance(data: Dataset, held_out: Dataset, most: int = 100) -> float:
    """How far an image that is no copy is from the nearest of a dataset: the median over an even sample of held-out images."""
    rows = _even_sample(data, MOST_VALUES)
    images = held_out.read(even_rows(len(held_out), most))
    least = torch.stack([_distances(images, data.read(rows[part])).amin(1) for part in _blocks(data, rows)])
    return float(least.amin(0).median())


def _nearest(data: Dataset, rows: Tensor, image: Tensor, k: int) -> Neighbours:
    distances = torch.cat([_distances(image, data.read(rows[part]))[0] for part in _blocks(data, rows)])
    least, places = distances.topk(min(k, len(rows)), largest=False)
    return Neighbours(rows[places], least, len(rows))


def _distances(images: Tensor, others: Tensor) -> Tensor:
    """[n, m] root mean square differences of the pixels of images [n, C, H, W] and others [m, C, H, W], in [0, 1]."""
    few = len(images) < 10  # are compared one by one, which is exact
    mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
    x, y = images.flatten(1).float() / 255, others.flatten(1).float() / 255
    return torch.cdist(x, y, compute_mode=mode) / x.shape[1] ** 0.5


def _size(data: Dataset) -> int:
    return int(torch.tensor(data.spec.shape).prod())


def _even_sample(data: Dataset, values: int) -> Tensor:
    """Rows at even distances, as many as hold no more than `values` pixels; all rows where they fit."""
    return even_rows(len(data), max(1, values // _size(data)))


def _blocks(data: Dataset, rows: Tensor) -> list[slice]:
    size = max(1, WHOLE // _size(data))
    return [slice(start, start + size) for start in range(0, len(rows), size)]
