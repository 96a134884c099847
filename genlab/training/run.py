"""Run: the directory that is the truth about one training; processes write it, pages watch it."""

import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import psutil

from genlab import data as datasets
from genlab.config import differing, names_in
from genlab.data.recipe import PLUS
from genlab.errors import BadSetting, GenlabError, RunFault, UnknownName
from genlab.files import DiskFault, read_json, write_bytes, write_json, writing
from genlab.lazy import late
from genlab.messages import Message, from_json, to_json
from genlab.metrics import METRICS
from genlab.modalities import MODALITIES, Modality
from genlab.models import MODELS
from genlab.models.settings import CommonSettings
from genlab.paths import runs_folder, shipped_models
from genlab.registry import check_name, unknown

if TYPE_CHECKING:
    from genlab.data import Splits
    from genlab.models import GenerativeModel

size_of = late("genlab.models.base", "size_of")  # builds networks, which takes torch
FORMAT = 2  # of the run directory; raised when an older genlab could not read it. 1: samples are PNG files whatever the data
State = Literal["queued", "waiting", "running", "paused", "stopped", "done", "failed", "interrupted"]
Wanted = Literal["run", "pause", "stop"]
Doing = Literal["", "open", "build", "draw", "measure", "evaluate", "fit", "save"]  # what a run does besides steps
PREFIX = "run:"  # before the name of a run that is called like a model that ships, where a model is named
WATCHED = 2.0  # seconds for which one look counts as watching
FASTEST = 1000.0  # steps a second that a pace may ask for
PATIENCE = 60.0  # seconds for which a run may take to stop
ALIVE: tuple[State, ...] = ("waiting", "running", "paused")
ENDED = Message("The process that was to train it was ended before it began: by hand, or because memory ran out.")


class StillTraining(RunFault):
    """A run that trains and has to be stopped first."""

    kind = "training"


@dataclass(frozen=True)
class Status:
    """Where a run stands."""

    state: State
    step: int
    steps: int
    message: str = ""
    doing: Doing = ""
    kind: str = ""  # of a failure, for programs


@dataclass(frozen=True)
class Start:
    """The trained model that a run begins with."""

    model: str
    step: int
    folder: Path  # its checkpoint


@dataclass(frozen=True)
class Control:
    """What a run is asked to do while it trains."""

    wanted: Wanted = "run"
    granted: int = 0  # steps that it may take although it is paused, counted since it last ran
    pace: float = 0.0  # steps a second at most; 0 for as many as there can be
    players: tuple[str, ...] = ()  # those that learn; all where none is named


@dataclass(frozen=True)
class Run:
    """One training: what was asked (`run.json`), what happened (`history.jsonl`, `status.json`), what came of it."""

    path: Path

    @classmethod
    def create(
        cls,
        family: str,
        dataset: "str | Splits",
        settings: CommonSettings | Mapping[str, Any],
        name: str | None = None,
        folder: Path | None = None,
        threads: int | None = None,
        processes: int = 1,
        start: Start | None = None,
        seconds: float | None = None,
    ) -> "Run":
        """Make the directory of a new run; raises a GenlabError with a sentence for anything that cannot be.

        `dataset` is a name, or data that have none in the library, on which only the caller can then train. A run of several
        `processes` takes a batch for each of them a step; one with `seconds` stops when they are over.
        """
        threads = default_threads() if threads is None else threads
        if not isinstance(threads, int) or not 1 <= threads <= (os.cpu_count() or 1):
            raise RunFault(
                "threads is {threads!r}; it must be a whole number from 1 to {cores}.",
                threads=threads,
                cores=os.cpu_count(),
            )
        model = MODELS[family]
        settings = settings if isinstance(settings, CommonSettings) else model.Settings.parse(settings)
        data = datasets.load(dataset) if isinstance(dataset, str) else dataset
        metrics_of(settings)
        size_of(model, data.spec, settings)  # all that a network cannot be built for is said before anything is made
        folder = folder or runs_folder()
        name = _check_name(name) if name else _free_name(family, folder)
        record = {
            "format": FORMAT,
            "family": family,
            "dataset": data.name,
            "data": at_a_glance(data),
            "modality": data.spec.modality,
            "settings": settings.model_dump(),
            "threads": threads,
            "processes": processes,
            "seconds": seconds,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "genlab": genlab_version(),
        }
        if (folder / name).exists():
            raise RunFault("There is already a run called {name!r}; choose another name or delete it first.", "name", name=name)
        with writing(folder / name):
            (folder / name).mkdir(parents=True)
            (folder / name / "samples").mkdir()
            (folder / name / "checkpoints").mkdir()
            if start:
                record["from"] = {"model": start.model, "step": start.step}
                shutil.copytree(start.folder, folder / name / "start", ignore=shutil.ignore_patterns("training"))
        write_json(folder / name / "run.json", record)
        return cls(folder / name)

    @classmethod
    def open(cls, name: str | Path, folder: Path | None = None) -> "Run":
        """A run by its name, or by its folder."""
        named = str(name).removeprefix(PREFIX)
        path = Path(name) if isinstance(name, Path) or "/" in named else (folder or runs_folder()) / named
        if not (path / "run.json").is_file():
            raise UnknownName(unknown("run", str(name), [run.name for run in list_runs(folder)]))
        run = cls(path)
        run.record  # noqa: B018  raises its sentence now rather than later
        return run

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def address(self) -> str:
        """What its model is called where models are opened by name."""
        return f"{PREFIX}{self.name}" if self.name in shipped_models() else self.name

    @property
    def record(self) -> dict[str, Any]:
        """What was asked for: family, dataset, settings, threads, when and by which version."""
        try:
            record = _record(self.path / "run.json")
            newer = record["format"] > FORMAT
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise RunFault("The run {name!r} cannot be read: its run.json is damaged or missing.", name=self.name) from fault
        if newer:
            raise RunFault(
                "The run {name!r} was written by a newer genlab (format {format}; this one reads up to {ours}). "
                "Update genlab to open it.",
                name=self.name,
                format=record["format"],
                ours=FORMAT,
            )
        if record.get("modality", "image") not in MODALITIES:
            raise RunFault(
                "The run {name!r} learns {kind}, which this genlab does not know.", name=self.name, kind=record["modality"]
            )
        return record

    def amend(self, **facts: Any) -> None:
        """Write down what was found out about the run since it was made."""
        write_json(self.path / "run.json", {**self.record, **facts})

    @property
    def model(self) -> "type[GenerativeModel]":
        return MODELS[self.record["family"]]

    @property
    def settings(self) -> CommonSettings:
        return MODELS.settings_of(self.record["family"]).parse(self.record["settings"])

    @property
    def start(self) -> Start | None:
        """The model that it began with, kept in a folder of the run."""
        began = self.record.get("from")
        return Start(began["model"], began["step"], self.path / "start") if began else None

    @property
    def batch_size(self) -> int:
        """Items a step, of all processes together that the run was started with; any number of them may continue it."""
        return self.settings.batch_size * self.record.get("processes", 1)

    @property
    def modality(self) -> str:
        """The kind of data that it learns."""
        return self.record.get("modality", "image")

    @property
    def kind(self) -> Modality:
        """All that differs by that."""
        return MODALITIES[self.modality]

    @property
    def loss_unit(self) -> str:
        """What one unit of the loss curve means."""
        return self.model.loss_unit(self.settings, self.modality)

    @property
    def units(self) -> dict[str, str]:
        """What the curves are measured in: the loss, and by their names the logs that are measured otherwise."""
        return {"loss": self.loss_unit, **self.model.log_units(self.settings)}

    @property
    def command(self) -> str:
        """The command line that repeats this run."""
        processes = self.record.get("processes", 1)
        launch = ["accelerate", "launch", "--num_processes", f"{processes}"] if processes > 1 else ["python"]
        words = [*launch, "-m", "genlab", "train", self.record["family"], self.record["dataset"]]
        if self.start:
            words += ["--from", self.start.model]
        for setting, value in self.settings.changed().items():
            flag = setting.replace("_", "-")
            words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", f"{value}"]
        return shlex.join([*words, "--threads", str(self.record["threads"])])

    @property
    def measured(self) -> dict[str, Any]:
        """What is known of how its samples are measured: who sees, how many, what real items score, what cannot be had."""
        known: dict[str, Any] = from_json(self.record.get("measured", {}))
        return known

    # --- What happens ---

    def status(self) -> Status:
        """The state as the process left it; `interrupted` when that process is gone."""
        steps = int(self.record["settings"]["steps"])
        try:
            text = (self.path / "status.json").read_text()
        except (OSError, ValueError):
            return Status("stopped", 0, steps, Message("Not started yet."))
        try:
            noted = read_json(text)
            state, message = noted["state"], from_json(noted["message"])
            gone = state in ALIVE and not _alive(noted["pid"], noted["born"])
        except (ValueError, KeyError, TypeError):
            state, message, gone = "", "", False
        if state not in get_args(State) or not isinstance(message, str):
            damaged = Message("What became of it is not known: its status.json is damaged.")
            return Status("stopped", self._last_step(), steps, damaged)
        if gone:
            if state == "waiting":
                message = ENDED
            state = "interrupted"
        return Status(state, self._last_step(), steps, message, self._doing() if state in ALIVE else "", noted.get("kind", ""))

    @property
    def hardware(self) -> str:
        """What it trains on, or trained on last, in words; empty before it has begun."""
        try:
            text = (self.path / "hardware.txt").read_text()
            return Message(from_json(read_json(text)) if text.startswith("{") else text)
        except (OSError, ValueError, TypeError):
            return ""

    def note(self, state: State, message: str = "", pid: int | None = None, kind: str = "") -> None:
        """Write the state down, as the process `pid` (by default this one), with the kind of its failure."""
        process = psutil.Process(pid)
        noted = {"state": state, "message": to_json(message), "pid": process.pid, "born": process.create_time()}
        write_json(self.path / "status.json", noted | ({"kind": kind} if kind else {}))

    @contextmanager
    def doing(self, what: Doing) -> Iterator[None]:
        """Say, while the block lasts, what takes the time that no step takes."""
        file = self.path / "doing.txt"
        with suppress(DiskFault):  # what matters is written by others
            write_bytes(file, what.encode(), sync=False)
        try:
            yield
        finally:
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _doing(self) -> Doing:
        try:
            found: Any = (self.path / "doing.txt").read_text()
        except OSError:
            return ""
        return found if found in get_args(Doing) else ""

    def ask(self, wanted: Wanted) -> None:
        """Tell the process that trains what to do; it looks before every step."""
        control = self.control()
        self._direct(replace(control, wanted=wanted, granted=0 if wanted == "run" else control.granted))

    def steer(self, pace: float, players: Sequence[str]) -> None:
        """Train at so many steps a second at most (0 for no limit), and let only these players learn (none for all)."""
        if not 0 <= pace <= FASTEST:
            raise RunFault(
                "The pace is {pace!r} steps a second; it must be a number from 0 to {fastest:g}, 0 for no limit.",
                pace=pace,
                fastest=FASTEST,
            )
        self._direct(replace(self.control(), pace=pace, players=tuple(players)))

    def advance(self, steps: int = 1) -> None:
        """Go on by some steps, then pause."""
        if not 1 <= steps <= 1000:
            raise RunFault("steps is {steps!r}; it must be a whole number from 1 to 1,000.", steps=steps)
        control = self.control()
        self._direct(replace(control, wanted="pause", granted=control.granted + steps))

    def wanted(self) -> Wanted:
        return self.control().wanted

    def control(self) -> Control:
        """What was asked last."""
        try:
            asked = read_json((self.path / "control.json").read_text())
            return Control(asked["wanted"], int(asked["granted"]), float(asked["pace"]), tuple(asked["players"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Control()

    def _direct(self, control: Control) -> None:
        write_json(self.path / "control.json", asdict(control))

    # --- Who looks, and what they see ---

    @property
    def live_file(self) -> Path:
        """Where the process that trains on points puts what can be seen now."""
        return self.path / "live.json"

    def watch(self) -> None:
        """Say that somebody looks, without which nothing is drawn for them."""
        with suppress(OSError):
            (self.path / "watched").touch()

    @property
    def watched(self) -> bool:
        try:
            return time.time() - (self.path / "watched").stat().st_mtime < WATCHED
        except OSError:
            return False

    def note_steering(self, step: int) -> None:
        """Remember the first step in which some players were held back by hand: its command does not repeat such a run."""
        if self.steered is None:
            write_json(self.path / "steered.json", step)

    @property
    def steered(self) -> int | None:
        """The first step that was steered by hand, if any was."""
        try:
            return int(read_json((self.path / "steered.json").read_text()))
        except (OSError, ValueError):
            return None

    def history(self, after: int = 0) -> list[dict[str, Any]]:
        """The records of all steps beyond `after`; an unfinished last line is left out."""
        try:
            lines = (self.path / "history.jsonl").read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        records = [json.loads(line) for line in lines]
        return [record for record in records if record["step"] > after]

    def remember(self, record: Mapping[str, Any]) -> None:
        """Append one record to the history, in one write."""
        with writing(self.path / "history.jsonl"), (self.path / "history.jsonl").open("ab") as file:
            file.write(json.dumps(record).encode() + b"\n")

    def forget(self, after: int) -> None:
        """Drop what was recorded and drawn beyond a step, before continuing from there."""
        kept = [record for record in self.history() if record["step"] <= after]
        with writing(self.path / "history.jsonl"):
            draft = self.path / "history.tmp"
            draft.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in kept))
            draft.replace(self.path / "history.jsonl")
            for step in self.samples():
                if step > after:
                    self.sample_file(step).unlink()
            if self.steered is not None and self.steered > after:
                (self.path / "steered.json").unlink()
            self.live_file.unlink(missing_ok=True)

    def _last_step(self) -> int:
        """The last step that is recorded or saved; not every step is."""
        return max(self._last_record(), self.saved_step)

    def _last_record(self) -> int:
        try:
            with (self.path / "history.jsonl").open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 4096))
                return read_json(file.read().split(b"\n")[-2])["step"]
        except (OSError, IndexError, ValueError):
            return 0

    # --- What came of it ---

    def samples(self) -> list[int]:
        """The steps that have a sample grid."""
        return sorted(int(file.stem) for file in (self.path / "samples").glob(f"*{self.kind.kept_as}"))

    def sample_file(self, step: int) -> Path:
        return self.path / "samples" / f"{step:08d}{self.kind.kept_as}"

    def checkpoints(self) -> list[Path]:
        """The saved steps, oldest first; a name without `.tmp` is a whole checkpoint."""
        return sorted(p for p in (self.path / "checkpoints").glob("step-*") if p.suffix != ".tmp")

    @property
    def saved_step(self) -> int:
        """The last step that is saved; 0 before the first."""
        saved = self.checkpoints()
        return int(saved[-1].name.removeprefix("step-")) if saved else 0

    def rename(self, name: str) -> "Run":
        """Give the run another name; it must not be training."""
        self.must_rest(Message("renamed"))
        target = self.path.with_name(_check_name(name))
        if target.exists():
            raise RunFault("There is already a run called {name!r}; choose another name.", "name", name=name)
        with writing(target):
            return Run(self.path.rename(target))

    def delete(self) -> None:
        """Remove the run and all that came of it; it must not be training. A queue forgets one that waited there."""
        self.must_rest(Message("deleted"))
        with writing(self.path):
            shutil.rmtree(self.path)

    def stop(self, patience: float = PATIENCE) -> None:
        """Ask the process that trains, if any does, to stop, and wait until it has; raises RunFault after so many seconds."""
        self.ask("stop")
        until = time.monotonic() + patience
        while self.status().state in ALIVE:
            if time.monotonic() > until:
                raise RunFault(
                    "The run {name!r} has been told to stop, but its step takes long; try again in a minute.", name=self.name
                )
            time.sleep(0.05)

    def must_rest(self, what: str) -> None:
        """Raise RunFault while it trains, or waits and is not to be deleted."""
        state = self.status().state
        if state == "queued" and what != "deleted":
            raise RunFault("The run {name!r} waits in the queue; take it out before it is {what}.", name=self.name, what=what)
        if state in ALIVE:
            raise StillTraining("The run {name!r} is training; stop it before it is {what}.", name=self.name, what=what)


def _record(file: Path) -> dict[str, Any]:
    """What a run.json holds, read again only once it is another file."""
    told = file.stat()
    return dict(_read(file, (told.st_ino, told.st_mtime_ns, told.st_size)))


@lru_cache(maxsize=1024)
def _read(file: Path, stamp: tuple[int, int, int]) -> dict[str, Any]:
    found: dict[str, Any] = read_json(file.read_text())
    return found


def list_runs(folder: Path | None = None) -> list[Run]:
    """All runs, newest first; directories of other kinds and of newer versions are passed over."""
    found = []
    for file in (folder or runs_folder()).glob("*/run.json"):
        try:
            found.append((Run(file.parent).record["created"], Run(file.parent)))
        except RunFault:
            continue
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]


def delete_runs(names: Sequence[str], stop: bool = False) -> list[GenlabError]:
    """Delete runs, with `stop` also those that train; returns what is wrong with each that is still there."""
    found, refusals = [], []
    for name in dict.fromkeys(names):
        try:
            found.append(Run.open(name))
            if stop:
                found[-1].ask("stop")  # each before the first is waited for, so that they end beside one another
        except GenlabError as fault:
            refusals.append(fault)
    for run in found:
        try:
            if stop:
                run.stop()
            run.delete()
        except GenlabError as fault:
            refusals.append(fault)
    return refusals


def differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """What runs were asked for differently, a value a run; None where a family has no such setting."""
    return differing(
        [
            {"family": r["family"], "dataset": r["dataset"], "from": r.get("from", {}).get("model"), **r["settings"]}
            for r in (run.record for run in runs)
        ]
    )


def metrics_of(settings: CommonSettings) -> list[str]:
    """The metrics that settings ask for; raises BadSetting for one that there is not."""
    names = names_in(settings.measured)
    for name in names:
        if name not in METRICS:
            raise BadSetting(unknown("metric", name, METRICS), "measured")
        if not METRICS[name].of_items:
            told = "{metric} is asked of a finished model, not of the samples of a run; ask evaluate for it when it is done."
            raise BadSetting(told, "measured", metric=METRICS[name].title)
        if METRICS[name].slow:
            told = "{metric} takes too long to be measured while a run trains; ask evaluate for it when it is done."
            raise BadSetting(told, "measured", metric=METRICS[name].title)
    return names


def at_a_glance(data: "Splits") -> dict[str, Any]:
    """What tells data apart without reading them all; `recipe` is how they were made, where that is known."""
    facts: dict[str, Any] = {"items": len(data.train), "shape": list(data.spec.shape), "classes": list(data.spec.classes)}
    return facts | recipe_told(data.name)


def recipe_told(dataset: str) -> dict[str, Any]:
    """How a dataset was made, where that is known."""
    with suppress(GenlabError):  # a recipe that is not kept
        return {"recipe": datasets.recipe_of(dataset).tell()} if PLUS in dataset else {}
    return {}


def default_threads() -> int:
    """All cores but one, which is left to the page; more than 8 do not help small networks."""
    return max(1, min(8, (os.cpu_count() or 1) - 1))


def genlab_version() -> str:
    try:
        return version("genlab")
    except PackageNotFoundError:
        return "0.1.0"


def as_record(progress: Any) -> dict[str, Any]:
    """A progress record as a line of the history."""
    kept = {k: v for k, v in vars(progress).items() if k not in ("steps", "drew", "saved", "recorded", "state", "found")}
    return kept | ({"found": asdict(progress.found)} if progress.found else {})


def _check_name(name: str) -> str:
    """The name, if a new run may be called so."""
    if check_name(name, "run") in shipped_models():
        told = "A model that ships with genlab is called {name!r}; choose another name, such as '{start}-mine'."
        raise RunFault(Message(told, name=name, start=name[:35]), "name")
    return name


def _free_name(family: str, folder: Path) -> str:
    taken = {int(m[1]) for p in folder.glob(f"{family}-*") if (m := re.fullmatch(rf"{family}-(\d+)", p.name))}
    return f"{family}-{max(taken, default=0) + 1}"


def _alive(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
