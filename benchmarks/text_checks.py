"""Defects of texts: what the checks find of what was injected, what they flag of clean texts, what repair gives back, how long.

python -m benchmarks.text_checks [--seeds 5] [--first 0] [--only detection|alarms|repair|time]
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import torch

from benchmarks.quality_checks import auroc, damage, find, precision_recall, told
from genlab.data import Dataset, DataSpec, Recipe, Splits, is_here, load
from genlab.data.dataset import even_rows
from genlab.data.sources import Part
from genlab.modalities import Ragged
from genlab.quality import DEFECTS, inspect, repair
from genlab.quality.duplicates import FEWEST, RUN, SHARED
from genlab.quality.personal import PATTERNS
from genlab.quality.personal import found as private
from genlab.quality.wording import alike, plain

MOST = 10_000
CASES: list[tuple[str, dict[str, Any], str]] = [  # defect, settings, finding
    ("duplicates", {"kind": "exact"}, "duplicates-exact"),
    ("duplicates", {"kind": "near"}, "duplicates-near"),
    ("garbled", {"kind": "mojibake"}, "garbled-mojibake"),
    ("garbled", {"kind": "lost"}, "garbled-lost"),
    ("truncated", {}, "truncated"),
    ("repetition", {"kind": "loops"}, "repetition-loops"),
    ("repetition", {"kind": "boilerplate"}, "repetition-boilerplate"),
    ("personal", {"kind": "email"}, "personal-email"),
    ("personal", {"kind": "phone"}, "personal-phone"),
    ("personal", {"kind": "card"}, "personal-card"),
    ("leaks", {"kind": "exact", "rate": 1.0}, "leaks"),
    ("leaks", {"kind": "near", "rate": 1.0}, "leaks"),
    ("label-errors", {"kind": "uniform"}, "label-errors"),
    ("label-errors", {"kind": "confusions"}, "label-errors"),
    ("missing", {"kind": "blank"}, "missing-blank"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--only", choices=list(PARTS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENLAB_CACHE"] = os.environ.get("GENLAB_CACHE") or folder
        for name, part in PARTS.items():
            if given.only in (None, name):
                print(f"\n{(part.__doc__ or '').splitlines()[0]}\n", flush=True)
                part(given)


def texts() -> dict[str, Splits]:
    """Some paragraphs of code, the same without those that are near copies of others, and names where they are here."""
    whole = paragraphs(load("python-code"))
    whole = replace(whole, train=whole.train[even_rows(len(whole.train), MOST)])
    pairs, _, _ = alike(whole.train, RUN, FEWEST, SHARED)
    kept = torch.ones(len(whole.train), dtype=torch.bool)
    kept[pairs[:, 1]] = False
    return {"paragraphs": whole, "no copies": replace(whole, train=whole.train[kept])} | (
        {"names": load("names")} if is_here("names") else {}
    )


def paragraphs(data: Splits) -> Splits:
    """What stands between empty lines, each once in a part."""
    parts = {}
    for number, (name, part) in enumerate(data.parts.items()):
        found: dict[bytes, int] = {}
        for item, label in zip(part.read(slice(None)), part.label.tolist(), strict=True):
            for text in re.split(rb"\n[ \t]*\n", item.numpy().tobytes()):
                if text.strip():
                    found.setdefault(text.strip(b"\n"), label)
        items = Ragged.of([np.frombuffer(text, np.uint8) for text in found], np.uint8)
        columns = {"label": torch.tensor([*found.values()]), "id": torch.arange(len(found)) + number * 10**7}
        parts[name] = Part(items, columns)
    spec = DataSpec(data.spec.modality, data.spec.kind.shape(*(part.items for part in parts.values())), data.spec.classes)
    return Splits("paragraphs", *(Dataset("paragraphs", spec, part.items, part.columns) for part in parts.values()))


# --- The parts ---


def detection(given: argparse.Namespace) -> None:
    """Detection: 10 % damaged (leaks: all of the test part), mean over seeds (worst)."""
    print("| damage | data | damaged | AUROC | precision | recall | F1 | false alarms |\n|---|---|---|---|---|---|---|---|")
    for name, data in texts().items():
        for defect, settings, finding in CASES:
            if name == "no copies" and defect != "duplicates":
                continue
            rows = [
                row
                for seed in range(given.first, given.first + given.seeds)
                if (row := _found(data, defect, settings, finding, seed))
            ]
            if not rows:
                print(f"| {told(defect, settings)} | {name} | does not fit | | | | | |", flush=True)
                continue
            worst = [min, min, min, min, max]
            cells = [
                f"{statistics.mean(v):.4f} ({far(v):.4f})" for v, far in zip([*zip(*rows, strict=True)][1:], worst, strict=True)
            ]
            print(f"| {told(defect, settings)} | {name} | {rows[0][0]:,.0f} | {' | '.join(cells)} |", flush=True)


def _found(data: Splits, defect: str, settings: dict[str, Any], finding: str, seed: int) -> tuple[float, ...] | None:
    """How many were damaged, AUROC, precision, recall, F1, and the share of the others that is flagged; None where none were."""
    from genlab.errors import BadData

    try:
        damaged, truth = damage(data, defect, settings, seed)
    except BadData:
        return None
    if not len(truth.damaged):
        return None
    found = find(damaged, defect, finding)
    precision, recall = precision_recall(found, truth.damaged)
    alarms = float(found.flagged[~torch.isin(found.ids, truth.damaged)].float().mean())
    score = auroc(found, truth.damaged)
    return len(truth.damaged), score, precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), alarms


def alarms(given: argparse.Namespace) -> None:
    """What the checks flag of texts that nobody damaged; of near copies, how many a comparison letter by letter calls so, too."""
    clean = texts()
    others = ["python-code", "python-docs", *(name for name in ("tiny-shakespeare",) if is_here(name))]
    sets = {name: data for name, data in clean.items() if name != "no copies"} | {name: load(name) for name in others}
    found = {name: {finding.name: finding for finding in inspect(data)} for name, data in sets.items()}
    print(f"| check | {' | '.join(f'{name}, {len(data.train):,}' for name, data in sets.items())} |\n|---{'|---' * len(sets)}|")
    for issue in {issue: None for one in found.values() for issue in one}:
        cells = [f"{float(one[issue].flagged.float().mean()):.2%}" if issue in one else "–" for one in found.values()]
        print(f"| {issue} | {' | '.join(cells)} |", flush=True)
    train = clean["paragraphs"].train
    pairs, _, _ = alike(train, RUN, FEWEST, SHARED)
    some = pairs[torch.from_numpy(np.random.default_rng(0).permutation(len(pairs))[:300])]
    both = [(one.numpy().tobytes(), other.numpy().tobytes()) for one, other in zip(*map(train.read, some.T), strict=True)]
    ratios = [
        SequenceMatcher(
            None, *(b" ".join(text.lower().split()).decode(errors="replace") for text in pair), autojunk=False
        ).ratio()
        for pair in both
    ]
    much, most = np.mean(ratios), np.mean(np.array(ratios) > 0.8)
    print(f"\n{len(pairs):,} pairs of near copies among the {len(train):,} paragraphs as they are; {len(some)} of them have")
    print(f"{much:.2f} of their letters in common, in the same order, on average, and more than 0.8 in {most:.1%} of them")


def repairs(given: argparse.Namespace) -> None:
    """Repair: 10 % damaged, then everything that was found is repaired; paragraphs of code, mean over seeds (worst)."""
    print("| damage | right again, or gone | good changed or lost |\n|---|---|---|")
    data = texts()["no copies"]
    before = _told(data)
    for defect, settings, finding in CASES[:10]:
        rows = []
        for seed in range(given.first, given.first + given.seeds):
            damaged, truth = damage(data, defect, settings, seed)
            found = find(damaged, defect, finding)
            after = _told(repair(damaged, [found], Recipe.of(damaged)).apply(damaged))
            bad = set(truth.damaged.tolist())
            good = [i for i in before if i not in bad]
            gone = [i not in after or _right(after[i], before.get(i, b""), settings.get("kind", "")) for i in bad]
            rows.append((np.mean(gone), np.mean([after.get(i) != before[i] for i in good])))
        (done, lost), worst = np.mean(rows, 0), (min(row[0] for row in rows), max(row[1] for row in rows))
        print(f"| {told(defect, settings)} | {done:.2%} ({worst[0]:.2%}) | {lost:.2%} ({worst[1]:.2%}) |", flush=True)


def _told(data: Splits) -> dict[int, bytes]:
    return {i: item.numpy().tobytes() for i, item in zip(data.train.id.tolist(), data.train.read(slice(None)), strict=True)}


def _right(now: bytes, was: bytes, kind: str) -> bool:
    """Whether a document is what it was, or has no personal data any more where it got some."""
    return not [*private(kind, now)] if kind in PATTERNS else _typed(now) == _typed(was)


def _typed(text: bytes) -> bytes:
    """A text without what word processors make of quotes and dashes."""
    plainly = str.maketrans({"“": '"', "”": '"', "’": "'", "—": "--", "–": "-", "…": "..."})
    return text.decode(errors="replace").translate(plainly).strip().encode()


def timing(given: argparse.Namespace) -> None:
    """Time of all checks, seconds of the processor on one thread."""
    torch.set_num_threads(1)
    for name, data in texts().items():
        size = sum(plain(data.train.read(slice(None)))[1]) / 2**20
        for defect in DEFECTS:
            began = time.process_time()
            with tempfile.TemporaryDirectory() as cache:
                os.environ["GENLAB_CACHE"], before = cache, os.environ["GENLAB_CACHE"]
                count = len([*inspect(data, defects=[defect])])
                os.environ["GENLAB_CACHE"] = before
            if count:
                print(
                    f"{name}, {len(data.train):,} documents, {size:.1f} MB: {defect} {time.process_time() - began:.1f} s",
                    flush=True,
                )


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "detection": detection,
    "alarms": alarms,
    "repair": repairs,
    "time": timing,
}

if __name__ == "__main__":
    main()
