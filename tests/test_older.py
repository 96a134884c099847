"""What was made before a run's samples were its modality's files still opens: runs, checkpoints, datasets, recipes, links."""

import shutil
from pathlib import Path

import pytest
import torch
from test_links import opened, picture

from genlab.data import load, to_pixels
from genlab.training.checkpoint import load_model
from genlab.training.extend import extend
from genlab.training.run import FORMAT, Run, list_runs
from genlab.training.train import train

OLDER = Path(__file__).parent / "older"


@pytest.fixture
def older(runs, tmp_path) -> Path:
    """A folder of runs, and one of datasets, as they were written then."""
    for folder in ("runs", "datasets"):
        shutil.copytree(OLDER / folder, tmp_path / folder)
    return runs


def test_runs_open_with_their_history_and_samples(older):
    assert {run.name for run in list_runs()} == {"old-run", "old-points"}
    for run, steps in ((Run.open("old-run"), 6), (Run.open("old-points"), 4)):
        assert run.record["format"] == 1 < FORMAT
        assert (run.status().state, run.samples(), run.history()[-1]["step"]) == ("done", [steps], steps)
        assert run.sample_file(steps).read_bytes().startswith(b"\x89PNG")


def test_a_run_goes_on_from_its_training_state(older):
    run = Run.open("old-run")
    extend(run, 9)
    *_, last = train(run, load("digits"), "cpu")
    assert (last.step, run.status().state, run.samples()) == (9, "done", [6, 9])


def test_a_checkpoint_draws_what_it_drew(older):
    model = load_model("old-run").model
    *_, draft = model.sample(4, model.SamplingSettings(), 0, model.given_labels(None, 4))
    sums = to_pixels(draft.items).long().sum((1, 2, 3))
    assert (sums - torch.tensor([8154, 8137, 8141, 8154])).abs().max() <= 64  # a grey level a pixel between machines
    points = load_model("old-points").model
    *_, draft = points.sample(4, points.SamplingSettings(), 0)
    assert draft.items.shape == (4, 2)


def test_datasets_and_recipes_keep_their_items(older):
    pictures = load("old-pictures")
    assert pictures.train.fingerprint == "aeca4c924cbb4dd1d7f987a14932f717"
    assert (pictures.spec.shape, pictures.spec.classes, len(pictures.train)) == ((1, 8, 8), ("cross", "square"), 10)
    assert load("digits+old-noise").train.fingerprint == "44cabeccc1a60cc52edd32568861f97c"


@pytest.mark.parametrize(
    ("z", "total"),
    [
        ("5SV7vVBokz40KCC_0GFqPbsoCD8w7mq-xPGlP7-Ao78jWSm9wqd6vpiSSz5kUja-dgM7P3BlJz6oGus-gIeqPg", 24373),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACgvwAAAAAAAAAAAAAAAA", 20064),
    ],
)
def test_a_link_shows_the_picture_that_it_showed(z, total):
    shown = picture(opened({"tab": "latent", "model": "vae-mnist", "z": z}))
    assert abs(int(shown.long().sum()) - total) <= 28 * 28  # a grey level a pixel between machines
