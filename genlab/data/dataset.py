"""Dataset: a read-only view of items, their labels and what else is known of them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from genlab.data.layout import PARTS
from genlab.data.spec import DataSpec
from genlab.errors import BadData
from genlab.modalities import MODALITIES
from genlab.modalities.storage import Items
from genlab.paths import current_space

MOST_ITEMS, MOST_BYTES = 120_000, 2**27  # that a visitor's recipe may have in all, and may make anew
UNDATED = 0  # in the column `date`, which holds days of the calendar counted from the first of the year 1
USUAL: Mapping[str, float | int] = {"weight": 1.0, "date": UNDATED}  # of items of which a column tells nothing


@dataclass(frozen=True)
class Batch:
    """Items in model space: floats in [-1, 1], and their labels, -1 where unknown."""

    x: Tensor  # [B, C, H, W], of points [B, 2]
    label: Tensor  # [B]
    first: int = 0  # where these begin among the items of the whole step, which processes or blocks share
    whole: int | None = None  # how many those are; None where these are all

    def to(self, device: torch.device | str) -> "Batch":
        return replace(self, x=self.x.to(device, non_blocking=True), label=self.label.to(device, non_blocking=True))

    @property
    def total(self) -> int:
        """Items of the whole step."""
        return len(self.x) if self.whole is None else self.whole

    def blocks(self, size: int) -> Iterator["Batch"]:
        """The same step in parts of at most so many items; under the same seed each item meets the same noise."""
        for first in range(0, len(self.x), size):
            part = slice(first, first + size)
            yield replace(self, x=self.x[part], label=self.label[part], first=self.first + first, whole=self.total)

    def randn(self, *shape: int) -> Tensor:
        """Standard normal noise [B, *shape]: these items' rows of what one process would draw for the whole step."""
        return self.rows_of(torch.randn(self.total, *shape, device=self.x.device))

    def rand(self, *shape: int) -> Tensor:
        """The same, uniform in [0, 1)."""
        return self.rows_of(torch.rand(self.total, *shape, device=self.x.device))

    def rows_of(self, whole: Tensor) -> Tensor:
        """These items' rows of something [total, …] about the whole step."""
        return whole[self.first : self.first + len(self.x)]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Items by row: a base that may lie memory-mapped on disk, patches where items differ from it, and an index into both.

    What base and patches are is the matter of the storage that the kind of data has.
    """

    name: str
    spec: DataSpec
    base: Any  # images uint8 [M, C, H, W], points float32 [M, 2], of varying length M rows
    columns: Mapping[str, Tensor]  # each [N, ...], in the order of this view: label, id, factors, …
    index: Tensor | None = field(
        default=None, repr=False
    )  # [N] rows of the base, from M on of the patches; None for all of the base
    patches: Any = field(default=None, repr=False)  # [P, ...] items that are not in the base; None for none

    @classmethod
    def of(cls, name: str, spec: DataSpec, items: Items, columns: Mapping[str, Tensor]) -> Self:
        """A dataset in memory of items as they are stored."""
        return cls(name, spec, spec.kind.storage.of(items, spec.kind.dtype), columns)

    def __len__(self) -> int:
        return len(self.base) if self.index is None else len(self.index)

    def __getitem__(self, index: Tensor | slice | list[int]) -> "Dataset":
        """A view of the chosen rows, which copies no item: `data[~flagged]`, `data[:100]`."""
        return replace(self, index=self.places[index], columns={name: column[index] for name, column in self.columns.items()})

    @property
    def places(self) -> Tensor:
        """[N] where each item lies: a row of the base, or from its length on of the patches."""
        return torch.arange(len(self.base)) if self.index is None else self.index

    def column(self, name: str) -> Tensor:
        """One fact about every item, in the order of this view."""
        return self.columns[name]

    @property
    def label(self) -> Tensor:
        """[N] class of each item; -1 where unknown."""
        return self.column("label")

    @property
    def id(self) -> Tensor:
        """[N] what an item is known by, whatever view it is in."""
        return self.column("id")

    def with_column(self, name: str, column: Tensor) -> "Dataset":
        """The same items with one fact [N, ...] told anew."""
        return replace(self, columns={**self.columns, name: column})

    def with_items(self, rows: Tensor, items: Items) -> "Dataset":
        """The same items but for those at `rows` [n], which become `items` [n, ...] as they are stored."""
        data = self._patched(items)
        index = data.places.clone()
        index[rows] = len(self.base) + data._patch_count - len(items) + torch.arange(len(items))
        return replace(data, index=index)

    def extended(self, other: "Dataset") -> "Dataset":
        """These items and after them those of another view; what only one of the two knows of its items goes, but for USUAL."""
        self.check_growth(len(other), len(other))
        data = self._patched(other.read(slice(None)))
        new = len(self.base) + data._patch_count - len(other) + torch.arange(len(other))
        names = [*dict.fromkeys([*self.columns, *other.columns])]
        both = [(name, self._column_or_usual(name), other._column_or_usual(name)) for name in names]
        columns = {name: torch.cat([own, theirs]) for name, own, theirs in both if own is not None and theirs is not None}
        return replace(data, index=torch.cat([self.places, new]), columns=columns)

    def check_growth(self, made: int, added: int = 0, size: int = 0) -> None:
        """Raise BadData, in a visitor's space, where so many items that are made anew would be more than there is room for.

        All that are made anew are of so many bytes, or as large as the others where that is not known yet.
        """
        items = len(self) + added
        size = size or (self._patch_count + made) * self.base.nbytes // max(1, len(self.base))
        if current_space() is not None and ((added and items > MOST_ITEMS) or size > MOST_BYTES):
            raise BadData(
                "This would make a dataset of {items:,} items, {size:,.0f} MB of them made anew; on a "
                "public page it may have {most_items:,} items and {most_bytes} MB. "
                "Take a smaller dataset or fewer steps.",
                items=items,
                size=size / 2**20,
                most_items=MOST_ITEMS,
                most_bytes=MOST_BYTES // 2**20,
            )

    def _column_or_usual(self, name: str) -> Tensor | None:
        return self.columns.get(name, torch.full((len(self),), USUAL[name]) if name in USUAL else None)

    @property
    def _patch_count(self) -> int:
        return 0 if self.patches is None else len(self.patches)

    def _patched(self, items: Items) -> "Dataset":
        self.check_growth(len(items))
        if not len(items):
            return replace(self, index=self.places)
        storage = self.spec.kind.storage
        new = storage.of(items, self.base.dtype.type)
        self.check_growth(0, size=new.nbytes + (0 if self.patches is None else self.patches.nbytes))
        return replace(self, index=self.places, patches=new if self.patches is None else storage.joined(self.patches, new))

    def read(self, rows: Tensor | list[int] | slice) -> Items:
        """The items at `rows` as they are stored: images uint8 [n, C, H, W], points float32 [n, 2], else n of varying length."""
        if isinstance(rows, slice):
            rows = torch.arange(*rows.indices(len(self)))
        rows = torch.as_tensor(rows)
        places = (rows if self.index is None else self.index[rows]).numpy()
        return self.spec.kind.storage.read(self.base, self.patches, places)

    def inputs(self, rows: Tensor | list[int] | slice, random: torch.Generator | None = None) -> Tensor:
        """The items at `rows` in model space, [n, *shape]; of one that is longer a piece, the first or one that is drawn."""
        return self.spec.kind.to_model(self.read(rows), self.spec.shape, random)

    def pictures(self, rows: Tensor | list[int] | slice) -> Tensor:
        """A picture of each item at `rows`, uint8 [n, C, H, W]."""
        return self.spec.kind.pictures(self.read(rows), self.spec.shape)

    def batch(self, size: int, seed: int, step: int, augment: str = "none", rank: int = 0, ranks: int = 1) -> Batch:
        """Batch number `step` of an endless shuffled pass, or one of the `ranks` batches of `size` that make it up.

        The same arguments always give the same batch. Where items have a `weight`, each is drawn by it, with replacement.
        """
        step = step * ranks + rank
        rows = _rows_of_step(len(self), size, seed, step) if self._heap is None else _drawn_rows(self._heap, size, seed, step)
        x = self.inputs(rows, torch.Generator().manual_seed(_address(seed, step)))
        if augment != "none":
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(_address(seed, step))
                vary = self.spec.kind.augmentations[augment](self.spec.shape)
                x = torch.stack([vary(item) for item in x]).clamp(-1, 1)
        return Batch(x, self.label[rows], rank * size, ranks * size)

    @cached_property
    def _heap(self) -> Tensor | None:
        """[N] the weights of the items summed up to each, as a share of all; None where there are no weights."""
        return (
            self.columns["weight"].double().cumsum(0).div(self.columns["weight"].double().sum())
            if "weight" in self.columns
            else None
        )

    @cached_property
    def counts(self) -> Tensor:
        """[K] number of items of each class."""
        known = self.label[self.label >= 0]
        return torch.bincount(known, minlength=len(self.spec.classes))

    @property
    def backdrop(self) -> Tensor | None:
        """[n, *shape] some of the items in model space, to see others before; None where items are not seen among others."""
        return self.inputs(slice(0, self.spec.kind.behind)) if self.spec.kind.behind else None

    @property
    def days(self) -> list[date | None]:
        """[N] the day of each item, as far as it is known."""
        known = self.columns.get("date", torch.full((len(self),), UNDATED)).tolist()
        return [date.fromordinal(day) if day != UNDATED else None for day in known]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the sorted hashes of all items (content and class name), so that order does not matter."""
        names = [*self.spec.classes, ""]  # label -1 finds the last
        hashes = [_hash(item + names[label].encode()) for item, label in zip(self._contents(), self.label.tolist(), strict=True)]
        return _hash(b"".join(sorted(hashes))).hex()

    @cached_property
    def hashes(self) -> list[bytes]:
        """[N] hash of the content of each item: what is alike bit for bit has the same."""
        return [_hash(item) for item in self._contents()]

    def _contents(self) -> Iterator[bytes]:
        for start in range(0, len(self), 4096):
            yield from map(self.spec.kind.content, self.read(slice(start, start + 4096)))


@dataclass(frozen=True)
class Splits:
    """The three parts of a dataset: train on one, watch the second, judge on the third."""

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset

    @property
    def spec(self) -> DataSpec:
        return self.train.spec

    @property
    def parts(self) -> dict[str, Dataset]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def with_part(self, name: str, part: Dataset) -> "Splits":
        """The same dataset with one part anew, of whose classes the others know then, too."""
        parts = {**self.parts, name: part}
        return Splits(self.name, *(replace(one, spec=part.spec) for one in parts.values()))


def open_splits(name: str, modality: str, classes: tuple[str, ...], folder: Path) -> Splits:
    """The parts of a dataset as they lie in a folder, memory-mapped."""
    kind = MODALITIES[modality]
    bases = [kind.storage.open(folder / part) for part in PARTS]
    spec = DataSpec(modality, kind.shape(*bases), classes)
    columns = [_columns(folder / part, kind.storage.files) for part in PARTS]
    return Splits(name, *(Dataset(name, spec, *part) for part in zip(bases, columns, strict=True)))


def even_rows(n: int, most: int) -> Tensor:
    """At most so many of n rows, at even distances, the first and the last among them."""
    some = min(n, most)
    return torch.arange(some) * (n - 1) // max(some - 1, 1)


def _columns(folder: Path, items: tuple[str, ...]) -> dict[str, Tensor]:
    return {f.stem: torch.from_numpy(np.load(f, allow_pickle=False)) for f in folder.glob("*.npy") if f.name not in items}


def _address(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _drawn_rows(heap: Tensor, size: int, seed: int, step: int) -> Tensor:
    """[size] rows drawn by their weights."""
    draws = torch.rand(size, dtype=torch.float64, generator=torch.Generator().manual_seed(_address(seed, step)))
    return torch.searchsorted(heap, draws, right=True).clamp(max=len(heap) - 1)


def _rows_of_step(n: int, size: int, seed: int, step: int) -> Tensor:
    """[size] rows of the items at positions step·size … of the endless shuffled pass."""
    positions = torch.arange(step * size, (step + 1) * size)
    epochs = torch.div(positions, n, rounding_mode="floor")
    order = torch.stack([_epoch_order(n, seed, epoch) for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)])
    return order[epochs - epochs[0], positions % n]


@lru_cache(maxsize=4)
def _epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(_address(seed, epoch)))
