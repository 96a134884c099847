"""Kept: what was measured of a model, by its weights, the data and the wish, so that the same question is answered at once."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlab.data.library import recipe_of
from genlab.data.recipe import PLUS
from genlab.errors import GenlabError
from genlab.files import DAMAGED, DiskFault, keep, npz, read_json, sweep_drafts
from genlab.messages import Message, from_json, to_json
from genlab.metrics.costs import Cost, Known
from genlab.metrics.evaluation import Score
from genlab.metrics.evidence import Value
from genlab.metrics.eye import Eye
from genlab.modalities.storage import Items
from genlab.paths import cache_folder

FORMAT = 2  # of what is kept; raised when a metric, or how it is seen, changes
MOST, BYTES = 64, 64 * 2**20  # results of a folder; those that were asked for longest ago go
LARGEST = 8 * 2**20  # bytes of a result with its samples, above which it is not kept
WORST = 100  # rows of the samples that a number is about


@dataclass(frozen=True)
class Measured:
    """What was measured of one model so far."""

    scores: Mapping[str, Score]
    impossible: Mapping[str, Message]
    cost: Cost | None = None
    samples: Items | None = None  # of the first draw, as they are stored
    at: float | None = None  # when it was, in seconds since 1970, where it was kept


def kept_folder() -> Path:
    """Where results lie that everybody may have."""
    return cache_folder() / "evaluated"


def key_of(trained: Known, eye: Eye, metrics: Sequence[str], wish: Sequence[int]) -> str:
    """What tells a question from all others."""
    prints = [part.fingerprint for part in eye.data.parts.values()]
    where = next(trained.model.parameters()).device.type
    who = (eye.seed, eye.judges, eye.spec.classes)
    asked = (FORMAT, trained.weights, prints, [*metrics], [*wish], where, who, _made(trained.asked["dataset"]))
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:32]


def _made(dataset: str) -> dict[str, Any] | None:
    """How what a model learnt was made, whose damage is looked for; None where that is not here."""
    with suppress(GenlabError):
        return recipe_of(dataset).to_json() if PLUS in dataset else None
    return None


def find(folder: Path, key: str) -> Measured | None:
    """What is kept of a question; None where it is not, or cannot be read."""
    file = folder / f"{key}.json"
    try:
        told = from_json(read_json(file.read_bytes()))
        with np.load(file.with_suffix(".npz"), allow_pickle=False) as kept:
            samples = torch.from_numpy(kept["samples"])
        os.utime(file)  # which makes no new one where another process swept it away just now
        scores = {score["metric"]: _score(score) for score in told["scores"]}
        cost = told["cost"] | {name: tuple(told["cost"][name]) for name in ("one", "many")}
        return Measured(scores, told["impossible"], Cost(**cost), samples, told["at"])
    except (*DAMAGED, TypeError, AttributeError):
        return None


def remember(folder: Path, key: str, found: Measured) -> None:
    """Keep a result, and let those go that were asked for longest ago."""
    if not isinstance(found.samples, Tensor) or found.cost is None:
        return
    told = {
        "at": time.time(),
        "scores": [_plain(score) for score in found.scores.values()],
        "impossible": to_json(found.impossible),
        "cost": to_json(asdict(found.cost)),
    }
    text, samples = json.dumps(told).encode(), npz(samples=found.samples.numpy())
    if len(text) + len(samples) > LARGEST:
        return
    with suppress(DiskFault):  # it can be measured again
        keep(folder / f"{key}.npz", samples)
        keep(folder / f"{key}.json", text)
    _sweep(folder)


def _sweep(folder: Path) -> None:
    with suppress(OSError):  # another process sweeps, too
        files = {(file.stem, file.suffix): file.stat() for file in folder.iterdir() if file.suffix in (".json", ".npz")}
        asked = {stem: max(told.st_mtime for (own, _), told in files.items() if own == stem) for stem, _ in files}
        total = 0
        for place, stem in enumerate(sorted(asked, key=lambda stem: -asked[stem])):
            parts = [(stem, suffix) for suffix in (".json", ".npz") if (stem, suffix) in files]
            total += sum(files[part].st_size for part in parts)
            if place >= MOST or total > BYTES:
                for part in parts:
                    (folder / "".join(part)).unlink(missing_ok=True)
    with suppress(OSError):
        sweep_drafts(folder)


def _plain(score: Score) -> dict[str, Any]:
    def value(of: Value) -> dict[str, Any]:
        worst = None if of.worst is None else of.worst[:WORST].tolist()
        return {"number": of.number, "groups": dict(of.groups), "worst": worst}

    real = None if score.real is None else value(score.real)
    told = {"metric": score.metric, "n": score.n, "values": [*map(value, score.values)], "real": real}
    return {**told, "reals": score.reals, "warning": to_json(score.warning)}


def _score(told: Mapping[str, Any]) -> Score:
    def value(of: Mapping[str, Any]) -> Value:
        return Value(of["number"], of["groups"], None if of["worst"] is None else torch.tensor(of["worst"], dtype=torch.long))

    real = None if told["real"] is None else value(told["real"])
    return Score(told["metric"], told["n"], tuple(map(value, told["values"])), real, told["reals"], told["warning"])
