"""Likelihood: a VAE of the literature on stochastically binarised MNIST, what a test image costs it, and what weighing is worth.

    python -m benchmarks.likelihood [--minutes 40] [--importance 1 5] [--network mlp] [--width 200] [--latent 50]

The network is 784-200-200-50 as in Table 1 of Burda et al. 2016, where one stochastic layer reaches 86.76 nats with k = 1 and
85.54 with the importance-weighted bound of k = 5, by 5,000 latents a test image. How many steps fit in the time is found by
taking some; then all are taken, of each bound in turn, with the learning rate falling to 0.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from genlab import Run, load, load_model, train
from genlab.data import Splits
from genlab.metrics.evidence import Evidence, Real, there
from genlab.metrics.inside import inside
from genlab.models import GenerativeModel

WARM, PROBE = 100, 500  # steps by which the speed is found, from the first of these to almost the second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--importance", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--network", default="mlp")
    parser.add_argument("--width", type=int, default=200)
    parser.add_argument("--latent", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--k", type=int, default=5000, help="latents a test image")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load("mnist")
    wish = {
        "network": given.network, "width": given.width, "latent": given.latent, "batch_size": given.batch_size,
        "likelihood": "bernoulli", "decay": "cosine", "learning_rate": 2e-3,
    }  # fmt: skip
    print(
        f"{wish}\n\n| importance | steps | epochs | minutes | nats a test image | the bound |\n|---|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for importance in given.importance:
            asked = {**wish, "importance": importance}
            each = learn(data, {**asked, "steps": PROBE}, Path(folder) / f"probe-{importance}")[1]
            steps = int(60 * given.minutes / each)
            seconds, _ = learn(data, {**asked, "steps": steps}, Path(folder) / str(importance))
            model = load_model(Path(folder) / str(importance)).model
            told, bound = (nats(model, data, k) for k in (given.k, importance))
            epochs = steps * given.batch_size / len(data.train)
            print(f"| {importance} | {steps:,} | {epochs:.0f} | {seconds / 60:.1f} | {told:.2f} | {bound:.2f} |", flush=True)


def learn(data: Splits, settings: dict[str, object], folder: Path) -> tuple[float, float]:
    """Train; the seconds that it took, everything counted, and those of a step once it is warm.

    The last step is left out of the latter: what completes a model, the fitted density of a VAE, comes with it.
    """
    run = Run.create("vae", data, settings, folder.name, folder.parent, threads=torch.get_num_threads())
    began = time.monotonic()
    at = [time.monotonic() for _ in train(run, data, "cpu")]
    return time.monotonic() - began, (at[-2] - at[WARM]) / (len(at) - 2 - WARM)


def nats(model: GenerativeModel, data: Splits, k: int) -> float:
    """What all test images cost on average, each on pixels that are drawn once, by k latents each."""
    x = data.test.inputs(slice(None))
    test = Evidence(x.flatten(1), x, data.test.label)
    total = 0.0
    for first in range(0, len(test), 2500):
        *_, told = inside(model, Real(test[first : first + 2500], test), {"nats"}, 2500, first, k)
        assert told
        total += float(there(told.test.nats).double().sum())
    return total / len(test)


if __name__ == "__main__":
    main()
