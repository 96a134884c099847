"""Classics: the datasets that come through torchvision, and digits as MNIST has them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision import datasets
from torchvision.transforms import v2

from genlab.data.sources import Part, Remote, digits
from genlab.paths import downloads_folder


def enlarged_digits(folder: Path) -> dict[str, Part]:
    """The digits as MNIST has its own: 20×20 pixels in the middle of 28×28."""
    enlarge = v2.Compose([v2.Resize(20, v2.InterpolationMode.BICUBIC, antialias=True), v2.Pad(4)])
    return {name: Part(enlarge(torch.from_numpy(part.items)).numpy(), part.columns) for name, part in digits(folder).items()}


def mnist(folder: Path, kind: str = "MNIST") -> dict[str, Part]:
    """MNIST, or one of the sets that are stored as it is, by the name of its class in torchvision."""
    sets = {name: _opened(kind, folder, train=name == "train") for name in ("train", "test")}
    return {name: Part(s.data.numpy()[:, None], {"label": s.targets.numpy()}) for name, s in sets.items()}


def cifar10(folder: Path) -> dict[str, Part]:
    sets = {name: _opened("CIFAR10", folder, train=name == "train") for name in ("train", "test")}
    return {n: Part(s.data.transpose(0, 3, 1, 2), {"label": np.array(s.targets)}) for n, s in sets.items()}


def celeba(folder: Path) -> dict[str, Part]:
    parts = {}
    for name, split in {"train": "train", "validation": "valid", "test": "test"}.items():
        images = _opened("CelebA", folder, split=split)
        smiling = images.attr_names.index("Smiling")
        parts[name] = Part(_Faces(images), {"label": images.attr[:, smiling].numpy(), "attributes": images.attr.numpy()})
    return parts


class _Faces(Sequence):
    """CelebA's images, cropped to their middle 178×178 and brought to 64×64 when they are asked for."""

    prepare = v2.Compose([v2.PILToTensor(), v2.CenterCrop(178), v2.Resize(64, antialias=True)])

    def __init__(self, images: datasets.CelebA) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows):
        return np.stack([self.prepare(self.images[row][0]).numpy() for row in range(len(self))[rows]])


def mnist_files(kind: str) -> list[Remote]:
    """Where the four files of MNIST, or of a set that is stored as it is, are published."""
    dataset = getattr(datasets, kind)
    return [Remote(f"{dataset.mirrors[0]}{name}", f"{kind}/raw/{name}", md5) for name, md5 in dataset.resources]


def cifar10_files() -> list[Remote]:
    return [Remote(datasets.CIFAR10.url, datasets.CIFAR10.filename, datasets.CIFAR10.tgz_md5)]


def celeba_files() -> list[Remote]:
    """CelebA's files, which Google's drive gives to whoever confirms that they are large."""
    drive = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
    return [Remote(drive + id, f"celeba/{name}", md5) for id, md5, name in datasets.CelebA.file_list]


def _opened(kind: str, folder: Path, **arguments: object) -> Any:
    """The dataset from the data folder, or from what was fetched."""
    dataset = getattr(datasets, kind)
    try:
        return dataset(folder, download=False, **arguments)
    except RuntimeError:
        return dataset(downloads_folder(), download=False, **arguments)
