"""Walks: the way through two or more images of the Latent space tab, to scrub, to play and to take along as a film."""

import base64
from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from genlab import latent
from genlab.data import to_model
from genlab.errors import BadSetting
from genlab.latent.film import Kind, check_length, film
from genlab.models import LatentModel
from genlab.models.base import Given
from genlab.training.checkpoint import Trained
from genlab.ui.kit import explorer
from genlab.ui.kit.explorer import Place, Point
from genlab.ui.kit.pictures import data_uri, wall
from genlab.ui.kit.shared import Request, drawing, searching, served
from genlab.ui.server.preset import check_samples, current
from genlab.ui.words import say

STOPS = 8  # at most
PLAYED = 121  # frames at most that the page holds; a film may have more
SUFFIXES: dict[Kind, str] = {"gif": "gif", "mp4": "mp4", "strip": "png"}


class Walk(Request):
    """A way through points of one model."""

    stops: list[Point] = Field(max_length=STOPS)
    path: Literal["spherical", "linear"]
    frames: int = Field(11, ge=2, le=PLAYED)
    back: bool = False  # whether it returns the way it came, so that it plays on without a jump


class Film(Walk):
    """The same, to be taken along."""

    kind: Kind
    frames: int = Field(ge=2, le=100_000)  # how long it may be, the film itself says
    rate: Literal[10, 20, 25, 50] = 20  # frames a second; a GIF counts in hundredths


@served
def latent_walk(data: Any) -> dict[str, Any]:
    """One sprite of the frames of a walk, and the address and class weights of each."""
    asked = Walk.check(data)
    check_samples(asked.frames)
    trained, model = model_of(asked.stops)
    places = [explorer.place(trained, model, stop) for stop in asked.stops]
    z, given = _way(places, asked)
    with drawing(explorer.work(model, len(z) + len(places))):
        pixels = explorer.pictures(trained, model, z, given)
        returned = [explorer.pictures(trained, model, place.z, place.given) for place in places]
    weights = [] if given.classes is None else given.classes.tolist()
    return {
        "image": wall(pixels, len(pixels)),
        "frames": explorer.keep(z),
        "classes": weights,
        "stops": [data_uri(picture[0]) for picture in returned],
        "length": round(float(latent.lengths(to_model(pixels))[-1]), 3),
    }


@served
def latent_export(data: Any) -> dict[str, Any]:
    """A walk as a file: GIF, MP4 or one strip, with exactly the frames that were asked for."""
    asked = Film.check(data)
    trained, model = model_of(asked.stops)
    check_length(asked.frames, asked.kind, model.spec.kind.size(model.spec.shape)[1])
    if current().public:
        check_samples(asked.frames)
    z, given = _way([explorer.place(trained, model, stop) for stop in asked.stops], asked)
    with searching():
        pixels = explorer.pictures(trained, model, z, given)
        content = film(pixels, asked.kind, asked.rate)
    name = f"{trained.name.replace(':', '-')}-walk.{SUFFIXES[asked.kind]}"
    return {"name": name, "content": base64.b64encode(content).decode(), "frames": len(pixels)}


def model_of(stops: Sequence[Point]) -> tuple[Trained, LatentModel]:
    """The one model of all stops, of which there must be two."""
    if len(stops) < 2:
        raise BadSetting(say("walk.one", n=len(stops)))
    if len({(stop.model, stop.version) for stop in stops}) > 1:
        raise BadSetting(say("walk.models"))
    return explorer.explorable(stops[0])


def _way(places: Sequence[Place], asked: Walk) -> tuple[Tensor, Given]:
    """The latents [frames, *L] of a walk; classes change evenly."""
    frames = asked.frames // 2 + 1 if asked.back else asked.frames
    z = latent.tour(torch.cat([place.z for place in places]), frames, asked.path)
    known = [place.given.classes for place in places if place.given.classes is not None]
    classes = latent.tour(torch.cat(known), frames, "linear") if known else None
    order = torch.arange(asked.frames)
    order = torch.where(order < frames, order, asked.frames - order)  # the way back leaves out the last stop and the first
    return z[order], Given(classes).rows(order)
