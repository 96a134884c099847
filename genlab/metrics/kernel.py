"""Kernel distance: the squared maximum mean discrepancy under the cubic kernel (Bińkowski et al. 2018, section 3)."""

import torch
from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Metric, Value
from genlab.models.base import blocks_of


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """The U-statistic over all pairs of features [n, D] and [m, D]: without bias, so that equal distributions have 0."""
    x, y = real.double(), fake.double()
    among = [(_sum(z, z) - _kernel((z * z).sum(1), z.shape[1]).sum()) / (len(z) * (len(z) - 1)) for z in (x, y)]
    return float(sum(among) - 2 * _sum(x, y) / (len(x) * len(y)))


def _kernel(products: Tensor, dimensions: int) -> Tensor:
    return (products / dimensions + 1) ** 3


def _sum(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([_kernel(x[part] @ y.T, x.shape[1]).sum() for part in blocks_of(len(x), 1000)]).sum()


KERNEL = Metric(
    Message("Kernel distance"),
    Message("How far the samples' features lie from those of real items, whatever their shape; 0 for equal ones, however few."),
    "lower",
    lambda fake, real: Value(kernel_distance(real.test.features, fake.features)),
)
