"""Favourites: marked by click and by key, kept over a reload, exported, and made into a dataset."""

import io
import json
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from looks import pick, sticks_out
from marks import SIZES
from PIL import Image
from playwright.sync_api import Page, Route, expect
from test_sample_tab import draw, images, open_tab


@pytest.fixture
def drawn(page: Page) -> Iterator[Page]:
    """Nine images, none of them marked; the marks are taken off afterwards."""
    open_tab(page, "vae-mnist")
    draw(page, 9, 500)
    expect(page.locator("#sample-favourite")).to_be_enabled()
    yield page
    while page.locator(".tray .thumbs .tile").count():
        left = page.locator(".tray .thumbs .tile").count()
        page.locator(".tray .thumbs .tile").first.click()
        expect(page.locator(".tray .thumbs .tile")).to_have_count(left - 1)


def mark(page: Page, i: int, key: str, kind: str | None) -> None:
    tile = page.locator("#sample-gallery .tile").nth(i)
    tile.press(key)
    if kind:
        expect(tile).to_have_attribute("data-mark", kind)
    else:
        expect(tile).not_to_have_attribute("data-mark", "favourite")


def test_a_click_and_a_key_mark_and_take_off(drawn: Page):
    drawn.click("#sample-favourite")
    expect(drawn.locator("#sample-gallery .tile").nth(0)).to_have_attribute("data-mark", "favourite")
    expect(drawn.locator("#sample-favourite")).to_have_attribute("aria-pressed", "true")
    drawn.click("#sample-reject")
    expect(drawn.locator("#sample-gallery .tile").nth(0)).to_have_attribute("data-mark", "rejected")
    mark(drawn, 3, "f", "favourite")
    mark(drawn, 4, "x", "rejected")
    expect(drawn.locator(".tray .counted")).to_have_text(["♥ favourites: 1", "✕ rejected: 2"])
    mark(drawn, 3, "f", None)
    expect(drawn.locator(".tray .counted")).to_have_text(["✕ rejected: 2"])


@pytest.mark.long
def test_marks_outlive_the_page(drawn: Page):
    mark(drawn, 2, "f", "favourite")
    drawn.reload()
    open_tab(drawn, "vae-mnist")
    expect(drawn.locator(".tray .counted")).to_have_text(["♥ favourites: 1"])
    draw(drawn, 9, 500)
    expect(drawn.locator("#sample-gallery .tile").nth(2)).to_have_attribute("data-mark", "favourite")


@pytest.mark.long
def test_an_answer_that_comes_late_takes_no_mark_back(drawn: Page):
    held: list[tuple[Route, bytes]] = []
    late = ['"sample_marks"']

    def hold(route: Route) -> None:
        if any(name in (route.request.post_data or "") for name in late):
            held.append((route, route.fetch().body()))
        else:
            route.fallback()

    drawn.route("**/component_server/", hold)
    draw(drawn, 9, 600)
    while not held:
        drawn.wait_for_timeout(20)  # lets the answer come that is held back
    mark(drawn, 2, "f", "favourite")
    late.clear()
    for route, answer in held:
        with drawn.expect_response("**/component_server/"):
            route.fulfill(body=answer, content_type="application/json")
    expect(drawn.locator("#sample-gallery .tile").nth(2)).to_have_attribute("data-mark", "favourite")
    mark(drawn, 4, "f", "favourite")
    mark(drawn, 2, "f", None)
    expect(drawn.locator(".tray .counted")).to_have_text(["♥ favourites: 1"])


@pytest.mark.long
def test_the_export_holds_the_pixels_on_screen(drawn: Page):
    mark(drawn, 2, "f", "favourite")
    mark(drawn, 5, "x", "rejected")
    with drawn.expect_download() as download:
        drawn.click(".tray .export")
    with zipfile.ZipFile(download.value.path()) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        pixels = {entry["kind"]: np.asarray(Image.open(io.BytesIO(archive.read(entry["file"])))) for entry in manifest}
    shown = images(drawn, 9)
    assert np.array_equal(pixels["favourite"], shown[2])
    assert np.array_equal(pixels["rejected"], shown[5])
    assert {entry["seed"] for entry in manifest} == {502, 505}
    assert manifest[0]["model"] == "vae-mnist"


def test_favourites_become_the_picked_dataset(drawn: Page):
    mark(drawn, 0, "f", "favourite")
    drawn.click(".tray .collect")
    expect(drawn.locator(".tray .told")).to_contain_text("One favourite yet; a dataset needs at least 2 (50+ advised).")
    for i in (1, 2, 3):
        mark(drawn, i, "f", "favourite")
    drawn.click(".tray .collect")
    expect(drawn.locator(".tray .told")).to_contain_text("holds 4 favourites and is picked now")
    name = drawn.inner_text(".tray .told").split()[2]
    expect(drawn.locator("#dataset-picker input")).to_have_value(name)
    drawn.click("#tab-data")
    expect(drawn.locator(".data-gallery .title")).to_contain_text("4 images")
    expect(drawn.locator(".data-own .aside")).to_have_text("4 favourites, 28×28")
    drawn.click("#tab-sample")


@pytest.mark.long
def test_the_tray_has_the_marks_of_the_chosen_model_and_counts_the_others(drawn: Page):
    mark(drawn, 2, "f", "favourite")
    expect(drawn.locator(".tray h3")).to_have_text("Marked samples of vae-mnist")
    pick(drawn, "model-picker", "vae-sprites")
    expect(drawn.locator(".tray h3")).to_have_text("Marked samples of vae-sprites")
    expect(drawn.locator(".tray .counted")).to_have_count(0)
    expect(drawn.locator(".tray .others")).to_contain_text("1 mark on samples of other models")
    drawn.click(".tray .collect")
    expect(drawn.locator(".tray .told")).to_contain_text("among 1; a dataset needs at least 2")
    pick(drawn, "model-picker", "vae-mnist")
    expect(drawn.locator(".tray .counted")).to_have_text(["♥ favourites: 1"])
    expect(drawn.locator(".tray .others")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest):
    page = request.getfixturevalue(size)
    open_tab(page, "vae-mnist")
    draw(page, 9, 700)
    mark(page, 1, "f", "favourite")
    assert sticks_out(page) == []
    mark(page, 1, "f", None)
