"""Pixels as pictures: walls of small images and PNG files that remember how they were made."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import torch
from PIL import ExifTags, Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from torch.nn import functional as F

from genlab.errors import BadData, BadSetting


def to_pixels(x: Tensor) -> Tensor:
    """Floats in [-1, 1] as uint8 pixels, rounded to the nearest grey level."""
    return ((x.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_model(pixels: Tensor) -> Tensor:
    """uint8 pixels [0, 255] as floats in [-1, 1]; what is such floats already stays."""
    return pixels if pixels.is_floating_point() else pixels.float() / 127.5 - 1


def brought_to(images: Tensor, shape: Sequence[int]) -> Tensor:
    """Images uint8 [n, C, H, W] at the size of others and in their mode, grey or colour: uint8 [n, *shape]."""
    channels, height, width = shape
    blocks = [block.float() for block in images.split(1024)]
    grey = [x if x.shape[1] == channels else x.mean(1, keepdim=True).expand(-1, channels, -1, -1) for x in blocks]
    sized = [F.interpolate(x, (height, width), mode="bilinear", antialias=True) for x in grey]
    return torch.cat([x.round().clamp(0, 255).to(torch.uint8) for x in sized])


def measure(
    blocks: Iterable[tuple[Tensor, Tensor]], shape: Sequence[int], classes: int
) -> tuple[dict[str, float], dict[str, float], Tensor]:
    """Statistics of pixels, each in [0, 1], block by block with their labels: mean and deviation, the shares that are exactly
    black and white, and the average image of each class, or of all where there are no classes, uint8 [K, C, H, W].
    """
    levels, counts = torch.zeros(256, dtype=torch.long), torch.zeros(max(1, classes), dtype=torch.long)
    sums = torch.zeros(len(counts), torch.Size(shape).numel())
    for images, labels in blocks:
        pixels, label = images.flatten(1), labels if classes else torch.zeros_like(labels)  # [b, C·H·W]
        levels += torch.bincount(pixels.flatten(), minlength=256)
        known = label >= 0
        sums.index_add_(0, label[known], pixels[known].float())
        counts += torch.bincount(label[known], minlength=len(counts))
    share, grey = levels.double() / levels.sum(), torch.arange(256, dtype=torch.float64) / 255
    mean = (share * grey).sum()
    deviation = float((share * (grey - mean) ** 2).sum().sqrt())
    averages = (sums / counts.clamp(min=1)[:, None]).round().to(torch.uint8).reshape(-1, *shape)
    return {"mean": float(mean), "deviation": deviation}, {"black": float(share[0]), "white": float(share[255])}, averages


def wall(pixels: Tensor, columns: int) -> Tensor:
    """Images uint8 [n, C, H, W] side by side in rows of `columns`: uint8 [C, rows·H, columns·W], grey ones staying grey."""
    if not len(pixels) or columns < 1:
        raise BadSetting(
            "A wall of {n} images in {columns} columns was asked for; both must be at least 1.", n=len(pixels), columns=columns
        )
    columns = min(columns, len(pixels))
    whole = F.pad(pixels, (0, 0, 0, 0, 0, 0, 0, -len(pixels) % columns))  # [r·c, C, H, W]  black where none are left
    rows = whole.unflatten(0, (-1, columns))  # [r, c, C, H, W]
    return rows.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)  # [C, r·H, c·W]


def picture(pixels: Tensor) -> Image.Image:
    """One image uint8 [C, H, W] with 1 or 3 channels for Pillow."""
    return Image.fromarray(pixels[0].numpy() if len(pixels) == 1 else pixels.permute(1, 2, 0).numpy())


def scatter(layers: Sequence[tuple[Tensor, str, float]], reach: float, side: int) -> Tensor:
    """Dots in the plane from -reach to reach, y upwards: uint8 [3, side, side] of layers of (points [n, 2], colour, radius)."""
    fine = 4  # dots are drawn this much larger, then brought to size, which smooths their rims
    canvas = Image.new("RGB", (side * fine, side * fine), "white")
    draw = ImageDraw.Draw(canvas)
    for points, colour, radius in layers:
        for x, y in ((points.cpu().float() * torch.tensor([1, -1]) / reach + 1) / 2 * side * fine).tolist():
            draw.circle((x, y), radius * fine, fill=colour)
    return torch.from_numpy(np.array(canvas.reduce(fine))).permute(2, 0, 1).contiguous()


def png(pixels: Tensor, text: Mapping[str, str] | None = None, taken: date | None = None) -> bytes:
    """An image uint8 [C, H, W] as a PNG file, with `text` in its text chunks, and in EXIF the day on which it was taken."""
    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    exif = Image.Exif()
    if taken:
        exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: f"{taken.isoformat().replace('-', ':')} 00:00:00"}
    buffer = io.BytesIO()
    picture(pixels).save(buffer, "png", pnginfo=info, exif=exif)
    return buffer.getvalue()


def read_png(content: bytes) -> Tensor:
    """The pixels uint8 [C, H, W] of such a file; raises BadData for what is none."""
    try:
        with Image.open(io.BytesIO(content), formats=["png"]) as image:
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as fault:
        raise BadData("This is no PNG file that can be read; give one as genlab writes it.") from fault
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
