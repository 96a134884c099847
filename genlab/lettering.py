"""Lettering: texts as bytes, as pictures of their first lines, and as counts of the runs of bytes in them."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from genlab.errors import BadData

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # how a file begins that tells its encoding
CONTROL = {chr(i) for i in range(32)} - set("\t\n\r\f\v\x1b")  # what no text has in it


def decoded(content: bytes) -> str:
    """The text of a file, in UTF-8 or in what its first bytes tell; raises BadData for what is none."""
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as fault:
        raise BadData("This is no text in UTF-8 or UTF-16 (byte {place:,} fits neither).", place=fault.start) from fault
    if CONTROL & set(text):
        raise BadData("This is no text: there are control characters in it, as in programs and pictures.")
    return text


def lettered(texts: Sequence[str], lines: int, columns: int, letter: tuple[int, int]) -> Tensor:
    """The first lines of each text, black on white: uint8 [n, 1, lines·h, columns·w] in letters of h×w pixels."""
    rows = [line for text in texts for line in _wrapped(text, lines, columns)]
    signs = sorted(set("".join(rows)))
    places = np.searchsorted(signs, [list(row) for row in rows])  # [n·lines, columns]
    glyphs = np.stack([_glyph(sign, *letter) for sign in signs])
    ink = glyphs[places].reshape(len(texts), lines, columns, *letter).transpose(0, 1, 3, 2, 4)
    return torch.from_numpy(ink.reshape(len(texts), 1, lines * letter[0], columns * letter[1]))


def grams(items: Sequence[Tensor], size: int) -> Tensor:
    """[n, size] square roots of the shares of runs of one to three bytes in each document, by their hash."""
    lengths = np.array([len(item) for item in items])
    flat = np.concatenate([np.zeros(0, np.uint8), *(item.numpy() for item in items)]).astype(np.uint32)
    owner, left = np.repeat(np.arange(len(items)), lengths), np.repeat(lengths.cumsum(), lengths) - np.arange(len(flat))
    counts, code = np.zeros(len(items) * size), np.zeros(len(flat), np.uint32)
    for run in range(3):
        code[: len(flat) - run] = code[: len(flat) - run] * 257 + flat[run:] + 1
        whole = left > run  # runs that end within their document
        hashed = (code[whole] * np.uint32(2654435761) >> np.uint32(16)) % size  # Knuth's multiplicative hash
        counts += np.bincount(owner[whole] * size + hashed, minlength=len(counts))
    shares = torch.from_numpy(counts.reshape(len(items), size)).float()
    return (shares / shares.sum(1, keepdim=True).clamp(min=1)).sqrt()


def _wrapped(text: str, lines: int, columns: int) -> list[str]:
    """The first lines of a text, each filled up to the same length."""
    start = text[: 4 * lines * columns].expandtabs(4)
    rows = [line[i : i + columns] for line in start.splitlines() for i in range(0, max(1, len(line)), columns)]
    return [row.ljust(columns) for row in [*rows, *[""] * lines][:lines]]


@lru_cache(maxsize=4096)
def _glyph(sign: str, height: int, width: int) -> np.ndarray:
    """A letter, uint8 [h, w]."""
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).text((0, 0), sign, fill=0, font=_font(height))
    return np.array(picture)


@lru_cache(maxsize=4)
def _font(height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), round(height * 0.86))
