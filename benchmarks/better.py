"""Better: a longer training of diffusion, for minutes on a GPU; its data come in one small file where there is no network."""

import argparse
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data import Part, Splits, list_datasets, load, save_dataset
from genlab.files import npz, write_bytes
from genlab.training.checkpoint import STATE
from genlab.training.estimate import estimate
from genlab.training.run import Run
from genlab.training.train import train

BETTER = {  # than that of the shipped diffusion-catsdogs: the same network, more of everything else
    "conditional": True, "augment": "flip", "width": 32, "batch_size": 512, "precision": "bf16", "save_every": 1000,
}  # fmt: skip
TINY = {"width": 8, "batch_size": 8}


def train_better(given: argparse.Namespace) -> None:
    """Train diffusion for the minutes that there are, its learning rate falling to the end of them."""
    began = time.monotonic()
    if given.data:
        os.environ["GENLAB_DATASETS"] = str(given.out / "datasets")
    data = unpack(given.data, given.train) if given.data else load(given.train)
    wanted = BETTER | (TINY if given.tiny else {}) | dict(map(setting, given.set))
    foreseen = estimate("diffusion", data, wanted, given.card or "auto")
    seconds = max(1.0, 60 * given.minutes - (time.monotonic() - began))
    steps = max(1, int(0.85 * seconds / foreseen.step_seconds))  # samples, held-out losses and saves come on top
    run = Run.create("diffusion", data, {**wanted, "steps": steps}, f"{given.train}-gpu", given.out / "runs", seconds=seconds)
    print(f"{run.command}: {steps:,} steps of {foreseen.step_seconds:.3g} s are foreseen in {seconds:.0f} s", flush=True)
    for progress in train(run, data, given.card or "auto"):
        if progress.held_out is not None:
            print(f"{progress.step:,}: held out {progress.held_out:.4f}, {progress.items_per_second:,.0f} images/s", flush=True)
    status = run.status()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(run.checkpoints()[-1], Path(folder) / "model", ignore=shutil.ignore_patterns(STATE))
        print(f"{status.state} {status.message}", shutil.make_archive(str(given.out / run.name), "zip", Path(folder) / "model"))


def setting(word: str) -> tuple[str, Any]:
    """NAME=VALUE as both; the value as JSON where it is JSON, so that a number is one."""
    name, value = word.split("=", 1)
    with suppress(ValueError):
        return name, json.loads(value)
    return name, value


def pack(data: Splits, file: Path) -> None:
    """Write all parts, bit for bit; photographs take two thirds of what their bytes take."""
    arrays = {name: differences(part.read(slice(None)).numpy()) for name, part in data.parts.items()}
    labels = {f"{name}-label": part.label.numpy() for name, part in data.parts.items()}
    write_bytes(file, npz(**arrays, **labels, classes=np.array(data.spec.classes)))


def unpack(file: Path, name: str) -> Splits:
    """The packed dataset as one's own by this name; the one that is there already, where there is one."""
    if name in list_datasets():
        return load(name)
    with np.load(file, allow_pickle=False) as packed:
        parts = {part: Part(images(packed[part]), {"label": packed[f"{part}-label"]}) for part in ("train", "validation", "test")}
        return save_dataset(name, parts, packed["classes"].tolist(), f"unpacked from {file.name}")


def differences(x: np.ndarray) -> np.ndarray:
    """Images uint8 [N, C, H, W] as what each pixel adds to its neighbour, of red and blue beside green; both wrap around."""
    d = x.copy()
    if x.shape[1] == 3:
        d[:, ::2] -= x[:, 1:2]
    return np.diff(d, axis=-1, prepend=np.uint8(0))


def images(d: np.ndarray) -> np.ndarray:
    """The images again."""
    x = d.cumsum(axis=-1, dtype=np.uint8)
    if x.shape[1] == 3:
        x[:, ::2] += x[:, 1:2]
    return x
