"""The real page in a real browser: a server of its own, a Chromium, and one fresh page a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from find_browser import FLAGS, SENTENCE, find_browser
from playwright.sync_api import Browser, Page, sync_playwright
from serving import serving

from genlab.training.run import list_runs

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


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
def browser() -> Iterator[Browser]:
    """A Chromium of this machine, or playwright's own."""
    found = find_browser()
    if found is None:
        pytest.fail(SENTENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """The page as it opens, at a desk; a fault in a script fails the test."""
    yield from _opened(browser, server, "desk")


@pytest.fixture
def phone(browser: Browser, server: str) -> Iterator[Page]:
    """The page as it opens on a phone."""
    yield from _opened(browser, server, "phone")


def _opened(browser: Browser, server: str, size: str) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto(server)
    page.wait_for_selector("#tab-latent")
    yield page
    context.close()
    assert not faults, faults
