"""Whatever is waited for is told in the place where it will be, and for how long already."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from few import few_digits
from looks import pick
from playwright.sync_api import Page, Route, expect

from genlab.quality import DEFECTS
from genlab.quality.defect import takes
from genlab.training.run import Run


@contextmanager
def held(page: Page, of: Callable[[Route], bool]) -> Iterator[None]:
    """Let the server not hear, while the block runs, what the page asks of it."""
    kept: list[Route] = []
    holding = True
    page.route(
        re.compile("component_server|queue/join"),
        lambda route: kept.append(route) if holding and of(route) else route.fallback(),
    )
    yield
    holding = False
    for route in kept:
        route.continue_()


def asks(name: str) -> Callable[[Route], bool]:
    return lambda route: f'"{name}"' in (route.request.post_data or "")


def joins(route: Route) -> bool:
    """Whether it is a wish for what the queue does."""
    return "queue/join" in route.request.url


def watched(page: Page, selector: str) -> None:
    """Note in the page whatever is written in a place."""
    page.evaluate(
        """selector => {
          const place = document.querySelector(selector), all = { childList: true, characterData: true, subtree: true };
          window.written = [];
          new MutationObserver(() => window.written.push(place.textContent)).observe(place, all);
        }""",
        selector,
    )


@pytest.mark.long
def test_the_data_tab_says_what_it_waits_for_in_every_card_and_for_how_long(page: Page):
    with held(page, asks("gallery")):
        page.click("#tab-data")
        expect(page.locator(".data-gallery .title")).to_have_text(re.compile(r"^Opening \S+ …$"))
        for card in page.locator(".data-facts, .data-map, .quality .card").all():
            expect(card).to_have_text(re.compile(r"\w[^.]*\."), use_inner_text=True)
        expect(page.locator(".data-gallery .title")).to_have_attribute("data-waited", re.compile(r"^\d+ s$"))
    expect(page.locator(".data-gallery .title")).to_contain_text("images in")
    expect(page.locator(".data-gallery .title")).not_to_have_attribute("data-waited", re.compile("."))
    expect(page.locator(".data-facts")).to_contain_text("Three parts")


def test_the_report_says_what_it_looks_for_and_how_far_it_is(page: Page, served_runs: Path, monkeypatch):
    monkeypatch.setenv("GENLAB_DATASETS", str(served_runs.parent / f"{served_runs.name}-datasets"))
    few_digits()
    page.click("#tab-data")
    pick(page, "dataset-picker", "few")
    page.wait_for_function("document.querySelector('#recipe-name')?.closest('[data-of]')?.dataset.of === 'few'")
    watched(page, "#quality-card .status")
    with held(page, joins):
        page.click("#quality-run")
        expect(page.locator("#quality-card .status")).to_have_text("Opening the data …")
    expect(page.locator("#quality-card .score")).to_have_count(7)
    written = page.evaluate("window.written")
    kinds = sum(takes(defect, "image") for defect in DEFECTS.values())
    assert f"Looking for duplicates, 3 of {kinds} kinds of faults …" in written
    assert "Working out the scores …" in written


@pytest.mark.long
def test_the_story_says_what_it_waits_for(page: Page):
    page.click("#tab-data")
    page.click(".story summary")
    with held(page, joins):
        page.click("#story-start")
        expect(page.locator(".story li[aria-current]")).to_have_text("Damaging the digits …")
        expect(page.locator(".story li[aria-current]")).to_have_attribute("data-waited", re.compile(r"^\d+ s$"))
        page.click(".story .leave")
        expect(page.locator(".story [data-waited]")).to_have_count(0)


@pytest.mark.long
def test_a_run_says_what_it_is_at_before_its_first_step(page: Page, server: str, served_runs: Path):
    run = Run.create("vae", "digits", {"steps": 5}, "beginning", served_runs)
    page.goto(f"{server}/?tab=train&run=beginning")
    place = page.locator("#train-curve .none")
    run.note("waiting")
    expect(place).to_contain_text("A process for it is getting ready …")
    with run.doing("build"):
        expect(place).to_contain_text("The networks are being built …")
    run.note("running")
    expect(place).to_contain_text("the first step, which is being taken; it takes longer than the others …")
    run.note("stopped")
    expect(place).to_have_text("This run has not taken a step.")
    run.delete()


@pytest.mark.long
def test_a_drawing_says_that_it_begins(page: Page):
    with held(page, joins):
        page.click("#tab-sample")
        expect(page.locator("#sample-status")).to_have_text("getting ready for the first step …")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")
    expect(page.locator("#sample-go")).to_be_visible()
    with held(page, joins):
        page.click("#sample-go")
        expect(page.locator("#sample-status")).to_have_text("getting ready for the first step …")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")


def test_encoding_says_that_it_looks(page: Page):
    page.wait_for_selector("#latent-strip .tile")
    page.click("#latent-source [data-choice=own]")
    box = page.locator("#latent-drawing").bounding_box()
    assert box is not None
    page.locator("#latent-drawing").click()
    with held(page, joins):
        page.click("#latent-draw")
        expect(page.locator("#latent-encode .note")).to_have_text("Looking for it…")
    expect(page.locator("#latent-encode .note")).to_contain_text("Comes back")
