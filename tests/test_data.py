"""Datasets are views of memory maps, split cleanly, shuffled by address."""

import numpy as np
import psutil
import pytest
import torch
from marks import needs_mnist
from PIL import Image

from genlab.data import SOURCES, Dataset, DataSpec, even_rows, load, to_model, to_pixels
from genlab.data.sources import Part, Source
from genlab.data.sprites import FACTORS, draw
from genlab.errors import UnknownName
from genlab.messages import Message
from genlab.modalities import MODALITIES
from genlab.modalities.image import Image as Images
from genlab.paths import downloads_folder


@pytest.fixture(params=["digits", "sprites", pytest.param("mnist", marks=needs_mnist)])
def data(request):
    return load(request.param)


@pytest.mark.parametrize("name", ["digits", pytest.param("mnist", marks=needs_mnist)])  # sprites are drawn independently
def test_no_item_is_in_two_parts(name):
    data = load(name)
    images = [bytes(data.train.base[i]) for i in range(len(data.train))]
    held_out = {bytes(image) for part in (data.validation, data.test) for image in part.base}
    repeated = sum(image in held_out for image in images)
    assert repeated <= len(images) // 500  # digits holds a few exact copies of its own


def test_every_class_is_in_every_part(data):
    for part in data.parts.values():
        assert (part.counts > 0).all()


def test_a_batch_is_a_function_of_its_address(data):
    first, again, other = (data.train.batch(32, 1, step) for step in (5, 5, 6))
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.label, again.label)
    assert not torch.equal(first.x, other.x)


def test_an_epoch_shows_every_item_once():
    data = load("digits").train
    n = len(data)
    view = data[: n - n % 20]
    steps = len(view) // 20
    shown = torch.cat([view.batch(20, 3, step).x.flatten(1) for step in range(steps)])
    whole = to_model(view.read(slice(None))).flatten(1)
    assert torch.equal(shown.sum(0), whole.sum(0)) or torch.allclose(shown.sum(0), whole.sum(0), atol=1e-3)
    assert torch.allclose(shown.pow(3).sum(0), whole.pow(3).sum(0), atol=1e-2)


def test_a_batch_larger_than_the_data_repeats_them():
    assert len(load("digits").train[:10].batch(32, 0, 0).x) == 32


def test_a_view_copies_nothing_and_keeps_labels_with_images(data):
    chosen = data.train.label == 1
    view = data.train[chosen]
    assert view.base is data.train.base
    assert (view.label == 1).all()
    assert torch.equal(view.read([0, 1]), data.train.read(torch.nonzero(chosen)[:2, 0]))
    assert torch.equal(view[1:2].read([0]), view.read([1]))


def test_pixels_survive_the_way_to_model_space_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_pixels(to_model(pixels)), pixels)


def test_the_fingerprint_ignores_order_and_notices_labels():
    data = load("digits").train[:50]
    assert data[torch.arange(49, -1, -1)].fingerprint == data.fingerprint
    relabelled = Dataset("x", data.spec, data.base, {**data.columns, "label": (data.columns["label"] + 1) % 10}, data.index)
    assert relabelled.fingerprint != data.fingerprint
    assert data[:49].fingerprint != data.fingerprint


@pytest.mark.parametrize("name", Images.augmentations)
@pytest.mark.parametrize("source", ["digits", "sprites"])
def test_augmentation_varies_the_training_batch_by_address(name, source):
    data = load(source).train
    plain, varied, again = (data.batch(16, 0, 0, augment) for augment in ("none", name, name))
    assert torch.equal(varied.x, again.x)
    assert varied.x.shape == plain.x.shape
    assert varied.x.abs().max() <= 1
    assert torch.equal(varied.x, plain.x) == (name == "none")


def test_sprites_are_drawn_from_their_factors():
    data = load("sprites").train
    factors = data.column("factors")
    assert factors.shape == (len(data), len(FACTORS))
    for row in range(5):
        assert np.array_equal(draw(factors[row].numpy()), data.read([row])[0].numpy())
    assert torch.equal(factors[:, 0].long(), data.label)


def test_a_sprite_moves_with_its_factor():
    centre = [draw(np.array([0, 6, 0.3, x, 16, 0.0]))[0].astype(float) for x in (12, 20)]
    columns = [(image * np.arange(32)).sum() / image.sum() for image in centre]
    assert columns[1] - columns[0] == pytest.approx(8, abs=0.1)


def test_an_unknown_dataset_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"Did you mean 'digits'"):
        load("digit")


@needs_mnist
def test_mnists_test_part_is_its_own_test_set():
    data = load("mnist")
    assert (len(data.train), len(data.validation), len(data.test)) == (55_000, 5_000, 10_000)
    assert data.test.counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # LeCun et al. 1998


@pytest.mark.long
def test_a_large_set_costs_little_private_memory(tmp_path):
    shape = (200_000, 3, 64, 64)
    np.lib.format.open_memmap(tmp_path / "images.npy", mode="w+", dtype=np.uint8, shape=shape).flush()  # sparse: takes no disk
    before = psutil.Process().memory_full_info().uss
    base = np.load(tmp_path / "images.npy", mmap_mode="r")
    labels = torch.zeros(len(base), dtype=torch.int64)
    data = Dataset("large", DataSpec("image", shape[1:], ("a",)), base, {"label": labels})
    for step in range(20):
        data.batch(64, 0, step)
    assert psutil.Process().memory_full_info().uss - before < 300e6


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_tells_what_it_is(name):
    told = SOURCES[name].description, SOURCES[name].things
    assert all(text and isinstance(text, Message) for text in told)  # or it is never translated


@pytest.mark.parametrize("name", MODALITIES)
def test_every_kind_of_data_tells_what_it_is(name):
    kind = MODALITIES[name]
    told = kind.things, kind.article, kind.unit, kind.space
    assert all(text and isinstance(text, Message) for text in told)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (Part(np.random.default_rng(0).random((40, 1, 8, 8))), "gives items of float64; image data are uint8"),
        (Part(np.zeros((40, 1, 8, 8), np.uint8), {"label": np.zeros(30, int)}), "has 40 items and 30 labels"),
        (Part(np.zeros((40, 1, 8, 8), np.uint8), {"label": np.full(40, 2)}), "the number of a class, 0 to 1, or -1"),
        (Part(np.zeros((40, 1, 8, 8), np.uint8), {"label": np.array(["a", "b"] * 20)}), "the number of a class"),
    ],
)
def test_a_source_that_is_not_as_it_must_be_is_told_so_before_it_is_kept(part, sentence):
    SOURCES.register("draft")(Source("a draft", ("a", "b"), lambda folder: {"train": part}))
    try:
        with pytest.raises(AssertionError, match=sentence):
            load("draft")
    finally:
        SOURCES.remove("draft")


# --- Stand-ins for sets that are downloaded elsewhere ---


class StandInCIFAR10:
    """What torchvision's CIFAR10 offers, over three images."""

    def __init__(self, root, train, download):
        self.data = np.arange(24 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(24, 32, 32, 3)
        self.targets = [i % 10 for i in range(24)]


class StandInCelebA:
    """What torchvision's CelebA offers, over faces of 178×218 whose grey level is their number."""

    attr_names = ("Bald", "Smiling")

    def __init__(self, root, split, download):
        if root != downloads_folder():
            raise RuntimeError("Dataset not found or corrupted.")
        self.attr = torch.tensor([[0, i % 2] for i in range(6)])

    def __len__(self):
        return len(self.attr)

    def __getitem__(self, row):
        return Image.new("RGB", (178, 218), (row * 10, 0, 255)), self.attr[row]


def lay_raw(name):
    """Let it seem that a dataset was fetched; the stand-ins do not look into its files."""
    for file in SOURCES[name].raw:
        (downloads_folder() / file).mkdir(parents=True)


def test_cifar10_comes_with_channels_first(monkeypatch, tmp_path):
    monkeypatch.setenv("GENLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("torchvision.datasets.CIFAR10", StandInCIFAR10)
    lay_raw("cifar10")
    data = load("cifar10")
    assert data.spec.shape == (3, 32, 32)
    raw = StandInCIFAR10("", True, False).data
    row = int(data.train.column("id")[0])
    whole = {bytes(image.transpose(2, 0, 1).copy()) for image in raw}
    assert bytes(data.train.read([0])[0].numpy()) in whole
    assert data.spec.classes[3] == "cat"
    assert row == 0


def test_celeba_is_cropped_to_64_and_labelled_by_the_smile(monkeypatch, tmp_path):
    monkeypatch.setenv("GENLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("torchvision.datasets.CelebA", StandInCelebA)
    lay_raw("celeba")
    data = load("celeba")
    assert data.spec.shape == (3, 64, 64)
    assert data.train.label.tolist() == [0, 1, 0, 1, 0, 1]
    assert data.train.column("attributes").shape == (6, 2)
    assert data.validation.read([3])[0, 0].unique().tolist() == [30]


@pytest.mark.parametrize(("n", "most"), [(60_000, 60_000), (60_000, 999), (7, 7), (7, 100), (5, 1), (0, 3)])
def test_even_rows_are_distinct_and_reach_both_ends(n: int, most: int):
    rows = even_rows(n, most)
    assert len(rows) == len(rows.unique()) == min(n, most)
    if min(n, most) > 1:
        assert (int(rows[0]), int(rows[-1])) == (0, n - 1)
        assert rows.diff().max() - rows.diff().min() <= 1
