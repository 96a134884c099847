"""One of several processes that train the same runs together; each leaves the weights it ended with beside the run.

torchrun --nproc_per_node 2 -m tests.processes RUN...
"""

import sys
from pathlib import Path

from safetensors.torch import save_file

from genlab.data import load
from genlab.training.run import Run
from genlab.training.train import Trainer, accelerator_for

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        run = Run(path)
        accelerator = accelerator_for("cpu", "fp32")
        trainer = Trainer(run, load(run.record["dataset"]), accelerator)
        for _ in trainer.loop():
            pass
        save_file(trainer.model.state_dict(), path / f"rank-{accelerator.process_index}.safetensors")
        accelerator.wait_for_everyone()
