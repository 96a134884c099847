"""Each defect is injected as told, caught by its check and mended by its repair; odd data get a sentence or a report."""

import json
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

from genlab.data import Dataset, DataSpec, Recipe, Splits, load
from genlab.data.dataset import UNDATED
from genlab.errors import BadData, BadSetting, GenlabError
from genlab.features import Features
from genlab.quality import DEFECTS, Finding, draw, inspect, markdown, repair, report, vendi
from genlab.quality.checks import defect_of
from genlab.quality.copies import COPIES
from genlab.quality.defect import takes
from genlab.quality.duplicates import WARPED, differences
from genlab.quality.missing import squares
from genlab.quality.warps import fitted

CASES = [  # defect, settings, finding, share of the damage that it must find
    ("noise", {"kind": "gaussian"}, "noise-gaussian", 0.9),
    ("noise", {"kind": "salt-and-pepper"}, "noise-salt-and-pepper", 0.6),
    ("noise", {"kind": "blur"}, "noise-blur", 0.95),
    ("noise", {"kind": "jpeg"}, "noise-jpeg", 0.8),
    ("missing", {"kind": "blank"}, "missing-blank", 1),
    ("missing", {"kind": "patch", "severity": 1.0}, "missing-patch", 0.9),
    ("missing", {"kind": "labels"}, "missing-labels", 1),
    ("label-errors", {"kind": "uniform"}, "label-errors", 0.85),
    ("label-errors", {"kind": "confusions"}, "label-errors", 0.85),
    ("duplicates", {"kind": "exact"}, "duplicates-exact", 1),
    ("duplicates", {"kind": "near"}, "duplicates-near", 0.7),
    ("exposure", {"kind": "bright"}, "exposure-bright", 0.9),
    ("leaks", {}, "leaks", 1),
    ("outliers", {}, "outliers", 0.3),
]
OF_IMAGES = [name for name, defect in DEFECTS.items() if takes(defect, "image")]
POINTS = [
    ("noise", {"severity": 1.0}, "noise-gaussian", 0.5),
    ("duplicates", {}, "duplicates-exact", 1),
    ("missing", {"kind": "blank"}, "missing-blank", 1),
    ("missing", {"kind": "labels"}, "missing-labels", 1),
]


def damaged(data, defect, settings, seed=0):
    train, truth = DEFECTS[defect].inject(data, DEFECTS[defect].Settings(**settings), seed)
    return replace(data, train=train), truth


def found(data, name) -> Finding:
    return next(finding for finding in defect_of(name).detect(data, Features(data.train)) if finding.name == name)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def points():
    data = load("gaussians")
    return replace(data, train=data.train[:1500])


@pytest.mark.parametrize(("defect", "settings", "name", "share"), CASES)
def test_each_defect_of_images_is_caught_by_its_check(digits, defect, settings, name, share):
    caught(*damaged(digits, defect, settings), defect, name, share)


@pytest.mark.parametrize(("defect", "settings", "name", "share"), POINTS)
def test_each_defect_of_points_is_caught_by_its_check(points, defect, settings, name, share):
    caught(*damaged(points, defect, settings), defect, name, share)


@pytest.mark.parametrize(
    ("settings", "defect", "name"),
    [
        ({"severity": 1.0}, "noise", "noise-gaussian"),
        ({}, "duplicates", "duplicates-exact"),
        ({"kind": "blank"}, "missing", "missing-blank"),
    ],
)
def test_damaged_points_are_dropped_and_the_rest_is_kept(points, settings, defect, name):
    data, truth = damaged(points, defect, settings)
    after = repair(data, [found(data, name)], Recipe.of(data)).apply(data).train
    assert torch.isin(truth.damaged, after.id).float().mean() < 0.5
    good = points.train.id[~torch.isin(points.train.id, truth.damaged)]
    assert torch.isin(good, after.id).float().mean() > 0.97


def test_lost_labels_of_points_are_told_again(points):
    data, truth = damaged(points, "missing", {"kind": "labels"})
    after = repair(data, [found(data, "missing-labels")], Recipe.of(data)).apply(data).train
    bad = torch.isin(after.id, truth.changed)
    told = after.label[bad] >= 0
    assert told.float().mean() > 0.8
    assert (after.label[bad][told] == points.train.label[bad][told]).float().mean() > 0.99


def caught(data, truth, defect, name, share):
    findings = list(DEFECTS[defect].detect(data, Features(data.train)))
    finding = next(f for f in findings if f.name == name)
    bad = torch.isin(finding.ids, truth.damaged)
    assert bad.any()
    assert finding.flagged[bad].float().mean() >= share
    assert finding.flagged[~bad].float().mean() < 0.05
    assert finding.scores[bad].mean() > finding.scores[~bad].mean()
    assert ((finding.scores >= 0) & (finding.scores <= 1)).all()


@pytest.mark.parametrize("kind", ["near", "cropped", "turned", "mirrored", "recoloured"])
def test_copies_made_over_are_found_and_mirrored_ones_are_named(kind):
    clean = load("digits-28")
    data, truth = damaged(replace(clean, train=clean.train[:600]), "duplicates", {"kind": kind})
    name, other = ("mirrored", "near") if kind == "mirrored" else ("near", "mirrored")
    caught(data, truth, "duplicates", f"duplicates-{name}", 0.85)
    assert found(data, f"duplicates-{other}").count < 0.02 * len(data.train)
    finding = found(data, f"duplicates-{name}")
    group = dict(zip(finding.ids.tolist(), finding.groups.tolist(), strict=True))
    together = [
        group[copy] == group[origin] >= 0 for copy, origin in zip(truth.added.tolist(), truth.origins.tolist(), strict=True)
    ]
    assert np.mean(together) >= 0.85


def test_digits_that_differ_are_no_copies_of_each_other_though_they_are_alike(digits):
    for name in ("duplicates-near", "duplicates-mirrored"):
        assert found(digits, name).count < 0.005 * len(digits.train)


def test_a_cropped_turned_or_tinted_copy_can_be_fitted_and_another_picture_cannot():
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    waves = torch.stack([torch.sin(x / 4 + y / 7), torch.cos(x / 6 - y / 3), torch.sin(x * y / 90)])
    image = (127 + 120 * waves).to(torch.uint8)[None]
    for kind in ("cropped", "turned", "recoloured"):
        copy = torch.from_numpy(COPIES[kind](image[0].numpy(), 0.5, np.random.default_rng(1)))[None]
        assert float(fitted(image, copy)) < WARPED
        assert float(fitted(copy, image)) < WARPED
    assert float(fitted(image, image.flip(3))) > 2 * WARPED


@pytest.mark.parametrize("defect", OF_IMAGES)
def test_damage_is_a_function_of_its_seed_and_grows_with_its_rate(digits, defect):
    settings = DEFECTS[defect].Settings
    less, again, more, other = (
        DEFECTS[defect].inject(digits, settings(rate=rate), seed)[0] for rate, seed in [(0.1, 1), (0.1, 1), (0.3, 1), (0.1, 2)]
    )
    assert less.fingerprint == again.fingerprint != other.fingerprint
    differ = [set(digits.train.hashes) ^ set(part.hashes) for part in (less, more)]
    assert len(differ[0]) <= len(differ[1])
    assert digits.train.fingerprint == load("digits").train.fingerprint


@pytest.mark.parametrize("defect", OF_IMAGES)
def test_a_rate_of_0_changes_nothing_and_one_of_1_works_or_says_why_not(digits, defect):
    data, truth = damaged(digits, defect, {"rate": 0.0})
    assert data.train.fingerprint == digits.train.fingerprint
    assert not len(truth.damaged)
    train, _ = DEFECTS[defect].inject(digits, DEFECTS[defect].Settings(rate=1.0), 0)
    assert len(train)


def test_leaving_out_every_class_would_leave_nothing(digits):
    with pytest.raises(BadData, match="would leave nothing"):
        damaged(digits, "missing", {"kind": "class", "rate": 1.0})
    with pytest.raises(BadData, match="would leave nothing"):
        damaged(digits, "imbalance", {"rate": 1.0, "severity": 1.0})


@pytest.mark.parametrize("settings", [{"rate": 0.2}, {"kind": "long-tail", "rate": 0.5}])
@pytest.mark.parametrize("modality", ["image", "points"])
def test_rare_classes_are_named_and_weights_bring_them_back(digits, points, modality, settings):
    clean_data = digits if modality == "image" else points
    data, truth = damaged(clean_data, "imbalance", settings)
    finding = found(data, "imbalance")
    assert set(finding.classes) == set(truth.classes)
    train = repair(data, [finding], Recipe.of(data)).apply(data).train
    shares = torch.zeros(len(data.spec.classes)).index_add_(0, train.label, train.column("weight").float())
    clean = clean_data.train.counts / len(clean_data.train)
    assert (shares / shares.sum() - clean).abs().sum() / 2 < 0.05


def test_a_class_without_items_is_missing_not_rare(digits):
    data, truth = damaged(digits, "missing", {"kind": "class", "rate": 0.1})
    assert found(data, "missing-class").classes == truth.classes
    assert found(data, "imbalance").classes == ()


@pytest.mark.parametrize(
    ("defect", "settings", "name"),
    [("duplicates", {}, "duplicates-exact"), ("missing", {"kind": "blank"}, "missing-blank"), ("leaks", {}, "leaks")],
)
def test_what_was_added_or_spoilt_is_dropped_and_the_rest_is_kept(digits, defect, settings, name):
    data, truth = damaged(digits, defect, settings)
    after = repair(data, [found(data, name)], Recipe.of(data)).apply(data).train
    assert not torch.isin(truth.damaged, after.id).any()
    good = data.train.id[~torch.isin(data.train.id, truth.damaged)]
    assert torch.isin(good, after.id).float().mean() > 0.99


def test_small_masks_are_filled_in_and_images_behind_large_ones_dropped():
    clean = load("digits-28")
    clean = replace(clean, train=clean.train[:300])
    for severity, lost in ((0.5, False), (1.0, True)):
        data, truth = damaged(clean, "missing", {"kind": "patch", "severity": severity})
        after = repair(data, [found(data, "missing-patch")], Recipe.of(data)).apply(data).train
        masked = torch.isin(clean.train.id, truth.changed)
        assert torch.isin(truth.changed, after.id).float().mean() == (not lost)
        if not lost:
            wrong = [(part.read(masked.nonzero()[:, 0]) - clean.train.read(masked.nonzero()[:, 0]).float()).abs().mean()
                     for part in (data.train, after)]  # fmt: skip
            assert wrong[1] < wrong[0] / 2


def test_lost_and_wrong_labels_are_told_again(digits):
    for settings, defect, name in [({"kind": "labels"}, "missing", "missing-labels"), ({}, "label-errors", "label-errors")]:
        data, truth = damaged(digits, defect, settings)
        after = repair(data, [found(data, name)], Recipe.of(data)).apply(data).train
        bad = torch.isin(after.id, truth.damaged)
        assert (after.label[bad] == digits.train.label[bad]).float().mean() > 0.85
        assert (after.label[~bad] == digits.train.label[~bad]).float().mean() > 0.99


def test_a_repair_stores_ids_and_is_undone_by_removing_its_step(digits):
    data, _ = damaged(digits, "duplicates", {})
    recipe = Recipe.of(digits).then("duplicates", {}, 0)
    recipe = repair(data, [found(data, "duplicates-exact")], recipe)
    assert recipe.steps[-1].do == "drop"
    assert recipe.apply(digits).train.fingerprint == digits.train.fingerprint
    assert recipe.without(recipe.steps[-1].key).apply(digits).train.fingerprint == data.train.fingerprint


def test_what_a_person_unticks_is_kept(digits):
    data, truth = damaged(digits, "duplicates", {})
    finding = found(data, "duplicates-exact").only(truth.added[:3].tolist())
    after = repair(data, [finding], Recipe.of(data)).apply(data).train
    assert len(after) == len(data.train) - 3


def test_inspecting_again_reads_the_same_from_the_cache(digits):
    first, again = list(inspect(digits)), list(inspect(digits))
    assert [f.name for f in first] == [f.name for f in again]
    assert all(torch.equal(f.scores, g.scores) and torch.equal(f.flagged, g.flagged) for f, g in zip(first, again, strict=True))


# --- Odd data ---


def of(items: np.ndarray, label, classes=("a", "b")) -> Splits:
    spec = DataSpec("image" if items.ndim == 4 else "points", items.shape[1:], classes)
    data = Dataset("digits", spec, items, {"label": torch.as_tensor(label), "id": torch.arange(len(items))})
    return Splits("digits", data, data[:1], data[:1])


ODD = {
    "one image": of(np.full((1, 1, 8, 8), 90, np.uint8), [0]),
    "identical images": of(np.tile(np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8), (40, 1, 1, 1)), [0, 1] * 20),
    "one class": of(np.random.default_rng(0).integers(0, 256, (30, 3, 8, 8), np.uint8), [0] * 30),
    "no labels": of(np.random.default_rng(0).integers(0, 256, (30, 1, 12, 8), np.uint8), [-1] * 30),
    "no classes": of(np.random.default_rng(0).integers(0, 256, (30, 1, 8, 8), np.uint8), [-1] * 30, ()),
    "not a number": of(
        np.random.default_rng(0).random((30, 2), np.float32) * np.float32([[1], [np.nan], [1]] * 10), [0, 1, 0] * 10
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_data_get_a_report_whose_scores_are_shares(kind):
    card = report(ODD[kind], inspect(ODD[kind]))
    assert all(score.value is None or 0 <= score.value <= 1 + 1e-6 for score in card.scores)
    assert json.loads(json.dumps(card.to_json(), allow_nan=False))["items"] == len(ODD[kind].train)


KINDS = [
    (defect, {"kind": kind} if kind else {})
    for defect in DEFECTS
    for kind in next((setting.choices for setting in DEFECTS[defect].Settings.fields() if setting.name == "kind"), [""])
]


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("kind", ODD)
def test_odd_data_are_damaged_or_refused_and_never_to_nothing(kind, rate):
    done = 0
    for defect, settings in KINDS:
        with suppress(GenlabError):
            data, truth = damaged(ODD[kind], defect, {"rate": rate, **settings})
            assert len(data.train.id.unique()) == len(data.train) > 0
            assert data.train.read(slice(None)).shape[1:] == data.spec.shape
            assert rate or data.train.fingerprint == ODD[kind].train.fingerprint
            assert rate or not len(truth.damaged) + len(truth.removed)
            done += 1
    assert done > 4


@pytest.mark.parametrize("kind", ["one class", "no labels", "no classes", "not a number"])
def test_odd_data_are_repaired_and_something_is_left(kind):
    data = ODD[kind]
    recipe = repair(data, inspect(data), Recipe.of(data))
    assert 0 < len(recipe.apply(data).train) <= len(data.train)


@pytest.mark.parametrize("kind", ["one image", "identical images"])
def test_what_is_tested_on_too_is_not_all_dropped(kind):
    with pytest.raises(BadData, match="would leave nothing"):
        repair(ODD[kind], inspect(ODD[kind]), Recipe.of(ODD[kind]))


def test_identical_images_are_copies_of_one_and_not_all_are_dropped():
    data = ODD["identical images"]
    after = repair(data, [found(data, "duplicates-exact")], Recipe.of(data)).apply(data)
    assert len(after.train) == 1


def test_values_that_are_no_numbers_are_found():
    assert found(ODD["not a number"], "missing-blank").flagged.nonzero()[:, 0].tolist() == list(range(1, 30, 3))


def test_a_repair_that_would_leave_nothing_is_refused():
    blank = of(np.zeros((30, 1, 8, 8), np.uint8), [0, 1] * 15)
    with pytest.raises(BadData, match="would leave nothing"):
        repair(blank, [found(blank, "missing-blank")], Recipe.of(blank))


@pytest.mark.parametrize(
    ("name", "defect", "settings", "sentence"),
    [
        ("gaussians", "noise", {"kind": "blur"}, "points can have Gaussian noise alone"),
        ("gaussians", "duplicates", {"kind": "near"}, "holds points, which have no duplicates of the kind 'near'"),
        ("gaussians", "exposure", {}, "Possible for points: missing, imbalance, duplicates"),
        ("gaussians", "outliers", {}, "holds points"),
        ("swiss-roll", "imbalance", {}, "has no classes that could be rare"),
        ("swiss-roll", "label-errors", {}, "fewer than 2 classes"),
        ("digits", "outliers", {"dataset": "digits"}, "must be images of another dataset"),
        ("digits", "outliers", {"dataset": "nothing"}, "There is no dataset called 'nothing'"),
    ],
)
def test_damage_that_cannot_be_gets_its_sentence(name, defect, settings, sentence):
    with pytest.raises(GenlabError, match=sentence):
        damaged(load(name), defect, settings)


@pytest.mark.parametrize("name", DEFECTS)
def test_points_can_have_what_a_defect_says_and_nothing_else(name):
    defect, points = DEFECTS[name], load("gaussians")
    for kind in next((setting.choices for setting in defect.Settings.fields() if setting.name == "kind"), [""]):
        with nullcontext() if takes(defect, "points", kind) else pytest.raises(GenlabError, match="points"):
            damaged(points, name, {"kind": kind} if kind else {})


def test_settings_outside_their_range_and_unknown_issues_get_their_sentence(digits):
    with pytest.raises(BadSetting, match=r"rate is 1\.5; it must be a number from 0 to 1"):
        DEFECTS["noise"].Settings.parse({"rate": 1.5})
    with pytest.raises(GenlabError, match=r"no issue called 'blurr'"):
        repair(digits, [], Recipe.of(digits), ["blurr"])


# --- Known truths ---


def test_identical_items_are_one_in_effect_and_orthogonal_ones_as_many_as_they_are():
    assert vendi(torch.ones(9, 4)) == pytest.approx(1)
    assert vendi(torch.eye(7)) == pytest.approx(7)
    assert vendi(torch.zeros(3, 4)) == pytest.approx(1)


def test_squares_of_one_colour_are_measured():
    image = torch.arange(100, dtype=torch.uint8).reshape(1, 1, 10, 10).clone()
    image[..., 2:7, 3:8] = 200
    sides = squares(image)[0]
    assert int(sides[2, 3]) == 5
    assert int(sides[4, 4]) == 3
    assert int(sides[9, 9]) == 1


def test_a_shifted_or_brighter_copy_differs_by_nothing():
    image = torch.zeros(1, 1, 12, 12, dtype=torch.uint8)
    image[..., 4:7, 5:8] = torch.arange(9).reshape(3, 3).to(torch.uint8) * 10
    for copy in (image.roll(1, 2), (image * 1.25).to(torch.uint8)):
        assert float(differences(image, copy)) < 0.05
    assert float(differences(image, image.flip(2, 3))) > 0.3


def test_a_report_is_a_picture_and_a_page_of_markdown(digits):
    card = report(digits, inspect(digits))
    assert draw(card).startswith(b"\x89PNG")
    assert digits.train.fingerprint in markdown(card)
    assert "unknown" in markdown(card)  # no dates are made up


def test_timeliness_is_the_share_of_dated_items_that_are_young_and_tells_their_ages(digits):
    today = date.today()
    ages = [UNDATED, today.toordinal(), today.toordinal() - 300, today.toordinal() - 3000, today.toordinal() - 4000]
    train = digits.train[:50].with_column("date", torch.tensor(ages * 10))
    data = replace(digits, train=train)
    timeliness = next(score for score in report(data, []).scores if score.name == "timeliness")
    assert timeliness.value == 0.5
    oldest, median = (date.fromordinal(ages[i]) for i in (4, 2))
    assert timeliness.measured == f"newest {today}, oldest {oldest}, median {median}; 40 of 50 items have a date"
    assert "at most 5 years old" in timeliness.definition


def test_what_is_in_the_nature_of_the_data_is_no_damage():
    shapes = replace(load("sprites"), train=load("sprites").train[:3000])  # in all colours, many of them dark
    for name in ("exposure-dark", "noise-blur"):
        assert found(shapes, name).count < 0.01 * len(shapes.train)


def test_blank_images_are_nothing_but_blank(digits):
    data, truth = damaged(digits, "missing", {"kind": "blank", "rate": 0.15})
    for name in ("exposure-dark", "noise-blur"):
        finding = found(data, name)
        assert not torch.isin(finding.ids[finding.flagged], truth.changed).any()
