"""Pictures that are made on the page, by the camera or the pen, are collected class by class and become a dataset."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from data_page import choose
from find_browser import FLAGS
from looks import FULL, sticks_out
from marks import long
from playwright.sync_api import Browser, Page, expect
from seats import PATIENCE, Seats

from genlab.data import load

FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # a camera, and a person who allows it
FAULTS = {
    "NotAllowedError": "The browser does not let this page see the camera.",
    "NotFoundError": "No camera was found.",
    "NotReadableError": "another program may have it",
    "TypeError": "The camera could not be opened.",
}


@pytest.fixture(autouse=True)
def of_the_server(served_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test read the datasets that the page has."""
    monkeypatch.setenv("GENLAB_DATASETS", str(served_runs.parent / f"{served_runs.name}-datasets"))


@pytest.fixture(scope="module")
def cameras(browser: Browser, executable: str) -> Iterator[Seats]:
    """Pages of a browser that has a camera."""
    chromium = browser.browser_type.launch(executable_path=executable, args=[*FLAGS, *FAKE], timeout=PATIENCE)
    yield Seats(chromium)
    chromium.close()


@pytest.fixture
def filmed(cameras: Seats, server: str) -> Iterator[Page]:
    """The page before a camera."""
    with cameras.one() as page:
        page.goto(server)
        page.click("#tab-data")
        page.click(".collect summary")
        yield page


def record(page: Page, name: str, least: int) -> int:
    """Hold the button until so many pictures are there; returns how many there are then."""
    page.fill(".collect .field input", name)
    button = page.locator(".collect .record")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    tiles = page.locator(".shelf", has_text=name).locator(".tile")
    expect(tiles.nth(least - 1)).to_be_visible()
    page.mouse.up()
    expect(button).to_have_attribute("aria-pressed", "false")
    return tiles.count()


def bring(page: Page, name: str) -> None:
    page.click(".collect .bring")
    page.fill(".data-import input[name=name]", name)
    page.click(".data-import button[type=submit]")
    expect(page.locator("#dataset-picker input")).to_have_value(name)


@pytest.mark.long
def test_the_camera_fills_one_class_after_another_and_they_are_imported(filmed: Page):
    filmed.click(".collect .camera")
    expect(filmed.locator(".collect video")).to_be_visible()
    assert sticks_out(filmed) == []
    n = {name: record(filmed, name, 3) for name in ("left", "right")}
    filmed.locator(".shelf", has_text="right").locator(".tile").first.click()
    n["right"] -= 1
    expect(filmed.locator(".shelf .note")).to_have_text([f"{count} pictures" for count in n.values()])
    bring(filmed, "filmed")
    made = load("filmed")
    assert made.spec.classes == ("left", "right")
    counted = np.sum([part.counts.tolist() for part in made.parts.values()], axis=0)
    assert counted.tolist() == list(n.values())
    assert made.spec.shape == (3, 64, 64)
    expect(filmed.locator(".shelf")).to_have_count(0)
    assert filmed.evaluate("document.querySelector('.collect video').srcObject") is None


@pytest.mark.long
def test_a_class_has_a_name_before_it_is_recorded(filmed: Page):
    filmed.click(".collect .camera")
    for name, sentence in {"": "Name the class first.", "a/b": "A class cannot be called 'a/b'"}.items():
        filmed.fill(".collect .field input", name)
        filmed.click(".collect .record")
        expect(filmed.locator(".collect .wrong")).to_contain_text(sentence)
    expect(filmed.locator(".shelf")).to_have_count(0)


@pytest.mark.parametrize("fault", [None, *map(long, FAULTS)])
def test_where_there_is_no_camera_a_sentence_says_why(page: Page, fault: str | None):
    stub = "({ getUserMedia: () => Promise.reject(new DOMException('', fault)) })" if fault else "undefined"
    page.evaluate(f"fault => Object.defineProperty(navigator, 'mediaDevices', {{ value: {stub}, configurable: true }})", fault)
    page.click("#tab-data")
    page.click(".collect summary")
    page.click(".collect .camera")
    expect(page.locator(".collect .wrong")).to_contain_text(FAULTS[fault] if fault else "only over https")
    expect(page.locator(".collect .record")).to_be_hidden()


def draw(page: Page, *corners: tuple[int, int]) -> None:
    page.locator("#latent-drawing").scroll_into_view_if_needed()
    box = page.locator("#latent-drawing").bounding_box()
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
        if not i:
            page.mouse.down()
    page.mouse.up()


@pytest.mark.long
def test_drawings_are_kept_class_by_class_and_become_a_dataset_of_the_size_of_the_model(page: Page):
    page.wait_for_selector("#latent-image img[src]")
    page.click("#latent-source [data-choice=own]")
    page.click("#latent-keep button >> nth=0")
    expect(page.locator("#latent-keep .fault")).to_have_text("Nothing was drawn yet.")
    for n in range(4):
        name = "bar" if n % 2 else "dash"
        draw(page, *([(30 + 20 * n, 30), (30 + 20 * n, 130)] if n % 2 else [(30, 30 + 20 * n), (130, 30 + 20 * n)]))
        page.fill("#latent-keep input", name)
        page.keyboard.press("Enter")
        expect(page.locator("#latent-collected")).to_have_text(f"{n + 1} kept")
    page.click("#latent-collected")
    expect(page.locator(".shelf b")).to_have_text(["dash", "bar"])
    bring(page, "strokes")
    made = load("strokes")
    assert made.spec.classes == ("bar", "dash")
    assert made.spec.shape == (1, 28, 28)
    for part in made.parts.values():
        for image, label in zip(part.read(slice(None))[:, 0] > 127, part.label.tolist(), strict=True):
            tall = image.any(1).sum() > image.any(0).sum()
            assert bool(tall) == (made.spec.classes[label] == "bar")


def drawn(page: Page, *names: str) -> None:
    """Keep drawings, each under its name."""
    page.wait_for_selector("#latent-image img[src]")
    page.click("#latent-source [data-choice=own]")
    for n, name in enumerate(names):
        draw(page, (30, 30 + 20 * n), (130, 30 + 20 * n))
        page.fill("#latent-keep input", name)
        page.keyboard.press("Enter")
        expect(page.locator("#latent-collected")).to_have_text(f"{n + 1} kept")


@pytest.mark.long
def test_a_reload_brings_the_pictures_again_but_none_that_were_taken_out_or_became_a_dataset(page: Page):
    drawn(page, "dash", "bar", "dash")
    page.click("#latent-collected")
    page.locator(".shelf", has_text="dash").locator(".tile").first.click()
    expect(page.locator(".shelf .note")).to_have_text(["1 picture", "1 picture"])
    page.reload()
    expect(page.locator(".shelf b")).to_have_text(["dash", "bar"])
    expect(page.locator(".shelf .note")).to_have_text(["1 picture", "1 picture"])
    bring(page, "strokes-again")
    made = load("strokes-again")
    assert made.spec.classes == ("bar", "dash")
    assert made.spec.shape == (1, 28, 28)  # still as grey as they were drawn
    expect(page.locator(".shelf")).to_have_count(0)
    expect(page).to_have_url(re.compile("dataset=strokes-again"))
    page.reload()
    expect(page.locator(".data-own h2")).to_have_text("strokes-again")
    page.click(".collect summary")
    expect(page.locator(".collect .camera")).to_be_visible()
    expect(page.locator(".shelf")).to_have_count(0)


@pytest.mark.long
def test_where_the_browser_has_no_room_it_says_so_and_the_pictures_stay(page: Page):
    page.evaluate(FULL)
    drawn(page, "dash", "bar")
    expect(page.locator("#latent-keep .fault")).to_contain_text("more pictures than this browser keeps over a reload")
    page.click("#latent-collected")
    expect(page.locator(".shelf .tile")).to_have_count(2)
    expect(page.locator(".collect .unkept")).to_contain_text("Make a dataset of them before you reload")
    page.locator(".shelf .tile").first.click()
    page.locator(".shelf .tile").first.click()
    expect(page.locator(".collect .unkept")).to_be_hidden()


@pytest.mark.long
def test_nothing_sticks_out_on_a_phone(phone: Page):
    phone.wait_for_selector("#latent-slider-1 input[type=range]")
    phone.click("#latent-source [data-choice=own]")
    expect(phone.locator("#latent-keep")).to_be_visible()
    assert sticks_out(phone) == []
    choose(phone, "digits")
    phone.click(".collect summary")
    expect(phone.locator(".collect .camera")).to_be_visible()
    assert sticks_out(phone) == []
