"""Images: pixels uint8 [N, C, H, W], in grey or colour; a model has them as floats [n, C, H, W] in [-1, 1]."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.base import TILE, Facts, Modality
from genlab.modalities.storage import Items, Shape
from genlab.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_IMAGES = "genlab.images"
_to_pixels, _to_model, _brought_to = late(_IMAGES, "to_pixels"), late(_IMAGES, "to_model"), late(_IMAGES, "brought_to")
_measure, _png, _read = late(_IMAGES, "measure"), late(_IMAGES, "png"), late(_IMAGES, "read_png")
_filters = late("genlab.filters", "Filters")


class Image(Modality):
    """Images of pixels: each is its own picture, many are a wall."""

    dtype = np.uint8
    things, article, unit = Message("images"), Message("an image"), Message("pixel")
    space = Message("pixels in [0, 1]")
    pixels = True
    suffix = ".png"
    augmentations = Registry("augmentation", "genlab.modalities.augment")

    def to_model(self, items: Items, shape: Shape, random: "torch.Generator | None" = None) -> "Tensor":
        x: Tensor = _to_model(items)
        return x

    def to_stored(self, x: "Tensor") -> "Tensor":
        pixels: Tensor = _to_pixels(x)
        return pixels

    def brought_to(self, items: Items, shape: Shape) -> "Tensor":
        images: Tensor = _brought_to(items, shape)
        return images

    def error(self, x: "Tensor", y: "Tensor") -> "Tensor":
        return super().error(x, y) / 2  # black to white is 1

    def vectors(self, items: Items, shape: Shape) -> "Tensor":
        grey: Tensor = items.flatten(1).float() / 255
        return grey

    def features(self, sample: Items, shape: Shape) -> Callable[[Items], "Tensor"]:
        answers: Callable[[Items], Tensor] = _filters(sample).answers
        return answers

    def facts(self, blocks: "Iterable[tuple[Items, Tensor]]", shape: Shape, classes: int) -> Facts:
        numbers, shares, pictures = _measure(blocks, shape, classes)
        return Facts(numbers, shares, pictures)

    def size(self, shape: Shape) -> tuple[int, int]:
        return shape[1], shape[2]

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        return self.to_stored(x)

    def pictures(self, items: Items, shape: Shape) -> "Tensor":
        pixels: Tensor = items
        return pixels

    def array(self, x: "Tensor") -> "Tensor":
        return self.to_stored(x)

    def file(self, item: "Tensor", told: Mapping[str, str] | None = None, taken: date | None = None) -> bytes:
        content: bytes = _png(item, told, taken)
        return content

    def read(self, content: bytes) -> "Tensor":
        pixels: Tensor = _read(content)
        return pixels
