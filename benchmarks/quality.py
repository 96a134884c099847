"""How good the shipped MNIST models are: agreement with the class asked for, coverage, variety, reconstruction.

    python -m benchmarks.quality [MODEL …]

The judge is a classifier trained here on MNIST's training part and kept in the cache folder. Coverage is that of
Naeem et al. 2020, eq. 7, with k = 5 over the classifier's features, against 2,000 test images.
"""

import argparse

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.data import Dataset, load, to_model, to_pixels
from genlab.models import LatentModel
from genlab.models.base import blocks_of
from genlab.paths import cache_folder
from genlab.training.checkpoint import Trained, load_model

SAMPLES, K = 2000, 5


class Judge(nn.Module):
    """A small convolutional classifier; its last hidden layer [B, 128] gives the features."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def trained_judge() -> Judge:
    """The judge, trained for five passes the first time."""
    judge, file = Judge(), cache_folder() / "benchmarks" / "mnist-judge.safetensors"
    if file.exists():
        judge.load_state_dict(load_file(file))
        return judge.eval()
    torch.manual_seed(1)
    data, steps = load("mnist").train, 5 * 55_000 // 128
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        batch = data.batch(128, 1, step, "shift")
        optimizer.zero_grad()
        F.cross_entropy(judge(batch.x), batch.label).backward()
        optimizer.step()
        schedule.step()
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(judge.state_dict(), file)
    return judge.eval()


@torch.no_grad()
def judged(judge: Judge, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features [n, 128] and predicted classes [n] of images [n, 1, 28, 28] in [-1, 1]."""
    features = torch.cat([judge.features(x[s]) for s in blocks_of(len(x))])
    return features, judge.head(features).argmax(1)


def coverage(real: Tensor, fake: Tensor) -> float:
    """Share of real points with a generated one within their k-th neighbour's distance (Naeem et al. 2020, eq. 7)."""
    radius = torch.cdist(real, real).kthvalue(K + 1, dim=1).values  # the nearest is the point itself
    return float((torch.cdist(real, fake).min(dim=1).values < radius).float().mean())


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
    features, predicted = judged(judge, fake)
    print(f"{trained.name} (step {trained.step:,}, {settings.model_dump()})")
    if given.classes is not None:
        asked = given.classes.argmax(1)
        ratio = spread(fake, asked) / spread(real, label)
        print(f"  agreement {(predicted == asked).float().mean():.2%}")
        print(f"  standard deviation within classes / that of the data: least {ratio.min():.1%}, mean {ratio.mean():.1%}")
    shares = torch.bincount(predicted, minlength=10) / SAMPLES
    print(f"  coverage {coverage(judged(judge, real)[0], features):.3f}")
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
    judge, test = trained_judge(), load("mnist").test
    _, predicted = judged(judge, to_model(test.read(slice(0, len(test)))))
    print(f"judge: {(predicted == test.label).float().mean():.2%} right on {len(test):,} test images")
    for name in given.models:
        judge_model(load_model(name), judge, test, options)


if __name__ == "__main__":
    main()
