"""SeriesModel: what the families share that go on with series: a value is foretold as a mixture of normal distributions."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.config import Config
from genlab.data import Batch, Dataset
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.models.base import Draft, GenerativeModel, Given
from genlab.models.sequence import Place, Reader, SequenceModel, gumbel
from genlab.models.settings import SeriesSampling, check_count, check_seeds
from genlab.models.tokens import READ

NO_TEXTS = Message("This model goes on with series and reads no texts; ask it for a forecast.")
LEAST = -6.0  # logarithm of the least deviation that a value is foretold with
USUAL = -1.5  # that of the first step
HORIZON = 16  # values at the end of a held-out series that are foretold from those before


class SeriesModel(SequenceModel):
    """Goes on with a series value after value, each drawn from what it holds likely after those before it.

    A place is the values [C] of a time, NaN where nothing was measured, and NaN before the first; the network is told which.
    """

    modalities: ClassVar[tuple[str, ...]] = ("series",)
    writes = False
    inside: ClassVar[tuple[str, ...]] = ()

    def _build(self, vocabulary: int) -> None:
        super()._build(self.settings.components * (1 + 2 * self.spec.shape[1]))  # numbers that foretell a place

    def prepare(self, data: Dataset, folder: Path) -> None:
        x = data.inputs(torch.arange(len(data))[:: max(1, len(data) // READ)])
        if not bool((~x.isnan()).any()):
            raise BadSetting("There is nothing to learn: the series of the training part have no values.")
        share = (self.lengths(x) / self.settings.context).clamp(min=1)  # of a longer one a window is seen
        self.tokens_an_item.fill_(float((self.told(x).flatten(1).sum(1) / share).mean()))

    def adopt(self, source: Self) -> None:
        """Networks for series need no vocabulary."""

    def tokens_of(self, codes: Tensor) -> Tensor:
        return F.pad(codes, (0, 0, 1, 0), value=math.nan)

    def lengths(self, x: Tensor) -> Tensor:
        known = self.told(x).any(2)
        return (known * torch.arange(1, x.shape[1] + 1, device=x.device)).amax(1)

    def told(self, x: Tensor) -> Tensor:
        return ~x.isnan()

    # --- How it learns ---

    @classmethod
    def check(cls, settings: Any, modality: str) -> None:
        super().check(settings, modality)
        if settings.tokens != "characters":
            raise BadSetting("Series have no tokens; leave tokens at characters, or choose texts.", "tokens")

    @classmethod
    def loss_unit(cls, settings: Any, modality: str = "series") -> str:
        return Message("nats a value: negative log-likelihood")

    @classmethod
    def log_units(cls, settings: Any) -> dict[str, str]:
        return {}

    def logs(self, value: Tensor) -> dict[str, Tensor]:
        return {}

    def spelled(self, batch: Batch) -> None:
        return None

    def read(self, text: str, k: int = 8, given: Given | None = None) -> list[Place]:
        raise BadSetting(NO_TEXTS, "text")

    def _at_once(self, text: str, given: Given | None, most: int) -> tuple[Tensor, Tensor | None]:
        raise BadSetting(NO_TEXTS, "text")

    def _each(self, x: Tensor, shift: Tensor | None) -> Tensor:
        """[B, T - 1] nats of each but the first of the places x [B, T, C], of what of them is there."""
        outputs, _ = self.logits(x[:, :-1], shift)
        return nats(mixture(outputs.float(), last(x)[:, :-1]), x[:, 1:])

    # --- How it goes on ---

    @torch.no_grad()
    def sample(self, n: int, settings: Config, seed: int, given: Given | None = None) -> Iterator[Draft]:
        """Draw n series from nothing; the noise of the value at place t of sample i depends on (seed + i, t) alone."""
        assert isinstance(settings, SeriesSampling)
        check_count(n)
        begun = torch.full((n, 1, self.spec.shape[1]), math.nan, device=self.device)
        often = max(1, settings.length // 16)
        for step, x in enumerate(self._paths(begun, settings, addressed(seed, n), given), 1):
            if step % often == 0 or step == settings.length:
                room = max(self.spec.shape[0], settings.length) - step
                yield Draft(F.pad(x[:, 1:].cpu(), (0, 0, 0, room), value=math.nan), step, settings.length)

    @torch.no_grad()
    def forecast(
        self, known: Tensor, length: int, paths: int = 100, seed: int = 0, temperature: float = 1.0, given: Given | None = None
    ) -> Tensor:
        """[paths, length, C] how a series that is known so far, [T, C], may go on; path i from seed + i."""
        check_count(paths)
        check_seeds(seed, paths)
        if known.ndim != 2 or known.shape[1] != self.spec.shape[1]:
            raise BadSetting(
                "What is known is {shape}; this model goes on with series of {channels:,} values at a time.",
                shape="×".join(map(str, known.shape)),
                channels=self.spec.shape[1],
            )
        begun = self.tokens_of(known.float()[None].to(self.device))
        settings = SeriesSampling.parse({"length": length, "temperature": temperature})
        *_, x = self._paths(begun, settings, addressed(seed, paths), given, paths)
        return x[:, begun.shape[1] :].cpu()

    @torch.no_grad()
    def forecasts(self, batch: Batch, paths: int, horizon: int = HORIZON) -> Tensor:
        x = self.tokens_of(batch.x)
        found = torch.full((len(x), horizon, x.shape[2], 2 + paths), math.nan)
        lengths = self.lengths(x)
        for length in lengths.unique().tolist():  # those that are as long go on together
            start, of = length - horizon, (lengths == length).nonzero()[:, 0]
            if start > 1:
                known, given = x[of, :start], self._given(batch.label[of])
                *_, gone = self._paths(known, SeriesSampling.parse({"length": horizon}), by_chance, given, paths)
                drawn = gone[:, start:].unflatten(0, (-1, paths)).permute(0, 2, 3, 1)  # [n, H, C, P]
                before = last(known)[:, -1:, :, None].expand(-1, horizon, -1, -1)
                found[of.cpu()] = torch.cat([x[of, start:length, :, None], before, drawn], 3).cpu()
        return found.flatten(1, 2)

    def _given(self, label: Tensor) -> Given:
        return Given(self._weights(label))

    def _paths(
        self, x: Tensor, settings: SeriesSampling, noise: "Noise", given: Given | None, paths: int = 1
    ) -> Iterator[Tensor]:
        """Each of the series x [n, T, C] so many times, [n·P, T, C], with one value more each time."""
        reader = Reader(self, self._shift_of(self.class_weights(given, len(x))))
        first = reader.read(x).repeat_interleave(paths, 0)
        reader.spread(paths)
        x = x.repeat_interleave(paths, 0)
        before = last(x)[:, -1].cpu()
        for step in range(settings.length):
            weights, means, deviations = mixture((reader.read(x) if step else first).float().cpu(), before)
            chance, z = noise(x.shape[1], weights.shape, x.shape[2])
            logits = weights.double() / (settings.temperature or 1)
            chosen = (logits + chance if settings.temperature else logits).argmax(1)
            own = torch.arange(len(x)), chosen
            before = means[own] + settings.temperature * deviations[own].exp() * z
            x = torch.cat([x, before[:, None].to(x)], 1)
            yield x

    def evaluations(self, settings: Any) -> int:
        return int(settings.length)

    # --- Its files ---

    def save(self, folder: Path) -> None:
        GenerativeModel.save(self, folder)

    def restore(self, folder: Path) -> None:
        GenerativeModel.restore(self, folder)


class Values(nn.Module):
    """Vectors [n, T, W] for the values x [n, T, C] of series, and for which of them are there."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * channels, width)

    def forward(self, x: Tensor) -> Tensor:
        vectors: Tensor = self.linear(torch.cat([x.nan_to_num(), x.isnan().to(x)], 2))
        return vectors


Mixture = tuple[Tensor, Tensor, Tensor]  # log-weights [..., K], means and log-deviations [..., K, C]


def mixture(outputs: Tensor, before: Tensor) -> Mixture:
    """What outputs [..., K·(1 + 2C)] foretell after the last known values [..., C] (mixture density network, Bishop 1994)."""
    channels = before.shape[-1]
    parts = outputs.unflatten(-1, (-1, 1 + 2 * channels))  # [..., K, 1 + 2C]
    weights, moves, widths = parts.split([1, channels, channels], -1)
    deviations = LEAST + F.softplus(widths + USUAL - LEAST)
    return weights[..., 0].log_softmax(-1), before[..., None, :] + moves, deviations


def nats(foretold: Mixture, x: Tensor) -> Tensor:
    """[...] negative log-density of the values x [..., C]; what is not there costs nothing."""
    weights, means, deviations = foretold
    known = ~x.isnan()[..., None, :]
    away = (x.nan_to_num()[..., None, :] - means) / deviations.exp()
    each = (-away.square() / 2 - deviations - math.log(2 * math.pi) / 2) * known
    return -(weights + each.sum(-1)).logsumexp(-1)


def last(x: Tensor) -> Tensor:
    """The last value known at every place of x [n, T, C], 0 before the first."""
    places = torch.arange(x.shape[1], device=x.device)[:, None] * ~x.isnan()
    return x.gather(1, places.cummax(1).values).nan_to_num()


Noise = Callable[[int, Sequence[int], int], tuple[Tensor, Tensor]]  # place, [n, K], C -> Gumbel [n, K], standard normal [n, C]


def addressed(seed: int, n: int) -> Noise:
    """Noise of n series that depends on (seed + i, place) alone."""

    def noise(place: int, size: Sequence[int], channels: int) -> tuple[Tensor, Tensor]:
        drawn = [np.random.Generator(np.random.Philox(counter=[0, place, 1, 0], key=seed + i)) for i in range(n)]
        z = np.stack([own.standard_normal(channels, np.float32) for own in drawn])
        return torch.stack([gumbel(seed + i, place, size[1]) for i in range(n)]), torch.from_numpy(z)

    return noise


def by_chance(place: int, size: Sequence[int], channels: int) -> tuple[Tensor, Tensor]:
    """Noise from torch's own generator, for many at once."""
    return -(-torch.rand(tuple(size), dtype=torch.double).log()).log(), torch.randn(size[0], channels)
