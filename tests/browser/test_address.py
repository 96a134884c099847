"""The address follows what is looked at: Back, Forth and a reload come to it again."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from looks import data, pick, pixels_of, sprite_of, until
from playwright.sync_api import Page, expect

from genlab.latent import to_text
from genlab.training.run import Run

TWICE = """(way) => {  // go the way, and on before what is asked first has reached the server
    const { fetch } = window;
    document.documentElement.dataset.late = "waits";
    window.fetch = (url, ...rest) => {
        if (!/queue.join/.test(url)) return fetch(url, ...rest);
        window.fetch = fetch;
        return new Promise((go) => setTimeout(go, 1500)).then(() => {
            document.documentElement.dataset.late = "sent";
            return fetch(url, ...rest);
        });
    };
    history.go(way);
    setTimeout(() => history.go(way), 300);
}"""


@pytest.fixture
def latent(page: Page) -> Page:
    """The Latent space tab once all of it is there."""
    settled(page)
    expect(page.locator("#latent-strip .tile")).to_have_count(11)  # until then the pickers may still be set
    return page


def settled(page: Page) -> None:
    page.wait_for_function(
        "() => { const drawn = JSON.parse(document.querySelector('#latent-image')?.dataset.values || '[]');"
        " return drawn.length > 0 && document.querySelectorAll('[id^=latent-slider-]').length === drawn.length }"
    )


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.get_attribute("#latent-image img", "src") or "")


def set_axis(page: Page, axis: int, value: float) -> None:
    page.fill(f"#latent-slider-{axis} input[type=number]", str(value))
    drawn(page, axis, value)


def drawn(page: Page, axis: int, value: float) -> None:
    """Wait until a picture is on screen that has this value, as sliders show it."""
    page.wait_for_function(
        "([axis, value]) => Math.abs(JSON.parse(document.querySelector('#latent-image').dataset.values)[axis] - value) < 0.005",
        arg=[axis, value],
    )


def choose(page: Page, dropdown: str, name: str) -> None:
    page.click(f"{dropdown} input")
    page.get_by_role("option", name=name, exact=True).click()


def placed(page: Page) -> str:
    """Wait until the address tells the latent whose picture is on screen."""

    def same() -> bool:
        on_screen = torch.tensor([data(page, "#latent-image", "latent")])
        return parse_qs(urlsplit(page.url).query).get("z") == [to_text(on_screen)]

    until(page, same)
    return page.url


@pytest.mark.long
def test_when_the_hand_rests_the_address_tells_the_point_and_a_reload_shows_the_same_picture(latent: Page):
    assert "z=" not in latent.url, "what a model opens with needs no address"
    set_axis(latent, 1, -1.37)
    latent.fill("#latent-truncation input[type=number]", "0.7")
    latent.wait_for_function("document.querySelector('#latent-image').dataset.truncation === '0.7'")
    placed(latent)
    picture = shown(latent)
    latent.reload()
    settled(latent)
    expect(latent.locator("#latent-image")).to_have_attribute("data-base", re.compile("^z:"))
    assert (shown(latent) == picture).all()


@pytest.mark.long
def test_going_on_before_the_pickers_have_followed_comes_to_where_one_went_last(latent: Page):
    pickers = [latent.get_by_label(name, exact=True) for name in ("dataset", "model")]
    first, last = [picker.input_value() for picker in pickers], ["sprites", "vae-mnist-2d"]
    pick(latent, "model-picker", "vae-mnist-2d")
    latent.wait_for_selector("#latent-image[data-model=vae-mnist-2d]")
    pick(latent, "dataset-picker", "sprites")
    expect(latent).to_have_url(re.compile("dataset=sprites"))
    for way, there in ((-1, first), (1, last)):
        latent.evaluate(TWICE, way)
        expect(latent.locator("html")).to_have_attribute("data-late", "sent")
        latent.wait_for_timeout(500)  # what would come too late has come
        for picker, value in zip(pickers, there, strict=True):
            expect(picker).to_have_value(value)


@pytest.mark.long
def test_back_and_forth_go_from_view_to_view_and_not_from_point_to_point(latent: Page):
    set_axis(latent, 1, -1.37)
    placed(latent)
    set_axis(latent, 1, 1.25)
    address, picture = placed(latent), shown(latent)
    pick(latent, "model-picker", "vae-mnist-2d")
    latent.wait_for_selector("#latent-image[data-model=vae-mnist-2d]")
    pick(latent, "dataset-picker", "sprites")
    expect(latent).to_have_url(re.compile("dataset=sprites"))
    latent.click("#tab-data")
    expect(latent).to_have_url(re.compile(r"\?tab=data&dataset=sprites&model=vae-mnist-2d$"))
    latent.go_back()
    expect(latent.locator("#tab-latent")).to_have_attribute("aria-selected", "true")
    latent.go_back()
    expect(latent.get_by_label("dataset", exact=True)).not_to_have_value("sprites")
    latent.go_back()
    expect(latent.get_by_label("model", exact=True)).to_have_value("vae-mnist")
    latent.wait_for_selector("#latent-image[data-model=vae-mnist]")
    settled(latent)
    drawn(latent, 1, 1.25)
    assert (shown(latent) == picture).all()
    expect(latent).to_have_url(re.compile(re.escape(address.partition("z=")[2])))  # the dataset may stand there by now, too
    for _ in range(3):
        latent.go_forward()
    expect(latent.locator("#tab-data")).to_have_attribute("aria-selected", "true")
    expect(latent.get_by_label("dataset", exact=True)).to_have_value("sprites")
    expect(latent.get_by_label("model", exact=True)).to_have_value("vae-mnist-2d")
    expect(latent).to_have_url(re.compile(r"\?tab=data&dataset=sprites&model=vae-mnist-2d$"))


@pytest.mark.long
def test_a_point_that_one_left_for_another_tab_is_there_again(latent: Page):
    set_axis(latent, 0, 2.05)
    address = placed(latent)
    latent.click("#tab-train")
    latent.click("#tab-latent")
    placed(latent)
    set_axis(latent, 0, -2.05)
    placed(latent)
    latent.go_back()
    latent.go_back()
    expect(latent).to_have_url(address)
    drawn(latent, 0, 2.05)


@pytest.mark.long
def test_back_and_forth_on_the_sample_tab_draw_again_what_was_there(page: Page):
    def drawn(title: str, seed: str) -> np.ndarray:
        expect(page.locator("#sample-title")).to_have_text(title)
        expect(page.locator("#sample-gallery")).to_have_attribute("data-seed", seed)
        expect(page.locator("#sample-status")).to_contain_text("drawn in")
        return sprite_of(page, "#sample-gallery")

    def draw(count: int, seed: int, model: str) -> np.ndarray:
        page.fill("#sample-count input", str(count))
        page.fill("#sample-seed input", str(seed))
        page.click("#sample-go")
        images = drawn(f"{count} images of {model}", str(seed))
        expect(page).to_have_url(re.compile(f"model={model}.*&count={count}&seed={seed}"))
        return images

    page.click("#tab-sample")
    drawn("64 images of vae-mnist", "0")
    six = draw(6, 7, "vae-mnist")
    pick(page, "model-picker", "diffusion-mnist")
    page.fill("#sample-steps input", "3")
    four = draw(4, 5, "diffusion-mnist")
    pick(page, "model-picker", "vae-mnist-2d")
    expect(page).to_have_url(re.compile("tab=sample.*model=vae-mnist-2d$"))
    page.go_back()
    assert (drawn("4 images of diffusion-mnist", "5") == four).all()  # which were on screen all the time
    page.go_back()
    assert (drawn("6 images of vae-mnist", "7") == six).all()
    expect(page.locator("#sample-count input")).to_have_value("6")
    expect(page.locator("#sample-seed input")).to_have_value("7")
    page.go_forward()
    assert (drawn("4 images of diffusion-mnist", "5") == four).all()
    expect(page.locator("#sample-steps input")).to_have_value("3")
    expect(page).to_have_url(re.compile("model=diffusion-mnist.*&count=4&seed=5&steps=3$"))
    page.go_forward()
    drawn("64 images of vae-mnist-2d", "0")
    draw(2, 3, "vae-mnist-2d")


@pytest.mark.long
def test_a_reload_brings_the_run_and_the_form_back_as_they_were(page: Page, served_runs: Path):
    Run.create("vae", "digits", {"steps": 30}, "kept", served_runs)
    Run.create("vae", "digits", {"steps": 30}, "newest", served_runs)
    page.click("#tab-train")
    page.click("[data-run=kept] .run-name")
    pick(page, "dataset-picker", "digits")
    choose(page, "#train-family", "gan")
    expect(page.locator("#train-gan-steps input")).to_be_visible()
    page.fill("#train-name input", "half a na")
    page.click("#train-gan-advanced button")
    page.fill("#train-gan-steps input", "123")
    page.fill("#train-gan-seed input", "")
    page.reload()
    expect(page.locator(".train-stage .run-name")).to_have_text("kept")
    expect(page.locator("#train-family input")).to_have_value("gan")
    expect(page.locator("#train-gan-steps input")).to_have_value("123")
    expect(page.locator("#train-gan-seed input")).to_have_value("")
    expect(page.locator("#train-name input")).to_have_value("half a na")
