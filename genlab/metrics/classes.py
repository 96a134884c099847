"""Agreement: whether a sample is of the class that was asked for, and in which shares classes are drawn, as a judge sees it.

Both are corrected for the judge's own errors, which real items with labels tell (Rogan & Gladen 1978).
"""

import torch
from torch import Tensor

from genlab.algebra import regression
from genlab.messages import Message
from genlab.metrics.evidence import Evidence, Metric, Real, Value, there


def confusion(label: Tensor, seen: Tensor, classes: int) -> Tensor:
    """[K, K] in row i the shares of real items of class i in which the judge sees each class."""
    counts = torch.zeros(classes, classes, dtype=torch.double)
    counts.index_put_((label, seen), torch.ones(len(label), dtype=torch.double), accumulate=True)
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def agreement(wished: Tensor, seen: Tensor, judge: Tensor) -> Tensor:
    """[K] share of the samples that are of the class [m] they were asked for; NaN for classes that were not.

    Where a share α of those asked for i is of i, a judge of confusion `judge` sees i in α Cᵢᵢ + (1 - α) bᵢ, with bᵢ the mean of
    Cⱼᵢ over the other classes. It is not cut off at 1, so that the mean over draws has no bias.
    """
    classes = len(judge)
    right = judge.diagonal()
    wrongly = (judge.sum(0) - right) / max(1, classes - 1)
    told = confusion(wished, seen, classes).diagonal()
    asked = torch.bincount(wished, minlength=classes) > 0
    return ((told - wrongly) / (right - wrongly)).where(asked & (right > wrongly), torch.nan)


def shares(seen: Tensor, judge: Tensor) -> Tensor:
    """[K] the shares of the classes among samples of which a judge of confusion `judge` sees these classes [m]."""
    counts = torch.bincount(seen, minlength=len(judge)).double()
    found = regression(judge.T, (counts / counts.sum())[:, None])[:, 0].clamp(min=0)
    return found / found.sum()


def _agreed(fake: Evidence, real: Real) -> Value:
    wished, probable = there(fake.wished), there(fake.seen)
    seen = probable.argmax(1)
    of_class = agreement(wished, seen, _confusion_of(real))
    told = ~of_class.isnan()
    weight = torch.bincount(wished, minlength=len(of_class)).double().where(told, 0.0)
    groups = {name: float(share) for name, share, is_told in zip(real.classes, of_class, told, strict=True) if is_told}
    wrong = torch.nonzero(seen != wished)[:, 0]
    worst = wrong[probable[wrong, wished[wrong]].argsort(stable=True)]
    return Value(float((of_class.nan_to_num() * weight).sum() / weight.sum().clamp(min=1)), groups, worst)


def _shared(fake: Evidence, real: Real) -> Value:
    drawn, label = shares(there(fake.seen).argmax(1), _confusion_of(real)), there(real.train.wished)
    known = label[label >= 0]
    wanted = torch.bincount(known, minlength=len(drawn)).double() / max(1, len(known))
    return Value(float((drawn - wanted).abs().sum() / 2), {name: float(x) for name, x in zip(real.classes, drawn, strict=True)})


def _confusion_of(real: Real) -> Tensor:
    label, seen = there(real.test.wished), there(real.test.seen).argmax(1)
    return confusion(label[label >= 0], seen[label >= 0], len(real.classes))


AGREEMENT = Metric(
    Message("Agreement"),
    Message("The share of samples that are of the class that was asked for, corrected for the judge's own errors."),
    "higher",
    _agreed,
    frozenset({"wished", "seen"}),
)
SHARES = Metric(
    Message("Distance of class shares"),
    Message("The share of samples that would have to be of another class for the classes to be as frequent as in the data."),
    "lower",
    _shared,
    frozenset({"seen"}),
    fair=False,  # classes may be rare in the data, too
)
