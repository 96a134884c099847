"""Access: all of the page is named, read, reached by keyboard and as large as a finger, in light and in dark."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from looks import pick
from marks import SIZES
from playwright.sync_api import Locator, Page, expect
from test_import_card import packed
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
    expect(page.locator("#data-map")).to_have_attribute("data-of", "digits")  # what was there before stays until then
    expect(page.locator("[aria-busy=true]:visible")).to_have_count(0)


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


@pytest.fixture(params=SIZES)
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


@pytest.mark.long
@pytest.mark.parametrize("tab", TABS.values(), ids=TABS)
def test_axe_finds_nothing_serious(sized: Page, tab: Callable[[Page], None]):
    tab(sized)
    for scheme in SCHEMES:
        sized.emulate_media(color_scheme=scheme)
        expect(sized.locator("body.dark")).to_have_count(int(scheme == "dark"))
        sized.wait_for_function("document.getAnimations().every((one) => !(one instanceof CSSTransition))")  # colours glide
        assert faults(sized) == [], scheme


@pytest.mark.long
@pytest.mark.parametrize("tab", TABS.values(), ids=TABS)
def test_a_finger_hits_everything_on_a_phone(phone: Page, served_runs: Path, tab: Callable[[Page], None]):
    with_a_run(served_runs)
    tab(phone)
    assert phone.evaluate((HERE / "too_small.js").read_text(), LEAST) == []


@pytest.mark.long
@pytest.mark.parametrize("tab", TABS.values(), ids=TABS)
def test_one_sees_where_the_keyboard_is(page: Page, served_runs: Path, tab: Callable[[Page], None]):
    with_a_run(served_runs)
    tab(page)
    assert page.evaluate((HERE / "unseen_focus.js").read_text()) == []


def test_arrow_keys_go_from_choice_to_choice(page: Page):
    latent(page)
    page.focus("#latent-path [data-choice=spherical]")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#latent-path [data-choice=linear]")).to_be_focused()
    expect(page.locator("#latent-path [data-choice=linear]")).to_have_attribute("aria-checked", "true")
    page.focus("#latent-tabs [data-part=why]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#latent-part-between")).to_be_visible()
    expect(page.locator("#latent-tabs [data-part=between]")).to_be_focused()


@pytest.mark.long
def test_escape_leaves_what_was_opened_and_the_focus_goes_back(page: Page, served_runs: Path):
    with_a_run(served_runs)
    page.focus("#model-picker input")
    expect(page.locator("[role=listbox]:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("[role=listbox]:visible")).to_have_count(0)
    train(page)
    row = page.locator("#run-list [data-run=accessible]")
    for what in ("Rename accessible", "Delete accessible"):
        row.get_by_role("button", name=what).press("Enter")
        expect(row.locator(".question")).to_be_visible()
        row.locator(".question").get_by_role("button").last.press("Escape")
        expect(row.locator(".question")).to_have_count(0)
        expect(row.locator(":focus")).to_have_count(1)


# --- Refusals ---


def at_fault(field: Locator, sentence: str) -> None:
    """The field is marked, tells why, is in sight and has the focus."""
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    expect(field).to_have_css("border-top-color", "rgb(185, 28, 28)")


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
def test_a_run_that_is_refused_marks_its_fields_until_they_are_changed(request: pytest.FixtureRequest, size: str):
    page = request.getfixturevalue(size)
    page.click("#tab-train")
    steps, warmup, refusal = (
        page.locator(where) for where in ("#train-vae-steps input", "#train-vae-warmup input", "#train-refusal")
    )
    page.click("#train-vae-advanced button")
    warmup.fill("-1")
    page.keyboard.press("Tab")
    expect(page.locator(".train-form").first).to_contain_text("a whole number from 0 to 100,000")  # under the form
    page.click("#train-vae-advanced button")  # closed again; the refusal opens it
    page.click("#train-start")
    at_fault(warmup, "warmup is -1; it must be a whole number from 0 to 100,000.")
    steps.fill("0")
    expect(warmup).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Tab")
    page.click("#train-start")
    at_fault(steps, "steps is 0")
    steps.fill("10")
    expect(steps).not_to_have_attribute("aria-invalid", "true")
    expect(refusal).to_contain_text("warmup is -1")
    warmup.fill("5")
    expect(refusal).to_be_hidden()
    page.fill("#train-name input", "../x")
    page.click("#train-start")
    at_fault(page.locator("#train-name input"), "'../x' cannot name a run")


@pytest.mark.long
def test_a_drawing_that_is_refused_marks_its_field(page: Page):
    sample(page)
    count = page.locator("#sample-count input")
    count.fill("0")
    page.click("#sample-go")
    at_fault(count, "count is 0; it must be a whole number from 1 to 400.")
    expect(page.locator("#sample-title")).to_have_text("64 images of vae-mnist")
    count.fill("3")
    expect(page.locator("#sample-refusal")).to_be_hidden()
    page.click("#sample-go")
    expect(page.locator("#sample-title")).to_have_text("3 images of vae-mnist")


@pytest.mark.long
def test_an_import_that_is_refused_marks_its_field(page: Page):
    page.click("#tab-data")
    page.set_input_files(
        "#data-import input", [{"name": f"{i}.png", "mimeType": "image/png", "buffer": packed(i)} for i in (1, 2)]
    )
    name = page.locator(".data-import input[name=name]")
    name.fill("digits")
    page.click(".data-import button[type=submit]")
    at_fault(name, "There is already a dataset called 'digits'; choose another name.")
    name.fill("others")
    expect(page.locator(".data-import .fault")).to_be_hidden()


def test_what_hinders_is_said_in_the_card_whose_button_was_pressed(page: Page):
    sample(page)
    page.route("**/component_server/", lambda route: route.abort())
    page.click("#sample-one")
    expect(page.locator(".sample .note.fault:visible")).to_have_count(1)
    expect(page.locator(".sample .one .actions .note")).to_contain_text("connection to genlab is lost")
    page.click("#sample-zip")
    expect(page.locator(".sample .all .actions .note")).to_contain_text("connection to genlab is lost")
    page.click("#tab-latent")
    page.click("#latent-export")
    expect(page.locator("#latent-walk-note")).to_contain_text("connection to genlab is lost")
