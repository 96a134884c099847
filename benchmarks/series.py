"""Series: what an LSTM foretells of `waves`, one step ahead beside saying that all stays as before, and what its bands hold.

    python -m benchmarks.series [MODEL] [--steps 3000] [--threads 2]

Without a model one is trained with the settings that go with `waves`. All numbers are of the test part.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

from genlab import Run, load, load_model, train
from genlab.data import Batch
from genlab.metrics import crps, within
from genlab.metrics.inside import PATHS
from genlab.models import MODELS
from genlab.models.series import HORIZON, SeriesModel, last, mixture

BLOCK = 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load("waves")
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(given.model).model if given.model else trained(data, given.steps, given.threads, Path(folder))
    assert isinstance(model, SeriesModel)
    foretold, stepwise = [], []
    with torch.no_grad():
        torch.manual_seed(0)
        for start in range(0, len(data.test), BLOCK):
            rows = torch.arange(start, min(start + BLOCK, len(data.test)))
            batch = Batch(data.test.inputs(rows), data.test.label[rows])
            stepwise.append(one_step(model, batch))
            foretold.append(model.forecasts(batch, PATHS).double())
    errors, forecasts, label = torch.cat(stepwise), torch.cat(foretold), data.test.label
    print("| kind | one step, of as before | CRPS of 16, of as before | 50 % band holds | 90 % band holds | the 16th |")
    print("|---|---|---|---|---|---|")
    groups = {"all": torch.ones(len(label), dtype=torch.bool)} | {
        name: label == k for k, name in enumerate(data.test.spec.classes)
    }
    for name, of in groups.items():
        came, before, paths = forecasts[of, :, 0], forecasts[of, :, 1], forecasts[of, :, 2:]
        ratio = (errors[of, :, 0].square().mean() / errors[of, :, 1].square().mean()).sqrt()
        score = crps(paths, came).mean() / (came - before).abs().mean()
        half, most = (within(paths, came, share).mean() for share in (0.5, 0.9))
        end = within(paths, came, 0.9)[:, HORIZON - 1].mean()
        print(f"| {name} | {ratio:.3f} | {score:.3f} | {half:.1%} | {most:.1%} | {end:.1%} |")


def one_step(model: SeriesModel, batch: Batch) -> Tensor:
    """[B, T - 8, 2] errors of the mean foretold one step ahead, and of as before, once eight values are known."""
    x = model.tokens_of(batch.x)
    outputs, _ = model.logits(x[:, :-1], model._shift_of(model._weights(batch.label)))
    weights, means, _ = mixture(outputs, last(x)[:, :-1])
    foretold = (weights.exp()[..., None] * means).sum(2)
    return torch.cat([foretold[:, 8:] - batch.x[:, 8:], batch.x[:, 7:-1] - batch.x[:, 8:]], 2)


def trained(data: object, steps: int, threads: int, folder: Path) -> object:
    wish = {**MODELS.settings_of("rnn").presets["waves"], "steps": steps, "save_every": steps}
    run = Run.create("rnn", data, wish, "waves", folder, threads=threads)
    began = time.monotonic()
    for _ in train(run, data, "cpu"):
        pass
    print(f"{steps:,} steps in {time.monotonic() - began:.0f} s on {threads} threads\n", flush=True)
    return load_model(run.path).model


if __name__ == "__main__":
    main()
