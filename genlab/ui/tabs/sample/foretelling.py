"""Foretelling: how a held-out series may go on, beside what came."""

from typing import Any

from pydantic import Field

from genlab.errors import BadSetting
from genlab.metrics.fan import Fan, fan_of, held_over
from genlab.models.series import SeriesModel
from genlab.models.settings import SEEDS
from genlab.ui.kit import explorer
from genlab.ui.kit.shared import Request, drawing, open_model, served
from genlab.ui.words import say

LONGEST = 200  # values that are foretold


class Foretold(Request):
    """A held-out series, up to where it is known, and how far it is to go on."""

    model: str = Field(max_length=400)
    row: int = Field(0, ge=0)
    known: int | None = Field(None, ge=1)  # half of it where nothing is said
    length: int = Field(48, ge=1, le=LONGEST)
    seed: int = Field(0, ge=0, lt=SEEDS - 1000)
    temperature: float = Field(1.0, ge=0, le=5)


@served
def series_fan(data: Any) -> dict[str, Any]:
    """The paths and bands of one series, and what share of other held-out series such bands hold."""
    asked = Foretold.check(data)
    trained = open_model(asked.model)
    model = trained.model
    if not isinstance(model, SeriesModel):
        raise BadSetting(say("fan.no_series", model=asked.model))
    test = explorer.data_of(trained).test
    if asked.row >= len(test):
        raise BadSetting(say("latent.row", row=asked.row, n=len(test)))
    (series,) = test.read([asked.row])
    known = min(asked.known or max(1, len(series) // 2), len(series))
    with drawing():
        fan = fan_of(model, series, known, asked.length, asked.seed, asked.temperature)
        over, shares = held_over(model, test, known, asked.length)
    label = int(test.label[asked.row])
    held = {} if fan.came.isnan().all() else {**_named(fan), "crps": fan.score()}
    return {
        **fan.told(),
        **held,
        "row": asked.row,
        "rows": len(test),
        "at": known,
        "of": len(series),
        "kind": test.spec.classes[label] if label >= 0 else "",
        "over": over,
        "shares": [shares[share] for share in sorted(shares)] if over else [],
    }


def _named(fan: Fan) -> dict[str, list[float]]:
    held = fan.held()
    return {"held": [held[share] for share in sorted(held)]}
