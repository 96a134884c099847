"""Fan: how a series may go on, as drawn paths and the bands that hold half and nine tenths of them, beside what came."""

import io
import json
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from genlab.data import Batch, Dataset
from genlab.errors import BadSetting
from genlab.metrics.forecasting import band, crps, within
from genlab.metrics.inside import PATHS
from genlab.models.series import SeriesModel

BANDS = (0.5, 0.9)  # shares of what comes that they shall hold
CHECKED = 50  # other held-out series over which is measured what they do hold
FAINT = 12  # paths that are shown
COLOUR, CAME = "#0f766e", "#111827"


@dataclass(frozen=True)
class Fan:
    """How a series may go on from where it is known."""

    known: Tensor  # [T, C]
    came: Tensor  # [H, C], NaN where nobody knows
    paths: Tensor  # [P, H, C]

    def bands(self) -> dict[float, tuple[Tensor, Tensor]]:
        """The lower and the upper rim [H, C] of each band."""
        return {share: band(self.paths.movedim(0, -1), share) for share in BANDS}

    def held(self) -> dict[float, float]:
        """The share of what came that lies in each band; NaN where nothing is known to have come."""
        return {share: float(within(self.paths.movedim(0, -1), self.came, share).nanmean()) for share in BANDS}

    def score(self) -> float:
        """CRPS of what came, in the unit of the values."""
        return float(crps(self.paths.movedim(0, -1).double(), self.came.double()).nanmean())

    def told(self) -> dict[str, Any]:
        """All of it as numbers for JSON, null where nothing is known."""
        rims = {f"{share:.0%}": [_plain(rim) for rim in rims] for share, rims in self.bands().items()}
        parts = {"known": self.known, "came": self.came, "middle": self.paths.median(0).values}
        return {**{name: _plain(part) for name, part in parts.items()}, "bands": rims, "paths": _plain(self.paths[:FAINT])}

    def picture(self) -> bytes:
        """A PNG file with a row for every channel."""
        channels = self.known.shape[1]
        figure = Figure((9, 2.6 * channels), layout="constrained")
        start, stop = len(self.known), len(self.known) + len(self.came)
        times = range(start, stop)
        for channel, axes in enumerate(figure.subplots(channels, squeeze=False)[:, 0]):
            for share, (low, high) in sorted(self.bands().items(), reverse=True):
                axes.fill_between(times, low[:, channel], high[:, channel], color=COLOUR, alpha=0.15, lw=0, label=f"{share:.0%}")
            axes.plot(times, self.paths[:FAINT, :, channel].T, color=COLOUR, lw=0.5, alpha=0.5)
            axes.plot(range(start), self.known[:, channel], color=CAME, lw=1.2)
            axes.plot(times, self.came[:, channel], color=CAME, lw=1.2, ls="--")
            axes.spines[["top", "right"]].set_visible(False)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110)
        return content.getvalue()

    def json(self) -> bytes:
        return json.dumps(self.told()).encode()

    def csv(self) -> bytes:
        """A line for every path, a column for every time; of several channels one after another."""
        rows = self.paths.flatten(1).tolist()
        return "".join(",".join(f"{value:.7g}" for value in row) + "\n" for row in rows).encode()


def fan_of(model: SeriesModel, series: Tensor, start: int, length: int, seed: int = 0, temperature: float = 1.0) -> Fan:
    """How a series [T, C] may go on from place `start`, beside what it did."""
    if not 1 <= start <= len(series):
        raise BadSetting(
            "known is {start}; of a series of {n:,} values it must be from 1 to {n:,}.", "known", start=start, n=len(series)
        )
    came = torch.full((length, series.shape[1]), torch.nan)
    there = series[start : start + length]
    came[: len(there)] = there
    return Fan(series[:start], came, model.forecast(series[:start], length, PATHS, seed, temperature))


@torch.no_grad()
def held_over(model: SeriesModel, data: Dataset, start: int, length: int, seed: int = 0) -> tuple[int, dict[float, float]]:
    """Over how many other series of a dataset it was measured, and which share of what came lies in each band."""
    rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))[:CHECKED]
    x = data.inputs(rows)[:, : start + length]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        told = model.forecasts(Batch(x, data.label[rows]).to(model.device), PATHS, min(length, x.shape[1] - 1)).double()
    found = {share: within(told[..., 2:], told[..., 0], share) for share in BANDS}
    return int((~found[BANDS[0]].isnan()).any(1).sum()), {share: float(held.nanmean()) for share, held in found.items()}


def _plain(x: Tensor) -> Any:
    """Nested lists with None for NaN, rounded to what can be seen."""
    if x.ndim:
        return [_plain(row) for row in x]
    value = float(x)
    return None if value != value else round(value, 5)
