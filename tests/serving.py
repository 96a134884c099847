"""The page, served by app.py as anybody would start it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # urlopen keeps the proxies that it met first


def beside() -> str:
    """Where Python looks for modules of a process that finds those of the tests, too; others bring packages called `tests`."""
    return os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))


@dataclass(frozen=True)
class PublicPage:
    """A page that strangers see, and the folder that holds all of it."""

    address: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def visitor(self) -> httpx.Client:
        """Somebody new, who has opened the page once."""
        client = httpx.Client(base_url=self.address, timeout=120)
        client.get("/").raise_for_status()
        return client


class Address(str):
    """Where a page is, and the process that serves it."""

    pid: int


@contextmanager
def serving(runs: Path, log: Path, *flags: str, program: str = "app.py") -> Iterator[Address]:
    """Serve on a free port while the block runs. `flags` are those of app.py, or of a program that takes the same."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, program, "--port", str(port), "--runs-dir", str(runs), *flags]
    own = {f"GENLAB_{kind.upper()}": str(runs.parent / f"{runs.name}-{kind}") for kind in ("datasets", "visitors")}
    environment = os.environ | own
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"http://127.0.0.1:{port}", process, log)
        address = Address(f"http://127.0.0.1:{port}")
        address.pid = process.pid
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 240  # ten seconds suffice where nothing else runs
    while process.poll() is None and time.monotonic() < deadline:
        try:
            DIRECT.open(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The page did not start:\n{log.read_text()[-2000:]}")
