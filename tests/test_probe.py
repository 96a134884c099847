"""Probes agree with what is known in closed form."""

import math

import pytest
import torch
from torch.func import jvp

from genlab.data import Dataset, DataSpec
from genlab.data.summary import nearest, usual_distance
from genlab.errors import BadData, BadSetting
from genlab.latent import jacobian, lengths, mix, slerp
from genlab.models import MODELS
from genlab.models.base import Given

SPEC = DataSpec("image", (3, 8, 8), ("a", "b", "c"))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def build(family: str, spec: DataSpec = SPEC):
    torch.manual_seed(0)
    return MODELS[family](spec, MODELS[family].Settings.parse({"width": 8, "conditional": True})).eval()


@pytest.mark.parametrize("family", ["vae", "gan"])
def test_the_heat_map_is_the_derivative_of_the_picture(family):
    model = build(family)
    z, direction, given = model.prior(1, 0), model.prior(1, 1)[0], Given(torch.tensor([[0.5, 0.5, 0.0]]))
    direction = direction / direction.norm()
    _, exact = jvp(lambda latent: model.decode(latent, given), (z,), (direction[None],))
    expected = exact[0].detach().abs().mean(0) / 2
    found = jacobian(model, z, direction, given)
    assert torch.nn.functional.cosine_similarity(found.flatten(), expected.flatten(), dim=0) > 0.99
    assert float(found.sum()) == pytest.approx(float(expected.sum()), rel=0.03)


def test_diffusion_has_a_heat_map_as_well():
    model = build("diffusion")
    heat = jacobian(model, model.prior(1, 0), model.prior(1, 1)[0], None, model.coarse_settings())
    assert heat.shape == (8, 8)
    assert heat.max() > 0


def test_points_have_no_heat_map():
    model = build("vae", DataSpec("points", (2,), ("a", "b", "c")))
    with pytest.raises(BadSetting, match="draws points, without pixels"):
        jacobian(model, model.prior(1, 0), model.prior(1, 1)[0])


def test_the_length_of_a_straight_way_is_the_distance_of_its_ends_and_of_a_bent_one_more():
    start, end = normal(2, 3, 8, 8)
    straight = torch.stack([start + t * (end - start) for t in torch.linspace(0, 1, 9)])
    distance = (end - start).square().mean().sqrt() / 2
    found = lengths(straight)
    torch.testing.assert_close(found, distance * torch.linspace(0, 1, 9))
    bent = straight + torch.linspace(0, math.pi, 9).sin().view(-1, 1, 1, 1) * normal(3, 8, 8, seed=1)
    assert lengths(bent)[-1] > 1.1 * distance


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_mix_of_two_is_the_great_circle_between_them(share):
    z = normal(2, 4, 5)
    torch.testing.assert_close(mix(z, [1 - share, share]), slerp(z[0], z[1], torch.tensor([share]))[0], rtol=1e-4, atol=1e-5)


def test_a_mix_of_several_is_as_long_as_they_are_and_knows_no_order():
    z = normal(4, 300)
    weights = [3.0, 1.0, 0.0, 2.0]
    found = mix(z, weights)
    expected = (z.norm(dim=1) * torch.tensor(weights) / 6).sum()
    assert found.norm() == pytest.approx(float(expected), rel=1e-4)
    torch.testing.assert_close(mix(z.flip(0), weights[::-1]), found, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mix(z * 1.0, [w * 10 for w in weights]), found)


@pytest.mark.parametrize("z", [torch.zeros(2, 5), torch.stack([torch.ones(5), -torch.ones(5)])])
def test_where_a_sphere_has_no_middle_the_plain_mean_is_taken(z):
    torch.testing.assert_close(mix(z, [1, 1]), z.mean(0))


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [1.0, -1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_weights_that_make_no_mix_are_refused(weights):
    with pytest.raises(BadSetting, match="2 images were to be mixed"):
        mix(normal(2, 5), weights)


# --- What of the data is like it ---


def images(n: int = 40) -> Dataset:
    pixels = torch.randint(0, 256, (n, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Dataset("noise", DataSpec("image", (1, 8, 8)), pixels.numpy(), {"label": torch.full((n,), -1)})


def test_the_nearest_image_to_one_of_the_data_is_itself():
    data = images()
    found = nearest(data, data.read([7])[0], 3)
    assert (int(found.rows[0]), float(found.distances[0])) == (7, 0)
    assert found.distances.tolist() == sorted(found.distances.tolist())
    brighter = (data.read([7])[0].float() * 0.5).byte()
    expected = (brighter.float() - data.read([7])[0].float()).square().mean().sqrt() / 255
    assert nearest(data, brighter, 40).distances[nearest(data, brighter, 40).rows == 7] == pytest.approx(float(expected))


def test_an_image_of_another_shape_has_no_nearest():
    with pytest.raises(BadData, match=r"3×8×8.*1×8×8"):
        nearest(images(), torch.zeros(3, 8, 8, dtype=torch.uint8), 1)


def test_the_usual_distance_is_the_median_of_held_out_images_to_their_nearest():
    data = images()
    train, held_out = data[:30], data[30:]
    expected = torch.tensor([float(nearest(train, image, 1).distances[0]) for image in held_out.read(slice(None))]).median()
    assert usual_distance(train, held_out) == pytest.approx(float(expected), rel=1e-3)
