"""Fine-tuning against training from nothing: how many steps each takes to the same held-out loss.

python -m benchmarks.finetune [--model diffusion-mnist] [--dataset digits-28] [--steps 600] [--seeds 1]

Both runs have the model's own settings and seed, a constant learning rate, and the same held-out items and noise. The goals
are what training from nothing reached after a quarter, half and all of its steps, a mean of five held-out losses in a row; a
run has reached one at the first step from which five measurements in a row average to no more.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from genlab.data import load
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.start import create_from
from genlab.training.train import train

WINDOW = 5  # measurements that are averaged

Curve = list[tuple[int, float]]


def curve(run: Run) -> Curve:
    """(step, held-out loss) of a run, trained to its end."""
    points = []
    for progress in tqdm(train(run, load(run.record["dataset"]), "cpu"), total=run.settings.steps, desc=run.name):
        if progress.held_out is not None:
            points.append((progress.step, progress.held_out))
    return points


def smoothed(points: Curve) -> Curve:
    """Each measurement with the four after it averaged."""
    return [(points[i][0], sum(loss for _, loss in points[i : i + WINDOW]) / WINDOW) for i in range(len(points) - WINDOW + 1)]


def reached(points: Curve, goal: float) -> int | None:
    return next((step for step, loss in smoothed(points) if loss <= goal), None)


def compare(model: str, dataset: str, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    trained = load_model(model)
    settings = {"steps": steps, "seed": seed, "decay": "none", "save_every": steps, "batch_size": 64}
    plain = Run.create(trained.family, dataset, {**trained.config["settings"], **settings}, f"nothing-{seed}", folder)
    tuned = create_from(trained.family, model, dataset, settings, f"tuned-{seed}", folder)
    from_nothing, from_model = curve(plain), curve(tuned)
    goals = [smoothed(from_nothing)[int(share * (len(smoothed(from_nothing)) - 1))] for share in (0.25, 0.5, 1)]
    return {
        "seed": seed,
        "goals": [
            {"loss": loss, "steps from nothing": step, "steps from the model": reached(from_model, loss)} for step, loss in goals
        ],
        "held-out loss after one step": {"from nothing": from_nothing[0][1], "from the model": from_model[0][1]},
        "held-out loss at the end": {"from nothing": goals[-1][1], "from the model": smoothed(from_model)[-1][1]},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="diffusion-mnist")
    parser.add_argument("--dataset", default="digits-28")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(asked.seeds):
            print(json.dumps(compare(asked.model, asked.dataset, asked.steps, seed, Path(scratch)), indent=2), flush=True)
