"""Film: half a minute of the real page in a real browser, the moving picture at the head of the README.

python -m benchmarks.film [--out docs/film.webp]
"""

import argparse
import io
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))
from find_browser import FLAGS, SENTENCE, find_browser
from serving import serving

SCREEN, WIDTH = (1280, 800), 880  # of the browser, and of the film, in pixels
PAUSE = 100  # ms a frame
MOST = 3_000_000  # bytes
QUALITIES = (80, 70, 60, 50, 40, 30)  # of the pictures, tried in this order until the film is small enough
HAND = """() => {
  const hand = document.createElement("i");
  hand.style.cssText = "position:fixed;z-index:99999;width:22px;height:22px;margin:-11px;border-radius:50%;pointer-events:none;" +
    "background:rgba(20,20,20,.28);border:2px solid #fff;box-shadow:0 0 0 1px rgba(20,20,20,.5);left:-99px";
  document.body.append(hand);
  addEventListener("pointermove", ({ clientX, clientY }) => {
    hand.style.left = `${clientX}px`;
    hand.style.top = `${clientY}px`;
  }, true);
  addEventListener("pointerdown", () => (hand.style.background = "rgba(20,20,20,.6)"), true);
  addEventListener("pointerup", () => (hand.style.background = "rgba(20,20,20,.28)"), true);
}"""


class Camera:
    """Takes the page picture by picture while a hand moves over it."""

    def __init__(self, page: Page) -> None:
        self.page, self.frames, self.place = page, [], (640.0, 400.0)

    def shoot(self, frames: int = 1) -> None:
        for _ in range(frames):
            picture = Image.open(io.BytesIO(self.page.screenshot(type="jpeg", quality=95))).convert("RGB")
            self.frames.append(picture.resize((WIDTH, round(WIDTH * SCREEN[1] / SCREEN[0])), Image.Resampling.LANCZOS))

    def go(self, x: float, y: float, frames: int = 6) -> None:
        """Move the hand there, quick in the middle of its way."""
        x0, y0 = self.place
        for i in range(1, frames + 1):
            share = (1 - math.cos(math.pi * i / frames)) / 2
            self.page.mouse.move(x0 + share * (x - x0), y0 + share * (y - y0))
            self.shoot()
        self.place = (x, y)

    def press(self, target: Locator, frames: int = 5) -> None:
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box
        self.go(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, frames)
        self.page.mouse.down()
        self.shoot()
        self.page.mouse.up()

    def drag(self, target: Locator, way: Callable[[float], tuple[float, float]], frames: int) -> None:
        """Hold the target where `way` begins and follow it: from 0 to 1, to shares of the target's width and height."""
        box = target.bounding_box()
        assert box
        at = [
            (box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (way(i / frames) for i in range(frames + 1))
        ]
        self.go(*at[0])
        self.page.mouse.down()
        for place in at[1:]:
            self.page.mouse.move(*place)
            self.place = place
            self.shoot()
        self.page.mouse.up()


def probe(page: Page, camera: Camera) -> None:
    """Sliders, then the pad, then a walk."""
    page.wait_for_function("() => document.querySelector('#latent-image img')?.src.length > 200")
    page.wait_for_function("() => document.querySelectorAll('#latent-strip button img, #latent-strip button').length > 5")
    page.wait_for_timeout(2000)  # for what comes ahead of the hand
    camera.shoot(4)
    for i, reach in ((0, 0.42), (1, 0.4)):
        slider = page.locator(f"#latent-slider-{i} input[type=range]")
        camera.drag(slider, lambda t, reach=reach: (0.5 + reach * math.sin(2 * math.pi * t), 0.5), 22)
    camera.drag(page.locator("#latent-pad"), lambda t: (0.5 + 0.4 * t, 0.5 + 0.35 * math.sin(2 * math.pi * t)), 30)
    camera.shoot(4)


def sample(page: Page, camera: Camera) -> None:
    """From noise to digits."""
    page.locator("#model-picker input").click()
    page.locator("[data-testid=dropdown-option][aria-label='diffusion-mnist']").click()
    camera.press(page.locator("#tab-sample"))
    page.wait_for_selector("#sample-sampler")
    page.fill("#sample-count input", "64")
    camera.shoot(6)
    camera.press(page.locator("#sample-go"))
    camera.shoot(44)


def inspect(page: Page, camera: Camera) -> None:
    """What the checks find in the digits."""
    page.locator("#dataset-picker input").click()
    page.locator("[data-testid=dropdown-option][aria-label='digits']").click()
    camera.press(page.locator("#tab-data"))
    camera.shoot(8)
    camera.press(page.locator("#quality-run"))
    camera.shoot(44)


def train(page: Page, camera: Camera) -> None:
    """A run from its first step on."""
    camera.press(page.locator("#tab-train"))
    camera.shoot(4)
    camera.press(page.locator("#train-start"))
    page.wait_for_selector("#train-curve path.line[d*=M]", state="attached")
    camera.shoot(60)


def save(frames: list[Image.Image], file: Path) -> int:
    """Write the film with as good pictures as fit; returns its bytes."""
    for quality in QUALITIES:
        held = io.BytesIO()
        frames[0].save(held, "WEBP", save_all=True, append_images=frames[1:], duration=PAUSE, loop=0, quality=quality, method=4)
        if held.tell() <= MOST:
            break
    assert held.tell() <= MOST, f"The film takes {held.tell():,} bytes; {MOST:,} is the most."
    file.write_bytes(held.getvalue())
    print(f"{len(frames)} frames, {len(frames) * PAUSE / 1000:.0f} s, quality {quality}, {held.tell():,} bytes")
    return held.tell()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/film.webp"))
    out = parser.parse_args().out
    found = find_browser()
    if found is None:
        sys.exit(SENTENCE)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "runs", Path(folder) / "log") as address:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
            page = browser.new_page(viewport={"width": SCREEN[0], "height": SCREEN[1]}, color_scheme="light")
            page.set_default_timeout(90_000)
            page.goto(address)
            page.evaluate(HAND)
            camera = Camera(page)
            for scene in (probe, sample, inspect, train):
                page.evaluate("scrollTo(0, 0)")
                scene(page, camera)
            browser.close()
        save(camera.frames, out)


if __name__ == "__main__":
    main()
