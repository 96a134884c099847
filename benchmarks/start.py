"""How long one waits, and how much memory it takes: each command to its answer, and the page to its first picture.

    python -m benchmarks.start [--rounds 5] [--only help,list,import,train,page] [--against FOLDER]

Medians of warm rounds, after one that is not counted. With `--against`, another checkout of genlab takes turns with this one,
so that a change in the machine's mood hits both. The clock starts with the process. *train* runs until its first step is
recorded, and stands beside a bare `import torch`; *import* until it has looked at its first file; the page is the Latent
space tab in Chromium, which is open already.
"""

import argparse
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from find_browser import FLAGS, SENTENCE, find_browser  # noqa: E402

HELP = ("--help", "train --help", "train vae --help", "damage --defect noise --help", "sample vae-mnist --help", "import --help")
PATIENCE = 120  # seconds after which something is taken for broken


@dataclass(frozen=True)
class Taken:
    """What one start took."""

    seconds: float
    megabytes: float | None = None  # resident, at the peak


Measure = Callable[[Path], Taken]  # of a checkout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (%(default)s)")
    parser.add_argument("--only", default="help,list,import,train,page", help="parts with commas between them (%(default)s)")
    parser.add_argument("--against", type=Path, help="another checkout of genlab")
    given = parser.parse_args()
    folders = [ROOT, *([given.against.absolute()] if given.against else [])]
    print(f"{'':<34}" + "".join(f"{folder.name:>22}" for folder in folders))
    browser = find_browser() or sys.exit(SENTENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        for name, measure in measures(given.only.split(","), chromium):
            rounds = [[measure(folder) for folder in folders] for _ in range(given.rounds + 1)][1:]
            print(f"{name:<34}" + "".join(told(column) for column in zip(*rounds, strict=True)), flush=True)


def measures(parts: list[str], chromium: Browser) -> list[tuple[str, Measure]]:
    """What is measured, by what it is called in the table."""
    found: list[tuple[str, Measure]] = []
    if "help" in parts:
        found += [(words, lambda folder, words=words: ended(folder, ["-m", "genlab", *words.split()])) for words in HELP]
    if "list" in parts:
        found += [("list", lambda folder: ended(folder, ["-m", "genlab", "list"]))]
    if "import" in parts:
        found += [("import, to its first file", first_file)]
    if "train" in parts:
        found += [("import torch", lambda folder: ended(folder, ["-c", "import torch"]))]
        found += [(f"train {family}, to its first step", lambda folder, family=family: first_step(folder, family))
                  for family in ("vae", "gan", "diffusion")]  # fmt: skip
    if "page" in parts:
        found += [("page, first answer", first_answer)]
        found += [("page, picture and sliders", lambda folder: first_picture(folder, chromium))]
    return found


def told(takes: tuple[Taken, ...]) -> str:
    seconds = statistics.median(taken.seconds for taken in takes)
    memory = [taken.megabytes for taken in takes if taken.megabytes is not None]
    return f"{seconds:10.2f} s {f'{statistics.median(memory):6.0f} MB' if memory else '':>9}"


def ended(folder: Path, words: list[str]) -> Taken:
    """A command to its end."""
    began = time.perf_counter()
    process = started(folder, words)
    _, status, usage = os.wait4(process.pid, 0)
    taken = Taken(time.perf_counter() - began, usage.ru_maxrss / 1024)
    assert status == 0 or folder != ROOT, f"{words} failed in {folder}"
    return taken if status == 0 else Taken(math.nan)  # what the other checkout cannot do has no time


def first_file(folder: Path) -> Taken:
    """An import until it tells of the first file that it has looked at."""
    with tempfile.TemporaryDirectory() as work:
        for i in range(8):
            Image.effect_noise((16, 16), 90).save(Path(work) / f"{i}.png")
        words = ["-m", "genlab", "import", *(f"{work}/{i}.png" for i in range(8)), "--name", "started"]
        began = time.perf_counter()
        process = started(folder, words, subprocess.PIPE, GENLAB_DATASETS=work)
        told = b""
        while b"look" not in told:
            told += process.stderr.read1()  # type: ignore[union-attr]
            assert process.poll() is None, told.decode()
        return stopped(process, began)


def first_step(folder: Path, family: str) -> Taken:
    """A training until its first step is recorded."""
    with tempfile.TemporaryDirectory() as work:
        words = ["-m", "genlab", "train", family, "digits", "--name", "started", "--threads", "1"]
        began = time.perf_counter()
        process = started(folder, words, GENLAB_RUNS=work)
        wait_for(lambda: (Path(work) / "started" / "history.jsonl").exists(), process)
        return stopped(process, began)


def first_answer(folder: Path) -> Taken:
    """The page until its server sends it."""
    began, process, address = serve(folder)
    wait_for(lambda: answers(address), process)
    return stopped(process, began)


def first_picture(folder: Path, chromium: Browser) -> Taken:
    """The page until its picture and its first slider can be seen."""
    page = chromium.new_page()
    began, process, address = serve(folder)
    wait_for(lambda: answers(address), process)  # a browser that asks again and again would slow what it waits for
    page.goto(address)
    page.wait_for_selector("#latent-slider-0 input[type=range]", timeout=1000 * PATIENCE)
    page.wait_for_function("document.querySelector('#latent-image img')?.naturalWidth > 0", timeout=1000 * PATIENCE)
    taken = stopped(process, began)
    page.close()
    return taken


def serve(folder: Path) -> tuple[float, subprocess.Popen, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    return began, started(folder, ["app.py", "--port", str(port)]), f"http://127.0.0.1:{port}"


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address) as answer:
            return b"gradio" in answer.read()
    except OSError:
        return False


def started(folder: Path, words: list[str], stderr: int = subprocess.DEVNULL, **more: str) -> subprocess.Popen:
    """Python in a checkout."""
    environment = os.environ | {"PYTHONPATH": str(folder)} | more
    return subprocess.Popen([sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)


def stopped(process: subprocess.Popen, began: float) -> Taken:
    """What it took up to now; the process is no longer wanted."""
    taken = Taken(time.perf_counter() - began)
    process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()
    return taken


def wait_for(happened: Callable[[], bool], process: subprocess.Popen) -> None:
    """Look every few milliseconds, as long as the process lives."""
    until = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, "it ended too soon"
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.005)


if __name__ == "__main__":
    main()
