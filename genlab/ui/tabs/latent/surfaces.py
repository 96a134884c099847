"""Surfaces: the pad of the Latent space tab, decoded ahead of the hand, and the map of two of its axes with the data on it."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from genlab import latent
from genlab.data import Dataset, even_rows
from genlab.errors import BadSetting
from genlab.models import LatentModel
from genlab.models.base import blocks_of
from genlab.training.checkpoint import Trained
from genlab.ui.kit import explorer
from genlab.ui.kit.explorer import Looking, Point
from genlab.ui.kit.pictures import wall
from genlab.ui.kit.shared import Kept, drawing, searching, served
from genlab.ui.words import say

FINE, ROUGH = 4, 2  # pictures along a cell's side; of models that are slow to draw
GRID, ROUGH_GRID = 15, 7  # pictures along a side of the map
SCATTERED, SOUGHT, PART = 1000, 48, 8  # data that are shown on it; of models that look for their latents, and so many at once
Whole = Annotated[int, Field(ge=-999_999, le=999_999)]


class Cells(Point):
    """Cells of the pad, each named by the whole place at its upper left, seen as the point is."""

    cells: list[Annotated[list[Whole], Field(min_length=2, max_length=2)]] = Field(min_length=1, max_length=9)


@served
def latent_pad(data: Any) -> dict[str, Any]:
    """One sprite of cells, one below another, each as rows of pictures."""
    asked = Cells.check(data)
    trained, model = explorer.explorable(asked)
    fine = FINE if explorer.quick(model) else ROUGH
    steps = torch.arange(fine) / fine
    given = explorer.wished(model, asked.classes)
    with drawing(explorer.work(model, len(asked.cells) * fine**2, coarse=True)):
        z = torch.cat([latent.pad.cell(model, column, row, steps, steps, given) for column, row in asked.cells])
        pixels = explorer.pictures(trained, model, explorer.seen(trained, model, z, asked), given, coarse=True)
        return {"image": wall(pixels, fine), "fine": fine}


class Plane(Point):
    """A point, and the two axes that are to be seen around it."""

    across: int = Field(ge=0, lt=latent.MOST)
    up: int = Field(ge=0, lt=latent.MOST)


@served
def latent_map(data: Any) -> dict[str, Any]:
    """One sprite of what lies in the plane of two axes through a point, from -REACH to REACH both ways, the top row first."""
    asked = Plane.check(data)
    trained, model = explorer.explorable(asked)
    with drawing() if explorer.knows_axes(trained) else searching():
        axes, here = explorer.axes_of(trained), explorer.place(trained, model, asked)
    if max(asked.across, asked.up) >= len(axes) or asked.across == asked.up:
        raise BadSetting(say("map.axes", possible=len(axes)))
    side = GRID if explorer.quick(model) else ROUGH_GRID
    steps = torch.linspace(-latent.REACH, latent.REACH, side)
    values = axes.read(here.z).cpu().repeat(side**2, 1)
    values[:, asked.up], values[:, asked.across] = torch.cartesian_prod(steps.flip(0), steps).T
    with drawing(explorer.work(model, side**2, coarse=True)):
        pixels = explorer.pictures(trained, model, axes.place(values, axes.rest(here.z)), here.given, coarse=True)
    return {"image": wall(pixels, side), "side": side, "reach": latent.REACH}


class Part(Looking):
    """The held-out data from one of them on."""

    start: int = Field(ge=0, lt=SCATTERED)


@served
def latent_scatter(data: Any) -> dict[str, Any]:
    """Where held-out data lie along all axes, and the class of each: all of them, or a part where each has to be looked for."""
    asked = Part.check(data)
    trained, model = explorer.explorable(asked)
    held_out = explorer.data_of(trained).validation
    most, part = (SCATTERED, SCATTERED) if model.encodes_at_once else (SOUGHT, PART)
    rows = even_rows(len(held_out), most)
    if asked.start >= len(rows) or asked.start % part:
        raise BadSetting(say("map.start", start=asked.start, part=part, n=len(rows)))
    key = trained.folder, trained.weights, held_out.fingerprint, asked.start
    found = _scattered.get(key, lambda: _encoded(trained, model, held_out, rows[asked.start : asked.start + part]))
    return {**found, "total": len(rows)}


def _encoded(trained: Trained, model: LatentModel, held_out: Dataset, rows: Tensor) -> dict[str, Any]:
    axes, values, place = explorer.axes_of(trained), [], drawing if model.encodes_at_once else searching
    for block in blocks_of(len(rows)):
        given = model.given_labels(held_out.label[rows[block]], len(rows[block])) if model.classes else None
        with place():
            *_, encoding = model.encode(held_out.inputs(rows[block]), given)
        values.append(axes.read(encoding.z))
    places = [[round(value, 2) for value in row] for row in torch.cat(values).tolist()]
    return {"values": places, "labels": held_out.label[rows].tolist(), "classes": list(held_out.spec.classes)}


_scattered = Kept(64)
