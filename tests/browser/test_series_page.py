"""Series on the page: seen as curves, learnt from, drawn, and foretold as a fan whose bands are measured."""

import re
from pathlib import Path

import pytest
from looks import sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect

from genlab.data import load
from genlab.training.run import Run, list_runs
from genlab.training.train import train

FORETELLER = "rnn-that-foretells"


@pytest.fixture(scope="module")
def foreteller(served_runs: Path) -> Run:
    """A run that has learnt a little of the waves."""
    wish = {"steps": 25, "width": 16, "context": 48, "batch_size": 32, "warmup": 5, "learning_rate": 1e-2}
    run = Run.create("rnn", "waves", wish, FORETELLER, served_runs, threads=1)
    list(train(run, load("waves"), "cpu"))
    return run


@pytest.fixture
def foretold(page: Page, foreteller: Run, server: str) -> Page:
    page.goto(f"{server}?tab=sample&model={FORETELLER}")
    expect(page.locator("#series-fan .came")).to_have_count(1)
    expect(page.locator("#fan-told")).to_contain_text("held-out series")
    return page


def moved(page: Page, before: str) -> str:
    """The path of what is known, once it is another than before."""
    expect(page.locator("#series-fan .past")).not_to_have_attribute("points", before)
    return str(page.get_attribute("#series-fan .past", "points"))


def slide(page: Page, control: str, value: int) -> None:
    page.locator(control).evaluate(f"field => {{ field.value = {value}; field.dispatchEvent(new Event('input')); }}")


def test_series_are_seen_and_their_numbers_told(page: Page, server: str):
    page.goto(f"{server}?tab=data&dataset=waves")
    expect(page.locator("#data-gallery .tile").nth(5)).to_be_visible()
    expect(page.locator("#tabs")).to_contain_text("Mackey–Glass")
    expect(page.locator("body")).to_contain_text("typical step")
    expect(page.locator(".data-gallery .size")).to_contain_text("up to 192 values")


def test_a_fan_is_drawn_and_follows_its_controls(foretold: Page):
    page = foretold
    first = str(page.get_attribute("#series-fan .past", "points"))
    assert len(first.split()) == 96  # half of it is known
    expect(page.locator("#series-fan .band")).to_have_count(2)
    expect(page.locator("#series-fan .path")).to_have_count(12)
    slide(page, "#fan-known", 150)
    assert len(moved(page, first).split()) == 150
    expect(page.locator("#fan-known-told")).to_have_text("150")
    expect(page).to_have_url(re.compile("fan=0-150-48"))
    expect(page.locator("#fan-told")).to_contain_text(re.compile(r"The 50 % band holds \d"))
    slide(page, "#fan-known", 192)
    expect(page.locator("#fan-told")).to_contain_text("What came is not known here.")
    expect(page.locator("#series-fan .came")).to_have_count(0)


def test_the_same_fan_comes_by_its_link_and_another_by_back(foretold: Page, server: str):
    page = foretold
    first = str(page.get_attribute("#series-fan .past", "points"))
    page.click("#fan-next")
    second = moved(page, first)
    expect(page).to_have_url(re.compile("fan=1-"))
    band = page.get_attribute("#series-fan .band", "points")
    page.goto("about:blank")
    page.goto(f"{server}?tab=sample&model={FORETELLER}&fan=1-96-48")
    expect(page.locator("#series-fan .past")).to_have_attribute("points", second)
    expect(page.locator("#series-fan .band").first).to_have_attribute("points", str(band))


def test_a_row_that_is_not_there_gets_its_sentence(foretold: Page):
    page = foretold
    page.fill("#fan-row", "99999")
    expect(page.locator("#fan-told.fault")).to_contain_text("99999")
    page.fill("#fan-row", "3")
    expect(page.locator("#fan-told:not(.fault)")).to_contain_text("held-out series")


def test_the_fan_and_a_series_are_taken_along(foretold: Page):
    page = foretold
    with page.expect_download() as fan:
        page.click("#fan-save")
    picture = Path(fan.value.path()).read_text()
    assert picture.startswith("<svg")
    assert 'fill-opacity="0.16"' in picture
    with page.expect_download() as every:
        page.click("#sample-zip")
    assert every.value.suggested_filename == f"{FORETELLER}.zip"


@pytest.mark.parametrize("size", SIZES)
def test_the_fan_fits_its_place(request: pytest.FixtureRequest, size: str, foreteller: Run, server: str):
    page = request.getfixturevalue(size)
    page.goto(f"{server}?tab=sample&model={FORETELLER}")
    expect(page.locator("#series-fan .band")).to_have_count(2)
    assert sticks_out(page) == []
    lines = "[...document.querySelectorAll('#series-fan .path, #series-fan .past')]"
    assert page.evaluate(f"new Set({lines}.map((line) => getComputedStyle(line).stroke)).size") == 2


def test_the_fan_goes_with_another_model(foretold: Page, server: str):
    page = foretold
    page.goto(f"{server}?tab=sample&model=vae-mnist")
    expect(page.locator("#sample-gallery .tile").first).to_be_visible()
    expect(page.locator(".sample .fan")).to_be_hidden()


@pytest.mark.long
def test_a_family_for_series_is_offered_and_learns_them(page: Page, server: str, served_runs: Path):
    page.goto(f"{server}?tab=train&dataset=waves")
    expect(page.locator("#train-family input")).to_have_value("rnn")
    for name, value in (("steps", "8"), ("width", "16"), ("context", "32")):
        page.fill(f"#train-rnn-{name} input >> nth=0", value)
    page.keyboard.press("Tab")
    page.fill("#train-name input", "learns-waves")
    page.click("#train-start")
    expect(page.locator(".train-stage .run-name")).to_have_text("learns-waves")
    (run,) = [run for run in list_runs(served_runs) if run.name == "learns-waves"]
    assert run.record["family"] == "rnn"
