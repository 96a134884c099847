"""Diffusion: a network learns to take noise away, and takes it away step by step (Ho et al. 2020; flow: Lipman et al. 2023).

Networks and schedulers are those of diffusers and are saved as diffusers saves them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    HeunDiscreteScheduler,
    UNet2DModel,
)
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import Timesteps
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d import UNet2DOutput
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.config import Config
from genlab.data import Batch, DataSpec
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.modalities import MODALITIES
from genlab.models.base import Draft, Encoding, Given, LatentModel, Loss, blocks_of, give_weights, noises_of, one_hot
from genlab.models.layers import mlp
from genlab.models.settings import DiffusionSettings
from genlab.patience import go_on

TIMES = 1000  # discrete noise levels that the networks know
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # times at which the error is told by level of noise
ROUNDS = 5  # of fixed-point iteration a step back; fewer leave latents that are less like noise
WEIGHTS = "diffusion_pytorch_model.safetensors"  # as diffusers calls them, in the network's folder
FOLDERS = {True: "unet", False: "mlp"}  # of the network for images, or not, in a checkpoint; the first is that of diffusers


class Diffusion(LatentModel):
    """Draws by removing noise in small steps; slow to sample, steady to train, the sharpest of all."""

    Settings = DiffusionSettings
    modalities = ("image", "points")

    def __init__(self, spec: DataSpec, settings: DiffusionSettings) -> None:
        super().__init__(spec, settings)
        build = _unet if spec.kind.pixels else _point_network
        self.network, self.latent_shape = build(spec.shape, settings, self.classes + 1 if self.classes else None)  # 1: "no class"
        if self.classes:
            self.network.class_embedding = BlendedEmbedding.of(self.network.class_embedding)
        self.noising = DDPMScheduler(**_VARIANCE_PRESERVING)

    @classmethod
    def check(cls, settings: DiffusionSettings, modality: str) -> None:
        super().check(settings, modality)
        kind = MODALITIES[modality]
        if not kind.pixels and settings.attention:
            raise BadSetting("attention looks across an image; for {things} it must be false.", "attention", things=kind.things)

    @classmethod
    def loss_unit(cls, settings: DiffusionSettings, modality: str = "image") -> str:
        return Message("mean squared error of the prediction, a {unit}", unit=MODALITIES[modality].unit)

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        x = self._padded(batch.x)
        eps = batch.randn(*self.latent_shape)
        n = batch.total
        spread = (torch.rand(1, device=x.device) + torch.arange(n, device=x.device) / n) % 1  # evenly, which lowers
        t = batch.rows_of(spread)  # [B]  the variance: Kingma et al. 2021, appendix I.1
        weights = self._with_none(one_hot(batch.label, self.classes)) if self.classes else None
        if weights is not None and self.training:
            forget = batch.rand(1) < self.settings.unlabelled  # Ho & Salimans 2022, algorithm 1
            weights = torch.where(forget, self._with_none(torch.zeros_like(weights[:, 1:])), weights)
        yield Loss("model", self._error(x, eps, t, weights))

    @torch.no_grad()
    def errors(self, batch: Batch) -> dict[str, Tensor]:
        x, eps = self._padded(batch.x), batch.randn(*self.latent_shape)
        weights = self._with_none(one_hot(batch.label, self.classes)) if self.classes else None
        times = {f"{level:.0%}": torch.full((len(x),), level, device=x.device) for level in LEVELS}
        return {name: self._error(x, eps, t, weights) for name, t in times.items()}

    def _error(self, x: Tensor, eps: Tensor, t: Tensor, weights: Tensor | None) -> Tensor:
        """Mean squared error [B] of the prediction for items with noise `eps` in them, at times t [B] in [0, 1)."""
        if self.settings.target == "flow":
            level = t.view(-1, *[1] * (x.dim() - 1))
            noisy, times, target = (1 - level) * x + level * eps, t * TIMES, eps - x  # Lipman et al. 2023, eq. 23
        else:
            times = (t * TIMES).long()
            noisy = self.noising.add_noise(x, eps, times)
            target = eps if self.settings.target == "noise" else self.noising.get_velocity(x, eps, times)
        prediction = self.network(noisy, times, class_labels=weights).sample
        return F.mse_loss(prediction.float(), target, reduction="none").flatten(1).mean(1)

    @torch.no_grad()
    def sample(self, n: int, settings: Config, seed: int, given: Given | None = None) -> Iterator[Draft]:
        noises = noises_of(n, seed)
        yield from self.denoise(self.normal(noises), given, settings, noises)

    @torch.no_grad()
    def decode(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Tensor:
        *_, last = self.unfold(z, given, settings)
        return last.items

    def unfold(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Iterator[Draft]:
        noises = [torch.Generator().manual_seed(0) for _ in z]
        return self.denoise(z, given, settings or self.SamplingSettings(), noises)

    @torch.no_grad()
    def denoise(self, z: Tensor, given: Given | None, settings: Any, noises: list[torch.Generator]) -> Iterator[Draft]:
        """Walk from noise [n, *L] to images; each step is a draft with its estimate of the clean images."""
        sampler = SAMPLERS[self.settings.target][settings.sampler]
        scheduler = sampler.ready(self.settings.target, settings.steps, z.device)
        fresh = {"generator": noises} if sampler.stochastic else {}
        weights = self.class_weights(given, len(z))
        x = z * getattr(scheduler, "init_noise_sigma", 1.0)
        total = len(scheduler.timesteps)
        for i, t in enumerate(scheduler.timesteps):
            go_on()
            scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
            prediction = self._predict(scaled, t, weights, settings.guidance)
            estimate = self._clean(scaled, prediction, t).clamp(-1, 1)
            x = scheduler.step(prediction[..., None], t, x[..., None], **fresh).prev_sample[..., 0]  # limiting estimates
            items = self._cropped(x if i + 1 < total else x.clamp(-1, 1))  # wants a dimension that points do not have
            yield Draft(items, i + 1, total, self._cropped(estimate))

    @torch.no_grad()
    def encode(self, x: Tensor, given: Given | None = None, settings: Any = None) -> Iterator[Encoding]:
        """The probability-flow ODE run backwards, from items to the noise that they come from.

        Each step is the inverse of one of DDIM (Song et al. 2021, eq. 12; for flow that is Euler's), found by fixed-point
        iteration as by Pan et al. 2023 (AIDI) and Garibi et al. 2024 (ReNoise). Raises BadSetting for a sampler that adds noise.
        """
        settings = settings or self.SamplingSettings()
        sampler = SAMPLERS[self.settings.target][settings.sampler]
        if sampler.stochastic:
            raise BadSetting(
                "The sampler {sampler!r} adds fresh noise, so it cannot be run backwards; choose another.",
                sampler=settings.sampler,
            )
        scheduler = sampler.ready(self.settings.target, settings.steps, self.device)
        times = scheduler.timesteps[scheduler.timesteps > 0].unique()  # from little noise to nothing but noise
        x = self.fitting(x)
        weights, z = self.class_weights(given, len(x)), self._padded(x)
        for i, (s, t) in enumerate(pairwise([torch.zeros_like(times[0]), *times]), start=1):
            goal, slope = z, self._less_noisy(torch.ones_like(t), torch.zeros_like(t), t, s)
            for _ in range(ROUNDS):
                go_on()
                prediction = self._predict(z, t, weights, settings.guidance)
                z = z + (goal - self._less_noisy(z, prediction, t, s)) / slope
            last = i == len(times)
            items = self.decode(z, given, settings) if last else self._cropped(self._clean(z, prediction, t).clamp(-1, 1))
            yield Encoding.of(x, items, z, given, i, len(times))

    def evaluations(self, settings: Any) -> int:
        looks = 2 if settings.sampler == "heun" else 1
        return settings.steps * looks * (2 if self.classes and settings.guidance != 1 else 1)

    def coarse_settings(self) -> Config:
        return self.SamplingSettings.parse({"steps": 4, "guidance": 1.0})

    def save(self, folder: Path) -> None:
        self.network.save_pretrained(folder / FOLDERS[self.spec.kind.pixels])
        SAMPLERS[self.settings.target]["dpm-solver++"].build(self.settings.target).save_pretrained(folder / "scheduler")

    def restore(self, folder: Path) -> None:
        give_weights(self.network, load_file(folder / FOLDERS[self.spec.kind.pixels] / WEIGHTS))

    def _predict(self, x: Tensor, t: Tensor, weights: Tensor | None, guidance: float) -> Tensor:
        """The network's prediction, guided towards the classes (Ho & Salimans 2022, eq. 6)."""
        if weights is None:
            return torch.cat([self.network(x[s], t).sample for s in blocks_of(len(x))])
        asked = self._with_none(weights)
        conditional = torch.cat([self.network(x[s], t, class_labels=asked[s]).sample for s in blocks_of(len(x))])
        if guidance == 1:
            return conditional
        free = self._with_none(torch.zeros_like(weights))
        unconditional = torch.cat([self.network(x[s], t, class_labels=free[s]).sample for s in blocks_of(len(x))])
        return unconditional + guidance * (conditional - unconditional)

    def _clean(self, x: Tensor, prediction: Tensor, t: Tensor) -> Tensor:
        """Estimate of the clean image from the noisy one and the prediction at time t."""
        if self.settings.target == "flow":
            return x - t / TIMES * prediction
        signal, noise = self._levels(t)
        if self.settings.target == "noise":
            return (x - noise * prediction) / signal  # Ho et al. 2020, eq. 15
        return signal * x - noise * prediction  # Salimans & Ho 2022, section 4

    def _less_noisy(self, x: Tensor, prediction: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Images at time s from those at a later time t and the prediction there (Song et al. 2021, eq. 12, σ = 0)."""
        estimate, (signal, noise), (next_signal, next_noise) = self._clean(x, prediction, t), self._levels(t), self._levels(s)
        return next_signal * estimate + next_noise * (x - signal * estimate) / noise

    def _levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """What a noisy image at time t has of the clean one, and of the noise; time 0 has no noise."""
        if self.settings.target == "flow":
            return 1 - t / TIMES, t / TIMES
        kept = self.noising.alphas_cumprod.to(t.device)[t.round().long()] if t > 0 else torch.ones_like(t, dtype=torch.float)
        return kept.sqrt(), (1 - kept).sqrt()

    def _with_none(self, weights: Tensor) -> Tensor:
        """[B, K + 1]: what the class weights leave of 1 goes to "no class"."""
        return torch.cat([weights, (1 - weights.sum(1, keepdim=True)).clamp(min=0)], dim=1)

    def _padded(self, x: Tensor) -> Tensor:
        lacking = [wide - side for wide, side in zip(self.latent_shape[1:], x.shape[2:], strict=True)]
        return F.pad(x, [pad for n in reversed(lacking) for pad in (0, n)], mode="replicate") if any(lacking) else x

    def _cropped(self, x: Tensor) -> Tensor:
        for dimension, side in enumerate(self.spec.shape[1:], start=2):
            x = x.narrow(dimension, 0, side)
        return x


def _unet(shape: tuple[int, ...], settings: DiffusionSettings, labels: int | None) -> "Built":
    """The UNet for images, and the shape that it takes."""
    sides, levels = shape[1:], 2 if max(shape[1:]) < 16 else 3 if max(shape[1:]) <= 32 else 4
    multiple = 2 ** (levels - 1)  # a UNet halves its input this often, so odd sizes are padded
    padded = (shape[0], *(-side % multiple + side for side in sides))
    down, up = ["DownBlock2D"] * levels, ["UpBlock2D"] * levels
    if settings.attention:
        down[-1], up[0] = "AttnDownBlock2D", "AttnUpBlock2D"
    network = UNet2DModel(
        sample_size=padded[1:],
        in_channels=shape[0],
        out_channels=shape[0],
        block_out_channels=[settings.width * min(2**level, 4) for level in range(levels)],
        layers_per_block=settings.depth,
        down_block_types=down,
        up_block_types=up,
        add_attention=settings.attention,
        norm_num_groups=8,
        num_class_embeds=labels,
    )
    return network, padded


def _point_network(shape: tuple[int, ...], settings: DiffusionSettings, labels: int | None) -> "Built":
    """The MLP for points, and the shape that it takes."""
    return TimedMLP(shape[0], 8 * settings.width, settings.depth + 1, labels), shape


Built = tuple[ModelMixin, tuple[int, ...]]


class TimedMLP(ModelMixin, ConfigMixin):
    """Linear layers that know the time; asked, saved and read as diffusers' UNets are."""

    @register_to_config
    def __init__(self, size: int, width: int, depth: int, num_class_embeds: int | None = None) -> None:
        super().__init__()
        self.time = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.enter = nn.Linear(size + width, width)
        self.class_embedding = nn.Embedding(num_class_embeds, width) if num_class_embeds else None
        self.layers = nn.Sequential(nn.SiLU(), mlp([width] * (depth + 1) + [size], nn.SiLU))

    def forward(self, sample: Tensor, timestep: Tensor, class_labels: Tensor | None = None) -> UNet2DOutput:
        time = self.time(timestep.expand(len(sample))).to(sample.dtype)  # [B, W]
        features = self.enter(torch.cat([sample, time], dim=1))
        if self.class_embedding is not None:
            features = features + self.class_embedding(class_labels)
        return UNet2DOutput(sample=self.layers(features))


class BlendedEmbedding(nn.Embedding):
    """An embedding that takes class weights [B, K] as well as class numbers [B]; saved and read like a plain one."""

    @classmethod
    def of(cls, plain: nn.Embedding) -> "BlendedEmbedding":
        blended = cls(plain.num_embeddings, plain.embedding_dim)
        blended.load_state_dict(plain.state_dict())
        return blended

    def forward(self, classes: Tensor) -> Tensor:
        return classes @ self.weight if classes.is_floating_point() else super().forward(classes)


@dataclass(frozen=True)
class Sampler:
    """One of diffusers' schedulers, set up for a target."""

    build: Callable[[str], Any]
    stochastic: bool = False

    def ready(self, target: str, steps: int, device: torch.device) -> Any:
        """The scheduler with so many steps, or as many fewer as it can tell apart.

        Close to the number of noise levels, rounding gives some schedulers a time twice, or one below 0, and the result is NaN.
        """
        scheduler = self.build(target)
        while True:
            scheduler.set_timesteps(steps, device=device)
            if scheduler.timesteps.min() >= 0 and len(scheduler.timesteps.unique()) == steps:
                return scheduler
            steps -= 1


_VARIANCE_PRESERVING = {"num_train_timesteps": TIMES, "beta_schedule": "squaredcos_cap_v2"}  # Nichol & Dhariwal 2021
_PREDICTION = {"noise": "epsilon", "v": "v_prediction", "flow": "flow_prediction"}


def _variance_preserving(scheduler: Callable[..., Any], **options: Any) -> Callable[[str], Any]:
    return lambda target: scheduler(**_VARIANCE_PRESERVING, prediction_type=_PREDICTION[target], **options)


_LIMITED = {"thresholding": True, "sample_max_value": 1.0}  # estimates stay within [-1, 1], which guidance needs
_NOISE_SAMPLERS = {
    "dpm-solver++": Sampler(_variance_preserving(DPMSolverMultistepScheduler, lambda_min_clipped=-5.1, **_LIMITED)),
    "ddim": Sampler(_variance_preserving(DDIMScheduler, timestep_spacing="trailing")),
    "heun": Sampler(_variance_preserving(HeunDiscreteScheduler)),
    "ddpm": Sampler(_variance_preserving(DDPMScheduler, timestep_spacing="trailing"), stochastic=True),
}
_FLOW_SAMPLERS = {
    "dpm-solver++": Sampler(
        lambda target: DPMSolverMultistepScheduler(prediction_type=_PREDICTION[target], use_flow_sigmas=True, **_LIMITED)
    ),
    "euler": Sampler(lambda target: FlowMatchEulerDiscreteScheduler()),
    "heun": Sampler(lambda target: FlowMatchHeunDiscreteScheduler()),
}
SAMPLERS = {"noise": _NOISE_SAMPLERS, "v": _NOISE_SAMPLERS, "flow": _FLOW_SAMPLERS}
