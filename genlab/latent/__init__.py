"""Latent spaces: their axes (`space`), walks through them, pictures of where one is; `directions` with a meaning."""

from genlab.latent import pad
from genlab.latent.directions import Direction, Shelf, along_factor, arithmetic, between
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
    "Direction",
    "Path",
    "Shelf",
    "along_factor",
    "arithmetic",
    "axes_along",
    "axes_of",
    "between",
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
