"""Surfaces: what the pad of the Latent space tab shows, decoded ahead of the pointer."""

from typing import Annotated, Any

import torch
from pydantic import Field

from genlab import latent
from genlab.ui import explorer
from genlab.ui.draw import wall
from genlab.ui.explorer import Looking, Numbers
from genlab.ui.shared import drawing, served

FINE, ROUGH = 4, 2  # pictures along a cell's side; of models that are slow to draw
Whole = Annotated[int, Field(ge=-999_999, le=999_999)]


class Cells(Looking):
    """Cells of the pad, each named by the whole place at its upper left."""

    cells: list[Annotated[list[Whole], Field(min_length=2, max_length=2)]] = Field(min_length=1, max_length=9)
    classes: Numbers = Field(default=[], max_length=1000)


@served
def latent_pad(data: Any) -> dict[str, Any]:
    """One sprite of cells, one below another, each as rows of pictures."""
    asked = Cells.check(data)
    trained, model = explorer.explorable(asked)
    fine = FINE if explorer.quick(model) else ROUGH
    steps = torch.arange(fine) / fine
    given = explorer.wished(model, asked.classes)
    with drawing():
        z = torch.cat([latent.pad.cell(model, column, row, steps, steps) for column, row in asked.cells])
        return {"image": wall(explorer.pictures(trained, model, z, given, coarse=True), fine), "fine": fine}
