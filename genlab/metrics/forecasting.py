"""Forecasting: how near drawn paths come to what came, and whether they are as unsure as they should be."""

import torch
from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class, there

BAND = 0.9  # of what comes shall lie in the band that is held against it


def crps(paths: Tensor, came: Tensor) -> Tensor:
    """[...] the continuous ranked probability score of drawn values [..., P] against what came [...], lower is better.

    E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007), unbiased for any P (Ferro 2014).
    """
    drawn = paths.sort(-1).values
    n = drawn.shape[-1]
    weights = 2 * torch.arange(1, n + 1, dtype=drawn.dtype) - n - 1
    return (drawn - came[..., None]).abs().mean(-1) - (drawn * weights).sum(-1) / (n * (n - 1))


def band(paths: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """What of drawn values [..., P] holds this share of what comes, if paths are right: those at equal ranks from both ends."""
    drawn = paths.sort(-1).values
    out = max(1, round((drawn.shape[-1] + 1) * (1 - share) / 2))
    return drawn[..., out - 1], drawn[..., -out]


def within(paths: Tensor, came: Tensor, share: float) -> Tensor:
    """[...] 1 where what came lies in the band, 0 where it does not, NaN where nothing was measured."""
    low, high = band(paths, share)
    return ((came >= low) & (came <= high)).double().masked_fill(came.isnan(), torch.nan)


def _against_before(fake: Evidence, real: Real) -> Value:
    came, before, paths = _parts(real)
    scores, errors = crps(paths, came), (came - before).abs()
    label = real.test.wished
    of = {} if label is None else {name: label == k for k, name in enumerate(real.classes)}
    groups = {name: float(scores[own].nanmean() / errors[own].nanmean()) for name, own in of.items()}
    groups = {name: number for name, number in groups.items() if number == number}  # those of whom some were foretold
    return Value(float(scores.nanmean() / errors.nanmean()), groups)


def _off_band(fake: Evidence, real: Real) -> Value:
    came, _, paths = _parts(real)
    inside = within(paths, came, BAND).nanmean(1)
    label = real.test.wished
    told = ~inside.isnan()
    shares = by_class(inside[told], None if label is None else label[told], real.classes)
    return Value(abs(float(inside.nanmean()) - BAND), {name: abs(share - BAND) for name, share in shares.items()})


def _parts(real: Real) -> tuple[Tensor, Tensor, Tensor]:
    forecasts = there(real.test.forecasts).double()
    return forecasts[..., 0], forecasts[..., 1], forecasts[..., 2:]


CRPS = Metric(
    Message("CRPS against as before"),
    Message(
        "The continuous ranked probability score of drawn paths over the last values of held-out series, divided by the error of "
        "saying that all stays as before (Gneiting & Raftery 2007); 0 knows what comes, 1 is no better than that."
    ),
    "lower",
    _against_before,
    frozenset({"forecasts"}),
    fair=False,  # some are harder to foretell
)
BANDS = Metric(
    Message("Error of the 90 % band"),
    Message("How far the share of held-out values that lie in the band of nine tenths of the drawn paths is from 90 %."),
    "lower",
    _off_band,
    frozenset({"forecasts"}),
)
