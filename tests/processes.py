"""Two processes that train the same runs together; each leaves the weights it ended with beside the run.

    python -m processes RUN...

Both are forked from one, so that nothing is imported twice.
"""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

torch.set_num_threads(1)  # no thread pool may exist before a fork

from safetensors.torch import save_file  # noqa: E402

from genlab.data import load  # noqa: E402
from genlab.training.run import Run  # noqa: E402
from genlab.training.train import Trainer, accelerator_for  # noqa: E402

PROCESSES = 2


def train_together(runs: Sequence[Path]) -> None:
    """What each process does."""
    for path in runs:
        run = Run(path)
        accelerator = accelerator_for("cpu", "fp32")
        trainer = Trainer(run, load(run.record["dataset"]), accelerator)
        for _ in trainer.loop():
            pass
        save_file(trainer.model.state_dict(), path / f"rank-{accelerator.process_index}.safetensors")
        accelerator.wait_for_everyone()


def main(runs: Sequence[Path]) -> int:
    """Tell each process what a launcher would, and wait for all; 0 where none failed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(PROCESSES)}
    children = []
    for rank in map(str, range(PROCESSES)):
        children.append(os.fork())
        if not children[-1]:
            os.environ.update(place, RANK=rank, LOCAL_RANK=rank, LOCAL_WORLD_SIZE=place["WORLD_SIZE"])
            train_together(runs)
            sys.exit()
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main([Path(path) for path in sys.argv[1:]]))
