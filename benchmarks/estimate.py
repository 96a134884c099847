"""Estimate: what is told before Start, beside what the run then took.

python -m benchmarks.estimate

The time is that of the whole run, its samples, held-out losses and saves included; the last case is one's own 64×64 pictures.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genlab.data import Splits, load
from genlab.data.importing import import_images
from genlab.training.estimate import estimate
from genlab.training.run import Run
from genlab.training.train import train

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("vae", "mnist", {"steps": 1500}),
    ("gan", "mnist", {"steps": 600}),
    ("diffusion", "digits", {"steps": 150}),
    ("diffusion", "own", {"steps": 40, "batch_size": 32}),
]


def main() -> None:
    print(f"{'':<28}{'told':>10}{'took':>10}{'took / told':>14}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENLAB_DATASETS"] = str(Path(folder) / "datasets")
        bring_own(Path(folder) / "pictures")
        for i, (family, name, settings) in enumerate(CASES):
            row(f"{family} on {name}", family, load(name), settings, Path(folder) / str(i))


def bring_own(folder: Path, n: int = 50, side: int = 64) -> None:
    """Import so many coloured pictures as somebody's own."""
    folder.mkdir()
    for i in range(n):
        rough = np.random.default_rng(i).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    for _ in import_images([folder], "own"):
        pass


def row(title: str, family: str, data: Splits, settings: dict[str, Any], folder: Path) -> None:
    told = estimate(family, data, settings, "cpu").seconds
    run = Run.create(family, data, settings, "run", folder)
    began = time.perf_counter()
    for _ in train(run, data, "cpu"):
        pass
    took = time.perf_counter() - began
    print(f"{title:<28}{told:>8.1f} s{took:>8.1f} s{took / told:>14.2f}", flush=True)


if __name__ == "__main__":
    main()
