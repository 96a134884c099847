"""Sources: where datasets come from; each is one function that gives raw parts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data.points import MODES, Drawn, draw_gaussians, draw_rings, draw_swiss_roll
from genlab.data.spec import Modality
from genlab.data.sprites import draw_sprites
from genlab.lazy import late
from genlab.registry import Registry


@dataclass(frozen=True)
class Part:
    """Raw items of one part; `items` is sliced in blocks and may read or draw them only then."""

    items: Any  # [N] of uint8 [C, H, W] or of float [2]
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "Part":
        """The items at `rows`, and what is known of them."""
        return Part(np.asarray(self.items)[rows], {name: column[rows] for name, column in self.columns.items()})


@dataclass(frozen=True)
class Source:
    """A dataset that genlab knows how to get."""

    description: str
    classes: tuple[str, ...]
    build: Callable[[Path], dict[str, Part]]  # data folder -> train, test and perhaps validation
    files: str = ""  # what to put where when there is no connection
    modality: Modality = "image"


SOURCES: Registry[Source] = Registry("dataset")
CLASSICS = "genlab.data.classics"  # what needs torchvision, which is slow to import


# --- Drawn or shipped with a library: no download ---


def digits(folder: Path) -> dict[str, Part]:
    from sklearn.datasets import load_digits  # slow to import, needed once

    raw = load_digits()
    images = (raw.images[:, None] * (255 / 16)).round().astype(np.uint8)  # [1797, 1, 8, 8]
    test = np.random.default_rng(1).permutation(len(images)) < 180
    whole = Part(images, {"label": raw.target})
    return {"train": whole.take(~test), "test": whole.take(test)}


def _computed(draw: Callable[[int, int], Drawn]) -> Callable[[Path], dict[str, Part]]:
    """A build function for what is drawn from a number of items and a seed."""
    return lambda folder: {name: Part(*draw(n, seed)) for name, n, seed in [("train", 12_000, 0), ("test", 2_000, 1)]}


DIGITS = tuple("0123456789")
SOURCES.register("digits")(Source("1,797 real handwritten digits, 8×8 (UCI)", DIGITS, digits))
SOURCES.register("digits-28")(
    Source("the same digits brought to MNIST's size and margins, 28×28", DIGITS, late(CLASSICS, "enlarged_digits"))
)
SOURCES.register("sprites")(
    Source("14,000 coloured shapes, 32×32, drawn from known factors", ("square", "ellipse", "triangle"), _computed(draw_sprites))
)

for _name, _draw, _classes, _text in [
    ("gaussians", draw_gaussians, tuple(map(str, range(MODES))), "14,000 points: eight Gaussians on a ring, far apart"),
    ("rings", draw_rings, ("inner", "middle", "outer"), "14,000 points on three rings around one middle"),
    ("swiss-roll", draw_swiss_roll, (), "14,000 points along a band that is rolled up"),
]:
    SOURCES.register(_name)(Source(_text, _classes, _computed(_draw), modality="points"))


# --- The classics, through torchvision ---


def _idx_files(folder: str) -> str:
    kinds = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return f"the files {', '.join(f'{folder}/raw/{kind}-ubyte' for kind in kinds)}"


CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

for _name, _kind, _classes, _text in [
    ("mnist", "MNIST", DIGITS, "70,000 handwritten digits, 28×28 (LeCun et al. 1998)"),
    ("fashion-mnist", "FashionMNIST", CLOTHES, "70,000 pieces of clothing, 28×28 (Xiao et al. 2017)"),
    ("kmnist", "KMNIST", KANA, "70,000 cursive Japanese letters, 28×28 (Clanuwat et al. 2018)"),
]:
    SOURCES.register(_name)(Source(_text, _classes, partial(late(CLASSICS, "mnist"), kind=_kind), _idx_files(_kind)))

SOURCES.register("cifar10")(
    Source(
        "60,000 small colour photographs, 32×32 (Krizhevsky 2009)",
        THINGS,
        late(CLASSICS, "cifar10"),
        "cifar-10-python.tar.gz, or the folder cifar-10-batches-py that it holds,",
    )
)
SOURCES.register("celeba")(
    Source(
        "202,599 faces of well-known people, 64×64 (Liu et al. 2015)",
        ("not smiling", "smiling"),
        late(CLASSICS, "celeba"),
        "celeba/img_align_celeba.zip and the list_*.txt files of CelebA",
    )
)
