"""The Fréchet distance of the benchmarks keeps its closed forms."""

import pytest
import torch

from benchmarks.judge import frechet


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
