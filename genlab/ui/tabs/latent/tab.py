"""The Latent space tab: sliders that decode as they move, and the cards below, each with a file of its own."""

import time
from typing import Any

from genlab.data import SOURCES
from genlab.models import LatentModel, SequenceModel
from genlab.training.checkpoint import Trained
from genlab.ui.kit import explorer, links
from genlab.ui.kit.explorer import Looking, Point, Strips, Wall
from genlab.ui.kit.links import LatentLink
from genlab.ui.kit.naming import may_be_class
from genlab.ui.kit.pictures import data_uri, wall
from genlab.ui.kit.shared import QUIET, Shared, drawing, open_model, searching, served, version_of
from genlab.ui.kit.widgets import widget
from genlab.ui.tabs.latent.encoding import encode, latent_mix
from genlab.ui.tabs.latent.meaning import (
    latent_arithmetic,
    latent_direction,
    latent_directions,
    latent_factors,
    latent_forget,
    latent_jacobian,
    latent_nearest,
)
from genlab.ui.tabs.latent.surfaces import latent_map, latent_pad, latent_scatter
from genlab.ui.tabs.latent.walks import latent_export, latent_walk
from genlab.ui.tabs.latent.writer import writer_attention, writer_blend, writer_near, writer_open, writer_tokens, writer_units
from genlab.ui.words import say


def build(shared: Shared) -> None:
    """Draw the tab; its widget follows the model picker by itself."""
    points = [latent_open, latent_linked, latent_axes, latent_decode, latent_strips, latent_wall, latent_link]
    cards = [latent_pad, latent_map, latent_scatter, latent_walk, latent_export, latent_mix]
    directions = [latent_directions, latent_direction, latent_forget, latent_arithmetic]
    reasons = [latent_jacobian, latent_nearest, latent_factors]
    answers = [*points, *cards, *directions, *reasons, may_be_class]
    card = widget("tabs/latent/latent", answers, ["encode"])
    card.encode(encode, None, card, concurrency_id="encode", concurrency_limit=2, **QUIET)
    widget("tabs/latent/writer", [writer_open, writer_attention, writer_units, writer_tokens, writer_near, writer_blend])


@served
def latent_open(data: Any) -> dict[str, Any]:
    """What is to be known of a model before anything is drawn."""
    trained = open_model(Looking.check({"model": data, "version": ""}).model)
    version = version_of(trained.folder)
    if not isinstance(trained.model, LatentModel):
        writes = isinstance(trained.model, SequenceModel) and trained.model.writes
        return {"none": say("latent.writer" if writes else "latent.none", family=trained.family), "writes": writes}
    model = explorer.explorable(Looking(model=trained.name, version=version))[1]
    return {
        "model": trained.name,
        "version": version,
        "size": model.spec.kind.size(model.spec.shape),
        "channels": model.spec.shape[0],
        "together": model.spec.kind.together,
        "pixels": model.spec.kind.pixels,
        "unit": model.spec.kind.unit,
        "classes": list(model.spec.classes) if model.classes else [],
        "latents": model.prior(1, 0)[0].numel(),
        "home": explorer.home_of(model),
        "about": _about(trained, model),
        "lacking": explorer.lacking(trained),
        "start": explorer.start_of(trained, model),
        "encoder": model.encodes_at_once,
        "quick": explorer.quick(model),
    }


def _about(trained: Trained, model: LatentModel) -> str:
    """What a model is, in one sentence."""
    kind = next((kind for kind in ("vae", "gan", "diffusion") if kind == trained.family), "other")
    return say(f"latent.about_{kind}", family=trained.family, data=_learnt(trained), n=model.prior(1, 0)[0].numel())


def _learnt(trained: Trained) -> str:
    """What a model learnt, in words, and how many of it where its checkpoint knows."""
    name, n = trained.dataset, f"{trained.items:,}" if trained.items else ""
    if name in SOURCES:
        return f"{n} {SOURCES[name].things} ({name})".lstrip()
    return say("latent.learnt", n=n, things=trained.model.spec.kind.named(trained.items), name=name) if n else name


@served
def latent_linked(data: Any) -> dict[str, Any]:
    """The point that a link stands for."""
    asked = LatentLink.check(data)
    trained, model = explorer.explorable(asked)
    return links.from_latent(trained, model, asked)


@served
def latent_link(data: Any) -> dict[str, str]:
    """The query of a link to a point."""
    point = Point.check(data)
    trained, model = explorer.explorable(point)
    return links.to_latent(trained, model, point)


@served
def latent_axes(data: Any) -> dict[str, Any]:
    """The names of the axes and a point's coordinates along them; for some models this takes seconds the first time."""
    point = Point.check(data)
    trained, model = explorer.explorable(point)
    with drawing() if explorer.knows_axes(trained) else searching():
        return {"names": explorer.axes_of(trained).names, "values": explorer.coordinates(trained, model, point)}


@served
def latent_decode(data: Any) -> dict[str, Any]:
    """The picture of a point, the latent it stands for where that is short, and its coordinates if it came without."""
    point = Point.check(data)
    trained, model = explorer.explorable(point)
    began = time.perf_counter()
    with drawing():
        place = explorer.place(trained, model, point)
        pixels = explorer.pictures(trained, model, place.z, place.given, point.coarse)
    answer: dict[str, Any] = {"image": data_uri(pixels[0]), "ms": 1000 * (time.perf_counter() - began)}
    if place.z.numel() <= 64:
        answer["latent"] = place.z.flatten().tolist()
    if point.values is None and explorer.knows_axes(trained):
        answer["values"] = explorer.coordinates(trained, model, point)
    return answer


@served
def latent_strips(data: Any) -> dict[str, Any]:
    """One sprite, a row an axis: what it does from where the point is."""
    asked = Strips.check(data)
    trained, model = explorer.explorable(asked)
    n = explorer.STRIP * (asked.count + len(asked.directions))
    with drawing(explorer.work(model, n, coarse=True)):
        return {"image": wall(explorer.strips(trained, model, asked), explorer.STRIP), "frames": explorer.STRIP}


@served
def latent_wall(data: Any) -> dict[str, Any]:
    """One sprite of images to start from."""
    asked = Wall.check(data)
    trained, model = explorer.explorable(asked)
    with drawing(explorer.work(model, explorer.WALL)):
        addresses, pixels, labels = explorer.wall(trained, model, asked)
    return {"image": wall(pixels, len(pixels)), "addresses": addresses, "labels": labels.tolist()}
