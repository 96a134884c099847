"""Models are measured draw by draw against real items, the same from the same seed, and in a sentence where that cannot be."""

import csv
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from few import IMAGES
from scipy import stats

from genlab.__main__ import main
from genlab.config import Config
from genlab.data import Batch, Part, load, save_dataset
from genlab.data.library import delete_dataset, save_recipe
from genlab.data.recipe import Recipe
from genlab.errors import BadSetting
from genlab.metrics import FIGURES, METRICS, Comparison, Eye, Real, Score, Value, behind, evaluate
from genlab.metrics.comparison import wilson, written
from genlab.metrics.eye import without_copies
from genlab.models import MODELS, many
from genlab.models.base import Draft, Given
from genlab.paths import cache_folder
from genlab.training.checkpoint import load_model
from genlab.ui.server import preset

SMALL = {"n": 300, "draws": 2}


@pytest.fixture(scope="module")
def eye() -> Eye:
    return Eye(load("digits"))


class Stand(SimpleNamespace):
    """A model whose samples are known items: sample i is item seed + i of a pool [N, *shape] in model space."""

    SamplingSettings = Config
    classes = 0
    device = torch.device("cpu")

    def surprise(self, batch: Batch) -> torch.Tensor:
        return batch.x.flatten(1).mean(1)

    def spelled(self, batch: Batch) -> None:
        return None

    def nats(self, batch: Batch, k: int) -> None:
        return None

    def forecasts(self, batch: Batch, paths: int) -> None:
        return None

    def errors(self, batch: Batch) -> dict[str, torch.Tensor]:
        return {}

    def given_labels(self, labels: torch.Tensor | None, n: int) -> Given:
        return Given()

    def sample(self, n: int, settings: Config, seed: int, given: Given):
        yield Draft(self.pool[(seed + torch.arange(n)) % len(self.pool)], 1, 1)


def standing(pool: torch.Tensor) -> Stand:
    return Stand(spec=load("digits").train.spec, pool=pool)


def measured(model, eye: Eye, metrics=(), **wish) -> dict[str, Score]:
    *_, last = evaluate(model, eye.data, metrics, **(SMALL | wish), eye=eye)
    return dict(last.scores)


def test_each_draw_has_seeds_of_its_own_and_no_other_says_what_it_is(eye: Eye):
    model = standing(eye.train.inputs(slice(None)))
    both = measured(model, eye, ["frechet", "coverage"])
    second = measured(model, eye, ["frechet", "coverage"], seed=300, draws=1)
    assert [both[name].values[1].number for name in both] == [second[name].values[0].number for name in second]


@pytest.mark.parametrize("block", [7, 150])
def test_in_which_blocks_samples_come_changes_nothing(eye: Eye, monkeypatch: pytest.MonkeyPatch, block: int):
    stand, metrics = standing(eye.data.test.inputs(slice(None))), ["frechet", "vendi"]
    once = measured(stand, eye, metrics)
    monkeypatch.setattr(many, "BLOCK", block)
    again = measured(stand, eye, metrics)
    assert {name: score.number for name, score in again.items()} == pytest.approx(
        {n: s.number for n, s in once.items()}, rel=1e-5
    )


def test_real_items_score_as_real_items_and_noise_does_not(eye: Eye):
    honest = measured(standing(eye.data.validation.inputs(slice(None))), eye, n=len(eye.data.validation))
    noise = measured(standing(torch.rand(400, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1), eye)
    for name in ("frechet", "kernel", "shares"):
        assert honest[name].number == pytest.approx(honest[name].real.number, rel=1e-6, abs=1e-9)
        assert noise[name].number > 3 * honest[name].number
    for name in ("recall", "density", "coverage"):
        assert noise[name].number < 0.5 * honest[name].number


def test_a_copycat_passes_for_real_and_is_found_out_by_what_looks_for_copies(eye: Eye):
    copies = measured(standing(eye.train.inputs(slice(None))), eye)
    assert copies["frechet"].number < 3 * copies["frechet"].real.number
    assert copies["copies"].number == 1
    assert copies["copies"].real.number < 0.05
    assert copies["copying"].number < -3
    assert copies["nearer"].number > copies["nearer"].real.number


def test_the_interval_is_students(eye: Eye):
    numbers = [1.0, 2.0, 4.0]
    score = Score("frechet", 10, tuple(map(Value, numbers)))
    low, high = stats.t.interval(0.95, 2, np.mean(numbers), stats.sem(numbers))
    assert (score.number - score.margin, score.number + score.margin) == pytest.approx((low, high), rel=1e-3)
    assert Score("frechet", 10, (Value(1.0),)).margin is None


def test_copies_have_no_say_in_what_is_clean():
    part = Part(np.repeat(np.arange(40, dtype=np.uint8), 64 * 2).reshape(80, 1, 8, 8), {"label": np.arange(80) % 2})
    data = save_dataset("doubled", {"train": part}, ["a", "b"], "each twice")
    kept = without_copies(data.train)
    assert len(kept) == len(set(kept.hashes)) == len(set(data.train.hashes))


def test_what_is_seen_of_real_items_is_the_same_from_the_cache(eye: Eye):
    again = Eye(load("digits"))
    assert torch.equal(again.real("test").features, eye.real("test").features)
    assert again._judge is None  # nothing had to learn
    assert 0.9 < eye.accuracy <= 1


def test_what_is_kept_of_an_eye_and_damaged_is_seen_anew(eye: Eye):
    files = [*(cache_folder() / "seen").iterdir()]
    assert {file.suffix for file in files} == {".npz", ".safetensors"}
    before = {file: file.read_bytes() for file in files}
    for file in files:
        file.write_bytes(before[file][: len(before[file]) // 2])
    again = Eye(eye.data)
    assert torch.allclose(again.seen("test").features, eye.seen("test").features, atol=1e-4)
    for file, content in before.items():
        file.write_bytes(content)


def test_behind_a_number_are_its_worst_samples_and_the_training_items_nearest_to_them(eye: Eye):
    train = eye.train.inputs(slice(0, 300))
    *_, last = evaluate(standing(train), eye.data, ["copies", "frechet"], 300, 1, eye=eye)
    seen = behind(last.scores["copies"], last.samples, eye, 10)
    assert torch.equal(seen.samples, seen.nearest)  # copies are nearest to what they are copies of
    assert seen.worst
    assert not behind(last.scores["frechet"], last.samples, eye).worst


def test_a_conditional_model_is_asked_for_classes_as_often_as_they_are(eye: Eye):
    class Asked(Stand):
        classes = 10

        def given_labels(self, labels: torch.Tensor, n: int) -> Given:
            return Given(torch.nn.functional.one_hot(labels[torch.arange(n) % len(labels)], 10).float())

        def sample(self, n: int, settings: Config, seed: int, given: Given):
            wished, train = given.classes.argmax(1), eye.train
            rows = [int(torch.nonzero(train.label == k)[(seed + i) % 100, 0]) for i, k in enumerate(wished.tolist())]
            yield Draft(train.inputs(torch.tensor(rows)), 1, 1)

    found = measured(Asked(spec=eye.spec), eye, ["agreement", "shares", "frechet-by-class"])
    assert found["agreement"].number == pytest.approx(1, abs=0.03)
    assert found["shares"].number < 0.03
    assert set(found["frechet-by-class"].groups) == set(eye.spec.classes)


def test_what_cannot_be_had_is_told_and_the_rest_is_measured(eye: Eye):
    *_, last = evaluate(standing(eye.data.test.inputs(slice(None))), eye.data, ["agreement", "vendi"], 100, 1, eye=eye)
    assert set(last.scores) == {"vendi"}
    assert "asked for classes" in str(last.impossible["agreement"])


def test_real_items_that_are_too_few_leave_samples_their_score(eye: Eye):
    few = replace(eye.data, validation=eye.data.validation[:40])
    *_, last = evaluate(standing(eye.data.test.inputs(slice(None))), few, ["copying"], 150, 2)
    score = last.scores["copying"]
    assert (len(score.values), score.real, dict(last.impossible)) == (2, None, {})
    assert "40" in score.warning


def test_which_part_is_too_small_is_no_secret(eye: Eye):
    few = replace(eye.data, validation=eye.data.validation[:5])
    with pytest.raises(BadSetting, match="has 5 items in its test or validation part"):
        next(evaluate(standing(eye.train.inputs(slice(9))), few))


@pytest.mark.parametrize("family", IMAGES)
def test_a_model_says_of_real_items_what_it_can(eye: Eye, family: str):
    torch.manual_seed(0)
    model = MODELS[family](eye.spec, MODELS[family].Settings(width=16)).eval()
    model.encode = model.decode = None
    model.sample = standing(eye.data.test.inputs(slice(None))).sample
    names = ["membership", "membership-surest", "denoising", "likelihood"]
    rounds = []
    for k in (3, 3, 40):
        before = torch.random.get_rng_state()
        *_, last = evaluate(model, eye.data, names, 150, 2, eye=eye, k=k)
        assert torch.equal(before, torch.random.get_rng_state())
        rounds.append(last)
    once, again, tighter = (step.scores for step in rounds)
    told = {"vae": "likelihood", "diffusion": "denoising"}.get(family)
    assert {*names} - {*once} == {*last.impossible} == {"denoising", "likelihood"} - {told}
    assert {name: score.number for name, score in once.items()} == {name: score.number for name, score in again.items()}
    assert once["membership"].number == pytest.approx(0.5, abs=0.1)  # nothing was trained on yet
    assert once["membership"].real.number == 0.5
    if family == "vae":
        assert tighter["likelihood"].number < once["likelihood"].number
        assert set(once["likelihood"].groups) == set(eye.spec.classes)
    if family == "diffusion":
        assert [*once["denoising"].groups] == ["10%", "30%", "50%", "70%", "90%"]


def test_who_was_in_the_data_is_asked_of_those_who_were(eye: Eye):
    gone = eye.train.id[200:].tolist()
    save_recipe("few", Recipe.of(eye.data).then("drop", {"ids": gone}))
    contents = {content.tobytes() for content in eye.train.inputs(slice(0, 200)).numpy()}
    model = standing(eye.data.test.inputs(slice(None)))
    model.surprise = lambda batch: torch.tensor([float(item.tobytes() not in contents) for item in batch.x.numpy()])
    found = measured(model, eye, ["membership"], learnt="digits+few")
    assert found["membership"].number == 1
    assert measured(model, eye, ["membership"])["membership"].number < 0.7
    delete_dataset("digits+few")
    *_, last = evaluate(model, eye.data, ["membership"], **SMALL, eye=eye, learnt="digits+few")
    assert list(last.impossible) == ["membership"]


def test_slow_metrics_are_measured_where_they_are_asked_for(eye: Eye):
    honest = standing(eye.data.test.inputs(slice(None)))
    assert not {name for name in METRICS if METRICS[name].slow} & set(measured(honest, eye))
    train, classify = eye.real("train"), METRICS["classification"]
    real = Real(eye.real("test"), train, eye.spec.classes)
    known, blind = classify(train, real), classify(replace(train, wished=train.wished.flip(0)), real)
    assert 0.9 < known.number <= 1
    assert set(known.groups) == set(eye.spec.classes)
    assert blind.number < 0.4


def test_closing_keeps_what_is_done(eye: Eye):
    steps = evaluate(standing(eye.data.test.inputs(slice(None))), eye.data, (), 100, 5, eye=eye)
    for step in steps:
        if step.scores:
            break
    steps.close()
    assert step.scores["frechet"].values
    assert step.done < step.total


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"n": 3}, "n is 3"),
        ({"draws": 0}, "draws is 0"),
        ({"draws": 2.5}, "draws is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "x"}, "seed is 'x'"),
    ],
)
def test_a_wish_that_makes_no_sense_gets_a_sentence(eye: Eye, wish, sentence: str):
    with pytest.raises(BadSetting, match=sentence):
        measured(standing(eye.data.test.inputs(slice(None))), eye, **wish)


def test_data_that_do_not_fit_are_told_with_what_would(eye: Eye):
    with pytest.raises(BadSetting, match="1×28×28"):
        measured(load_model("vae-mnist").model, eye)


def test_points_are_measured_by_where_they_lie():
    data = load("gaussians")
    *_, last = evaluate(
        Stand(spec=data.train.spec, pool=data.validation.inputs(slice(None))), data, ["frechet", "coverage", "copies"], 500, 1
    )
    assert set(last.scores) == {"frechet", "coverage", "copies"}
    for score in last.scores.values():
        assert score.number == pytest.approx(score.real.number, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("number", "margin", "told"), [
    (0.5, 0.0123, "0.500 ± 0.012"), (123.4, 5.6, "123.4 ± 5.6"), (2611.1, 158.7, "2611 ± 159"), (2, None, "2.00"),
    (46, None, "46.0"), (0, None, "0.000"), (0, 0.0, "0.000 ± 0.000"), (float("nan"), None, "nan"),
])  # fmt: skip
def test_a_number_is_told_with_as_many_digits_as_it_is_sure_of(number: float, margin: float | None, told: str):
    assert written(number, margin) == told


def test_latents_of_an_item_count_as_items_of_a_strangers_batch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preset, "_current", preset.PUBLIC)
    preset.check_run("vae", "digits", {"batch_size": 128, "importance": 4})
    with pytest.raises(BadSetting, match="allows at most 8"):
        preset.check_run("vae", "digits", {"batch_size": 128, "importance": 64})


def test_strangers_measure_no_more_than_is_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preset, "_current", preset.PUBLIC)
    preset.check_evaluation(load_model("vae-mnist").model, 3000, 2)
    with pytest.raises(BadSetting, match="of these models it measures at most"):
        preset.check_evaluation(load_model("diffusion-mnist").model, 3000, 1)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (3, 4), (50, 100)])
def test_the_interval_of_a_share_is_wilsons(hits: int, n: int):
    known = stats.binomtest(hits, n).proportion_ci(0.95, "wilson")
    assert wilson(hits, n) == pytest.approx((known.low, known.high), abs=1e-6)


# --- From a terminal ---


@pytest.fixture
def models(runs) -> list[str]:
    for i in range(2):
        assert not main(f"train vae digits --steps 30 --width 16 --threads 1 --seed {i} --name m{i}".split())
    return ["m0", "m1"]


def test_the_table_is_printed_and_written_alike(models, tmp_path, capsys):
    words = f"evaluate {' '.join(models)} --n 100 --draws 2 --metrics frechet,coverage,agreement".split()
    for kind in ("csv", "json", "png"):
        assert main([*words, "--out", str(tmp_path / f"found.{kind}")]) == 0
    told = capsys.readouterr().out
    lines = [*csv.DictReader(io.StringIO((tmp_path / "found.csv").read_text()))]
    rows = [line for line in lines if line["metric"] in METRICS]
    assert {line["metric"] for line in lines if line not in rows} == {*FIGURES}
    assert [(row["model"], row["metric"]) for row in rows] == [(m, k) for m in models for k in ("frechet", "coverage")]
    whole = json.loads((tmp_path / "found.json").read_text())
    assert [float(row["number"]) for row in rows] == [score["number"] for score in whole["scores"]]
    assert all(written(score["number"], score["margin"]) in told for score in whole["scores"])
    assert "right on" in whole["judge"]
    assert "asked for classes" in told
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("evaluate", "Name one to four models"),
        ("evaluate nope", "There is no model called 'nope'"),
        ("evaluate vae-mnist --metrics fid", "There is no metric called 'fid'"),
        ("evaluate a b c d e", "up to 4"),
        ("evaluate vae-mnist --data digits", "1×28×28"),
        ("evaluate vae-mnist --out x.txt", "neither a .json"),
    ],
)
def test_a_terminal_gets_a_sentence(words: str, sentence: str, capsys):
    assert main(words.split()) == 2
    assert sentence in capsys.readouterr().err


def test_a_comparison_leaves_out_what_nobody_has():
    score = Score("vendi", 10, (Value(3.0),))
    found = Comparison("digits", 10, 0, "somebody", {"a": {"vendi": score}, "b": {}})
    assert found.metrics == ["vendi"]
    assert [*found.lines()][1][1:] == ["3.00", "–", "–"]
