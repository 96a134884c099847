"""Leaks: items of the held-out parts that are in the training part, too."""

from collections.abc import Iterator

import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.mending import added_ids
from genlab.data.recipe import Recipe
from genlab.features import LOOKALIKES, Features, Lookalikes
from genlab.messages import Message
from genlab.quality.defect import ANY, Finding, Takes, Truth, Whole, check_takes, chosen, dropped
from genlab.quality.duplicates import PAIRS, likely, likeness, made_over
from genlab.quality.settings import LeaksSettings
from genlab.quality.wording import contained
from genlab.sketches import lookalikes, sketches_of

SEVERITY = 0.5  # of copies that are made over
RUN, FEWEST = 32, 20  # bytes of the runs that a document shares with one of the held-out parts, and how many the shorter has


class Leaks(Whole):
    """Leaks: see the protocol `Defect`."""

    Settings = LeaksSettings
    takes: Takes = {"image": None, "text": None, ANY: ("exact",)}
    lowers: tuple[str, ...] = ("consistency",)

    def inject(self, data: Splits, settings: LeaksSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("leaks", data, settings)
        leaked = data.test[chosen(data.test, settings.rate, seed)]
        if settings.kind == "near":
            leaked = made_over(leaked, "near", SEVERITY, seed)
        ids = added_ids(key, len(leaked))
        return data.train.extended(leaked.with_column("id", ids)), Truth(added=ids)

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        scores = torch.zeros(len(data.train))
        for part in (data.validation, data.test):
            if data.spec.kind.pixels:
                scores = torch.maximum(scores, _nearly_in(data.train, part, features))
            elif data.spec.kind.reads:
                scores = torch.maximum(scores, contained(data.train, part, RUN, FEWEST))
            held_out = set(part.hashes)
            scores[torch.tensor([content in held_out for content in data.train.hashes])] = 1
        sentence = Message("Test items within the training part: every measure on the test part flatters the model.")
        yield Finding("leaks", sentence, data.train.id, scores, scores > 0.5)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def _nearly_in(train: Dataset, part: Dataset, features: Features) -> Tensor:
    """[N] how much like its nearest held-out look-alike each training image is, 0.5 being the limit for copies made over."""
    found = Lookalikes.of(lookalikes(sketches_of(part), min(LOOKALIKES, len(train)), features.sketches))
    rows, mirrored, (may_be, apart) = found.rows[:, 0], found.mirrored[:, 0], likely(found)
    scores, alike = torch.zeros(len(train)), may_be[:, 0].nonzero()[:, 0]
    for theirs in alike.split(PAIRS) if len(alike) else ():
        like = likeness(train.read(rows[theirs]), part.read(theirs), mirrored[theirs], apart[theirs])
        scores.scatter_reduce_(0, rows[theirs], like, "amax")
    return scores
