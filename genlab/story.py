"""Story: break it, find it, fix it; digits are damaged and repaired, and three small models show what that does to samples."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genlab.data import Splits, load, to_model, to_pixels
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.metrics import Eye, Judge
from genlab.quality import DEFECTS, Finding, inspect, repair
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train

DATASET = "digits"
DAMAGE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("label-errors", {"rate": 0.25}),
    ("missing", {"kind": "blank", "rate": 0.15}),
)  # each with a seed of its own
SETTINGS: dict[str, Any] = {"steps": 1500, "latent": 8, "width": 128, "conditional": True, "warmup": 50, "save_every": 250}
PARTS = ("clean", "damaged", "repaired")
LINES = 4  # of a wall, whose columns are the classes
JUDGED = 1000  # samples


@dataclass(frozen=True)
class Scene:
    """One moment of the story; `facts` are the numbers that its sentence tells."""

    step: str  # damage, look, report, repair, train, end
    facts: dict[str, Any]
    walls: dict[str, Tensor]  # by part: images uint8 [n, C, H, W], a line after the other, a column a class


def tell(steps: int = SETTINGS["steps"], folder: Path | None = None) -> Iterator[Scene]:
    """The whole story, scene by scene; the models are trained in a temporary folder that goes with the generator."""
    clean = load(DATASET)
    recipe = Recipe.of(clean)
    for seed, (defect, settings) in enumerate(DAMAGE):
        recipe = recipe.then(defect, settings, seed)
    damaged = recipe.apply(clean, f"{DATASET}, damaged")
    yield Scene(
        "damage", {"rates": [settings["rate"] for _, settings in DAMAGE]}, _examples({"clean": clean, "damaged": damaged})
    )
    features = Features(damaged.train)
    found: list[Finding] = []
    for done, defect in enumerate(DEFECTS):
        yield Scene("look", {"defect": defect, "done": done, "of": len(DEFECTS)}, {})
        found += inspect(damaged, features, [defect])
    yield Scene("report", {"found": {finding.name: finding.count for finding in found if finding.count}}, {})
    repaired = repair(damaged, found, recipe).apply(clean, f"{DATASET}, repaired")
    data = dict(zip(PARTS, (clean, damaged, repaired), strict=True))
    yield Scene("repair", _mended(data, found), _examples(data))
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        yield from _trained(data, Path(runs), steps)


def _mended(data: dict[str, Splits], found: list[Finding]) -> dict[str, Any]:
    """Shares of right labels before and after, and how many items there are."""
    right = dict(zip(data["clean"].train.id.tolist(), data["clean"].train.label.tolist(), strict=True))
    facts: dict[str, Any] = {"flagged": int(torch.stack([finding.flagged for finding in found]).any(0).sum())}
    for name, splits in data.items():
        train = splits.train
        hits = sum(right[i] == k for i, k in zip(train.id.tolist(), train.label.tolist(), strict=True))
        facts[name] = {"items": len(train), "right": hits / len(train)}
    return facts


def _examples(data: dict[str, Splits]) -> dict[str, Tensor]:
    """The first few training images of each class as it is labelled, a column a class."""
    walls = {}
    for name, splits in data.items():
        train = splits.train
        rows = torch.stack([(train.label == k).nonzero()[:LINES, 0] for k in range(len(splits.spec.classes))], 1)
        walls[name] = train.read(rows.flatten())
    return walls


def _trained(data: dict[str, Splits], folder: Path, steps: int) -> Iterator[Scene]:
    """Three runs that take turns, with the same settings and seed; only their data differ."""
    settings = {**SETTINGS, "steps": steps, "save_every": max(1, min(SETTINGS["save_every"], steps))}
    runs = {name: Run.create("vae", splits, settings, name, folder, threads=1) for name, splits in data.items()}
    eye = Eye(data["clean"])
    with ExitStack() as closed:
        turns = {name: closed.enter_context(closing(train(run, data[name], "cpu"))) for name, run in runs.items()}
        going = True
        while going:
            for turn in turns.values():
                going = _until_saved(turn)
            yield _walls(runs, eye.judge, {"accuracy": eye.accuracy}, done=not going)


def _until_saved(turn: Iterator[Any]) -> bool:
    """Train to the next checkpoint; whether there is more to come."""
    for progress in turn:
        if progress.saved:
            return progress.step < progress.steps
    return False


def _walls(runs: dict[str, Run], judge: Judge, facts: dict[str, Any], done: bool) -> Scene:
    """What the models draw now, and the share of it that the judge sees as the class asked for."""
    facts["agreement"], walls = {}, {}
    for name, run in runs.items():
        trained = load_model(str(run.path))
        *_, draft = trained.model.sample(JUDGED, trained.model.SamplingSettings(), 0, trained.model.given_labels(None, JUDGED))
        pixels, classes = to_pixels(draft.items), len(trained.model.spec.classes)
        facts["agreement"][name] = judge.agreement(to_model(pixels), torch.arange(JUDGED) % classes)
        facts |= {"at": trained.step, "steps": run.settings.steps}
        walls[name] = pixels[: LINES * classes]
    return Scene("end" if done else "train", facts, walls)
