"""Statistics: a few dozen numbers an image that change when cameras, cables or codecs have spoilt it."""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.algebra import inverse
from genlab.data.dataset import Dataset, even_rows

BLOCK = 1000  # images at a time
BANDS = (0.05, 0.25, 0.45, 0.65, 0.85, 1.5)  # of spatial frequency, 1 being that of a checkerboard's row
QUALITIES = (10, 20, 30, 50)  # of JPEG files, whose grids of coefficients are looked for
LUMINANCE = (0.299, 0.587, 0.114)
LARGEST_WHOLE = 256  # pixels of images whose covariance is taken as a whole; of larger ones it would fit the sample alone
STRAYS = 6  # black pixels, and white ones, that are looked at the closest
# fmt: off
QUANTISATION = torch.tensor([  # of luminance at quality 50 (ITU-T T.81, table K.1)
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
], dtype=torch.float32)
# fmt: on


class Statistics:
    """Measures images by what is usual in one dataset: how a pixel follows from its neighbours, and from all others."""

    def __init__(self, data: Dataset, most: int = 4000) -> None:
        sample = data.read(even_rows(len(data), most))
        y = luminance(sample)  # [n, H, W]
        self.kernel = _predictor(y)
        self.whole = _precision(y) if y[0].numel() <= LARGEST_WHOLE else None

    def __call__(self, images: Tensor) -> Tensor:
        """[n, S] of images uint8 [n, C, H, W]."""
        return torch.cat([self._block(block) for block in images.split(BLOCK)])

    def of(self, data: Dataset) -> Tensor:
        """[N, S] of a whole dataset, read block by block."""
        return torch.cat([self(data.read(slice(start, start + BLOCK))) for start in range(0, len(data), BLOCK)])

    def _block(self, images: Tensor) -> Tensor:
        y = luminance(images)
        surprise = (F.conv2d(F.pad(y[:, None], (2, 2, 2, 2), mode="replicate"), self.kernel) - y[:, None]).abs().flatten(1)
        parts = [*_levels(images, y), *_spread(surprise), *_slopes(y), _isolated(images, y), *_spectrum(y), *_blockwise(y)]
        if self.whole is not None:
            mean, precision, scale = self.whole
            unforeseen = (y.flatten(1) - mean) @ precision / scale
            parts += [*_spread(unforeseen.abs()), *_strays(y.flatten(1), unforeseen), *_strays(y.flatten(1), unforeseen / scale)]
        if images.shape[1] == 3:
            red, green, blue = images.float().unbind(1)
            parts += [_log(_diagonal(red - green).mean((1, 2))), _log(_diagonal(blue - green).mean((1, 2)))]
        return torch.stack(parts, 1)


def luminance(images: Tensor) -> Tensor:
    """[n, H, W] grey levels of images uint8 [n, C, H, W], as floats from 0 to 255."""
    x = images.float()
    return x[:, 0] if x.shape[1] == 1 else (x * torch.tensor(LUMINANCE)[:, None, None]).sum(1)


def _predictor(y: Tensor) -> Tensor:
    """[1, 1, 5, 5] the kernel that predicts a pixel from the 24 around it, by least squares."""
    around = F.unfold(F.pad(y[:1000, None], (2, 2, 2, 2), mode="replicate"), 5).transpose(1, 2).reshape(-1, 25)  # [n·H·W, 25]
    centre, rest = around[:, 12], around[:, [i for i in range(25) if i != 12]]
    gram = rest.T @ rest
    weights = inverse(gram + (1e-5 * gram.trace() / 24 + 1e-3) * torch.eye(24)) @ (rest.T @ centre)
    return torch.cat([weights[:12], torch.zeros(1), weights[12:]]).reshape(1, 1, 5, 5)


def _precision(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [D], inverse covariance [D, D] and what turns deviations times it into those from a pixel's prediction by all others.

    The latter are (Σ⁻¹(x-μ))ⱼ / √(Σ⁻¹)ⱼⱼ, in standard deviations (Rasmussen & Williams 2006, eq. 5.10-5.12).
    """
    x = y.flatten(1)
    centred = x - x.mean(0)
    precision = inverse(centred.T @ centred / len(x) + 25 * torch.eye(x.shape[1]))  # no pixel is known to 5 grey levels
    return x.mean(0), precision, precision.diagonal().sqrt()


def _levels(images: Tensor, y: Tensor) -> list[Tensor]:
    flat = y.flatten(1)
    return [flat.mean(1) / 255, _log(flat.std(1)), (flat < 4).float().mean(1), (flat > 251).float().mean(1),
            (flat == flat.amin(1, keepdim=True)).float().mean(1)]  # fmt: skip


def _spread(values: Tensor) -> list[Tensor]:
    """How large values [n, M] from 0 up are, from the smallest to the largest."""
    ordered = values.sort(1).values
    last = values.shape[1] - 1
    return [*(_log(ordered[:, round(q * last)]) for q in (0.1, 0.5, 0.9, 0.97, 1)), _log(values.square().mean(1).sqrt())]


def _strays(flat: Tensor, unforeseen: Tensor) -> list[Tensor]:
    """How far the white pixels that lie highest above their prediction do so, and the black ones that lie lowest below."""
    white, black = unforeseen * (flat > 254.5), -unforeseen * (flat < 0.5)
    return [column for values in (white, black) for column in _log(values.topk(STRAYS, 1).values.clamp(min=0)).unbind(1)]


def _slopes(y: Tensor) -> list[Tensor]:
    across, down = (y[:, :, 1:] - y[:, :, :-1]).abs(), (y[:, 1:] - y[:, :-1]).abs()
    steepest = torch.maximum(across.flatten(1).amax(1), down.flatten(1).amax(1))
    return [_log((across.mean((1, 2)) + down.mean((1, 2))) / 2), _log(steepest), _log(_diagonal(y).mean((1, 2)))]


def _diagonal(y: Tensor) -> Tensor:
    """Haar's diagonal detail: noise has it, drawn and photographed things hardly."""
    return (y[:, 1:, 1:] - y[:, 1:, :-1] - y[:, :-1, 1:] + y[:, :-1, :-1]).abs() / 2


def _isolated(images: Tensor, y: Tensor) -> Tensor:
    """How many black or white pixels stand alone."""
    around = F.pad(y[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    four = torch.stack([around[:, 1:-1, :-2], around[:, 1:-1, 2:], around[:, :-2, 1:-1], around[:, 2:, 1:-1]])
    black = (images == 0).all(1) & (four.amin(0) - y > 20)
    white = (images == 255).all(1) & (y - four.amax(0) > 20)
    return (black | white).flatten(1).sum(1).float().log1p()


def _spectrum(y: Tensor) -> list[Tensor]:
    """Amplitude in bands of spatial frequency."""
    height, width = y.shape[1:]
    amplitude = (_cosines(height) @ y @ _cosines(width).T).square()
    frequency = torch.hypot(*torch.meshgrid(torch.arange(height) / height, torch.arange(width) / width, indexing="ij"))
    bands = [(frequency > low) & (frequency <= high) for low, high in pairwise(BANDS)]
    return [_log(amplitude[:, band].mean(1).sqrt()) for band in bands]


def _blockwise(y: Tensor) -> list[Tensor]:
    """What JPEG leaves behind: coefficients of 8×8 blocks that are zero, or multiples of a quality's steps."""
    height, width = y.shape[1:]
    padded = F.pad(y[:, None], (0, -width % 8, 0, -height % 8), mode="replicate")[:, 0] - 128
    blocks = padded.unfold(1, 8, 8).unfold(2, 8, 8).flatten(1, 2)  # [n, b, 8, 8]
    coefficients = (_cosines(8) @ blocks @ _cosines(8).T).flatten(2)[:, :, 1:].abs()  # [n, b, 63]
    parts = [(coefficients < small).float().mean((1, 2)) for small in (0.5, 1.5, 4, 10)]
    for quality in QUALITIES:
        scale = 5000 / quality if quality < 50 else 200 - 2 * quality
        step = ((QUANTISATION * scale + 50) / 100).floor().clamp(1, 255)[1:]
        away = (coefficients / step - (coefficients / step).round()).abs() * step
        used = coefficients > step / 2
        parts.append((away * used).sum((1, 2)) / (step * used).sum((1, 2)).clamp(min=1))
        parts.append(_log(away.mean((1, 2))))
    return parts


def _cosines(n: int) -> Tensor:
    """[n, n] the orthonormal discrete cosine transform of type II."""
    k, i = torch.arange(n)[:, None], torch.arange(n)
    return torch.cos(math.pi * (2 * i + 1) * k / (2 * n)) * torch.where(k == 0, 1 / n, 2 / n).sqrt()


def _log(values: Tensor) -> Tensor:
    return (values + 0.5).log()
