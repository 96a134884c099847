"""Judge: a small classifier that has seen clean data alone, by which what a model draws is told apart."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.data import Dataset, DataSpec, to_model
from genlab.models.base import blocks_of

BATCH = 128
FEWEST = 400  # steps of training


def convolutions(spec: DataSpec, channels: tuple[int, ...] = (32, 64), features: int = 128) -> nn.Module:
    """A convolution for each halving of the picture, then one hidden layer."""
    layers: list[nn.Module] = []
    for before, after in zip([spec.shape[0], *channels], channels, strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    area = (spec.shape[1] >> len(channels)) * (spec.shape[2] >> len(channels))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * area, features), nn.ReLU())


@dataclass(frozen=True)
class Way:
    """How a judge is made and learns."""

    net: Callable[[DataSpec], nn.Module] = convolutions
    features: int = 128
    passes: int = 5  # over the data; more where these are few
    augment: str = "shift"
    dtype: torch.dtype = torch.float32


class Judge(nn.Module):
    """A classifier; its last hidden layer [B, features] gives the features."""

    def __init__(self, spec: DataSpec, way: Way) -> None:
        super().__init__()
        self.features = way.net(spec)
        self.head = nn.Linear(way.features, len(spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K] of images [B, C, H, W] in model space."""
        return self.head(self.features(x))

    @torch.no_grad()
    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, F] and probabilities of the classes [n, K] of images [n, C, H, W] in model space, on the CPU."""
        device = self.head.weight.device
        features = torch.cat([self.features(x[block].to(device)) for block in blocks_of(len(x))])
        return features.cpu(), self.head(features).softmax(1).cpu()

    def agreement(self, x: Tensor, label: Tensor) -> float:
        """Share of the images in which it sees the class [n] that is told."""
        return float((self.look(x)[1].argmax(1) == label.cpu()).float().mean())

    def accuracy(self, test: Dataset) -> float:
        """Share of a test part that it sees rightly."""
        return self.agreement(to_model(test.read(slice(None))), test.label)


def learnt(data: Dataset, seed: int = 1, way: Way = Way(), device: str | torch.device = "cpu") -> Judge:
    """A judge that has learnt a training part with all its labels; the same seed gives the same one."""
    *_, (_, judge) = learning(data, seed, way, device)
    return judge


@torch.enable_grad()
def learning(
    data: Dataset, seed: int = 1, way: Way = Way(), device: str | torch.device = "cpu"
) -> Generator[tuple[float, Judge]]:
    """The same, step by step: which share of them is done, and the judge as it is by then."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        judge = Judge(data.spec, way).to(device).train()
    where, steps = torch.device(device), max(FEWEST, way.passes * len(data) // BATCH)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        batch = data.batch(BATCH, seed, step, way.augment)
        optimizer.zero_grad()
        with torch.autocast(where.type, way.dtype, enabled=way.dtype != torch.float32):
            loss = F.cross_entropy(judge(batch.x.to(where)), batch.label.to(where))
        loss.backward()
        optimizer.step()
        schedule.step()
        if step + 1 == steps:
            judge.eval()
        yield (step + 1) / steps, judge
