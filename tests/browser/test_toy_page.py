"""The toy kind of data in a real browser: its items, facts, map and faults on the Data tab, its samples on the Sample tab."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import melodies
import pytest
from data_page import choose
from looks import pick, sprite_of
from playwright.sync_api import Page, expect
from seats import Seats
from serving import serving

from genlab.data import load
from genlab.training.run import Run
from genlab.training.train import train


@pytest.fixture
def page(seats: Seats, runs: Path, tmp_path: Path) -> Iterator[Page]:
    """The page of a server that knows melodies, and a model that has learnt some."""
    with melodies.listed():
        list(train(Run.create("chimes", "melodies", {"steps": 3}, "ringing", threads=1), load("melodies"), "cpu"))
        with serving(runs, tmp_path / "server.log", program="tests/melodies.py") as address, seats.one("desk") as page:
            page.goto(address)
            page.wait_for_selector("#tab-latent")
            yield page


@pytest.mark.long
def test_it_is_seen_looked_through_and_drawn(page: Page):
    choose(page, "melodies")
    expect(page.locator(".data-gallery .title")).to_have_text("660 melodies in 2 classes")
    expect(page.locator(".data-gallery .size")).to_have_text("8 × 16 grey")
    row = int(page.locator(".group .tile").first.get_attribute("aria-label").split("row ")[1].replace(",", ""))
    train = load("melodies").train
    assert (sprite_of(page, "#data-gallery")[:16, :8] == train.pictures([row])[0, 0].numpy()).all()
    page.locator(".group .tile").first.click()
    expect(page.locator(".data-gallery .near img")).to_have_count(6)
    expect(page.locator(".statistics dt")).to_contain_text("length")
    expect(page.locator(".statistics")).to_contain_text(f"{sum(map(len, train.read(slice(None)))) / len(train):.3g}")
    expect(page.locator(".data-map .shares")).to_contain_text("training melodies. The two strongest directions")
    page.click("#quality-run")
    expect(page.locator("#quality-issue-duplicates-exact")).to_be_visible()
    page.click("#quality-issue-duplicates-exact")
    expect(page.locator(".suspect .face").first).to_be_visible()

    page.click("#tab-sample")
    pick(page, "model-picker", "ringing")
    expect(page.locator("#sample-title")).to_contain_text("melodies of")
    with page.expect_download() as download:
        page.click("#sample-zip")
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert all(set(archive.read(name).decode()) <= set("0123456789 \n") for name in archive.namelist())
        assert archive.namelist()[0] == "0.txt"

    page.click("#tab-latent")
    expect(page.locator("#latent-image")).to_be_visible()
