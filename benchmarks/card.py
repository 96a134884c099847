"""Card: what a processor gives at most, what a training step asks of it, and the memory that this takes."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from genlab.data import Splits
from genlab.training.run import Run
from genlab.training.train import Trainer, accelerator_for

Figures = dict[str, Any]  # by column


def product_speed(device: str | None, side: int) -> float:
    """FLOP/s of a bf16 product of large matrices, the best of five rounds."""
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in "ab")
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(10):
            c = a @ b
        c[0, 0].item()  # waits for all of them
        best = min(best, (time.perf_counter() - began) / 10)
    return 2 * side**3 / best


def flop(family: str, data: Splits, settings: Any, items: int = 16) -> float:
    """FLOP an item of a whole step, all players' counted; the same on every device."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(Run.create(family, data, settings, "counted", Path(folder)), data, accelerator_for("cpu", "fp32"))
        with FlopCounterMode(display=False) as counter:
            trainer.try_step(items)
    return counter.get_total_flops() / items


def peaking(device: str, column: str, act: Callable[[], float]) -> Figures:
    """What it gives, and the megabytes that it took at most of a GPU's memory."""
    if device != "cuda":
        return {column: act()}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return {column: act(), f"{column}, MB": torch.cuda.max_memory_allocated() / 2**20}
