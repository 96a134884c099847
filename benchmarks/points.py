"""Points: how much of the ring of eight Gaussians each family finds, in how long, over several seeds.

    python -m benchmarks.points [--seeds 5] [--threads 1] [--only gan]
    python -m benchmarks.points --page        the same, started on the page in a real browser whose pictures are counted

A view is what the process that trains has shown anew; a picture is what the page has drawn, on the way from one view
to the next as well.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from genlab import MODELS, Run, load, load_model, train
from genlab.data.points import DEVIATION, gaussian_centres
from genlab.metrics import Modes, modes

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]
from find_browser import FLAGS, find_browser  # noqa: E402
from serving import serving  # noqa: E402

TRIALS = [("gan", "points"), ("gan", "points, hinge"), ("gan", "points, wgan-gp"), ("diffusion", "points"), ("vae", "points")]
SAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=list(MODELS))
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    if given.page:
        return on_the_page([family for family in ("gan", "diffusion") if given.only in (None, family)])
    print("| family | preset | seed | seconds | modes found of 8 | within 3 standard deviations |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENLAB_RUNS"] = folder
        for family, preset in TRIALS:
            for seed in range(given.seeds) if given.only in (None, family) else ():
                seconds, found = learn(family, preset, seed, given.threads)
                print(f"| {family} | {preset} | {seed} | {seconds:.0f} | {found.found} | {found.near:.1%} |", flush=True)


def learn(family: str, preset: str, seed: int, threads: int) -> tuple[float, Modes]:
    """Train with a preset; seconds it took, everything counted, and what the samples have of the ring."""
    run = Run.create(family, "gaussians", {**MODELS[family].Settings.presets[preset], "seed": seed}, threads=threads)
    began = time.monotonic()
    for _ in train(run, load("gaussians"), "cpu"):
        pass
    seconds = time.monotonic() - began
    return seconds, measured(run)


def measured(run: Run) -> Modes:
    """What the samples of a run's last checkpoint have of the ring."""
    model = load_model(str(run.path)).model
    *_, draft = model.sample(SAMPLES, model.SamplingSettings(), seed=10_000)
    return modes(draft.items, gaussian_centres(), DEVIATION)


def on_the_page(families: list[str]) -> None:
    """Train with the preset from the Train tab, and count what the stage shows meanwhile."""
    print(
        "| family | seconds | modes found of 8 | within 3 standard deviations | views/s | pictures/s |\n|---|---|---|---|---|---|"
    )
    chromium = find_browser()  # before playwright starts, which it asks itself
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        runs = Path(folder, "runs")
        with serving(runs, Path(folder, "server.log")) as address:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            for family in families:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(address)
                views, pictures = watched(page, family)
                run = Run.open(family, runs)
                found, seconds = measured(run), run.history()[-1]["seconds"]
                rates = f"{views:.1f} | {pictures:.1f}"
                print(f"| {family} | {seconds:.0f} | {found.found} | {found.near:.1%} | {rates} |", flush=True)
                page.close()
            browser.close()


def watched(page: Page, family: str) -> tuple[float, float]:
    """Views and pictures a second, from the first view of a run to its last."""
    choose(page, "#dataset-picker", "gaussians")
    page.click("#tab-train")
    choose(page, "#train-family", family)
    page.wait_for_timeout(3000)  # the form takes on the preset, and the spare process gets ready
    page.fill("#train-name input", family)
    page.click("#train-start")
    page.wait_for_selector(f"[data-run='{family}'] .badge.running", timeout=60_000)
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.frames > {_counted(page)[0]}", timeout=60_000)
    before, began = _counted(page), time.monotonic()
    page.wait_for_selector(f"[data-run='{family}'] .badge.done", timeout=300_000)
    after, seconds = _counted(page), time.monotonic() - began
    return (after[0] - before[0]) / seconds, (after[1] - before[1]) / seconds


def choose(page: Page, picker: str, name: str) -> None:
    page.click(f"{picker} input")
    page.get_by_role("option", name=name, exact=True).click()


def _counted(page: Page) -> tuple[int, int]:
    return tuple(
        page.evaluate(
            "(({ frames, painted }) => [+(frames ?? 0), +(painted ?? 0)])(document.querySelector('#points-canvas').dataset)"
        )
    )


if __name__ == "__main__":
    main()
