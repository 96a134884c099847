"""Modes: how many of a mixture's are found, and how well (Metz et al. 2017, section 3.1; Srivastava et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Modes:
    """What points have of a mixture's modes."""

    found: int  # modes with at least a hundredth of all points within three standard deviations
    near: float  # share of points within three standard deviations of any mode


def modes(points: Tensor, centres: Sequence[Sequence[float]] | np.ndarray, deviation: float) -> Modes:
    """Modes at `centres` [K, D] found by points [n, D], and the share of points near one."""
    distances, mode = torch.cdist(points.double(), torch.as_tensor(np.asarray(centres)).double()).min(1)  # [n], [n]
    near = distances <= 3 * deviation
    counts = torch.bincount(mode[near], minlength=len(centres))
    return Modes(int((counts >= 0.01 * len(points)).sum()), float(near.float().mean()))
