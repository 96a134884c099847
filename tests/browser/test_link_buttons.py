"""Copied links: a fresh browser shows the same view, on this server or another one; a link that is wrong says so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from looks import data, pixels_of, sprite_of
from playwright.sync_api import Page, expect
from seats import Seats
from serving import PublicPage

from genlab import latent
from genlab.training.run import Run


@pytest.fixture
def fresh(seats: Seats) -> Iterator[Callable[[str], Page]]:
    """Open an address in a browser that knows nothing of it."""
    with ExitStack() as opened:

        def open_it(address: str) -> Page:
            page = opened.enter_context(seats.one())
            page.goto(address)
            page.wait_for_selector("#tab-latent")
            return page

        yield open_it


def copied(page: Page, where: str) -> str:
    """What a Copy link button puts on the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator(f"{where} .copy-link")
    button.click()
    expect(button).to_have_text("Copied")
    expect(button).to_have_text("Copy link")
    return page.evaluate("navigator.clipboard.readText()")


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.locator("#latent-image img").get_attribute("src"))


def settled(page: Page) -> None:
    page.wait_for_function(
        "() => { const drawn = JSON.parse(document.querySelector('#latent-image')?.dataset.values || '[]');"
        " return drawn.length > 0 && document.querySelectorAll('[id^=latent-slider-]').length === drawn.length }"
    )


@pytest.mark.long
def test_a_point_opens_bit_for_bit_in_a_fresh_browser_and_on_another_server(
    page: Page, server: str, public_page: PublicPage, fresh: Callable[[str], Page]
):
    settled(page)
    page.click("#model-picker input")
    page.get_by_role("option", name="dcgan-mnist", exact=True).click()
    page.wait_for_selector("#latent-class-8 input")
    page.fill("#latent-class-8 input[type=number]", "0.5")
    settled(page)
    page.fill("#latent-slider-1 input[type=number]", "-1.37")
    page.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[1] === -1.37")
    before = shown(page)
    link = copied(page, ".latent")
    assert link.startswith(f"{server}/?tab=latent&model=dcgan-mnist&z=")
    assert len(link) < 8000
    linked = shown(page)
    assert (linked == before).all()
    for address in (link, link.replace(server, public_page.address)):
        stranger = fresh(address)
        settled(stranger)
        expect(stranger.locator("#model-picker input")).to_have_value("dcgan-mnist")
        assert (shown(stranger) == linked).all()
        assert data(stranger, "#latent-image", "classes") == data(page, "#latent-image", "classes")
    assert copied(stranger, ".latent").split("?")[1] == link.split("?")[1], "a link is copied as it was opened"


@pytest.mark.long
def test_a_mix_of_thousands_of_numbers_travels_behind_the_hash(fresh: Callable[[str], Page], server: str):
    page = fresh(f"{server}/?tab=latent&model=diffusion-catsdogs")
    page.locator("#latent-strip .tile").nth(4).click()
    page.wait_for_function("document.querySelector('#latent-image').dataset.base?.startsWith('kept:')")
    link = copied(page, ".latent")
    assert link.startswith(f"{server}/?tab=latent&model=diffusion-catsdogs&mix=")
    asked, _, behind = link.partition("#")
    assert (len(asked) < 200, behind[:2]) == (True, "z=")
    assert len(latent.from_text(behind.removeprefix("z="), (3, 32, 32)).flatten()) == 3072
    stranger = fresh(link)
    stranger.wait_for_function("document.querySelector('#latent-image').dataset.base?.startsWith('z:')")
    stranger.wait_for_selector("#latent-image:not([data-rough])")
    assert (shown(stranger) == shown(page)).all()


@pytest.mark.long
def test_one_moves_on_from_where_a_link_leads(fresh: Callable[[str], Page], page: Page):
    settled(page)
    page.click("#latent-tabs [data-part=why]")
    stranger = fresh(copied(page, ".latent"))
    settled(stranger)
    expect(stranger.locator("#latent-part-why")).to_be_visible()
    linked = shown(stranger)
    stranger.fill("#latent-slider-0 input[type=number]", "3")
    stranger.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[0] === 3")
    assert (shown(stranger) != linked).any()
    stranger.click("#model-picker input")
    stranger.get_by_role("option", name="vae-mnist-2d", exact=True).click()
    expect(stranger.locator("[id^=latent-slider-]")).to_have_count(2)


@pytest.mark.long
def test_samples_are_drawn_again(fresh: Callable[[str], Page], server: str):
    asked = f"{server}/?tab=sample&model=diffusion-mnist&count=6&seed=5&steps=3&class=3"
    first = fresh(asked)
    expect(first.locator("#sample-gallery .tile")).to_have_count(6)
    expect(first.locator("#sample-status")).to_contain_text("drawn in")
    for field, value in (("count", "6"), ("seed", "5"), ("steps", "3"), ("class", "3")):
        expect(first.locator(f"#sample-{field} input")).to_have_value(value)
    link = copied(first, ".sample")
    second = fresh(link)
    expect(second.locator("#sample-status")).to_contain_text("drawn in")
    assert (sprite_of(second, "#sample-gallery") == sprite_of(first, "#sample-gallery")).all()


@pytest.mark.long
def test_a_dataset_and_a_run_open(fresh: Callable[[str], Page], server: str, served_runs):
    Run.create("vae", "digits", {}, "linked", served_runs)
    Run.create("vae", "digits", {}, "later", served_runs)
    page = fresh(f"{server}/?tab=data&dataset=digits")
    expect(page.locator(".data-gallery .title")).to_have_text("1,797 images in 10 classes")
    assert copied(page, ".data-gallery") == f"{server}/?tab=data&dataset=digits"
    page = fresh(f"{server}/?tab=train&run=linked")
    expect(page.locator(".train-stage .run-name")).to_have_text("linked")
    assert copied(page, ".train-side") == f"{server}/?tab=train&run=linked"


@pytest.mark.parametrize(("query", "sentence"), [
    ("tab=latent&model=vae-mnist&z=%%%", "The latent of this link cannot be read"),
    ("tab=sample&model=vae-mnist&count=many", "count is 'many'; it must be a whole number"),
    ("tab=nowhere&model=%3Cimg src=x onerror=alert(1)%3E", "There is no model called '<img src=x onerror=alert(1)>'"),
])  # fmt: skip
def test_a_link_that_is_wrong_is_told_and_the_page_works(fresh: Callable[[str], Page], server: str, query: str, sentence: str):
    page = fresh(f"{server}/?{query}")
    expect(page.locator("[data-testid=toast-body]")).to_contain_text(sentence)  # and no script of it runs: a dialog is a fault
    page.click("#tab-latent")
    settled(page)
    before = page.get_attribute("#latent-image img", "src")
    page.click("#latent-random")
    page.wait_for_function("old => document.querySelector('#latent-image img').src !== old", arg=before)


@pytest.mark.long
def test_a_long_link_that_is_wrong_is_told_and_the_next_one_opens(fresh: Callable[[str], Page], server: str, page: Page):
    settled(page)
    link, before = copied(page, ".latent"), shown(page)
    stranger = fresh(f"{server}/?tab=latent&model=vae-mnist#z=AAAA")
    settled(stranger)
    stranger.wait_for_selector("#latent-strip .tile")
    expect(stranger.locator("#latent-note")).to_contain_text("cannot be read; the link may have been cut off")
    stranger.evaluate("z => { location.hash = `z=${z}` }", link.split("z=")[1].split("&")[0])
    stranger.wait_for_function("document.querySelector('#latent-image')?.dataset.base?.startsWith('z:')")
    assert (shown(stranger) == before).all()


def test_without_a_clipboard_the_link_is_there_to_be_copied_by_hand(page: Page):
    settled(page)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false }")
    page.click("#copy-link")
    box = page.locator(".latent .to-copy")
    assert "?tab=latent&model=vae-mnist&z=" in box.input_value()
    assert box.get_attribute("title") == "This browser keeps its clipboard closed; copy the link from here."
