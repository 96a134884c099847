"""Trackers: the record of a run, told to an experiment tracker through Accelerate, where one is installed."""

from pathlib import Path
from typing import Any

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

from genlab.errors import BadSetting, RunFault
from genlab.files import read_json, write_json, writing
from genlab.registry import unknown
from genlab.training.run import Run
from genlab.training.train import accelerator_for

PACKAGES = {"tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb"}
PROJECT = "genlab"


def track(run: Run, tracker: str, folder: Path) -> int:
    """Tell a tracker the records of a run that it has not been told yet, the settings with them; returns how many there were.

    TensorBoard writes below `folder`; trackio and W&B keep runs as they are set up to, under the project "genlab".
    """
    if tracker not in PACKAGES:
        raise BadSetting(unknown("tracker", tracker, list(PACKAGES)))
    if tracker not in {str(found) for found in get_available_trackers()}:
        raise BadSetting(
            "{tracker} is not installed; install it with: pip install {package}.", tracker=tracker, package=PACKAGES[tracker]
        )
    history = run.history()
    if not history:
        raise RunFault("The run {name!r} has recorded nothing yet.", name=run.name)
    told = Told(run, tracker, folder)
    news = [line for line in history if line["step"] > told.step]
    if not news:
        return 0
    accelerator_for("cpu", "fp32")  # the trackers ask its state which process may write
    record = run.record
    with writing(folder / run.name):
        opened = _opened(run, tracker, folder)
        opened.start()
        opened.store_init_configuration({"family": record["family"], "dataset": record["dataset"], **record["settings"]})
        for line in news:
            opened.log(_values(line), step=line["step"])
        opened.finish()
    told.remember(news[-1]["step"])
    return len(news)


class Told:
    """How far one tracker was told of a run, kept with the run."""

    def __init__(self, run: Run, tracker: str, folder: Path) -> None:
        """Raises RunFault where TensorBoard's folder holds the record of another run of that name."""
        self.file, self.key = run.path / "told.json", f"{tracker} {run.name}"
        try:
            self.steps = read_json(self.file.read_text()) if self.file.exists() else {}
        except (OSError, ValueError) as fault:
            raise RunFault(
                "{file} is damaged, which says what was told of the run; remove it to tell all again.", file=self.file
            ) from fault
        if LOGGER_TYPE_TO_CLASS[tracker].requires_logging_directory:
            written = folder.resolve() / run.name
            self.key = f"{tracker} {written}"
            if not (events := list(written.glob("events.*"))):
                self.steps.pop(self.key, None)  # what was told there is gone
            elif self.key not in self.steps:
                raise RunFault(
                    "{folder} holds the record of another run; choose another folder, or remove that one.",
                    folder=events[0].parent,
                )

    @property
    def step(self) -> int:
        """The last step that was told."""
        return self.steps.get(self.key, 0)

    def remember(self, step: int) -> None:
        write_json(self.file, {**self.steps, self.key: step})


def _opened(run: Run, tracker: str, folder: Path) -> Any:
    """The tracker's own record of the run, which goes on where there is one."""
    kind = LOGGER_TYPE_TO_CLASS[tracker]
    if kind.requires_logging_directory:
        return kind(run.name, logging_dir=folder)
    same = {"id": f"{run.name}-{''.join(filter(str.isdigit, run.record['created']))}"} if tracker == "wandb" else {}
    return kind(PROJECT, name=run.name, resume="allow", **same)


def _values(line: dict[str, Any]) -> dict[str, float]:
    """One record of the history under flat names."""
    losses = {f"loss/{player}": value for player, value in line["losses"].items()}
    held_out = {} if line["held_out"] is None else {"loss/held out": line["held_out"]}
    rest = {name.replace("_", " "): line[name] for name in ("learning_rate", "gradient_norm", "items_per_second")}
    measured = {f"samples/{name}": value for name, value in line.get("found", {}).get("metrics", {}).items()}
    return {**losses, **held_out, **line["logs"], **rest, **measured}
