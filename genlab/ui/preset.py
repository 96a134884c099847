"""Preset: how much the page lets one do; `LOCAL` for the user of this machine, `PUBLIC` for strangers who share it."""

from dataclasses import dataclass

from genlab.data import load
from genlab.errors import BadSetting
from genlab.models import MODELS
from genlab.models.base import size_of
from genlab.ui.words import say


@dataclass(frozen=True)
class Preset:
    """Caps; None where there is none."""

    public: bool = False
    request: int = 2 * 2**30  # bytes of one request
    samples: int = 400  # images a call
    seconds: float | None = None  # of wall clock that a run may take
    parameters: int | None = None  # of a model
    batch: int | None = None  # items of a training step
    visitor_runs: int | None = None  # of one visitor, those that train and those that wait
    running: int | None = None  # runs of all visitors that train at once
    queued: int | None = None  # runs of all visitors that wait
    disk: int | None = None  # bytes of all visitors' spaces
    idle: float | None = None  # seconds after which a space that nobody uses is removed


LOCAL = Preset()
PUBLIC = Preset(
    public=True,
    request=20 * 2**20,
    samples=64,
    seconds=180,
    parameters=5_000_000,
    batch=512,
    visitor_runs=2,
    running=1,
    queued=8,
    disk=2 * 2**30,
    idle=3600,
)
_current = LOCAL


def current() -> Preset:
    """The preset that the page is served with."""
    return _current


def choose(preset: Preset) -> None:
    """Let a preset hold from now on."""
    global _current
    _current = preset


def check_samples(n: int) -> None:
    """Raise BadSetting for more images a call than are allowed."""
    if n > current().samples:
        raise BadSetting(say("public.samples", n=n, most=current().samples), "count")


def check_run(family: str, dataset: str, values: dict[str, object]) -> None:
    """Raise BadSetting for a run whose model or batch is larger than is allowed."""
    caps = current()
    settings = MODELS.settings_of(family).parse(values)
    if caps.batch is not None and settings.batch_size > caps.batch:
        raise BadSetting(say("public.batch", n=settings.batch_size, most=caps.batch), "batch_size")
    if caps.parameters is not None:
        size = size_of(MODELS[family], load(dataset).spec, settings)
        if size > caps.parameters:
            raise BadSetting(say("public.parameters", n=f"{size:,}", most=f"{caps.parameters:,}"))
