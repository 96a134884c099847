"""Interludes: what a run does beside learning (records, losses, samples, metrics), and how often it has time for them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil, inf
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from genlab.files import read_json, write_json, writing
from genlab.training.run import Run

if TYPE_CHECKING:
    from genlab.training.measured import Found

Kind = Literal["record", "measure", "draw", "evaluate"]
T = TypeVar("T")

SHARE = 0.1  # of a run's time that interludes may take, whatever its length
MOST: dict[Kind, int] = {"record": 500, "measure": 100, "draw": 40, "evaluate": 40}  # a run, where there is time for more
FIRST = 10  # steps that are recorded before anything is decided: a record takes far less than a step
LEAST, ENOUGH, SECOND = 2, 8, 1.0  # timed steps to decide by: at least, and as many as always do; fewer do after a second
EARLY = sorted(first * 10**power for power in range(7) for first in (1, 3))  # a run changes most at first
PERIODS = sorted(first * 10**power for power in range(8) for first in (1, 2, 3, 5))  # as people count


@dataclass(frozen=True)
class Rhythm:
    """How often a run records, measures, draws and evaluates: decided once, and kept beside it for all its later lives.

    A period is in steps; 0 means at the last step alone.
    """

    decided: int  # the step after which the first loss was measured and the first samples were drawn
    record: int
    measure: int
    draw: int
    evaluate: int = 0

    def due(self, kind: Kind, step: int, steps: int) -> bool:
        every = getattr(self, kind)
        early = step in EARLY and step < every < steps
        return every > 0 and step >= self.decided and (step == self.decided or step % every == 0 or early)


class Interludes:
    """Calls for a run's interludes, times them, and decides how often there is time for them.

    At the last step everything is done, at whatever price; before it, only what leaves time for that. Views of a run that
    somebody watches are not among them: they have a share of their own (`live`).
    """

    def __init__(
        self,
        run: Run,
        measure: Callable[[], float],
        draw: Callable[[int, float], bool],
        batches: float,
        evaluate: "Callable[[float], Found | None] | None" = None,
    ) -> None:
        """`draw` takes a step and the seconds that it may take, and says whether it could; to measure is to look at `batches`.

        `evaluate` measures samples by metrics, within so many seconds; None where none is asked for.
        """
        self.run, self._measure, self._draw, self.batches, self._evaluate = run, measure, draw, batches, evaluate
        record = run.record
        self.steps, self.limit = int(record["settings"]["steps"]), record.get("seconds") or inf
        self.rhythm = read_rhythm(run)
        self.learnt: list[float] = []  # seconds of each step
        self.costs: dict[Kind, float] = {}  # seconds that one takes
        self.spent = 0.0

    def stepped(self, seconds: float) -> None:
        """A step of learning took so long."""
        if self.rhythm is None:
            self.learnt.append(seconds)

    def after(self, step: int) -> "tuple[float | None, bool, Found | None]":
        """What it is time for after a step: the held-out loss, whether samples were drawn, and what metrics say of others."""
        if self.rhythm is None and step < self.steps and self._knows_enough():
            return self._decide(step)
        return (
            self.measure() if self.due("measure", step) else None,
            self.due("draw", step) and self.draw(step),
            self.evaluate() if self.due("evaluate", step) else None,
        )

    def due(self, kind: Kind, step: int) -> bool:
        """Whether it is time to; once that is decided, it is the same in every life of the run."""
        if kind == "evaluate" and self._evaluate is None:
            return False
        if step == self.steps or (kind == "record" and (self.due("measure", step) or self.due("evaluate", step))):
            return True
        if self.rhythm is None or step < self.rhythm.decided:
            return kind == "record" and step <= FIRST
        return self.rhythm.due(kind, step, self.steps)

    def record(self, record: dict[str, Any]) -> None:
        self._timed("record", lambda: self.run.remember(record))

    def measure(self) -> float:
        return self._timed("measure", self._measure)

    def draw(self, step: int, patience: float = inf) -> bool:
        return self._timed("draw", lambda: self._draw(step, patience))

    def evaluate(self, patience: float = inf) -> "Found | None":
        assert self._evaluate is not None
        ask = self._evaluate
        return self._timed("evaluate", lambda: ask(patience))

    def _knows_enough(self) -> bool:
        timed = self.learnt[1:]  # a first step is slow
        return len(timed) >= ENOUGH or (len(timed) >= LEAST and sum(timed) >= SECOND)

    def _decide(self, step: int) -> "tuple[float | None, bool, Found | None]":
        """Do all for the first time, where that can be afforded twice, and decide how often there is time for more."""
        each = median(self.learnt[1:])
        length = ceil(min(self.steps, self.limit / each))
        whole = SHARE / (1 - SHARE) * each * length
        look = each * self.batches  # more than it takes to measure: to look at items is quicker than to learn from them
        held_out, drew, found = None, False, None
        purse = whole - self.spent
        if each * length >= SECOND and purse >= 4 * look and (drew := self._first_draw(step, purse / 2 - look)):
            held_out = self.measure()
            found = self._first_evaluation((whole - self.spent - sum(self.costs.values())) / 2)
        purse = whole - self.spent - sum(self.costs.values())  # the last of each is paid for
        periods = dict.fromkeys(MOST, 0)
        kinds: list[Kind] = ["record", *(("measure", "draw") if drew else ()), *(("evaluate",) if found else ())]
        for left, kind in zip(range(len(kinds), 0, -1), kinds, strict=True):  # an equal part of what is left for each
            periods[kind] = self._period(kind, step, length, purse / left)
            purse -= self._price(kind) * times(periods[kind], step, length)
        self.rhythm = Rhythm(step, **periods)
        write_rhythm(self.run, self.rhythm)
        return held_out, drew, found

    def _first_draw(self, step: int, patience: float) -> bool:
        drew = self.draw(step, patience)
        if drew and self.costs["draw"] < patience / 10:
            self.draw(step)  # once more, since the first time is slow for reasons of its own
        return drew

    def _first_evaluation(self, patience: float) -> "Found | None":
        if self._evaluate is None or patience < 4 * self.costs["draw"]:  # it draws more samples than that
            return None
        found = self.evaluate(patience)
        return self.evaluate() if found and self.costs["evaluate"] < patience / 10 else found

    def _period(self, kind: Kind, after: int, before: int, purse: float) -> int:
        """The shortest period that this many seconds pay for; one as long as the run where they pay for no more than was done."""
        possible = (every for every in PERIODS if before <= every * MOST[kind] and every < before)
        return next((every for every in possible if self._price(kind) * times(every, after, before) <= purse), self.steps)

    def _price(self, kind: Kind) -> float:
        """The seconds that one takes; what is measured is recorded, too."""
        record = self.costs.get("record", 0.0)
        return self.costs[kind] + record if kind in ("measure", "evaluate") else self.costs.get(kind, 0.0)

    def _timed(self, kind: Kind, act: Callable[[], T]) -> T:
        began = perf_counter()
        done = act()
        taken = perf_counter() - began
        self.spent += taken
        self.costs[kind] = min(self.costs.get(kind, inf), taken)
        return done


def times(every: int, after: int, before: int) -> int:
    """How often something with this period is due after a step and before another."""
    early = sum(after < step < min(every, before) for step in EARLY) if every < before else 0
    return (before - 1) // every - after // every + early if every else 0


def read_rhythm(run: Run) -> Rhythm | None:
    """What was decided, if it was."""
    try:
        return Rhythm(**read_json(_file(run).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_rhythm(run: Run, rhythm: Rhythm) -> None:
    write_json(_file(run), asdict(rhythm))


def forget_rhythm(run: Run) -> None:
    """Let it be decided anew when the run goes on."""
    with writing(_file(run)):
        _file(run).unlink(missing_ok=True)


def _file(run: Run) -> Path:
    return run.path / "interludes.json"
