"""Visitors: slider to pixel for one visitor of a public page, and for several at once while the run of one of them trains.

    python -m benchmarks.visitors [--visitors 5] [--moves 200]

The clock is that of benchmarks.slider. Each visitor has a browser profile and so a space of their own; all drag at once.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.slider import FLAGS, SENTENCE, TAB, TIME, find_browser, measure, opened, report, served

MODEL = "vae-mnist"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=5)
    parser.add_argument("--moves", type=int, default=200, help="slider moves of each visitor (%(default)s)")
    arguments = parser.parse_args()
    browser = find_browser() or sys.exit(SENTENCE)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        flags = ["--public", "--no-auth", "--runs-dir", str(Path(folder) / "runs")]
        with served(["app.py", "--port", "{port}", *flags]) as address:
            first = visit(chromium, address)
            alone = measure(first, TAB, arguments.moves)
            report("one visitor", alone)
            others = [visit(chromium, address) for _ in range(arguments.visitors - 1)]
            train(first)
            together = drag([first, *others], arguments.moves)
            for i, times in enumerate(together, 1):
                report(f"visitor {i} of {len(together)}, training", times)
            ratio = statistics.median(time for times, _ in together for time in times) / statistics.median(alone[0])
            print(f"median of all, as a multiple of one alone: {ratio:.2f}")
            stop(first)
        chromium.close()


def visit(chromium: Browser, address: str) -> Page:
    return opened(chromium.new_context(viewport={"width": 1440, "height": 900}).new_page(), address, MODEL)


def train(page: Page) -> None:
    """Start a run from the page, as large as its preset says, and go back to the sliders when it has begun."""
    page.click("#tab-train")
    page.click("#train-start")
    page.wait_for_selector("#train-curve path.line[d*=M]", state="attached", timeout=120_000)
    page.click("#tab-latent")


def stop(page: Page) -> None:
    """End the run, which would outlive the page and the server."""
    page.click("#tab-train")
    page.click("#train-stop")
    page.wait_for_selector("#run-list .badge.stopped")


def drag(pages: list[Page], moves: int) -> list[list[list[float]]]:
    """Times of all pages, as `measure` gives them, whose sliders move at the same time."""
    for page in pages:
        page.evaluate(f"(asked) => {{ window.times = ({TIME})(asked) }}", [*TAB, moves])
    return [page.evaluate("window.times") for page in pages]


if __name__ == "__main__":
    main()
