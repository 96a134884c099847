"""The process that trains: a spare one waits with everything imported, so that a run starts at once."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from genlab.errors import GenlabError, RunFault
from genlab.messages import Message
from genlab.paths import current_space, in_space
from genlab.training.run import ALIVE, Run

PROJECT = Path(__file__).parents[2]
NICENESS = 10  # the page comes first
_spare: subprocess.Popen | None = None
_busy: list[subprocess.Popen] = []
_lock = threading.Lock()


def prepare() -> None:
    """Start the spare process, unless one waits already."""
    global _spare
    with _lock:
        if _spare is None or _spare.poll() is not None:
            _spare = _launch()


def start(run: Run, device: str = "auto") -> None:
    """Let the spare process train a run, from its last checkpoint if it has one, and start the next spare."""
    global _spare
    if run.status().state in ALIVE:
        raise RunFault("The run {name!r} is training already.", name=run.name)
    run.ask("run")
    try:
        with _lock:
            process, _spare = _spare if _spare and _spare.poll() is None else _launch(), None
        run.note("waiting", pid=process.pid)
        with process.stdin as line:  # type: ignore[union-attr]
            line.write(f"{device}\t{run.path.absolute()}\t{current_space() or ''}\n".encode())
    except OSError as fault:
        why = fault.strerror or fault
        raise RunFault(
            "The process that was to train {name!r} has not begun ({why}). Resume tries another.", name=run.name, why=why
        ) from fault
    _busy[:] = [*(p for p in _busy if p.poll() is None), process]  # polling also buries the dead
    threading.Timer(3, prepare).start()  # not now: importing would slow the first steps


def _launch() -> subprocess.Popen:
    """A process in a session of its own, so that it outlives the server; it ends when the server does before using it."""
    return subprocess.Popen(
        [sys.executable, "-m", "genlab.training.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """That of a process which finds genlab from whatever folder one serves."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))}


def main() -> None:
    """Import everything, wait for one line (device, run directory, space), train the run to its end."""
    _step_back()
    broken = None
    try:
        from genlab.data import load
        from genlab.training.train import noting_faults, train
    except Exception as fault:  # told in the status of the run that comes, not to nobody now
        broken = fault
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        return
    device, path, space = line.split("\t")
    run = Run(Path(path))
    if broken:
        run.note(
            "failed",
            Message(
                "genlab cannot train here ({fault}). Install its requirements again.",
                fault=f"{type(broken).__name__}: {broken}",
            ),
        )
        raise broken
    with suppress(GenlabError), in_space(Path(space) if space else None), noting_faults(run):
        with run.doing("open"):
            data = load(run.record["dataset"])
        for _ in train(run, data, device):
            pass


def _step_back() -> None:
    """Leave the processor to the page whenever it wants it."""
    os.nice(NICENESS)
    with suppress(OSError):  # Linux may weigh whole sessions instead of processes (sched(7), autogroup)
        Path("/proc/self/autogroup").write_text(str(NICENESS))


if __name__ == "__main__":
    main()
