"""The real page in a real browser: a server of its own, a Chromium, and a page as it opens for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from find_browser import FLAGS, SENTENCE, find_browser
from playwright.sync_api import Browser, Page, expect, sync_playwright
from seats import PATIENCE, Seats
from serving import serving

from genlab.training.run import list_runs

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def served_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs that the served page sees."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, served_runs: Path) -> Iterator[str]:
    """The address of the page."""
    with serving(served_runs, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address
    for run in list_runs(served_runs):  # a run outlives its server, also that of a test that failed
        run.ask("stop")


@pytest.fixture(scope="session")
def executable() -> str:
    """The path of a Chromium of this machine, or of playwright's own."""
    found = find_browser()
    if found is None:
        pytest.fail(SENTENCE)
    return found


@pytest.fixture(scope="session")
def browser(executable: str) -> Iterator[Browser]:
    """A Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(FLAGS), timeout=PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def seats(browser: Browser) -> Seats:
    """Where pages are had that nobody else has."""
    return Seats(browser)


@pytest.fixture
def page(seats: Seats, server: str) -> Iterator[Page]:
    """The page as it opens, at a desk."""
    yield from _opened(seats, server, "desk")


@pytest.fixture
def phone(seats: Seats, server: str) -> Iterator[Page]:
    """The page as it opens on a phone."""
    yield from _opened(seats, server, "phone")


def _opened(seats: Seats, server: str, size: str) -> Iterator[Page]:
    with seats.one(size) as page:
        page.goto(server)
        page.wait_for_selector("#tab-latent")
        yield page
