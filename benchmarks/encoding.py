"""How close images come back: MNIST test images encoded and decoded again by each family.

    python -m benchmarks.encoding [--images 100] [MODEL …]

Told are the mean absolute error of pixels in [0, 1] over the images and the worst of them, how much like the prior their latents
are, and the time for an image of its own on one thread. Diffusion runs back as many steps as it decodes with; its error is that
of the default decoder, which a page shows.
"""

import argparse
import time

import torch

from genlab.data import Dataset, load, to_model
from genlab.models.base import Encoding
from genlab.training.checkpoint import Trained, load_model


def encoded(trained: Trained, test: Dataset, row: int, known: bool) -> tuple[Encoding, float]:
    """One test image's encoding, its class being known or not, and the seconds that it took."""
    model, begun = trained.model, time.perf_counter()
    given = model.given_labels(test.label[[row]], 1) if known else None
    *_, encoding = model.encode(to_model(test.read([row])), given)
    return encoding, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["vae-mnist", "dcgan-mnist", "diffusion-mnist"])
    parser.add_argument("--images", type=int, default=100)
    given = parser.parse_args()
    torch.set_num_threads(1)
    test = load("mnist").test
    print(f"{given.images} test images           error   worst   deviation of the latents   seconds an image (most)")
    for name in given.models:
        trained = load_model(name)
        for known in (True, False) if trained.model.classes else (False,):
            found = [encoded(trained, test, row, known) for row in range(given.images)]
            errors = torch.cat([encoding.error for encoding, _ in found])
            deviation = torch.cat([encoding.z for encoding, _ in found]).std()
            seconds = [taken for _, taken in found]
            what = f"{name}{', class known' if known else ''}"
            mean = sum(seconds) / len(seconds)
            print(f"{what:<30} {errors.mean():.4f}  {errors.max():.4f}  {deviation:>8.3f} {mean:>30.2f} ({max(seconds):.2f})")


if __name__ == "__main__":
    main()
