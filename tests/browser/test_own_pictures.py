"""The whole way: pictures of one's own come in, a model learns them, its sliders move, and a link shows a stranger the same."""

from pathlib import Path

import numpy as np
import pytest
from looks import pixels_of
from photographs import ZIP, few, needs_photographs
from playwright.sync_api import Page, expect
from seats import Seats

from genlab.data import list_datasets
from genlab.training.run import Run


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.locator("#latent-image img").get_attribute("src"))


def bring_cats_and_dogs(page: Page, photographs: Path, name: str) -> None:
    page.click("#tab-data")
    page.set_input_files("#data-import input", photographs)
    page.get_by_role("button", name="None", exact=True).click(timeout=240_000)
    for folder in ("cat", "dog"):
        page.check(f".data-import input[value={folder}]")
    page.fill(".data-import input[name=name]", name)
    page.click(".data-import button[type=submit]")
    expect(page.locator("#dataset-picker input")).to_have_value(name, timeout=240_000)


def train_a_vae(page: Page, runs: Path, name: str) -> None:
    page.click("#tab-train")
    page.fill("#train-name input", name)
    page.fill("#train-vae-steps input", "100000")
    page.keyboard.press("Tab")
    page.click("#train-start")
    expect(page.locator(".train-stage .run-name")).to_have_text(name)
    page.wait_for_function("parseInt(document.querySelector('.position').textContent.replaceAll(',', '')) >= 50", timeout=240_000)
    page.click("#train-stop")
    expect(page.locator(f"#run-list [data-run={name}] .badge")).to_have_text("stopped")
    losses = [record["losses"]["model"] for record in Run.open(name, runs).history()]
    assert np.mean(losses[-3:]) < losses[0]


@pytest.mark.long
@needs_photographs
@pytest.mark.parametrize("each", [40, pytest.param(None, id="all")])
def test_cats_and_dogs_are_learnt_and_a_link_shows_the_same_picture(
    page: Page, seats: Seats, server: str, served_runs: Path, tmp_path: Path, each: int | None
):
    pets, learner = f"cats-and-dogs-{each or 'all'}", f"learner-{each or 'all'}"
    bring_cats_and_dogs(page, few(tmp_path / "photographs.zip", each, "bird", "cat", "dog") if each else ZIP, pets)
    train_a_vae(page, served_runs, learner)
    page.click(".train-side .open-latent")
    expect(page.locator("#model-picker input")).to_have_value(learner)
    page.wait_for_selector(f"#latent-image[data-model={learner}]")
    page.wait_for_selector("#latent-slider-1 input[type=range]")
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
    linked = shown(page)
    assert np.array_equal(linked, moved)
    with seats.one() as stranger:
        stranger.goto(link)
        stranger.wait_for_selector("#latent-image img")
        expect(stranger.locator("#model-picker input")).to_have_value(learner)
        stranger.wait_for_function("() => JSON.parse(document.querySelector('#latent-image').dataset.values || '[]').length > 1")
        assert np.array_equal(shown(stranger), linked)
    assert pets not in list_datasets()  # this test's own folder; the server has its own
