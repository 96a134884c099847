"""The Data tab: what is on the page is what is in the dataset."""

import numpy as np
import pytest
from looks import pick, pixels_of, sprite_of, sticks_out
from marks import SIZES
from playwright.sync_api import Page, Route, expect

from genlab.data import load
from genlab.data.summary import examples, neighbours, project, summarise


@pytest.fixture
def digits(page: Page) -> Page:
    """The tab with the digits in it."""
    return shown(page, "digits")


def shown(page: Page, dataset: str) -> Page:
    page.click("#tab-data")
    pick(page, "dataset-picker", dataset)
    total = sum(map(len, load(dataset).parts.values()))
    expect(page.locator(".data-gallery .title")).to_have_text(f"{total:,} images in {len(load(dataset).spec.classes)} classes")
    for part in (".data-facts .body", "#data-map"):
        expect(page.locator(part)).to_have_attribute("data-of", dataset)
    return page


def first_tiles(page: Page) -> list[int]:
    """The rows of the first example of each class, read from the tiles' labels."""
    labels = page.eval_on_selector_all(".group", "all => all.map(g => g.querySelector('.tile').getAttribute('aria-label'))")
    return [int(label.split("row ")[1].replace(",", "")) for label in labels]


def ink(page: Page) -> int:
    """How many pixels of the map are painted."""
    return page.eval_on_selector(
        "#data-map",
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 0).length",
    )


def test_the_gallery_shows_examples_of_each_class(digits: Page):
    train = load("digits").train
    rows = first_tiles(digits)
    assert train.label[rows].tolist() == list(range(10))
    assert rows == [int(r[0]) for r in examples(train, 16, seed=0)]
    sprite = sprite_of(digits, "#data-gallery")
    for k, row in enumerate(rows):
        assert np.array_equal(sprite[8 * k : 8 * k + 8, :8], train.read([row])[0, 0].numpy())


def test_other_examples_are_others(digits: Page):
    before = first_tiles(digits)
    digits.click(".data-gallery .more")
    digits.wait_for_function("row => !document.querySelector('.tile').ariaLabel.endsWith(row)", arg=f"row {before[0]:,}")
    assert first_tiles(digits) != before


def test_a_click_shows_the_image_with_its_label_and_neighbours(digits: Page):
    train = load("digits").train
    row = first_tiles(digits)[3]
    digits.locator(".group").nth(3).locator(".tile").first.click()
    expect(digits.locator(".detail .label")).to_have_text("3")
    expect(digits.locator(".detail .facts .note").first).to_have_text(f"row {row:,} of the training part")
    assert np.array_equal(pixels_of(digits.get_attribute(".detail .large", "src")), train.read([row])[0, 0].numpy())
    nearest = neighbours(train, row, 6).rows.tolist()
    sources = digits.eval_on_selector_all(".neighbour img", "all => all.map(i => i.src)")
    assert [pixels_of(s).tolist() for s in sources] == [train.read([r])[0, 0].tolist() for r in nearest]


def test_the_facts_are_those_of_the_dataset(digits: Page):
    splits = load("digits")
    assert digits.locator(".bar .n").all_inner_texts() == [f"{n:,}" for n in splits.train.counts.tolist()]
    assert [text.split()[0] for text in digits.locator(".parts dt").all_inner_texts()] == [
        f"{len(p):,}" for p in splits.parts.values()
    ]
    assert digits.locator(".statistics dt").first.inner_text() == f"{summarise(splits.train).facts.numbers['mean']:.3g} mean"


def test_the_legend_hides_a_class_and_isolates_it(digits: Page):
    everything = ink(digits)
    digits.locator(".key").nth(4).click()
    assert 0 < ink(digits) < everything
    digits.locator(".key").nth(4).click()
    assert ink(digits) == everything
    digits.locator(".key").nth(4).dblclick()
    assert 0 < ink(digits) < everything / 3
    assert digits.locator(".key[aria-pressed=true]").all_inner_texts() == ["4"]


def test_a_point_of_the_map_shows_its_image(digits: Page):
    train = load("digits").train
    found = project(train)
    i = int(found.points[:, 1].argmax())  # the highest point is far from others
    low, high = found.points.min(0).values, found.points.max(0).values
    x, y = ((found.points[i] - low) / (high - low)).tolist()
    box = digits.locator("#data-map").bounding_box()
    digits.mouse.move(box["x"] + 8 + x * (box["width"] - 16), box["y"] + box["height"] - 8 - y * (box["height"] - 16))
    row = int(found.rows[i])
    expect(digits.locator(".data-map .tip")).to_have_text(train.spec.classes[train.label[row]])
    assert np.array_equal(pixels_of(digits.get_attribute(".data-map .tip img", "src")), train.read([row])[0, 0].numpy())


def test_small_pixels_stay_crisp(digits: Page):
    assert digits.eval_on_selector(".tile", "t => getComputedStyle(t).imageRendering") == "pixelated"
    assert digits.eval_on_selector(".tile", "t => t.offsetWidth % 8") == 0


def test_missing_data_say_what_to_do_and_the_rest_works(page: Page):
    page.click("#tab-data")
    pick(page, "dataset-picker", "kmnist")
    expect(page.locator(".data-gallery")).to_contain_text("put the files KMNIST/raw/train-images-idx3-ubyte")
    shown(page, "sprites")
    assert page.locator(".group .name").all_inner_texts() == ["square", "ellipse", "triangle"]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest):
    page = shown(request.getfixturevalue(size), "digits")
    page.locator(".tile").nth(12).click()
    page.wait_for_selector(".detail .large")
    assert sticks_out(page) == []


@pytest.mark.long
def test_lists_that_were_overtaken_by_newer_ones_do_not_stay(page: Page):
    """An answer from before an import may come after it."""
    picker, late = page.locator("#dataset-picker input"), []

    def overtake(route: Route) -> None:
        answer = route.fetch()
        told = answer.json() if not late else {}
        if isinstance((told.get("data") or [None])[0], dict) and "lists" in told["data"][0]:
            late.append(told)
            told["data"][0]["lists"][1] = told["data"][0]["lists"][1][:0]
            told["data"][2] = {"__type__": "update", "choices": []}
            return route.fulfill(response=answer, json=told)
        route.fulfill(response=answer)

    name = picker.input_value()
    page.route("**/run/predict**", overtake)
    expect(picker).to_have_value("")
    expect(picker).to_have_value(name)
