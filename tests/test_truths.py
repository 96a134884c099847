"""Each metric against what is known of it: closed forms, and other people's programs on the same features."""

from dataclasses import replace
from itertools import product
from math import erf

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric
from vendi_score.vendi import score_dual

from genlab.errors import BadSetting
from genlab.metrics import (
    METRICS,
    Damage,
    Evidence,
    Real,
    agreement,
    confusion,
    copying_test,
    coverage,
    density,
    endless,
    frechet,
    hits,
    kernel_distance,
    nearer,
    precision,
    ratios,
    recall,
    shares,
    told_apart,
    transfer,
    two_sample,
)
from genlab.quality import vendi

D = 16


def normal(seed: int, n: int = 1000, d: int = D) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).double()


def exactly(seed: int, mean: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    """Features whose own mean and covariance are those, root @ rootᵀ."""
    x = normal(seed)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T
    return mean + x @ root.T


def evidence(seed: int = 0, n: int = 400, classes: int = 4) -> tuple[Evidence, Real]:
    """Samples, and real items, of classes that lie apart and are seen as they are."""

    def some(seed: int) -> Evidence:
        label = torch.arange(n) % classes
        features = normal(seed, n) + 6 * torch.nn.functional.one_hot(label, D)
        told = {"losses": features[:, 0], "nats": features[:, 1], "errors": features[:, :2] ** 2, "flags": features[:, :1] > 1}
        told["spelled"] = features[:, :2].abs() + 1
        told["forecasts"] = features.view(n, 2, -1)  # what came of two values, what was before, and paths
        told["sure"] = torch.stack([torch.full((n, 10), 2.0), features[:, :10].sigmoid(), (features[:, :10] > 0).double()], 2)
        told["words"] = (10 * features[:, :8].abs()).long()
        told["copied"] = torch.stack([label, label + 3, label], 1)
        items = features.float().view(n, 1, 4, 4) / 10
        return Evidence(features, items, label, torch.nn.functional.one_hot(label, classes).double(), **told)

    damage = (Damage("noise-blur", 0.1, 0.9),)
    return some(seed), Real(some(seed + 1), some(seed + 2), tuple("abcd"[:classes]), damage, ("10%", "90%"))


# --- Closed forms ---


def test_the_distance_of_two_bells_is_that_of_their_moments():
    a, b = normal(1, D) / 4 + torch.eye(D), torch.diag(torch.linspace(0.5, 2, D)).double()
    shift = torch.linspace(-1, 1, D).double()
    roots = torch.linalg.eigvals((a @ a.T) @ (b @ b.T)).real.clamp(min=0).sqrt().sum()
    known = shift.square().sum() + (a @ a.T).trace() + (b @ b.T).trace() - 2 * roots
    assert frechet(exactly(2, torch.zeros(D), a), exactly(3, shift, b)) == pytest.approx(float(known), rel=1e-6)


def test_the_distance_of_equal_bells_is_the_bias_that_is_known():
    """(1/n₁ + 1/n₂)[tr Σ + ½ ΣΣ (1 + δᵢⱼ) λᵢλⱼ/(λᵢ + λⱼ)]"""
    n, d = 1000, 64
    values = torch.linspace(0.2, 3, d).double()
    pairs = values[:, None] * values / (values[:, None] + values) * (1 + torch.eye(d))
    bias = 2 / n * (values.sum() + pairs.sum() / 2)
    found = [frechet(normal(i, n, d) * values.sqrt(), normal(i + 100, n, d) * values.sqrt()) for i in range(12)]
    assert np.mean(found) == pytest.approx(float(bias), rel=0.02)


def test_endless_samples_have_no_bias_of_their_own():
    far = [frechet(normal(i, 20_000), normal(i + 50)) for i in range(8)]
    gone = [endless(normal(i, 20_000), normal(i + 50)) for i in range(8)]
    assert abs(np.mean(gone)) < 0.15 * np.mean(far)


def test_the_kernel_distance_of_shifted_bells_is_in_closed_form():
    d, mu = 8, torch.full((8,), 0.5).double()
    m = float(mu.square().sum())
    known = 3 * m / d + 3 * m**2 / d**2 + (m**3 + 6 * m**2 + 3 * m * (d + 2)) / d**3
    found = [kernel_distance(normal(i, 3000, d), normal(i + 50, 3000, d) + mu) for i in range(6)]
    assert np.mean(found) == pytest.approx(known, rel=0.05)
    null = [kernel_distance(normal(i, 500, d), normal(i + 50, 500, d)) for i in range(20)]
    assert abs(np.mean(null)) < 3 * np.std(null) / 20**0.5


def test_density_of_equal_distributions_is_one():
    assert np.mean([density(normal(i), normal(i + 50)) for i in range(10)]) == pytest.approx(1, abs=0.02)


def test_the_vendi_score_counts_groups_that_have_nothing_in_common():
    fake = Evidence(torch.eye(8).repeat(30, 1), wished=torch.arange(240) % 8)
    value = METRICS["vendi"](fake, Real(fake, fake, tuple("abcdefgh")))
    assert value.number == pytest.approx(8)
    assert value.groups == pytest.approx(dict.fromkeys("abcdefgh", 1.0))


@pytest.mark.parametrize("flipped", [0.0, 0.1, 0.4])
def test_labels_that_are_wrong_so_often_agree_so_much_less_whatever_the_judge_errs(flipped: float):
    draw, n, classes = np.random.default_rng(0), 200_000, 5
    judge = torch.full((classes, classes), 0.03).double() + torch.diag(torch.linspace(0.6, 0.85, classes).double())
    judge = judge / judge.sum(1, keepdim=True)
    wished = torch.from_numpy(draw.integers(0, classes, n))
    other = (wished + torch.from_numpy(draw.integers(1, classes, n))) % classes
    true = torch.where(torch.from_numpy(draw.random(n) < flipped), other, wished)
    seen = (torch.from_numpy(draw.random(n))[:, None] > judge[true].cumsum(1)).sum(1).clamp(max=classes - 1)
    assert agreement(wished, seen, judge).numpy() == pytest.approx(1 - flipped, abs=0.02)
    assert shares(seen, judge).numpy() == pytest.approx(torch.bincount(true).numpy() / n, abs=0.01)


def test_a_judge_without_faults_changes_nothing():
    label, seen = torch.tensor([0, 0, 1, 1, 1, 1]), torch.tensor([0, 1, 1, 1, 1, 0])
    assert confusion(label, seen, 2).tolist() == [[0.5, 0.5], [0.25, 0.75]]
    assert agreement(label, seen, torch.eye(2).double()).tolist() == [0.5, 0.75]
    assert shares(seen, torch.eye(2).double()).numpy() == pytest.approx([2 / 6, 4 / 6])


@pytest.mark.parametrize("copied", [0.0, 0.3, 1.0])
def test_of_so_many_copies_half_and_half_of_them_are_nearer_to_training(copied: float):
    found = []
    for i in range(5):
        fake, train, other = normal(i), normal(i + 50), normal(i + 100)
        fake[: int(copied * 1000)] = train[: int(copied * 1000)]
        found.append(nearer(fake, train, other))
    assert np.mean(found) == pytest.approx(0.5 + copied / 2, abs=0.03)


def test_copies_are_nearer_to_one_training_item_than_to_any_other():
    train, fresh = normal(0), normal(1)
    ratio, rows = ratios(train[:50] + 1e-3, train)
    assert (ratio < 1 / 3).all()
    assert torch.equal(rows, torch.arange(50))
    assert (ratios(fresh, train)[0] > 1 / 3).all()


def test_the_copying_test_is_near_nothing_for_what_is_new_and_far_below_for_copies():
    null = [copying_test(normal(i), normal(i + 50, 2000), normal(i + 100)) for i in range(10)]
    assert abs(np.mean(null)) < 0.6
    assert max(map(abs, null)) < 3
    train = normal(50, 2000)
    assert copying_test(train[:1000] + 0.05 * normal(7), train, normal(100)) < -5
    assert copying_test(3 * normal(0), train, normal(100)) > 5  # what lies far off copies nothing


def test_what_is_new_is_nearer_to_neither_side_however_many_there_are():
    for known, others in ((100, 1000), (1000, 100)):
        share = nearer(normal(0, 2000, 2), normal(1, known, 2), normal(2, others, 2))
        assert share == pytest.approx(0.5, abs=0.12)


def test_beside_a_single_training_item_only_itself_is_a_copy():
    ratio, rows = ratios(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.zeros(1, 2))
    assert (ratio.tolist(), rows.tolist()) == ([0, 1], [0, 0])


@pytest.mark.parametrize("side", [0, 1])
def test_a_classifier_needs_labels_to_learn_and_to_be_judged_by(side: int):
    fake, real = evidence()
    unknown = torch.full((len(fake),), -1)
    asked = (replace(fake, wished=unknown), real) if side == 0 else (fake, replace(real, test=replace(real.test, wished=unknown)))
    with pytest.raises(BadSetting, match="needs labels"):
        METRICS["classification"](*asked)


@pytest.mark.parametrize("n", [99, 150, 1000])
def test_by_chance_as_many_are_found_out_as_are_wrongly_accused(n: int):
    found = [hits(normal(2 * i, 2000, 1)[:, 0], normal(2 * i + 1, n, 1)[:, 0]) for i in range(200)]
    assert np.mean(found) == pytest.approx(int(0.01 * (n + 1)) / (n + 1), rel=0.3)
    assert np.mean(found) < 0.0125


def test_one_false_alarm_in_a_hundred_takes_as_many_items():
    with pytest.raises(BadSetting, match="of 40 unseen items"):
        hits(torch.zeros(9), torch.zeros(40))


def test_the_nearest_neighbour_tells_nothing_of_equal_sides_and_is_always_wrong_for_copies():
    assert np.mean([two_sample(normal(i), normal(i + 50)) for i in range(10)]) == pytest.approx(0.5, abs=0.02)
    assert two_sample(normal(0), normal(0)) == 0
    assert two_sample(normal(0), normal(1) + 9) == 1


# --- Other programs, on the same features ---


@pytest.fixture(scope="module")
def sides() -> tuple[torch.Tensor, torch.Tensor]:
    return normal(0), 1.2 * normal(1, 800) + 0.3


def test_distances_are_those_of_torch_fidelity(sides):
    real, fake = sides
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(x) for x in (fake, real)), verbose=False)
    assert frechet(real, fake) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)
    whole = {"kid_subsets": 1, "kid_subset_size": 800, "kid_kernel": "poly", "rng_seed": 0, "verbose": False}
    theirs = kid_features_to_metric(fake, real[:800], **whole)
    assert kernel_distance(real[:800], fake) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)


def test_precision_and_recall_are_those_of_torch_fidelity(sides):
    real, fake = sides
    theirs = prc_features_to_metric(fake, real, prc_neighborhood=5, prc_batch_size=500, save_cpu_ram=False, verbose=False)
    assert precision(real, fake) == pytest.approx(theirs["precision"], abs=1e-4)
    assert recall(real, fake) == pytest.approx(theirs["recall"], abs=1e-4)


def test_density_and_coverage_are_those_of_prdc(sides):
    real, fake = sides
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=5)
    for name, ours in [("precision", precision), ("recall", recall), ("density", density), ("coverage", coverage)]:
        assert ours(real, fake) == pytest.approx(theirs[name], abs=1e-4)


def test_the_vendi_score_is_that_of_vendi_score(sides):
    assert vendi(sides[0]) == pytest.approx(score_dual(sides[0].numpy(), normalize=True), rel=1e-4)


# --- What a model says of items, and what it drew of the damage ---


def test_membership_of_shifted_losses_is_in_closed_form():
    """Φ(μ/√2) for two bells that lie μ apart; at one false alarm in a hundred Φ(μ - 2.326)."""
    trained, unseen = normal(1, 20_000, 1)[:, 0] - 1, normal(2, 20_000, 1)[:, 0]
    assert told_apart(trained, unseen) == pytest.approx((1 + erf(0.5)) / 2, abs=0.01)
    assert hits(trained, unseen) == pytest.approx((1 + erf((1 - 2.3263) / 2**0.5)) / 2, abs=0.02)
    assert told_apart(unseen, unseen) == 0.5
    assert told_apart(torch.zeros(5), torch.ones(7)) == 1


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_transfer_is_the_share_of_the_damage_that_is_drawn_again(rate: float):
    """Whatever the check misses or flags wrongly."""
    n, true, false = 100_000, 0.8, 0.05
    chance = torch.rand(n, 2, generator=torch.Generator().manual_seed(0))
    for drawn in (0, 0.5, 1):
        bad = (torch.arange(n) < n * rate * drawn)[:, None]
        flags = torch.where(bad, chance < true, chance < false)
        tau = transfer(flags, chance.flip(0) < false, [Damage("a", rate, true), Damage("b", rate, false)])
        assert tau[0] == pytest.approx(drawn, abs=0.03 / rate**0.5)
        assert tau[1].isnan()  # a check that sees nothing tells nothing


# --- All of them ---


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_samples_changes_nothing(name: str):
    fake, real = evidence()
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(3))
    once, again = METRICS[name](fake, real), METRICS[name](fake[order], real)
    tolerance = 0.3 if name == "frechet-endless" else 1e-6  # which draws subsets
    assert again.number == pytest.approx(once.number, rel=tolerance, abs=tolerance)
    assert again.groups == pytest.approx(once.groups)


@pytest.mark.parametrize(("name", "left"), [*product(METRICS, ["wished", "seen", "items"])])
def test_what_a_metric_needs_it_asks_for_in_a_sentence(name: str, left: str):
    fake, real = evidence()
    without = Evidence(**{**vars(fake), left: None})
    if left in METRICS[name].needs:
        with pytest.raises(BadSetting, match="needs"):
            METRICS[name](without, real)
    else:
        assert np.isfinite(METRICS[name](without, real).number)


@pytest.mark.parametrize("name", METRICS)
def test_samples_that_are_no_numbers_or_too_few_get_a_sentence(name: str):
    fake, real = evidence()
    broken = replace(fake, features=fake.features * float("nan"))
    with pytest.raises(BadSetting, match="not numbers"):
        METRICS[name](broken, real)
    with pytest.raises(BadSetting, match="at least"):
        METRICS[name](fake[:5], real)


@pytest.mark.parametrize("name", METRICS)
def test_identical_samples_have_a_number_too(name: str):
    fake, real = evidence()
    assert np.isfinite(METRICS[name](fake[torch.zeros(400, dtype=torch.long)], real).number)
