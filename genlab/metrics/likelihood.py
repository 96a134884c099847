"""Likelihood: how probable a model holds what it never saw; of diffusion the error at each level of noise."""

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class, there


def _nats(fake: Evidence, real: Real) -> Value:
    nats = there(real.test.nats)
    return Value(float(nats.double().mean()), by_class(nats, real.test.wished, real.classes))


def _errors(fake: Evidence, real: Real) -> Value:
    errors = there(real.test.errors).double().mean(0)  # [S]
    return Value(float(errors.mean()), dict(zip(real.levels, errors.tolist(), strict=True)))


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
