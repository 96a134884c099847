"""Latent spaces: their axes (`space`), walks through them, pictures of where one is.

`directions` have a meaning; `probe` tells why a picture is as it is, `disentangle` whether axes are the data's factors.
"""

from typing import TYPE_CHECKING

from genlab.lazy import on_use

if TYPE_CHECKING:
    from genlab.latent import directions, film, pad
    from genlab.latent.directions import Direction, Shelf, along_factor, arithmetic, between, between_classes
    from genlab.latent.disentangle import Disentanglement, disentanglement
    from genlab.latent.probe import jacobian, lengths, mix
    from genlab.latent.space import (
        FEW,
        MOST,
        REACH,
        SEED,
        Axes,
        Way,
        axes_along,
        axes_of,
        draw,
        from_text,
        items,
        lerp,
        read_axes,
        shares,
        slerp,
        to_text,
        tour,
        traverse,
        walk,
        write_axes,
    )

__all__ = [
    "FEW",
    "MOST",
    "REACH",
    "SEED",
    "Axes",
    "Direction",
    "Disentanglement",
    "Shelf",
    "Way",
    "along_factor",
    "arithmetic",
    "axes_along",
    "axes_of",
    "between",
    "between_classes",
    "directions",
    "disentanglement",
    "draw",
    "film",
    "from_text",
    "items",
    "jacobian",
    "lengths",
    "lerp",
    "mix",
    "pad",
    "read_axes",
    "shares",
    "slerp",
    "to_text",
    "tour",
    "traverse",
    "walk",
    "write_axes",
]

__getattr__, __dir__ = on_use(__name__)
