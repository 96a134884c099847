"""What every model family is: settings, players that learn, losses to learn from, samples to look at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from genlab.algebra import orthonormal, strongest
from genlab.config import Config
from genlab.data import Batch, Dataset, DataSpec
from genlab.errors import BadCheckpoint, BadSetting
from genlab.messages import Message, joined
from genlab.modalities import MODALITIES
from genlab.models.settings import CommonSettings, check_count
from genlab.registry import unknown


@dataclass(frozen=True)
class Player:
    """A part of a model with an optimizer of its own."""

    parameters: list[nn.Parameter]
    learning_rate: float | None = None  # None: the run's
    betas: tuple[float, float] = (0.9, 0.999)  # of its momentum, and of AdamW's second moment
    optimizer: str = "adamw"  # one of those in genlab.training.optimizer
    matrices: list[nn.Parameter] = field(default_factory=list)  # those that Muon moves


@dataclass(frozen=True)
class Loss:
    """What one player is to lower, and what the page should know of it."""

    player: str
    value: Tensor  # [B] of each item; the player lowers their mean
    logs: Mapping[str, Tensor] = field(default_factory=dict)  # single numbers


@dataclass(frozen=True)
class Given:
    """What samples are asked to respect: whatever there is has a row for each of them."""

    classes: Tensor | None = None  # [n, K] weights of the classes, so that 3 can morph into 8

    def each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """All of the wish, changed in the same way."""
        held = {part.name: getattr(self, part.name) for part in fields(self)}
        return replace(self, **{name: change(value) for name, value in held.items() if value is not None})

    def rows(self, part: slice | Tensor) -> Self:
        """The wish for some of the samples, or for some of them again."""
        return self.each(lambda rows: rows[part.to(rows.device) if isinstance(part, Tensor) else part])

    def spread(self, n: int) -> Self:
        """The wish for n samples, where that for a single one holds for all."""
        return self.each(lambda rows: rows.expand(n, *rows.shape[1:]))


@dataclass(frozen=True)
class Draft:
    """Samples so far."""

    items: Tensor  # [n, C, H, W] or [n, 2]; in [-1, 1] at the last step
    step: int
    total: int
    estimate: Tensor | None = None  # of the clean items, where a family goes there by steps


@dataclass(frozen=True)
class Encoding:
    """Latents of items so far, and how close they come to these."""

    z: Tensor  # [n, *L]
    given: Given  # the classes with which to decode them: those asked for, or where a family looks for them, those found
    items: Tensor  # [n, C, H, W] or [n, 2] in [-1, 1]: what they stand for; at the last step, what they decode to
    error: Tensor  # [n] mean absolute difference between these and the items wanted, of pixels in [0, 1]
    step: int
    total: int

    @classmethod
    def of(cls, x: Tensor, items: Tensor, z: Tensor, given: Given | None, step: int = 1, total: int = 1) -> "Encoding":
        """That of the items x, which have come back as `items`."""
        return cls(z, given or Given(), items, (items - x).abs().flatten(1).mean(1) / 2, step, total)


class GenerativeModel(nn.Module):
    """A family is a subclass in a file of its own and one line in `genlab.models`."""

    Settings: ClassVar[type[CommonSettings]] = CommonSettings
    SamplingSettings: type[Config]  # those that go with its settings
    modalities: ClassVar[tuple[str, ...]] = ("image",)  # kinds of data that it learns
    settings: Any  # of the family's own type
    of_data: ClassVar[tuple[str, ...]] = ()  # buffers that tell of what it learns, which fine-tuning does not take over

    def __init__(self, spec: DataSpec, settings: CommonSettings) -> None:
        super().__init__()
        self.check(settings, spec.modality)
        if spec.kind.pixels and not all(8 <= side <= 64 for side in spec.shape[1:]):
            raise BadSetting(
                "These images are {shape}; models learn those from 8×8 to 64×64. Import them again with a size of 64 or less.",
                shape=size_in_words(spec.shape),
            )
        if settings.conditional and not spec.classes:
            sentence = Message("These data have no classes, so a conditional model cannot learn them; set conditional to false.")
            raise BadSetting(sentence, "conditional")
        self.spec, self.settings = spec, settings
        self.SamplingSettings = settings.sampling(spec.modality)
        self.classes = len(spec.classes) if settings.conditional else 0

    @classmethod
    def check(cls, settings: Any, modality: str) -> None:
        """Raise BadSetting where settings make no sense for data of this kind; a family adds its own."""
        if modality not in cls.modalities:
            raise BadSetting(
                "This family learns {modalities} data; these data are {modality}.",
                modalities=joined(cls.modalities, Message(" and ")),
                modality=modality,
            )
        kind = MODALITIES[modality]
        if settings.augment != "none" and settings.augment not in kind.augmentations:
            sentence = Message(
                "augment is {augment!r}, which varies images; for {things} it must be {possible}.",
                augment=settings.augment,
                things=kind.things,
                possible=joined(dict.fromkeys(["none", *kind.augmentations]), Message(" or ")),
            )
            raise BadSetting(sentence, "augment")

    @classmethod
    def loss_unit(cls, settings: Any, modality: str = "image") -> str:
        """What one unit of the loss curve means."""
        return "loss"

    @classmethod
    def log_units(cls, settings: Any) -> dict[str, str]:
        """What the logs beside the loss are measured in, where it is not what the loss is measured in."""
        return {}

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def players(self) -> dict[str, Player]:
        """All that learns, by name; most families have one player."""
        return {"model": Player(list(self.parameters()))}

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        """Losses in the order of play; lazy, so that a player has stepped before the next loss is computed."""
        raise NotImplementedError

    def held_out_loss(self, batch: Batch) -> Tensor:
        """The loss [B] of items that were not trained on; by default that of the first player."""
        return next(iter(self.training_losses(batch, 0))).value

    def surprise(self, batch: Batch) -> Tensor:
        """How little it expects each item [B]; what it has learnt by heart it expects. By default its loss."""
        return self.held_out_loss(batch)

    def nats(self, batch: Batch, k: int) -> Tensor | None:
        """Negative log-likelihood [B] of items, estimated with k latents each; None where a family has none."""
        return None

    def spelled(self, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Of families that spell, [B, 2] nats that each item costs and its bytes, and [B, SURE, 3] how right it was when so sure.

        In steps of how likely it holds the token that it holds likeliest: how often, the sum of that, and how often it came.
        """
        return None

    def forecasts(self, batch: Batch, paths: int) -> Tensor | None:
        """[B, H, 2 + P] of the last H values of items: what came, what was known last before, and how P drawn paths went on;
        None where a family does not foretell."""
        return None

    def errors(self, batch: Batch) -> dict[str, Tensor]:
        """Squared error [B] of what it makes of items at each level of noise, by its name; none where it knows no noise."""
        return {}

    def settle(self, seed: int) -> None:
        """Bring statistics that depend on the weights (batch norm) in line with them."""

    def prepare(self, data: Dataset, folder: Path) -> None:
        """Before the first step: find out from the training part what the networks are built for; the run's folder keeps it."""

    def adopt(self, source: Self) -> None:
        """Be built for what a model of the same settings is built for."""

    def described(self) -> Mapping[str, Any]:
        """What other libraries look for in its config.json."""
        return {}

    def complete(self, data: Dataset, seed: int) -> None:
        """Fit to the training part what is not learnt by steps, once the weights are what they will be."""

    def sample(self, n: int, settings: Config, seed: int, given: Given | None = None) -> Iterator[Draft]:
        """Draw n items, item i from seed + i; the last draft is the result."""
        raise NotImplementedError

    def evaluations(self, settings: Any) -> int:
        """How often the network is asked for each item that is drawn with these settings."""
        return 1

    def given_labels(self, labels: Tensor | None, n: int) -> Given:
        """n wishes for these labels in turn; without any, every class in turn; nothing for a model without classes."""
        if not self.classes:
            if labels is not None:
                raise BadSetting("This model was trained without classes; leave the class empty.", "class")
            return Given()
        turn = torch.arange(self.classes) if labels is None else labels
        return Given(one_hot(turn[torch.arange(n) % len(turn)], self.classes))

    def label_of(self, name: str | None) -> Tensor | None:
        """A class name as a label [1]; None stays None."""
        if name is None:
            return None
        if self.classes and name not in self.spec.classes:
            raise BadSetting(unknown("class", name, self.spec.classes), "class")
        return torch.tensor([self.spec.classes.index(name) if self.classes else 0])

    def class_weights(self, given: Given | None, n: int) -> Tensor | None:
        """[n, K] on the model's device; zeros mean no class in particular; None for a model without classes."""
        if not self.classes:
            return None
        if given is None or given.classes is None:
            return torch.zeros(n, self.classes, device=self.device)
        return given.classes.to(self.device)

    def save(self, folder: Path) -> None:
        """Write the weights as safetensors."""
        save_file({name: tensor.contiguous() for name, tensor in weights_of(self).items()}, folder / "model.safetensors")

    def restore(self, folder: Path) -> None:
        """Read the weights; raises BadCheckpoint when they do not fit or are not finite."""
        give_weights(self, load_file(folder / "model.safetensors"))


class LatentModel(GenerativeModel):
    """A family whose every item comes from a latent: VAE, GAN, diffusion (its noise is its latent)."""

    latent_shape: tuple[int, ...]
    encodes_at_once: ClassVar[bool] = False  # or it looks for latents, which takes seconds

    def prior(self, n: int, seed: int, given: Given | None = None) -> Tensor:
        """[n, *L] latents to draw such items from, row i from seed + i: standard normal, where a family knows none better."""
        return self.normal(noises_of(n, seed))

    def normal(self, noises: list[torch.Generator]) -> Tensor:
        """[n, *L] standard normal latents, one from each generator, drawn on the CPU."""
        return torch.stack([torch.randn(self.latent_shape, generator=noise) for noise in noises]).to(self.device)

    def truncated(self, z: Tensor, share: float) -> Tensor:
        """Latents [n, *L] at this share of their distance from the middle of what is like them."""
        return z * share

    def decode(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Tensor:
        """Items [n, C, H, W] or [n, 2] in [-1, 1] from latents [n, *L]; the same latents give the same items."""
        raise NotImplementedError

    @torch.no_grad()
    def unfold(self, z: Tensor, given: Given | None = None, settings: Config | None = None) -> Iterator[Draft]:
        """The way from latents [n, *L] to items, step by step; most families go there at once."""
        yield Draft(self.decode(z, given, settings), 1, 1)

    def judge(self, x: Tensor, given: Given | None = None) -> Tensor | None:
        """[n] how real the model holds items to be, from 0 to 1; None for a family that does not judge."""
        return None

    def encode(self, x: Tensor, given: Given | None = None, settings: Config | None = None) -> Iterator[Encoding]:
        """Latents that `decode` with these settings brings as close to items [n, C, H, W] or [n, 2] as it can.

        The last record is the result, those before it show how far the search is. Raises BadSetting for items that are
        not of the model's shape, and for a family that cannot encode.
        """
        raise BadSetting("A {model} cannot encode images; choose images from the prior.", model=type(self).__name__)

    def fitting(self, x: Tensor) -> Tensor:
        """Items [n, *shape] on the model's device; raises BadSetting unless they have the shape that the model draws."""
        if not len(x) or tuple(x.shape[1:]) != self.spec.shape:
            raise BadSetting(
                "What was given ({n:,}) is {shape}; this model encodes what is {possible}.",
                n=len(x),
                shape=size_in_words(x.shape[1:]),
                possible=size_in_words(self.spec.shape),
            )
        return x.to(self.device)

    @torch.no_grad()
    def sample(self, n: int, settings: Config, seed: int, given: Given | None = None) -> Iterator[Draft]:
        z = self.truncated(self.prior(n, seed, given), getattr(settings, "truncation", 1.0))
        blocks = [self.decode(z[s], given and given.rows(s), settings) for s in blocks_of(n)]
        yield Draft(torch.cat(blocks), 1, 1)

    def coarse_settings(self) -> Config:
        """How to draw quickly where a rough picture will do."""
        return self.SamplingSettings()

    @torch.no_grad()
    def directions(self, k: int, seed: int) -> tuple[Tensor, Tensor]:
        """Basis [k, *L] of unit vectors and the spread [k] of the prior along each, strongest first.

        Principal components of the output regressed back to the latent, as GANSpace does for BigGAN
        (Härkönen et al. 2020, eq. 2); a family whose latent has axes of its own overrides this.
        """
        n = 2048  # several draws a dimension, or the weaker directions are noise
        z, given, coarse = self.prior(n, seed), self.given_labels(None, n), self.coarse_settings()
        x = torch.cat([self.decode(z[s], given.rows(s), coarse) for s in blocks_of(n)]).flatten(1)
        k = min(k, z[0].numel(), x[0].numel())
        basis = strongest(x - x.mean(0), k).T @ z.flatten(1)  # [k, L]  least squares, as those are orthonormal
        basis = orthonormal(basis.T).T if z[0].numel() >= k else basis
        return basis.reshape(-1, *self.latent_shape), torch.ones(len(basis))


def noises_of(n: int, seed: int) -> list[torch.Generator]:
    """Where the randomness of n items comes from: that of item i from seed + i."""
    check_count(n)
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def size_of(family: type[GenerativeModel], spec: DataSpec, settings: CommonSettings) -> int:
    """The number of parameters that a model would have, found without taking memory for them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in family(spec, settings).parameters())


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """[n, K] weights of labels [n]; a label of -1 gives zeros."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def blocks_of(n: int, size: int = 256) -> list[slice]:
    """Slices that cover n items in blocks that fit in memory."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def mlp_only(network: str, modality: str, otherwise: str) -> str:
    """The network that `auto` stands for; raises BadSetting for one that needs images where there are none."""
    kind = MODALITIES[modality]
    if not kind.pixels and network not in ("auto", "mlp"):
        raise BadSetting(
            "network is {network!r}, which looks at images; for {things} it must be auto or mlp.",
            "network",
            network=network,
            things=kind.things,
        )
    return network if network != "auto" else otherwise if kind.pixels else "mlp"


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """All weights and statistics by name; those that several layers share, under the first of their names alone."""
    first = {*dict(module.named_parameters()), *dict(module.named_buffers())}
    return {name: tensor for name, tensor in module.state_dict().items() if name in first}


def give_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put such weights into a module; raises BadCheckpoint when they do not fit or are not finite."""
    held = weights_of(module)
    check_weights({**_lacking(module, weights, held), **weights}, held)
    module.load_state_dict(weights, strict=False)  # what is shared has got its values under its first name


def check_weights(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise BadCheckpoint unless the weights have the names and shapes that the model has, and are finite."""
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or extra:
        raise BadCheckpoint(
            "Checkpoint does not fit: {n} tensors are missing and {extra} unexpected (for example {name!r}).",
            n=len(missing),
            extra=len(extra),
            name=(missing or extra)[0],
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise BadCheckpoint(
                "Checkpoint does not fit: {name!r} is {shape}, this model needs {expected}.",
                name=name,
                shape=_size(tensor.shape),
                expected=_size(expected[name].shape),
            )
    broken = [name for name, tensor in found.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise BadCheckpoint(
            "Checkpoint holds NaN or infinity in {n} tensors ({broken!r} first); not loaded.", n=len(broken), broken=broken[0]
        )


def _lacking(module: nn.Module, weights: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What weights lack because they are older than a part of the module, which then stays as it is built."""
    parts = [[f"{path}.{name}" for name in getattr(part, "newer", ())] for path, part in module.named_modules()]
    return {name: held[name] for part in parts if not set(part) & set(weights) for name in part}


def size_in_words(shape: Sequence[int]) -> str:
    """The size of an item: 64×48 in colour, 28×28 in grey; of anything else its numbers."""
    if len(shape) == 3 and shape[0] in (1, 3):
        size = {"width": shape[2], "height": shape[1]}
        return Message("{width}×{height} in colour", **size) if shape[0] == 3 else Message("{width}×{height} in grey", **size)
    return _size(shape)


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or Message("a single number")
