"""Slider to pixel, in a real browser: the Latent space tab against Gradio's own floor, one run, same clock.

    python -m benchmarks.slider [--model vae-mnist …] [--moves 200] [--while-training]

The clock starts with the slider's input event and stops when the picture that answers it is decoded and painted.
The floor is a gr.Slider that swaps a constant 28×28 PNG data URI in a gr.HTML, through the queue as Gradio has it.
"""

import argparse
import base64
import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from find_browser import FLAGS, SENTENCE, find_browser  # noqa: E402

TIME = """async ([slider, holder, moves]) => {
  const slide = document.querySelector(`${slider} input[type=range]`), picture = document.querySelector(holder);
  const times = [], fine = []; // of the first picture, and where that is a rough one, of the good one after it
  const changed = () => new Promise((done) => {
    const watcher = new MutationObserver(() => { watcher.disconnect(); done(); });
    watcher.observe(picture, { childList: true, subtree: true, attributes: true });
  });
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let i = 0; i < moves; i++) {
    slide.value = Math.round(300 * Math.sin(i / 7)) / 100 + (i % 2) / 100;
    const started = performance.now(), answered = changed();
    slide.dispatchEvent(new Event("input", { bubbles: true }));
    await answered;
    await picture.querySelector("img").decode();
    await painted();
    times.push(performance.now() - started);
    if (picture.hasAttribute("data-rough")) {
      while (picture.hasAttribute("data-rough")) await changed();
      await picture.querySelector("img").decode();
      await painted();
      fine.push(performance.now() - started);
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  return [times, fine];
}"""
FLOOR, TAB = ("#slide", "#picture"), ("#latent-slider-0", "#latent-image")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["vae-mnist"])
    parser.add_argument("--moves", type=int, default=200, help="slider moves that are measured (%(default)s)")
    parser.add_argument("--while-training", action="store_true", help="measure again while a run trains")
    parser.add_argument("--floor", type=int, help=argparse.SUPPRESS)  # serve the floor's page at this port
    arguments = parser.parse_args()
    if arguments.floor:
        return serve_floor(arguments.floor)
    browser = find_browser() or sys.exit(SENTENCE)
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        with served([__file__, "--floor", "{port}"]) as address:
            page = chromium.new_page()
            page.goto(address)
            page.wait_for_selector("#picture img")
            report("Gradio's floor", measure(page, FLOOR, arguments.moves))
            page.close()
        with served(["app.py", "--port", "{port}", "--runs-dir", runs]) as address:
            for model in arguments.model:
                page = opened(chromium.new_page(), address, model)
                report(model, measure(page, TAB, arguments.moves))
                if arguments.while_training:
                    with training(runs):
                        report(f"{model} while training", measure(page, TAB, arguments.moves))
                page.close()
        chromium.close()


def opened(page: Page, address: str, model: str) -> Page:
    """The Latent space tab with a model, at rest."""
    page.goto(address)
    page.wait_for_selector("#tab-latent")
    page.click("#model-picker input")
    page.get_by_role("option", name=model, exact=True).click()
    page.wait_for_selector("#latent-slider-0 input[type=range]", timeout=120_000)
    time.sleep(5)  # what the server does after its start is done
    return page


def measure(page: Page, selectors: tuple[str, str], moves: int) -> list[list[float]]:
    page.evaluate(TIME, [*selectors, 20])  # warm
    return page.evaluate(TIME, [*selectors, moves])


def report(name: str, measured: list[list[float]]) -> None:
    for what, times in zip((name, f"  {name}, refined"), measured, strict=True):
        if ordered := sorted(times):
            p95 = ordered[int(0.95 * (len(ordered) - 1))]
            told = f"median {statistics.median(ordered):6.1f} ms   p95 {p95:6.1f} ms   ({len(ordered)} moves)"
            print(f"{what:<28} {told}", flush=True)


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """A server of its own at a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.format(port=port) for word in command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}").close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def training(runs: str) -> Iterator[None]:
    """A VAE that trains on MNIST as a run from the page would: in a process of its own, and a nice one."""
    command = [
        "nice",
        "-n",
        "10",
        sys.executable,
        "-m",
        "genlab",
        "train",
        "vae",
        "mnist",
        "--network",
        "conv",
        "--steps",
        "100000",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GENLAB_RUNS": runs}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)
    try:
        time.sleep(25)  # importing, opening the data, first steps
        yield
    finally:
        process.terminate()
        process.wait(20)


def serve_floor(port: int) -> None:
    """The least that Gradio does between a slider and a picture."""
    import gradio as gr

    content = io.BytesIO()
    Image.effect_noise((28, 28), 90).save(content, "png")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    with gr.Blocks() as page:
        slide = gr.Slider(-3, 3, value=0, step=0.01, elem_id="slide")
        picture = gr.HTML(f'<img src="{uri}">', elem_id="picture")
        slide.input(
            lambda value: f'<img src="{uri}" alt="{value}">', slide, picture, show_progress="hidden", trigger_mode="always_last"
        )
    page.launch(server_port=port, quiet=True, ssr_mode=False)


if __name__ == "__main__":
    main()
