"""The numbers that the Data tab shows are those that a slow calculation gives."""

import pytest
import torch

from genlab.data import load
from genlab.data.summary import examples, neighbours, project, summarise


@pytest.fixture(scope="module")
def digits():
    return load("digits").train


def test_examples_belong_to_their_class_and_change_with_the_seed(digits):
    rows = examples(digits, 12, seed=3)
    assert [set(digits.label[r].tolist()) for r in rows] == [{k} for k in range(10)]
    assert all(len(set(r.tolist())) == 12 for r in rows)
    assert torch.equal(examples(digits, 12, seed=3)[4], rows[4])
    assert not torch.equal(examples(digits, 12, seed=4)[4], rows[4])


def test_statistics_equal_the_slow_truth(digits):
    x = digits.read(slice(None)).double() / 255
    found = summarise(digits)
    assert found.measured == len(digits)
    assert found.facts.numbers["mean"] == pytest.approx(float(x.mean()))
    assert found.facts.numbers["deviation"] == pytest.approx(float(x.std(correction=0)))
    assert found.facts.shares["black"] == pytest.approx(float((x == 0).double().mean()))
    assert found.facts.shares["white"] == pytest.approx(float((x == 1).double().mean()))


def test_the_mean_image_of_a_class_is_its_average(digits):
    sevens = digits.read((digits.label == 7).nonzero()[:, 0]).float().mean(0)
    assert (summarise(digits).facts.pictures[7].float() - sevens).abs().max() <= 0.5


def test_the_map_holds_the_two_largest_shares_of_variance(digits):
    found = project(digits)
    x = digits.read(found.rows).flatten(1).double()
    values = torch.linalg.eigvalsh(torch.cov(x.T))
    assert found.shares == pytest.approx((values[-2:].flip(0) / values.sum()).tolist(), rel=0.01)
    assert abs(float(torch.corrcoef(found.points.T)[0, 1])) < 0.01


def test_a_large_set_is_judged_by_an_even_sample(digits):
    found = project(digits, most=100)
    assert len(found.rows) == 100
    assert len(found.rows.unique()) == 100
    assert int(found.rows[0]) == 0
    assert int(found.rows[-1]) == len(digits) - 1


def test_the_nearest_image_is_the_one_that_a_full_search_finds(digits):
    x = digits.read(slice(None)).flatten(1).double() / 255
    truth = (x - x[5]).square().mean(1).sqrt()
    truth[5] = torch.inf
    found = neighbours(digits, 5, 6)
    assert found.searched == len(digits) - 1
    assert 5 not in found.rows.tolist()
    assert found.distances.tolist() == pytest.approx(truth.sort().values[:6].tolist(), abs=1e-5)


def test_an_unlabelled_set_has_one_mean_image_and_one_row_of_examples(digits):
    from dataclasses import replace

    bare = replace(digits, spec=replace(digits.spec, classes=()))
    assert len(examples(bare, 20, seed=0)) == 1
    assert summarise(bare).facts.pictures.shape == (1, 1, 8, 8)
