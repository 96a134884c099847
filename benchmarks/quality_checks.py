"""Data quality: what the checks find of what was injected, what repairing it gives back, how long it takes.

python -m benchmarks.quality_checks [--seeds 5] [--only detection|alarms|repair|cleanvision|time] [--damage duplicates]
"""

import argparse
import io
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score
from torch import Tensor

from genlab.algebra import eigen
from genlab.data import Dataset, Recipe, Splits, load
from genlab.data.importing import import_images
from genlab.features import Features
from genlab.images import picture
from genlab.metrics import frechet
from genlab.paths import data_folder
from genlab.quality import DEFECTS, Finding, Truth, inspect, repair

CIFAR = "cifar-photos"
RATE = 0.1
Seconds = tuple[float, float]  # by the clock, of the processor
Row = tuple[str, str, str, list[float], str]  # what, data, measure, a value a seed, target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--damage", default="", help="detect only the kinds of damage that are called so or so")
    parser.add_argument("--zip", type=Path, default=data_folder() / "cifar10-jpg.zip")
    parser.add_argument("--suspects", type=Path, help="PNG of the 24 worst wrong-label suspects of MNIST")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENLAB_DATASETS"] = folder
        os.environ["GENLAB_CACHE"] = os.environ.get("GENLAB_CACHE") or f"{folder}/cache"
        if given.zip.exists() and given.only not in ("alarms", "time"):
            _import_photos(given.zip, Path(folder))
        for name, part in PARTS.items():
            if given.only in (None, name):
                print(f"\n{(part.__doc__ or '').splitlines()[0]}\n", flush=True)
                part(given)


# --- 1. Detection against injected truth ---


def detection(given: argparse.Namespace) -> None:
    """Detection: 10 % damaged, mean over seeds (worst)."""
    _head()
    sets = {"mnist": _small("mnist"), "digits": load("digits")} | ({"cifar-10": load(CIFAR)} if _photos() else {})
    for name, data in sets.items():
        for row in _detected(name, data, given.seeds, given.damage):
            _tell(row)


CASES: list[tuple[str, dict[str, Any], str, dict[str, str]]] = [  # defect, settings, finding, target by dataset
    ("noise", {"kind": "gaussian"}, "noise-gaussian", {"": "≥ 0.99"}),
    ("noise", {"kind": "salt-and-pepper"}, "noise-salt-and-pepper", {"": "≥ 0.99"}),
    ("noise", {"kind": "blur"}, "noise-blur", {"": "≥ 0.95"}),
    ("noise", {"kind": "jpeg"}, "noise-jpeg", {"": "≥ 0.95"}),
    ("missing", {"kind": "blank"}, "missing-blank", {"": "≥ 0.999"}),
    ("missing", {"kind": "patch"}, "missing-patch", {"": "≥ 0.98", "digits": "–"}),
    ("exposure", {"kind": "dark"}, "exposure-dark", {"": "–"}),
    ("exposure", {"kind": "bright"}, "exposure-bright", {"": "–"}),
    ("label-errors", {"kind": "uniform"}, "label-errors", {"": "–", "cifar-10": "≥ 0.80"}),
    ("label-errors", {"kind": "confusions"}, "label-errors", {"": "–"}),
]
FLAGGED: list[tuple[str, dict[str, Any], str, dict[str, str]]] = [
    ("duplicates", {"kind": "exact"}, "duplicates-exact", {"": "1.0 / 1.0"}),
    ("duplicates", {"kind": "near"}, "duplicates-near", {"": "–", "mnist": "F1 ≥ 0.95"}),
    *(
        ("duplicates", {"kind": kind}, "duplicates-mirrored" if kind == "mirrored" else "duplicates-near", {"": "–"} | few)
        for kind, few in (
            ("cropped", {"mnist": "F1 ≥ 0.9", "cifar-10": "F1 ≥ 0.9"}),
            ("turned", {}),
            ("mirrored", {}),
            ("recoloured", {}),
        )
    ),
    ("leaks", {}, "leaks", {"": "–"}),
    (
        "label-errors",
        {"kind": "uniform"},
        "label-errors",
        {"": "–", "mnist": "≥ 0.95 / 0.95", "digits": "≥ 0.90 / 0.85"},
    ),
    ("label-errors", {"kind": "confusions"}, "label-errors", {"": "–", "mnist": "≥ 0.80 / 0.75"}),
]


def _detected(name: str, data: Splits, seeds: int, wanted: str) -> Iterator[Row]:
    cases, flagged = ([case for case in all_of if wanted in told(case[0], case[1])] for all_of in (CASES, FLAGGED))
    for defect, settings, finding, targets in cases:
        values = []
        for seed in range(seeds):
            damaged, truth = damage(data, defect, settings, seed)
            found = find(damaged, defect, finding)
            values.append(auroc(found, truth.damaged))
        yield told(defect, settings), name, "AUROC", values, targets.get(name, targets[""])
    for defect, settings, finding, targets in flagged:
        both = []
        for seed in range(seeds):
            damaged, truth = damage(data, defect, settings, seed)
            both.append(precision_recall(find(damaged, defect, finding), truth.damaged))
        target = targets.get(name, targets[""])
        yield told(defect, settings), name, "precision", [p for p, _ in both], target
        yield told(defect, settings), name, "recall", [r for _, r in both], target
        yield told(defect, settings), name, "F1", [2 * p * r / max(p + r, 1e-9) for p, r in both], target
    for settings in ({"kind": "thinned"}, {"kind": "long-tail", "rate": 0.5}) if wanted in "imbalance" else ():
        hits = []
        for seed in range(seeds):
            damaged, truth = damage(data, "imbalance", settings, seed)
            hits.append(float(set(find(damaged, "imbalance", "imbalance").classes) == set(truth.classes)))
        yield told("imbalance", settings), name, "right classes", hits, "1.0"
    if name == "mnist" and wanted in "outliers":
        yield from _strangers(data, seeds)


def _strangers(data: Splits, seeds: int) -> Iterator[Row]:
    nine = data.train.label == 9
    hidden = replace(data, train=data.train.with_column("label", torch.where(nine, -1, data.train.label)))
    found = find(hidden, "outliers", "outliers")
    yield "outliers: 9s without a label among 0–8 with theirs", "mnist", "AUROC", [auroc(found, data.train.id[nine])], "≥ 0.85"
    blind = replace(data, train=data.train.with_column("label", torch.full_like(data.train.label, -1)))
    found = find(blind, "outliers", "outliers")
    yield "outliers: 9s among 0–8, no labels at all", "mnist", "AUROC", [auroc(found, data.train.id[nine])], "(≥ 0.85)"
    for share in (0.01, 0.001):
        values = []
        for seed in range(seeds):
            few = nine & (torch.rand(len(nine), generator=torch.Generator().manual_seed(seed)) > share / nine.float().mean())
            rare = replace(blind, train=blind.train[~few])
            values.append(auroc(find(rare, "outliers", "outliers"), data.train.id[nine & ~few]))
        yield f"outliers: 9s thinned to {share:.1%} among 0–8, no labels at all", "mnist", "AUROC", values, "(≥ 0.85)"
    if _photos():
        for label, start in (("labelled", data), ("no labels at all", blind)):
            values = []
            for seed in range(seeds):
                damaged, truth = damage(start, "outliers", {"dataset": CIFAR}, seed)
                gone = damaged if start is data else _unlabelled(damaged)
                values.append(auroc(find(gone, "outliers", "outliers"), truth.damaged))
            yield f"outliers: grey CIFAR-10, {label}", "mnist", "AUROC", values, "≥ 0.99"


# --- 2. False alarms ---


def alarms(given: argparse.Namespace) -> None:
    """False alarms on clean MNIST: share of the images that a check flags."""
    print("| check | 10,000 images | 55,000 images | target |\n|---|---|---|---|")
    small, large = _small("mnist"), load("mnist")
    first = {finding.name: finding for finding in inspect(small)}
    second = {finding.name: finding for finding in inspect(large)}
    for name, finding in first.items():
        target = "≤ 0.5 %" if name == "label-errors" else "–" if name in ("duplicates-near", "duplicates-mirrored") else "≤ 1 %"
        shares = [float(f.flagged.float().mean()) for f in (finding, second[name])]
        print(f"| {name} | {shares[0]:.2%} | {shares[1]:.2%} | {target} |", flush=True)
    if given.suspects:
        given.suspects.write_bytes(captioned(large.train, second["label-errors"]))


def captioned(data: Dataset, finding: Finding, columns: int = 8, lines: int = 3) -> bytes:
    """A PNG file of the worst suspects, below each its label and the class that it seems to have."""
    figure = Figure(figsize=(columns, 1.35 * lines), layout="constrained")
    for axes, row in zip(figure.subplots(lines, columns).flat, finding.suspects.tolist(), strict=False):
        axes.imshow(data.read([row])[0, 0], cmap="gray_r", vmin=0, vmax=255)
        label, suggestion = (data.spec.classes[int(column[row])] for column in (data.label, finding.suggestions))
        axes.set_title(f"{label} → {suggestion}", y=-0.3, fontsize=13, color="#333333")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#cccccc")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


# --- 3. Repair ---


def repairs(given: argparse.Namespace) -> None:
    """Repair: 10 % damaged, then everything that was found is repaired; MNIST, 10,000 images, mean over seeds (worst)."""
    _head()
    data = _small("mnist")
    cases = [
        ("duplicates", {"kind": "exact"}, ["duplicates-exact"]),
        ("duplicates", {"kind": "near"}, ["duplicates-near"]),
        ("missing", {"kind": "blank"}, ["missing-blank"]),
        *(("noise", {"kind": kind}, [f"noise-{kind}"]) for kind in ("gaussian", "salt-and-pepper", "blur", "jpeg")),
        ("label-errors", {"kind": "uniform"}, ["label-errors"]),
        ("imbalance", {"kind": "thinned"}, ["imbalance"]),
        ("imbalance", {"kind": "long-tail", "rate": 0.5}, ["imbalance"]),
    ]
    distance = Distance(data.train)
    for defect, settings, issues in cases:
        lines: dict[str, tuple[list[float], str]] = {}
        for seed in range(given.seeds):
            for measure, value, target in _repaired(data, defect, settings, issues, seed, distance):
                lines.setdefault(measure, ([], target))[0].append(value)
        for measure, (values, target) in lines.items():
            _tell((told(defect, settings), "mnist", measure, values, target))


def _repaired(data: Splits, defect: str, settings: dict, issues: list[str], seed: int, distance: "Distance") -> Iterator[tuple]:
    damaged, truth = damage(data, defect, settings, seed)
    found = list(DEFECTS[defect].detect(damaged, Features(damaged.train)))
    after = repair(damaged, found, Recipe.of(damaged), issues).apply(damaged)
    clean, bad = data.train, truth.damaged
    if defect == "label-errors":
        before = dict(zip(clean.id.tolist(), clean.label.tolist(), strict=True))
        now = dict(zip(after.train.id.tolist(), after.train.label.tolist(), strict=True))
        wrong = set(bad.tolist())
        yield "changed labels right again", float(np.mean([now[i] == before[i] for i in wrong])), "≥ 90 %"
        yield "right labels changed", float(np.mean([now[i] != before[i] for i in before if i not in wrong])), "≤ 0.5 %"
    elif defect == "imbalance":
        shares = [_shares(part) for part in (clean, damaged.train, after.train)]
        yield "total variation of classes, damaged", float((shares[1] - shares[0]).abs().sum() / 2), ""
        yield "total variation of classes, repaired", float((shares[2] - shares[0]).abs().sum() / 2), "≤ 2 %"
    else:
        left = torch.isin(after.train.id, bad).sum() / len(bad)
        good = damaged.train.id[~torch.isin(damaged.train.id, bad)]
        yield "damage gone", float(1 - left), "≥ 95 %"
        yield "good lost", float((~torch.isin(good, after.train.id)).float().mean()), "≤ 1 %"
    distances = [distance(part, by_class=defect == "label-errors") for part in (damaged.train, after.train)]
    yield "Fréchet distance left of the damaged set's", distances[1] / max(distances[0], 1e-12), "≤ 50 %"


class Distance:
    """Fréchet distances (Dowson & Landau 1982) to a clean set, of 64 principal components of its filters' answers."""

    def __init__(self, clean: Dataset) -> None:
        self.features = Features(clean)
        x = self.features.answers(clean)
        self.mean = x.mean(0)
        self.axes = eigen((x - self.mean).T @ (x - self.mean) / len(x))[1][:, -64:]
        self.clean, self.x = clean, self._seen(clean)

    def __call__(self, data: Dataset, by_class: bool = False) -> float:
        """The distance; for labels its mean over the classes."""
        x = self._seen(data)
        if not by_class:
            return frechet(self.x, x, data.columns.get("weight"))
        classes = range(len(data.spec.classes))
        return statistics.mean(frechet(self.x[self.clean.label == k], x[data.label == k]) for k in classes)

    def _seen(self, data: Dataset) -> Tensor:
        return ((self.features.answers(data) - self.mean) @ self.axes).double()


# --- 4. Against cleanvision ---

SHARED = {  # our finding: (theirs, the damage, settings)
    "noise-blur": ("blurry", "noise", {"kind": "blur"}),
    "exposure-dark": ("dark", "exposure", {"kind": "dark", "severity": 0.9}),
    "exposure-bright": ("light", "exposure", {"kind": "bright", "severity": 0.9}),
    "missing-blank": ("low_information", "missing", {"kind": "blank"}),
    "duplicates-exact": ("exact_duplicates", "duplicates", {"kind": "exact"}),
    "duplicates-near": ("near_duplicates", "duplicates", {"kind": "near"}),
}


def against(given: argparse.Namespace) -> None:
    """Against cleanvision: the checks both have, on the same images (2 % of each damage), three rounds in turn in one run."""
    for name, data in [("mnist", _small("mnist")), *([("cifar-10", load(CIFAR))] if _photos() else [])]:
        damaged, truths = data, {}
        for key, (finding, (_, defect, settings)) in enumerate(SHARED.items(), 1):
            train, truth = DEFECTS[defect].inject(damaged, DEFECTS[defect].Settings(rate=0.02, **settings), key, key)
            damaged, truths[finding] = replace(damaged, train=train), truth.damaged
        rounds = [(_theirs(damaged.train), _ours(damaged)) for _ in range(3)]
        theirs, ours = (
            [statistics.median(values) for values in zip(*(r[side][0] for r in rounds), strict=True)] for side in (0, 1)
        )
        scores, found = rounds[0][0][1], rounds[0][1][1]
        print(f"{name}, {len(damaged.train):,} images, medians, load {os.getloadavg()[0]:.1f}; target ≥ 3 times as fast")
        for what, their, own in zip(("by the clock", "of the processor"), theirs, ours, strict=True):
            print(f"{what}: cleanvision {their:.1f} s, ours {own:.1f} s, {their / own:.1f} times as fast")
        print("| check | AUROC of cleanvision | ours |\n|---|---|---|")
        for finding, (theirs, _, _) in SHARED.items():
            true = torch.isin(damaged.train.id, truths[finding]).numpy()
            their = roc_auc_score(true, 1 - scores[f"{theirs}_score"].to_numpy())
            print(f"| {finding} | {their:.3f} | {auroc(found[finding], truths[finding]):.3f} |", flush=True)


def _theirs(data: Dataset) -> tuple[Seconds, Any]:
    """How long cleanvision takes for the files of the images, and its table of scores."""
    from cleanvision import Imagelab

    with tempfile.TemporaryDirectory() as folder:
        for row, item in enumerate(data.read(slice(None))):
            picture(item).save(f"{folder}/{row:06d}.png")
        began = clocks()
        lab = Imagelab(data_path=folder, verbose=False)
        lab.find_issues({theirs: {} for theirs, _, _ in SHARED.values()}, verbose=False)
        return since(began), lab.issues.sort_index()


def _ours(data: Splits) -> tuple[Seconds, dict[str, Finding]]:
    """How long our checks take with an empty cache, and their findings."""
    before = os.environ["GENLAB_CACHE"]
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GENLAB_CACHE"] = cache
        fresh = replace(data, train=replace(data.train))  # which remembers no hashes
        began, features = clocks(), Features(fresh.train)
        found = {f.name: f for d in ("missing", "duplicates", "noise", "exposure") for f in DEFECTS[d].detect(fresh, features)}
        seconds = since(began)
    os.environ["GENLAB_CACHE"] = before
    return seconds, found


# --- 5. Time and memory ---


def timing(given: argparse.Namespace) -> None:
    """Time and memory: all checks over the 60,000 training images of MNIST, in a process of its own."""
    load("mnist")
    with tempfile.TemporaryDirectory() as cache:
        for name in ("datasets", "data"):  # everything but the features is there
            source = Path(os.environ["GENLAB_CACHE"]) / name
            if source.exists():
                os.symlink(source, f"{cache}/{name}")
        for label in ("first time", "from the cache"):
            words = [sys.executable, "-c", "from benchmarks.quality_checks import one_inspection; one_inspection()"]
            told = subprocess.run(words, env={**os.environ, "GENLAB_CACHE": cache}, capture_output=True, text=True, check=True)
            print(f"{label}: {told.stdout.strip()}", flush=True)


def one_inspection() -> None:
    """All checks once; says how long they took and what memory."""
    data = load("mnist")
    whole = replace(data, train=data.train.extended(data.validation), validation=data.test)
    began, first = clocks(), None
    for _ in inspect(whole):
        first = first or since(began)[0]
    (seconds, busy), peak = since(began), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    threads, load_1 = torch.get_num_threads(), os.getloadavg()[0]
    print(
        f"{len(whole.train):,} images, {seconds:.1f} s ({busy:.1f} s of the processor), first finding after {first:.2f} s,",
        end=" ",
    )
    print(f"{peak:.2f} GB at most, {threads} threads, load {load_1:.1f}")


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "detection": detection,
    "alarms": alarms,
    "repair": repairs,
    "cleanvision": against,
    "time": timing,
}


# --- What the parts share ---


def clocks() -> Seconds:
    """The time, and that which this process and its ended children took of the processor, whatever others do meanwhile."""
    return time.perf_counter(), sum(os.times()[:4])


def since(began: Seconds) -> Seconds:
    """How long ago that was, on both clocks."""
    now = clocks()
    return now[0] - began[0], now[1] - began[1]


def damage(data: Splits, defect: str, settings: dict[str, Any], seed: int) -> tuple[Splits, Truth]:
    train, truth = DEFECTS[defect].inject(data, DEFECTS[defect].Settings(**{"rate": RATE, **settings}), seed)
    return replace(data, train=train), truth


def find(data: Splits, defect: str, finding: str) -> Finding:
    return next(f for f in DEFECTS[defect].detect(data, Features(data.train)) if f.name == finding)


def auroc(finding: Finding, bad: Tensor) -> float:
    return float(roc_auc_score(torch.isin(finding.ids, bad).numpy(), finding.scores.numpy()))


def precision_recall(finding: Finding, bad: Tensor) -> tuple[float, float]:
    true = torch.isin(finding.ids, bad)
    hits = float((true & finding.flagged).sum())
    return hits / max(1, int(finding.flagged.sum())), hits / len(bad)


def told(defect: str, settings: dict[str, Any]) -> str:
    return f"{defect}: {settings['kind']}" if "kind" in settings else defect


def _head() -> None:
    print("| damage | data | measure | mean (worst) | target |\n|---|---|---|---|---|", flush=True)


def _tell(row: Row) -> None:
    what, data, measure, values, target = row
    high = "lost" in measure or "left" in measure or "variation" in measure or measure == "right labels changed"
    worst = max(values) if high else min(values)
    print(f"| {what} | {data} | {measure} | {statistics.mean(values):.4f} ({worst:.4f}) | {target} |", flush=True)


def _shares(data: Dataset) -> Tensor:
    weight = data.columns.get("weight", torch.ones(len(data))).double()
    shares = torch.zeros(len(data.spec.classes), dtype=torch.double).index_add_(0, data.label, weight)
    return shares / shares.sum()


def _small(name: str) -> Splits:
    data = load(name)
    return replace(data, train=data.train[:10_000])


def _unlabelled(data: Splits) -> Splits:
    return replace(data, train=data.train.with_column("label", torch.full_like(data.train.label, -1)))


def _photos() -> bool:
    from genlab.data import list_datasets

    return CIFAR in list_datasets()


def _import_photos(source: Path, folder: Path) -> None:
    """12,000 of the zip's training images, through the importer, which holds a sixth out: 10,000 to train on."""
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(folder / "some.zip", "w") as some:
        names = sorted(name for name in whole.namelist() if name.startswith("train/") and name.endswith(".jpg"))
        for name in random.Random(0).sample(names, 12_000):
            some.writestr(name, whole.read(name))
    for progress in import_images([folder / "some.zip"], CIFAR):
        imported = progress.imported
    print(f"CIFAR-10: {imported.summary} {len(load(CIFAR).train):,} to train on.", flush=True)


if __name__ == "__main__":
    main()
