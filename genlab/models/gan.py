"""GAN: a generator that learns to fool a discriminator (Goodfellow et al. 2014; DCGAN of Radford et al. 2016)."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genlab.config import Config
from genlab.data import Batch, DataSpec
from genlab.messages import Message
from genlab.models.base import Encoding, Given, LatentModel, Loss, Player, blocks_of, mlp_only, one_hot
from genlab.models.layers import Up, join, mlp, sizes_of
from genlab.models.search import search
from genlab.models.settings import GANSettings

LeakyReLU = partial(nn.LeakyReLU, 0.2)


@dataclass(frozen=True)
class Game:
    """What the two players lower [B], from the discriminator's scores [B] of real and of generated items."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    unit: str


GAMES = {
    "non-saturating": Game(  # Goodfellow et al. 2014, section 3
        lambda real, fake: F.softplus(-real) + F.softplus(fake),
        lambda fake: F.softplus(-fake),
        Message("nats: binary cross-entropy of the discriminator, 1.39 when it can only guess, 0 when it always wins"),
    ),
    "hinge": Game(  # Lim & Ye 2017, eq. 4 and 5
        lambda real, fake: F.relu(1 - real) + F.relu(1 + fake),
        lambda fake: -fake,
        Message("hinge loss of the discriminator: 2 when it can only guess, 0 when it always wins by a margin"),
    ),
    "wgan-gp": Game(  # Gulrajani et al. 2017, eq. 3
        lambda real, fake: fake - real,
        lambda fake: -fake,
        Message(
            "the critic's loss: minus the distance that it sees between real and generated, plus its penalty; often negative"
        ),
    ),
}


class GAN(LatentModel):
    """Two players, one who draws and one who judges; sharp pictures, and a balance to keep."""

    Settings = GANSettings
    modalities = ("image", "points")

    def __init__(self, spec: DataSpec, settings: GANSettings) -> None:
        super().__init__(spec, settings)
        self.latent_shape = (settings.latent,)
        self.game = GAMES[settings.loss]
        build = NETWORKS[mlp_only(settings.network, spec.modality, "dcgan")] if spec.kind.pixels else _point_networks
        self.generator, self.discriminator = build(spec.shape, settings, self.classes)

    @classmethod
    def check(cls, settings: GANSettings, modality: str) -> None:
        super().check(settings, modality)
        mlp_only(settings.network, modality, "dcgan")

    @classmethod
    def loss_unit(cls, settings: GANSettings, modality: str = "image") -> str:
        return GAMES[settings.loss].unit

    @classmethod
    def log_units(cls, settings: GANSettings) -> dict[str, str]:
        return {"slope": Message("score a unit of distance")} if settings.loss == "wgan-gp" else {"told apart": Message("share")}

    def players(self) -> dict[str, Player]:
        rates = {"discriminator": self.settings.discriminator_learning_rate, "generator": self.settings.learning_rate}
        betas = (0.0, 0.9) if self.settings.loss == "wgan-gp" else (0.5, 0.999)  # Gulrajani et al. 2017, algorithm 1
        return {name: Player(list(getattr(self, name).parameters()), rate, betas) for name, rate in rates.items()}

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        weights = one_hot(batch.label, self.classes) if self.classes else None
        for _ in range(self.settings.critic_steps):
            fake = self.generator(join(batch.randn(*self.latent_shape), weights))
            yield self._judgement(batch, fake.detach(), weights)
        self.discriminator.requires_grad_(False)
        try:
            scores = self.discriminator(fake, weights).float()  # judged by the discriminator just improved
            yield Loss("generator", self.game.generator(scores))
        finally:
            self.discriminator.requires_grad_(True)

    def _judgement(self, batch: Batch, fake: Tensor, weights: Tensor | None) -> Loss:
        """The discriminator's loss on real and generated items, and how it fares."""
        real_scores = self.discriminator(batch.x, weights).float()
        fake_scores = self.discriminator(fake, weights).float()
        value = self.game.discriminator(real_scores, fake_scores)
        if self.settings.loss != "wgan-gp":
            right = 0.5 * ((real_scores > 0).float().mean() + (fake_scores < 0).float().mean())
            return Loss("discriminator", value, {"told apart": right})
        slope = slopes(lambda x: self.discriminator(x, weights).float(), batch.x, fake, batch.rand(1))
        logs = {"distance": -value.mean(), "slope": slope.mean()}
        return Loss("discriminator", value + self.settings.penalty * (slope - 1) ** 2, logs)

    @torch.no_grad()
    def surprise(self, batch: Batch) -> Tensor:
        """What the discriminator thinks of items, turned round: it holds for real what it has learnt by heart."""
        return -self.discriminator(batch.x, one_hot(batch.label, self.classes) if self.classes else None).float()

    @torch.no_grad()
    def judge(self, x: Tensor, given: Given | None = None) -> Tensor:
        scores = self.discriminator(x, self.class_weights(given, len(x))).float()
        if self.settings.loss == "wgan-gp":  # a critic's scores have no zero and no scale but what they are compared with
            scores = (scores - scores.mean()) / scores.std().clamp(min=1e-6)
        return scores.sigmoid()

    def decode(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Tensor:
        return self.generator(join(z, self.class_weights(given, len(z)))).float()

    def encode(self, x: Tensor, given: Given | None = None, settings: Config | None = None) -> Iterator[Encoding]:
        return search(self, x, given)

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
        for part in blocks_of(n):
            self.decode(z[part], given.rows(part))
        self.train(training)
        for norm in norms:
            norm.momentum = 0.1


def slopes(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, between: Tensor) -> Tensor:
    """[B] the lengths of a critic's gradients on the lines from generated to real items, at shares `between` [B, 1] of the way.

    Gulrajani et al. 2017, eq. 3, whose penalty draws them to 1.
    """
    share = between.view(-1, *[1] * (real.dim() - 1))
    with torch.enable_grad():  # the held-out loss is measured without gradients of the weights
        x = (share * real + (1 - share) * fake).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.flatten(1).norm(dim=1)


class MLPDiscriminator(nn.Module):
    """Linear layers with these numbers of hidden units; class weights are appended to the item."""

    def __init__(self, shape: tuple[int, ...], hidden: Sequence[int], norm: bool, classes: int) -> None:
        super().__init__()
        self.layers = _normed(mlp([math.prod(shape) + classes, *hidden, 1], LeakyReLU), norm)

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


def _mlp_networks(shape: tuple[int, ...], settings: GANSettings, classes: int) -> tuple[nn.Module, nn.Module]:
    layers = mlp([settings.latent + classes, 256, 512, 1024, math.prod(shape)], LeakyReLU)
    generator = nn.Sequential(*layers, nn.Tanh(), nn.Unflatten(1, shape))
    return generator, MLPDiscriminator(shape, (512, 256), settings.bounded, classes)


def _point_networks(shape: tuple[int, ...], settings: GANSettings, classes: int) -> tuple[nn.Module, nn.Module]:
    hidden = [4 * settings.width] * 3
    generator = mlp([settings.latent + classes, *hidden, *shape], nn.ReLU)
    return generator, MLPDiscriminator(shape, hidden, settings.bounded, classes)


def _dcgan_networks(shape: tuple[int, ...], settings: GANSettings, classes: int) -> tuple[nn.Module, nn.Module]:
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
    return generator, ConvDiscriminator(shape, settings.width, settings.bounded, classes)


def _conv_area(size: tuple[int, int], halvings: int) -> int:
    for _ in range(halvings):
        size = (size[0] // 2, size[1] // 2)
    return size[0] * size[1]


def _normed(network: nn.Module, norm: bool) -> nn.Module:
    """Spectral norm on every weight (Miyato et al. 2018), where wanted."""
    for module in network.modules() if norm else ():
        if isinstance(module, nn.Linear | nn.Conv2d) and not module.weight.is_meta:  # it has no parameters, and begins slowly
            spectral_norm(module)
    return network


NETWORKS = {"mlp": _mlp_networks, "dcgan": _dcgan_networks}
