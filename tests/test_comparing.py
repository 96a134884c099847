"""Models side by side: what they cost, in what they differ, whom they serve worst, what one would choose, and what is kept."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.models import BETWEEN, README, table
from genlab import Run, load, train
from genlab.__main__ import main
from genlab.data.library import delete_dataset, save_recipe
from genlab.data.recipe import Recipe
from genlab.metrics import Comparison, Cost, Eye, Score, Span, Value, choice, compare, cost, costs, kept, summary
from genlab.metrics.aspects import leaders
from genlab.paths import CHECKPOINTS
from genlab.training.card import training_of, with_section
from genlab.training.checkpoint import Trained, load_model

WISH = {"metrics": ["precision", "coverage", "shares"], "n": 60, "draws": 2}


@pytest.fixture(scope="module")
def eye() -> Eye:
    return Eye(load("digits"))


@pytest.fixture
def trained(runs) -> dict[str, Trained]:
    for name, width in (("a", 16), ("b", 24)):
        [
            *train(
                Run.create("vae", "digits", {"steps": 20, "width": width, "batch_size": 32}, name, threads=1),
                load("digits"),
                "cpu",
            )
        ]
    return {name: load_model(name) for name in ("a", "b")}


def compared(trained, eye: Eye, **wish):
    *_, last = compare(trained, eye.data, **(WISH | wish), eye=eye)
    return last


def score(metric: str, *numbers: float, real: float | None = None, **groups: float) -> Score:
    return Score(metric, 10, tuple(Value(number, groups) for number in numbers), None if real is None else Value(real))


def some_cost(parameters: int = 1_000_000, *many: float) -> Cost:
    return Cost(parameters, 4 * parameters, (10.0,), many or (100.0,), 1000, "a computer")


# --- What they cost ---


def test_the_cost_counts_what_there_is(trained):
    found = cost(trained["a"])
    assert found.parameters == sum(weight.numel() for weight in trained["a"].model.parameters())
    assert found.weights == 4 * found.parameters
    assert min(*found.one, *found.many) > 0
    assert found.seconds is not None


def test_memory_is_that_of_the_tensors_that_are_there_at_once(trained):
    with costs._Held(trained["a"].model) as held:
        for n in (500, 2000, 1000):
            made = torch.ones(n)  # the one before goes with its name
            made = made[: n // 2].view(2, -1)  # which takes no memory
    assert held.most == 4 * (2000 + 1000)
    assert cost(trained["a"]).memory == cost(trained["a"]).memory >= 64 * 64 * 4  # at least the samples themselves


@pytest.mark.parametrize(("told", "seconds"), [("12 s", 12), ("3 min 5 s", 185), ("2 h 3 min", 7380), ("forever", None)])
def test_how_long_it_learnt_is_read_from_the_card(told: str, seconds: float | None):
    found, where = training_of(f"- **Trained**: 5,000 steps in {told} on 1 CPU thread (x86_64), genlab 0.1.0")
    assert (found, where) == (seconds, "1 CPU thread (x86_64)" if seconds else "")


def test_all_cards_of_shipped_models_tell_how_long_they_learnt():
    cards = [*CHECKPOINTS.glob("*/card.md")]
    assert cards
    assert [card.parent.name for card in cards if not training_of(card.read_text())[0]] == []


# --- In what they differ, and whom they serve worst ---


def test_settings_that_differ_are_told_and_no_others(trained, eye: Eye):
    assert compared(trained, eye).found.settings == {"width": [16, 24]}
    assert compared({"a": trained["a"]}, eye).found.settings == {}


@pytest.mark.parametrize(
    ("metric", "worst", "gap"),
    [("precision", "b", 0.4), ("frechet-by-class", "a", 0.4), ("shares", None, None), ("vendi", None, None)],
)
def test_the_class_that_lags_is_the_worst_by_whichever_way_is_better(metric: str, worst: str | None, gap: float | None):
    lag = score(metric, 1.0, a=0.9, b=0.5, c=0.7).lagging
    assert (lag and lag.name) == worst
    assert lag is None or lag.gap == pytest.approx(gap)


def test_nobody_lags_where_all_are_served_alike_or_one_is_told():
    assert score("precision", 1.0, a=0.5, b=0.5).lagging is None
    assert score("precision", 1.0, a=0.5).lagging is None


# --- What one would choose ---


def test_an_aspect_is_a_score_over_that_of_real_items_and_at_most_one():
    scores = {"m": {"precision": score("precision", 0.4, 0.4, real=0.8), "coverage": score("coverage", 0.9, 0.9, real=0.6)}}
    found = summary(scores, {})
    assert found == {"realism": {"m": Span(0.5, 0.5, 0.5)}, "diversity": {"m": Span(1, 1, 1)}}


def test_what_is_missing_is_left_out_and_not_nothing():
    assert summary({"m": {}}, {}) == {}
    assert set(summary({"m": {}}, {"m": some_cost()})) == {"speed", "smallness"}


def test_honesty_is_lost_to_whatever_is_copied_more():
    nearer, copies = score("nearer", 0.7, 0.7, real=0.5), score("copies", 1.0, 1.0, real=0.0)
    assert summary({"m": {"nearer": nearer}}, {})["honesty"]["m"].number == pytest.approx(0.6)
    assert summary({"m": {"nearer": nearer, "copies": copies}}, {})["honesty"]["m"].number == 0


def test_speed_and_smallness_lie_on_a_scale_of_tenfolds():
    found = summary({"m": {}}, {"m": some_cost(1_000_000, 10.0, 100.0, 1000.0)})
    assert found["speed"]["m"] == Span(pytest.approx(0.5), pytest.approx(0.25), pytest.approx(0.75))
    assert found["smallness"]["m"].number == pytest.approx(0.5)


def test_a_single_draw_decides_nothing():
    scores = {name: {"precision": score("precision", number, real=1.0)} for name, number in (("a", 0.1), ("b", 0.9))}
    assert leaders(summary(scores, {})["realism"]) == ("a", "b")


def test_one_chooses_what_is_surely_better_and_says_where_nothing_is():
    found = {
        "realism": {"a": Span(0.9, 0.8, 1), "b": Span(0.5, 0.4, 0.6)},
        "diversity": {"a": Span(0.9, 0.7, 1), "b": Span(0.8, 0.6, 0.9)},
        "speed": {"a": Span(0.9, 0.9, 0.9), "b": Span(0.5, 0.4, 0.6)},
        "agreement": {"a": Span(0.9, 0.8, 1)},
    }
    told = "What you would choose for realism, speed: a; for diversity: these draws cannot tell them apart."
    assert choice(found) == told
    assert choice({"realism": {"a": Span(1, 1, 1)}}) == ""


# --- What is kept ---


def numbers(found) -> dict[str, dict[str, list[float]]]:
    return {
        model: {name: [value.number for value in score.values] for name, score in own.items()}
        for model, own in found.found.scores.items()
    }


def test_the_same_question_is_answered_from_what_was_kept(trained, eye: Eye, tmp_path: Path):
    where = dict.fromkeys(trained, tmp_path)
    first = compared(trained, eye, kept=where)
    steps = [*compare(trained, eye.data, **WISH, eye=eye, kept=where)]
    again = steps[-1]
    assert len(steps) == len(trained)
    assert (first.before, set(again.before)) == ({}, set(trained))
    assert numbers(again) == numbers(first)
    assert again.found.costs == first.found.costs
    assert all(torch.equal(again.samples[name], first.samples[name]) for name in trained)
    assert [*again.found.lines()] == [*first.found.lines()]


def test_who_asks_anew_or_otherwise_is_measured(trained, eye: Eye, tmp_path: Path):
    one = {"a": trained["a"]}
    compared(one, eye, kept={"a": tmp_path})
    assert not compared(one, eye, kept={"a": tmp_path}, anew=True).before
    assert not compared(one, eye, kept={"a": tmp_path}, seed=1).before
    assert not compared(one, eye, kept={"a": tmp_path}, metrics=["precision"]).before
    assert not compared({"b": trained["b"]}, eye, kept={"b": tmp_path}).before
    assert compared(one, eye, kept={"a": tmp_path}, metrics=["precision"]).before
    assert not compared(one, Eye(eye.data, judges=False), kept={"a": tmp_path}, metrics=["precision"]).before


def test_what_it_learnt_was_made_otherwise_since_then(trained, eye: Eye):
    def key(seed: int) -> str:
        save_recipe("made", Recipe.of(eye.data).then("noise", {"rate": 0.1}, seed))
        one = replace(trained["a"], config={**trained["a"].config, "dataset": "digits+made"})
        key = kept.key_of(one, eye, ["transfer"], (60, 2, 0, 100))
        delete_dataset("digits+made")
        return key

    assert key(0) == key(0) != key(1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scores": 1}'])
def test_what_is_damaged_is_measured_again(trained, eye: Eye, tmp_path: Path, text: str):
    one = {"a": trained["a"]}
    compared(one, eye, kept={"a": tmp_path})
    (file,) = tmp_path.glob("*.json")
    file.write_text(text)
    assert not compared(one, eye, kept={"a": tmp_path}).before


def kept_of(folder: Path, key: str) -> None:
    kept.remember(folder, key, kept.Measured({}, {}, some_cost(), torch.zeros(9, 1, 8, 8, dtype=torch.uint8)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04, and then no zip file", b"nothing"])
def test_samples_that_are_damaged_are_drawn_again(tmp_path: Path, content: bytes):
    kept_of(tmp_path, "a")
    assert kept.find(tmp_path, "a")
    (tmp_path / "a.npz").write_bytes(content)
    assert kept.find(tmp_path, "a") is None
    kept_of(tmp_path, "a")
    assert kept.find(tmp_path, "a")


def test_half_a_result_that_a_full_disk_left_goes_and_keeps_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept, "MOST", 2)
    for name in ("without-samples.json", "alone.npz"):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1000, 1000))
    for key in "abcd":
        kept_of(tmp_path, key)
    assert len([*tmp_path.glob("*.json")]) == len([*tmp_path.glob("*.npz")]) == 2
    assert kept.find(tmp_path, "d")


def test_nothing_measured_is_a_picture_without_panels():
    assert Comparison("digits", 10, 0, "nobody", {"a": {}}).picture().startswith(b"\x89PNG")


def test_no_more_is_kept_than_there_is_room_for(trained, eye: Eye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept, "MOST", 2)
    one = {"a": trained["a"]}
    for seed in range(4):
        compared(one, eye, kept={"a": tmp_path}, seed=seed)
        for file in tmp_path.glob("*.json"):
            os.utime(file, (1000 + seed, os.stat(file).st_mtime - 10))
    assert len([file for file in tmp_path.iterdir() if file.is_file()]) == 4  # two results, two files each
    assert compared(one, eye, kept={"a": tmp_path}, seed=3).before
    monkeypatch.setattr(kept, "LARGEST", 1)
    compared(one, eye, kept={"a": tmp_path}, seed=9)
    assert not compared(one, eye, kept={"a": tmp_path}, seed=9).before


# --- From a terminal ---


def test_a_terminal_tells_what_differs_what_it_costs_and_what_one_would_choose(trained, tmp_path, capsys):
    words = ["evaluate", "a", "b", "--n", "60", "--draws", "2", "--metrics", "precision,coverage"]
    assert main([*words, "--out", str(tmp_path / "found.json")]) == 0
    told, whole = capsys.readouterr().out, json.loads((tmp_path / "found.json").read_text())
    assert re.search(r"^Parameters +[\d,]+ +[\d,]+", told, re.MULTILINE)
    assert re.search(r"^width +16 +24$", told, re.MULTILINE)
    assert whole["choice"] in told
    assert whole["settings"] == {"width": {"a": 16, "b": 24}}
    assert set(whole["costs"]["a"]) > {"parameters", "memory"}
    assert main([*words, "--kept"]) == 0
    assert whole["choice"] in capsys.readouterr().out


def test_a_card_tells_what_was_measured_once_however_often(trained, capsys):
    words = ["evaluate", "a", "--n", "60", "--draws", "2", "--metrics", "precision,coverage", "--card"]
    before = load_model("a").card
    assert main(words) == 0
    once = load_model("a").card
    assert main([*words, "--kept"]) == 0
    assert load_model("a").card == once
    assert once.startswith(before.rstrip())
    assert "2 draws of 60 samples from seed 0 against digits, seen by a classifier of the clean training part, right on" in once
    assert "`python -m genlab evaluate a --metrics=precision,coverage --n=60 --draws=2 --seed=0 --k=100`" in once
    assert [name in once for name in ("| Precision |", "| Coverage |", "| Samples a second, 64 at once |")] == [True] * 3


def test_a_section_takes_the_place_of_the_one_of_its_title():
    card = with_section("# m\n\n## Measured\n\nold\n\n## How good\n\ngood\n", "Measured", "new")
    assert card == "# m\n\n## How good\n\ngood\n\n## Measured\n\nnew\n"
    assert with_section(card, "Measured", "new") == card


def test_only_what_ships_and_runs_have_cards_to_write_into(trained, capsys):
    assert main(["evaluate", str(trained["a"].folder), "--card"]) == 2
    assert "is neither" in capsys.readouterr().err


def test_the_table_of_models_is_made_of_their_cards():
    card = "- **Family**: vae, 10 parameters\n- **Data**: digits, training part\n"
    measured = with_section(
        card, "Measured", "| metric | this model | real items |\n|---|---|---|\n| Coverage | 0.50 ± 0.01 | 0.9 |"
    )
    head, _, line, plain = table({"a": measured, "b": card}).splitlines()
    told = dict(zip(head.split(" | "), line.split(" | "), strict=True))
    assert (told["what"], told["data"], told["coverage"], told["precision"]) == (
        "vae, 10 parameters",
        "digits",
        "0.50 ± 0.01",
        "–",
    )
    assert "0.50" not in plain
    assert BETWEEN.search(README.read_text("utf-8"))
