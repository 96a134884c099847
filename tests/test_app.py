"""app.py: a wrong flag is one sentence and exit code 2."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def started_with(*flags: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "app.py", *flags], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("flags", "sentence"), [
    (["--prot", "80"], "Unrecognized arguments: --prot 80"),
    (["--port", "99999"], "'99999' is not a port; it must be a whole number from 1 to 65535"),
    (["--port", "nan"], "'nan' is not a port"),
    (["--data-dir", "/nowhere/at/all"], "there is no folder '/nowhere/at/all'"),
    (["--host", "300.1.2.3"], "annot listen at 300.1.2.3:7860 (no such address)"),
    (["--device", "tpu"], "invalid choice: 'tpu' (choose from 'auto', 'cpu', 'cuda')"),
])  # fmt: skip
def test_a_wrong_flag_is_one_sentence(flags: list[str], sentence: str):
    ended = started_with(*flags)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = started_with("--port", str(port))
    assert ended.returncode == 2
    assert f"Cannot listen at 127.0.0.1:{port} (address already in use)" in ended.stderr
