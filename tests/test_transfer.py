"""Damage that a model draws again is told as such: all of it by data that are damaged so, none by clean ones."""

import pytest
import torch

from genlab.data import Part, load, save_dataset
from genlab.data.library import recipe_of, save_recipe
from genlab.data.recipe import Recipe
from genlab.errors import BadSetting
from genlab.metrics import METRICS, Evidence, Eye, Real, harm

RATE = 0.3
DAMAGE = {
    "noise-gaussian": ("noise", {"kind": "gaussian", "severity": 0.7}),
    "missing-blank": ("missing", {"kind": "blank"}),
    "exposure-dark": ("exposure", {"kind": "dark", "severity": 0.8}),
    "outliers": ("outliers", {"dataset": "sprites"}),
}


def evidence_of(data, rows, found) -> Evidence:
    x = data.inputs(rows)
    return found.seen(Evidence(x.flatten(1), x))


@pytest.mark.parametrize("issue", DAMAGE)
def test_damaged_data_have_all_of_their_damage_and_clean_ones_none(issue: str):
    clean = load("digits")
    do, settings = DAMAGE[issue]
    damaged = save_recipe(issue, Recipe.of(clean).then(do, {"rate": RATE, **settings}, seed=5))
    found = harm(clean, damaged.name)
    (damage,) = found.damage
    assert damage.name == issue
    assert damage.rate == pytest.approx(RATE if do != "outliers" else RATE / (1 + RATE), abs=0.002)
    whole = slice(None)
    real = Real(evidence_of(clean.test, whole, found), evidence_of(clean.train, slice(0, 1), found), (), found.damage)
    everything, nothing = (METRICS["transfer"](evidence_of(one.train, whole, found), real) for one in (damaged, clean))
    error = 3 * (damage.hits * (1 - damage.hits) / len(clean.test) + 0.25 / len(clean.train)) ** 0.5 / (damage.hits * RATE)
    assert everything.number == pytest.approx(1, abs=0.1 + error)
    assert nothing.number == pytest.approx(0, abs=0.1 + error)
    assert everything.groups == {issue: everything.number}
    assert len(everything.worst) > 0.5 * RATE * len(clean.train)


def test_masks_are_told_even_where_a_model_drew_them_softly():
    digits = load("digits")
    grown = {name: digits.spec.kind.brought_to(part.read(slice(None)), (1, 28, 28)) for name, part in digits.parts.items()}
    clean = save_dataset("grown", {name: Part(x.numpy(), {}) for name, x in grown.items()}, [], "digits of 28×28")
    damaged = save_recipe("masked", Recipe.of(clean).then("missing", {"kind": "patch", "rate": RATE}, seed=5))
    found = harm(clean, damaged.name)
    real = Real(evidence_of(clean.test, slice(None), found), evidence_of(clean.train, slice(0, 1), found), (), found.damage)
    soft = damaged.train.inputs(slice(0, 600))
    soft = soft + 0.02 * torch.randn(soft.shape, generator=torch.Generator().manual_seed(0))
    assert METRICS["transfer"](found.seen(Evidence(soft.flatten(1), soft)), real).number == pytest.approx(1, abs=0.3)


def test_a_check_that_is_blind_in_such_data_says_so():
    """Squares of digits of eight pixels a side are as flat as masks are."""
    clean = load("digits")
    damaged = save_recipe("patched", Recipe.of(clean).then("missing", {"kind": "patch", "rate": RATE}, seed=5))
    found = harm(clean, damaged.name)
    real = Real(evidence_of(clean.test, slice(None), found), evidence_of(clean.train, slice(0, 1), found), (), found.damage)
    with pytest.raises(BadSetting, match="see too little of missing-patch"):
        METRICS["transfer"](real.test, real)


def test_what_was_repaired_has_no_damage_left():
    clean = load("digits")
    blank = save_recipe("blank", Recipe.of(clean).then("missing", {"kind": "blank", "rate": 0.2}, seed=5))
    gone = blank.train.id[(blank.train.read(slice(None)) == 0).flatten(1).all(1)]
    mended = save_recipe("mended", recipe_of(blank.name).then("drop", {"ids": gone.tolist()}))
    assert not harm(clean, mended.name).damage
    assert not harm(clean, "digits").damage


NOISE = ("noise", {"kind": "gaussian", "severity": 0.7, "rate": RATE})


@pytest.mark.parametrize("more", [NOISE, ("duplicates", {"kind": "exact", "rate": 0.5})])
def test_what_is_damaged_twice_or_copied_is_transferred_once(more):
    clean = load("digits")
    damaged = save_recipe("more", Recipe.of(clean).then(*NOISE, seed=5).then(*more, seed=6))
    found = harm(clean, damaged.name)
    (damage,) = found.damage
    same = torch.isin(damaged.train.id, clean.train.id)
    before = dict(zip(clean.train.id.tolist(), clean.train.hashes, strict=True))
    after = damaged.train[same]
    changed = [before[item] != content for item, content in zip(after.id.tolist(), after.hashes, strict=True)]
    assert damage.rate == pytest.approx(sum(changed) / len(changed), abs=0.03)


def test_damage_is_told_from_its_own_source_alone():
    damaged = save_recipe("own", Recipe.of(load("digits")).then(*NOISE, seed=5))
    with pytest.raises(BadSetting, match=r"not made of digits\+own"):
        harm(damaged, damaged.name)


def test_masks_that_were_filled_in_are_no_damage():
    clean = load("digits")
    rows = clean.train.id[:200].tolist()
    recipe = Recipe.of(clean).then("missing", {"kind": "patch", "rate": 1.0}, seed=5)
    filled = save_recipe("filled", recipe.then("fill", {"ids": rows, "boxes": [[0, 0, 4, 4]] * 200}))
    (damage,) = harm(clean, filled.name).damage
    assert damage.rate == pytest.approx(1 - 200 / len(clean.train), abs=0.05)


def test_without_damage_there_is_a_sentence():
    eye = Eye(load("digits"))
    with pytest.raises(BadSetting, match="learnt from damaged data"):
        METRICS["transfer"](eye.real("test"), Real(eye.real("test"), eye.real("train")))
