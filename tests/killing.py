"""Kill -9 a training process again and again, in steps and inside saves, resume it, and compare with one left alone.

    python -m killing FOLDER KILLS FAMILY...

A child is forked for every life of the run, so that nothing is imported twice; it kills itself with SIGKILL at a given
call of os.fsync or os.replace (inside a save) or at a given step. Prints one line of JSON for each family.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)  # no thread pool may exist before a fork
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from few import USUAL  # noqa: E402

from genlab.data import Splits, load  # noqa: E402
from genlab.errors import GenlabError  # noqa: E402
from genlab.training.checkpoint import load_model, load_state  # noqa: E402
from genlab.training.interludes import Rhythm, write_rhythm  # noqa: E402
from genlab.training.run import Run  # noqa: E402
from genlab.training.train import train  # noqa: E402

SETTINGS = {
    "vae": {"width": 16, "conditional": True},
    "gan": {"width": 8, "latent": 8, "batch_size": 16, "conditional": True, "augment": "shift"},
    "diffusion": {"width": 8, "batch_size": 16, "conditional": True, "augment": "flip"},
    "gpt": {"width": 8, "layers": 1, "heads": 2, "context": 16, "batch_size": 8, "architecture": "gpt2", "dropout": 0.1},
    "rnn": {"width": 8, "layers": 1, "context": 16, "batch_size": 8, "dropout": 0.1},
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_inside_a_save(call: int) -> None:
    """Die at the `call`-th time that a file is synced or renamed by what a save uses."""
    left = [call]

    def mortal(function):
        def called(*arguments, **options):
            inside = any("step-" in str(argument) for argument in arguments) or function is os.fsync
            left[0] -= inside
            if inside and left[0] <= 0:
                die()
            return function(*arguments, **options)

        return called

    os.fsync, os.replace = mortal(os.fsync), mortal(os.replace)


def live(run: Run, data: Splits, *, killed_in_save: int = 0, killed_after: int = 0) -> bool:
    """One life of the run in a child of its own, ended at a sync of its first save or after some steps; True at its end."""
    child = os.fork()
    if child == 0:
        steps = train(run, data, "cpu")
        next(steps)
        if killed_in_save:
            die_inside_a_save(killed_in_save)
        for lived, _ in enumerate(steps, start=2):
            if lived == killed_after:
                die()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def readable(run: Run) -> bool:
    """All whole checkpoints of the run can be opened and continued from."""
    try:
        for folder in run.checkpoints():
            load_state(folder)
            load_model(str(folder))
        return run.status().state in ("interrupted", "done")
    except GenlabError as fault:
        print(fault, file=sys.stderr)
        return False


def final(run: Run) -> dict[str, torch.Tensor]:
    state = load_state(run.checkpoints()[-1])
    state.pop("seconds")
    return state


def outcome(family: str, folder: Path, kills: int) -> dict[str, object]:
    """What became of the run of one family."""
    settings = SETTINGS[family] | {"steps": 6 + 4 * kills, "save_every": 2, "warmup": 3, "decay": "cosine"}
    data = load(USUAL[family])
    alone, killed = (Run.create(family, data.name, settings, name, folder, threads=1) for name in ("alone", "killed"))
    for run in (alone, killed):  # each would decide by its own clock
        write_rhythm(run, Rhythm(decided=3, record=1, measure=2, draw=3))
    assert live(alone, data)
    unreadable = 0
    for i in range(kills):
        survived = live(killed, data, **({"killed_in_save": 1 + i % 14} if i % 2 else {"killed_after": 2 + i % 3}))
        assert not survived, f"life {i} was not killed"
        unreadable += not readable(killed)
    assert live(killed, data)
    one, other = final(alone), final(killed)
    equal = one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    histories = [[{k: v for k, v in r.items() if "second" not in k} for r in run.history()] for run in (alone, killed)]
    return {"family": family, "kills": kills, "inside a save": kills // 2, "unreadable": unreadable, "bit for bit": equal,
            "same history": histories[0] == histories[1], "tensors": len(one)}  # fmt: skip


if __name__ == "__main__":
    folder, kills, *families = sys.argv[1:]
    for family in families:
        print(json.dumps(outcome(family, Path(folder) / family, int(kills))))
