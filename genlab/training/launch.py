"""Launch: `accelerate launch --num_processes N` on processors alone starts one process, unless there is MPI; this starts N."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import psutil

FLAGS = ("--num_processes", "--num-processes")


def missing_processes() -> int:
    """How many processes the launcher above was asked for, where it started this one only; else 1."""
    if "MASTER_PORT" not in os.environ or "WORLD_SIZE" in os.environ:
        return 1
    with suppress(psutil.Error, ValueError, IndexError):
        words = [part for word in psutil.Process(os.getppid()).cmdline() for part in word.split("=", 1)]
        return int(words[next(words.index(flag) for flag in FLAGS if flag in words) + 1])
    return 1


def relaunch(processes: int, words: Sequence[str]) -> NoReturn:
    """Become the launcher of as many processes of `python -m genlab WORDS`, which talk through gloo."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    os.execv(sys.executable, [sys.executable, *launcher, "-m", "genlab", *words])  # noqa: S606  no shell is meant
