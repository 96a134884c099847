"""Sprites: one shape an image, drawn from six known factors, so that latent directions can be measured."""

from colorsys import hsv_to_rgb, rgb_to_hsv

import numpy as np

FACTORS = ("shape", "size", "angle", "x", "y", "hue")
SIDE = 32
AREAS = {0: 4.0, 1: np.pi / 2, 2: 1.87}  # of each shape at size 1
ANGLES = 24  # that are told apart


def draw_sprites(n: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images uint8 [n, 3, 32, 32] and their columns: label (the shape) and factors [n, 6], drawn independently.

    Shape is 0 square, 1 ellipse or 2 triangle; size is half the width in pixels, 4 to 9; angle in radians, 0 to π/2;
    x and y are the centre in pixels, 11 to 21; hue from 0 (red) to 0.75 (violet).
    """
    random = np.random.default_rng(seed)
    shape = random.integers(0, 3, n)
    low, high = np.array([(4, 9), (0, np.pi / 2), (11, 21), (11, 21), (0, 0.75)]).T
    factors = np.column_stack([shape, random.uniform(low, high, (n, 5))]).astype(np.float32)  # [n, 6]
    return np.stack([draw(row) for row in factors]), {"label": shape, "factors": factors}


def draw(factors: np.ndarray) -> np.ndarray:
    """One image, uint8 [3, 32, 32], from its factors [6]."""
    colour = np.array(hsv_to_rgb(float(factors[5]), 0.85, 1.0))[:, None, None]
    return (_coverage(*map(float, factors[:5])) * colour * 255).round().astype(np.uint8)


def measure(images: np.ndarray) -> np.ndarray:
    """Factors [n, 6] read off images uint8 [n, 3, 32, 32], drawn by whomever.

    Place and hue are those of the middle and the mean colour; of all shapes and angles those are taken whose sprite of that
    place and area is most alike.
    """
    return np.stack([_measured(image) for image in images]).astype(np.float32)


def _measured(image: np.ndarray) -> np.ndarray:
    coverage = image.max(0) / 255  # the strongest channel of any hue is 1
    area = max(coverage.sum(), 1e-6)
    x, y = ((coverage * (axis + 0.5)).sum() / area for axis in np.mgrid[0:SIDE, 0:SIDE][::-1])
    red, green, blue = (image * coverage).sum((1, 2)) / (255 * area)
    guesses = [
        (shape, np.sqrt(area / AREAS[shape]), angle, x, y) for shape in AREAS for angle in np.linspace(0, np.pi / 2, ANGLES)
    ]
    best = min(guesses, key=lambda guess: np.square(_coverage(*guess) - coverage).sum())
    return np.array([*best, rgb_to_hsv(red, green, blue)[0]])


def _coverage(shape: float, size: float, angle: float, x: float, y: float) -> np.ndarray:
    """[32, 32] share of each pixel that a shape covers."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    distance = _distance(int(shape), u / size, v / size) * size  # pixels to the edge, negative inside
    return np.clip(0.5 - distance, 0, 1)  # anti-aliased over one pixel


def _distance(shape: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance to the edge of a shape of half-width 1; exact enough near the edge, where it matters."""
    if shape == 0:
        return np.maximum(np.abs(u), np.abs(v)) - 1
    if shape == 1:
        return (np.hypot(u, v / 0.5) - 1) * 0.6
    slope = np.array([np.sqrt(3) / 2, 0.5])
    return np.maximum(np.abs(u) * slope[0] + v * slope[1], -v) - 0.6
