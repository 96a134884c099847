"""The folders that genlab reads and writes, each of which an environment variable can move."""

import os
from pathlib import Path

from platformdirs import user_cache_dir, user_data_dir

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"  # the models that ship with the project


def cache_folder() -> Path:
    """What genlab derives from data and models and can make again."""
    return Path(os.environ.get("GENLAB_CACHE") or user_cache_dir("genlab"))


def data_folder() -> Path:
    """The datasets' own files; genlab only reads here, but for downloads."""
    return Path(os.environ.get("GENLAB_DATA") or cache_folder() / "data")


def runs_folder() -> Path:
    """One folder a training run."""
    return Path(os.environ.get("GENLAB_RUNS") or Path(user_data_dir("genlab")) / "runs")
