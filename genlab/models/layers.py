"""Layers that several families share."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

Size = tuple[int, int]


def sizes_of(shape: tuple[int, ...], smallest: int = 7) -> list[Size]:
    """The sizes (H, W) that halving goes through, from the image down to `smallest` or less; odd sides round up."""
    sizes = [(shape[1], shape[2])]
    while max(sizes[-1]) > smallest:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def mlp(widths: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Linear layers with an activation between them, none after the last."""
    layers: list[nn.Module] = []
    for wide, next_wide in pairwise(widths):
        layers += [nn.Linear(wide, next_wide), activation()]
    return nn.Sequential(*layers[:-1])


class Up(nn.ConvTranspose2d):
    """Doubles the sides, then crops to the wanted size, so that odd sizes survive a round trip."""

    def __init__(self, channels: int, out_channels: int, size: Size, bias: bool = True) -> None:
        super().__init__(channels, out_channels, 4, stride=2, padding=1, bias=bias)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)[..., : self.size[0], : self.size[1]]


def join(x: Tensor, weights: Tensor | None) -> Tensor:
    """Features [B, D] with class weights [B, K] appended, where there are any."""
    return x if weights is None else torch.cat([x, weights], dim=1)
