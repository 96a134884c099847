"""Walks end where they should, axes take apart and put together, and shares are shares."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genlab.data import DataSpec
from genlab.errors import BadData, BadSetting
from genlab.latent import (
    MOST,
    Axes,
    axes_along,
    axes_of,
    draw,
    lerp,
    read_axes,
    shares,
    slerp,
    traverse,
    walk,
    write_axes,
)
from genlab.models import MODELS
from genlab.models.base import Given
from genlab.training.checkpoint import load_model

SPEC = DataSpec("image", (1, 8, 8), ("a", "b", "c"))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def random_axes(k: int, size: int) -> Axes:
    return axes_along(torch.linalg.qr(normal(size, k))[0].T)


@pytest.mark.parametrize("path", [slerp, lerp])
@given(seed=st.integers(0, 1000))
def test_a_walk_begins_and_ends_at_its_ends(path, seed: int):
    start, end = normal(2, 16, seed=seed)
    points = path(start, end, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(points, torch.stack([start, end]), rtol=1e-4, atol=1e-5)


def test_a_spherical_walk_keeps_the_length_where_a_straight_one_cuts_through():
    start, end = normal(2, 64)
    end = end * start.norm() / end.norm()
    spherical, linear = walk(start, end, 11, "spherical"), walk(start, end, 11, "linear")
    torch.testing.assert_close(spherical.norm(dim=1), start.norm().expand(11), rtol=1e-4, atol=1e-4)
    assert linear[5].norm() < 0.9 * start.norm()


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0, -1.0])
def test_a_walk_between_parallel_latents_is_finite(factor: float):
    start = normal(8)
    assert walk(start, factor * start, 11, "spherical").isfinite().all()


def test_coordinates_and_rest_put_a_latent_together_again():
    axes, z = random_axes(5, 20), normal(3, 20, seed=1)
    torch.testing.assert_close(axes.place(axes.read(z), axes.rest(z)), z)
    assert axes.read(axes.rest(z)).abs().max() < 1e-5


def test_a_traversal_moves_one_axis_and_leaves_the_others():
    axes = random_axes(4, 20)
    values = torch.tensor([0.1, -0.2, 0.3, 0.4])
    moved = axes.read(traverse(axes, values, torch.zeros(1, 20), 7)).reshape(4, 7, 4)
    for i in range(4):
        torch.testing.assert_close(moved[i, :, i], torch.linspace(-3, 3, 7), rtol=1e-4, atol=1e-5)
        others = [j for j in range(4) if j != i]
        torch.testing.assert_close(moved[i][:, others], values[others].expand(7, 3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["vae", "gan", "diffusion"])
def test_the_axes_of_every_family_are_orthonormal(family: str):
    model = MODELS[family](SPEC, MODELS[family].Settings.parse({"width": 8})).eval()
    basis = axes_of(model).basis.flatten(1)
    torch.testing.assert_close(basis @ basis.T, torch.eye(len(basis)), rtol=1e-3, atol=1e-3)


def test_axes_of_the_latent_itself_carry_its_numbers():
    assert axes_along(torch.eye(4)[[2, 0, 3]]).names == ("z2", "z0", "z3")
    assert random_axes(3, 9).names == ("d1", "d2", "d3")


def test_shares_sum_to_one_and_nothing_stays_nothing():
    assert shares([1.0, 1.0, 0.0], 3).tolist() == [[0.5, 0.5, 0.0]]
    assert shares([0.0, 0.0, 0.0], 3).tolist() == [[0.0, 0.0, 0.0]]
    with pytest.raises(BadSetting, match="2 class weights were given; this model has 3 classes"):
        shares([1.0, 0.0], 3)


def test_one_wish_holds_for_all_that_are_drawn():
    model = MODELS["vae"](SPEC, MODELS["vae"].Settings.parse({"width": 8, "conditional": True})).eval()
    pixels = draw(model, model.prior(3, 0), Given(torch.eye(3)[[1]]))
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.uint8, (3, 1, 8, 8))


def test_axes_that_were_kept_are_those_that_were_found(tmp_path: Path):
    model = load_model("dcgan-mnist").model
    file, axes = tmp_path / "axes.safetensors", Axes(torch.linalg.qr(torch.randn(100, 3))[0].T.contiguous(), ("d1", "d2", "d3"))
    write_axes(axes, file, "abc")
    again = read_axes(file, "abc", model)
    assert torch.equal(again.basis, axes.basis)
    assert again.names == axes.names
    with pytest.raises(BadData, match="of another model, or of other weights"):
        read_axes(file, "abd", model)
    with pytest.raises(BadData, match="of another model"):
        read_axes(file, "abc", load_model("vae-mnist").model)
    crooked = Axes(torch.cat([axes.basis, axes.basis[:1]]), ("d1", "d2", "d3", "d4"))
    many = Axes(torch.eye(100)[: MOST + 1], tuple(f"d{i}" for i in range(MOST + 1)))
    long, lost = (Axes(axes.basis * scale, axes.names) for scale in (2, torch.nan))
    for wrong in (crooked, many, long, lost, Axes(axes.basis[:0], ())):
        write_axes(wrong, file, "abc")
        with pytest.raises(BadData, match=r"of another model|at right angles"):
            read_axes(file, "abc", model)
    write_axes(Axes(axes.basis.double(), axes.names), file, "abc")
    assert read_axes(file, "abc", model).basis.dtype == torch.float32, "others may have kept them in more bits"
    for content in (b"", b"\x08\0\0\0\0\0\0\0{}      ", file.read_bytes()[:-1]):
        file.write_bytes(content)
        with pytest.raises(BadData, match="can be found again"):
            read_axes(file, "abc", model)
    with pytest.raises(BadData, match="can be found again"):
        read_axes(tmp_path / "none", "abc", model)
