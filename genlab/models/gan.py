"""GAN: a generator that learns to fool a discriminator (Goodfellow et al. 2014; DCGAN of Radford et al. 2016)."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genlab.config import Config, Field
from genlab.data import Batch, DataSpec
from genlab.models import base
from genlab.models.base import Given, LatentModel, Loss, Player, Truncation, one_hot
from genlab.models.layers import Up, join, mlp, sizes_of

LeakyReLU = partial(nn.LeakyReLU, 0.2)


class GAN(LatentModel):
    """Two players, one who draws and one who judges; sharp pictures, and a balance to keep."""

    class Settings(base.CommonSettings):
        network: Literal["mlp", "dcgan"] = Field("dcgan", description="mlp is the classic pair of 2014; dcgan is convolutional")
        latent: int = Field(100, ge=2, le=512, description="numbers that a picture is drawn from")
        width: int = Field(32, ge=8, le=512, description="channels of the finest layer of a dcgan")
        learning_rate: float = Field(2e-4, ge=1e-7, le=1, description="size of a step of the generator")
        discriminator_learning_rate: float = Field(2e-4, ge=1e-7, le=1, description="size of a step of the discriminator")
        spectral_norm: bool = Field(True, description="bound the discriminator's slope, which steadies the game")
        batch_size: int = Field(64, ge=2, le=8192, description="images a step; batch norm needs at least 2")
        clip: float = Field(0.0, ge=0, le=1000, description="longest gradient that is let through; 0 lets all through",
                            json_schema_extra={"advanced": True})  # fmt: skip

    SamplingSettings = Truncation
    presets = {
        "small": {"network": "mlp", "steps": 4000},
        "mnist": {"conditional": True, "steps": 8000, "discriminator_learning_rate": 4e-4},
    }

    def __init__(self, spec: DataSpec, settings: Settings) -> None:
        super().__init__(spec, settings)
        self.latent_shape = (settings.latent,)
        self.generator, self.discriminator = NETWORKS[settings.network](spec.shape, settings, self.classes)

    @classmethod
    def loss_unit(cls, settings: Settings) -> str:
        return "nats: binary cross-entropy of the discriminator, 1.39 when it can only guess, 0 when it always wins"

    def players(self) -> dict[str, Player]:
        rates = {"discriminator": self.settings.discriminator_learning_rate, "generator": self.settings.learning_rate}
        return {n: Player(list(getattr(self, n).parameters()), rate, betas=(0.5, 0.999)) for n, rate in rates.items()}

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        weights = one_hot(batch.label, self.classes) if self.classes else None
        fake = self.generator(join(batch.randn(*self.latent_shape), weights))
        real_logits = self.discriminator(batch.x, weights).float()
        fake_logits = self.discriminator(fake.detach(), weights).float()
        right = 0.5 * ((real_logits > 0).float().mean() + (fake_logits < 0).float().mean())
        value = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        yield Loss("discriminator", value, {"told apart": right})
        self.discriminator.requires_grad_(False)
        try:
            logits = self.discriminator(fake, weights).float()  # judged by the discriminator just improved
            yield Loss("generator", F.softplus(-logits).mean())  # non-saturating, Goodfellow et al. 2014, section 3
        finally:
            self.discriminator.requires_grad_(True)

    def decode(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Tensor:
        return self.generator(join(z, self.class_weights(given, len(z)))).float()

    @torch.no_grad()
    def settle(self, seed: int) -> None:
        """Batch-norm statistics of the averaged weights, measured over 1,024 samples."""
        norms = [module for module in self.generator.modules() if isinstance(module, nn.BatchNorm2d)]
        if not norms:
            return
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average
        training = self.training
        self.train()
        n = 1024
        z, given = self.prior(n, seed), self.given_labels(None, n)
        for part in base.blocks_of(n):
            self.decode(z[part], given.rows(part))
        self.train(training)
        for norm in norms:
            norm.momentum = 0.1


class MLPDiscriminator(nn.Module):
    """784 → 512 → 256 → 1 for a 28×28 image; class weights are appended to the pixels."""

    def __init__(self, shape: tuple[int, ...], norm: bool, classes: int) -> None:
        super().__init__()
        self.layers = _normed(mlp([math.prod(shape) + classes, 512, 256, 1], LeakyReLU), norm)

    def forward(self, x: Tensor, weights: Tensor | None) -> Tensor:
        return self.layers(join(x.flatten(1), weights)).squeeze(1)


class ConvDiscriminator(nn.Module):
    """Strided convolutions; class weights enter by projection (Miyato & Koyama 2018, eq. 3)."""

    def __init__(self, shape: tuple[int, ...], width: int, norm: bool, classes: int) -> None:
        super().__init__()
        sizes = sizes_of(shape)
        channels = [width * 2**level for level in range(len(sizes))]
        layers: list[nn.Module] = [nn.Conv2d(shape[0], channels[0], 3, padding=1), LeakyReLU()]
        for wide, next_wide in pairwise(channels):
            layers += [nn.Conv2d(wide, next_wide, 4, stride=2, padding=1), LeakyReLU()]
        features = channels[-1] * _conv_area(sizes[0], len(sizes) - 1)
        self.layers = _normed(nn.Sequential(*layers, nn.Flatten()), norm)
        self.head = _normed(nn.Linear(features, 1), norm)
        self.classes = _normed(nn.Linear(classes, features, bias=False), norm) if classes else None

    def forward(self, x: Tensor, weights: Tensor | None) -> Tensor:
        features = self.layers(x)  # [B, D]
        logits = self.head(features).squeeze(1)
        return logits if weights is None or self.classes is None else logits + (self.classes(weights) * features).sum(1)


def _mlp_networks(shape: tuple[int, ...], settings: GAN.Settings, classes: int) -> tuple[nn.Module, nn.Module]:
    layers = mlp([settings.latent + classes, 256, 512, 1024, math.prod(shape)], LeakyReLU)
    generator = nn.Sequential(*layers, nn.Tanh(), nn.Unflatten(1, shape))
    return generator, MLPDiscriminator(shape, settings.spectral_norm, classes)


def _dcgan_networks(shape: tuple[int, ...], settings: GAN.Settings, classes: int) -> tuple[nn.Module, nn.Module]:
    sizes = sizes_of(shape)
    channels = [settings.width * 2**level for level in range(len(sizes))]
    layers: list[nn.Module] = [
        nn.Linear(settings.latent + classes, channels[-1] * math.prod(sizes[-1]), bias=False),
        nn.Unflatten(1, (channels[-1], *sizes[-1])),
        nn.BatchNorm2d(channels[-1]),
        nn.ReLU(),
    ]
    for level in reversed(range(len(sizes) - 1)):
        layers += [Up(channels[level + 1], channels[level], sizes[level], bias=False), nn.BatchNorm2d(channels[level]), nn.ReLU()]
    generator = nn.Sequential(*layers, nn.Conv2d(channels[0], shape[0], 3, padding=1), nn.Tanh())
    return generator, ConvDiscriminator(shape, settings.width, settings.spectral_norm, classes)


def _conv_area(size: tuple[int, int], halvings: int) -> int:
    for _ in range(halvings):
        size = (size[0] // 2, size[1] // 2)
    return size[0] * size[1]


def _normed(network: nn.Module, norm: bool) -> nn.Module:
    """Spectral norm on every weight (Miyato et al. 2018), where wanted."""
    for module in network.modules() if norm else ():
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
    return network


NETWORKS = {"mlp": _mlp_networks, "dcgan": _dcgan_networks}
