"""The pad of the Latent space tab on a slow link, in a real browser: how soon a picture follows the hand, and how true it is.

    python -m benchmarks.pad [--model vae-mnist] [--delay 150] [--moves 60]

A real mouse drags the pad. The clock starts with the browser's own event; a first response is there when it is painted,
the true one when the server's picture of that place is. The first is compared with the true decode of its place (PSNR).
"""

import argparse
import base64
import io
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]
from find_browser import FLAGS, SENTENCE, find_browser  # noqa: E402

from benchmarks.slider import opened, served  # noqa: E402

WATCH = """() => {
  const pad = document.querySelector("#latent-pad"), ahead = document.querySelector("#latent-ahead");
  const holder = document.querySelector("#latent-image"), truth = holder.querySelector("img");
  window.moves = [];
  const painted = (done) => requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  pad.addEventListener("pointermove", (event) => { // after the page's own listener
    if (ahead.hidden || moves.at(-1)?.base === ahead.dataset.base) return;
    const pixels = ahead.getContext("2d").getImageData(0, 0, ahead.width, ahead.height);
    const move = { base: ahead.dataset.base, began: event.timeStamp, picture: [ahead.height, ahead.width, pixels] };
    moves.push(move);
    painted((now) => (move.first = now - move.began));
  });
  new MutationObserver(() => {
    const move = moves.findLast((one) => one.base === holder.dataset.base && !one.exact);
    if (!move || holder.hasAttribute("data-rough")) return;
    move.exact = true;
    move.true = truth.src;
    painted((now) => {
      move.last = now - move.began;
      window.heard?.();
    });
  }).observe(holder, { attributes: true, attributeFilter: ["data-base"] });
}"""

HEAR = "() => new Promise((done) => (moves.at(-1)?.last ? done() : (window.heard = () => moves.at(-1).last && done())))"
TAKE = """() => moves.splice(0).map((move) => {
  const [height, width, { data }] = move.picture;
  return { ...move, picture: [height, width, btoa(String.fromCharCode(...data))] };
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vae-mnist")
    parser.add_argument("--delay", type=int, default=150, help="milliseconds that the link adds to each request (%(default)s)")
    parser.add_argument("--moves", type=int, default=60, help="single moves; a drag has three times as many (%(default)s)")
    arguments = parser.parse_args()
    browser = find_browser() or sys.exit(SENTENCE)
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        with served(["app.py", "--port", "{port}", "--runs-dir", runs]) as address:
            page = opened(chromium.new_page(viewport={"width": 1440, "height": 900}), address, arguments.model)
            slow_down(page, arguments.delay)
            print(f"{arguments.model}, a link with {arguments.delay} ms of delay; the least of it was {least(page):.0f} ms")
            page.wait_for_function("document.querySelector('#latent-spot').textContent")
            page.evaluate(WATCH)
            report("single moves", single(page, arguments.moves))
            report("one long drag", drag(page, 3 * arguments.moves))
        chromium.close()


def slow_down(page: Page, delay: int) -> None:
    """Let every answer come this much later, as on a slow link."""
    throttle = {"offline": False, "latency": delay, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", throttle)


def least(page: Page) -> float:
    """Milliseconds that the smallest file of the page takes, the least of five."""
    return page.evaluate(
        """async () => {
          const times = [];
          for (let i = 0; i < 5; i++) {
            const began = performance.now();
            await fetch(`gradio_api/startup-events?${i}`, { cache: "no-store" });
            times.push(performance.now() - began);
          }
          return Math.min(...times);
        }"""
    )


def single(page: Page, moves: int) -> list[dict[str, Any]]:
    """Moves with a rest after each, so that the true picture of each comes."""
    x, y = grasp(page)
    for i in range(moves):
        page.mouse.move(x + 60 * math.sin(i / 3), y + 60 * math.cos(i / 5))
        page.wait_for_timeout(30)
        page.evaluate(HEAR)
    page.mouse.up()
    return page.evaluate(TAKE)


def drag(page: Page, moves: int) -> list[dict[str, Any]]:
    """Moves at 60 a second, two cells of the pad far; those whose true picture never came were overtaken by the next."""
    x, y = grasp(page)
    began = time.perf_counter()
    for i in range(moves):
        page.mouse.move(x - 300 * i / moves, y - 150 * math.sin(3 * i / moves))
        time.sleep(max(0, began + (i + 1) / 60 - time.perf_counter()))
    page.evaluate(HEAR)
    page.mouse.up()
    return page.evaluate(TAKE)


def grasp(page: Page) -> tuple[float, float]:
    """Take hold of the middle of the pad."""
    box = page.locator("#latent-pad").bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y)
    page.wait_for_timeout(1500)
    page.evaluate("moves.length = 0")
    return x, y


def report(name: str, moves: list[dict[str, Any]]) -> None:
    first = [move["first"] for move in moves if "first" in move]
    seen = [move for move in moves if "last" in move]
    last = [move["last"] for move in seen]
    near = [psnr(shown(move["picture"]), pixels(move["true"])) for move in seen]
    print(f"{name} ({len(first)}, the true picture of {len(seen)})")
    for what, values, unit in (("first response", first, "ms"), ("true picture", last, "ms"), ("PSNR of the first", near, "dB")):
        ordered = sorted(values)
        low, high = (ordered[int(share * (len(ordered) - 1))] for share in (0.05, 0.95))
        worst = ordered[0] if unit == "dB" else ordered[-1]
        told = f"median {statistics.median(ordered):6.1f} {unit}   p5 {low:6.1f}   p95 {high:6.1f}   worst {worst:6.1f}"
        print(f"  {what:<18} {told}")
    if "last" in moves[-1]:
        print(f"  {'the last of them':<18} true after {moves[-1]['last']:.1f} ms")


def shown(picture: tuple[int, int, str]) -> np.ndarray:
    height, width, content = picture
    return np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width, 4)[..., :3] / 255


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"), float) / 255


def psnr(picture: np.ndarray, true: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels; 99 for the same picture."""
    error = float(((picture - true) ** 2).mean())
    return min(99.0, -10 * math.log10(max(error, 1e-12)))


if __name__ == "__main__":
    main()
