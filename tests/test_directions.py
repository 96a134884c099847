"""Directions go where their examples and factors say, are kept with their model, and refuse another."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from marks import long

from genlab.data import Dataset, DataSpec
from genlab.data.sprites import FACTORS, draw_sprites, measure
from genlab.errors import BadData, BadSetting, UnknownName
from genlab.latent import Direction, Shelf, along_factor, arithmetic, between, between_classes
from genlab.models import Encoding
from genlab.paths import in_space

SHAPE = (6,)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def sprites() -> Dataset:
    images, columns = draw_sprites(300, 3)
    known = {name: torch.from_numpy(column) for name, column in columns.items()}
    return Dataset("sprites", DataSpec("image", (3, 32, 32), ("square", "ellipse", "triangle")), images, known)


class Linear:
    """A model whose latents are a known linear mix of the factors that it measures in the images."""

    latent_shape, classes, encodes_at_once = SHAPE, 0, True

    def __init__(self):
        self.mix = torch.linalg.qr(normal(6, 6))[0]

    def encode(self, x, given=None):
        z = torch.from_numpy(measure(((x + 1) * 127.5).round().byte().numpy())) @ self.mix
        yield Encoding.of(x, x, z, given)


def test_measured_factors_are_those_that_were_drawn():
    images, columns = draw_sprites(60, 1)
    error = np.abs(measure(images) - columns["factors"])
    assert (error[:, 0] == 0).all()
    assert (error[:, [1, 3, 4]] < 0.1).all()  # pixels, of sizes from 4 to 9 and places from 11 to 21
    assert (error[:, 5] < 0.01).all()
    assert np.median(error[:, 2]) < 0.05


@pytest.mark.parametrize("factor", ["x", long("size"), long("hue")])
def test_a_direction_along_a_factor_is_that_of_the_factor_alone(sprites, factor):
    model, i = Linear(), FACTORS.index(factor)
    found = along_factor(model, sprites, factor, "w")
    cosine = torch.nn.functional.cosine_similarity(found.vector, model.mix[i], dim=0)
    assert cosine > 0.999
    half = (sprites.column("factors")[:, i].amax() - sprites.column("factors")[:, i].amin()) / 2
    assert found.reach == pytest.approx(float(half), rel=0.05)  # the mix keeps lengths


def test_a_direction_between_two_sets_leads_from_the_mean_of_one_to_that_of_the_other():
    start, end = normal(9, *SHAPE), normal(5, *SHAPE, seed=1) + 1
    found = between("brighter", start, end, "w")
    torch.testing.assert_close(found.move(start.mean(0), torch.tensor([found.reach]))[0], end.mean(0))
    assert found.vector.norm() == pytest.approx(1, rel=1e-5)


def test_a_way_bends_with_the_latents_of_a_factor(sprites):
    """Where latents go round a corner with x, the direction goes with them, and the rest of a latent stays."""
    model, i = Linear(), FACTORS.index("x")
    bend = model.mix[FACTORS.index("hue")]

    def curved(x, given=None):
        *_, straight = Linear.encode(model, x)
        position = (straight.z @ model.mix[i]) - 16
        z = straight.z + position[:, None].square() * 0.2 * bend
        yield Encoding.of(x, x, z, given)

    model.encode = curved
    found = along_factor(model, sprites, "x", "w")
    at = lambda x: x * model.mix[i] + (x - 16) ** 2 * 0.2 * bend + 3 * model.mix[1]  # noqa: E731
    torch.testing.assert_close(found.move(at(12.0)[None], torch.tensor([8.0]))[0], at(20.0), rtol=0, atol=0.2)
    assert (found.move(at(12.0)[None], torch.tensor([4.0]))[0] - at(16.0)).norm() < 0.3


@given(first=st.floats(-3, 3), second=st.floats(-3, 3))
def test_two_moves_are_one_of_their_sum(first: float, second: float):
    vector, bend = torch.linalg.qr(normal(6, 2))[0].T
    way = Direction("d", vector, 2.0, "", "w", 0.3 * bend, 0.5)
    z = normal(3, *SHAPE)
    twice = way.move(way.move(z, torch.tensor([first])), torch.tensor([second]))
    torch.testing.assert_close(twice, way.move(z, torch.tensor([first + second])), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bend", [None, 0.3 * torch.linalg.qr(normal(6, 2))[0].T[1]])
def test_the_tangent_is_where_a_small_move_goes(bend):
    way, z = Direction("d", torch.linalg.qr(normal(6, 2))[0].T[0], 2.0, "", "w", bend, 0.5), normal(1, *SHAPE)
    moved = (way.move(z.double(), torch.tensor([1e-5])) - z) / 1e-5
    torch.testing.assert_close(moved[0].float(), way.tangent(z), rtol=1e-3, atol=1e-3)


def test_an_empty_set_and_two_alike_are_refused():
    with pytest.raises(BadSetting, match="first set for a direction is empty"):
        between("x", normal(0, 6), normal(2, 6), "w")
    with pytest.raises(BadSetting, match="same mean"):
        between("x", normal(2, 6), normal(2, 6), "w")


def test_a_direction_between_two_classes_is_that_of_the_factor_that_tells_them_apart(sprites):
    model = Linear()
    found = between_classes("squarer", model, sprites, "triangle", "square", "w")
    far = torch.nn.functional.cosine_similarity(found.vector, -model.mix[FACTORS.index("shape")], dim=0)
    assert far > 0.9  # the means of a few hundred sprites differ a little in the other factors, too
    with pytest.raises(BadSetting, match="no class called 'circle'"):
        between_classes("x", model, sprites, "circle", "square", "w")
    model.classes = 3
    with pytest.raises(BadSetting, match="is told the class"):
        between_classes("x", model, sprites, "triangle", "square", "w")


def test_factors_that_are_not_known_are_named(sprites):
    with pytest.raises(BadSetting, match=r"no factor called 'width'.*Possible: size, angle, x, y, hue"):
        along_factor(Linear(), sprites, "width", "w")
    unknown = Dataset("photos", sprites.spec, sprites.base, {"label": sprites.label})
    with pytest.raises(BadSetting, match="'photos' does not know the factors"):
        along_factor(Linear(), unknown, "x", "w")


def test_arithmetic_takes_one_away_and_adds_another_but_stays_where_images_are():
    a, c = normal(2, *SHAPE)
    torch.testing.assert_close(arithmetic(a, a, c), c)
    far = arithmetic(a, -a, a)
    torch.testing.assert_close(far, a)  # 3a has no images, and a is the farthest of the three


# --- Keeping them ---


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    (tmp_path / "model").mkdir()
    return Shelf(tmp_path / "model", "w", SHAPE)


def direction(name="smile", weights="w", seed=0) -> Direction:
    return between(name, normal(2, *SHAPE, seed=seed), normal(2, *SHAPE, seed=seed + 1), weights)


def test_a_saved_direction_is_there_for_whoever_opens_the_model(shelf):
    shelf.save(direction())
    (kept,) = Shelf(shelf.checkpoint, "w", SHAPE).all()
    torch.testing.assert_close(kept.vector, direction().vector, rtol=1e-3, atol=1e-3)
    assert kept.bend is None
    curved = replace(direction("curved"), bend=normal(*SHAPE), middle=0.25)
    shelf.save(curved)
    torch.testing.assert_close(shelf.find("curved").bend, curved.bend, rtol=1e-3, atol=1e-3)
    assert shelf.find("curved").middle == 0.25
    assert (kept.name, kept.reach, kept.how) == ("smile", direction().reach, direction().how)


def test_a_direction_takes_the_place_of_one_of_its_name(shelf):
    shelf.save(direction())
    shelf.save(direction(seed=5))
    (kept,) = shelf.all()
    assert kept.reach == direction(seed=5).reach


def test_a_direction_of_another_model_is_refused(shelf, tmp_path):
    with pytest.raises(BadData, match="'smile' is of another model"):
        shelf.save(direction(weights="v"))
    (tmp_path / "other").mkdir()
    other = Shelf(tmp_path / "other", "v", SHAPE)
    other.save(direction(weights="v"))
    (shelf.checkpoint / "directions").mkdir()
    (tmp_path / "other/directions/smile.json").rename(shelf.checkpoint / "directions/smile.json")
    with pytest.raises(BadData, match="'smile' is of another model"):
        shelf.find("smile")
    assert shelf.all() == []


@pytest.mark.parametrize("content", ["{", "[]", '{"weights": "w", "reach": "far", "how": "", "vector": ""}'])
def test_a_damaged_direction_is_named_and_can_be_forgotten(shelf, content):
    (shelf.checkpoint / "directions").mkdir()
    (shelf.checkpoint / "directions/smile.json").write_text(content)
    with pytest.raises(BadData, match="'smile' cannot be read"):
        shelf.find("smile")
    shelf.forget("smile")
    with pytest.raises(UnknownName, match="no direction called 'smile'"):
        shelf.find("smile")


@pytest.mark.parametrize("vector", ["AAAA", "not base64!", 7])
def test_a_vector_that_does_not_fit_is_a_damaged_file(shelf, vector):
    shelf.save(direction())
    file = shelf.checkpoint / "directions/smile.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"vector": vector}))
    with pytest.raises(BadData, match="'smile' cannot be read"):
        shelf.find("smile")


def test_a_visitor_keeps_directions_of_a_model_of_the_house_alone(shelf, tmp_path):
    shelf.save(direction("ours"))
    with in_space(tmp_path / "visitor"):
        shelf.save(direction("mine"))
        assert [kept.name for kept in shelf.all()] == ["ours", "mine"]
        with pytest.raises(BadData, match="'ours' came with the model"):
            shelf.forget("ours")
    with in_space(tmp_path / "stranger"):
        assert [kept.name for kept in shelf.all()] == ["ours"]
    assert [kept.name for kept in shelf.all()] == ["ours"]


def test_no_more_are_kept_than_fit_a_list(shelf):
    for i in range(30):
        shelf.save(direction(f"d{i}"))
    with pytest.raises(BadData, match="30 directions are kept"):
        shelf.save(direction("one-more"))
    shelf.save(direction("d3", seed=8))
