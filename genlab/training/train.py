"""train(): the loop of every family, told from top to bottom; a generator that yields its progress."""

import math
import shutil
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import cast, get_args

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast, broadcast_object_list
from filelock import FileLock, Timeout
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from genlab.data import Batch, Splits
from genlab.errors import Diverged, GenlabError, RunFault
from genlab.files import DiskFault, write_bytes, write_json
from genlab.hardware import hardware
from genlab.messages import Message, joined, to_json
from genlab.models.base import GenerativeModel, give_weights
from genlab.models.settings import CommonSettings
from genlab.training.card import write_card
from genlab.training.checkpoint import (
    KEPT,
    load_model,
    load_state,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    save_checkpoint,
    without,
)
from genlab.training.figure import draw_curves
from genlab.training.interludes import Interludes
from genlab.training.live import Live
from genlab.training.measured import Found, Measuring
from genlab.training.optimizer import optimizer_for
from genlab.training.run import Control, Run, State, Wanted, as_record
from genlab.training.seen import check_same
from genlab.training.start import take_over

HELD_OUT_ITEMS = 256
PAUSED = 60.0  # seconds for which a run whose time is limited may be paused before it makes room


@dataclass(frozen=True)
class Progress:
    """Where training stands after a step."""

    step: int
    steps: int
    losses: dict[str, float]  # by player
    logs: dict[str, float]
    held_out: float | None  # loss of the averaged weights on the validation part, when it was measured
    learning_rate: float
    gradient_norm: float  # the largest of the players', before clipping
    items_per_second: float
    seconds_left: float
    seconds: float
    recorded: bool = field(default=False)  # this step is in the history
    drew: bool = field(default=False)  # this step has a sample grid
    saved: bool = field(default=False)  # this step has a checkpoint
    state: str = "running"
    found: Found | None = None  # what metrics say of some samples, when these were measured


def train(run: Run, data: Splits, device: str = "auto") -> Generator[Progress, None, None]:
    """Train a run from its last checkpoint to its end; closing the generator saves and stops."""
    accelerator = accelerator_for(device, run.settings.precision)
    if not accelerator.is_main_process:  # the first process alone writes
        check_same(run, data, write=False)
        yield from Trainer(run, data, accelerator).loop()
        return
    lock = FileLock(run.path / "lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise Busy("The run {name!r} is training in another process already.", name=run.name) from None
    trainer = None
    try:
        with noting_faults(run):
            check_same(run, data)
            run.note("running")
            told = hardware(accelerator.device, run.record["threads"], accelerator.num_processes)
            write_json(run.path / "hardware.txt", to_json(told))
            with run.doing("build"):
                trainer = Trainer(run, data, accelerator)
            yield from trainer.loop()
            run.note("done" if trainer.step == trainer.settings.steps else "stopped", trainer.told)
    except GeneratorExit:
        with noting_faults(run):
            if trainer:
                trainer.save()
        run.note("stopped")
        raise
    finally:
        lock.release()


class Busy(RunFault):
    """Another process trains the run, whose state is that process's to tell."""


@contextmanager
def noting_faults(run: Run) -> Iterator[None]:
    """Whatever goes wrong in the block is told in the run's status, and raised as a sentence where it can be one."""
    try:
        yield
    except (GeneratorExit, Busy):
        raise
    except GenlabError as fault:
        run.note("failed", fault.message, kind=fault.kind)
        raise
    except KeyboardInterrupt:  # in the middle of a step, which is not to be saved
        run.note("stopped")
        raise
    except BaseException as fault:
        if _is_of_memory(fault):
            message = _out_of_memory(run.settings.batch_size)
            run.note("failed", message)
            raise RunFault(message) from fault
        step = run.status().step
        told = {"fault": f"{type(fault).__name__}: {fault}"}
        sentence = Message("Something went wrong before the first step ({fault}).", **told)
        if step:
            sentence = Message("Something went wrong after step {step:,} ({fault}).", step=step, **told)
        run.note("failed", sentence)
        raise


class Trainer:
    """All that changes while a run trains, and how it is saved and restored."""

    def __init__(self, run: Run, data: Splits, accelerator: Accelerator) -> None:
        self.run, self.data, self.settings, self.accelerator = run, data, run.settings, accelerator
        torch.set_num_threads(run.record["threads"])  # other numbers add in another order, and a resumed run would differ
        self.batch_size = share_of(fitting_batch(run, len(data.train)), accelerator.num_processes)
        torch.manual_seed(self.settings.seed)
        self.model = run.model(data.spec, self.settings)
        self.model.prepare(data.train, run.path)
        self.model.to(self.accelerator.device)
        if run.start:
            take_over(self.model, load_model(str(run.start.folder)).model)
        if self.accelerator.device.type == "cuda":  # on a CPU the plain layout was the faster one
            self.model = self.model.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.model)
        self.average.requires_grad_(False)
        self.weights = list(self.average.module.parameters()), list(self.model.parameters())
        self.buffers = list(self.average.module.buffers()), list(self.model.buffers())
        self.players = self.model.players()
        self.optimizers = {name: optimizer_for(player, self.settings) for name, player in self.players.items()}
        self.step, self.seconds, self.started, self.told = 0, 0.0, 0.0, ""
        self.settled = -1  # the step whose averaged weights are ready for use
        self.granted = 0  # single steps that were taken since it was paused
        self.background = data.validation.backdrop
        self.held_out_batch = data.validation.batch(min(HELD_OUT_ITEMS, len(data.validation)), 0, 0)
        self._restore()
        self.measuring = Measuring(run, data) if self.settings.measured else None
        batches = len(self.held_out_batch.x) / self.batch_size
        self.interludes = Interludes(run, self._measure, self._draw, batches, self._evaluate if self.measuring else None)
        self.live = Live(run, self.model)
        if self.settings.compile:
            compile_networks(self.model)

    def loop(self) -> Iterator[Progress]:
        if self.run.start and self.step == 0 and self.accelerator.is_main_process:
            self.interludes.draw(0)  # what it did before
        if self.measuring and self.step < self.settings.steps and self.accelerator.is_main_process:
            with self.run.doing("evaluate"):
                self.measuring.prepare(self.model)
        speed = Speed(self.batch_size * self.accelerator.num_processes)
        self.started = time.monotonic() - self.seconds
        progress = None
        while self.step < self.settings.steps:
            control = self._control()
            if control.wanted == "stop" or self._time_is_up():
                self._complete()
                self.save()
                return
            if self._held(control):
                yield from self._pause(progress)
                continue

            self._seed(address(self.settings.seed, self.step))  # one seed for all processes: see Batch.randn
            speed.start()
            batch = self.data.train.batch(
                self.batch_size, self.settings.seed, self.step, self.settings.augment,
                rank=self.accelerator.process_index, ranks=self.accelerator.num_processes,
            )  # fmt: skip
            losses, logs, norm = self._play(batch.to(self.accelerator.device), self._movers(control))
            self._agree([buffer for buffer in self.buffers[1] if buffer.is_floating_point()])
            self._follow()
            self.step += 1
            self.granted = self.granted + 1 if control.wanted == "pause" else 0
            self.interludes.stepped(speed.stop())
            if self.step == self.settings.steps:
                self._complete()

            after = self.interludes.after if self.accelerator.is_main_process else lambda step: (None, False, None)
            held_out, drew, found = after(self.step)
            self.seconds = time.monotonic() - self.started
            progress = Progress(
                self.step, self.settings.steps, losses, logs, held_out,
                learning_rate(self.settings, self.settings.learning_rate, self.step - 1), norm,
                speed.items_per_second, speed.seconds_left(self.settings.steps - self.step), round(self.seconds, 2),
                recorded=control.wanted == "pause" or self.interludes.due("record", self.step), drew=drew, found=found,
            )  # fmt: skip
            if progress.recorded and self.accelerator.is_main_process:
                self.interludes.record(as_record(progress))
            if self.step % self.settings.save_every == 0 or self.step == self.settings.steps:
                self.save()
                progress = replace(progress, saved=True)
            self._show(progress)
            yield progress
            self._keep_pace(control)

    def try_step(self, size: int) -> None:
        """A step on some items that is not counted, to see what it takes."""
        batch = self.data.train.batch(size, self.settings.seed, 0, self.settings.augment)
        self._play(batch.to(self.accelerator.device), list(self.players))
        self.average.update_parameters(self.model)
        if self.accelerator.device.type == "cuda":
            torch.cuda.synchronize()

    def _play(self, batch: Batch, movers: Collection[str]) -> tuple[dict[str, float], dict[str, float], float]:
        """One step of every player that may move; nothing is changed by a loss or gradient that is not finite."""
        losses: dict[str, float] = {}
        logs: dict[str, float] = {}
        norms: list[float] = []
        turns = self.model.training_losses(batch, self.step)
        while True:
            with self.accelerator.autocast():
                loss = next(turns, None)
            if loss is None:
                return losses, logs, max(norms)
            learns = loss.player in movers
            mean = loss.value.mean()
            norm = [self._gradient(loss.player, mean)] if learns else []
            value, *rest = self._numbers([mean, *loss.logs.values(), *norm])  # read together: each reading waits for a GPU
            losses[loss.player] = value
            logs |= zip(loss.logs, rest, strict=False)
            if learns:
                if not (math.isfinite(value) and math.isfinite(rest[-1])):
                    raise Diverged(self._divergence(loss.player, value))
                norms.append(rest[-1])
                self._move(loss.player)

    def _gradient(self, name: str, loss: Tensor) -> Tensor:
        """Find a player's gradient, averaged over processes and clipped; its length before that."""
        player = self.players[name]
        self.optimizers[name].zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self._agree([parameter.grad for parameter in player.parameters if parameter.grad is not None])
        return torch.nn.utils.clip_grad_norm_(player.parameters, self.settings.clip or math.inf)

    def _move(self, name: str) -> None:
        """Let a player take its step."""
        optimizer, base = self.optimizers[name], self.players[name].learning_rate or self.settings.learning_rate
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(self.settings, base, self.step)
        optimizer.step()

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the averaged weights follow; young ones forget faster, so that early samples are of use.

        AveragedModel's own update looks all tensors up again, which takes a tenth of a small network's step.
        """
        age = int(self.average.n_averaged)
        memory = min(self.settings.ema, (1 + age) / (10 + age)) if age else 0.0
        torch._foreach_lerp_(*self.weights, 1 - memory)  # type: ignore[arg-type]
        if self.buffers[0]:
            torch._foreach_copy_(*self.buffers)
        self.average.n_averaged += 1

    @torch.no_grad()
    def _agree(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in one exchange."""
        if self.accelerator.num_processes == 1 or not tensors:
            return
        means = self.accelerator.reduce(torch.cat([tensor.flatten() for tensor in tensors]), reduction="mean")
        for tensor, mean in zip(tensors, means.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def _numbers(self, values: Sequence[Tensor]) -> list[float]:
        """Single numbers, each as its mean over all processes."""
        together = torch.stack([value.detach().float() for value in values])
        if self.accelerator.num_processes > 1:
            together = self.accelerator.reduce(together, reduction="mean")
        return together.tolist()

    def _seed(self, seed: int) -> None:
        """Seed what draws on the device; torch.manual_seed looks for every other kind, which takes as long as a small step."""
        torch.default_generator.manual_seed(seed)
        if self.accelerator.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _control(self) -> Control:
        """What the run is asked to do; several processes do as the first one reads, and know run, pause and stop alone."""
        if self.accelerator.num_processes == 1:
            return self.run.control()
        wishes: tuple[Wanted, ...] = get_args(Wanted)
        read = torch.tensor(wishes.index(self.run.wanted()), device=self.accelerator.device)
        return Control(wishes[int(broadcast(read))])

    def _held(self, control: Control) -> bool:
        """Whether to wait: paused, and every single step that was granted has been taken."""
        return control.wanted == "pause" and self.granted >= control.granted

    def _show(self, progress: Progress | None) -> None:
        """Let those who watch a run on points see where it stands, and all who come later see its end."""
        if self.accelerator.is_main_process:
            self.live.show(self.step, progress.losses if progress else {}, at_once=self.step == self.settings.steps)

    def _movers(self, control: Control) -> Collection[str]:
        """The players that learn in this step, as the settings or a hand on the page want it."""
        chosen = [name for name in self.players if name in control.players] or list(self.players)
        if len(chosen) < len(self.players):
            self.run.note_steering(self.step + 1)
        return chosen

    def _keep_pace(self, control: Control) -> None:
        """Wait after a step for as long as slow motion is wanted."""
        until = time.monotonic() + (1 / control.pace if control.pace else 0)
        while (left := until - time.monotonic()) > 0 and self._control() == control:
            time.sleep(min(left, 0.02))

    @torch.no_grad()
    def _measure(self) -> float:
        """The held-out loss of the averaged weights, found in blocks that need no more memory than a step."""
        model, found = self._averaged(), []
        with self.run.doing("measure"), self.accelerator.autocast():
            for block in self.held_out_batch.blocks(self.batch_size):
                self._seed(0)  # the same noise each time, so that only the weights move the curve
                found.append(model.held_out_loss(block.to(self.accelerator.device)))
        return float(torch.cat(found).mean())

    @torch.no_grad()
    def _draw(self, step: int, patience: float = math.inf) -> bool:
        """A grid of samples from the same noise each time; given up where it is seen to take longer than so many seconds."""
        began = perf_counter()
        with self.run.doing("draw"):
            model = self._averaged()
            columns = model.classes if 4 <= model.classes <= 16 else 16
            n = len(self.background) if self.background is not None else model.spec.kind.drawn or 4 * columns
            for draft in model.sample(n, model.SamplingSettings(), self.settings.seed, model.given_labels(None, n)):
                if draft.step < draft.total and (perf_counter() - began) * draft.total / draft.step > patience:
                    return False
            write_bytes(self.run.sample_file(step), model.spec.kind.kept(draft.items, columns, self.background))
        return True

    def _evaluate(self, patience: float) -> Found | None:
        """What metrics say of some samples of the averaged weights."""
        assert self.measuring
        with self.run.doing("evaluate"):
            return self.measuring.look(self._averaged(), patience)

    def _averaged(self) -> GenerativeModel:
        """The averaged weights, ready for use."""
        model = cast(GenerativeModel, self.average.module)
        if self.settled != self.step:
            model.settle(self.settings.seed)
            self.settled = self.step
        return model.eval()

    def _complete(self) -> None:
        """Fit what is fitted when a run ends; where it goes on, that is forgotten and fitted anew."""
        if self.step and self.accelerator.is_main_process:
            with self.run.doing("fit"):
                self._averaged().complete(self.data.train, self.settings.seed)

    def save(self) -> None:
        """Save the averaged weights for use and everything for continuing; keep the last few."""
        if not self.accelerator.is_main_process:
            return
        if broken := [name for name, weight in self.model.named_parameters() if not weight.isfinite().all()]:
            raise Diverged(
                "Stopped at step {step:,}: {broken} is no longer finite. {safe}",
                step=self.step,
                broken=broken[0],
                safe=self._safe_weights(),
            )
        state = prefixed("model", self.model) | prefixed("average", self.average)
        for name, optimizer in self.optimizers.items():
            state |= optimizer_tensors(name, optimizer)
        state["seconds"] = torch.tensor(self.seconds)
        record = self.run.record
        config = {key: record[key] for key in ("family", "dataset", "settings", "genlab")}
        learnt = {"items": len(self.data.train), "fingerprint": self.data.train.fingerprint}
        config |= {"step": self.step, **learnt, "command": self.run.command}
        model, drawn = self._averaged(), self.run.samples()
        beside = {"card.md": write_card(self.run, model, config, self.seconds).encode()}
        if drawn:
            beside[f"preview{model.spec.kind.kept_as}"] = self.run.sample_file(drawn[-1]).read_bytes()
        if self.step == self.settings.steps:
            beside["curves.png"] = draw_curves(self.run.history(), self.run.loss_unit)
        try:
            with self.run.doing("save"):
                folder = self.run.path / "checkpoints" / f"step-{self.step:08d}"
                save_checkpoint(folder, model, config, beside, state)
        except DiskFault as fault:
            raise DiskFault(joined([fault.message, self._safe_weights()])) from fault
        prune(self.run)

    def _restore(self) -> None:
        saved = self.run.checkpoints()
        if self.accelerator.is_main_process:
            self.run.forget(after=int(saved[-1].name.removeprefix("step-")) if saved else 0)
        self.accelerator.wait_for_everyone()
        if not saved:
            return
        state = load_state(saved[-1])
        give_weights(self.model, without("model", state))
        give_weights(self.average, without("average", state))
        for name, optimizer in self.optimizers.items():
            restore_optimizer(name, optimizer, state)
        self.step, self.seconds = int(saved[-1].name.removeprefix("step-")), float(state["seconds"])

    def _pause(self, last: Progress | None) -> Iterator[Progress]:
        """Save and wait, with everything still in memory."""
        self.save()
        self._note("paused")
        began = time.monotonic()
        while self._held(self._control()) and not self._time_is_up() and not self._paused_too_long(began):
            self._show(last)
            time.sleep(0.05)
            if last:
                yield replace(last, state="paused")
        self._note("running")

    def _paused_too_long(self, since: float) -> bool:
        if self.interludes.limit == math.inf or time.monotonic() - since < PAUSED:
            return False
        self.told = Message(
            "Stopped at step {step:,}: it was paused for {seconds:g} seconds. Everything is saved; Resume goes on.",
            step=self.step,
            seconds=PAUSED,
        )
        return True

    def _time_is_up(self) -> bool:
        limit = self.interludes.limit
        if self.told:
            return True
        if limit == math.inf or self._numbers([torch.tensor(time.monotonic() - self.started)])[0] < limit:
            return False
        self.told = Message(
            "Stopped at step {step:,}: its {seconds:g} seconds are over. Everything is saved.", step=self.step, seconds=limit
        )
        return True

    def _note(self, state: State) -> None:
        if self.accelerator.is_main_process:
            self.run.note(state)

    def _divergence(self, player: str, value: float) -> str:
        what = Message("infinite") if math.isinf(value) else Message("finite, but its gradient not")
        what = Message("NaN") if math.isnan(value) else what
        rate = self.players[player].learning_rate or self.settings.learning_rate
        return Message(
            "Stopped at step {step:,}: the loss of the {player} became {what}. "
            "{safe} Usual cause: the learning rate of {rate:g} is too high; try {lower:g}.",
            step=self.step + 1,
            player=player,
            what=what,
            safe=self._safe_weights(),
            rate=rate,
            lower=rate / 10,
        )

    def _safe_weights(self) -> str:
        saved = self.run.checkpoints()
        if not saved:
            return Message("No weights had been saved yet.")
        return Message("The weights of step {step:,} are safe.", step=int(saved[-1].name[5:]))


class Speed:
    """Images a second while stepping, and the time that is left, all else counted in."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size, self.step_seconds, self.whole_seconds = batch_size, 0.0, 0.0
        self.began = self.ended = 0.0

    def start(self) -> None:
        self.began = perf_counter()

    def stop(self) -> float:
        """The seconds that the step took."""
        now = perf_counter()
        taken = now - self.began
        self.step_seconds = _smooth(self.step_seconds, taken)
        self.whole_seconds = _smooth(self.whole_seconds, now - (self.ended or self.began))
        self.ended = now
        return taken

    @property
    def items_per_second(self) -> float:
        return round(self.batch_size / self.step_seconds, 1)

    def seconds_left(self, steps: int) -> float:
        return round(steps * self.whole_seconds, 1)


def accelerator_for(device: str, precision: str) -> Accelerator:
    """Accelerate's view of the device; bf16 by itself only where a GPU has it."""
    AcceleratorState._reset_state(reset_partial_state=True)
    if device == "cuda" and not torch.cuda.is_available():
        raise RunFault("There is no CUDA device on this machine; use --device cpu or auto.")
    gpu = device != "cpu" and torch.cuda.is_available()
    bf16 = precision == "bf16" or (precision == "auto" and gpu and torch.cuda.is_bf16_supported())
    return Accelerator(cpu=not gpu, mixed_precision="bf16" if bf16 else "no")


def by_first(accelerator: Accelerator, make: Callable[[], Path]) -> Path:
    """The path of what the first of all processes makes; a fault there is every process's fault."""
    told: list[str] = ["", ""]
    if accelerator.is_main_process:
        try:
            told[0] = str(make())
        except GenlabError as fault:
            told[1] = fault.message
    path, refusal = broadcast_object_list(told)
    if refusal:
        raise RunFault(refusal)
    return Path(path)


def learning_rate(settings: CommonSettings, base: float, step: int) -> float:
    """Rises over the warm-up, then falls as asked."""
    rise = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    done = step / settings.steps
    fall = {"none": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[settings.decay]
    return base * rise * fall


def compile_networks(model: GenerativeModel) -> None:
    """Compile in place; a network that cannot be compiled runs as it is."""
    torch._dynamo.config.suppress_errors = True
    for network in model.children():
        network.compile()


def address(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1


def fitting_batch(run: Run, items: int) -> int:
    """Items a step: what was asked for, or all where there are fewer, as evenly shared by the run's processes."""
    processes = run.record.get("processes", 1)
    return min(run.batch_size, max(1, items // processes) * processes)


def share_of(batch_size: int, processes: int) -> int:
    """What each of several processes takes of a step's batch."""
    if batch_size % processes:
        raise RunFault(
            "A step of {n} items cannot be shared evenly by {processes} processes; choose another number.",
            n=batch_size,
            processes=processes,
        )
    return batch_size // processes


def prune(run: Run) -> None:
    """Keep the last checkpoints only, and sweep away what an interrupted save left."""
    for folder in [*run.checkpoints()[:-KEPT], *(run.path / "checkpoints").glob("*.tmp")]:
        shutil.rmtree(folder, ignore_errors=True)


def _smooth(old: float, new: float) -> float:
    return new if not old else 0.9 * old + 0.1 * new


def _is_of_memory(fault: BaseException) -> bool:
    """Whether memory ran out; on a CPU, torch has no exception of its own for that."""
    return isinstance(fault, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(fault)


def _out_of_memory(batch_size: int) -> str:
    return Message("Out of memory with a batch of {n}. Try {smaller}.", n=batch_size, smaller=max(1, batch_size // 2))
