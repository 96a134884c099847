"""Label errors: items in the wrong class, at random or confused with a class that looks alike."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.data.dataset import Dataset, Splits, even_rows
from genlab.data.recipe import Recipe
from genlab.features import Features, Predictions
from genlab.messages import Message
from genlab.quality.defect import ANY, Check, Finding, Takes, Truth, Verdict, chosen, generator, needs_classes
from genlab.quality.settings import LabelErrorsSettings

CLEAR = 0.3  # by how much the score of another class exceeds that of the given one
SURELY = 0.6  # by how much more probable it is, where the check itself is often wrong
DOUBTED = 0.02  # share of the validation documents that may be contradicted as clearly as one that is flagged


class LabelErrors:
    """Label errors: see the protocol `Defect`."""

    Settings = LabelErrorsSettings
    takes: Takes = {"image": None, "points": None, "text": None, ANY: ("uniform",)}
    lowers: tuple[str, ...] = ("accuracy",)

    def inject(self, data: Splits, settings: LabelErrorsSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        train = data.train
        needs_classes(data)
        rows = chosen(train, settings.rate, seed)
        rows = rows[train.label[rows] >= 0]
        old, classes = train.label[rows], len(train.spec.classes)
        if settings.kind == "uniform":
            steps = [int(generator(seed, item).integers(1, classes)) for item in train.id[rows].tolist()]
            new = (old + torch.tensor(steps, dtype=torch.long)) % classes
        else:
            new = most_alike(train)[old]
        return train.with_column("label", train.label.index_copy(0, rows, new)), Truth(changed=train.id[rows])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        train = data.train
        if _can_tell(train):
            margin, flagged = suspects(features.predictions, train.label)
            suggestions = features.predictions.scores.argmax(1)
            sentence = Message("Labels that the other items contradict: asked for one class, a conditional model draws another.")
            if data.spec.kind.reads:
                clear, sentence = _doubted(data.validation, features)
                flagged &= margin > clear
            yield Finding("label-errors", sentence, train.id, torch.sigmoid(3 * margin), flagged, suggestions=suggestions)

    def fit(self, clean: Features) -> Check:
        if not _can_tell(clean.data):
            return lambda items: {}

        def check(items: Dataset) -> dict[str, Verdict]:
            margin, wrong = contradicted(clean.classifier(clean.pooled_of(items)), items.label)
            return {"label-errors": Verdict(torch.sigmoid(3 * margin), wrong)}

        return check

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        if not finding.flagged.any() or finding.suggestions is None:
            return recipe
        names = [data.spec.classes[k] for k in finding.suggestions[finding.flagged].tolist()]
        return recipe.then("relabel", {"ids": finding.ids[finding.flagged].tolist(), "classes": names})


def _can_tell(data: Dataset) -> bool:
    """Whether items tell something of their classes, of which there are several."""
    return (data.spec.kind.pixels or data.spec.kind.reads) and int((data.counts > 1).sum()) > 1


def _doubted(held_out: Dataset, features: Features) -> tuple[float, Message]:
    """How clearly a document must be contradicted, so that few are whose sources are right; and what there is to say of it.

    Words tell a source less surely than looks tell what is in a picture.
    """
    margin, _ = contradicted(features.classifier(features.pooled_of(held_out)), held_out.label)
    clear = float(margin.quantile(1 - DOUBTED)) if len(margin) else 0.0
    sentence = Message(
        "Sources that the words contradict: asked for one, a conditional model writes like another. Of {n:,} held-out documents, "
        "which have the right one, {share:.1%} are contradicted as clearly.",
        n=len(margin), share=float((margin > clear).float().mean()),
    )  # fmt: skip
    return clear, sentence


def suspects(predictions: Predictions, label: Tensor) -> tuple[Tensor, Tensor]:
    """How far another class scores above the given one [N], and which labels are held to be wrong [N].

    As many are flagged, from the top, as confident learning counts (Northcutt, Jiang & Chuang 2021), by cleanlab.
    """
    from cleanlab.count import num_label_issues  # slow to import

    margin, wrong = contradicted(predictions, label)
    labelled = label >= 0
    there, dense = label[labelled].unique(return_inverse=True)  # cleanlab wants every class to occur
    probabilities = predictions.probabilities[labelled][:, there].double().numpy()
    probabilities /= probabilities.sum(1, keepdims=True)
    count = num_label_issues(dense.numpy(), probabilities, estimation_method="off_diagonal")
    flagged = torch.zeros(len(label), dtype=torch.bool)
    flagged[margin.argsort(descending=True)[:count]] = True
    return margin, flagged & wrong


def contradicted(predictions: Predictions, label: Tensor) -> tuple[Tensor, Tensor]:
    """How far another class scores above the given one [n], and whether that is clear and sure [n]; no label is never wrong."""
    given = F.one_hot(label.clamp(min=0), predictions.scores.shape[1]).bool()
    margin = predictions.scores.masked_fill(given, -torch.inf).amax(1) - predictions.scores[given]
    margin = margin.masked_fill(label < 0, -10)
    probable = predictions.probabilities.amax(1) - predictions.probabilities[given]
    return margin, (margin > CLEAR) & (probable > SURELY)


def most_alike(train: Dataset) -> Tensor:
    """[K] for each class the one whose mean item is nearest."""
    rows = even_rows(len(train), 20_000)
    x, label = train.spec.kind.vectors(train.read(rows), train.spec.shape), train.label[rows]
    means = torch.stack([x[label == k].mean(0) for k in range(len(train.spec.classes))])  # [K, D]
    distances = torch.cdist(means, means).fill_diagonal_(torch.inf).nan_to_num(torch.inf, torch.inf)
    return distances.argmin(1)
