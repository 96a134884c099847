"""Drawing: pixels as PNG files, data URIs and walls, at their own size; the page scales them."""

import base64
import io
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor


def png(pixels: Tensor, text: Mapping[str, str] | None = None) -> bytes:
    """A uint8 picture [C, H, W] of one or three channels as a PNG, with `text` in its text chunks."""
    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    file = io.BytesIO()
    Image.fromarray(_rows(pixels)).save(file, "png", pnginfo=info, compress_level=1)
    return file.getvalue()


def data_uri(pixels: Tensor) -> str:
    """A uint8 picture [C, H, W] as text that an <img> shows."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def wall(images: Tensor, columns: int) -> Tensor:
    """uint8 images [N, C, H, W] side by side in rows of `columns`, as one picture; what is left over is black."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    tiles = images.new_zeros(rows * columns, channels, height, width)
    tiles[:n] = images
    grid = tiles.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(channels, rows * height, columns * width)


def _rows(pixels: Tensor) -> np.ndarray:
    array = pixels.cpu().numpy()
    return np.ascontiguousarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0))
