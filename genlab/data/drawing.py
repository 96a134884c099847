"""Drawing: points that a person put on the plane, checked and kept as a dataset of one's own."""

from collections.abc import Sequence

import numpy as np

from genlab.data.dataset import Splits
from genlab.data.library import save_dataset
from genlab.data.sources import Part
from genlab.errors import BadData
from genlab.messages import Message

LEAST, MOST = 20, 20_000  # points of a drawing
CLASSES = ("A", "B", "C", "D")  # one for each colour that one can draw with


def save_drawing(name: str, points: Sequence[Sequence[float]], colours: Sequence[int]) -> Splits:
    """Keep points [n, 2] within [-1, 1] and the colour [n] of each, a number of `CLASSES`; several colours become classes.

    Raises BadData, or BadSetting for the name, with a sentence on what is wrong; nothing is kept then.
    """
    items = check_points(points)
    labels = np.asarray(colours)
    if labels.shape != (len(items),) or labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < len(CLASSES))).all():
        raise BadData("Every point needs a colour, a whole number from 0 to {last}.", last=len(CLASSES) - 1)
    used = np.unique(labels)
    several = len(used) > 1
    classes = [CLASSES[colour] for colour in used] if several else []
    columns = {"label": np.searchsorted(used, labels)} if several else {}
    about = Message("{n:,} points drawn by hand", n=len(items))
    return save_dataset(name, {"train": Part(items, columns)}, classes, about, "points")


def check_points(points: Sequence[Sequence[float]]) -> np.ndarray:
    """The points as float32 [n, 2]; raises BadData unless there are enough of them, all finite and within [-1, 1]."""
    try:
        items: np.ndarray = np.atleast_1d(np.asarray(points, dtype=np.float32))
    except (TypeError, ValueError):
        items = np.empty(1)
    if items.shape not in ((len(items), 2), (0,)):
        raise BadData("A drawing is a list of points of two numbers each, x and y.")
    if not LEAST <= len(items) <= MOST:
        raise BadData(
            "The drawing has {n:,} points; it must have from {least} to {most:,}.", n=len(items), least=LEAST, most=MOST
        )
    if not np.isfinite(items).all():
        raise BadData("Some points of the drawing are not finite numbers (NaN or infinity); draw them again.")
    if (outside := (np.abs(items) > 1).any(axis=1).sum()) > 0:
        raise BadData("{n:,} points of the drawing lie outside of the plane; x and y must be from -1 to 1.", n=outside)
    return items
