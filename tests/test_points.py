"""Points lie where they should, come again as they were, and what people draw is checked before it is kept."""

import numpy as np
import pytest
import torch

from genlab.data import describe, list_datasets, load, save_drawing, to_model
from genlab.data.drawing import MOST
from genlab.data.points import DEVIATION, MODES, RADII, draw_gaussians, draw_rings, draw_swiss_roll, gaussian_centres
from genlab.data.summary import summarise
from genlab.errors import BadData, BadSetting

DRAW = [draw_gaussians, draw_rings, draw_swiss_roll]
CLOUD = np.random.default_rng(0).uniform(-0.9, 0.9, (60, 2)).tolist()


@pytest.mark.parametrize("draw", DRAW)
def test_points_are_floats_in_the_plane_and_the_seed_repeats_them(draw):
    points, columns = draw(500, 3)
    assert points.shape == (500, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() <= 1
    again, _ = draw(500, 3)
    other, _ = draw(500, 4)
    assert (points == again).all()
    assert not (points == other).all()
    assert all(len(column) == 500 for column in columns.values())


def test_each_gaussian_has_its_middle_and_its_spread():
    points, columns = draw_gaussians(40_000, 0)
    for mode, centre in enumerate(gaussian_centres()):
        own = points[columns["label"] == mode]
        assert own.mean(0) == pytest.approx(centre, abs=3e-3)
        assert own.std(0) == pytest.approx([DEVIATION, DEVIATION], rel=0.05)
        assert len(own) == pytest.approx(40_000 / MODES, rel=0.1)


def test_rings_are_where_their_labels_say_and_equally_dense():
    points, columns = draw_rings(30_000, 0)
    radius = np.linalg.norm(points, axis=1)
    counts = np.bincount(columns["label"])
    for ring, expected in enumerate(RADII):
        assert radius[columns["label"] == ring].mean() == pytest.approx(expected, abs=5e-3)
        assert counts[ring] / expected == pytest.approx(counts[0] / RADII[0], rel=0.1)


@pytest.mark.parametrize("name", ["gaussians", "rings", "swiss-roll"])
def test_a_source_of_points_opens_like_any_other(name):
    data = load(name)
    assert describe(name).modality == data.spec.modality == "points"
    assert data.spec.shape == (2,)
    batch = data.train.batch(16, 0, 0)
    assert batch.x.shape == (16, 2)
    assert batch.x.dtype == torch.float32
    assert (data.spec.kind.to_stored(to_model(batch.x)) == batch.x).all()


def test_middle_and_spread_are_told_class_by_class():
    places = summarise(load("gaussians").train).facts.places
    assert places["middle"].numpy() == pytest.approx(gaussian_centres(), abs=0.01)
    assert places["spread"].numpy() == pytest.approx(np.full((MODES, 2), DEVIATION), rel=0.1)
    assert summarise(load("swiss-roll").train).facts.places["middle"].shape == (1, 2)


def test_a_drawing_becomes_a_dataset_with_its_points():
    data = save_drawing("mine", CLOUD, [0] * 60)
    assert "mine" in list_datasets()
    assert data.spec.modality == "points"
    assert data.spec.classes == ()
    kept = np.concatenate([part.read(slice(None)).numpy() for part in data.parts.values()])
    assert sorted(map(tuple, kept.tolist())) == sorted(map(tuple, np.float32(CLOUD).tolist()))


def test_several_colours_become_classes_without_gaps():
    data = save_drawing("coloured", CLOUD, [0, 2, 2] * 20)
    assert data.spec.classes == ("A", "C")
    assert sum(part.counts for part in data.parts.values()).tolist() == [20, 40]


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (CLOUD[:19], "has 19 points; it must have from 20"),
        ([], "has 0 points"),
        ([[0.0, 0.0]] * (MOST + 1), f"{MOST + 1:,} points"),
        ([*CLOUD, [float("nan"), 0.0]], "not finite"),
        ([*CLOUD, [0.0, float("inf")]], "not finite"),
        ([*CLOUD, [0.0, 1.01], [-3.0, 0.0]], "2 points of the drawing lie outside"),
        ([*CLOUD, [0.0]], "two numbers each"),
        ([[0.0, 1.0, 0.5]] * 30, "two numbers each"),
        ([["a", "b"]] * 30, "two numbers each"),
    ],
)
def test_a_drawing_that_cannot_be_is_refused_and_nothing_is_kept(points, sentence):
    with pytest.raises(BadData, match=sentence):
        save_drawing("refused", points, [0] * len(points))
    assert "refused" not in list_datasets()


@pytest.mark.parametrize("colours", [[0] * 59, [0] * 59 + [4], [0] * 59 + [-1], [0.5] * 60])
def test_colours_that_do_not_fit_are_refused(colours):
    with pytest.raises(BadData, match="Every point needs a colour"):
        save_drawing("refused", CLOUD, colours)


def test_a_drawing_needs_a_name_that_is_free_and_can_be_one():
    with pytest.raises(BadSetting, match="cannot name a dataset"):
        save_drawing("../up", CLOUD, [0] * 60)
    with pytest.raises(BadData, match="already a dataset"):
        save_drawing("gaussians", CLOUD, [0] * 60)
