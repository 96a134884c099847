"""Trackers: the record of a run, told to an experiment tracker through Accelerate, where one is installed."""

from pathlib import Path
from typing import Any

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

from genlab.errors import BadSetting, RunFault
from genlab.registry import unknown
from genlab.training.run import Run
from genlab.training.train import accelerator_for

PACKAGES = {"tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb"}
PROJECT = "genlab"


def track(run: Run, tracker: str, folder: Path) -> int:
    """Tell every record of a run to a tracker, its settings with them; returns how many there were.

    TensorBoard writes below `folder`; trackio and W&B keep runs as they are set up to, under the project "genlab".
    """
    if tracker not in PACKAGES:
        raise BadSetting(unknown("tracker", tracker, list(PACKAGES)))
    if tracker not in {str(found) for found in get_available_trackers()}:
        raise BadSetting(f"{tracker} is not installed; install it with: pip install {PACKAGES[tracker]}.")
    history = run.history()
    if not history:
        raise RunFault(f"The run {run.name!r} has recorded nothing yet.")
    accelerator_for("cpu", "fp32")  # the trackers ask its state which process may write
    told = _opened(run, tracker, folder)
    told.start()
    record = run.record
    told.store_init_configuration({"family": record["family"], "dataset": record["dataset"], **record["settings"]})
    for line in history:
        told.log(_values(line), step=line["step"])
    told.finish()
    return len(history)


def _opened(run: Run, tracker: str, folder: Path) -> Any:
    kind = LOGGER_TYPE_TO_CLASS[tracker]
    return kind(run.name, logging_dir=folder) if kind.requires_logging_directory else kind(PROJECT, name=run.name)


def _values(line: dict[str, Any]) -> dict[str, float]:
    """One record of the history under flat names."""
    losses = {f"loss/{player}": value for player, value in line["losses"].items()}
    held_out = {} if line["held_out"] is None else {"loss/held out": line["held_out"]}
    rest = {name.replace("_", " "): line[name] for name in ("learning_rate", "gradient_norm", "items_per_second")}
    return {**losses, **held_out, **line["logs"], **rest}
