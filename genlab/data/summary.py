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
from genlab.modalities import Facts
from genlab.modalities.storage import Items

MOST_VALUES = 100_000_000  # numbers that are looked at; what is larger is judged by an even sample
WHOLE = 3_000_000  # numbers that one block of work holds
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
    """Statistics of items."""

    measured: int  # items that were looked at
    facts: Facts


@dataclass(frozen=True)
class Map:
    """Items as points in a plane."""

    rows: Tensor  # [n]
    points: Tensor  # [n, 2]  middle at 0, in units of the standard deviation along the first axis
    shares: tuple[float, float] | None = None  # of the total variance along each axis, where axes mean something


@dataclass(frozen=True)
class Neighbours:
    """The nearest items to one, nearest first."""

    rows: Tensor  # [k]
    distances: Tensor  # [k]  of images the root mean square difference of pixels, in [0, 1]
    searched: int  # items that were compared


def examples(data: Dataset, per_class: int, seed: int) -> list[Tensor]:
    """Rows of up to `per_class` random items of each class, and last of those without a class, where there are any."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    label = data.label[order]
    groups = [order[label == k][:per_class] for k in range(len(data.spec.classes))]
    others = order[label < 0] if groups else order
    return [*groups, others[:per_class]] if len(others) or not groups else groups


@once
def summarise(data: Dataset) -> Summary:
    """What is to be known of the items at a glance, as far as their kind of data tells it: pixels, places, …"""
    rows = _even_sample(data, MOST_VALUES)
    blocks = ((data.read(rows[part]), data.label[rows[part]]) for part in _blocks(data, rows))
    return Summary(len(rows), data.spec.kind.facts(blocks, data.spec.shape, len(data.spec.classes)))


def scattered(data: Dataset, most: int = 3000) -> Tensor:
    """Rows of points at even distances, as many as one can tell apart in a picture."""
    return _even_sample(data, most * _size(data))


@once
def project(data: Dataset, most: int = 60_000, fitted: int = 3000) -> Map:
    """Principal components of an even sample of the items (Pearson 1901), the first two of them as a map of up to `most`."""

    def vectors(rows: Tensor) -> Tensor:
        return data.spec.kind.vectors(data.read(rows), data.spec.shape)

    x = vectors(_even_sample(data, min(fitted, most) * _size(data)))  # [n, D]
    mean = x.mean(0)
    x = x - mean
    s, v = principal(x, min(2, *x.shape))
    axes = v[:, :2] * v[:, :2].sum(0).sign()  # a component's sign is arbitrary: brighter is right, and up
    rows = _even_sample(data, most * _size(data))
    points = torch.cat([(vectors(rows[part]) - mean) @ axes for part in _blocks(data, rows)])
    total = x.square().sum().clamp(min=1e-12)
    shares = (s[:2] ** 2 / total).tolist()
    return Map(rows, points / points[:, 0].std().clamp(min=1e-12), (shares[0], shares[1]))


def neighbours(data: Dataset, row: int, k: int) -> Neighbours:
    """The k items nearest to that at `row`, itself excluded."""
    rows = _even_sample(data, MOST_VALUES)
    return _nearest(data, rows[rows != row], data.read([row]), k)


def nearest(data: Dataset, item: Tensor, k: int) -> Neighbours:
    """The k items of a dataset nearest to any other, as it is stored; raises BadData for one of another shape."""
    storage = data.spec.kind.storage
    if not storage.fits(tuple(item.shape), data.spec.shape):
        given, possible = ("×".join(map(str, shape)) for shape in (item.shape, data.spec.shape))
        raise BadData(
            "The image is {given}; the images of {name!r} are {possible}, and only such can be compared.",
            given=given,
            name=data.name,
            possible=possible,
        )
    return _nearest(data, _even_sample(data, MOST_VALUES), storage.alone(item), k)


@once
def usual_distance(data: Dataset, held_out: Dataset, most: int = 100) -> float:
    """How far an item that is no copy is from the nearest of a dataset: the median over an even sample of held-out ones."""
    rows = _even_sample(data, MOST_VALUES)
    items = held_out.read(even_rows(len(held_out), most))
    least = torch.stack([_distances(data, items, rows[part]).amin(1) for part in _blocks(data, rows)])
    return float(least.amin(0).median())


def _nearest(data: Dataset, rows: Tensor, item: Items, k: int) -> Neighbours:
    distances = torch.cat([_distances(data, item, rows[part])[0] for part in _blocks(data, rows)])
    least, places = distances.topk(min(k, len(rows)), largest=False)
    return Neighbours(rows[places], least, len(rows))


def _distances(data: Dataset, items: Items, rows: Tensor) -> Tensor:
    """[n, m] of n items as they are stored from those at `rows` [m]."""
    return data.spec.kind.distances(items, data.read(rows), data.spec.shape)


def _size(data: Dataset) -> int:
    return int(torch.tensor(data.spec.shape).prod())


def _even_sample(data: Dataset, values: int) -> Tensor:
    """Rows at even distances, as many as hold no more than `values` numbers; all rows where they fit."""
    return even_rows(len(data), max(1, values // _size(data)))


def _blocks(data: Dataset, rows: Tensor) -> list[slice]:
    size = max(1, WHOLE // _size(data))
    return [slice(start, start + size) for start in range(0, len(rows), size)]
