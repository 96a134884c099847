"""Access: all of the page is named, read, reached by keyboard and as large as a finger, in light and in dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from looks import pick
from playwright.sync_api import Page, expect
from test_train_tab import made

SCHEMES = ("light", "dark")
LEAST = 40  # pixels of what is touched
HERE = Path(__file__).parent


def latent(page: Page) -> None:
    page.click("#tab-latent")
    expect(page.locator("#latent-strip .tile")).to_have_count(11)


def data(page: Page) -> None:
    page.click("#tab-data")
    pick(page, "dataset-picker", "digits")
    expect(page.locator("#data-gallery .tile").first).to_be_visible()
    expect(page.locator(".data-facts .means img").first).to_be_visible()
    expect(page.locator("#defect-picker")).to_be_visible()
    expect(page.locator(".data-map .key").first).to_be_visible()


def train(page: Page) -> None:
    page.click("#tab-train")
    expect(page.locator("#train-curve path.line").first).to_be_visible()


def sample(page: Page) -> None:
    page.click("#tab-sample")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")
    expect(page.locator("#sample-favourite")).to_be_enabled()


TABS = {tab.__name__: tab for tab in (latent, data, train, sample)}


def with_a_run(runs: Path) -> None:
    """Let there be a run to look at."""
    if not (runs / "accessible").exists():
        made(runs, "accessible")


@pytest.fixture(params=["page", "phone"])
def sized(request: pytest.FixtureRequest, served_runs: Path) -> Page:
    """The page at a desk and on a phone, with a run to look at."""
    with_a_run(served_runs)
    return request.getfixturevalue(request.param)


def faults(page: Page) -> list[str]:
    """What axe calls serious or critical, each with the first of its places."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {len(one['nodes'])} × {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("tab", TABS.values(), ids=TABS)
def test_axe_finds_nothing_serious(sized: Page, tab: Callable[[Page], None]):
    tab(sized)
    for scheme in SCHEMES:
        sized.emulate_media(color_scheme=scheme)
        expect(sized.locator("body.dark")).to_have_count(int(scheme == "dark"))
        sized.wait_for_function("document.getAnimations().every((one) => !(one instanceof CSSTransition))")  # colours glide
        assert faults(sized) == [], scheme


@pytest.mark.parametrize("tab", TABS.values(), ids=TABS)
def test_a_finger_hits_everything_on_a_phone(phone: Page, served_runs: Path, tab: Callable[[Page], None]):
    with_a_run(served_runs)
    tab(phone)
    assert phone.evaluate((HERE / "too_small.js").read_text(), LEAST) == []
