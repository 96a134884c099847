"""Judges: small classifiers trained here, by which generated images are told apart; what their features say of samples."""

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.data import DataSpec, load
from genlab.models.base import blocks_of
from genlab.paths import cache_folder

K = 5
TRAINED = {"mnist": ((32, 64), 5, "shift"), "catsdogs": ((32, 64, 128), 12, "crop")}  # channels, passes, how images are varied


class Judge(nn.Module):
    """A small convolutional classifier; its last hidden layer [B, 128] gives the features."""

    def __init__(self, spec: DataSpec, channels: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip([spec.shape[0], *channels], channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        area = (spec.shape[1] >> len(channels)) * (spec.shape[2] >> len(channels))
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * area, 128), nn.ReLU())
        self.head = nn.Linear(128, len(spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@torch.enable_grad()
def trained_judge(name: str, seed: int = 1) -> Judge:
    """A judge of a dataset, trained on its training part the first time and kept in the cache folder."""
    data, (channels, passes, augment) = load(name).train, TRAINED[name]
    judge, file = Judge(data.spec, channels), cache_folder() / "benchmarks" / f"{name}-judge-{seed}.safetensors"
    if file.exists():
        judge.load_state_dict(load_file(file))
        return judge.eval()
    torch.manual_seed(seed)
    steps = passes * len(data) // 128
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        batch = data.batch(128, seed, step, augment)
        optimizer.zero_grad()
        F.cross_entropy(judge(batch.x), batch.label).backward()
        optimizer.step()
        schedule.step()
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(judge.state_dict(), file)
    return judge.eval()


@torch.no_grad()
def judged(judge: Judge, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features [n, 128] and probabilities of the classes [n, K] of images [n, C, H, W] in [-1, 1]."""
    features = torch.cat([judge.features(x[s]) for s in blocks_of(len(x))])
    return features, judge.head(features).softmax(1)


def coverage(real: Tensor, fake: Tensor) -> float:
    """Share of real points with a generated one within their k-th neighbour's distance (Naeem et al. 2020, eq. 7)."""
    radius = torch.cdist(real, real).kthvalue(K + 1, dim=1).values  # the nearest is the point itself
    return float((torch.cdist(real, fake).min(dim=1).values < radius).float().mean())


def frechet(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of two sets of features [n, D], each taken as normal (Heusel et al. 2017, eq. 6)."""
    real, fake = real.double(), fake.double()
    a, b = real.T.cov(), fake.T.cov()
    root = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()  # the trace of the root of a·b
    return float((real.mean(0) - fake.mean(0)).square().sum() + a.trace() + b.trace() - 2 * root)
