"""Cost: how large a model is, how long it learnt, how fast it draws, and what memory that takes."""

import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from genlab.hardware import hardware
from genlab.messages import Message, duration
from genlab.models.base import GenerativeModel
from genlab.models.many import in_blocks

MANY = 64  # samples that are drawn at once
ROUNDS, BUDGET = 3, 5.0  # of which the median is told, after one that warms up; seconds after which no further one begins
DRAWN = (ROUNDS + 1) * (MANY + 1)  # samples that it takes at most


class Known(Protocol):
    """A model, and what its checkpoint knows of it."""

    @property
    def model(self) -> GenerativeModel: ...
    @property
    def weights(self) -> str: ...
    @property
    def asked(self) -> Mapping[str, Any]: ...
    @property
    def training(self) -> tuple[float | None, str]: ...


@dataclass(frozen=True)
class Cost:
    """What a model takes; speeds are those of the hardware that is told, beside whatever else it did."""

    parameters: int
    weights: int  # bytes
    one: tuple[float, ...]  # samples a second that are drawn one at a time, of each round
    many: tuple[float, ...]  # likewise, MANY at once
    memory: int  # bytes of all tensors that are there at most while MANY are drawn, the weights aside
    hardware: str
    seconds: float | None = None  # of training, where the checkpoint knows
    trained_on: str = ""

    def figures(self) -> dict[str, float]:
        """What is known, by its name in FIGURES."""
        found = {name: figure.of(self) for name, figure in FIGURES.items()}
        return {name: number for name, number in found.items() if number is not None}


@dataclass(frozen=True)
class Figure:
    """One number of a cost."""

    title: Message
    meaning: Message
    better: str
    of: Callable[[Cost], float | None]
    told: Callable[[float], str]


def _rate(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}"


def _size(n: float) -> Message:
    return Message("{size:.1f} MB", size=n / 1e6) if n >= 1e5 else Message("{size:.1f} kB", size=n / 1e3)


FIGURES: Mapping[str, Figure] = {
    "parameters": Figure(
        Message("Parameters"), Message("Numbers that were learnt."), "lower", lambda of: of.parameters, lambda n: f"{n:,.0f}"
    ),
    "weights": Figure(
        Message("Size of the weights"), Message("What they take in memory."), "lower", lambda of: of.weights, _size
    ),
    "training": Figure(
        Message("Time of training"),
        Message("How long it learnt, on whatever that was."),
        "lower",
        lambda of: of.seconds,
        duration,
    ),
    "speed-one": Figure(
        Message("Samples a second, one at a time"),
        Message("As fast as a slider can be; the median of a few, here, beside whatever else runs."),
        "higher",
        lambda of: median(of.one),
        _rate,
    ),
    "speed-many": Figure(
        Message("Samples a second, {n} at once", n=MANY),
        Message("As fast as a wall of samples comes; the median of a few, here, beside whatever else runs."),
        "higher",
        lambda of: median(of.many),
        _rate,
    ),
    "memory": Figure(
        Message("Memory while it draws {n}", n=MANY),
        Message("What all its tensors take at most, the weights aside."),
        "lower",
        lambda of: of.memory,
        _size,
    ),
}


@torch.no_grad()
def cost(trained: Known) -> Cost:
    """What a model takes, by drawing with it from its default settings."""
    model = trained.model
    seconds, trained_on = trained.training
    one = _speeds(model, 1, _seconds(model, 1))
    with _Held(model) as held:
        first = _seconds(model, MANY)
    many = _speeds(model, MANY, first)
    weights = [*model.parameters()]
    return Cost(
        sum(weight.numel() for weight in weights),
        sum(weight.nbytes for weight in weights),
        one,
        many,
        held.most,
        hardware(weights[0].device, torch.get_num_threads()),
        seconds,
        trained_on,
    )


def _speeds(model: GenerativeModel, n: int, first: float) -> tuple[float, ...]:
    """Of some rounds after the first, which counts itself where it takes so long that warming up is little of it."""
    taken = [first] if first > BUDGET else [_seconds(model, n)]
    while len(taken) < ROUNDS and sum(taken) < BUDGET:
        taken.append(_seconds(model, n))
    return tuple(n / seconds for seconds in taken)


def _seconds(model: GenerativeModel, n: int) -> float:
    """What it takes to draw n samples."""
    began = time.perf_counter()
    *_, block = in_blocks(model, n, model.SamplingSettings(), 0, None)
    block.draft.items.cpu()  # waits for them
    return time.perf_counter() - began


class _Held(TorchDispatchMode):
    """Bytes of the tensors that are made meanwhile and still there: now, and at most."""

    def __init__(self, model: GenerativeModel) -> None:
        super().__init__()
        self.now = self.most = 0
        self.there = {weight.untyped_storage()._cdata for weight in (*model.parameters(), *model.buffers())}

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        made = function(*arguments, **(options or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.there:  # a view
            return
        self.there.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._let_go, key, size)

    def _let_go(self, key: int, size: int) -> None:
        self.there.discard(key)
        self.now -= size
