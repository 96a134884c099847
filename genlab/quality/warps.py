"""Warps: how much images differ once one is moved, zoomed, turned a little and recoloured to be as like the other as can be."""

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.algebra import solutions
from genlab.sketches import places, small
from genlab.statistics import luminance

ROUGH = (0.8, 0.5, 0.35, 0.27)  # what copies may differ by as small images after 0, 1, 2, 3 rounds of fitting
FINE = (0.3, 0.17, 0.15, 0.14)  # and as whole ones
STEP = 0.15  # of half a side, the most that one round moves, zooms or turns
ZOOM, TURN, SHIFT, SEEN = (
    1.45,
    0.15,
    0.3,
    0.6,
)  # the most that the whole does (as a factor, in radians, of half a side), the least
PART = 500  # pairs at a time
FLAT = 4  # grey levels: deviation below which there is nothing to be fitted


def fitted(a: Tensor, b: Tensor) -> Tensor:
    """[n] how much images uint8 [n, C, H, W] differ at best, by the contrast of one; infinity where there is no hope of little.

    A copy is a resampled original, and resampling the original once more is what comes closest to it: both ways round are tried.
    """
    best = torch.full((len(a),), torch.inf)
    for part in torch.arange(len(a)).split(PART) if len(a) else ():
        x, y = a[part], b[part]
        rough, there = _nearest(small(x), small(y), torch.eye(2, 3).repeat(len(x), 1, 1), ROUGH)
        hopeful = rough < torch.inf
        if not hopeful.any():
            continue
        x, y, there = x[hopeful], y[hopeful], there[hopeful]
        ways = ((x, y, there), (y, x, _undone(there)))
        differ = [_nearest(luminance(to)[:, None], of.float(), way, FINE)[0] for to, of, way in ways]
        best[part[hopeful]] = torch.minimum(*differ)
    return best


def _nearest(y: Tensor, x: Tensor, warps: Tensor, hopes: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Difference [n] of y [n, 1, H, W] from x [n, C, H, W] at the best warps met, and these; infinity where hope was given up.

    Each round is one of Gauss and Newton's: least squares on what a small warp would change (Lucas & Kanade 1981; composed as in
    Baker & Matthews 2004, section 3.2). Whatever differs by more than is hoped for after a round is left as it is.
    """
    best, kept, rows = torch.full((len(y),), torch.inf), warps.clone(), torch.arange(len(y))
    seen, likened = _likened(y, x, warps)
    for hope in hopes:
        differ = _difference(y, likened, seen).where(_possible(warps) & (seen.mean((1, 2)) > SEEN), torch.inf)
        better = differ < best[rows]
        best[rows[better]], kept[rows[better]] = differ[better], warps[better]
        hopeful = best[rows] < hope
        best[rows[~hopeful]] = torch.inf
        if not hopeful.any() or hope == hopes[-1]:
            break
        rows, y, x, warps, seen, likened = (each[hopeful] for each in (rows, y, x, warps, seen, likened))
        warps = _composed(warps, _small_step(y, likened, seen))
        seen, likened = _likened(y, x, warps)
    return best, kept


def _likened(y: Tensor, x: Tensor, warps: Tensor) -> tuple[Tensor, Tensor]:
    """Where y is seen in the warped x, and the mix of its colours that is likest to y; both [n, H, W]."""
    grid = F.affine_grid(warps, [len(y), 1, *y.shape[2:]], align_corners=False)
    warped = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    seen = (grid.abs() <= 1).all(-1).float()
    columns = torch.cat([warped, torch.ones_like(y)], 1).flatten(2)  # [n, C + 1, P]
    mixed = (_solved(columns, y, seen)[:, None] @ columns).reshape(seen.shape)
    return seen, mixed


def _small_step(y: Tensor, likened: Tensor, seen: Tensor) -> Tensor:
    """[n, 5] by how much to move, to zoom across and down, and to turn, in units of half a side."""
    height, width = likened.shape[1:]
    padded = F.pad(likened[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) * (width / 4)
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) * (height / 4)
    u, v = places(width), places(height)[:, None]
    columns = [likened, torch.ones_like(likened), across, down, across * u, down * v, down * u - across * v]
    found = _solved(torch.stack(columns, 1).flatten(2), y, seen)
    return (found[:, 2:] / found[:, :1].clamp(min=0.3)).clamp(-STEP, STEP)


def _solved(columns: Tensor, y: Tensor, seen: Tensor) -> Tensor:
    """[n, k] the least-squares weights of columns [n, k, P] for y where it is seen, all but the shortest where there are many."""
    weighed = columns * seen.flatten(1)[:, None]
    gram = weighed @ columns.mT  # [n, k, k]
    scale = gram.diagonal(dim1=1, dim2=2).clamp(min=1e-3).sqrt()
    unit = gram / (scale[:, :, None] * scale[:, None]) + 1e-4 * torch.eye(gram.shape[1])
    return solutions(unit, weighed @ y.flatten(1)[:, :, None] / scale[:, :, None])[..., 0] / scale


def _difference(y: Tensor, likened: Tensor, seen: Tensor) -> Tensor:
    """[n] root of the mean square, by the contrast of what is seen of y; of flat images nothing can be said."""
    count = seen.sum((1, 2)).clamp(min=1)

    def mean(values: Tensor) -> Tensor:
        return (values * seen).sum((1, 2)) / count

    y = y[:, 0]
    contrast = mean((y - mean(y)[:, None, None]).square()).sqrt()
    return (mean((y - likened).square()).sqrt() / contrast.clamp(min=1)).where(contrast > FLAT, torch.inf)


def _possible(warps: Tensor) -> Tensor:
    """[n] whether a warp is one that leaves a copy, not one that makes another picture of it."""
    zoom, turn, shift = warps[:, [0, 1], [0, 1]], (warps[:, 1, 0] - warps[:, 0, 1]) / 2, warps[:, :, 2]
    return ((zoom < ZOOM) & (zoom > 1 / ZOOM) & (shift.abs() < SHIFT)).all(1) & (turn.abs() < TURN)


def _composed(warps: Tensor, step: Tensor) -> Tensor:
    """[n, 2, 3] the step first, then the warps."""
    right, low, wide, high, turn = step.T
    small = torch.stack([1 + wide, -turn, right, turn, 1 + high, low], 1).reshape(-1, 2, 3)
    moved = warps[:, :, :2] @ small
    return torch.cat([moved[:, :, :2], moved[:, :, 2:] + warps[:, :, 2:]], 2)


def _undone(warps: Tensor) -> Tensor:
    """[n, 2, 3] the way back."""
    inverse = solutions(warps[:, :, :2], torch.eye(2).expand(len(warps), 2, 2))
    return torch.cat([inverse, -inverse @ warps[:, :, 2:]], 2)
