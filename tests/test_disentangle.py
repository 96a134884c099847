"""Disentanglement is 1 for codes that are the factors themselves, near 0 for codes that know nothing or mix everything."""

import pytest
import torch

from genlab.errors import BadSetting
from genlab.latent import disentanglement
from genlab.latent.disentangle import mutual_information_gap


@pytest.fixture(scope="module")
def factors() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = torch.randint(0, 3, (3000, 1), generator=generator)
    return torch.cat([shape, torch.rand(3000, 3, generator=generator)], 1)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_codes_that_are_the_factors_score_one(factors):
    codes = torch.cat([factors[:, [2, 0, 3, 1]] * torch.tensor([-5.0, 1, 2, 0.1]), noise(3000, 2)], 1)  # and two idle axes
    found = disentanglement(codes.double().exp().float(), factors)  # bent, which changes nothing
    assert min(vars(found).values()) > 0.95


def test_codes_that_know_nothing_score_zero(factors):
    found = disentanglement(noise(3000, 5), factors)
    assert found.mig < 0.03
    assert found.informativeness < 0.15  # a third for the shape, by guessing


def test_a_turn_of_the_codes_keeps_what_they_know_and_mixes_it(factors):
    codes = (factors - factors.mean(0)) / factors.std(0)
    turned = codes @ torch.linalg.qr(noise(4, 4))[0]
    straight, mixed = disentanglement(codes, factors), disentanglement(turned, factors)
    assert mixed.informativeness > 0.8 * straight.informativeness
    assert mixed.disentanglement < 0.7 * straight.disentanglement
    assert mixed.completeness < 0.7 * straight.completeness
    assert mixed.mig < 0.3 * straight.mig


def test_two_axes_for_one_factor_leave_no_gap(factors):
    twice = torch.cat([factors[:, 1:2], factors[:, 1:2] * 2], 1)
    assert mutual_information_gap(twice, factors[:, 1:2]) == pytest.approx(0, abs=1e-6)
    assert mutual_information_gap(torch.cat([twice[:, :1], noise(3000, 1)], 1), factors[:, 1:2]) > 0.95


def test_factors_that_never_change_are_left_out_and_too_few_are_refused(factors):
    still = torch.cat([factors[:, :3], torch.ones(3000, 1)], 1)
    assert disentanglement(noise(3000, 3), still).mig < 0.03
    with pytest.raises(BadSetting, match="3 axes and 1 factors"):
        disentanglement(noise(3000, 3), still[:, 2:])
