"""What every kind of data answers; it knows items and their shape, never datasets."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
SIDE, TILE = 480, 96  # pixels of a picture of many items at once, and of one among others, where items are no pictures themselves


class Modality:
    """A kind of data is a subclass in a file of its own and one line in `genlab.modalities`."""

    dtype: ClassVar[type] = np.float32  # of items as they are stored
    things: ClassVar[str]  # what the items are, in the plural
    article: ClassVar[str]  # one of them, as in: nats an image
    unit: ClassVar[str]  # what one number of an item is
    space: ClassVar[str]  # where a density over items lies
    pixels: ClassVar[bool] = False  # whether an item is an image, which networks for images and checks of images can look at
    plane: ClassVar[bool] = False  # whether an item is a place in the plane
    length: ClassVar[float] = 1.0  # of the range of one number, in the unit in which errors are told
    behind: ClassVar[int] = 0  # how many real items are shown behind drawn ones

    def to_stored(self, x: "Tensor") -> "Tensor":
        """Items in model space as a dataset stores them."""
        raise NotImplementedError

    def most(self, shape: Shape) -> int:
        """How many items of a shape one picture can show."""
        raise NotImplementedError

    def size(self, shape: Shape) -> tuple[int, int]:
        """Height and width in pixels of the picture of one item."""
        raise NotImplementedError

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        """A picture of each item x [n, *shape] in model space, uint8 [n, C, H, W], before those `behind`."""
        raise NotImplementedError

    def sheet(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> "Tensor":
        """One picture of all items, uint8 [C, H, W]."""
        raise NotImplementedError
