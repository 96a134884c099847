"""Points: distributions in the plane that one can see whole, computed from a few numbers, within [-1, 1] × [-1, 1]."""

import numpy as np

MODES, RADIUS, DEVIATION = 8, 0.75, 0.03  # of `gaussians`: neighbouring modes are 19 standard deviations apart
RADII, BLUR = (0.25, 0.5, 0.75), 0.02  # of `rings`
TURNS, THICKNESS = 2.25, 0.015  # of `swiss-roll`

Drawn = tuple[np.ndarray, dict[str, np.ndarray]]  # points float32 [n, 2] and their columns


def gaussian_centres() -> np.ndarray:
    """[8, 2] the middles of the modes of `gaussians`."""
    return RADIUS * _on_circle(np.arange(MODES) * 2 * np.pi / MODES)


def draw_gaussians(n: int, seed: int) -> Drawn:
    """Eight Gaussians on a ring, alike in weight; the label is the mode."""
    random = np.random.default_rng(seed)
    mode = random.integers(0, MODES, n)
    return _kept(gaussian_centres()[mode] + DEVIATION * random.standard_normal((n, 2))), {"label": mode}


def draw_rings(n: int, seed: int) -> Drawn:
    """Three rings around one middle, as dense along the small one as along the large; the label is the ring."""
    random = np.random.default_rng(seed)
    ring = random.choice(len(RADII), n, p=np.array(RADII) / sum(RADII))
    radius = np.array(RADII)[ring] + BLUR * random.standard_normal(n)
    return _kept(radius[:, None] * _on_circle(random.uniform(0, 2 * np.pi, n))), {"label": ring}


def draw_swiss_roll(n: int, seed: int) -> Drawn:
    """One band, rolled up from near the middle out to the rim, without labels."""
    random = np.random.default_rng(seed)
    out = np.sqrt(random.uniform(0.2**2, 1, n))  # how far from the middle, as dense outside as inside
    band = 0.9 * out[:, None] * _on_circle(2 * np.pi * TURNS * out)
    return _kept(band + THICKNESS * random.standard_normal((n, 2))), {}


def _on_circle(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _kept(points: np.ndarray) -> np.ndarray:
    return points.clip(-1, 1).astype(np.float32)
