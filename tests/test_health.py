"""The sentence on a run's health fits its curves."""

import pytest

from genlab.data import load
from genlab.training.health import judge
from genlab.training.run import Run, Status
from genlab.training.train import train

RUNNING = Status("running", 1000, 2000)


def course(held_out, told_apart=None):
    logs = {} if told_apart is None else {"told apart": told_apart}
    return [
        {"step": 10 * (i + 1), "losses": {"model": value or 1.0}, "logs": logs, "held_out": value}
        for i, value in enumerate(held_out)
    ]


def kind(held_out, told_apart=None, status=RUNNING):
    return judge(course(held_out, told_apart), status).kind


FALLING = [100 / (i + 1) for i in range(20)]
LEVEL = [100 / (i + 1) for i in range(20)] + [5.0] * 20
RISING = [100 / (i + 1) for i in range(20)] + [5 + 2 * i for i in range(20)]


@pytest.mark.parametrize(("losses", "expected"), [(FALLING, "learning"), (LEVEL, "plateau"), (RISING, "overfitting")])
def test_the_held_out_curve_decides(losses, expected):
    assert kind(losses) == expected


def test_overfitting_names_the_best_step():
    assert "step 200" in judge(course(RISING), RUNNING).sentence


def test_a_little_noise_on_a_level_curve_is_not_overfitting():
    assert kind([*FALLING, *[5 + 0.3 * (i % 3) for i in range(20)]]) == "plateau"


def latents(kl, every=10, state="running"):
    """The verdict on a VAE whose losses are level and whose KL goes so."""
    records = [
        {"step": every * (i + 1), "losses": {"model": 50.0}, "logs": {"KL": value}, "held_out": 50.0}
        for i, value in enumerate(kl)
    ]
    return judge(records, Status(state, every * len(kl), 2000))


@pytest.mark.parametrize("state", ["running", "done"])
def test_latents_that_carry_nothing_are_a_collapse_however_level_the_curves(state):
    found = latents([0.5, 0.1] + [0.004] * 60, state=state)
    assert (found.kind, found.level) == ("collapsed", "bad")
    assert "tell next to nothing of it (0.004 nats)" in found.sentence
    assert "lower beta" in found.sentence


@pytest.mark.parametrize(
    "kl",
    [
        [0.002] * 20,  # 200 steps: that is how every VAE begins
        [0.002] * 30 + [0.1 * i for i in range(1, 30)],  # began late
        [0.002 * 1.1**i for i in range(34)],  # begins slowly
        [0.06] * 60,  # little, but something
        [2.0] * 20 + [0.01] * 5 + [2.0] * 30,
    ],
)
def test_latents_that_are_used_or_begin_to_be_are_no_collapse(kl):
    assert latents(kl).kind != "collapsed"


def test_a_vae_of_two_latents_is_judged_by_its_curves_and_one_with_a_high_beta_has_collapsed():
    kinds = []
    for beta in (1.0, 50.0):
        run = Run.create("vae", "digits", {"beta": beta, "steps": 320, "width": 32, "batch_size": 64}, threads=1)
        list(train(run, load("digits"), "cpu"))
        kinds.append([judge(run.history()[:n], Status("running", n, 320)).kind == "collapsed" for n in range(len(run.history()))])
    assert not any(kinds[0])
    assert kinds[1][-1]


@pytest.mark.parametrize(("rate", "expected"), [(0.99, "won"), (0.5, "fooled"), (0.7, "balanced"), (0.9, "ahead")])
def test_the_balance_of_a_game_decides(rate, expected):
    found = judge(course(FALLING, rate), RUNNING)
    assert found.kind == expected
    assert f"{rate:.0%}" in found.sentence


def test_nothing_is_said_too_early():
    assert kind([3.0, 2.0]) == "young"


@pytest.mark.parametrize("state", ["waiting", "paused", "stopped", "interrupted"])
def test_a_run_at_rest_says_so_whatever_its_curves(state):
    assert kind(RISING, status=Status(state, 400, 2000)) == state


def test_a_failed_run_shows_what_went_wrong():
    found = judge(course(FALLING), Status("failed", 812, 2000, "Stopped at step 812: the loss became NaN."))
    assert (found.level, found.sentence) == ("bad", "Stopped at step 812: the loss became NaN.")


def test_an_interrupted_run_offers_its_last_save():
    sentence = judge([], Status("interrupted", 4120, 9000), saved=4000).sentence
    assert "Resume from step 4,000" in sentence
    assert "120 steps" in sentence


def test_a_finished_run_says_whether_more_would_help():
    assert "More steps would still help" in judge(course(FALLING), Status("done", 2000, 2000)).sentence
    assert "level" in judge(course(LEVEL), Status("done", 2000, 2000)).sentence


@pytest.mark.parametrize(("distances", "expected"), [(FALLING, "nearing"), (LEVEL[20:], "steady")])
def test_a_critic_is_judged_by_the_distance_that_it_sees(distances, expected):
    records = [
        {"step": i, "losses": {"discriminator": -d}, "logs": {"distance": d}, "held_out": -d} for i, d in enumerate(distances)
    ]
    found = judge(records, RUNNING)
    assert found.kind == expected
    assert "The critic sees a distance of" in found.sentence
    assert "nats" not in found.sentence
