"""Latent spaces: their axes, walks through them, and pictures of where one is."""

from genlab.latent import pad
from genlab.latent.space import (
    FEW,
    MOST,
    REACH,
    SEED,
    Axes,
    Path,
    axes_along,
    axes_of,
    draw,
    from_text,
    lerp,
    shares,
    slerp,
    to_text,
    traverse,
    walk,
)

__all__ = [
    "FEW",
    "MOST",
    "REACH",
    "SEED",
    "Axes",
    "Path",
    "axes_along",
    "axes_of",
    "draw",
    "from_text",
    "lerp",
    "pad",
    "shares",
    "slerp",
    "to_text",
    "traverse",
    "walk",
]
