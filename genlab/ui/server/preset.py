"""Preset: how much the page lets one do; `LOCAL` for the user of this machine, `PUBLIC` for strangers who share it."""

from dataclasses import dataclass, field, fields
from math import prod
from typing import Any

from genlab.data import load
from genlab.errors import BadSetting
from genlab.metrics.costs import DRAWN
from genlab.models import MODELS
from genlab.models.base import GenerativeModel, size_of
from genlab.ui.words import say


def _cap(words: str, unit: str = "", default: Any = None) -> Any:
    """A cap, what it is on, and what it counts where that is not told by the words; None is no cap."""
    return field(default=default, metadata={"words": words, "unit": unit})


LOGITS = 2**25  # that a stranger's step may have: items, times the tokens of each, times those of the vocabulary


@dataclass(frozen=True)
class Preset:
    """Caps; None where there is none."""

    public: bool = False
    request: int = _cap("one request, such as an upload", "bytes", 2 * 2**30)
    samples: int = _cap("images a call", default=400)
    work: int | None = _cap("pixels a call, times how often the network is asked for each")
    measured: int | None = _cap("pixels of an evaluation, times how often the network is asked for each")
    looked: int = _cap("numbers of what is shown of a look into a text", default=2**21)
    answer: float | None = _cap("one answer", "seconds")
    telling: float | None = _cap("an answer that comes in parts, as of an import or a look at the quality", "seconds")
    calls: int | None = _cap("calls of one visitor that are answered at once; three times as many wait")
    places: int | None = _cap("places of one visitor, of the four for those that draw at once")
    joined: int | None = _cap("events of one visitor that run or wait")
    seconds: float | None = _cap("a training run", "seconds")
    parameters: int | None = _cap("parameters of a model that trains")
    batch: int | None = _cap("items of a training step")
    visitor_runs: int | None = _cap("runs of one visitor that train or wait")
    running: int | None = _cap("runs of all visitors that train at once, or are paused")
    queued: int | None = _cap("runs of all visitors that wait")
    visitor_disk: int | None = _cap("what one visitor keeps", "bytes")
    visitor_files: int | None = _cap("files in which one visitor keeps it")
    disk: int | None = _cap("what all visitors keep", "bytes")
    uploads: int | None = _cap("files on their way to and from one visitor", "bytes")
    all_uploads: int | None = _cap("files on their way to and from all visitors", "bytes")
    idle: float | None = _cap("how long it is kept without use", "seconds")

    def table(self) -> str:
        """The caps as a table in Markdown."""
        caps = {one: getattr(self, one.name) for one in fields(self) if one.metadata}
        rows = [f"| {one.metadata['words']} | {_told(value, one.metadata['unit'])} |" for one, value in caps.items()]
        return "\n".join(["| of | at most |", "|---|---|", *rows])


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return {"bytes": f"{value // 2**20:,} MB", "seconds": f"{value:,} s"}.get(unit, f"{value:,}")


LOCAL = Preset()
PUBLIC = Preset(
    public=True,
    request=20 * 2**20,
    samples=64,
    work=2**22,
    measured=2**24,
    looked=2**19,
    answer=40,
    telling=300,
    calls=6,
    places=2,
    joined=8,
    seconds=180,
    parameters=5_000_000,
    batch=512,
    visitor_runs=2,
    running=1,
    queued=8,
    disk=4 * 2**30,
    visitor_disk=512 * 2**20,
    visitor_files=4000,
    all_uploads=2**30,
    uploads=100 * 2**20,
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


def work_of(model: GenerativeModel, n: int, settings: Any) -> int:
    """The pixels of n images, times how often the network is asked for each."""
    return n * _of_one(model, settings)


def check_work(model: GenerativeModel, n: int, settings: Any) -> None:
    """Raise BadSetting where to draw n images with these settings takes more than one call may."""
    most = current().work
    if most is not None and work_of(model, n, settings) > most:
        possible, evaluations = most // _of_one(model, settings), model.evaluations(settings)
        raise BadSetting(say("public.work", n=n, evaluations=evaluations, possible=possible), "count", "steps")


def check_evaluation(model: GenerativeModel, n: int, models: int) -> None:
    """Raise BadSetting where to measure so many models by n samples each takes more than is allowed."""
    most, each = current().measured, _of_one(model, model.SamplingSettings())
    if most is not None and (n + DRAWN) * models * each > most:
        possible = max(0, most // (models * each) - DRAWN)
        raise BadSetting(say("public.measured", n=n, possible=possible), "n", "draws", "models")


def _of_one(model: GenerativeModel, settings: Any) -> int:
    return model.evaluations(settings) * prod(model.spec.shape[1:])


def check_run(family: str, dataset: str, values: dict[str, object]) -> None:
    """Raise BadSetting for a run whose model or batch is larger than is allowed."""
    caps = current()
    settings = MODELS.settings_of(family).parse(values)
    each = getattr(settings, "importance", 1)  # latents of an item, each of which is decoded
    if caps.batch is not None and settings.batch_size * each > caps.batch:
        most = max(1, caps.batch // each)
        raise BadSetting(say("public.batch", n=settings.batch_size, most=most), "batch_size", *["importance"] * (each > 1))
    logits = settings.batch_size * getattr(settings, "context", 0) * getattr(settings, "vocabulary", 0)
    if caps.batch is not None and logits > LOGITS:
        raise BadSetting(say("public.logits", most=LOGITS), "batch_size", "context", "vocabulary")
    if caps.parameters is not None:
        size = size_of(MODELS[family], load(dataset).spec, settings)
        if size > caps.parameters:
            raise BadSetting(say("public.parameters", n=size, most=caps.parameters))
