"""What a check learns from clean data judges other items: finds the damaged ones, spares the rest, takes each by itself."""

from dataclasses import replace

import pytest
import torch

from genlab.data import load
from genlab.errors import BadData
from genlab.features import Features
from genlab.quality import DEFECTS, fit

DAMAGES = [  # what is damaged how, as which issue it is to be told, in how much of it at least
    ("noise", {"kind": "gaussian", "severity": 0.6}, "noise-gaussian", 0.9),
    ("noise", {"kind": "salt-and-pepper", "severity": 0.6}, "noise-salt-and-pepper", 0.9),
    ("noise", {"kind": "blur", "severity": 0.6}, "noise-blur", 0.9),
    ("noise", {"kind": "jpeg", "severity": 0.8}, "noise-jpeg", 0.9),
    ("missing", {"kind": "blank"}, "missing-blank", 1.0),
    ("missing", {"kind": "patch", "severity": 0.6}, "missing-patch", 0.95),
    ("exposure", {"kind": "dark", "severity": 0.6}, "exposure-dark", 0.9),
    ("exposure", {"kind": "bright", "severity": 0.6}, "exposure-bright", 0.9),
    ("label-errors", {"kind": "uniform"}, "label-errors", 0.8),
]
SPARED = 0.03  # of clean items that may be flagged


@pytest.fixture(scope="module")
def halves():
    """Clean digits to learn from, and as many others."""
    data = load("digits-28")
    even = torch.arange(len(data.train)) % 2 == 0
    return replace(data, train=data.train[even]), replace(data, train=data.train[~even])


@pytest.fixture(scope="module")
def checks(halves):
    features = Features(halves[0].train)
    return {name: fit(halves[0].train, features, [name]) for name in DEFECTS}


def damaged(data, name, seed=0, **settings):
    """The training part damaged, and which of its items are."""
    train, truth = DEFECTS[name].inject(data, DEFECTS[name].Settings.parse(settings), seed)
    return train, torch.isin(train.id, truth.damaged)


@pytest.mark.parametrize(("defect", "settings", "issue", "least"), DAMAGES, ids=[issue for _, _, issue, _ in DAMAGES])
def test_damage_of_other_items_is_found_and_clean_ones_are_spared(halves, checks, defect, settings, issue, least):
    train, bad = damaged(halves[1], defect, 3, rate=0.5, **settings)
    flagged = checks[defect](train)[issue].flagged
    assert bad.float().mean() > 0.4
    assert flagged[bad].float().mean() >= least
    assert flagged[~bad].float().mean() <= SPARED


def test_images_of_another_dataset_are_strange(halves, checks):
    train, bad = damaged(halves[1], "outliers", 1, rate=0.3, dataset="sprites")
    flagged = checks["outliers"](train)["outliers"].flagged
    assert flagged[bad].float().mean() > 0.9
    assert flagged[~bad].float().mean() <= 0.05


def test_each_item_is_judged_by_itself(halves):
    items = halves[1].train[:120]
    check = fit(halves[0].train)
    turned = torch.arange(119, -1, -1)
    whole, back, few = check(items), check(items[turned]), check(items[:7])
    assert {issue.partition("-")[0] for issue in whole} == {"noise", "missing", "exposure", "outliers", "label"}
    for issue, verdict in whole.items():
        assert torch.allclose(back[issue].scores, verdict.scores[turned], atol=1e-4), issue
        assert torch.allclose(few[issue].scores, verdict.scores[:7], atol=1e-4), issue
        assert len(verdict.flagged) == 120
        assert 0 <= verdict.scores.min() <= verdict.scores.max() <= 1


def test_items_without_labels_have_none_that_is_wrong(halves, checks):
    items = halves[1].train.with_column("label", torch.full((len(halves[1].train),), -1))
    assert not checks["label-errors"](items)["label-errors"].flagged.any()


def test_points_are_judged_by_the_points_that_were_learnt():
    data = load("gaussians")
    others, check = replace(data, train=data.validation), fit(data.train)
    train, bad = damaged(others, "noise", kind="gaussian", rate=0.3, severity=0.8)
    flagged = check(train)["noise-gaussian"].flagged
    assert flagged[bad].float().mean() > 0.5
    assert flagged[~bad].float().mean() < 0.02
    train, bad = damaged(others, "missing", kind="blank", rate=0.1)
    assert torch.equal(check(train)["missing-blank"].flagged, bad)


def test_what_a_dataset_has_as_a_whole_no_item_has_by_itself(checks, halves):
    assert all(checks[name](halves[1].train) == {} for name in ("imbalance", "duplicates", "leaks"))


def test_too_few_items_teach_nothing_and_say_nothing(halves):
    few = halves[0].train[:5]
    assert set(fit(few)(halves[1].train[:10])) <= {"missing-blank", "missing-patch", "label-errors"}


def test_items_of_another_shape_and_none_are_refused(halves, checks):
    for items, told in [(load("sprites").train[:3], "3 images of 3×32×32"), (halves[1].train[:0], "0 images of 1×28×28")]:
        with pytest.raises(BadData, match=f"{told} were given; this check judges images of 1×28×28, at least one"):
            checks["noise"](items)
