"""Seen: what a run remembers of the data that it learns, so that it never goes on with others of that name unawares."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.data import Splits
from genlab.errors import RunFault
from genlab.messages import Message, joined, listed
from genlab.training.checkpoint import read_config
from genlab.training.run import Run, at_a_glance


def check_same(run: Run, data: Splits, write: bool = True) -> None:
    """Raise RunFault with what differs unless these are the data that a run learns; at its first start they are remembered."""
    dataset = run.record["dataset"]
    if data.name != dataset:
        raise RunFault(
            "The run {name!r} learns {dataset}, but was given {data_name}; give it load({dataset!r}).",
            name=run.name,
            dataset=dataset,
            data_name=data.name,
        )
    was, now = _remembered(run), _known(data)
    if told := _differences(was, now):
        raise RunFault(
            "{dataset} is no longer what the run {name!r} began to learn: {told}. "
            "Bring the old {dataset} back to go on, or start a new run.",
            dataset=dataset,
            name=run.name,
            told=joined(told, "; "),
        )
    if write and run.record.get("data") != now:
        run.amend(data=now)


def _known(data: Splits) -> dict[str, Any]:
    """All that tells data apart; the weights are those by which items are drawn, of which the fingerprint knows nothing."""
    weight = data.train.columns.get("weight")
    weights = hashlib.sha256(weight.numpy().tobytes()).hexdigest()[:32] if weight is not None else None
    return {**at_a_glance(data), "fingerprint": data.train.fingerprint, "weights": weights}


def _remembered(run: Run) -> Mapping[str, Any]:
    """What the run knows of its data; of one that an older genlab made, what its last checkpoint tells."""
    if known := run.record.get("data"):
        return known
    if not (saved := run.checkpoints()):
        return {}
    config = read_config(saved[-1])
    facts = {**config.get("spec", {}), "fingerprint": config.get("fingerprint")}
    return {name: facts[name] for name in ("shape", "classes", "fingerprint") if facts.get(name) is not None}


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Sequence[str]:
    """In words, for all that was known."""
    other = {name for name, value in was.items() if now.get(name) != value}
    if other == {"recipe"}:
        return []  # other words for the same data
    told = {
        "recipe": lambda: Message("its recipe was “{was}” and is “{now}”", was=was["recipe"], now=now["recipe"]),
        "shape": lambda: Message("its items were {was} and are {now}", was=_size(was["shape"]), now=_size(now["shape"])),
        "classes": lambda: Message(
            "its classes were {was} and are {now}", was=_names(was["classes"]), now=_names(now["classes"])
        ),
        "items": lambda: Message("it had {n:,} items and has {now:,}", n=was["items"], now=now["items"]),
        "weights": lambda: Message("its items are weighted otherwise"),
    }
    words = [tell() for name, tell in told.items() if name in other]
    return words or ([Message("its items are others")] if "fingerprint" in other else [])


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _names(classes: Sequence[str]) -> str:
    if not classes:
        return Message("none")
    shown = listed(classes[:12])
    return Message("{shown} and {n} more", shown=shown, n=len(classes) - 12) if len(classes) > 12 else shown
