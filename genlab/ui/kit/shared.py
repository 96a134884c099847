"""Shared: what all tabs see, the models in memory, and the edge where faults become sentences."""

import ctypes
import functools
import inspect
import logging
import os
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import gradio as gr
import torch
from gradio.context import LocalContext
from pydantic import BaseModel, ConfigDict, ValidationError

from genlab import messages
from genlab.data import SOURCES, is_here, list_datasets, megabytes
from genlab.data.library import let_go
from genlab.data.recipe import PLUS
from genlab.errors import BadSetting, DataMissing, GenlabError, UnknownName
from genlab.files import DiskFault
from genlab.paths import CHECKPOINTS, current_space, in_space, on_hub, runs_folder
from genlab.patience import go_on, while_wanted
from genlab.registry import unknown
from genlab.training.checkpoint import Trained, find_model, list_models, load_model
from genlab.training.queue import Queue
from genlab.ui.server.places import Places
from genlab.ui.server.preset import current
from genlab.ui.server.spaces import NOBODY, visiting
from genlab.ui.words import say

QUICK = 2**19  # pixels times evaluations: what is more takes seconds
QUIET = {"show_progress": "hidden", "api_visibility": "private"}  # for events that the page itself sets off
log = logging.getLogger("genlab")
Handler = TypeVar("Handler", bound=Callable[..., Any])
Record = TypeVar("Record")


@dataclass(frozen=True)
class Shared:
    """The components of the header, which every tab may listen to and read."""

    dataset_picker: gr.Dropdown  # its value is a dataset's name
    model_picker: gr.Dropdown  # its value is a model's name, as `load_model` takes it
    clock: gr.Timer  # ticks while the page is visible
    link: gr.State  # the query of the link that the page was opened with, or that the Sample tab goes back to in its `turn`


class Request(BaseModel):
    """What a widget may send: strict, finite, no unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def check(cls, data: object) -> Any:
        """The request; raises BadSetting with a sentence when it does not fit."""
        try:
            return cls.model_validate(data)
        except ValidationError as fault:
            first = fault.errors(include_url=False)[0]
            what = f"{'.'.join(map(str, first['loc']))} {first['msg'].lower()}".strip()
            raise BadSetting(say("page.request", what=what), *map(str, first["loc"][:1])) from None


class Failure(gr.Error):
    """What the page says of a fault of ours; any other gr.Error refuses what was asked."""


def at_edge(handler: Handler, plain: bool = False) -> Handler:
    """For event handlers, generators included: a GenlabError becomes its message, all else a reference to the log.

    `plain` is for programs, which read messages as text; the page reads them as HTML.
    """

    @functools.wraps(handler)
    def once(*inputs: Any, **options: Any) -> Any:
        with visiting(), sentences(plain), in_time(current().answer):
            return messages.say(handler(*inputs, **options))

    @functools.wraps(handler)
    def stream(*inputs: Any, **options: Any) -> Iterator[Any]:
        records, began = handler(*inputs, **options), time.monotonic()
        try:
            while True:
                # entered anew for each record: Gradio may resume on another thread
                with visiting(), sentences(plain), in_time(current().telling, began):
                    record = messages.say(next(records, _END))
                if record is _END:
                    return
                yield record
        finally:
            records.close()

    return stream if inspect.isgeneratorfunction(handler) else once  # type: ignore[return-value]


def served(function: Handler) -> Handler:
    """For functions that a widget calls: the answer, or the refusal."""

    @functools.wraps(function)
    def answer(*inputs: Any) -> Any:
        with visiting():
            try:
                with in_time(current().answer):
                    return messages.say(function(*inputs))
            except Exception as fault:
                return refusal(fault)

    return answer  # type: ignore[return-value]


def refusal(fault: Exception) -> dict[str, Any]:
    """What a widget is told of a fault: the sentence, and the names of the settings that it is about."""
    return {"error": sentence_for(fault), "about": list(fault.about) if isinstance(fault, GenlabError) else []}


def sentence_for(fault: Exception) -> str:
    """What the person is told; a fault of ours goes to the log under the reference that they see."""
    if isinstance(fault, DiskFault) and current_space() == NOBODY:
        return say("public.no_cookie")
    if isinstance(fault, DataMissing) and current().public:
        return say("public.not_here")  # where its files would have to lie is nobody's business
    if isinstance(fault, GenlabError):
        return str(fault)
    ref = secrets.token_hex(2).upper()
    log.error("ref %s", ref, exc_info=fault)
    return say("page.fault", ref=ref)


@contextmanager
def in_time(seconds: float | None, began: float | None = None) -> Iterator[None]:
    """Let what is done meanwhile end where it takes longer than so many seconds in all, or whoever asked for it has gone."""
    request = LocalContext.request.get(None)
    asked, since = getattr(request, "request", request), time.monotonic() if began is None else began
    event = getattr(asked.state, "event", None) if asked is not None else None

    def check() -> None:
        if seconds is not None and time.monotonic() - since > seconds:
            raise BadSetting(say("public.late", seconds=f"{seconds:g}"))
        if asked is not None and (getattr(asked.state, "gone", False) or not getattr(event, "alive", True)):
            raise BadSetting(say("page.left"))

    with while_wanted(check):
        check()
        yield


@contextmanager
def drawing(work: int = 0, threads: int = 1) -> Iterator[None]:
    """Wait for a place among the few that may draw at once; widgets' calls have no queue of their own.

    Where the work is much, what is quick keeps places meanwhile. One thread is the fastest for a few small images, and the
    steadiest beside a training.
    """
    torch.set_num_threads(threads)  # holds for the calling thread
    with _LONG.one(current().places and 1) if work > QUICK else nullcontext(), _PLACES.one(current().places):
        yield


def opening() -> AbstractContextManager[None]:
    """Wait for a place among the few processes that may open strangers' files at once, or try their settings."""
    return _PROCESSES.one(current().places and 1)


def searching() -> AbstractContextManager[None]:
    """As `drawing`, for what takes many seconds; it never has all places, so that pictures find one meanwhile."""
    return drawing(QUICK + 1)


def on_all_cores(records: Iterator[Record]) -> Iterator[Record]:
    """Let long work use the cores that the page itself does not need."""
    try:
        while True:
            go_on()
            torch.set_num_threads(max(1, cores() - 1))  # again and again: Gradio may resume on another thread
            try:
                record = next(records)
            except StopIteration:
                return
            yield record
    finally:
        records.close()  # type: ignore[attr-defined]


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_model(name: str) -> Trained:
    """The newest checkpoint of a listed model, or one of the Hub for the user of this machine; read once."""
    if name not in (names := list_models()) and not may_fetch(name):
        raise UnknownName(unknown("model", name, names))
    folder = find_model(name)
    return _models.get((owner_of(folder), name, version_of(folder)), lambda: load_model(name, device()))


def may_fetch(model: str | None) -> bool:
    """Whether a name is that of a model on the Hub, for the user of this machine."""
    return isinstance(model, str) and on_hub(model) and not current().public


def opened_model(name: str, version: str) -> Trained:
    """The checkpoint that a widget is looking at; the newest where it is no longer in memory."""
    return _models.find((None, name, version)) or _models.find((current_space(), name, version)) or open_model(name)


def owner_of(checkpoint: Path) -> Path | None:
    """Whose a checkpoint is: what ships is no visitor's, so that what is worked out of it is kept once for all."""
    return None if checkpoint.parent == CHECKPOINTS else current_space()


def version_of(folder: Path) -> str:
    """What tells one checkpoint of a model from another, and from one of that name that was deleted."""
    return f"{folder.name}-{(folder / 'config.json').stat().st_mtime_ns:x}"


class Named(Request):
    name: str


@at_edge
def pick_dataset(event: gr.EventData) -> object:
    """Let the header go to a dataset that was just made."""
    name = Named.check(event._data).name
    return gr.update(choices=dataset_choices(), value=name) if name in list_datasets() else gr.skip()


def dataset_choices() -> list[tuple[str, str]]:
    """The datasets as the picker tells them; those that have to be fetched, which visitors cannot do, with their size."""
    here = [name for name in list_datasets() if is_here(name)]
    absent = [] if current().public else [name for name in list_datasets() if name not in here]
    sizes = {name: megabytes(SOURCES[name.partition(PLUS)[0]].download) for name in absent}
    return [
        *((name, name) for name in here),
        *((say("page.to_fetch", name=name, size=size), name) for name, size in sizes.items()),
    ]


def device() -> str:
    """Where models run."""
    wanted = os.environ.get("GENLAB_DEVICE", "auto")
    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


@functools.cache
def queue() -> Queue:
    """The runs that wait for their turn, of all visitors together."""
    caps = current()
    with in_space(None):
        return Queue(runs_folder() / "queue.json", caps.running, caps.queued, caps.visitor_runs)


class Kept:
    """The values that were made or asked for last, each made once even when several threads ask for it.

    Where there is no more room, it is the visitor with most values who loses the oldest of them.
    """

    def __init__(self, size: int, weigh: Callable[[Any], int] = lambda value: 1) -> None:
        self.size, self.weigh = size, weigh
        _kept.add(self)
        self._weights: Counter[Path | None] = Counter()  # of the values of each visitor; of all together at most `size`
        self._values: OrderedDict[Any, tuple[Any, Path | None]] = OrderedDict()  # and by whom each was made
        self._lock = threading.Lock()
        self._making: dict[Any, threading.Lock] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value of `key`, made where it is not kept."""
        with self._lock:
            if key in self._values:
                return self._found(key)
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._found(key)
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            self.put(key, value)
            return value

    def put(self, key: Any, value: Any) -> None:
        """Keep a value, and let those go that were asked for longest ago."""
        with self._lock:
            self._drop(key)
            self._values[key] = value, current_space()
            self._weights[current_space()] += self.weigh(value)
            while self._weights.total() > self.size:
                most = max(self._weights, key=lambda whose: self._weights[whose])
                self._drop(next(key for key, (_, whose) in self._values.items() if whose == most))

    def find(self, key: Any) -> Any | None:
        """The value of `key`, or None when it was let go."""
        with self._lock:
            return self._found(key) if key in self._values else None

    def forget(self, whose: Path) -> None:
        """Let go of all values of a visitor who has left."""
        with self._lock:
            for key in [key for key, (_, by) in self._values.items() if by == whose]:
                self._drop(key)

    def _found(self, key: Any) -> Any:
        self._values.move_to_end(key)
        return self._values[key][0]

    def _drop(self, key: Any) -> None:
        if key in self._values:
            value, whose = self._values.pop(key)
            self._weights[whose] -= self.weigh(value)
            if not self._weights[whose]:
                del self._weights[whose]


def forget_visitor(space: Path) -> None:
    """Give back the memory of what a visitor who has left had asked for."""
    for kept in list(_kept):
        kept.forget(space)


def give_back() -> None:
    """Give back the memory of datasets that recipes made, and, while no picture would wait for it, what the C library keeps."""
    let_go()
    if _PLACES.empty:
        with suppress(AttributeError, TypeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


_END = object()
_kept: WeakSet[Kept] = WeakSet()
_models = Kept(8)
_PLACES, _LONG, _PROCESSES = Places(4), Places(2), Places(4)


@contextmanager
def sentences(plain: bool = False) -> Iterator[None]:
    """Turn every fault into a gr.Error with its sentence."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as fault:
        kind = gr.Error if isinstance(fault, GenlabError) else Failure
        told = sentence_for(fault)
        raise kind(told if plain else escape(told, quote=False), print_exception=False) from None  # Gradio reads it as HTML
