"""Links: addresses whose query opens a view of the page again, in any browser."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from genlab import latent
from genlab.errors import BadSetting, GenlabError
from genlab.models import LatentModel
from genlab.paths import EXAMPLES
from genlab.registry import unknown
from genlab.training.checkpoint import Trained, list_models
from genlab.training.run import list_runs
from genlab.ui.kit import explorer
from genlab.ui.kit.explorer import Looking, Point
from genlab.ui.kit.shared import dataset_choices, may_fetch, open_model
from genlab.ui.words import say

LONGEST = 6000  # characters of a latent; what is longer goes by a shorter name where it has one


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
    runs = [run.name for run in (*list_runs(), *list_runs(EXAMPLES))]
    known = {"dataset": [name for _, name in dataset_choices()], "model": list_models(), "run": runs}
    found = {kind: query.get(kind) for kind in known}
    for kind, names in known.items():
        if found[kind] not in (None, *names) and not (kind == "model" and may_fetch(found[kind])):
            faults.append(unknown(kind, found[kind], names))
            found[kind] = None
    if tab == "latent" and found["model"]:
        faults += _faults_of_latent({**query, "model": found["model"]})
    return Link(query, tab if tab in tabs else None, found["dataset"], found["model"], faults)


class LatentLink(Looking):
    """The part of a link that only the Latent space tab understands."""

    z: str | None = None  # the latent itself, as `latent.to_text` writes it
    seed: str | None = None  # or that of the prior's row it starts from,
    start: str | None = None  # or what else it starts from,
    at: str | None = None  # its coordinates along the axes,
    truncation: str | None = None  # and how far from the middle all of it is brought
    label: str | None = Field(None, alias="class")
    mix: str | None = None  # or the weight of each class


def to_latent(trained: Trained, model: LatentModel, point: Point) -> dict[str, str]:
    """The query that opens a point of the latent space."""
    query = {"tab": "latent", "model": trained.name}
    text = latent.to_text(explorer.place(trained, model, point).z)
    locked = any(value is not None for value in point.locked)
    made = bool(point.base.startswith(("kept:", "z:")) or point.offsets or locked)  # here, so that no short name tells it
    if made and len(text) > explorer.LONGEST:
        raise BadSetting(say("link.walk"))
    if made or len(text) <= LONGEST:
        query["z"] = text
    else:
        kind, _, seed = point.base.partition(":")
        query |= {"seed": seed} if kind == "prior" else {"start": point.base}
        query |= {"at": _joined(point.values)} if point.values else {}
        query |= {"truncation": _joined([point.truncation])} if point.truncation != 1 else {}
    if model.classes and point.classes == [float(weight == max(point.classes)) for weight in point.classes]:
        return {**query, "class": model.spec.classes[point.classes.index(1)]}
    return {**query, "mix": _joined(point.classes)} if model.classes else query


def from_latent(trained: Trained, model: LatentModel, asked: LatentLink) -> dict[str, Any]:
    """The base, values and class weights that such a query stands for; raises a GenlabError for what it gets wrong."""
    if asked.z is not None:
        latent.from_text(asked.z, model.latent_shape)
        base, values = f"z:{asked.z}", None
    else:
        base = f"prior:{_whole('seed', asked.seed)}" if asked.seed is not None else asked.start or explorer.home_of(model)
        values = _numbers("at", asked.at) if asked.at else None
    classes = _numbers("mix", asked.mix) if asked.mix else [0.0] * model.classes
    if asked.label is not None:
        given = model.given_labels(model.label_of(asked.label), 1).classes
        classes = [] if given is None else given[0].tolist()
    where: dict[str, Any] = {"base": base, "values": values, "classes": classes}
    if asked.truncation:
        where["truncation"] = _numbers("truncation", asked.truncation)[0]
    point = Point.check({"model": asked.model, "version": asked.version, **where})
    explorer.place(trained, model, point)  # raises what is wrong with it
    return where


def _faults_of_latent(query: dict[str, str]) -> list[str]:
    known = {"model", "z", "seed", "start", "at", "truncation", "class", "mix"}
    try:
        asked = LatentLink.check({key: query[key] for key in known & set(query)} | {"version": ""})
        if isinstance(open_model(asked.model).model, LatentModel):  # else the tab says so itself
            from_latent(*explorer.explorable(asked), asked)
    except GenlabError as fault:
        return [str(fault)]
    return []


def _joined(numbers: list[float]) -> str:
    return ",".join(f"{number:g}" if float(f"{number:g}") == number else repr(number) for number in numbers)


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
