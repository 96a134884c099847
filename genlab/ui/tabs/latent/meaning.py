"""Meaning: directions that a person finds and keeps, and why a picture is as it is: its heat map, its nearest data."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from genlab import latent
from genlab.data import Dataset
from genlab.data.summary import nearest, usual_distance
from genlab.errors import BadSetting, GenlabError
from genlab.latent import Direction
from genlab.latent.directions import drawn_factors, encoded_factors
from genlab.models import LatentModel
from genlab.registry import check_name
from genlab.training.checkpoint import Trained
from genlab.ui.kit import explorer
from genlab.ui.kit.explorer import Looking, Name, Point
from genlab.ui.kit.pictures import data_uri, wall
from genlab.ui.kit.shared import Kept, drawing, searching, served
from genlab.ui.server.spaces import check_room
from genlab.ui.words import say

SET = 40  # images at most that a person picks for one
NEAREST = 8


class Wish(Looking):
    """A direction that is to be found and kept."""

    name: Name
    how: Literal["sets", "classes", "factor"]
    start: list[Point] = Field(default=[], max_length=SET)
    end: list[Point] = Field(default=[], max_length=SET)
    classes: list[Name] = Field(default=[], max_length=2)  # from the first to the second
    factor: Name = ""


class Named(Looking):
    """A direction that is kept."""

    name: Name


class Arithmetic(Looking):
    """Three points: a - b + c."""

    a: Point
    b: Point
    c: Point


class Slider(Point):
    """A point, and a slider that would move it."""

    axis: int | None = Field(None, ge=0, lt=latent.MOST)
    direction: Name | None = None


@served
def latent_directions(data: Any) -> dict[str, Any]:
    """The directions that are kept with a model, and what its data know of themselves."""
    trained, model = explorer.explorable(Looking.check(data))
    return _kept_with(trained, model)


@served
def latent_direction(data: Any) -> dict[str, Any]:
    """Find a direction and keep it by name."""
    wish = Wish.check(data)
    trained, model = explorer.explorable(wish)
    check_room()
    with searching():
        direction = _found(trained, model, wish)
    explorer.shelf_of(trained, model).save(direction)
    return _kept_with(trained, model)


@served
def latent_forget(data: Any) -> dict[str, Any]:
    """Remove a direction."""
    asked = Named.check(data)
    trained, model = explorer.explorable(asked)
    explorer.shelf_of(trained, model).forget(asked.name)
    return _kept_with(trained, model)


@served
def latent_arithmetic(data: Any) -> dict[str, Any]:
    """The address of a - b + c, with the classes of c."""
    asked = Arithmetic.check(data)
    trained, model = explorer.explorable(asked)
    places = [explorer.place(trained, model, point) for point in (asked.a, asked.b, asked.c)]
    z = latent.arithmetic(*(place.z[0] for place in places))
    classes = places[2].given.classes
    return {"base": explorer.keep(z[None])[0], "classes": [] if classes is None else classes[0].tolist()}


@served
def latent_jacobian(data: Any) -> dict[str, Any]:
    """How much each pixel moves with a slider, as a grey picture whose white is `peak`."""
    asked = Slider.check(data)
    trained, model = explorer.explorable(asked)
    place = explorer.place(trained, model, asked)
    with drawing():
        heat = latent.jacobian(model, place.z, _along(trained, model, asked, place.z), place.given, model.coarse_settings())
    peak = float(heat.max())
    grey = (255 * heat / max(peak, 1e-9)).round().to(torch.uint8)
    return {"image": data_uri(grey[None].cpu()), "peak": round(peak, 3)}


@served
def latent_nearest(data: Any) -> dict[str, Any]:
    """The training items nearest to what a point stands for, how far each is, and how far a held-out one usually is."""
    asked = Point.check(data)
    trained, model = explorer.explorable(asked)
    if model.spec.kind.together:
        raise BadSetting(say("why.points", things=model.spec.kind.things))
    splits, place = explorer.data_of(trained), explorer.place(trained, model, asked)
    with drawing():
        found = nearest(splits.train, explorer.stored(model, place.z, place.given)[0], NEAREST)
        usual = usual_distance(splits.train, splits.validation)
    label = splits.train.label[found.rows].tolist()
    return {
        "image": wall(splits.train.pictures(found.rows), len(found.rows)),
        "distances": [round(float(distance), 4) for distance in found.distances],
        "labels": [splits.train.spec.classes[k] if k >= 0 else "" for k in label],
        "searched": found.searched,
        "usual": round(usual, 4),
    }


@served
def latent_factors(data: Any) -> dict[str, float]:
    """Whether the axes that have sliders are the factors of the data: MIG and DCI."""
    trained, model = explorer.explorable(Looking.check(data))
    known = explorer.data_of(trained).train
    return _scores.get((trained.folder, trained.weights, known.fingerprint), lambda: _scored(trained, model, known))


def _scored(trained: Trained, model: LatentModel, known: Dataset) -> dict[str, float]:
    if "factors" not in known.columns:
        raise BadSetting(say("why.no_factors", dataset=trained.dataset))
    with searching():
        z, factors = encoded_factors(model, known) if model.encodes_at_once else drawn_factors(model)
        scores = latent.disentanglement(explorer.axes_of(trained).read(z.to(model.device)).cpu(), factors)
    return {name: round(score, 3) for name, score in vars(scores).items()}


def _kept_with(trained: Trained, model: LatentModel) -> dict[str, Any]:
    kept = explorer.shelf_of(trained, model).all()
    known: dict[str, list[str]] = {"factors": [], "classes": []}
    with suppress(GenlabError):  # the data need not be on this machine
        train = explorer.data_of(trained).train
        known["factors"] = list(latent.directions.FACTORS[1:]) if "factors" in train.columns else []
        known["classes"] = [] if model.classes else list(train.spec.classes)
    return {"directions": [{"name": one.name, "reach": one.reach, "how": one.how} for one in kept], **known}


def _found(trained: Trained, model: LatentModel, wish: Wish) -> Direction:
    if wish.how == "factor":
        found = latent.along_factor(model, explorer.data_of(trained).train, wish.factor, trained.weights)
        return replace(found, name=check_name(wish.name, "direction"))
    if wish.how == "sets":
        none = torch.empty(0, *model.latent_shape, device=model.device)
        sets = [[explorer.place(trained, model, point).z for point in points] for points in (wish.start, wish.end)]
        return latent.between(wish.name, torch.cat([none, *sets[0]]), torch.cat([none, *sets[1]]), trained.weights)
    if len(set(wish.classes)) != 2:
        raise BadSetting(say("direction.two_classes"))
    first, second = wish.classes
    return latent.between_classes(wish.name, model, explorer.data_of(trained).train, first, second, trained.weights)


def _along(trained: Trained, model: LatentModel, asked: Slider, z: Tensor) -> Tensor:
    """Which way [*L] a slider moves a latent [1, *L] at first."""
    if asked.direction is not None:
        return explorer.shelf_of(trained, model).find(asked.direction).tangent(z)
    axes = explorer.axes_of(trained)
    if asked.axis is None or asked.axis >= len(axes):
        raise BadSetting(say("latent.axis", given=asked.axis, possible=len(axes)))
    return axes.basis[asked.axis]


_scores = Kept(8)
