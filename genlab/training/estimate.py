"""Estimate: how long a run will take and how much memory, measured on a few real steps before it is made."""

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from genlab.data import DataSpec, Splits, load
from genlab.errors import GenlabError, RunFault
from genlab.messages import Message, duration, from_json, joined, to_json
from genlab.models.base import CommonSettings
from genlab.paths import current_space, in_space
from genlab.training.run import Run
from genlab.training.train import Trainer, accelerator_for
from genlab.training.worker import NICENESS, environment

BUDGET = 1.0  # seconds of steps, warm ones alone, after which no larger batch is tried
SIZES = (4, 16, 64)  # of the batches that are tried before the real one
BESIDE = 0.1  # share of the steps' time that samples, held-out losses and saves take on top
COPIES = 5  # of the weights while they learn: themselves, gradients, two moments of AdamW, averages
LONG = 3600.0  # seconds above which one is told what would be shorter
PATIENCE, IDLE = 30.0, 120.0  # seconds for one answer; for the process without a question, after which it ends
MOST = 4  # questions at once, one that is tried and those that wait
LATE = "A few steps of this take longer than {seconds:.0f} s here. Choose a smaller network, smaller images or a smaller batch."


@dataclass(frozen=True)
class Estimate:
    """What a run will take."""

    step_seconds: float
    seconds: float  # in all
    memory: int  # bytes, of the GPU where it trains there
    hint: str = ""  # what would take less; empty where all is well

    def __str__(self) -> str:
        step = Message("{s:.2g}" if self.step_seconds < 10 else "{s:,.0f}", s=self.step_seconds)
        told = {"whole": duration(self.seconds), "step": step, "memory": _bytes(self.memory)}
        return str(joined(filter(None, [Message("About {whole}: {step} s a step, {memory} of memory.", **told), self.hint])))


def estimate(
    family: str, dataset: str | Splits, wanted: Mapping[str, Any], device: str = "auto", threads: int | None = None
) -> Estimate:
    """Try real steps on batches that grow to the real one; raises a GenlabError for a run that could not be made.

    Where a step takes long the larger batches are left out, and what they take follows from the smaller ones.
    """
    data = load(dataset) if isinstance(dataset, str) else dataset
    at_rest = _at_rest()
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(family, data, {**wanted, "compile": False}, "tried", Path(folder), threads)
        trainer = Trainer(run, data, accelerator_for(device, run.settings.precision))
        settings, batch = trainer.settings, trainer.batch_size
        kept = dict.fromkeys([*(size for size in SIZES if size < batch), batch], 0)
        taken, spent = {}, 0.0
        for size in kept:
            kept[size] = _kept_for_backward(trainer, size)  # that step warms up, too, which on a GPU takes seconds
            began = time.perf_counter()
            taken[size] = _seconds_of(trainer, size)
            spent += time.perf_counter() - began
            if (len(taken) > 1 and spent > BUDGET) or taken[size] > BUDGET / 2:  # of one size alone too much would follow
                break
    largest = max(taken)
    step = _at(batch, taken)
    weights = sum(parameter.nbytes for parameter in trainer.model.parameters())
    memory = COPIES * weights + kept[largest] * batch // largest + (at_rest if trainer.accelerator.device.type == "cpu" else 0)
    whole = (1 + BESIDE) * step * settings.steps
    return Estimate(step, whole, memory, _hint(whole, memory, _free(trainer), data.spec, settings))


def _seconds_of(trainer: Trainer, size: int) -> float:
    """The quickest of up to three steps, as what else runs may hold one up."""
    taken: list[float] = []
    while len(taken) < 3 and sum(taken) < BUDGET / 2:
        began = time.perf_counter()
        trainer.try_step(size)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _kept_for_backward(trainer: Trainer, size: int) -> int:
    """Bytes of all that a step of so many items keeps for its gradients, the weights aside."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in trainer.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        trainer.try_step(size)
    return sum(kept.values())


def _at(batch: int, taken: Mapping[int, float]) -> float:
    """Seconds of a step of the real batch: as measured, or along the line through the two largest that were."""
    sizes = sorted(taken)
    if sizes[-1] == batch:
        return taken[batch]
    if len(sizes) == 1:
        return taken[sizes[0]] * batch / sizes[0]
    a, b = sizes[-2:]
    slope = max(0.0, (taken[b] - taken[a]) / (b - a))
    return taken[b] + slope * (batch - b)


def _hint(seconds: float, memory: int, free: int, spec: DataSpec, settings: CommonSettings) -> str:
    """What would take less, where it is much."""
    ways = []
    if spec.kind.pixels and max(spec.shape[1:]) > 32:
        ways.append(Message("images of 32×32 (about {share:.0%} of the work)", share=32 * 32 / (spec.shape[1] * spec.shape[2])))
    if settings.batch_size > 16:
        ways.append(Message("a batch of {n}", n=settings.batch_size // 2))
    if memory > free:
        return Message(
            "Only {free} are free. It takes less with {ways}.",
            free=_bytes(free),
            ways=joined([*ways, Message("a smaller network")], Message(" or ")),
        )
    if seconds > LONG:
        return Message("It takes less with {ways}.", ways=joined([*ways, Message("fewer steps")], Message(" or ")))
    return ""


def _free(trainer: Trainer) -> int:
    device = trainer.accelerator.device
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available + _at_rest()


@cache
def _at_rest() -> int:
    """Bytes of this process before it built any network, as those of every process that trains."""
    return psutil.Process().memory_info().rss


def _bytes(n: int) -> str:
    return Message("{size:.1f} GB", size=n / 2**30) if n >= 2**30 else Message("{size:.0f} MB", size=n / 2**20)


# --- In a process of its own, so that a page answers meanwhile and nothing that is too large can harm it ---


class Estimator:
    """Asks a process that ends when it is no longer asked, and is ended when an answer takes too long."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(MOST)

    def ask(self, family: str, dataset: str, settings: Mapping[str, Any], device: str) -> Estimate:
        """As `estimate`; one question after the other, and RunFault for one that cannot be answered in time."""
        wish = {"family": family, "dataset": dataset, "wanted": dict(settings), "device": device}
        if not self._places.acquire(blocking=False):
            raise RunFault("Too many others ask for an estimate now. Start, or ask again later.")
        try:
            with self._lock:
                answer = self._answer({**wish, "space": str(current_space() or "")})
        finally:
            self._places.release()
        if "error" in answer:
            raise RunFault(answer["error"], *answer.get("about", ()))
        return Estimate(**answer)

    def _answer(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        process = self._running()
        try:
            print(json.dumps(wish), file=process.stdin, flush=True)
            if _has_line(process, PATIENCE) and (line := process.stdout.readline()):  # type: ignore[union-attr]
                return from_json(json.loads(line))
        except BrokenPipeError:
            pass
        process.kill()
        process.wait()
        return {"error": Message(LATE, seconds=PATIENCE)}

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "genlab.training.estimate"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
            self._process.stdout.readline()  # type: ignore[union-attr]  # it has imported everything
        return self._process


def _has_line(process: "subprocess.Popen[str]", seconds: float) -> bool:
    assert process.stdout
    return bool(select.select([process.stdout], [], [], seconds)[0])


def main() -> None:
    """Answer one line after the other, each a question as JSON; end when none has come for a while."""
    os.nice(NICENESS)  # the page and what trains come first
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    print("ready", file=answers, flush=True)
    while select.select([sys.stdin], [], [], IDLE)[0] and (line := sys.stdin.readline()):
        wish = json.loads(line)
        space = wish.pop("space")
        try:
            with in_space(Path(space) if space else None):
                answer = asdict(estimate(**wish))
        except GenlabError as fault:
            answer = {"error": fault.message, "about": fault.about}
        print(json.dumps(to_json(answer)), file=answers, flush=True)


if __name__ == "__main__":
    main()
