"""Queue: runs that wait for their turn, so that no more train at once than the machine can bear."""

import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genlab.errors import GenlabError, RunFault
from genlab.files import read_json, write_json, writing
from genlab.messages import Message
from genlab.paths import current_space, in_space
from genlab.training import worker
from genlab.training.run import ALIVE, Run

MOST_AT_ONCE = 8
PULSE = 0.5  # seconds between two looks at whether a run has ended


@dataclass(frozen=True)
class Turn:
    """A run in the queue, and whose it is."""

    path: str
    device: str
    space: str | None  # the visitor's folder; None is the user of this machine

    @property
    def run(self) -> Run:
        return Run(Path(self.path))


class Queue:
    """Kept in a file, so that a server that is started again goes on with it; one server has it at a time."""

    def __init__(self, file: Path, at_once: int | None = None, longest: int | None = None, each: int | None = None) -> None:
        """At most `at_once` runs train (None: as many as was last said) and `longest` wait (None: 100).

        One visitor may have `each` of both together (None: any number).
        """
        self.file, self.longest, self.each, self.fixed = file, longest or 100, each, at_once is not None
        self._lock = threading.RLock()
        kept = self._read()
        self.at_once: int = at_once or kept.get("at_once", 1)
        self._waiting = [Turn(**turn) for turn in kept.get("waiting", [])]
        self._training = [Turn(**turn) for turn in kept.get("training", [])]

    def add(self, run: Run, device: str = "auto") -> None:
        """Put a run at the end, or start it where there is room; raises RunFault when the queue is full."""
        with self._lock:
            self._sweep()
            if run.status().state in (*ALIVE, "queued"):
                raise RunFault("The run {name!r} is training or waiting already.", name=run.name)
            self._check_room()
            self._waiting.append(Turn(str(run.path.absolute()), device, _space()))
            run.ask("run")
            run.note("queued")
            self._write()
        self.advance()

    def check_room(self) -> None:
        """Raise RunFault with a sentence where one more run would be too many."""
        with self._lock:
            self._sweep()
            self._check_room()

    def waiting(self) -> list[Run]:
        """The runs that wait, the next one first."""
        with self._lock:
            return [turn.run for turn in self._waiting]

    def move(self, run: Run, by: int) -> None:
        """Let a run of this space wait `by` places longer (or, below 0, less long), among this space's runs."""
        with self._lock:
            mine = [i for i, turn in enumerate(self._waiting) if turn.space == self._of(run).space]
            now = next(k for k, i in enumerate(mine) if self._waiting[i].run == run)
            turns = [self._waiting[i] for i in mine]
            turns.insert(min(max(0, now + by), len(turns) - 1), turns.pop(now))
            for i, turn in zip(mine, turns, strict=True):
                self._waiting[i] = turn
            self._write()

    def cancel(self, run: Run) -> None:
        """Take a run out; one that had trained before stays as it was then, one that never began is removed."""
        with self._lock:
            self._sweep()
            self._leave(self._of(run))
            self._write()

    def clear(self) -> None:
        """Take out all runs of this space."""
        with self._lock:
            self._sweep()
            for turn in [turn for turn in self._waiting if turn.space == _space()]:
                self._leave(turn)
            self._write()

    def limit(self, at_once: int) -> None:
        """Say how many may train at once; those that train already go on."""
        if self.fixed:
            raise RunFault("The number of runs at once is set to {number} here.", number=self.at_once)
        if not 1 <= at_once <= MOST_AT_ONCE:
            asked = "{given} runs at once were asked for; it must be a whole number from 1 to {most}."
            raise RunFault(Message(asked, given=at_once, most=MOST_AT_ONCE), "at_once")
        with self._lock:
            self.at_once = at_once
            self._write()
        self.advance()

    def advance(self) -> None:
        """Start what there is room for."""
        with self._lock:
            before = len(self._waiting), len(self._training)
            self._sweep()
            busy = sum(self.fixed or _state(turn) != "paused" for turn in self._training)  # a pause keeps memory
            for turn in self._waiting[: max(0, self.at_once - busy)]:
                self._waiting.remove(turn)
                self._begin(turn)
            if before != (len(self._waiting), len(self._training)):
                self._write()

    def keep_going(self) -> None:
        """Advance again and again, in a thread of its own."""
        pulse = threading.Event()

        def beat() -> None:
            while not pulse.wait(PULSE):
                with suppress(GenlabError):  # a disk that is full now need not be so later
                    self.advance()

        threading.Thread(target=beat, daemon=True, name="queue").start()

    def _leave(self, turn: Turn) -> None:
        self._waiting.remove(turn)
        turn.run.note("stopped")
        if turn.run.status().step == 0:
            turn.run.delete()

    def _begin(self, turn: Turn) -> None:
        try:
            turn.run.note("stopped")  # no longer queued, should the worker not come to write
            with in_space(Path(turn.space) if turn.space else None):
                worker.start(turn.run, turn.device)
            self._training.append(turn)
        except GenlabError as fault:
            with suppress(GenlabError):  # a run that was deleted just now has no place for a note
                turn.run.note("failed", fault.message, kind=fault.kind)

    def _sweep(self) -> None:
        """Forget runs that ended, were deleted or were taken up by somebody else."""
        self._training = [turn for turn in self._training if _state(turn) in ALIVE]
        self._waiting = [turn for turn in self._waiting if _state(turn) == "queued"]

    def _check_room(self) -> None:
        if len(self._waiting) >= self.longest:
            raise RunFault("The queue is full ({n} waiting). Try again when some of them are done.", n=len(self._waiting))
        mine = sum(turn.space == _space() for turn in [*self._waiting, *self._training])
        if self.each is not None and mine >= self.each:
            raise RunFault(
                "You have {n} runs training or waiting, which is as many as one visitor may have. Stop one first.", n=mine
            )

    def _of(self, run: Run) -> Turn:
        found = [turn for turn in self._waiting if turn.run == run]
        if not found:
            raise RunFault("The run {name!r} is not in the queue.", name=run.name)
        return found[0]

    def _read(self) -> dict[str, Any]:
        try:
            return read_json(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def _write(self) -> None:
        with writing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        turns = {name: [asdict(turn) for turn in getattr(self, f"_{name}")] for name in ("waiting", "training")}
        write_json(self.file, {"at_once": self.at_once, **turns})


def _space() -> str | None:
    space = current_space()
    return str(space) if space else None


def _state(turn: Turn) -> str:
    try:
        return turn.run.status().state
    except GenlabError:
        return "gone"
