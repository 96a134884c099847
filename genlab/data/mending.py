"""Mending: what the steps of repairs do to a training part."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.library import load
from genlab.data.recipe import Step
from genlab.errors import BadData
from genlab.lazy import late
from genlab.messages import Message

_filled = late("genlab.curves", "filled")
BLOCK = 2**32  # ids of the items that step k adds start at k · BLOCK


def drop(data: Splits, step: Step) -> Dataset:
    rows, _ = rows_of(data.train, step.settings["ids"])
    kept = torch.ones(len(data.train), dtype=torch.bool)
    kept[rows] = False
    return data.train[kept]


def relabel(data: Splits, step: Step) -> Dataset:
    ids, names = step.settings["ids"], step.settings["classes"]
    if len(ids) != len(names):
        raise BadData(
            "Step {key} relabels {n} items to {classes} classes; there must be one for each.",
            key=step.key,
            n=len(ids),
            classes=len(names),
        )
    part = _with_classes(data.parts[step.part], names)
    rows, there = rows_of(part, ids)
    label = part.label.clone()
    label[rows] = _numbers(part, names)[there]
    return part.with_column("label", label)


def fill(data: Splits, step: Step) -> Dataset:
    train, boxes = data.train, step.settings["boxes"]
    height, width = train.spec.shape[-2:]
    for box in boxes:
        top, left, high, wide = box if len(box) == 4 else (-1, 0, 0, 0)
        if not (0 <= top < top + high <= height and 0 <= left < left + wide <= width):
            raise BadData(
                "Step {key} fills the box {box!r}, which does not lie within {height}×{width} pixels.",
                key=step.key,
                box=box,
                height=height,
                width=width,
            )
    rows, there = rows_of(train, step.settings["ids"])
    return train.with_items(rows, filled(train.read(rows), [boxes[i] for i in there.tolist()])) if len(rows) else train


def bridge(data: Splits, step: Step) -> Dataset:
    if not data.spec.kind.gaps:
        raise BadData("Step {key} bridges gaps, which {things} have not; series do.", key=step.key, things=data.spec.kind.things)
    rows, _ = rows_of(data.train, step.settings["ids"])
    return data.train.with_items(rows, [_filled(item) for item in data.train.read(rows)]) if len(rows) else data.train


def rewrite(data: Splits, step: Step) -> Dataset:
    train, ids = data.train, step.settings["ids"]
    places = [*zip(*(step.settings[name] for name in ("starts", "ends", "texts")), strict=False)]
    if not data.spec.kind.reads or {len(ids)} != {len(step.settings[name]) for name in ("starts", "ends", "texts")}:
        raise BadData(
            "Step {key} rewrites places in documents, each with a start, an end and a text; {name} holds {things}, and there are "
            "{n} such places.",
            key=step.key, name=data.name, things=data.spec.kind.things, n=len(places),
        )  # fmt: skip
    rows, there = rows_of(train, ids)
    edits: dict[int, list[tuple[int, int, str]]] = {}
    for row, place in zip(rows.tolist(), there.tolist(), strict=True):
        edits.setdefault(row, []).append(places[place])
    which = torch.tensor(sorted(edits), dtype=torch.long)
    if not len(which):
        return train
    return train.with_items(
        which, [_edited(item, sorted(edits[row]), step) for row, item in zip(which.tolist(), train.read(which), strict=True)]
    )


def weigh(data: Splits, step: Step) -> Dataset:
    weights = step.settings["weights"]
    if not all(weight >= 0 for weight in weights.values()):
        raise BadData("Step {key} has a weight below 0; a weight is a number from 0 up.", key=step.key)
    by_class = torch.tensor([*(float(weights.get(name, 1)) for name in data.train.spec.classes), 1.0])  # label -1 finds the last
    weight = by_class[data.train.label]
    if not weight.sum() > 0:
        raise BadData("Step {key} weighs every item 0, so that nothing would be drawn.", key=step.key)
    return data.train.with_column("weight", weight)


def merge(data: Splits, step: Step) -> Dataset:
    other = load(step.settings["dataset"])
    if other.spec.modality != data.spec.modality:
        held = [Message("{name} holds {things}", name=s.name, things=s.spec.kind.things) for s in (other, data)]
        raise BadData("{held}; merge {things} into {things} alone.", held=held, things=data.spec.kind.things)
    if other.train.fingerprint != step.settings["fingerprint"]:
        raise BadData("{name} is no longer what it was when it was merged: its fingerprint has changed.", name=other.name)
    data.train.check_growth(len(other.train), len(other.train))
    train = _with_classes(data.train, other.spec.classes)
    numbers = torch.cat([_numbers(train, other.spec.classes), torch.tensor([-1])])
    told = {"label": numbers[other.train.label], "id": added_ids(step.key, len(other.train))}
    items, spec = other.train.read(slice(None)), train.spec
    added = items if other.spec.shape == spec.shape else spec.kind.brought_to(items, spec.shape)
    return train.extended(Dataset.of(other.name, spec, added, {**other.train.columns, **told}))


def filled(images: Tensor, boxes: Sequence[Sequence[int]], rounds: int = 200) -> Tensor:
    """Images uint8 [n, C, H, W] whose boxes are as smooth as their rims allow: the solution of Laplace's equation."""
    inside = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool)
    for mask, (top, left, high, wide) in zip(inside, boxes, strict=True):
        mask[:, top : top + high, left : left + wide] = True
    x = torch.where(inside, images.float().masked_fill(inside, torch.nan).nanmean((2, 3), keepdim=True).nan_to_num(127.5), images)
    for _ in range(rounds):  # Jacobi's iteration
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        mean = (padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]) / 4
        x = torch.where(inside, mean, x)
    return x.round().to(torch.uint8)


def _edited(item: Tensor, edits: Sequence[tuple[int, int, str]], step: Step) -> Tensor:
    """A document of bytes with other texts at some places, which come in order."""
    content, pieces, at = item.numpy().tobytes(), list[bytes](), 0
    for start, end, text in edits:
        if not at <= start <= end <= len(content):
            raise BadData(
                "Step {key} rewrites the bytes {start:,} to {end:,} of a document of {n:,}; such places must lie within it, "
                "one after the other.",
                key=step.key, start=start, end=end, n=len(content),
            )  # fmt: skip
        pieces += [content[at:start], text.encode(errors="replace")]
        at = end
    return torch.from_numpy(np.frombuffer(bytearray(b"".join([*pieces, content[at:]])), np.uint8))


def _with_classes(train: Dataset, names: Sequence[str]) -> Dataset:
    """The same items where all these classes are known."""
    new = dict.fromkeys(name for name in names if name and name not in train.spec.classes)
    return replace(train, spec=replace(train.spec, classes=(*train.spec.classes, *new)))


def _numbers(train: Dataset, names: Sequence[str]) -> Tensor:
    number = {name: k for k, name in enumerate(train.spec.classes)} | {"": -1}
    return torch.tensor([number[name] for name in names], dtype=torch.long)


def added_ids(key: int, n: int) -> Tensor:
    """[n] ids of the items that the step with this key adds."""
    return key * BLOCK + torch.arange(n)


def rows_of(data: Dataset, ids: Tensor | list[int]) -> tuple[Tensor, Tensor]:
    """Where items are: (their rows in the dataset, their places in `ids`); ids that are gone are left out."""
    wanted = torch.as_tensor(ids, dtype=torch.long)
    order = data.id.argsort()
    found = torch.searchsorted(data.id[order], wanted).clamp(max=max(len(data) - 1, 0))
    there = (data.id[order][found] == wanted).nonzero()[:, 0] if len(data) else wanted[:0]
    return order[found[there]], there
