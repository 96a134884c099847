"""The live stage of runs on points: what a model does to the plane while it trains, and the hand that slows and steers it."""

from typing import Any, Literal

from pydantic import Field

from genlab.data import load
from genlab.modalities.points import REACH
from genlab.plane import FINE, quantised
from genlab.registry import check_name
from genlab.training.live import look_at
from genlab.training.run import ALIVE, FASTEST, Run
from genlab.ui.kit.shared import Kept, Request, drawing, open_model, served


class Named(Request):
    run: str


class Look(Named):
    seen: str = ""  # the view that the page has already


class Steer(Named):
    pace: float = Field(ge=0, le=FASTEST)  # steps a second at most; 0 for no limit
    players: list[Literal["generator", "discriminator"]] = Field(max_length=2)  # those that learn; none named: all


class Advance(Named):
    steps: int = Field(1, ge=1, le=1000)


@served
def points_real(wish: object) -> dict[str, Any]:
    """Some held-out points, and how numbers are packed."""
    data = load(opened(Named.check(wish).run).record["dataset"]).validation
    points = data.backdrop
    return {"points": "" if points is None else quantised(points), "fine": FINE, "reach": REACH}


@served
def points_look(wish: object) -> dict[str, Any]:
    """The newest view where the page has another, and how the run is steered."""
    asked = Look.check(wish)
    run = opened(asked.run)
    run.watch()
    control = run.control()
    answer: dict[str, Any] = {"pace": control.pace, "players": control.players}
    at, view = _newest(run)
    return answer if at == asked.seen else answer | {"at": at, "view": view}


@served
def points_steer(wish: object) -> dict[str, Any]:
    """Another pace, or other players that learn."""
    asked = Steer.check(wish)
    opened(asked.run).steer(asked.pace, asked.players)
    return {}


@served
def points_advance(wish: object) -> dict[str, Any]:
    """A few steps, then pause."""
    asked = Advance.check(wish)
    opened(asked.run).advance(asked.steps)
    return {}


def opened(name: str) -> Run:
    """A run of the runs folder by its name; the page reaches no other folder."""
    return Run.open(check_name(name, "run"))


def _newest(run: Run) -> tuple[str, str]:
    """What the process that trains has written last; of a run at rest that wrote nothing, what its checkpoint does."""
    try:
        return str(run.live_file.stat().st_mtime_ns), run.live_file.read_text()
    except FileNotFoundError:
        saved = run.checkpoints()
        if run.status().state in ALIVE or not saved:
            return "", ""
        return saved[-1].name, _resting.get(saved[-1], lambda: _of_checkpoint(run.address))


def _of_checkpoint(name: str) -> str:
    trained = open_model(name)
    with drawing():
        return look_at(trained).decode()


_resting = Kept(16)  # views of models at rest, by the folder of their checkpoint
