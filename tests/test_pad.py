"""The pad: the same draw at the same place for ever, and nothing jumps or shrinks between them."""

import pytest
import torch

from genlab.latent import pad
from genlab.training.checkpoint import load_model


@pytest.fixture(scope="module")
def model():
    return load_model("vae-mnist").model


@pytest.mark.parametrize(("column", "row"), [(0, 0), (3, -7), (-999_999, 999_999)])
def test_a_whole_place_is_a_draw_of_the_prior(model, column: int, row: int):
    assert torch.allclose(pad.place(model, column, row), model.prior(1, pad.seed_at(column, row)), atol=1e-5)


def test_no_two_places_near_one_another_have_one_seed():
    seeds = {pad.seed_at(column, row) for column in range(-50, 50) for row in range(-50, 50)}
    assert len(seeds) > 9_990
    assert pad.seed_at(12, -5) == pad.seed_at(12, -5) != pad.seed_at(-5, 12)


@pytest.mark.parametrize(("x", "y"), [(1.0, 0.3), (-2.0, 0.7), (0.4, -1.0), (0.6, 3.0)])
def test_nothing_jumps_at_the_edge_of_a_cell(model, x: float, y: float):
    here = pad.place(model, x, y)
    for step in ((1e-4, 0), (-1e-4, 0), (0, 1e-4), (0, -1e-4)):
        assert (pad.place(model, x + step[0], y + step[1]) - here).norm() < 5e-3


def test_blends_are_as_far_from_the_middle_as_draws_are(model):
    whole = torch.cat([pad.place(model, i, j) for i in range(15) for j in range(15)])
    half = torch.cat([pad.place(model, i + 0.5, j + 0.5) for i in range(15) for j in range(15)])
    assert float(half.norm(dim=1).mean() / whole.norm(dim=1).mean()) == pytest.approx(1, abs=0.05)


def test_a_cell_is_its_places_row_by_row(model):
    steps = torch.arange(4) / 4
    cell = pad.cell(model, 2, -3, steps, steps)
    assert cell.shape == (16, *model.latent_shape)
    for i, (row, column) in enumerate((r, c) for r in range(4) for c in range(4)):
        assert torch.allclose(cell[i], pad.place(model, 2 + column / 4, -3 + row / 4)[0], atol=1e-6)
