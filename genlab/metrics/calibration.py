"""Calibration: whether a model that writes is as often right about the next token as it is sure of it."""

from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there


def calibration_error(sure: Tensor) -> float:
    """Expected calibration error (Guo et al. 2017, eq. 3) of bins [B, 3]: tokens, the sum of how sure it was, hits."""
    n, confidence, hits = sure.double().T
    return float((hits - confidence).abs().sum() / n.sum().clamp(min=1))


def reliability(sure: Tensor) -> dict[str, float]:
    """How often it was right where it was so sure, bin by bin: the reliability curve; a calibrated model has what bins say."""
    width = 100 // len(sure)
    return {f"{i * width}–{(i + 1) * width} %": hits / n for i, (n, _, hits) in enumerate(sure.double().tolist()) if n}


def _measured(fake: Evidence, real: Real) -> Value:
    sure = there(real.test.sure).double().sum(0)  # [B, 3]
    return Value(calibration_error(sure), reliability(sure))


CALIBRATION = Metric(
    Message("Calibration error"),
    Message(
        "How far the share of next tokens that it guesses right lies from how sure it is of its guesses, on the test part, in "
        "ten steps of how sure it is (Guo et al. 2017); behind it stands how often it is right in each."
    ),
    "lower",
    _measured,
    frozenset({"sure"}),
    honest=0.0,
    fair=False,  # its groups are steps of how sure it is
)
