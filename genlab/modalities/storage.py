"""Storage: how the items of a dataset lie in memory and in a folder, as rows of one shape or of varying length."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, overload

import numpy as np

from genlab.errors import BadData
from genlab.lazy import late

BLOCK = 1024  # items that are written at a time
Shape = tuple[int, ...]
Items = Any  # as they are stored: a tensor [n, *shape], or of varying length a list of n tensors [T, ...]
_tensor = late("torch", "from_numpy")


class Storage(Protocol):
    """Where items are kept; what it keeps them in is a base, which has a length, a dtype, a shape and nbytes as arrays have."""

    files: tuple[str, ...]  # in the folder of a part

    def of(self, items: Items, dtype: type) -> Any:
        """A base in memory of items as they are stored."""

    def joined(self, first: Any, second: Any) -> Any:
        """One base of two."""

    def read(self, base: Any, patches: Any, places: np.ndarray) -> Items:
        """Copies of the items at places [n]: rows of the base, or from its length on of the patches."""

    def content(self, item: Any) -> bytes:
        """What a stored item is known by, so that nothing that follows can be taken for a part of it."""

    def alone(self, item: Any) -> Items:
        """This one item as `read` gives several."""

    def fits(self, given: Shape, shape: Shape) -> bool:
        """Whether an item of a shape can lie among those that models have in another."""

    def write(self, folder: Path, items: Any, dtype: type) -> None:
        """Put raw items [N], which are sliced in blocks, into a folder."""

    def open(self, folder: Path) -> Any:
        """What was written, memory-mapped."""


class Rows:
    """Rows of one shape: a base is an array [N, *shape]."""

    files: tuple[str, ...] = ("items.npy",)

    def of(self, items: Items, dtype: type) -> np.ndarray:
        rows: np.ndarray = np.asarray(items).astype(dtype, copy=False)
        return rows

    def joined(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.concatenate([first, second])

    def read(self, base: np.ndarray, patches: np.ndarray | None, places: np.ndarray) -> Items:
        if patches is None:
            return _tensor(base[places])  # numpy's fancy indexing copies
        items = np.empty((len(places), *base.shape[1:]), base.dtype)
        patched = places >= len(base)
        items[~patched] = base[places[~patched]]
        items[patched] = patches[places[patched] - len(base)]
        return _tensor(items)

    def content(self, item: Any) -> bytes:
        content: bytes = item.numpy().tobytes()
        return content

    def alone(self, item: Any) -> Items:
        return item[None]

    def fits(self, given: Shape, shape: Shape) -> bool:
        return given == shape

    def write(self, folder: Path, items: Any, dtype: type) -> None:
        blocks = (items[start : start + BLOCK] for start in range(0, len(items), BLOCK))
        _stream(folder / "items.npy", np.asarray(items[0:1], dtype), len(items), blocks)

    def open(self, folder: Path) -> np.ndarray:
        base: np.ndarray = np.load(folder / "items.npy", mmap_mode="r", allow_pickle=False)
        return base


class Ragged:
    """Rows of varying length: all of them one after another in one array, and where each begins and ends."""

    def __init__(self, flat: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> None:
        self.flat, self.starts, self.ends = flat, starts, ends  # [sum of T, ...], [N], [N]

    @classmethod
    def of(cls, rows: Sequence[Any], dtype: type) -> Self:
        """Of rows [T, ...], at least one; raises BadData for none."""
        if not len(rows):
            raise BadData(
                "A dataset whose items vary in length needs at least one in each part; this one has a part without any."
            )
        ends = np.cumsum([len(row) for row in rows])
        return cls(np.concatenate([np.asarray(row, dtype) for row in rows]), np.concatenate([[0], ends[:-1]]), ends)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, which: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, which: slice | np.ndarray) -> Self: ...
    def __getitem__(self, which: int | slice | np.ndarray) -> "np.ndarray | Self":
        """One row [T, ...], or some of them, which copies none."""
        starts, ends = self.starts[which], self.ends[which]
        return self.flat[starts:ends] if np.ndim(starts) == 0 else type(self)(self.flat, starts, ends)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.flat[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    @property
    def dtype(self) -> np.dtype:
        return self.flat.dtype

    @property
    def shape(self) -> Shape:
        """Number, and shape of the longest."""
        return len(self), int((self.ends - self.starts).max(initial=0)), *self.flat.shape[1:]

    @property
    def nbytes(self) -> int:
        return int((self.ends - self.starts).sum()) * self.flat[:1].nbytes


class Lengths:
    """Rows of varying length: a base is `Ragged`."""

    files: tuple[str, ...] = ("items.npy", "items-ends.npy")

    def of(self, items: Items, dtype: type) -> Ragged:
        return Ragged.of(items, dtype)

    def joined(self, first: Ragged, second: Ragged) -> Ragged:
        return Ragged.of([*first, *second], first.dtype.type)

    def read(self, base: Ragged, patches: Ragged | None, places: np.ndarray) -> Items:
        rows = (base[p] if patches is None or p < len(base) else patches[p - len(base)] for p in places.tolist())
        return [_tensor(row.copy()) for row in rows]

    def content(self, item: Any) -> bytes:
        return len(item).to_bytes(8, "little") + Rows().content(item)

    def alone(self, item: Any) -> Items:
        return [item]

    def fits(self, given: Shape, shape: Shape) -> bool:
        return given[1:] == shape[1:]

    def write(self, folder: Path, items: Ragged, dtype: type) -> None:
        ends = np.cumsum(items.ends - items.starts)
        _stream(folder / "items.npy", np.empty((0, *items.shape[2:]), dtype), int(ends[-1]), iter(items))
        np.save(folder / "items-ends.npy", ends)

    def open(self, folder: Path) -> Ragged:
        flat, ends = Rows().open(folder), np.load(folder / "items-ends.npy", allow_pickle=False)
        return Ragged(flat, np.concatenate([[0], ends[:-1]]), ends)


def _stream(file: Path, like: np.ndarray, count: int, blocks: Iterator[Any]) -> None:
    """Write blocks of `count` rows in all as one array of numpy's; written, not mapped: no page stays in memory."""
    head = np.lib.format.header_data_from_array_1_0(like)
    with file.open("wb") as out:
        shape = (count, *head["shape"][1:])
        np.lib.format.write_array_header_1_0(out, head | {"shape": shape, "fortran_order": False})
        for block in blocks:
            out.write(np.ascontiguousarray(block, like.dtype).tobytes())
