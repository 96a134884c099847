"""Curves: series as pictures, and what tells them apart."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

REACH = 1.2  # a picture shows values from -REACH to REACH
COLOURS = ("#0f766e", "#b45309", "#7c3aed", "#be123c", "#0369a1", "#4d7c0f")  # of the channels, in turn
FINE = 2  # pictures are drawn this much larger, then brought to size, which smooths their lines
LEVELS = torch.linspace(0, 1, 9)  # of values and of steps, whose quantiles tell series apart


def curves(x: Tensor, height: int, width: int) -> Tensor:
    """The channels of a series x [T, C] over time, on white with a line at 0: uint8 [3, height, width]; gaps stay gaps."""
    canvas = Image.new("RGB", (width * FINE, height * FINE), "white")
    draw = ImageDraw.Draw(canvas)
    draw.line([(0, height * FINE / 2), (width * FINE, height * FINE / 2)], fill="#e5e7eb", width=FINE)
    known = ~x.isnan()
    length = max([1, *(known.any(1).nonzero()[:, 0] + 1).tolist()])  # up to the last value
    across = np.linspace(0.5, width - 0.5, max(2, length)) * FINE
    down = (1 - x.clamp(-REACH, REACH) / REACH) / 2 * (height - 2) * FINE + FINE
    for channel in range(x.shape[1]):
        colour = COLOURS[channel % len(COLOURS)]
        for run in runs(known[:length, channel]):
            points = [(across[t], float(down[t, channel])) for t in run]
            draw.line(points if len(points) > 1 else points * 2, fill=colour, width=round(1.5 * FINE), joint="curve")
    return torch.from_numpy(np.array(canvas.reduce(FINE))).permute(2, 0, 1).contiguous()


def runs(known: Tensor) -> list[range]:
    """Where what is known [T] goes on without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.int().numpy(), [0]])))
    return [range(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def marks(items: Sequence[Tensor], lags: int) -> Tensor:
    """[n, C·(18 + 2·lags)] what tells series apart, whenever they begin: quantiles of their values and of their steps, how
    like themselves they are after 1, 2, … steps, and the shares of as many bands of frequencies.
    """
    return torch.stack([torch.cat([_marks(channel, lags) for channel in filled(item).T]) for item in items])


def filled(x: Tensor) -> Tensor:
    """A series [T, C] without gaps: what lies between two values goes from one to the other in a straight line; 0 for all-NaN."""
    values = x.numpy()
    whole, times = np.zeros_like(values), np.arange(len(values))
    for channel, column in enumerate(values.T):
        known = ~np.isnan(column)
        if known.any():
            whole[:, channel] = np.interp(times, times[known], column[known])
    return torch.from_numpy(whole)


def _marks(x: Tensor, lags: int) -> Tensor:
    x = F.pad(x, (0, max(0, 4 * lags - len(x))))
    centred = x - x.mean()
    power = torch.fft.rfft(centred, n=2 * len(x)).abs().square()
    alike = torch.fft.irfft(power)[: lags + 1]  # Wiener–Khinchin
    bands = torch.stack([band.sum() for band in power[1:].tensor_split(lags)]) / power.sum().clamp(min=1e-12)
    return torch.cat([x.quantile(LEVELS), x.diff().quantile(LEVELS), alike[1:] / alike[0].clamp(min=1e-12), bands.sqrt()])
