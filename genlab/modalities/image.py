"""Images: pixels uint8 [N, C, H, W], in grey or colour; a model has them as floats [n, C, H, W] in [-1, 1]."""

from typing import TYPE_CHECKING

import numpy as np

from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.base import TILE, Modality, Shape

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = 10**8  # of one picture of many
_to_pixels, _wall = late("genlab.images", "to_pixels"), late("genlab.images", "wall")


class Image(Modality):
    """Images of pixels: each is its own picture, many are a wall."""

    dtype = np.uint8
    things, article, unit = Message("images"), Message("an image"), Message("pixel")
    space = Message("pixels in [0, 1]")
    pixels = True

    def to_stored(self, x: "Tensor") -> "Tensor":
        pixels: Tensor = _to_pixels(x)
        return pixels

    def most(self, shape: Shape) -> int:
        return PIXELS // (shape[1] * shape[2])

    def size(self, shape: Shape) -> tuple[int, int]:
        return shape[1], shape[2]

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        return self.to_stored(x)

    def sheet(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> "Tensor":
        picture: Tensor = _wall(self.to_stored(x), columns)
        return picture
