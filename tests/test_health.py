"""The sentence on a run's health fits its curves."""

import pytest

from genlab.training.health import judge
from genlab.training.run import Status

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
