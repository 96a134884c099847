"""A map places like beside like, says what its axes hold, and is the same each time."""

import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from genlab.data import Dataset, DataSpec, load
from genlab.errors import BadSetting
from genlab.features import Features
from genlab.maps import methods, project


@pytest.fixture(scope="module")
def digits():
    return load("digits").train[:400]


def share_of_like_neighbours(points, label):
    near = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(1)
    return float((label[near] == label).float().mean())


def test_pca_shows_all_items_along_the_axes_of_most_variance(digits):
    found = project(digits, "pca")
    embedding = Features(digits).embedding.double()
    values = torch.linalg.eigvalsh(torch.cov(embedding.T))
    assert found.rows.tolist() == list(range(400))
    assert found.shares == pytest.approx((values[-2:].flip(0) / values.sum()).tolist(), rel=0.02)
    assert abs(float(torch.corrcoef(found.points.T)[0, 1])) < 0.02


def test_t_sne_places_digits_beside_their_like_and_better_than_two_components(digits):
    found = project(digits, "t-sne")
    label = digits.label[found.rows]
    assert share_of_like_neighbours(found.points, label) > 0.85
    assert share_of_like_neighbours(found.points, label) > share_of_like_neighbours(project(digits).points, digits.label)


def test_a_large_set_is_placed_by_a_random_choice_that_is_kept(digits, monkeypatch):
    monkeypatch.setattr("genlab.maps.MOST", 60)
    few = digits[:300]
    found, again = project(few, "t-sne"), project(few, "t-sne")
    assert len(found.rows.unique()) == 60
    assert torch.equal(found.rows, found.rows.sort().values)
    assert torch.equal(found.points, again.points)


def test_umap_is_offered_and_used_only_where_it_is_installed(digits, monkeypatch):
    monkeypatch.setattr("genlab.maps.find_spec", lambda name: None)
    assert methods() == ["pixels", "pca", "t-sne"]
    with pytest.raises(BadSetting, match="needs the package umap-learn: pip install umap-learn"):
        project(digits, "umap")
    monkeypatch.setattr("genlab.maps.find_spec", lambda name: object())
    stand_in = ModuleType("umap")
    stand_in.UMAP = lambda **settings: type("", (), {"fit_transform": lambda self, x: x[:, 2:4]})()
    monkeypatch.setitem(sys.modules, "umap", stand_in)
    assert methods() == ["pixels", "pca", "t-sne", "umap"]
    found = project(digits[:50], "umap")
    expected = Features(digits[:50]).embedding[:, 2:4]
    assert abs(float(torch.corrcoef(torch.stack([found.points[:, 0], expected[:, 0]]))[0, 1])) == pytest.approx(1, abs=1e-4)


def test_another_method_is_refused(digits):
    with pytest.raises(BadSetting, match=r"method is 'lda'; it must be one of pixels, pca, t-sne"):
        project(digits, "lda")


@pytest.mark.parametrize("method", ["pca", "t-sne"])
@pytest.mark.parametrize("n", [1, 3, 5, 40])
@pytest.mark.parametrize("kind", ["identical", "different"])
def test_few_and_identical_images_have_a_map_of_numbers(method, n, kind):
    items = np.random.default_rng(0).integers(0, 256, (n, 1, 8, 8), np.uint8)
    items = items if kind == "different" else np.repeat(items[:1], n, 0)
    data = Dataset("x", DataSpec("image", (1, 8, 8)), items, {"label": torch.full((n,), -1), "id": torch.arange(n)})
    found = project(data, method)
    assert found.points.shape == (n, 2)
    assert found.points.isfinite().all()


def test_points_have_a_map_too():
    data = load("gaussians").train[:100]
    line = replace(data, base=data.base.copy(), index=data.places)
    assert project(line).points.shape == (100, 2)
