"""Pages that go from test to test with nothing in them of the last one.

In a page that was open before, genlab opens in less than half of the time that it takes in a new browser.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Dialog, Page
from playwright.sync_api import Error as PlaywrightError

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PATIENCE = 90_000  # a slow machine may be training meanwhile; what is there sooner is not waited for


class Seats:
    """Pages at a desk or on a phone; whoever takes one has it alone until they give it back."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.free: dict[str, list[Page]] = {size: [] for size in SIZES}

    @contextmanager
    def one(self, size: str = "desk") -> Iterator[Page]:
        """A page at no address yet; a fault in a script, or a dialog, fails the test."""
        page = self.free[size].pop() if self.free[size] else self._new(size)
        faults: list[str] = []

        def note(fault: PlaywrightError) -> None:
            faults.append(str(fault))

        def dismiss(dialog: Dialog) -> None:
            faults.append(f"a dialog: {dialog.message}")
            dialog.dismiss()

        page.on("pageerror", note)
        page.on("dialog", dismiss)
        try:
            yield page
        finally:
            page.remove_listener("pageerror", note)
            page.remove_listener("dialog", dismiss)
            self._take_back(page, size)
        assert not faults, faults

    def _new(self, size: str) -> Page:
        context = self.browser.new_context(viewport=SIZES[size], has_touch=size == "phone")
        context.set_default_timeout(PATIENCE)
        return context.new_page()

    def _take_back(self, page: Page, size: str) -> None:
        try:
            forget(page)
            self.free[size].append(page)
        except PlaywrightError:  # it crashed or was closed; the next test gets a new one
            page.context.close()


def forget(page: Page) -> None:
    """Leave nothing in a page and its browser that the next test could see."""
    page.unroute_all(behavior="ignoreErrors")
    page.context.clear_cookies()
    page.context.clear_permissions()
    page.emulate_media(color_scheme="light")
    place = urlsplit(page.url)
    if place.netloc:
        page.goto(f"{place.scheme}://{place.netloc}/robots.txt")  # where no script runs that could write again
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.mouse.up()
    page.mouse.move(0, 0)
