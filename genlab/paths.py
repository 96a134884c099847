"""The folders that genlab reads and writes, each of which an environment variable can move."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from platformdirs import user_cache_dir, user_data_dir

HUB = "hf://"  # begins the name of a model on the Hugging Face Hub
CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"  # the models that ship with the project
EXAMPLES = CHECKPOINTS / "runs"  # how some of them learnt: their runs, without what would continue them
_space: ContextVar[Path | None] = ContextVar("space", default=None)


def on_hub(name: str) -> bool:
    """Whether a model's name is an address on the Hub."""
    return name.startswith(HUB)


def shipped_models() -> list[str]:
    """The names of the models that ship with the project."""
    return sorted(file.parent.name for file in CHECKPOINTS.glob("*/config.json"))


def cache_folder() -> Path:
    """What genlab derives from data and models and can make again."""
    return Path(os.environ.get("GENLAB_CACHE") or user_cache_dir("genlab"))


def data_folder() -> Path:
    """The datasets' own files; genlab only reads here."""
    return Path(os.environ.get("GENLAB_DATA") or cache_folder() / "data")


def downloads_folder() -> Path:
    """Where what was fetched lies, laid out as the data folder is."""
    return cache_folder() / "downloads"


def runs_folder() -> Path:
    """One folder a training run."""
    return _own("runs", "GENLAB_RUNS")


def datasets_folder() -> Path:
    """One folder a dataset that somebody brought along."""
    return _own("datasets", "GENLAB_DATASETS")


def visitors_folder() -> Path:
    """One space a visitor of a public page."""
    return Path(os.environ.get("GENLAB_VISITORS") or Path(user_data_dir("genlab")) / "visitors")


@contextmanager
def in_space(folder: Path | None) -> Iterator[None]:
    """Let runs and own datasets lie in `folder` meanwhile: the space of one visitor, which no other enters."""
    before = _space.set(folder)
    try:
        yield
    finally:
        _space.reset(before)


def current_space() -> Path | None:
    """The space that one is in; None is the user of this machine."""
    return _space.get()


def _own(name: str, variable: str) -> Path:
    space = _space.get()
    return space / name if space else Path(os.environ.get(variable) or Path(user_data_dir("genlab")) / name)
