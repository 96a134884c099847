"""Ship: a finished run becomes a model that ships, with a record of how it learnt that the Train tab shows.

python -m benchmarks.ship RUN NAME
"""

import json
import shutil
import sys

from genlab.files import whole_folder, write_json
from genlab.paths import CHECKPOINTS, EXAMPLES
from genlab.training.checkpoint import STATE
from genlab.training.run import Run

RECORDS = 300  # of a history, evenly chosen
GRIDS = 7  # sample grids: the first, the last, and between them each about as many times the one before
BYTES = 300_000  # of the record in all


def ship(name: str, shipped: str) -> None:
    """Put the last checkpoint of a run and a short record of it where what ships lies."""
    run = Run.open(name)
    with whole_folder(CHECKPOINTS / shipped) as draft:
        shutil.copytree(run.checkpoints()[-1], draft, ignore=shutil.ignore_patterns(STATE), dirs_exist_ok=True)
        card = draft / "card.md"
        card.write_text(card.read_text().replace(f"# {run.name}\n", f"# {shipped}\n", 1))
    record(run, shipped)


def record(run: Run, shipped: str) -> None:
    """How a run went, in little: what was asked, some of its history, some of its samples."""
    with whole_folder(EXAMPLES / shipped) as draft:
        (draft / "samples").mkdir(exist_ok=True)
        short = Run(draft)
        write_json(draft / "run.json", run.record)
        shutil.copy(run.path / "hardware.txt", draft)
        for line in few(run.history()):
            short.remember(line)
        for step in steps_of(run.samples()):
            shutil.copy(run.sample_file(step), short.sample_file(step))
        short.note("done")
        size = sum(file.stat().st_size for file in draft.rglob("*"))
        assert size <= BYTES, f"The record of {run.name} would take {size:,} bytes; {BYTES:,} is the most."


def few(history: list[dict[str, object]]) -> list[dict[str, object]]:
    """So many records that a curve looks the same, those with a held-out loss before all."""
    measured = [i for i, line in enumerate(history) if line["held_out"] is not None]
    kept = {*range(0, len(history), max(1, -(-len(history) // RECORDS))), *measured, len(history) - 1}
    return [history[i] for i in sorted(kept)]


def steps_of(drawn: list[int]) -> list[int]:
    """Some of the steps with samples, close together where most happens."""
    ideal = [drawn[-1] ** (i / (GRIDS - 1)) for i in range(GRIDS)]
    return sorted({drawn[0], drawn[-1], *(min(drawn, key=lambda step: abs(step - wish)) for wish in ideal)})


if __name__ == "__main__":
    print(json.dumps({"shipped": sys.argv[2], "from": sys.argv[1]}))
    ship(*sys.argv[1:3])
