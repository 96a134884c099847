"""GPU: all that is to be measured on one, within a few minutes, as Markdown tables and as JSON; and a model trained on it.

    python -m benchmarks.gpu [--minutes 8] [--only training,compile] [--out FOLDER]
    python -m benchmarks.gpu --pack catsdogs.npz                        for a machine without a network
    python -m benchmarks.gpu --train catsdogs --data catsdogs.npz [--minutes 5] [--set width=64]

What is not reached in time is named at the end, and every figure is in gpu.json as soon as it is known; what has begun is not
cut off, of which compiling alone may take long. Without a GPU there are the CPU's figures alone; `--card cpu` lets the CPU take
the GPU's part, and `--tiny` everything be small, to try the script. fp32 is as torch has it by default. The limit is a bf16
product of large matrices in the same run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.better import TINY, pack, train_better
from benchmarks.card import Figures, flop, peaking, product_speed
from benchmarks.training import FAMILIES, ours
from genlab.data import Splits, load
from genlab.errors import DataMissing
from genlab.files import write_json
from genlab.hardware import hardware
from genlab.models import MODELS
from genlab.paths import shipped_models
from genlab.training.checkpoint import load_model

ROOT = Path(__file__).parents[1]
CASES = dict(reversed(FAMILIES.items())) | {  # the slowest first, should time run out
    f"{name.split(',')[0]}, points": (family, MODELS.settings_of(family).presets["points"])
    for name, (family, _) in FAMILIES.items()
}
STEPS, PAYS = 300, 1.1  # steps at most for a figure; how many times the speed is worth twice the batch
ROOM = 65_536  # items that there are at least, the same ones again and again, so that a batch can be large
Measurement = tuple[str, Callable[[], Figures]]  # the row that it is for, and what finds some of its figures


@dataclass
class Session:
    """What is measured, on what, until when; and what was found."""

    given: argparse.Namespace
    card: str | None  # torch's name of what stands beside the CPU
    images: Splits
    points: Splits
    found: Figures
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.began + 60 * self.given.minutes - time.monotonic()

    @property
    def patience(self) -> float:
        """Seconds for one figure."""
        return 0.02 if self.given.tiny else self.given.minutes / 4

    def run(self, name: str, share: float, measurements: Iterator[Measurement]) -> dict[str, Figures]:
        """Measure until so much of the time is over, and nothing that could take too long; what fails costs only itself."""
        rows, longest, late = self.found.setdefault(name, {}), 0.0, []
        for row, measure in measurements:
            before = self.left
            if before < max(longest, 60 * self.given.minutes * (1 - share)):
                late.append(row)
                continue
            try:
                rows.setdefault(row, {}).update(measure())
            except Exception as fault:
                self.found["left out"].append(f"{name} of {row} ({type(fault).__name__}: {str(fault)[:300]})")
            longest = max(longest, before - self.left)
            write_json(self.given.out / "gpu.json", self.found)
        if late:
            self.found["left out"].append(f"{name} of {' / '.join(dict.fromkeys(late))} (there was no time)")
        return rows

    def speed(self, case: str, device: str, column: str, **more: Any) -> Figures:
        """Items a second of the steps of a case."""
        family, settings = CASES[case][0], self.settings(case, **more)
        return peaking(device, column, lambda: ours(family, self.data(case), settings, device, STEPS, self.patience)[0])

    def data(self, case: str) -> Splits:
        return self.points if "points" in case else self.images

    def settings(self, case: str, **more: Any) -> Any:
        family, values = CASES[case]
        small = TINY if self.given.tiny else {}
        return MODELS.settings_of(family).parse({**values, **small, "steps": 6000, "precision": "fp32", **more})


def training(session: Session) -> Iterator[Measurement]:
    """Every family's steps on the CPU and on the card, and how close the card comes to its limit."""

    def in_bf16(case: str) -> Figures:
        found = session.speed(case, session.card, "bf16", precision="bf16")
        each = flop(CASES[case][0], session.data(case), session.settings(case)) / 1e6
        return found | {
            "MFLOP an item": each,
            "bf16, % of the limit": found["bf16"] * each / session.found["limit, TFLOP/s"] / 1e4,
        }

    if session.card:
        yield from ((case, partial(in_bf16, case)) for case in CASES)
        yield from ((case, partial(session.speed, case, session.card, "fp32")) for case in CASES)
    yield from ((case, partial(session.speed, case, "cpu", "CPU")) for case in CASES)


def sampling(session: Session) -> Iterator[Measurement]:
    """The shipped models as they are used: in fp32, with their default settings; more at once on the card."""

    def drawing(name: str, device: str, column: str, n: int) -> Figures:
        model = load_model(name, device).model
        samples_a_second(model, min(n, 256), 0)  # the first time chooses kernels
        return peaking(device, column, lambda: samples_a_second(model, n, session.patience))

    few, many = (2, 4) if session.given.tiny else (32, 1024)
    for name in shipped_models():
        if session.card:
            yield name, partial(drawing, name, session.card, "card", many)
        yield name, partial(drawing, name, "cpu", "CPU", few)


def batch(session: Session) -> Iterator[Measurement]:
    """Items a second in bf16 by batch, doubled as long as that pays."""

    def doubled(case: str) -> Figures:
        speeds, found = {}, {}
        for size in (8, 16) if session.given.tiny else [2**power for power in range(6, 14)]:
            figures = session.speed(case, session.card, str(size), precision="bf16", batch_size=size)
            speeds[size] = figures[str(size)]
            found |= figures
            if speeds[size] < PAYS * speeds.get(size // 2, 0):
                break
            found |= {"pays up to": size}
        return found

    yield from ((case, partial(doubled, case)) for case in CASES if session.card)


def tests(session: Session) -> Iterator[Measurement]:
    """The tests that need CUDA, without what only the others need, which may not be installed."""
    files = [str(file) for file in sorted((ROOT / "tests").glob("test_*.py")) if "mark.gpu" in file.read_text()]

    def outcome() -> Figures:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--noconftest", "-m", "gpu", *files]
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"GENLAB_RUNS": folder}
            told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=session.left)
        return {"outcome": (told.stdout.strip() or told.stderr.strip()).splitlines()[-1]}

    if session.card == "cuda":
        yield "all that need CUDA", outcome


def compiling(session: Session) -> Iterator[Measurement]:
    """What torch.compile gains, and how long one waits for that; last, since it may take longest."""

    def both(case: str) -> Figures:
        from torch._dynamo.utils import counters  # slow to import, and of no use elsewhere

        before = session.left
        found = session.speed(case, session.card, "plain", precision="bf16")
        between = session.left
        torch._dynamo.reset()
        counters.clear()
        found |= session.speed(case, session.card, "compiled", precision="bf16", compile=True)
        assert counters["frames"]["ok"], "nothing could be compiled, so all ran as it was"
        waited = max(0.0, between - session.left - (before - between))
        return found | {"seconds until then": waited, "pays": "yes" if found["compiled"] > 1.05 * found["plain"] else "no"}

    yield from ((case, partial(both, case)) for case in CASES if session.card)


SECTIONS = {  # by when each is to be over, as a share of the time, and its columns
    "training": (training, 0.28, ["CPU", "fp32", "bf16", "fp32, MB", "bf16, MB", "MFLOP an item", "bf16, % of the limit"]),
    "sampling": (sampling, 0.4, ["CPU", "card", "card, MB"]),
    "batch": (batch, 0.64, ["pays up to"]),
    "tests": (tests, 0.74, ["outcome"]),
    "compile": (compiling, 1.0, ["plain", "compiled", "seconds until then", "pays"]),
}


def samples_a_second(model: Any, n: int, seconds: float) -> float:
    rounds, began = 0, time.perf_counter()
    while not rounds or time.perf_counter() - began < seconds:
        *_, draft = model.sample(n, model.SamplingSettings(), 0, model.given_labels(None, n))
        draft.items.cpu()
        rounds += 1
    return rounds * n / (time.perf_counter() - began)


def table(name: str, rows: dict[str, Figures], columns: list[str], card: str | None) -> str:
    """Markdown; where there is no GPU, its columns say so."""
    columns = list(dict.fromkeys([*columns, *(column for row in rows.values() for column in row)]))
    lines = [[name, *columns], ["---"] * (len(columns) + 1)]
    for row, figures in (rows or {"": {}}).items():
        lines.append([row, *(shown(figures.get(column), bool(card) or column == "CPU") for column in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def shown(value: Any, measurable: bool) -> str:
    if value is None:
        return "–" if measurable else "no GPU"
    return value if isinstance(value, str) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measure(given: argparse.Namespace) -> None:
    card = given.card or ("cuda" if torch.cuda.is_available() else None)
    dict(MODELS)  # what is slow to import comes before the clock starts
    try:
        images = load("digits" if given.tiny else given.dataset)
    except DataMissing as fault:
        print(f"{fault} Digits of MNIST's size are measured instead.\n")
        images = load("digits-28")
    found = {"torch": torch.__version__, "images": images.name, "left out": []}
    found["CPU"] = hardware(torch.device("cpu"), torch.get_num_threads())
    session = Session(given, card, repeated(images), load("gaussians"), found)
    if card:
        found["card"] = hardware(torch.device(card), torch.get_num_threads())
        found["limit, TFLOP/s"] = product_speed(card, 64 if given.tiny else 8192) / 1e12
    limit = (
        f"{found['card']}, limit {found['limit, TFLOP/s']:.3g} TFLOP/s" if card else "there is no GPU, so its columns are empty"
    )
    print(f"Items a second; torch {torch.__version__}; {images.name} and gaussians; {found['CPU']}; {limit}.\n")
    for name, (section, share, columns) in SECTIONS.items():
        if name in given.only.split(","):
            print(table(name, session.run(name, share, section(session)), columns, card), flush=True)
    print(f"Left out: {'; '.join(found['left out']) or 'nothing'}.")
    write_json(given.out / "gpu.json", found)


def repeated(data: Splits) -> Splits:
    """The same training items as often as it takes to have room for large batches; nothing is copied."""
    return replace(data, train=data.train[torch.arange(max(ROOM, len(data.train))) % len(data.train)])


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8, help="that it may take after everything is imported (%(default)s)")
    parser.add_argument("--only", default=",".join(SECTIONS), help="parts with commas between them (%(default)s)")
    parser.add_argument("--dataset", default="mnist", help="images to measure with; digits of MNIST's size where it is missing")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")), help="folder for gpu.json and runs")
    parser.add_argument("--card", choices=("cpu", "cuda"), help="what is measured beside the CPU (the GPU, if there is one)")
    parser.add_argument("--tiny", action="store_true", help="small networks and few steps, to try the script")
    parser.add_argument("--pack", type=Path, metavar="FILE", help="write the dataset of --train to a file, and nothing else")
    parser.add_argument("--train", metavar="DATASET", help="train diffusion on it instead of measuring")
    parser.add_argument("--data", type=Path, metavar="FILE", help="where that dataset was packed")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of that training")
    given = parser.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.pack:
        pack(load(given.train or "catsdogs"), given.pack)
    elif given.train:
        train_better(given)
    else:
        measure(given)


if __name__ == "__main__":
    main()
