"""Usefulness: how well a classifier that learnt from samples alone knows real items (CAS; Ravuri & Vinyals 2019)."""

import torch

from genlab.data import Dataset, DataSpec
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, by_class, there
from genlab.metrics.judge import Way, learnt


def _cas(fake: Evidence, real: Real) -> Value:
    items, label = there(fake.items), there(fake.wished)
    spec = DataSpec("image", tuple(items.shape[1:]), real.classes)
    columns = {"label": label, "id": torch.arange(len(label))}
    samples = Dataset.of("samples", spec, spec.kind.to_stored(items), columns)[label >= 0]
    truth = there(real.test.wished)
    if not len(samples) or not bool((truth >= 0).any()):
        raise BadSetting("{title} needs labels, of which these items have none.", "metrics", title=CAS.title)
    order = torch.tensor(sorted(range(len(samples)), key=samples.hashes.__getitem__))  # so that theirs changes nothing
    judge = learnt(samples[order], way=WAY)
    seen = judge.look(there(real.test.items))[1].argmax(1)
    right = (seen == truth).double()
    return Value(float(right[truth >= 0].mean()), by_class(right, truth, real.classes))


WAY = Way(augment="none")
CAS = Metric(
    Message("Classification accuracy"),
    Message("How often a classifier that learnt from samples alone knows the class of test items (CAS)."),
    "higher",
    _cas,
    frozenset({"items", "wished", "seen"}),
    fewest=100,
    slow=True,
)
