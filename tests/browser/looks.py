"""What the tests see of the page: pixels of pictures, and whether anything sticks out."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect
from seats import PATIENCE

FULL = (
    "() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') } }"  # of the browser's store
)


def pixels_of(uri: str) -> np.ndarray:
    """A PNG data URI as an array [H, W] or [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


def sprite_of(page: Page, selector: str) -> np.ndarray:
    """The picture that an element's tiles are cut from."""
    style = page.locator(selector).evaluate("node => node.style.getPropertyValue('--sprite')")
    return pixels_of(style.removeprefix("url(").removesuffix(")").strip("\"'"))


def pick(page: Page, picker: str, name: str) -> None:
    """Choose from one of the pickers in the header, once its list is that of now: under the hand it would move."""
    expect(page.locator("#footer-device")).not_to_be_empty()  # comes with the lists
    page.click(f"#{picker} input")
    option = "[data-testid=dropdown-option]"
    page.locator(f"{option}[aria-label='{name}'], {option}[aria-label^='{name} ']").click()  # with what it takes to fetch


def data(page: Page, selector: str, name: str) -> Any:
    """A data attribute, read as JSON."""
    return json.loads(page.locator(selector).get_attribute(f"data-{name}") or "null")


def until(page: Page, truth: Callable[[], object], pause: int = 50) -> None:
    """Wait for what is not on the page, while the page goes on."""
    for _ in range(PATIENCE // pause):
        if truth():
            return
        page.wait_for_timeout(pause)
    raise AssertionError("waited too long")


def sticks_out(page: Page) -> list[str]:
    """Everything that a person sees beyond the edge of the page, cut off, or lying over its neighbour."""
    return page.evaluate((Path(__file__).parent / "sticks_out.js").read_text())
