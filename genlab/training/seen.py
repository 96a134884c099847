"""Seen: what a run remembers of the data that it learns, so that it never goes on with others of that name unawares."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.data import Splits
from genlab.errors import RunFault
from genlab.training.checkpoint import read_config
from genlab.training.run import Run, at_a_glance


def check_same(run: Run, data: Splits, write: bool = True) -> None:
    """Raise RunFault with what differs unless these are the data that a run learns; at its first start they are remembered."""
    dataset = run.record["dataset"]
    if data.name != dataset:
        raise RunFault(f"The run {run.name!r} learns {dataset}, but was given {data.name}; give it load({dataset!r}).")
    was, now = _remembered(run), _known(data)
    if told := _differences(was, now):
        raise RunFault(
            f"{dataset} is no longer what the run {run.name!r} began to learn: {'; '.join(told)}. "
            f"Bring the old {dataset} back to go on, or start a new run."
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


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, for all that was known."""
    other = {name for name, value in was.items() if now.get(name) != value}
    if other == {"recipe"}:
        return []  # other words for the same data
    told = {
        "recipe": lambda: f"its recipe was “{was['recipe']}” and is “{now['recipe']}”",
        "shape": lambda: f"its items were {_size(was['shape'])} and are {_size(now['shape'])}",
        "classes": lambda: f"its classes were {_names(was['classes'])} and are {_names(now['classes'])}",
        "items": lambda: f"it had {was['items']:,} items and has {now['items']:,}",
        "weights": lambda: "its items are weighted otherwise",
    }
    words = [tell() for name, tell in told.items() if name in other]
    return words or (["its items are others"] if "fingerprint" in other else [])


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _names(classes: Sequence[str]) -> str:
    return ", ".join(classes[:12]) + (f" and {len(classes) - 12} more" if len(classes) > 12 else "") or "none"
