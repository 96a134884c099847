"""Sprites: one shape an image, drawn from six known factors, so that latent directions can be measured."""

from colorsys import hsv_to_rgb

import numpy as np

FACTORS = ("shape", "size", "angle", "x", "y", "hue")
SIDE = 32


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
    shape, size, angle, x, y, hue = map(float, factors)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    distance = _distance(int(shape), u / size, v / size) * size  # pixels to the edge, negative inside
    coverage = np.clip(0.5 - distance, 0, 1)  # anti-aliased over one pixel
    colour = np.array(hsv_to_rgb(hue, 0.85, 1.0))[:, None, None]
    return (coverage * colour * 255).round().astype(np.uint8)


def _distance(shape: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance to the edge of a shape of half-width 1; exact enough near the edge, where it matters."""
    if shape == 0:
        return np.maximum(np.abs(u), np.abs(v)) - 1
    if shape == 1:
        return (np.hypot(u, v / 0.5) - 1) * 0.6
    slope = np.array([np.sqrt(3) / 2, 0.5])
    return np.maximum(np.abs(u) * slope[0] + v * slope[1], -v) - 0.6
