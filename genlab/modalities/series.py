"""Series: values over time, float32 [T, C] each; of models' own scale, which is about -1 to 1; NaN where nothing was measured."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from genlab.errors import BadData
from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.base import Facts, Modality
from genlab.modalities.storage import Items, Lengths, Shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LONGEST = 1024  # values of a piece
HEIGHT, WIDTH = 96, 192  # pixels of the picture of one
LAGS = 16  # that tell series apart
_CURVES = "genlab.curves"
_curves, _marks = late(_CURVES, "curves"), late(_CURVES, "marks")
_from_numpy, _integer, _stack = late("torch", "from_numpy"), late("torch", "randint"), late("torch", "stack")


class Series(Modality):
    """Values over time: each is seen as a curve."""

    storage, dtype = Lengths(), np.float32
    things, article, unit = Message("series"), Message("a series"), Message("value")
    space = Message("the values of a series")
    suffix = ".csv"
    gaps = True

    def shape(self, *bases: object) -> Shape:
        longest, *channels = super().shape(*bases)
        return min(LONGEST, longest), *channels

    def to_model(self, items: Items, shape: Shape, random: "torch.Generator | None" = None) -> "Tensor":
        """float32 [n, T, C], NaN after the end of a shorter one; of a longer one there is a piece."""
        rows = np.full((len(items), *shape), np.nan, np.float32)
        for row, item in zip(rows, items, strict=True):
            left = len(item) - len(row)  # what does not fit
            start = int(_integer(left + 1, (1,), generator=random)) if random is not None and left > 0 else 0
            piece = item.numpy()[start : start + len(row)]
            row[: len(piece)] = piece
        x: Tensor = _from_numpy(rows)
        return x

    def to_stored(self, x: "Tensor") -> Items:
        """Each row up to its last value."""
        rows = x.detach().float().cpu().numpy()
        return [_from_numpy(row[: 1 + max([0, *np.flatnonzero(~np.isnan(row).all(1))])].copy()) for row in rows]

    def error(self, x: "Tensor", y: "Tensor") -> "Tensor":
        return (x - y).abs().flatten(1).nanmean(1)

    def vectors(self, items: Items, shape: Shape) -> "Tensor":
        return self.to_model(items, shape).flatten(1).nan_to_num() / 2

    def compared(self, x: "Tensor") -> "Tensor":
        return x.flatten(1).nan_to_num() / 2

    def features(self, sample: Items, shape: Shape) -> "Callable[[Items], Tensor]":
        return lambda items: _marks(items, LAGS)

    def facts(self, blocks: "Iterable[tuple[Items, Tensor]]", shape: Shape, classes: int) -> Facts:
        lengths, values, missing, steps = [], [], 0, []
        for items, _ in blocks:
            for item in items:
                x = item.numpy()
                lengths.append(len(x))
                missing += int(np.isnan(x).sum())
                values.append(x[~np.isnan(x)])
                between = np.diff(x, axis=0)
                steps.append(between[~np.isnan(between)])
        known, moved = (np.concatenate(parts) if any(map(len, parts)) else np.zeros(1) for parts in (values, steps))
        numbers = {
            "series_length": float(np.mean(lengths)),
            "series_deviation": float(known.std()),
            "series_step": float(np.sqrt(np.mean(moved**2))),
        }
        return Facts(numbers, {"not_measured": missing / max(1, missing + sum(map(len, values)))})

    def size(self, shape: Shape) -> tuple[int, int]:
        return HEIGHT, WIDTH

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = HEIGHT) -> "Tensor":
        pictures: Tensor = _stack([_curves(row, side, side * WIDTH // HEIGHT) for row in x])
        return pictures

    def file(self, item: "Tensor", told: Mapping[str, str] | None = None, taken: date | None = None) -> bytes:
        """A line for every time; nothing where nothing was measured."""
        lines = io.StringIO()
        write = csv.writer(lines, lineterminator="\n")
        write.writerows([["" if value != value else f"{value:.7g}" for value in row] for row in item.tolist()])
        return lines.getvalue().encode()

    def read(self, content: bytes) -> "Tensor":
        try:
            rows = [
                [float(cell) if cell.strip() else np.nan for cell in row] for row in csv.reader(content.decode().splitlines())
            ]
            values = np.array(rows or [[]], np.float32)
        except (ValueError, csv.Error) as fault:
            raise BadData("This is no series: a CSV file with a line of numbers, as many in each, for every time.") from fault
        if not values.size or np.isinf(values).any():
            raise BadData("This is no series: a CSV file with a line of numbers, as many in each, for every time.")
        series: Tensor = _from_numpy(values)
        return series
