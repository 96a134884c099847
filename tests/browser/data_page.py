"""The Data tab as tests use it: open a dataset, wait for all that is told of it, draw around points of its map."""

from looks import pick
from playwright.sync_api import Page, expect


def choose(page: Page, dataset: str) -> None:
    page.click("#tab-data")
    pick(page, "dataset-picker", dataset)
    opened(page, dataset)


def opened(page: Page, dataset: str) -> None:
    expect(page.locator("#dataset-picker input")).to_have_value(dataset)
    page.wait_for_function(
        "name => document.querySelector('#recipe-name')?.closest('[data-of]')?.dataset.of === name", arg=dataset
    )
    expect(page.locator("#data-map")).to_have_attribute("data-of", dataset)


def enclose(page: Page) -> None:
    """Draw around the upper half of the map."""
    expect(page.locator("#data-map")).not_to_have_attribute("aria-busy", "true")
    page.locator("#data-map").scroll_into_view_if_needed()
    box = page.locator("#data-map").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    for x, y in [(0.1, 0.1), (0.9, 0.1), (0.9, 0.6), (0.1, 0.6)]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
    page.mouse.up()
