"""Sensor: what happens to series while they are measured: noise, gaps, clipped values, a level that shifts."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlab.algebra import regression
from genlab.curves import filled, marks
from genlab.data.dataset import Dataset, Splits, even_rows
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, Verdict, check_takes, chosen, dropped, generator
from genlab.quality.settings import SensorSettings

FEWEST, COPIES, TREES = 40, 1200, 60  # series from which something can be learnt; copies that are damaged for it; trees
SEVERITIES = (0.3, 0.5, 0.8)  # of the copies, in turn
SUSPECT = 0.3  # how probable a fault is of what has no say in the second round
LAGS, PAST, STEPS = 16, 8, 8  # of likeness; values that foretell the next in a straight way; values on each side of a shift
SENTENCES = {
    "noise": Message("Noisy series: a model learns the noise with what is measured, and its forecasts are wider for it."),
    "gaps": Message("Series with gaps, values that are no numbers: a model learns nothing there; short ones can be bridged."),
    "clipping": Message("Clipped series: what lay beyond the range of the sensor is lost, and a model learns the flat tops."),
    "shift": Message("Series whose level shifts at once: a model takes the sensor's fault for something that happens."),
}
BRIDGED = 0.25  # share of a series that may be missing for it to be bridged; else it is dropped
Fault = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]  # [T, C] float32, severity -> [T, C]


class Sensor:
    """Sensor: see the protocol `Defect`."""

    Settings = SensorSettings
    takes: Takes = {"series": None}
    lowers: tuple[str, ...] = ("accuracy", "completeness")

    def inject(self, data: Splits, settings: SensorSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("sensor", data, settings)
        train, rows = data.train, chosen(data.train, settings.rate * (settings.severity > 0), seed)
        before = train.read(rows)
        draws = (generator(seed, item) for item in train.id[rows].tolist())
        after = [
            torch.from_numpy(FAULTS[settings.kind](item.numpy(), settings.severity, draw).astype(np.float32))
            for item, draw in zip(before, draws, strict=True)
        ]
        differ = [not np.array_equal(old, new, equal_nan=True) for old, new in zip(before, after, strict=True)]
        changed = torch.tensor(differ, dtype=torch.bool)
        return train.with_items(rows, after), Truth(changed=train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        train = data.train
        gone = _missing(train) > 0
        yield Finding("sensor-gaps", SENTENCES["gaps"], train.id, gone.float(), gone)
        scores = _told_apart(train) if len(train) >= FEWEST else torch.zeros(len(train), len(LEARNT))
        for kind, own in zip(LEARNT, scores.T, strict=True):
            yield Finding(f"sensor-{kind}", SENTENCES[kind], train.id, own, own > 0.5)

    def fit(self, clean: Features) -> Check:
        if len(clean.data) < FEWEST:
            return lambda items: {}
        forest = _forest(*_lessons(clean.data, traits_of(clean.data)))

        def check(items: Dataset) -> dict[str, Verdict]:
            scores = _against(forest.predict_proba(traits_of(items)))
            gone = _missing(items) > 0
            learnt = {f"sensor-{kind}": Verdict(own, own > 0.5) for kind, own in zip(LEARNT, scores.T, strict=True)}
            return {"sensor-gaps": Verdict(gone.float(), gone), **learnt}

        return check

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        """Short gaps are bridged; what else is not as it was goes."""
        if finding.name != "sensor-gaps" or not finding.flagged.any():
            return dropped(recipe, finding)
        short = finding.flagged & (_missing(data.train) <= BRIDGED)
        bridged = recipe.then("bridge", {"ids": finding.ids[short].tolist()}) if short.any() else recipe
        return dropped(bridged, finding.only(finding.ids[finding.flagged & ~short].tolist()))


# --- What is done to a series ---


def noisy(series: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Normal noise; its deviation is a fifth of the range of 2 at severity 1."""
    return series + 0.4 * severity * random.standard_normal(series.shape)


def gappy(series: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """A run without values, up to half of the series."""
    gone, length = series.copy(), round(severity * len(series) / 2)
    start = int(random.integers(0, len(series) - length + 1))
    gone[start : start + length] = np.nan
    return gone


def clipped(series: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """Nothing farther from the median than a share of the farthest value, a fifth of it at severity 1."""
    if np.isnan(series).all():
        return series
    middle = np.nanmedian(series, 0)
    reach = (1 - 0.8 * severity) * np.nanmax(np.abs(series - middle), 0)
    return np.clip(series, middle - reach, middle + reach)


def shifted(series: np.ndarray, severity: float, random: np.random.Generator) -> np.ndarray:
    """All from some time in the middle three fifths on is higher or lower, by half of the range of 2 at severity 1."""
    moved = series.copy()
    moved[int(random.integers(len(series) // 5, 1 + 4 * len(series) // 5)) :] += severity * random.choice([-1.0, 1.0])
    return moved


FAULTS: dict[str, Fault] = {"noise": noisy, "gaps": gappy, "clipping": clipped, "shift": shifted}
LEARNT = tuple(kind for kind in FAULTS if kind != "gaps")


# --- How it is told ---


def traits_of(data: Dataset) -> np.ndarray:
    """[N, S] what faults change of series, and what kind of series they are."""
    blocks = (data.read(slice(start, start + 1000)) for start in range(0, len(data), 1000))
    return np.concatenate([traits(items) for items in blocks])


def traits(items: list[Tensor]) -> np.ndarray:
    """[n, S] the same of some series; of several channels the means."""
    whole = [filled(item) for item in items]
    own = np.array([np.mean([_traits(channel) for channel in item.double().numpy().T], 0) for item in whole])
    kinds = marks(items, LAGS)
    return np.concatenate([own, kinds.unflatten(1, (items[0].shape[1], -1)).mean(1).numpy()], 1)


def _traits(x: np.ndarray) -> list[float]:
    """Of a channel [T]: how rough it is, how far off a straight forecast is, what piles up at the rims, how far levels move."""
    x = np.pad(x if len(x) else np.zeros(1), (0, max(0, 4 * PAST - len(x))), "edge")
    steps = np.sort(np.abs(np.diff(x)))
    past = np.lib.stride_tricks.sliding_window_view(x[:-1], PAST)
    past = np.c_[past, np.ones(len(past))]
    foretold = past @ regression(torch.from_numpy(past), torch.from_numpy(x[PAST:, None])).numpy()
    off = np.sort(np.abs(x[PAST:] - foretold[:, 0]))
    levels = np.convolve(x, np.ones(STEPS) / STEPS, "valid")
    logs = np.log(np.array([x.std(), off.std(), np.median(off), np.median(steps)]) + 1e-6)
    return [
        *logs, *((np.abs(x - rim) < 1e-6).sum() for rim in (x.max(), x.min())), np.abs(levels[STEPS:] - levels[:-STEPS]).max(),
        steps[-1], steps[-2], steps[int(0.95 * len(steps))], off[-1], off[-2], off[-4], off[-1] / (np.median(off) + 1e-6),
        np.abs(np.diff(x, 2)).mean(),
    ]  # fmt: skip


def _missing(data: Dataset) -> Tensor:
    """[N] the share of each series that is not there, all of one without values."""
    blocks = (data.read(slice(start, start + 1000)) for start in range(0, len(data), 1000))
    return torch.tensor([float(item.isnan().float().mean()) if len(item) else 1.0 for items in blocks for item in items])


def _forest(x: np.ndarray, kinds: np.ndarray, weight: np.ndarray) -> Any:
    """What tells kinds from traits (Breiman 2001); each item is judged by the trees that did not learn from it."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, min_samples_leaf=2, max_features=0.3, oob_score=True, random_state=0)
    return forest.fit(x, kinds, weight)


def _lessons(data: Dataset, as_is: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Traits [M, S] of series as they are and of copies that were damaged, their kinds [M], 0 for as they are, and weights."""
    items = data.read(even_rows(len(data), COPIES))
    lots = np.random.default_rng(0).permutation(len(items))
    copies, kinds = [], []
    for k, kind in enumerate(LEARNT, 1):
        for i in lots[k - 1 :: len(LEARNT)].tolist():
            damaged = FAULTS[kind](items[i].numpy(), SEVERITIES[i % len(SEVERITIES)], generator(0, i))
            copies.append(torch.from_numpy(damaged.astype(np.float32)))
            kinds.append(k)
    weight = np.concatenate([np.ones(len(as_is)), np.full(len(copies), len(as_is) / len(LEARNT) / len(copies))])
    return np.concatenate([as_is, traits(copies)]), np.concatenate([np.zeros(len(as_is), int), kinds]), weight


def _told_apart(data: Dataset) -> Tensor:
    """[N, K] how probable each kind of fault is of series that may have some; none is told by what was learnt from itself.

    What the first round takes for copies has no say in the second, as it was damaged before.
    """
    x, kinds, weight = _lessons(data, traits_of(data))
    n = len(data)
    for _ in range(2):
        found = _against(_forest(x, kinds, weight).oob_decision_function_[:n])
        weight[:n] = found.amax(1) <= SUSPECT
    return found


def _against(probable: np.ndarray) -> Tensor:
    """[n, K] how probable each kind is, if it is that or none, by the probabilities [n, 1 + K] of all."""
    found = torch.from_numpy(np.nan_to_num(probable)).float()
    return found[:, 1:] / (found[:, 1:] + found[:, :1]).clamp(min=1e-6)
