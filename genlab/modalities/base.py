"""What every kind of data answers; it knows items and their shape, never datasets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.storage import Items, Rows, Shape, Storage
from genlab.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SIDE, TILE = 480, 96  # pixels of a picture of many items at once, and of one among others, where items are no pictures themselves
PIXELS = 10**8  # of one picture of many
Vary = Callable[["Tensor"], "Tensor"]
_wall, _png, _cdist = late("genlab.images", "wall"), late("genlab.images", "png"), late("torch", "cdist")


@dataclass(frozen=True)
class Facts:
    """Statistics of items; the page has words for them, called `data.NAME` and `data.NAME_why`, or tells the name."""

    numbers: Mapping[str, float] = field(default_factory=dict)  # of all of them
    shares: Mapping[str, float] = field(default_factory=dict)  # in [0, 1], told as percent
    pictures: "Tensor | None" = None  # uint8 [K, C, H, W]  an average of each class; one for all where there are no classes
    places: "Mapping[str, Tensor]" = field(default_factory=dict)  # [K, 2] each: where the classes lie in the plane


class Modality:
    """A kind of data is a subclass in a file of its own and one line in `genlab.modalities`."""

    storage: ClassVar[Storage] = Rows()
    dtype: ClassVar[type] = np.float32  # of items as they are stored
    things: ClassVar[str]  # what the items are, in the plural
    article: ClassVar[str]  # one of them, as in: nats an image
    unit: ClassVar[str]  # what one number of an item is
    space: ClassVar[str] = Message("the numbers of an item")  # where a density over items lies
    pixels: ClassVar[bool] = False  # whether an item is an image, which networks for images and checks of images can look at
    together: ClassVar[bool] = False  # whether items are seen in one picture of all alone, and each is told by its numbers
    reads: ClassVar[bool] = False  # whether an item is read, so that what it says is shown, not a picture
    gaps: ClassVar[bool] = False  # whether some of an item may not be there, NaN
    reach: ClassVar[float | None] = None  # where items are places in the plane, which is seen from -reach to reach both ways
    stage: ClassVar[str] = ""  # what the page calls the stage on which it shows a run while it learns, where there is one
    kept_as: ClassVar[str] = ".png"  # suffix of the file with what a run drew at a step
    drawn: ClassVar[int] = 0  # how many that are; none for as many as make a wall
    suffix: ClassVar[str] = ""  # of a file with one item; none where an item is no file of its own
    behind: ClassVar[int] = 0  # how many real items are shown behind drawn ones
    augmentations: ClassVar["Registry[Callable[[Shape], Vary]]"] = Registry("augmentation")  # shape -> what varies one item x

    def named(self, n: int | None) -> str:
        """What so many items are called."""
        return self.article.split()[-1] if n == 1 else self.things

    # --- As they are stored, and as models have them ---

    def shape(self, *bases: Any) -> Shape:
        """The shape that a model is given items in, by the bases of the parts of a dataset; of varying length, the longest."""
        return tuple(max(sides) for sides in zip(*(base.shape[1:] for base in bases), strict=True))

    def to_model(self, items: Items, shape: Shape, random: "torch.Generator | None" = None) -> "Tensor":
        """Stored items in model space, [n, *shape]: what is shorter is filled up, of what is longer there is a piece.

        It is the first, or one that `random` draws.
        """
        raise NotImplementedError

    def to_stored(self, x: "Tensor") -> Items:
        """Items in model space as a dataset stores them."""
        raise NotImplementedError

    def brought_to(self, items: Items, shape: Shape) -> Items:
        """Stored items of another dataset as they are stored in one of this shape."""
        return items

    def content(self, item: "Tensor") -> bytes:
        """What a stored item is known by."""
        return self.storage.content(item)

    # --- How they are compared ---

    def error(self, x: "Tensor", y: "Tensor") -> "Tensor":
        """[n] how far items in model space are apart, in the unit in which the page tells it."""
        return (x - y).abs().flatten(1).mean(1)

    def vectors(self, items: Items, shape: Shape) -> "Tensor":
        """[n, D] the numbers of stored items on a scale on which their range is 1."""
        return self.to_model(items, shape).flatten(1) / 2

    def compared(self, x: "Tensor") -> "Tensor | None":
        """[n, D] what copies are known by of items in model space; None where that is all of their numbers."""
        return None

    def distances(self, items: Items, others: Items, shape: Shape) -> "Tensor":
        """[n, m] root mean square differences of stored items, in [0, 1]."""
        few = len(items) < 10  # are compared one by one, which is exact
        mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
        x, y = self.vectors(items, shape), self.vectors(others, shape)
        distances: Tensor = _cdist(x, y, compute_mode=mode) / x.shape[1] ** 0.5
        return distances

    def features(self, sample: Items, shape: Shape) -> Callable[[Items], "Tensor"]:
        """What tells items apart, as far as that is learnt, from a sample: stored items -> [n, D]."""
        return lambda items: self.to_model(items, shape).flatten(1).nan_to_num()

    def facts(self, blocks: "Iterable[tuple[Items, Tensor]]", shape: Shape, classes: int) -> Facts:
        """Statistics of stored items and their labels, block by block; there are `classes` of them, or none."""
        return Facts()

    # --- Their pictures ---

    def most(self, shape: Shape) -> int:
        """How many items of a shape one picture can show."""
        height, width = self.size(shape)
        return PIXELS // (height * width)

    def size(self, shape: Shape) -> tuple[int, int]:
        """Height and width in pixels of the picture of one item."""
        return TILE, TILE

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        """A picture of each item x [n, *shape] in model space, uint8 [n, C, H, W], before those `behind`."""
        raise NotImplementedError

    def sheet(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> "Tensor":
        """One picture of all items, uint8 [C, H, W]."""
        picture: Tensor = _wall(self.tiles(x, behind), columns)
        return picture

    def kept(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> bytes:
        """The file with what a run drew at a step, items in model space."""
        content: bytes = _png(self.sheet(x, columns, behind))
        return content

    def pictures(self, items: Items, shape: Shape) -> "Tensor":
        """A picture of each stored item, uint8 [n, C, H, W]."""
        return self.tiles(self.to_model(items, shape))

    def told(self, item: "Tensor") -> str:
        """What a stored item says, where items are read."""
        raise NotImplementedError

    # --- Their files ---

    def array(self, x: "Tensor") -> "Tensor":
        """Items in model space as a file of arrays holds them, [n, *shape]."""
        return x.detach().cpu()

    def file(self, item: "Tensor", told: Mapping[str, str] | None = None, taken: date | None = None) -> bytes:
        """One stored item as a file, with what is told of it and the day it is of, where such a file can hold these."""
        raise NotImplementedError

    def read(self, content: bytes) -> "Tensor":
        """The stored item of such a file; raises BadData for what is none."""
        raise NotImplementedError
