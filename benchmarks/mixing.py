"""A cat becomes a dog: what a separately trained classifier sees along mixes of a cat and a dog, and how good samples are.

    python -m genlab import cifar10-jpg.zip --name catsdogs --folders cat,dog     # CIFAR-10 as JPEG files
    python -m genlab import cifar10-jpg.zip --name animals --folders bird,cat,deer,dog,frog,horse
    python -m benchmarks.mixing [--model diffusion-catsdogs] [--pairs 20] [--samples 1000] [--small] [--out mixes.png]

Two classifiers judge: a ResNet-18 that tells six animals apart, and five small networks together of different seeds. P(cat),
among cat and dog, is the mean over the networks and over an image and its mirror image. Pairs are test images, a cat and a dog
each, in the order of the test part: those that the classifier takes for what they are, and of these, those that it is sure of.
Both are encoded with their classes and mixed on the sphere in 11 steps, the class weights with them. Told are Spearman's
correlation of P(cat) with the dog's share, the mean over the pairs, and the Fréchet distance of samples to the test images over
the features of the first small network (128, its last hidden layer; not those of Inception, so the numbers of papers do not
compare), beside that of validation images, which neither has seen.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from scipy.stats import spearmanr
from torch import Tensor, nn
from torchvision.models import resnet18

from genlab import latent
from genlab.data import Dataset, DataSpec, even_rows, load, to_model, to_pixels
from genlab.images import png, wall
from genlab.metrics import Judge, Way, frechet, learnt
from genlab.metrics.judge import convolutions
from genlab.models import Encoding, Given, LatentModel
from genlab.paths import cache_folder
from genlab.training.checkpoint import load_model

STEPS = 11
CAT = 0
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
JUDGES = 5
LEVELS = {"takes for what they are": 0.5, "is sure of, P ≥ 0.9": 0.9}  # of the pairs


def resnet(spec: DataSpec) -> nn.Module:
    """ResNet-18 (He et al. 2016), its first convolution made for 32×32 pixels; 512 features."""
    net = resnet18()
    net.conv1 = nn.Conv2d(spec.shape[0], 64, 3, padding=1, bias=False)
    net.fc = nn.Identity()
    return net.to(memory_format=torch.channels_last)


WAYS = {
    "catsdogs": Way(partial(convolutions, channels=(32, 64, 128)), passes=12, augment="crop"),
    "animals": Way(resnet, 512, 16, "crop", torch.bfloat16),
}


def trained_judge(name: str, seed: int = 1) -> Judge:
    """The judge of a dataset, from its training part."""
    data, file = load(name).train, cache_folder() / "benchmarks" / f"{name}-judge-{seed}.safetensors"
    if file.exists():
        judge = Judge(data.spec, WAYS[name])
        judge.load_state_dict(load_file(file))
        return judge.eval().to(DEVICE)
    judge = learnt(data, seed, WAYS[name], DEVICE)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous() for name, weight in judge.state_dict().items()}, file)
    return judge


def seen(judges: list[Judge], rows: list[int], x: Tensor) -> Tensor:
    """[n, 2] probabilities of images among two classes of the judges, the mean over these and over each image and its mirror."""
    views = torch.stack([judge.look(view)[1][:, rows] for judge in judges for view in (x, x.flip(3))])
    return (views / views.sum(2, keepdim=True)).mean(0)


def pairs_of(probabilities: Tensor, label: Tensor, level: float, pairs: int) -> Tensor:
    """[2, pairs] rows of the first cats and dogs that are seen as such with this probability."""
    known = probabilities[torch.arange(len(label)), label] >= level
    return torch.stack([((label == k) & known).nonzero().flatten()[:pairs] for k in (CAT, 1 - CAT)])


def encoded(model: LatentModel, test: Dataset, rows: Tensor) -> Encoding:
    known = model.given_labels(test.label[rows], len(rows)) if model.classes else None
    *_, encoding = model.encode(to_model(test.read(rows)), known)
    return encoding


@torch.no_grad()
def mixes(model: LatentModel, cats: Encoding, dogs: Encoding) -> Tensor:
    """[pairs, STEPS, C, H, W] from each cat to its dog."""
    shares = torch.linspace(0, 1, STEPS).tolist()
    rows = []
    for i, pair in enumerate(zip(cats.z, dogs.z, strict=True)):
        z = torch.stack([latent.mix(torch.stack(pair), [1 - share, share]) for share in shares])
        ends = [found.given.classes[i] for found in (cats, dogs) if found.given.classes is not None]
        rows.append(model.decode(z, Given(latent.walk(*ends, STEPS, "linear") if ends else None)))
    return torch.stack(rows)


def classifiers(classes: Sequence[str], small: bool) -> dict[str, tuple[list[Judge], list[int]]]:
    """By name, the networks of a classifier and the rows of these classes among theirs; the small ones alone, where wanted."""
    few = [trained_judge("catsdogs", seed) for seed in range(1, JUDGES + 1)]
    found = {"five small networks": (few, list(range(len(classes))))}
    if not small:
        animals = load("animals").train.spec.classes
        found["a ResNet-18"] = [trained_judge("animals")], [animals.index(name) for name in classes]
    return found


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="diffusion-catsdogs")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--small", action="store_true", help="without the ResNet-18, which takes hours to train on a CPU")
    parser.add_argument("--out", type=Path, help="a picture of the last mixes, a row a pair")
    given = parser.parse_args()
    trained, data = load_model(given.model), load("catsdogs")
    model, test = trained.model, data.test
    everything = to_model(test.read(slice(0, len(test))))
    print(f"{trained.name}, step {trained.step:,}")
    judges_of = classifiers(test.spec.classes, given.small)
    for name, (judges, rows) in judges_of.items():
        probabilities = seen(judges, rows, everything)
        print(f"{name}, {(probabilities.argmax(1) == test.label).float().mean():.1%} right on {len(test):,} test images")
        for what, level in LEVELS.items():
            cats, dogs = (encoded(model, test, chosen) for chosen in pairs_of(probabilities, test.label, level, given.pairs))
            found = mixes(model, cats, dogs)
            cat = seen(judges, rows, to_model(to_pixels(found.flatten(0, 1))))[:, CAT].reshape(-1, STEPS)
            falls = torch.tensor([spearmanr(range(STEPS), row).statistic for row in cat])
            print(f"  {len(cat)} pairs that it {what}: Spearman: mean {falls.mean():.3f}, worst {falls.max():.3f}")
            print(f"    P(cat) along the mix, mean: {' '.join(f'{p:.2f}' for p in cat.mean(0))}")
            print(f"    encoded and decoded again: mean absolute error {torch.cat([cats.error, dogs.error]).mean():.4f}")
    if given.out:
        given.out.write_bytes(png(wall(to_pixels(found.flatten(0, 1)), STEPS)))
    *_, draft = model.sample(given.samples, model.SamplingSettings(), 0, model.given_labels(None, given.samples))
    judge = trained_judge("catsdogs")
    features, drawn = (judge.look(x)[0] for x in (everything, to_model(to_pixels(draft.items))))
    others = data.validation.read(even_rows(len(data.validation), given.samples))
    real, _ = judge.look(to_model(others))
    print(f"Fréchet distance to the test images: {frechet(features, drawn):.2f} of {given.samples:,} samples, "
          f"{frechet(features, real):.2f} of {len(others):,} validation images")  # fmt: skip


if __name__ == "__main__":
    main()
