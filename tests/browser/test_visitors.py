"""Five visitors of one public page: each sees the picture of their own values, and nothing that another brought or trains."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from looks import data, pixels_of, sticks_out
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from seats import Seats
from serving import PublicPage

from genlab.data import to_pixels
from genlab.latent import axes_of
from genlab.models.base import Given
from genlab.training.checkpoint import load_model

VISITORS = 5
DRAG = """(axis) => {
  const slide = document.querySelector(`#latent-slider-${axis} input[type=range]`);
  window.dragged = (async () => {
    for (let i = 0; i <= 40; i++) {
      slide.value = 3 * Math.sin(i / 5 + axis);
      slide.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((done) => setTimeout(done, 10));
    }
    return Number(document.querySelector(`#latent-slider-${axis} input[type=number]`).value);
  })();
}"""


@pytest.fixture(scope="module")
def visitors(browser: Browser, public_page: PublicPage) -> Iterator[list[Page]]:
    """Pages in browsers that know nothing of one another."""
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(VISITORS)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(public_page.address)
    for page in pages:
        page.wait_for_selector("#latent-slider-15 input[type=range]", state="attached")
    yield pages
    for context in contexts:
        context.close()


def bring(page: Page, name: str) -> None:
    """Import a few pictures through the page."""
    files = []
    for i in range(6):
        content = io.BytesIO()
        Image.fromarray(np.full((8, 8), 40 * i, np.uint8)).save(content, "png")
        files.append({"name": f"{i}.png", "mimeType": "image/png", "buffer": content.getvalue()})
    page.click("#tab-data")
    page.set_input_files("#data-import input", files)
    page.fill(".data-import input[name=name]", name)
    page.click(".data-import button[type=submit]")
    expect(page.locator("#dataset-picker input")).to_have_value(name)


def options(page: Page, picker: str) -> set[str]:
    page.click(f"{picker} input")
    found = page.locator(f"{picker} [role=option]").all_inner_texts()
    page.keyboard.press("Escape")
    return {text.replace("✓", "").strip() for text in found}


@pytest.mark.long
def test_the_page_says_what_becomes_of_what_is_brought(seats: Seats, public_page: PublicPage):
    with seats.one() as page:
        page.goto(public_page.address)
        page.wait_for_selector("#latent-slider-15 input[type=range]", state="attached")
        expect(page.locator("#footer-notice")).to_contain_text("removed after an hour without use")
        assert sticks_out(page) == []


@pytest.mark.long
def test_each_sees_their_own_picture_while_one_trains(visitors: list[Page]):
    first, second = visitors[:2]
    bring(first, "mine")
    bring(second, "mine")  # the same name, another space
    bring(second, "theirs")
    first.click("#tab-train")
    first.fill("#train-vae-steps input", "50000")
    first.keyboard.press("Tab")
    first.click("#train-start")
    expect(first.locator("#run-list [data-run=vae-1]")).to_be_visible()
    for page in visitors:
        page.click("#tab-latent")
    for axis, page in enumerate(visitors):
        page.evaluate(DRAG, axis)
    ends = [page.evaluate("window.dragged") for page in visitors]
    model = load_model("vae-mnist").model
    axes = axes_of(model)
    for axis, (page, end) in enumerate(zip(visitors, ends, strict=True)):
        page.wait_for_function(
            "([axis, end]) => JSON.parse(document.querySelector('#latent-image').dataset.values)[axis] === end", arg=[axis, end]
        )
        z = axes.place(torch.tensor([data(page, "#latent-image", "values")]), torch.zeros(1, 16))
        with torch.no_grad():
            expected = to_pixels(model.decode(z, Given()))[0, 0].numpy()
        seen = pixels_of(page.locator("#latent-image img").get_attribute("src"))
        assert np.abs(seen.astype(int) - expected).max() <= 1, f"visitor {axis} sees another picture"

    own = [options(page, "#dataset-picker") for page in visitors[:3]]
    assert own[0] - own[2] == {"mine"}
    assert own[1] - own[2] == {"mine", "theirs"}
    for page in visitors[1:]:
        page.click("#tab-train")
        expect(page.locator("#run-list")).not_to_contain_text("vae-1")
    first.click("#tab-train")
    first.click("#train-stop")
    expect(first.locator("#run-list [data-run=vae-1] .badge")).to_have_text("stopped")
