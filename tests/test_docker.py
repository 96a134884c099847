"""The Dockerfile: a linter has nothing to say, and its steps, done in a clean folder, end in a page that is healthy."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HADOLINT = Path(sys.executable).parent / "hadolint"


def steps() -> list[tuple[str, str]]:
    """The instructions in their order, each with its arguments."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(step.split(maxsplit=1)) for step in "\n".join(lines).replace("\\\n", " ").splitlines()]  # type: ignore[misc]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in steps() if instruction == name]


def here(words: list[str]) -> list[str]:
    """The same command with this Python."""
    return [sys.executable if word == "python" else word for word in words]


def test_the_linter_has_nothing_to_say():
    told = subprocess.run([HADOLINT, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "")


def test_it_runs_as_nobody_special():
    names = [name for name, _ in steps()]
    assert arguments("USER") == ["1000"]
    assert names.index("USER") < names.index("CMD")
    assert not any("latest" in image or ":" not in image for image in arguments("FROM"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what COPY brings into the image, after every RUN that does not change the system."""
    folder = tmp_path / "app"
    folder.mkdir()
    for instruction, rest in steps():
        if instruction == "COPY":
            source, target = rest.split()
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, folder / target)
        if instruction == "RUN" and not rest.startswith("useradd"):
            command = rest.replace("pip install", "pip install --no-index")  # what it asks for is here already
            subprocess.run(here(shlex.split(command)), cwd=folder, env=clean(folder), check=True, capture_output=True)
    return folder


def clean(folder: Path) -> dict[str, str]:
    home = {"HOME": str(folder.parent / "home"), "TMPDIR": str(folder.parent / "tmp"), "PYTHONPATH": ""}
    for place in (home["HOME"], home["TMPDIR"]):
        Path(place).mkdir(exist_ok=True)
    return {name: value for name, value in os.environ.items() if not name.startswith("GENLAB_")} | home


@pytest.mark.long
def test_the_steps_in_a_clean_folder_end_in_a_healthy_page(image: Path):
    before = {path: path.stat().st_mtime for path in image.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [*here(json.loads(arguments("CMD")[0])), "--port", port]
    check = here(json.loads(arguments("HEALTHCHECK")[0].split("CMD")[1].replace("7860", port)))
    with (image.parent / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=image, env=clean(image), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 240
        while "password" not in (told := (image.parent / "log").read_text()) and time.monotonic() < deadline:
            assert process.poll() is None, told
            time.sleep(0.1)
        assert "User genlab, password " in told
        assert subprocess.run(check, capture_output=True).returncode == 0, told
    finally:
        process.terminate()
        process.wait(60)
    after = {path: path.stat().st_mtime for path in image.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert after == before, "the folder could have been read-only"
