"""A dataset called `pets`, which is noise and can be replaced by another of that name."""

import numpy as np

from genlab.data import Part, delete_dataset, save_dataset


def pets(seed=0, n=60, size=8, classes=("cat", "dog")):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, 1, size, size), dtype=np.uint8)
    return save_dataset("pets", {"train": Part(images, {"label": random.integers(0, len(classes), n)})}, classes, "noise")


def replaced(**what):
    delete_dataset("pets")
    return pets(**what)
