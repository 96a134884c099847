"""The whole way: pictures of one's own come in, a model learns them, its sliders move, and a link shows a stranger the same."""

import os
from pathlib import Path

import numpy as np
import pytest
from looks import pixels_of
from playwright.sync_api import Browser, Page, expect

from genlab.data import list_datasets
from genlab.training.run import Run

SECONDS = float(os.environ.get("GENLAB_TRAIN_SECONDS", "6"))  # how long the model of this test learns
ZIP = Path(os.environ.get("GENLAB_DATA", "nowhere")) / "cifar10-jpg.zip"
needs_photographs = pytest.mark.skipif(not ZIP.exists(), reason="needs cifar10-jpg.zip in GENLAB_DATA")


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.locator("#latent-image img").get_attribute("src"))


def bring_cats_and_dogs(page: Page) -> None:
    page.click("#tab-data")
    page.set_input_files("#data-import input", ZIP)
    page.get_by_role("button", name="None", exact=True).click(timeout=120_000)
    for folder in ("cat", "dog"):
        page.check(f".data-import input[value={folder}]")
    page.fill(".data-import input[name=name]", "cats-and-dogs")
    page.click(".data-import button[type=submit]")
    expect(page.locator("#dataset-picker input")).to_have_value("cats-and-dogs", timeout=120_000)


def train_a_vae(page: Page, runs: Path) -> None:
    page.click("#tab-train")
    page.fill("#train-name input", "cats-and-dogs-vae")
    page.fill("#train-vae-steps input", "100000")
    page.keyboard.press("Tab")
    page.click("#train-start")
    expect(page.locator(".train-stage .run-name")).to_have_text("cats-and-dogs-vae", timeout=30_000)
    page.wait_for_selector("#train-curve path.line[d*=M]", state="attached", timeout=60_000)
    page.wait_for_timeout(1000 * SECONDS)
    page.click("#train-stop")
    expect(page.locator("#run-list [data-run=cats-and-dogs-vae] .badge")).to_have_text("stopped", timeout=60_000)
    losses = [record["losses"]["model"] for record in Run.open("cats-and-dogs-vae", runs).history()]
    assert np.mean(losses[-3:]) < losses[0]


@needs_photographs
@pytest.mark.timeout(400)
def test_cats_and_dogs_are_learnt_and_a_link_shows_the_same_picture(page: Page, browser: Browser, server: str, served_runs: Path):
    bring_cats_and_dogs(page)
    train_a_vae(page, served_runs)
    page.click(".train-side .latent")
    expect(page.locator("#model-picker input")).to_have_value("cats-and-dogs-vae")
    page.wait_for_selector("#latent-image[data-model=cats-and-dogs-vae]", timeout=60_000)
    page.wait_for_selector("#latent-slider-1 input[type=range]", timeout=60_000)
    before = shown(page)
    for i, value in ((0, "1.7"), (1, "-2.2")):
        page.fill(f"#latent-slider-{i} input[type=number]", value)
        page.keyboard.press("Tab")
    page.wait_for_function(
        "() => { const drawn = JSON.parse(document.querySelector('#latent-image').dataset.values || '[]');"
        " return Math.abs(drawn[0] - 1.7) < 0.005 && Math.abs(drawn[1] + 2.2) < 0.005 }"
    )
    moved = shown(page)
    assert moved.shape == (32, 32, 3)
    assert not np.array_equal(moved, before)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy-link")
    expect(page.locator("#copy-link")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(server)
    linked = shown(page)  # of the latent as the link has it, rounded to 16 bits
    assert np.abs(linked.astype(int) - moved).max() <= 2
    stranger = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    stranger.goto(link)
    stranger.wait_for_selector("#latent-image img", timeout=60_000)
    expect(stranger.locator("#model-picker input")).to_have_value("cats-and-dogs-vae")
    stranger.wait_for_function("() => (JSON.parse(document.querySelector('#latent-image').dataset.values || '[]')).length > 1")
    assert np.array_equal(shown(stranger), linked)
    stranger.context.close()
    assert "cats-and-dogs" not in list_datasets()  # this test's own folder; the server has its own
