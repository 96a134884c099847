"""VAE: an encoder to a small latent space and a decoder back (Kingma & Welling 2014; β of Higgins et al. 2017).

With several latents an item the bound is the importance-weighted one (IWAE; Burda et al. 2016, eq. 8).
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.config import Config
from genlab.data import Batch, Dataset, DataSpec
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.modalities import MODALITIES
from genlab.models.base import Encoding, Given, LatentModel, Loss, mlp_only, noises_of, one_hot
from genlab.models.density import Density
from genlab.models.layers import Up, join, mlp, sizes_of
from genlab.models.settings import VAESettings

FITTED, BLOCK = 20_000, 256  # items whose latents a density is fitted to at most, and those encoded at once

LOSS_UNITS = {
    "bernoulli": Message("nats an image: negative evidence lower bound on binarised pixels"),
    "gaussian": "nats {article}: negative evidence lower bound of a density over {space}; it may be negative",
    "cross-entropy": Message("cross-entropy of grey values an image plus KL; not a likelihood"),
}


AT_ONCE, PIXELS = 50, 2**21  # latents of an item that are weighed together, and pixels of them all: what fits in memory


class VAE(LatentModel):
    """Compresses each item to a few numbers and learns to draw it back; smooth to walk through."""

    Settings = VAESettings
    modalities = ("image", "points")
    encodes_at_once = True
    spread: Tensor
    information: Tensor

    def __init__(self, spec: DataSpec, settings: VAESettings) -> None:
        super().__init__(spec, settings)
        self.latent_shape = (settings.latent,)
        network, self.likelihood = mlp_only(settings.network, spec.modality, "mlp"), _likelihood(settings, spec.modality)
        self.encoder, self.decoder = NETWORKS[network](spec.shape, settings.width, settings.latent, self.classes)
        sigma = -1.0 if spec.kind.pixels else -3.0  # starting wide, two coordinates would not pay for their KL
        self.log_sigma = nn.Parameter(torch.tensor(sigma), requires_grad=self.likelihood == "gaussian")
        self.register_buffer("spread", torch.ones(settings.latent))  # of the posterior means over the training data
        self.register_buffer("information", torch.zeros(settings.latent))  # nats that each axis carries
        self.density = Density(settings.latent, self.classes)

    @classmethod
    def check(cls, settings: VAESettings, modality: str) -> None:
        super().check(settings, modality)
        mlp_only(settings.network, modality, "mlp")
        if settings.importance > 1 and (settings.beta != 1 or settings.likelihood == "cross-entropy"):
            raise BadSetting(
                "importance is {k}, which tightens a bound on the likelihood; for that beta must be 1, and likelihood no "
                "cross-entropy.",
                "importance",
                k=settings.importance,
            )
        kind = MODALITIES[modality]
        if not kind.pixels and settings.likelihood not in ("auto", "gaussian"):
            raise BadSetting(
                "likelihood is {likelihood!r}, which is for pixels; for {things} it must be auto or gaussian.",
                "likelihood",
                likelihood=settings.likelihood,
                things=kind.things,
            )

    @classmethod
    def loss_unit(cls, settings: VAESettings, modality: str = "image") -> str:
        kind = MODALITIES[modality]
        return Message(LOSS_UNITS[_likelihood(settings, modality)], article=kind.article, space=kind.space)

    @classmethod
    def log_units(cls, settings: VAESettings) -> dict[str, str]:
        return {"KL": "nats"}  # a code's length, whatever pixels are measured in

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        target = self._target(batch)
        mean, logvar = self.posterior(self._seen(batch, target), self._weights(batch.label))  # [B, L], [B, L]
        axes = 0.5 * (mean**2 + logvar.exp() - 1 - logvar)  # [B, L]  KL to the prior, nats, Kingma & Welling 2014, eq. 10
        if self.training:
            self.spread.lerp_(mean.detach().float().std(0, correction=0), 0.01)
            self.information.lerp_(axes.detach().float().mean(0), 0.01)
        kl = axes.sum(1)
        if self.settings.importance == 1:
            z = mean + batch.randn(*self.latent_shape) * (0.5 * logvar).exp()  # [B, L]  eq. 10
            reconstruction = self._unlikely(self._pixels(z, self._weights(batch.label)), target)
            value = reconstruction + self.settings.beta * kl
        else:
            reconstruction, value = self._weighed(batch, mean, logvar, target, self.settings.importance)
        yield Loss("model", value, {"reconstruction": reconstruction.mean(), "KL": kl.mean()})

    def _weighed(self, batch: Batch, mean: Tensor, logvar: Tensor, target: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Reconstruction [B], and negative importance-weighted bound [B] of k latents an item (Burda et al. 2016, eq. 8)."""
        noise = batch.randn(k, *self.latent_shape)  # [B, k, L]
        z = mean[:, None] + noise * (0.5 * logvar).exp()[:, None]
        weights, many = self._weights(batch.label), target.repeat_interleave(k, 0)
        pixels = self._pixels(z.flatten(0, 1), None if weights is None else weights.repeat_interleave(k, 0))
        unlikely = self._unlikely(pixels, many).view(-1, k)
        farther = 0.5 * (z**2 - noise**2 - logvar[:, None]).sum(2)  # [B, k]  log q(z|x) - log p(z)
        return unlikely.mean(1), math.log(k) - (-unlikely - farther).logsumexp(1)

    @torch.no_grad()
    def nats(self, batch: Batch, k: int) -> Tensor:
        """For images on pixels that are black or white by chance, whatever was trained on, as the literature does."""
        binary = self.spec.kind.pixels and self.likelihood != "gaussian"
        target = self._target(batch, binary)
        mean, logvar = self.posterior(self._seen(batch, target, binary), self._weights(batch.label))
        most = max(1, min(AT_ONCE, PIXELS // (len(mean) * math.prod(self.spec.shape[1:]))))
        sizes = [min(most, k - first) for first in range(0, k, most)]
        bounds = [math.log(size) - self._weighed(batch, mean, logvar, target, size)[1] for size in sizes]  # sums of weights
        return math.log(k) - torch.stack(bounds).logsumexp(0)

    @torch.no_grad()
    def complete(self, data: Dataset, seed: int) -> None:
        """Fit the density of latents to the posterior means of the data (Ghosh et al. 2020, section 4)."""
        n = max(2, min(FITTED, len(data), self.settings.steps * self.settings.batch_size))  # no more than were learnt
        z, label = [], []
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # of pixels that are black or white by chance
            for step in range(-(-n // BLOCK)):
                batch = data.batch(min(n, BLOCK), seed, step)
                x = self._seen(batch, self._target(batch)).to(self.device)
                z.append(self.posterior(x, self._weights(batch.label.to(self.device)))[0].cpu())  # [B, L]
                label.append(batch.label)
        self.density.fit(torch.cat(z), torch.cat(label), seed)

    def prior(self, n: int, seed: int, given: Given | None = None) -> Tensor:
        noises = noises_of(n, seed)
        z, chance = self.normal(noises), torch.stack([torch.rand((), generator=noise) for noise in noises])
        return self.density.place(z, chance.to(z), self.class_weights(given, n))

    def truncated(self, z: Tensor, share: float) -> Tensor:
        return z if share == 1 else torch.lerp(self.density.middle(z), z, share)

    def posterior(self, x: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [B, L] of the latents of images [B, C, H, W]."""
        mean, logvar = self.encoder(x, weights).chunk(2, dim=1)
        return mean.float(), logvar.float().clamp(-12, 8)

    def decode(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Tensor:
        pixels = self._pixels(z, self.class_weights(given, len(z)))
        return (pixels if self.likelihood == "gaussian" else pixels.sigmoid()).clamp(0, 1) * 2 - 1

    @torch.no_grad()
    def encode(self, x: Tensor, given: Given | None = None, settings: Config | None = None) -> Iterator[Encoding]:
        x = self.fitting(x)
        mean, _ = self.posterior(x, self.class_weights(given, len(x)))
        yield Encoding.of(x, self.decode(mean, given), mean, given)

    def directions(self, k: int, seed: int) -> tuple[Tensor, Tensor]:
        """The latent's own axes, those that carry most information first, each with its spread over the data."""
        order = self.information.argsort(descending=True)[:k]
        return torch.eye(self.latent_shape[0], device=self.device)[order], self.spread[order].clamp(min=0.1)

    def _pixels(self, z: Tensor, weights: Tensor | None) -> Tensor:
        return self.decoder(join(z, weights)).float()  # [B, C, H, W]  logits, or means in [0, 1]

    def _weights(self, label: Tensor) -> Tensor | None:
        return one_hot(label, self.classes) if self.classes else None

    def _seen(self, batch: Batch, target: Tensor, binary: bool | None = None) -> Tensor:
        """What the encoder is given: what is to be drawn, where that is black or white by chance, or the bound is a loose one."""
        return 2 * target - 1 if self._binary(binary) else batch.x

    def _binary(self, binary: bool | None) -> bool:
        return self.likelihood == "bernoulli" if binary is None else binary

    def _target(self, batch: Batch, binary: bool | None = None) -> Tensor:
        """What is to be drawn, in [0, 1]; a binary pixel is white as probably as it is bright (Salakhutdinov & Murray 2008)."""
        grey, binary = (batch.x + 1) / 2, self._binary(binary)
        return (batch.rand(*self.spec.shape) < grey).float() if binary else grey

    def _unlikely(self, pixels: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood [B] of such pixels, nats an image."""
        if self.likelihood == "gaussian":
            error = (pixels - target) ** 2 * (-2 * self.log_sigma).exp()
            each = 0.5 * (error + math.log(2 * math.pi)) + self.log_sigma
        else:
            each = F.binary_cross_entropy_with_logits(pixels, target, reduction="none")
        return each.flatten(1).sum(1)


class MLPEncoder(nn.Module):
    def __init__(self, shape: tuple[int, ...], width: int, latent: int, classes: int) -> None:
        super().__init__()
        self.layers = mlp([math.prod(shape) + classes, width, width, 2 * latent], nn.SiLU)

    def forward(self, x: Tensor, weights: Tensor | None) -> Tensor:
        return self.layers(join(x.flatten(1), weights))


class ConvEncoder(nn.Module):
    def __init__(self, shape: tuple[int, ...], width: int, latent: int, classes: int) -> None:
        super().__init__()
        sizes, channels = sizes_of(shape), _channels(shape, width)
        layers: list[nn.Module] = [nn.Conv2d(shape[0], channels[0], 3, padding=1), nn.SiLU()]
        for wide, next_wide in pairwise(channels):
            layers += [nn.Conv2d(wide, next_wide, 3, stride=2, padding=1), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = mlp([channels[-1] * math.prod(sizes[-1]) + classes, 2 * width, 2 * latent], nn.SiLU)

    def forward(self, x: Tensor, weights: Tensor | None) -> Tensor:
        return self.head(join(self.layers(x), weights))


def _likelihood(settings: VAESettings, modality: str) -> str:
    """The likelihood that `auto` stands for."""
    return settings.likelihood if settings.likelihood != "auto" else "bernoulli" if MODALITIES[modality].pixels else "gaussian"


def _mlp_networks(shape: tuple[int, ...], width: int, latent: int, classes: int) -> tuple[nn.Module, nn.Module]:
    decoder = mlp([latent + classes, width, width, math.prod(shape)], nn.SiLU)
    return MLPEncoder(shape, width, latent, classes), nn.Sequential(*decoder, nn.Unflatten(1, shape))


def _conv_networks(shape: tuple[int, ...], width: int, latent: int, classes: int) -> tuple[nn.Module, nn.Module]:
    sizes, channels = sizes_of(shape), _channels(shape, width)
    head = mlp([latent + classes, 2 * width, channels[-1] * math.prod(sizes[-1])], nn.SiLU)
    layers: list[nn.Module] = [*head, nn.SiLU(), nn.Unflatten(1, (channels[-1], *sizes[-1]))]
    for level in reversed(range(len(sizes) - 1)):
        layers += [Up(channels[level + 1], channels[level], sizes[level]), nn.SiLU()]
    decoder = nn.Sequential(*layers, nn.Conv2d(channels[0], shape[0], 3, padding=1))
    return ConvEncoder(shape, width, latent, classes), decoder


def _channels(shape: tuple[int, ...], width: int) -> list[int]:
    return [max(4, width // 4)] + [max(4, width // 2)] * (len(sizes_of(shape)) - 1)


NETWORKS = {"mlp": _mlp_networks, "conv": _conv_networks}
