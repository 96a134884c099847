"""Sketches: a few numbers an image by which copies find each other, moved, zoomed, turned a little, recoloured or mirrored."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.data.dataset import Dataset
from genlab.statistics import luminance

SMALL = 14  # pixels that the shorter side has at least after images were made small
WAVES = 8  # the longest in each direction make up a sketch
HALF = (
    WAVES**2 // 2
)  # of the numbers of a sketch, the first, stay as they are where an image is mirrored; the others turn their signs
SPREAD = 0.5  # deviation of what a frame shows from its middle, in units of half a side
EVENED = 0.7  # power that evens out few strong and many weak waves
FAINT = 16  # grey levels within which nothing is seen
BLOCK = 500  # images at a time


def sketches_of(data: Dataset) -> Tensor:
    """[N, WAVES²] the sketches of a dataset's images."""
    return torch.cat([sketches(data.read(slice(start, start + BLOCK))) for start in range(0, len(data), BLOCK)])


def sketches(images: Tensor) -> Tensor:
    """[n, WAVES²] of images uint8 [n, C, H, W], of length 1: how much of each wave there is; see `_spectra` for tiny ones."""
    y = small(images)[:, 0]
    even, odd = _spectra(y) if min(y.shape[1:]) < SMALL else _framed(y)
    return F.normalize(torch.cat([F.pad(part, (0, HALF - part.shape[1])) for part in (even, odd)], 1), dim=1)


def lookalikes(x: Tensor, k: int, among: Tensor | None = None) -> dict[str, np.ndarray]:
    """Distances, rows and whether mirrored [N, k] of the sketches nearest to each, itself excluded, or among others.

    Either way round is looked for at once: with e of the even numbers and o of the odd ones, e·e' + o·o' tells how like an image
    is to another, and e·e' - o·o' how like to its mirror image.
    """
    others = x if among is None else among
    even, odd = others[:, :HALF].T.contiguous(), others[:, HALF:].T.contiguous()
    found = [(x.new_empty(0, k), torch.empty(0, k, dtype=torch.int), torch.empty(0, k, dtype=torch.bool))]
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK]
        turning = part[:, HALF:] @ odd  # [b, N]
        like = (part[:, :HALF] @ even).add_(turning.abs())
        if among is None:
            like[torch.arange(len(part)), start + torch.arange(len(part))] = -torch.inf
        near = like.topk(k)
        distances = (2 - 2 * near.values).clamp(min=0).sqrt()
        found.append((distances, near.indices.int(), turning.gather(1, near.indices) < 0))
    names = ("distances", "rows", "mirrored")
    return {name: torch.cat(parts).numpy() for name, parts in zip(names, zip(*found, strict=True), strict=True)}


def small(images: Tensor) -> Tensor:
    """[n, 1, h, w] grey levels of images uint8 [n, C, H, W], smoothed and made smaller."""
    y = luminance(images)[:, None]
    by = max(1, min(y.shape[2:]) // SMALL)
    return F.avg_pool2d(y, 2 * by, by, by // 2, count_include_pad=False) if by > 1 else y


def places(side: int) -> Tensor:
    """[side] where the middles of pixels lie, from -1 to 1."""
    return (2 * torch.arange(side) + 1) / side - 1


def _framed(y: Tensor) -> tuple[Tensor, Tensor]:
    """[n, HALF] each: low cosine waves in the framed grey levels y [n, H, W], whose middle weighs most, even across and odd."""
    grid = F.affine_grid(_frames(y), [len(y), 1, *y.shape[1:]], align_corners=False)
    framed = F.grid_sample(y[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    down, across = places(y.shape[1]), places(y.shape[2])
    window = (-down.square()).exp()[:, None] * (-across.square()).exp()
    framed = (framed - (framed * window).sum((1, 2), keepdim=True) / window.sum()) * window
    waves = _cosines(down) @ framed @ _cosines(across).T  # [n, WAVES, WAVES]
    waves[:, 0, 0] = 0
    evened = waves.sign() * waves.abs().pow(EVENED)
    return evened[:, :, ::2].flatten(1), evened[:, :, 1::2].flatten(1)


def _spectra(y: Tensor) -> tuple[Tensor, Tensor]:
    """[n, low²] each: amplitudes of waves that run down to the right and to the left, their sum and difference.

    Where a pixel is an eighth of the picture, nothing else is left as it is by a shift.
    """
    low = max(1, min(y.shape[1:]) // 2)
    waves = torch.fft.rfft2(y - y.mean((1, 2), keepdim=True)).abs().sqrt()[:, :, :low]
    right, left = waves[:, :low], waves.flip(1).roll(1, 1)[:, :low]
    return (right + left).flatten(1), (right - left).flatten(1)


def _frames(y: Tensor) -> Tensor:
    """[n, 2, 3] maps from the frame to where things are seen in grey levels y [n, H, W], whose middle and spread it takes.

    Things are what differs from the median grey. What is seen at the edge goes on beyond it, so that its middle and spread mean
    little; the more there is of it, the more the frame is the picture's own.
    """
    seen = (y - y.flatten(1).median(1).values[:, None, None]).abs().sub(FAINT).clamp(min=1e-3)
    down, across = places(y.shape[1]), places(y.shape[2])
    edge = torch.ones(y.shape[1:])
    edge[1:-1, 1:-1] = 0
    alone = (1 - (seen * edge).sum((1, 2)) / edge.sum() / seen.mean((1, 2))).clamp(0, 1)
    rows, columns = (seen.sum(side) / seen.sum((1, 2))[:, None] for side in (2, 1))
    top, left = rows @ down, columns @ across
    spread = (rows @ down.square() - top.square() + columns @ across.square() - left.square()).clamp(min=0).div(2).sqrt()
    zoom, none = (spread / SPREAD).clamp(0.3, 1.5) ** alone, torch.zeros_like(alone)
    return torch.stack([zoom, none, left * alone, none, zoom, top * alone], 1).reshape(-1, 2, 3)


def _cosines(at: Tensor) -> Tensor:
    """[WAVES, side] waves at places."""
    return torch.cos(math.pi / 2 * torch.arange(WAVES)[:, None] * (at + 1))
