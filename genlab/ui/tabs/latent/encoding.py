"""Encoding: images that a person brings, draws or picks from the data, as points of the latent space; and mixes of several."""

import base64
import binascii
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Literal

import gradio as gr
import torch
from pydantic import Field
from torch import Tensor

from genlab import latent
from genlab.data.importing import read_image
from genlab.errors import BadSetting, GenlabError
from genlab.modalities.base import SIDE
from genlab.models import LatentModel
from genlab.models.base import Encoding, Given
from genlab.training.checkpoint import Trained
from genlab.ui.kit import explorer
from genlab.ui.kit.explorer import Looking, Numbers, Point
from genlab.ui.kit.pictures import data_uri
from genlab.ui.kit.shared import Request, at_edge, opening, searching, served
from genlab.ui.kit.uploaded import limits_here, uploads
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.tabs.latent.walks import STOPS, model_of
from genlab.ui.words import say

PAUSE = 0.15  # seconds between two pictures of a search


class Wanted(Looking):
    """The image that is to be encoded: a row of the test part, an upload, or pixels that were drawn."""

    kind: Literal["test", "upload", "drawing"]
    row: int = Field(0, ge=0)
    path: str = Field("", max_length=2000)
    pixels: str = Field("", max_length=100_000)  # base64 of uint8 [C, H, W]
    ticket: int = Field(ge=0)  # tells the page which question an answer is for


@at_edge
def encode(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """Look for the latent of an image; how far it is, then where it lies and what it comes back as."""
    ticket = 0
    try:
        wanted = Wanted.check(event._data)
        ticket = wanted.ticket
        trained, model = explorer.explorable(wanted)
        stored, given, words = _image(trained, model, wanted)
        item, told = model.spec.kind.to_model(stored, model.spec.shape), 0.0
        with searching(), closing(model.encode(item, given)) as steps:  # type: ignore[type-var]
            for step in steps:
                record = {"ticket": ticket, "step": step.step, "total": step.total, "error": _apart(model, item, step)}
                if step.step < step.total and time.monotonic() - told > PAUSE:
                    told = time.monotonic()
                    yield record | {"image": _picture(trained, step.items)}
        classes = [] if step.given.classes is None else step.given.classes[0].tolist()
        found = {"base": explorer.keep(step.z)[0], "classes": classes or [0.0] * model.classes, "words": words}
        yield record | {"image": _picture(trained, step.items), "original": _picture(trained, item), **found}
    except GenlabError as fault:
        yield {"ticket": ticket, "fault": str(fault)}


def _apart(model: LatentModel, item: Tensor, step: Encoding) -> float:
    """How far the item is from what comes back: of pixels in [0, 1], or of coordinates in [-1, 1]."""
    return round(float(model.spec.kind.error(item.to(step.items.device), step.items)[0]), 4)


def _picture(trained: Trained, items: Tensor) -> str:
    return data_uri(explorer.tiles(trained, items, SIDE)[0])


def _image(trained: Trained, model: LatentModel, wanted: Wanted) -> tuple[Tensor, Given | None, str]:
    """The item as it is stored, [1, C, H, W] or [1, 2], the class that it is known to have, and what was done to it."""
    if not model.spec.kind.pixels and wanted.kind != "test":
        raise BadSetting(say("encode.none", things=model.spec.kind.things))
    if wanted.kind == "test":
        test = explorer.data_of(trained).test
        if wanted.row >= len(test):
            raise BadSetting(say("latent.row", row=wanted.row, n=len(test)))
        given = model.given_labels(test.label[[wanted.row]], 1) if model.classes else None
        return test.read([wanted.row]), given, ""
    if wanted.kind == "drawing":
        return _drawn(model, wanted.pixels), None, ""
    (path,) = uploads([wanted.path])
    channels, height, width = model.spec.shape
    try:
        if height != width:
            raise BadSetting(say("encode.square", height=height, width=width))
        with opening():
            pixels, words = read_image(path, height, channels == 1, limits_here())
    finally:
        UPLOADS.drop([path])
    done = say("encode.brought", side=height, mode=say("encode.grey" if channels == 1 else "encode.colour"))
    return torch.from_numpy(pixels)[None], None, f"{done} {words.capitalize()}." if words else done


def _drawn(model: LatentModel, text: str) -> Tensor:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        content = b""
    if len(content) != torch.Size(model.spec.shape).numel():
        shape = "×".join(map(str, model.spec.shape))
        raise BadSetting(say("encode.shape", given=len(content), possible=shape))
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(1, *model.spec.shape)


class Mix(Request):
    """Points of one model, and how much of each."""

    stops: list[Point] = Field(max_length=STOPS)
    weights: Numbers = Field(max_length=STOPS)


@served
def latent_mix(data: Any) -> dict[str, Any]:
    """The address of the middle of several points by their weights, and its class weights."""
    asked = Mix.check(data)
    trained, model = model_of(asked.stops)
    places = [explorer.place(trained, model, stop) for stop in asked.stops]
    z = latent.mix(torch.cat([place.z for place in places]), asked.weights)
    classes: list[float] = []
    if model.classes:
        known = torch.cat([place.given.classes for place in places if place.given.classes is not None])
        classes = (torch.tensor(asked.weights) @ known / sum(asked.weights)).tolist()
    return {"base": explorer.keep(z[None])[0], "classes": classes}
