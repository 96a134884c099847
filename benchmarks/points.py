"""Points: how much of the ring of eight Gaussians each family finds, in how long, over several seeds.

python -m benchmarks.points [--seeds 5] [--threads 1] [--only gan]
"""

import argparse
import os
import tempfile
import time

from genlab import MODELS, Run, load, load_model, train
from genlab.data.points import DEVIATION, gaussian_centres
from genlab.plane import Coverage, coverage

TRIALS = [("gan", "points"), ("gan", "points, hinge"), ("gan", "points, wgan-gp"), ("diffusion", "points"), ("vae", "points")]
SAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=list(MODELS))
    given = parser.parse_args()
    print("| family | preset | seed | seconds | modes found of 8 | within 3 standard deviations |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENLAB_RUNS"] = folder
        for family, preset in TRIALS:
            for seed in range(given.seeds) if given.only in (None, family) else ():
                seconds, found = learn(family, preset, seed, given.threads)
                print(f"| {family} | {preset} | {seed} | {seconds:.0f} | {found.found} | {found.near:.1%} |", flush=True)


def learn(family: str, preset: str, seed: int, threads: int) -> tuple[float, Coverage]:
    """Train with a preset; seconds it took, everything counted, and what the samples have of the ring."""
    run = Run.create(family, "gaussians", {**MODELS[family].presets[preset], "seed": seed}, threads=threads)
    began = time.monotonic()
    for _ in train(run, load("gaussians"), "cpu"):
        pass
    seconds = time.monotonic() - began
    model = load_model(run.name).model
    *_, draft = model.sample(SAMPLES, model.SamplingSettings(), seed=10_000)
    return seconds, coverage(draft.items, gaussian_centres(), DEVIATION)


if __name__ == "__main__":
    main()
