"""Texts: documents of any length, the bytes of their UTF-8; a model has whole ones or pieces of them, as codes.

A code is a byte, or EDGE before the first and after the last byte of a document, or NOTHING where a shorter one has ended.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.base import TILE, Facts, Modality
from genlab.modalities.storage import Items, Lengths, Shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

EDGE, NOTHING = 256, -1
LONGEST = 2050  # codes of a piece: enough for 512 tokens of several bytes each
GRAMS = 512  # bins into which the runs of letters of a document are hashed
COLUMNS, LINES = 36, 9  # of a picture of the beginning of a document, at most
LETTER = (13, 7)  # height and width of a letter in pixels
_LETTERING = "genlab.lettering"
_lettered, _grams, _decoded = late(_LETTERING, "lettered"), late(_LETTERING, "grams"), late(_LETTERING, "decoded")
_from_numpy, _integer = late("torch", "from_numpy"), late("torch", "randint")


class Text(Modality):
    """Documents: each is read."""

    storage, dtype = Lengths(), np.uint8
    things, article, unit = Message("documents"), Message("a document"), Message("byte")
    space = Message("the bytes of a document")
    reads, drawn = True, 12
    kept_as = ".json"
    suffix = ".txt"

    def shape(self, *bases: object) -> Shape:
        return (min(LONGEST, super().shape(*bases)[0] + 2),)

    def to_model(self, items: Items, shape: Shape, random: "torch.Generator | None" = None) -> "Tensor":
        """int16 [n, T] codes; a document that fits is whole, of a longer one there is a piece, which has no edge inside it."""
        codes = np.full((len(items), shape[0]), NOTHING, np.int16)
        for row, item in zip(codes, items, strict=True):
            left = len(item) + 2 - len(row)  # what does not fit
            start = int(_integer(left + 1, (1,), generator=random)) if random is not None and left > 0 else 0
            piece = item.numpy()[max(0, start - 1) : start - 1 + len(row)]
            first = int(start == 0)
            row[first : first + len(piece)] = piece
            if first:
                row[0] = EDGE
            if first + len(piece) < len(row):
                row[first + len(piece)] = EDGE
        x: Tensor = _from_numpy(codes)
        return x

    def to_stored(self, x: "Tensor") -> Items:
        """The bytes of each row up to the edge that ends it."""
        rows = x.detach().cpu().numpy()
        ended = [row[int(row[0] == EDGE) :] for row in rows]
        stops = [np.flatnonzero((row == EDGE) | (row == NOTHING)) for row in ended]
        return [
            _from_numpy(row[: stop[0] if len(stop) else None].astype(np.uint8)) for row, stop in zip(ended, stops, strict=True)
        ]

    def error(self, x: "Tensor", y: "Tensor") -> "Tensor":
        """The share of places at which two differ."""
        return (x != y).float().mean(1)

    def vectors(self, items: Items, shape: Shape) -> "Tensor":
        """[n, D] how often runs of one to three bytes come, hashed; their square roots are of length 1 (Hellinger 1909)."""
        vectors: Tensor = _grams(items, GRAMS)
        return vectors * (GRAMS / 2) ** 0.5  # documents that share nothing have a root mean square difference of 1

    def compared(self, x: "Tensor") -> "Tensor":
        return self.vectors(self.to_stored(x), tuple(x.shape[1:]))

    def features(self, sample: Items, shape: Shape) -> "Callable[[Items], Tensor]":
        return lambda items: self.vectors(items, shape)

    def facts(self, blocks: "Iterable[tuple[Items, Tensor]]", shape: Shape, classes: int) -> Facts:
        counts, lengths = np.zeros(256, np.int64), []
        for items, _ in blocks:
            lengths += [len(item) for item in items]
            counts += np.bincount(np.concatenate([item.numpy() for item in items]), minlength=256)
        total = max(1, counts.sum())
        share = counts[counts > 0] / total
        numbers = {
            "documents_length": float(np.mean(lengths)),
            "bytes_entropy": float(-(share * np.log2(share)).sum()),
        }
        return Facts(numbers, {"not_ascii": float(counts[128:].sum() / total)})

    def size(self, shape: Shape) -> tuple[int, int]:
        lines, columns = lines_of(shape)
        return lines * LETTER[0], columns * LETTER[1]

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        items = self.to_stored(x)
        return self.pictures(items, (min(x.shape[1], 2 + max(map(len, items))),))

    def pictures(self, items: Items, shape: Shape) -> "Tensor":
        pictures: Tensor = _lettered([self.told(item) for item in items], *lines_of(shape), LETTER)
        return pictures

    def kept(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> bytes:
        return json.dumps([self.told(item) for item in self.to_stored(x)]).encode()

    def file(self, item: "Tensor", told: Mapping[str, str] | None = None, taken: date | None = None) -> bytes:
        content: bytes = item.numpy().tobytes()
        return content

    def read(self, content: bytes) -> "Tensor":
        document: Tensor = _from_numpy(np.frombuffer(_decoded(content).encode(), np.uint8).copy())
        return document

    def told(self, item: "Tensor") -> str:
        """What a document says; bytes that are no UTF-8, as at the rim of a piece, are told by the sign for that."""
        return item.numpy().tobytes().decode(errors="replace")


def lines_of(shape: Shape) -> tuple[int, int]:
    """How many lines of how many letters a picture of a document has: short ones need one."""
    longest = max(1, shape[0] - 2)
    return (1, max(8, longest)) if longest <= COLUMNS else (min(LINES, 1 + longest // COLUMNS), COLUMNS)
