"""Likelihood: how probable a model holds what it never saw; of diffusion the error at each level of noise."""

import math

from torch import Tensor

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class, there


def _nats(fake: Evidence, real: Real) -> Value:
    nats = there(real.test.nats)
    return Value(float(nats.double().mean()), by_class(nats, real.test.wished, real.classes))


def _errors(fake: Evidence, real: Real) -> Value:
    errors = there(real.test.errors).double().mean(0)  # [S]
    return Value(float(errors.mean()), dict(zip(real.levels, errors.tolist(), strict=True)))


def _bits(fake: Evidence, real: Real) -> Value:
    nats, size = there(real.test.spelled).double().T
    groups = {}
    if real.test.wished is not None:
        of = [real.test.wished == k for k in range(len(real.classes))]
        groups = {name: _a_byte(nats[own], size[own]) for name, own in zip(real.classes, of, strict=True) if own.any()}
    return Value(_a_byte(nats, size), groups)


def _a_byte(nats: Tensor, size: Tensor) -> float:
    return float(nats.sum() / size.sum().clamp(min=1)) / math.log(2)


BITS = Metric(
    Message("Bits a byte"),
    Message("What a byte of the test part costs under the model, the ends of documents counted in; 8 is pure noise."),
    "lower",
    _bits,
    frozenset({"spelled"}),
    fair=False,  # some are harder to write
)
LIKELIHOOD = Metric(
    Message("Likelihood"),
    Message(
        "Nats that a test item costs under the model with its standard normal prior, by the importance-weighted bound with k "
        "latents (Burda et al. 2016); pixels are black or white by chance."
    ),
    "lower",
    _nats,
    frozenset({"nats"}),
    fair=False,  # some are harder to draw
    slow=True,
)
DENOISING = Metric(
    Message("Denoising error"),
    Message("The mean squared error of what the model predicts of test items with noise, over levels of it."),
    "lower",
    _errors,
    frozenset({"errors"}),
    fair=False,  # its groups are levels of noise
)
