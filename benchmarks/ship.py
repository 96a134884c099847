"""Ship: a finished run becomes a model that ships, with a record of how it learnt that the Train tab shows.

python -m benchmarks.ship RUN NAME
python -m benchmarks.ship --complete NAME …  # fit anew what a family fits after its last step, other weights as they are
"""

import io
import json
import shutil
import sys
from time import perf_counter

from PIL import Image

from genlab.data import load
from genlab.files import read_json, sha256, whole_folder, write_json
from genlab.latent.directions import FOLDER
from genlab.paths import CHECKPOINTS, EXAMPLES
from genlab.training.checkpoint import STATE, load_model
from genlab.training.run import Run

RECORDS = 300  # of a history, evenly chosen
GRIDS = 7  # sample grids at most: the first, the last, and between them each about as many times the one before
COLOURS = 256  # of a grid in colour
BYTES = 300_000  # of the record in all
DRAWN, COLUMNS = 64, 16  # samples of a preview, and those in a row


def ship(name: str, shipped: str) -> None:
    """Put the last checkpoint of a run and a short record of it where what ships lies."""
    run = Run.open(name)
    with whole_folder(CHECKPOINTS / shipped) as draft:
        shutil.copytree(run.checkpoints()[-1], draft, ignore=shutil.ignore_patterns(STATE), dirs_exist_ok=True)
        card = draft / "card.md"
        card.write_text(card.read_text().replace(f"# {run.name}\n", f"# {shipped}\n", 1))
    record(run, shipped)


def complete(shipped: str) -> None:
    """Complete a model that ships as training would have, and bring up to date what goes by its weights."""
    trained = load_model(shipped)
    model, data, config = trained.model, load(trained.dataset).train, dict(trained.config)
    if data.fingerprint != config["fingerprint"]:  # of which an import of another day may be the cause
        print(f"{shipped} learnt other items than those that are called {trained.dataset} here; these are taken.")
    began, seed = perf_counter(), config["settings"]["seed"]
    model.complete(data, seed)
    print(f"{shipped}: {perf_counter() - began:.1f} s")
    *_, drawn = model.sample(DRAWN, model.SamplingSettings(), seed)
    picture = model.spec.kind.kept(drawn.items, COLUMNS, None)
    with whole_folder(CHECKPOINTS / shipped) as draft:
        shutil.copytree(trained.folder, draft, dirs_exist_ok=True)
        model.save(draft)
        write_json(draft / "config.json", config | {"sha256": {name: sha256(draft / name) for name in config["sha256"]}})
        (draft / "preview.png").write_bytes(picture)
    for file in (CHECKPOINTS / shipped / FOLDER).glob("*.json"):
        write_json(file, read_json(file.read_text()) | {"weights": load_model(shipped).weights})
    for file in sorted((EXAMPLES / shipped / "samples").glob("*.png"))[-1:]:
        file.write_bytes(light(picture))


def record(run: Run, shipped: str) -> None:
    """How a run went, in little: what was asked, some of its history, some of its samples."""
    with whole_folder(EXAMPLES / shipped) as draft:
        (draft / "samples").mkdir(exist_ok=True)
        short = Run(draft)
        write_json(draft / "run.json", run.record)
        shutil.copy(run.path / "hardware.txt", draft)
        for line in few(run.history()):
            short.remember(line)
        status = run.status()
        short.note("done" if status.state == "done" else "stopped", status.message)
        for step, picture in grids(run, BYTES - sum(file.stat().st_size for file in draft.rglob("*"))).items():
            short.sample_file(step).write_bytes(picture)


def grids(run: Run, room: int) -> dict[int, bytes]:
    """By step, as many sample grids as there is room for in bytes."""
    for count in range(GRIDS, 0, -1):
        found = {step: light(run.sample_file(step).read_bytes()) for step in steps_of(run.samples(), count)}
        if sum(map(len, found.values())) <= room:
            return found
    raise SystemExit(f"Not even one sample grid of {run.name} fits into {room:,} bytes.")


def light(content: bytes) -> bytes:
    """A PNG file, with fewer colours where it has all of them; texts stay as they are."""
    if not content.startswith(b"\x89PNG"):
        return content
    picture, buffer = Image.open(io.BytesIO(content)), io.BytesIO()
    if picture.mode != "RGB":
        return content
    picture.quantize(COLOURS).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def few(history: list[dict[str, object]]) -> list[dict[str, object]]:
    """So many records that a curve looks the same, those with a held-out loss before all."""
    measured = [i for i, line in enumerate(history) if line["held_out"] is not None]
    kept = {*range(0, len(history), max(1, -(-len(history) // RECORDS))), *measured, len(history) - 1}
    return [history[i] for i in sorted(kept)]


def steps_of(drawn: list[int], count: int = GRIDS) -> list[int]:
    """Some of the steps with samples, close together where most happens."""
    if count == 1:
        return drawn[-1:]
    ideal = [drawn[-1] ** (i / (count - 1)) for i in range(count)]
    return sorted({drawn[0], drawn[-1], *(min(drawn, key=lambda step: abs(step - wish)) for wish in ideal)})


if __name__ == "__main__":
    if sys.argv[1] == "--complete":
        for shipped in sys.argv[2:]:
            complete(shipped)
    else:
        print(json.dumps({"shipped": sys.argv[2], "from": sys.argv[1]}))
        ship(*sys.argv[1:3])
