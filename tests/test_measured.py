"""Samples of a run are measured while it trains, which changes nothing of it, and what goes wrong is told."""

import csv
import io
from contextlib import closing
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from few import IMAGES

from genlab.__main__ import main
from genlab.data import Part, load, save_dataset
from genlab.errors import BadSetting
from genlab.metrics import Eye
from genlab.metrics import judge as judging
from genlab.models import MODELS, base
from genlab.models.base import Draft, Loss
from genlab.paths import cache_folder
from genlab.training import measured
from genlab.training.alarms import alarms
from genlab.training.checkpoint import load_model, load_state
from genlab.training.health import judge
from genlab.training.history import as_csv
from genlab.training.interludes import Rhythm, write_rhythm
from genlab.training.measured import SAMPLES
from genlab.training.run import Run
from genlab.training.train import train

TINY = {"width": 8, "steps": 8, "save_every": 3, "measured": "recall, coverage"}

EYES: dict[tuple[str, bool, Path], Eye] = {}


def made(family: str = "vae", name: str | None = None, dataset: str = "digits", **settings: object) -> Run:
    """A tiny run that looks at its samples twice, whatever that takes."""
    run = Run.create(family, dataset, TINY | settings, name, threads=1)
    write_rhythm(run, Rhythm(decided=4, record=1, measure=4, draw=0, evaluate=4))
    return run


def trained(run: Run) -> Run:
    list(train(run, load(run.record["dataset"]), "cpu"))
    return run


def looks(run: Run) -> dict[int, dict]:
    return {record["step"]: record["found"] for record in run.history() if "found" in record}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What an eye learns of data takes a second, and is the same in all tests."""

    def kept(data, judges=True):
        key = data.train.fingerprint, judges, cache_folder()
        return EYES.get(key) or EYES.setdefault(key, Eye(data, judges=judges))

    monkeypatch.setattr(measured, "Eye", kept)


# --- What is measured, and when ---


@pytest.mark.parametrize("family", IMAGES)
def test_every_family_is_measured_when_it_is_due_and_at_the_end(family, monkeypatch):
    monkeypatch.setattr(measured, "SAMPLES", 40)
    found = looks(trained(made(family, conditional=True)))
    assert [*found] == [4, 8]
    for look in found.values():
        assert look["metrics"].keys() == {"recall", "coverage"}
        assert sum(look["shares"].values()) == pytest.approx(1)


def test_a_run_has_the_same_weights_with_it_and_without():
    one, other = trained(made(conditional=True)), trained(made(measured="", conditional=True))
    assert not looks(other)
    mine, theirs = (load_state(run.checkpoints()[-1]) for run in (one, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine if name != "seconds")


def test_a_run_that_is_resumed_finds_the_same_and_asks_the_same_judge(monkeypatch):
    whole, halved = trained(made(name="whole")), made(name="halved")
    with closing(train(halved, load("digits"), "cpu")) as steps:
        list(islice(steps, 5))
    monkeypatch.setattr(Eye, "learnt", True)  # one has learnt meanwhile
    assert trained(halved).measured == whole.measured
    assert looks(halved) == looks(whole)
    one, other = (load_state(run.checkpoints()[-1]) for run in (whole, halved))
    assert all(torch.equal(one[name], other[name]) for name in one if name != "seconds")


def test_a_judge_that_is_kept_sees_and_else_the_embedding(monkeypatch, tmp_path):
    monkeypatch.setenv("GENLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(judging, "FEWEST", 1)
    assert trained(made(name="early", steps=2)).measured["judge"] is False
    eye = Eye(load("digits"))
    list(eye.learn())
    late = trained(made(name="late", steps=2))
    assert late.measured["judge"] is True
    assert "seen by a classifier" in load_model(late.name).card


def test_the_embedding_tells_classes_apart_without_a_judge():
    data = load("digits")
    eye = Eye(data, judges=False)
    seen = eye.look(data.validation.inputs(slice(None))).seen
    assert (seen.argmax(1) == data.validation.label).float().mean() > 0.9


def test_the_test_part_is_not_touched():
    from dataclasses import replace

    run = made(measured="coverage,copies,nearer,agreement", conditional=True)
    list(train(run, replace(load("digits"), test=None), "cpu"))
    assert looks(run)[8]["metrics"].keys() == {"coverage", "copies", "nearer", "agreement"}


def test_it_stands_in_the_record_the_table_and_the_card():
    run = trained(made())
    last = list(csv.DictReader(io.StringIO(as_csv(run))))[-1]
    assert float(last["measured_coverage"]) == looks(run)[8]["metrics"]["coverage"]
    assert float(last["share_3"]) == looks(run)[8]["shares"]["3"]
    assert f"in {SAMPLES} samples of step 8, seen by" in load_model(run.name).card
    assert "**Samples**" not in load_model(trained(made(name="other", measured="")).name).card


# --- What cannot be had ---


def test_a_metric_that_there_is_not_is_refused_before_anything_is_made(runs, capsys):
    with pytest.raises(BadSetting, match=r"There is no metric called 'recal'. Did you mean 'recall'\?") as fault:
        Run.create("vae", "digits", {"measured": "recal"})
    assert fault.value.about == ("measured",)
    with pytest.raises(BadSetting, match="takes too long to be measured while a run trains"):
        Run.create("vae", "digits", {"measured": "classification"})
    with pytest.raises(BadSetting, match="Membership is asked of a finished model"):
        Run.create("vae", "digits", {"measured": "coverage,membership"})
    assert main(["train", "vae", "digits", "--measured", "coverage,fid"]) == 2
    assert "Possible: frechet" in capsys.readouterr().err
    assert not runs.exists() or not [*runs.iterdir()]


def test_what_these_data_or_this_model_do_not_have_is_told_and_the_rest_measured():
    run = trained(made(measured="agreement,coverage"))
    assert looks(run)[8]["metrics"].keys() == {"coverage"}
    assert "Agreement needs a model that is asked for classes." in load_model(run.name).card


def test_points_are_measured_and_have_no_classes_that_are_seen():
    run = trained(made(dataset="gaussians", measured="coverage,shares,copies"))
    assert looks(run)[8]["metrics"].keys() == {"coverage", "copies"}
    assert looks(run)[8]["shares"] == {}
    assert "shares" in run.measured["impossible"]


def test_too_few_held_out_items_are_told():
    items = np.random.default_rng(0).integers(0, 255, (40, 1, 8, 8), dtype=np.uint8)
    save_dataset("little", {"train": Part(items, {"label": np.zeros(40, int)})}, ["a"], "forty items")
    run = trained(made(dataset="little", steps=2))
    assert not looks(run)
    assert "held-out items; metrics need at least 20" in load_model(run.name).card


# --- What is told of it ---


def play(monkeypatch, samples) -> Run:
    """A run whose samples are those of a function of how often it was asked."""
    asked: list[int] = []

    class Player(base.GenerativeModel):
        """Draws what it is told to."""

        def __init__(self, spec, settings):
            super().__init__(spec, settings)
            self.mean = torch.nn.Parameter(torch.zeros(spec.shape))

        def training_losses(self, batch, step):
            yield Loss("model", ((batch.x - self.mean) ** 2).flatten(1).mean(1))

        def sample(self, n, settings, seed, given=None):
            if n == SAMPLES:
                asked.append(n)
            yield Draft(samples(len(asked))[torch.arange(n) % len(samples(len(asked)))], 1, 1)

    monkeypatch.setitem(MODELS._parts, "player", lambda: Player)
    settings = {"steps": 6, "measured": "recall,coverage,copies,nearer"}
    run = Run.create("player", "digits", settings, threads=1)
    write_rhythm(run, Rhythm(decided=1, record=1, measure=6, draw=0, evaluate=2))
    return trained(run)


def kinds(run: Run) -> list[str]:
    return [alarm.kind for alarm in alarms(run.history(), run.measured)]


@pytest.fixture
def honest() -> torch.Tensor:
    """Real items that no training saw, and that are not those held against."""
    return load("digits").test.inputs(slice(None))


def test_a_healthy_run_raises_no_alarm(monkeypatch, honest):
    assert kinds(play(monkeypatch, lambda turn: honest)) == []


def test_samples_that_become_all_of_one_class_are_a_mode_collapse(monkeypatch, honest):
    ones = honest[load("digits").test.label == 1]
    run = play(monkeypatch, lambda turn: honest if turn < 3 else ones)
    assert kinds(run)[:2] == ["modes", "classes"]
    verdict = judge(run.history(), run.status(), 6, run.measured)
    assert (verdict.kind, verdict.level) == ("modes", "bad")
    assert "Mode collapse: " in verdict.sentence
    assert "have no 0, 2, 3" in verdict.sentence


def test_a_single_class_that_vanishes_is_named(monkeypatch, honest):
    others = honest[load("digits").test.label != 7]
    run = play(monkeypatch, lambda turn: honest if turn < 3 else others)
    assert kinds(run) == ["classes"]
    assert "have no 7, of which there were some before" in alarms(run.history(), run.measured)[0].sentence


def test_samples_that_are_training_items_are_copies(monkeypatch):
    train = load("digits").train
    run = play(monkeypatch, lambda turn: train.inputs(slice(0, SAMPLES)))
    assert kinds(run) == ["copies"]
    assert "Copying: 100% of the samples of step 6" in alarms(run.history(), run.measured)[0].sentence


def test_the_same_garbage_everywhere_is_neither(monkeypatch):
    assert kinds(play(monkeypatch, lambda turn: torch.zeros(4, 1, 8, 8))) == []


def test_the_command_line_tells_what_goes_wrong_once(monkeypatch, capsys):
    falling = chain([0.8], repeat(0.1))
    monkeypatch.setattr(measured.Measuring, "look", lambda *_: measured.Found({"coverage": next(falling)}))
    words = "train vae digits --steps 9 --width 8 --threads 1 --name falls --measured coverage"
    monkeypatch.setattr(Rhythm, "due", lambda self, kind, step, steps: True)
    created = Run.create

    def with_rhythm(*arguments, **options):
        run = created(*arguments, **options)
        write_rhythm(run, Rhythm(1, 1, 1, 1, 1))
        return run

    monkeypatch.setattr(Run, "create", with_rhythm)
    assert main(words.split()) == 0
    said = capsys.readouterr()
    assert (said.out + said.err).count("Mode collapse: Coverage fell from 0.8 at step 1 to 0.1 at step 2") == 1
    assert "Coverage 0.1 in 256 samples of step 9" in said.out
