"""Metrics keep their closed forms; a judge learns clean data, and the same from the same seed."""

import numpy as np
import pytest
import torch

from genlab.data import load, to_model
from genlab.data.points import DEVIATION, draw_gaussians, gaussian_centres
from genlab.metrics import Modes, coverage, frechet, learnt, modes


def normal(seed: int, deviation: float = 1.0) -> torch.Tensor:
    x = torch.randn(4000, 5, generator=torch.Generator().manual_seed(seed))
    return deviation * (x - x.mean(0))


def test_the_distance_to_itself_is_zero():
    assert frechet(normal(0), normal(0)) == pytest.approx(0, abs=1e-6)


def test_a_shift_counts_by_its_squared_length_and_a_scale_by_its_difference():
    assert frechet(normal(0), normal(0) + 2) == pytest.approx(5 * 2**2, rel=1e-6)
    assert frechet(normal(0), normal(0) * 3) == pytest.approx(float(normal(0).var(0).sum()) * (3 - 1) ** 2, rel=1e-6)


def test_it_knows_no_order():
    assert frechet(normal(0), normal(1, 2.0)) == pytest.approx(frechet(normal(1, 2.0), normal(0)), rel=1e-9)


def test_a_weight_counts_as_so_many_copies():
    x, weight = normal(1, 2.0), torch.arange(4000) % 3
    copied = frechet(normal(0), x.repeat_interleave(weight, 0))
    assert frechet(normal(0), x, weight) == pytest.approx(copied, rel=1e-3)  # copies are taken with the unbiased covariance


def test_coverage_of_equal_distributions_is_as_expected():
    n, k = 1000, 5  # 1 - ∏ (n-i)/(m+n-i), i = 1 … k, for m = n (Naeem et al. 2020, equation 12)
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    seeds = range(10)
    found = np.mean([coverage(normal(seed)[:n].double(), normal(seed + 100)[:n].double()) for seed in seeds])
    assert found == pytest.approx(expected, abs=0.01)


def test_what_lies_elsewhere_covers_nothing():
    assert coverage(normal(0)[:500], normal(1)[:500] + 100) == 0


def test_all_of_the_ring_is_found_in_the_ring_itself():
    found = modes(torch.from_numpy(draw_gaussians(2000, 0)[0]), gaussian_centres(), DEVIATION)
    assert found.found == 8
    assert found.near == pytest.approx(1 - np.exp(-4.5), abs=0.01)  # of a Gaussian in the plane, within 3 deviations


def test_a_mode_needs_a_hundredth_of_all_points():
    centres = torch.from_numpy(gaussian_centres())
    collapsed = centres[0].repeat(2000, 1)
    assert modes(collapsed, centres.numpy(), DEVIATION) == Modes(1, 1.0)
    collapsed[:19] = centres[1]
    assert modes(collapsed, centres.numpy(), DEVIATION).found == 1
    collapsed[:20] = centres[1]
    assert modes(collapsed, centres.numpy(), DEVIATION).found == 2


def test_points_just_beyond_three_deviations_do_not_count():
    centres = gaussian_centres()
    points = torch.from_numpy(centres[:1] + np.array([[3.01 * DEVIATION, 0]])).repeat(100, 1)
    assert modes(points, centres, DEVIATION) == Modes(0, 0.0)


def test_a_judge_tells_digits_apart_and_is_the_same_from_the_same_seed():
    digits = load("digits")
    state = torch.get_rng_state()
    judge, again = learnt(digits.train), learnt(digits.train)
    assert torch.equal(torch.get_rng_state(), state)  # whoever draws meanwhile draws the same
    assert judge.accuracy(digits.test) > 0.95
    x = to_model(digits.test.read(slice(0, 20)))
    features, probabilities = judge.look(x)
    assert features.shape == (20, 128)
    assert torch.allclose(probabilities.sum(1), torch.ones(20))
    assert torch.equal(features, again.look(x)[0])
    wrong = (digits.test.label + 1) % 10
    assert judge.agreement(to_model(digits.test.read(slice(None))), wrong) < 0.05
