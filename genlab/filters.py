"""Filters: images are seen by random patches of their own as filters, whitened, rectified and pooled.

Coates & Ng 2011, "The importance of encoding versus training with sparse coding and vector quantization". Nothing is downloaded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.algebra import eigen

FILTERS, GRID, LARGEST = 128, 2, 32  # the pooled features are 2 · FILTERS · GRID² a image of at most LARGEST pixels a side
RECTIFIED = 0.25  # below which an answer of a filter counts as none


class Filters:
    """Random patches of some images uint8 [N, C, H, W] as filters; what they answer to any images of that shape."""

    def __init__(self, sample: Tensor) -> None:
        self.kernel, self.offset, self.width = _filters(_small(sample))

    def answers(self, images: Tensor) -> Tensor:
        """[n, D] pooled answers to images uint8 [n, C, H, W]; few of them stay in the processor's cache."""
        return _answer(_small(images), self.kernel, self.offset, self.width)


def _small(images: Tensor) -> Tensor:
    """Floats in [0, 1] of at most LARGEST pixels a side."""
    x = images.float() / 255
    side = max(x.shape[-2:])
    return x if side <= LARGEST else F.interpolate(x, scale_factor=LARGEST / side, mode="area")


def _filters(x: Tensor, patches: int = 20_000) -> tuple[Tensor, Tensor, int]:
    """Patches of the images as filters: kernel [F, C, w, w], what to take off their answers [F, 1, 1], and w in pixels.

    A patch p answers to another q as the whitened cosine of their contrast-normalised pixels.
    """
    generator = torch.Generator().manual_seed(0)
    count, channels, height, width = x.shape
    w = min(6, max(2, min(height, width) // 4 + 1))
    at = [torch.randint(high, (patches,), generator=generator) for high in (count, height - w + 1, width - w + 1)]
    p = torch.stack([x[i, :, top : top + w, left : left + w].flatten() for i, top, left in zip(*at, strict=True)])
    p = p - p.mean(1, keepdim=True)
    p = p / (p.var(1, keepdim=True) + _FAINT).sqrt()
    mean = p.mean(0)
    values, vectors = eigen((p - mean).T @ (p - mean) / patches)
    whiten = vectors @ torch.diag((values + 0.1).rsqrt()) @ vectors.T
    chosen = F.normalize((p[torch.randperm(patches, generator=generator)[:FILTERS]] - mean) @ whiten, dim=1) @ whiten
    kernel = chosen - chosen.mean(1, keepdim=True)  # which takes the mean off each patch it meets
    return kernel.reshape(-1, channels, w, w), (chosen @ mean)[:, None, None], w


_FAINT = 100 / 255**2  # variance below which a patch counts as empty


def _answer(x: Tensor, kernel: Tensor, offset: Tensor, w: int) -> Tensor:
    """[n, D] pooled answers, split into agreement and disagreement."""
    n = kernel[0].numel()
    box = torch.full((1, x.shape[1], w, w), 1 / n)
    mean, square = F.conv2d(x, box), F.conv2d(x * x, box)
    contrast = ((square - mean * mean).clamp_(min=0) * (n / (n - 1)) + _FAINT).sqrt_()
    answer = F.conv2d(x, kernel).div_(contrast).sub_(offset)
    agree = F.adaptive_avg_pool2d(F.relu(answer - RECTIFIED), GRID)
    differ = F.adaptive_avg_pool2d(F.relu_(answer.neg_().sub_(RECTIFIED)), GRID)
    return torch.cat([agree, differ], 1).flatten(1).sqrt_()  # the root evens out few strong and many weak answers
