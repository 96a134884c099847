"""Sources: where datasets come from; each is one function that gives raw parts."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data.points import MODES, draw_gaussians, draw_rings, draw_swiss_roll
from genlab.data.sprites import draw_sprites
from genlab.data.waves import KINDS, draw_waves
from genlab.lazy import late
from genlab.messages import Message
from genlab.registry import Registry


@dataclass(frozen=True)
class Part:
    """Raw items of one part; `items` is sliced in blocks and may read or draw them only then."""

    items: Any  # [N] of uint8 [C, H, W] or of float [2]; of varying length a `Ragged`
    columns: dict[str, np.ndarray] = field(default_factory=dict)  # label [N], the number of a class or -1; others are kept, too

    def take(self, rows: np.ndarray) -> "Part":
        """The items at `rows`, and what is known of them."""
        return Part(self.items[rows], {name: column[rows] for name, column in self.columns.items()})


@dataclass(frozen=True)
class Remote:
    """A file of a dataset on the net."""

    url: str
    path: str  # where it is put, below the folder of downloads
    digest: str  # its MD5, or its SHA-256


@dataclass(frozen=True)
class Source:
    """A dataset that genlab knows how to get."""

    description: str
    classes: tuple[str, ...]
    build: Callable[[Path], dict[str, Part]]  # data folder -> train, test and perhaps validation
    files: str = ""  # what to put where when there is no connection
    things: str = Message("items")  # what they are, in the plural
    modality: str = "image"
    download: int = 0  # bytes that have to be fetched first
    remote: Callable[[], Sequence[Remote]] = tuple  # from where
    raw: tuple[str, ...] = ()  # what lies in the folder of data or of downloads once it is here


SOURCES: Registry[Source] = Registry("dataset")
CLASSICS = "genlab.data.classics"  # what needs torchvision, which is slow to import
TEXTS = "genlab.data.texts"


# --- Drawn or shipped with a library: no download ---


def digits(folder: Path) -> dict[str, Part]:
    from sklearn.datasets import load_digits  # slow to import, needed once

    raw = load_digits()
    images = (raw.images[:, None] * (255 / 16)).round().astype(np.uint8)  # [1797, 1, 8, 8]
    test = np.random.default_rng(1).permutation(len(images)) < 180
    whole = Part(images, {"label": raw.target})
    return {"train": whole.take(~test), "test": whole.take(test)}


def _computed(draw: Callable[[int, int], tuple[Any, dict[str, np.ndarray]]]) -> Callable[[Path], dict[str, Part]]:
    """A build function for what is drawn from a number of items and a seed."""
    return lambda folder: {name: Part(*draw(n, seed)) for name, n, seed in [("train", 12_000, 0), ("test", 2_000, 1)]}


DIGITS = tuple("0123456789")
WRITTEN = Message("handwritten digits")
SOURCES.register("digits")(Source(Message("1,797 real handwritten digits, 8×8 (UCI)"), DIGITS, digits, things=WRITTEN))
SOURCES.register("digits-28")(
    Source(
        Message("the same digits brought to MNIST's size and margins, 28×28"),
        DIGITS,
        late(CLASSICS, "enlarged_digits"),
        things=WRITTEN,
    )
)
SOURCES.register("sprites")(
    Source(
        Message("14,000 coloured shapes, 32×32, drawn from known factors"),
        ("square", "ellipse", "triangle"),
        _computed(draw_sprites),
        things=Message("coloured shapes"),
    )
)

for _name, _draw, _classes, _text in [
    ("gaussians", draw_gaussians, tuple(map(str, range(MODES))), Message("14,000 points: eight Gaussians on a ring, far apart")),
    ("rings", draw_rings, ("inner", "middle", "outer"), Message("14,000 points on three rings around one middle")),
    ("swiss-roll", draw_swiss_roll, (), Message("14,000 points along a band that is rolled up")),
]:
    SOURCES.register(_name)(Source(_text, _classes, _computed(_draw), things=Message("points"), modality="points"))

SOURCES.register("waves")(
    Source(
        Message("14,000 series of 192 values: sines, Mackey–Glass, the logistic map and random walks"),
        KINDS,
        _computed(draw_waves),
        things=Message("series"),
        modality="series",
    )
)


# --- The classics, through torchvision ---


IDX = tuple(f"{kind}-ubyte" for kind in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"))
BATCHES = ("batches.meta", *(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
LISTS = tuple(f"list_{kind}.txt" for kind in ("attr_celeba", "bbox_celeba", "landmarks_align_celeba", "eval_partition"))
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

for _name, _kind, _classes, _bytes, _things, _paper in [
    ("mnist", "MNIST", DIGITS, 11_594_722, WRITTEN, "LeCun et al. 1998"),
    ("fashion-mnist", "FashionMNIST", CLOTHES, 30_878_645, Message("pieces of clothing"), "Xiao et al. 2017"),
    ("kmnist", "KMNIST", KANA, 21_240_888, Message("cursive Japanese letters"), "Clanuwat et al. 2018"),
]:
    _raw = tuple(f"{_kind}/raw/{file}" for file in IDX)
    SOURCES.register(_name)(
        Source(
            Message("70,000 {things}, 28×28 ({paper})", things=_things, paper=_paper),
            _classes,
            partial(late(CLASSICS, "mnist"), kind=_kind),
            Message("the files {files}", files=_raw),
            _things,
            download=_bytes,
            remote=partial(late(CLASSICS, "mnist_files"), kind=_kind),
            raw=_raw,
        )
    )

SOURCES.register("cifar10")(
    Source(
        Message("60,000 small colour photographs, 32×32 (Krizhevsky 2009)"),
        THINGS,
        late(CLASSICS, "cifar10"),
        Message("the folder cifar-10-batches-py that is in cifar-10-python.tar.gz"),
        Message("small colour photographs"),
        download=170_498_071,
        remote=late(CLASSICS, "cifar10_files"),
        raw=tuple(f"cifar-10-batches-py/{batch}" for batch in BATCHES),
    )
)
SOURCES.register("celeba")(
    Source(
        Message("202,599 faces of well-known people, 64×64 (Liu et al. 2015)"),
        ("not smiling", "smiling"),
        late(CLASSICS, "celeba"),
        Message("the unpacked folder celeba/img_align_celeba, and into celeba the .txt files of CelebA,"),
        Message("faces of well-known people"),
        download=1_494_710_703,
        remote=late(CLASSICS, "celeba_files"),
        raw=("celeba/img_align_celeba", "celeba/identity_CelebA.txt", *(f"celeba/{name}" for name in LISTS)),
    )
)


# --- Texts ---


LIBRARY = Path(os.__file__).parent  # Python's standard library
LARGE = "asyncio", "distutils", "email", "encodings", "idlelib", "importlib", "lib2to3", "multiprocessing", "turtledemo", "xml"
PACKAGES = (*(name for name in LARGE if (LIBRARY / name).is_dir()), "other")  # those of at least 20 files have a class

SOURCES.register("python-docs")(
    Source(
        Message("what Python's help says on its topics, by section"), (), late(TEXTS, "python_docs"),
        things=Message("sections"), modality="text",
    )
)  # fmt: skip
SOURCES.register("python-code")(
    Source(
        Message("the modules of Python's standard library, by package"), PACKAGES, late(TEXTS, "python_code"),
        things=Message("modules"), modality="text",
    )
)  # fmt: skip
for _name, _text, _things, _size, _file in [
    ("tiny-shakespeare", Message("1.1 million characters of Shakespeare (Karpathy 2015)"), Message("passages"), 1_115_394,
     "text/tinyshakespeare.txt"),
    ("names", Message("29,494 first names (Karpathy 2022)"), Message("names"), 228_145, "text/names.txt"),
]:  # fmt: skip
    SOURCES.register(_name)(
        Source(
            _text, (), late(TEXTS, _name.replace("-", "_")), Message("the file {file}", file=_file), _things, "text", _size,
            partial(late(TEXTS, "remote"), _name), (_file,),
        )
    )  # fmt: skip
