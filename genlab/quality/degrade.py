"""Degrade: what cameras, cables and codecs do to images uint8 [n, C, H, W]; every random draw belongs to an item."""

import io
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

Images = np.ndarray


def gaussian(images: Images, severity: float, random: Iterable[np.random.Generator]) -> Images:
    """Normal noise on every value; its deviation is a fifth of the range at severity 1."""
    noise = np.stack([draw.standard_normal(images.shape[1:], np.float32) for draw in random])
    return as_pixels(images + 0.2 * severity * 255 * noise)


def salt_and_pepper(images: Images, severity: float, random: Iterable[np.random.Generator]) -> Images:
    """Black or white pixels, a tenth of all at severity 1."""
    noisy = images.copy()
    flat = noisy.reshape(*noisy.shape[:2], -1)
    count = round(0.1 * severity * flat.shape[2])
    for image, draw in zip(flat, random, strict=True):
        image[:, draw.choice(flat.shape[2], count, replace=False)] = 255 * draw.integers(0, 2, count)
    return noisy


def blur(images: Images, severity: float, random: Iterable[np.random.Generator]) -> Images:
    """A Gaussian blur, whose deviation is two pixels at severity 1."""
    sigma = 2 * severity
    return as_pixels(gaussian_filter(images.astype(np.float32), (0, 0, sigma, sigma), mode="nearest"))


def jpeg(images: Images, severity: float, random: Iterable[np.random.Generator]) -> Images:
    """Compressed as a JPEG file, of quality 40 at severity 0 and 1 at severity 1."""
    return recompressed(images, max(1, round(40 * (1 - severity))))


def recompressed(images: Images, quality: int) -> Images:
    """The images after a way through a JPEG file."""
    return np.stack([_through_jpeg(image, quality) for image in images]) if len(images) else images


def as_pixels(values: np.ndarray) -> Images:
    """Floats as the nearest grey levels."""
    return values.round().clip(0, 255).astype(np.uint8)


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(buffer, "jpeg", quality=quality)
    pixels = np.asarray(Image.open(buffer))
    return pixels[None] if len(image) == 1 else pixels.transpose(2, 0, 1)


DEGRADATIONS: dict[str, Callable[[Images, float, Iterable[np.random.Generator]], Images]] = {
    "gaussian": gaussian,
    "salt-and-pepper": salt_and_pepper,
    "blur": blur,
    "jpeg": jpeg,
}
