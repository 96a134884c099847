"""Quoted: how much of what a model writes stands in the training part word for word."""

from genlab.data import Dataset
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there
from genlab.models.tokens import texts_of
from genlab.quoting import MOST, RUN, Quotations


def _quoted(fake: Evidence, real: Real) -> Value:
    copied, size, longest = there(fake.copied).double().T
    groups = {}
    if fake.wished is not None:
        of = {name: fake.wished == k for k, name in enumerate(real.classes)}
        groups = {name: float(copied[own].sum() / size[own].sum().clamp(min=1)) for name, own in of.items() if own.any()}
    worst = longest.argsort(descending=True, stable=True)
    return Value(float(copied.sum() / size.sum().clamp(min=1)), groups, worst[longest[worst] > 0])


def quotations_of(data: Dataset) -> Quotations:
    """What is found again of these documents in other texts; of very many, of some at even distances."""
    return Quotations(texts_of(data, MOST))


QUOTED = Metric(
    Message("Quoted"),
    Message(
        "The share of what was written, by letters and signs, that stands in the training part word for word in runs of at "
        "least {n} words or signs; a text that is shorter counts where it stands there as a whole. The longest runs come first.",
        n=RUN,
    ),
    "lower",
    _quoted,
    frozenset({"copied"}),
)
