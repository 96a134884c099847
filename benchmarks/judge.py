"""Judges: small classifiers trained here, by which generated images are told apart; what their features say of samples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18

from genlab.algebra import eigen, eigenvalues
from genlab.data import DataSpec, load
from genlab.models.base import blocks_of
from genlab.paths import cache_folder

K = 5
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def small_net(spec: DataSpec, channels: tuple[int, ...]) -> nn.Module:
    """A convolution for each size of the picture; 128 features."""
    layers: list[nn.Module] = []
    for before, after in zip([spec.shape[0], *channels], channels, strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    area = (spec.shape[1] >> len(channels)) * (spec.shape[2] >> len(channels))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * area, 128), nn.ReLU())


def resnet(spec: DataSpec) -> nn.Module:
    """ResNet-18 (He et al. 2016), its first convolution made for 32×32 pixels; 512 features."""
    net = resnet18()
    net.conv1 = nn.Conv2d(spec.shape[0], 64, 3, padding=1, bias=False)
    net.fc = nn.Identity()
    return net.to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Way:
    """How the judge of a dataset is made."""

    net: Callable[[DataSpec], nn.Module]
    features: int
    passes: int
    augment: str
    dtype: torch.dtype = torch.float32


WAYS = {
    "mnist": Way(partial(small_net, channels=(32, 64)), 128, 5, "shift"),
    "catsdogs": Way(partial(small_net, channels=(32, 64, 128)), 128, 12, "crop"),
    "animals": Way(resnet, 512, 16, "crop", torch.bfloat16),
}


class Judge(nn.Module):
    """A classifier; its last hidden layer [B, features] gives the features."""

    def __init__(self, spec: DataSpec, way: Way) -> None:
        super().__init__()
        self.features = way.net(spec)
        self.head = nn.Linear(way.features, len(spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@torch.enable_grad()
def trained_judge(name: str, seed: int = 1) -> Judge:
    """A judge of a dataset, trained on its training part the first time and kept in the cache folder."""
    data, way = load(name).train, WAYS[name]
    torch.manual_seed(seed)
    judge, file = Judge(data.spec, way), cache_folder() / "benchmarks" / f"{name}-judge-{seed}.safetensors"
    if file.exists():
        judge.load_state_dict(load_file(file))
        return judge.eval().to(DEVICE)
    steps = way.passes * len(data) // 128
    optimizer = torch.optim.AdamW(judge.to(DEVICE).parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        batch = data.batch(128, seed, step, way.augment)
        optimizer.zero_grad()
        with torch.autocast(DEVICE.type, way.dtype, enabled=way.dtype != torch.float32):
            loss = F.cross_entropy(judge(batch.x.to(DEVICE)), batch.label.to(DEVICE))
        loss.backward()
        optimizer.step()
        schedule.step()
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous() for name, weight in judge.state_dict().items()}, file)
    return judge.eval()


@torch.no_grad()
def judged(judge: Judge, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features [n, F] and probabilities of the classes [n, K] of images [n, C, H, W] in [-1, 1]."""
    features = torch.cat([judge.features(x[s].to(DEVICE)) for s in blocks_of(len(x))])
    return features.cpu(), judge.head(features).softmax(1).cpu()


def coverage(real: Tensor, fake: Tensor) -> float:
    """Share of real points with a generated one within their k-th neighbour's distance (Naeem et al. 2020, eq. 7)."""
    radius = torch.cdist(real, real).kthvalue(K + 1, dim=1).values  # the nearest is the point itself
    return float((torch.cdist(real, fake).min(dim=1).values < radius).float().mean())


def frechet(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of two sets of features [n, D], each taken as normal (Heusel et al. 2017, eq. 6)."""
    real, fake = real.double(), fake.double()
    a, b = real.T.cov(), fake.T.cov()
    values, vectors = eigen(a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = eigenvalues(root @ b @ root).clamp(min=0).sqrt().sum()  # the trace of the root of a·b
    return float((real.mean(0) - fake.mean(0)).square().sum() + a.trace() + b.trace() - 2 * cross)
