"""Drawing: pixels as text that an <img> shows, at their own size; the page scales them."""

import base64
from pathlib import Path

from torch import Tensor

from genlab import images


def data_uri(pixels: Tensor) -> str:
    """One picture, uint8 [C, H, W], as a data URI."""
    return _uri(images.png(pixels))


def file_uri(path: Path) -> str:
    """A PNG file as a data URI."""
    return _uri(path.read_bytes())


def wall(pixels: Tensor, columns: int) -> str:
    """Pictures, uint8 [n, C, H, W], in rows of `columns` as the data URI of one picture."""
    return data_uri(images.wall(pixels, columns))


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
