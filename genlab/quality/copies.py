"""Copies: what people and programs do to images uint8 [C, H, W], and to documents, that they pass on.

Every random draw belongs to an item.
"""

import re
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy.ndimage import rotate

from genlab.quality.degrade import as_pixels, recompressed
from genlab.statistics import LUMINANCE

Copy = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def nearly(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Shifted, recompressed or brightened."""
    match random.integers(3):
        case 0:
            return _shifted(image, max(1, round(2 * severity)), random)
        case 1:
            return recompressed(image[None], round(100 - 80 * severity))[0]
        case _:
            return as_pixels(image * (1 + 0.4 * severity))


def cropped(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Cropped by a pixel or more on each side, at severity 0.5 by one or two, and brought back to its size."""
    height, width = image.shape[1:]
    most = min(max(1, round(4 * severity)), (min(height, width) - 1) // 2)
    left, top, right, bottom = random.integers(min(1, most), most + 1, 4).tolist()
    box = (left, top, width - right, height - bottom)
    return np.stack([np.asarray(Image.fromarray(c).resize((width, height), Image.Resampling.BICUBIC, box)) for c in image])


def turned(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Turned either way, at severity 0.5 by up to five degrees and at least half as much."""
    degrees = 10 * severity * random.uniform(0.5, 1) * random.choice((-1, 1))
    return as_pixels(rotate(image.astype(np.float32), degrees, (1, 2), reshape=False, mode="nearest"))


def mirrored(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Left for right."""
    return image[:, :, ::-1]


def recoloured(image: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Poorer in contrast; where there are colours, tinted, of other hues or grey instead."""
    if len(image) == 1:
        return _faded(image, severity)
    match random.integers(4):
        case 0:
            return _faded(image, severity)
        case 1:
            return as_pixels(image * (1 + 0.6 * severity * random.uniform(-1, 1, (3, 1, 1))))
        case 2:
            return as_pixels(np.tensordot(_hue(120 * severity * random.uniform(0.5, 1)), image, 1))
        case _:
            return as_pixels(np.tensordot(np.tile(LUMINANCE, (3, 1)), image, 1))


COPIES: dict[str, Copy] = {
    "near": nearly,
    "cropped": cropped,
    "turned": turned,
    "mirrored": mirrored,
    "recoloured": recoloured,
}


def retold(document: bytes, severity: float, random: np.random.Generator) -> bytes:
    """Wrapped anew, in capitals, or with words dropped, doubled or swapped, at severity 0.5 one in twenty; at least one."""
    way = random.integers(3)
    words = re.split(rb"(\s+)", document)  # and between them what separates them
    if way == 0:
        width = int(random.integers(30, 100))
        ends = np.cumsum([len(word) for word in words]) // width
        broken = [b"\n" if i % 2 and ends[i] > ends[i - 1] else b" " if i % 2 else word for i, word in enumerate(words)]
        copy = b"".join(broken).strip()
    else:
        copy = document.upper() if way == 1 else document
    return copy if copy != document else _reworded(words, severity, random)


def _reworded(words: list[bytes], severity: float, random: np.random.Generator) -> bytes:
    places = [i for i in range(0, len(words), 2) if words[i]]
    count = min(len(places), max(1, round(0.1 * severity * len(places))))
    chosen: list[int] = random.choice(places, count, replace=False).tolist() if places else []
    words = [*words, b"", b""]
    for i in sorted(chosen):
        match random.integers(3):
            case 0:
                words[i] = words[i + 1] = b""
            case 1 if words[i + 2] not in (b"", words[i]):
                words[i], words[i + 2] = words[i + 2], words[i]
            case _:
                words[i] += (words[i + 1] or b" ") + words[i]
    return b"".join(words)


def _shifted(image: np.ndarray, by: int, random: np.random.Generator) -> np.ndarray:
    down, right = ((by, 0), (0, by), (-by, 0), (0, -by))[random.integers(4)]
    padded = np.pad(image, ((0, 0), (by, by), (by, by)), mode="edge")
    return padded[:, by - down : by - down + image.shape[1], by - right : by - right + image.shape[2]]


def _faded(image: np.ndarray, severity: float) -> np.ndarray:
    """Drawn towards middle grey, by four tenths of the way at severity 0.5."""
    return as_pixels(128 + (image.astype(np.float32) - 128) * (1 - 0.8 * severity))


def _hue(degrees: float) -> np.ndarray:
    """[3, 3] a turn of the colours about grey (Rodrigues 1840)."""
    turn, axis = np.deg2rad(degrees), np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    return np.cos(turn) * np.eye(3) + np.sin(turn) * across + (1 - np.cos(turn)) * axis
