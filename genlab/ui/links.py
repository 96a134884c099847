"""Links: addresses whose query opens a view of the page again, in any browser."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from genlab import latent
from genlab.data import list_datasets
from genlab.errors import BadSetting, GenlabError
from genlab.models import LatentModel
from genlab.registry import unknown
from genlab.training.checkpoint import Trained, list_models
from genlab.training.run import list_runs
from genlab.ui import explorer
from genlab.ui.explorer import Looking, Point
from genlab.ui.words import say

LONGEST = 9000  # characters of a latent; what is longer is named by its seed and how far it is from there


@dataclass(frozen=True)
class Link:
    """What of a link can be opened, and a sentence for each part that cannot."""

    query: dict[str, str]
    tab: str | None
    dataset: str | None
    model: str | None
    faults: list[str]


def read(query: dict[str, str], tabs: tuple[str, ...]) -> Link:
    """The link with this query; the parts that only one tab understands are read there."""
    faults = []
    if (tab := query.get("tab")) not in (None, *tabs):
        faults.append(say("link.unknown_tab", name=tab, possible=", ".join(tabs)))
    known = {"dataset": list_datasets(), "model": list_models(), "run": [run.name for run in list_runs()]}
    found = {kind: query.get(kind) for kind in known}
    for kind, names in known.items():
        if found[kind] not in (None, *names):
            faults.append(unknown(kind, found[kind], names))
            found[kind] = None
    if tab == "latent" and found["model"]:
        faults += _faults_of_latent({**query, "model": found["model"]})
    return Link(query, tab if tab in tabs else None, found["dataset"], found["model"], faults)


class LatentLink(Looking):
    """The part of a link that only the Latent space tab understands."""

    z: str | None = None  # the latent itself, as `latent.to_text` writes it
    seed: str | None = None  # or that of the prior's row it starts from,
    at: str | None = None  # and its coordinates along the axes
    label: str | None = Field(None, alias="class")
    mix: str | None = None  # or the weight of each class


def to_latent(trained: Trained, model: LatentModel, point: Point) -> dict[str, str]:
    """The query that opens a point of the latent space."""
    query = {"tab": "latent", "model": trained.name}
    text = latent.to_text(explorer.place(trained, model, point).z)
    if len(text) <= LONGEST:
        query["z"] = text
    elif point.base.startswith("prior:"):
        query["seed"] = point.base.removeprefix("prior:")
        query |= {"at": _joined(point.values)} if point.values else {}
    else:
        raise BadSetting(say("link.walk"))
    if model.classes and point.classes == [float(weight == max(point.classes)) for weight in point.classes]:
        return {**query, "class": model.spec.classes[point.classes.index(1)]}
    return {**query, "mix": _joined(point.classes)} if model.classes else query


def from_latent(trained: Trained, model: LatentModel, asked: LatentLink) -> dict[str, Any]:
    """The base, values and class weights that such a query stands for; raises a GenlabError for what it gets wrong."""
    if asked.z is not None:
        latent.from_text(asked.z, model.latent_shape)
        base, values = f"z:{asked.z}", None
    else:
        base = f"prior:{_whole('seed', asked.seed)}" if asked.seed is not None else explorer.home_of(model)
        values = _numbers("at", asked.at) if asked.at else None
    classes = _numbers("mix", asked.mix) if asked.mix else [0.0] * model.classes
    if asked.label is not None:
        given = model.given_labels(model.label_of(asked.label), 1).classes
        classes = [] if given is None else given[0].tolist()
    where = {"base": base, "values": values, "classes": classes}
    point = Point.check({"model": asked.model, "version": asked.version, **where})
    explorer.place(trained, model, point)  # raises what is wrong with it
    return where


def _faults_of_latent(query: dict[str, str]) -> list[str]:
    known = {"model", "z", "seed", "at", "class", "mix"}
    try:
        asked = LatentLink.check({key: query[key] for key in known & set(query)} | {"version": ""})
        from_latent(*explorer.explorable(asked), asked)
    except GenlabError as fault:
        return [str(fault)]
    return []


def _joined(numbers: list[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _numbers(what: str, text: str) -> list[float]:
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise BadSetting(say("link.unread", what=what, given=text[:40]))
    return numbers


def _whole(what: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise BadSetting(say("link.unread", what=what, given=text[:40]))
    return int(text)
