"""Views of the plane follow the model and leave it as it was; modes are counted as they lie."""

import numpy as np
import pytest
import torch

from genlab import plane
from genlab.data import DataSpec, load
from genlab.images import scatter
from genlab.modalities.base import SIDE, TILE
from genlab.models import MODELS

PLANE, IMAGES = DataSpec("points", (2,), ("a", "b")), DataSpec("image", (1, 8, 8))


def build(family, **settings):
    torch.manual_seed(0)
    return MODELS[family](PLANE, MODELS[family].Settings.parse({"width": 8} | settings))


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize(("family", "times", "heat"), [("gan", 1, True), ("vae", 1, False), ("diffusion", 21, False)])
def test_a_view_shows_what_the_model_does(family, times, heat, conditional):
    model = build(family, conditional=conditional, **({} if family == "diffusion" else {"latent": 2}))
    camera = plane.Camera(model)
    view = camera.look(model)
    assert view.generated.shape == (times, plane.POINTS, 2)
    assert view.grid.shape == (times, plane.LINES, plane.LINES, 2)
    assert (view.heat is not None) == heat
    expected = model.eval().decode(camera.z, camera.given)
    assert torch.allclose(view.generated[-1], expected, atol=1e-4)


def test_looking_changes_nothing():
    model = build("gan", latent=2, spectral_norm=True).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plane.Camera(model).look(model)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_latent_of_more_numbers_has_no_grid():
    assert plane.Camera(build("gan", latent=5)).look(build("gan", latent=5)).grid is None


def test_heat_is_the_verdict_at_the_middle_of_each_square():
    model = build("gan", latent=2).eval()
    heat = plane.Camera(model).look(model).heat
    step = 2 * plane.REACH / plane.SQUARES
    lower_right = torch.tensor([[plane.REACH - step / 2, -plane.REACH + step / 2]])
    assert heat[0, -1] == pytest.approx(float(model.judge(lower_right)))


def test_the_lattice_cuts_the_prior_into_equal_shares():
    lines = plane.lattice().reshape(plane.LINES, plane.LINES, 2)[:, 0, 0]
    shares = torch.special.ndtr(lines).diff()
    assert torch.allclose(shares, torch.full_like(shares, 1 / plane.LINES), atol=1e-5)


def test_packing_keeps_points_to_a_part_of_the_scale():
    view = plane.View(torch.tensor([[[0.5, -1.25]]]), None, torch.tensor([[0.0, 1.0]]))
    packed = view.packed()
    assert set(packed) == {"generated", "heat"}
    numbers = np.frombuffer(__import__("base64").b64decode(packed["generated"]["bytes"]), np.int16)
    assert (numbers / plane.FINE).tolist() == [0.5, -1.25]


def test_a_scatter_has_its_dots_where_they_belong():
    picture = scatter([(torch.tensor([[0.5, 0.5]]), "#ff0000", 4)], 1.0, 80)
    assert picture[:, 20, 60].tolist() == [255, 0, 0]  # right of the middle, and above it
    assert (picture.flatten(1) != 255).any(0).sum() < 80


def test_one_picture_of_all_suits_the_kind_of_data():
    points = load("gaussians").validation.read(slice(0, 50))
    assert PLANE.kind.sheet(points, 16, behind=points).shape == (3, SIDE, SIDE)
    assert IMAGES.kind.sheet(torch.zeros(4, 1, 8, 8), 2).shape == (1, 16, 16)
    assert PLANE.kind.tiles(points[:3]).shape == (3, 3, TILE, TILE)
    assert IMAGES.kind.tiles(torch.zeros(4, 1, 8, 8)).shape == (4, 1, 8, 8)
