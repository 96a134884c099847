"""Vendi score: how many items that have nothing in common a set is worth, class by class, too (Friedman & Dieng 2023)."""

from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value
from genlab.quality.card import vendi

FEWEST = 10  # samples of a class of which a score is told


def _per_class(fake: Evidence, real: Real) -> Value:
    """That of all samples; beside it that of each class that was asked for, or is seen where nothing was."""
    which = fake.wished if fake.wished is not None else None if fake.seen is None else fake.seen.argmax(1)
    groups = {}
    if which is not None:
        own = {name: fake.features[which == k] for k, name in enumerate(real.classes)}
        groups = {name: vendi(x) for name, x in own.items() if len(x) >= FEWEST}
    return Value(vendi(fake.features), groups)


VENDI = Metric(
    Message("Vendi score"),
    Message("How many samples with nothing in common these are worth; real items tell how many there could be."),
    "higher",
    _per_class,
    fair=False,  # some classes are more alike in the data, too
)
