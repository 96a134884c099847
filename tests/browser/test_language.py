"""The page in a language that nobody speaks, its texts half as long again: nothing is left in English, nothing cut off."""

import re
from collections.abc import Iterator

import pytest
from looks import sticks_out
from playwright.sync_api import Page, expect
from seats import Seats
from serving import serving
from test_messages import english

from tools.words import write_pseudo

GERMAN = r"""msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

msgid "1,234.5"
msgstr "1.234,5"

msgid "{n} training items"
msgstr "{n} Beispiele"
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that has one language more."""
    folder = tmp_path_factory.mktemp("foreign")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GENLAB_LANGUAGES", str(write_pseudo(folder).parent))
        (folder / "de.po").write_text(GERMAN, "utf-8")
        with serving(folder / "runs", folder / "server.log") as address:
            yield address


def settled(page: Page) -> str:
    """The text of the page once it changes no more."""
    before, text = None, page.inner_text("body")
    while text != before:
        page.wait_for_timeout(2000)
        before, text = text, page.inner_text("body")
    return text


@pytest.mark.long
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_nothing_is_left_in_english_and_nothing_cut_off(seats: Seats, address: str, size: str):
    with seats.one(size) as page:
        page.goto(f"{address}/?lang=xx")
        for tab in ("latent", "data", "train", "sample", "evaluate"):
            page.click(f"#tab-{tab}")
            text = settled(page)
            assert "·" in text
            assert english(re.sub(r"python -m \S+.*", "", text)) == []
            assert sticks_out(page) == []


@pytest.mark.long
def test_numbers_are_written_as_the_language_does(seats: Seats, address: str):
    with seats.one("desk") as page:
        page.goto(f"{address}/?lang=de&tab=sample")
        expect(page.locator("#sample-status")).to_have_text(re.compile(r"\d,\d\d"))
        page.click("#tab-data")
        expect(page.locator(".data-facts dl.parts")).to_contain_text(re.compile(r"\d\.\d\d\d"))
        text = settled(page)
        assert not re.search(r"\b[1-9]\d*,\d\d\d\b", text)
        assert not re.search(r"\b(page|data|tab)\.[a-z_]+", text)  # what a catalogue lacks is said in English


@pytest.mark.long
def test_a_language_that_was_asked_for_stays_until_it_is_taken_back(seats: Seats, address: str):
    with seats.one("desk") as page:
        for query, title in [("", "Train"), ("?lang=xx", "[Ťŕåîñ··]"), ("", "[Ťŕåîñ··]"), ("?lang=", "Train"), ("", "Train")]:
            page.goto(f"{address}/{query}")
            expect(page.locator("#tab-train")).to_have_text(title)


@pytest.mark.parametrize("tag", ["constructor", "__proto__", "%0D%0A", "x" * 3000])
def test_a_language_that_is_none_is_passed_over(seats: Seats, address: str, tag: str):
    with seats.one("desk") as page:
        page.goto(f"{address}/?lang={tag}")
        expect(page.locator("#tab-train")).to_have_text("Train")
        expect(page.locator("#latent-image img")).to_be_visible()


def test_what_the_server_refuses_is_said_in_the_language_of_whoever_asks(seats: Seats, address: str):
    with seats.one("desk") as page:
        page.goto(f"{address}/?lang=xx&tab=sample&model=nope")
        toast = page.locator("[data-testid=toast-body]")
        expect(toast).to_contain_text("[Ťĥéŕé îš ñö [mödéľ··] çåľľéd 'nope'.")
        assert english(toast.inner_text()) == []
