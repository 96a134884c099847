"""How good the shipped MNIST models are: agreement with the class asked for, coverage, variety, reconstruction.

    python -m benchmarks.quality [MODEL …]

The judge is a classifier trained here on MNIST's training part and kept in the cache folder. Coverage is that of
Naeem et al. 2020, eq. 7, with k = 5 over the classifier's features, against 2,000 test images.
"""

import argparse

import torch
from torch import Tensor

from benchmarks.judge import trained_judge
from genlab.data import Dataset, load, to_model, to_pixels
from genlab.metrics import Judge, coverage
from genlab.models import LatentModel
from genlab.models.base import blocks_of
from genlab.training.checkpoint import Trained, load_model

SAMPLES = 2000


def spread(x: Tensor, label: Tensor) -> Tensor:
    """[10] standard deviation of pixels within each class: root of the mean variance over pixels, in [0, 1] units."""
    return torch.stack([(x[label == k] / 2).var(dim=0).mean().sqrt() for k in range(10)])


def judge_model(trained: Trained, judge: Judge, test: Dataset, options: dict) -> None:
    model = trained.model
    settings = model.SamplingSettings.parse(options)
    given = model.given_labels(None, SAMPLES)
    *_, draft = model.sample(SAMPLES, settings, 0, given)
    fake = to_model(to_pixels(draft.items))
    real, label = to_model(test.read(slice(0, SAMPLES))), test.label[:SAMPLES]
    features, probabilities = judge.look(fake)
    predicted = probabilities.argmax(1)
    print(f"{trained.name} (step {trained.step:,}, {settings.model_dump()})")
    if given.classes is not None:
        asked = given.classes.argmax(1)
        ratio = spread(fake, asked) / spread(real, label)
        print(f"  agreement {(predicted == asked).float().mean():.2%}")
        print(f"  standard deviation within classes / that of the data: least {ratio.min():.1%}, mean {ratio.mean():.1%}")
    shares = torch.bincount(predicted, minlength=10) / SAMPLES
    print(f"  coverage {coverage(judge.look(real)[0], features):.3f}")
    print(f"  rarest digit {int(shares.argmin())}: {shares.min():.1%} of samples")
    if trained.family == "vae":
        print(f"  reconstruction: mean absolute error {reconstruction_error(model, test):.4f} over {len(test):,} test images")


@torch.no_grad()
def reconstruction_error(model: LatentModel, test: Dataset) -> float:
    """Mean |pixel difference| of images and their reconstruction, pixels in [0, 1]."""
    errors = []
    for part in blocks_of(len(test)):
        x = to_model(test.read(part))
        given = model.given_labels(test.label[part], len(x)) if model.classes else None
        *_, encoding = model.encode(x, given)
        errors.append(encoding.error)
    return float(torch.cat(errors).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["vae-mnist-2d", "vae-mnist", "dcgan-mnist", "diffusion-mnist"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a sampling setting")
    given = parser.parse_args()
    options = {}
    for word in given.set:
        name, value = word.split("=", 1)
        options[name] = float(value) if "." in value else int(value) if value.isdigit() else value
    judge, test = trained_judge("mnist"), load("mnist").test
    _, probabilities = judge.look(to_model(test.read(slice(0, len(test)))))
    print(f"judge: {(probabilities.argmax(1) == test.label).float().mean():.2%} right on {len(test):,} test images")
    for name in given.models:
        judge_model(load_model(name), judge, test, options)


if __name__ == "__main__":
    main()
