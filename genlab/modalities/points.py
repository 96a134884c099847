"""Points: places in the plane, float32 [N, 2]; a model has them as they are, within [-1, 1]."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genlab.lazy import late
from genlab.messages import Message
from genlab.modalities.base import SIDE, TILE, Facts, Modality
from genlab.modalities.storage import Items, Shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FAINT, STRONG = "#d3d9df", "#0f766e"  # what is real behind, what is drawn before it
REACH = 1.2  # the plane is seen from -REACH to REACH both ways; data lie within 1
DOTS = 10**5  # of one picture of many
_scatter, _stack, _cat = late("genlab.images", "scatter"), late("torch", "stack"), late("torch", "cat")


class Points(Modality):
    """Places in the plane: a picture shows where one lies, or many together, among real ones."""

    things, article, unit = Message("points"), Message("a point"), Message("coordinate")
    space = Message("the unit square")
    together = True
    reach = REACH
    stage = "plane"
    behind = 400

    def to_model(self, items: Items, shape: Shape, random: "torch.Generator | None" = None) -> "Tensor":
        x: Tensor = items
        return x

    def to_stored(self, x: "Tensor") -> "Tensor":
        return x.detach().float().cpu()

    def facts(self, blocks: "Iterable[tuple[Items, Tensor]]", shape: Shape, classes: int) -> Facts:
        """The middle and the spread of each class, NaN for one without any."""
        points, label = map(_cat, zip(*blocks, strict=True))
        groups = [points[label == k].double() for k in range(classes)] or [points.double()]
        middle = _stack([group.mean(0) for group in groups])
        spread = _stack([(group - m).square().mean(0).sqrt() for group, m in zip(groups, middle, strict=True)])
        return Facts(places={"middle": middle, "spread": spread})

    def most(self, shape: Shape) -> int:
        return DOTS

    def size(self, shape: Shape) -> tuple[int, int]:
        return SIDE, SIDE

    def tiles(self, x: "Tensor", behind: "Tensor | None" = None, side: int = TILE) -> "Tensor":
        pictures: Tensor = _stack([_picture(point[None], behind, side, radius=2 + side / 60) for point in x])
        return pictures

    def sheet(self, x: "Tensor", columns: int, behind: "Tensor | None" = None) -> "Tensor":
        return _picture(x, behind, SIDE, radius=SIDE / 200)

    def array(self, x: "Tensor") -> "Tensor":
        return self.to_stored(x)


def _picture(points: "Tensor", behind: "Tensor | None", side: int, radius: float) -> "Tensor":
    layers = [] if behind is None else [(behind, FAINT, side / 200)]
    picture: Tensor = _scatter([*layers, (points, STRONG, radius)], REACH, side)
    return picture
