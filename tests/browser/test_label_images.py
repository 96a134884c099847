"""Labelling on the Data tab: what is chosen in the gallery or on the map gets a class by click or key, as a step."""

from pathlib import Path

import pytest
from data_page import choose, enclose, opened
from looks import FULL, pick, sticks_out
from marks import SIZES
from playwright.sync_api import Locator, Page, expect

from genlab.data import Part, Splits, list_datasets, load, recipe_of, save_dataset


@pytest.fixture(autouse=True)
def bare(served_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Splits:
    """A few digits without their labels, among the datasets that the page has."""
    monkeypatch.setenv("GENLAB_DATASETS", str(served_runs.parent / f"{served_runs.name}-datasets"))
    if "bare" not in list_datasets():
        save_dataset("bare", {"train": Part(load("digits").train.read(slice(0, 80)).numpy())}, (), "digits without labels")
    return load("bare")


def tile(page: Page, i: int) -> Locator:
    return page.locator("#data-gallery .tile").nth(i)


def ids(page: Page, *places: int) -> list[int]:
    return [int(tile(page, i).get_attribute("data-id") or -1) for i in places]


def chosen(page: Page, n: int) -> None:
    expect(page.locator(".labelling .picked")).to_have_text(f"{n} chosen.")


def new_class(page: Page, name: str) -> None:
    page.get_by_placeholder("new class").fill(name)
    page.keyboard.press("Enter")


def keep(page: Page, n: int, becomes: str) -> None:
    page.get_by_role("button", name=f"Keep {n} labels").click()
    opened(page, becomes)


def test_what_is_chosen_by_click_and_key_gets_new_classes_that_are_kept_and_undone(page: Page, bare: Splits):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").click()
    tile(page, 0).click()
    tile(page, 1).click(modifiers=["Control"])
    tile(page, 4).click(modifiers=["Shift"])
    tile(page, 2).click()  # lets it go again
    chosen(page, 4)
    loops = ids(page, 0, 1, 3, 4)
    new_class(page, "loop")
    expect(tile(page, 4)).to_have_attribute("data-given", "1")
    strokes = ids(page, 5, 6, 8)
    tile(page, 5).focus()
    page.keyboard.press("Shift+ArrowRight")
    chosen(page, 2)
    new_class(page, "stroke")
    expect(tile(page, 6)).to_have_attribute("data-given", "2")  # the server knows by now that it can be a class
    tile(page, 7).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    tile(page, 9).click()
    page.keyboard.press("1")
    tile(page, 9).click()
    page.keyboard.press("Backspace")  # which forgets it
    expect(tile(page, 9)).not_to_have_attribute("data-given", "1")
    keep(page, 7, "bare+edited")
    made = load("bare+edited")
    labels = dict(zip(made.train.id.tolist(), made.train.label.tolist(), strict=True))
    named = dict.fromkeys(loops, "loop") | dict.fromkeys(strokes, "stroke")
    assert {item: made.spec.classes[k] for item, k in labels.items() if k >= 0} == named
    assert made.train.fingerprint != bare.train.fingerprint
    expect(page.locator("#data-gallery .name").first).to_have_text("no label")
    assert page.locator("#data-gallery .name").all_inner_texts() == ["no label", "loop", "stroke"]
    expect(page.locator("#recipe li span")).to_have_text("7 items relabelled")
    page.locator("#recipe li").get_by_role("button").click()
    expect(page.locator(".data-gallery .title")).to_have_text(f"{80} images without classes")


def test_keys_choose_stretches_lines_and_all_of_it_and_the_page_says_so(page: Page):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").press("Enter")
    expect(tile(page, 0)).to_be_focused()  # who opens it by a key goes on by keys
    expect(page.locator(".labelling .keys")).to_contain_text("Space chooses one, Shift with arrows a stretch")
    page.keyboard.press("Space")
    chosen(page, 1)
    page.keyboard.press("End")
    expect(page.locator("#data-gallery .tile").last).to_be_focused()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    for key, n in [("Shift+ArrowRight", 3), ("Shift+ArrowRight", 4), ("Shift+ArrowLeft", 3), ("Space", 2), ("Shift+Space", 3)]:
        page.keyboard.press(key)
        chosen(page, n)
    tops = page.locator("#data-gallery .tile").evaluate_all("tiles => tiles.map((tile) => tile.offsetTop)")
    page.keyboard.press("Escape")
    expect(page.locator(".labelling .picked")).to_contain_text("by the keys below")
    page.keyboard.press("Shift+ArrowDown")
    chosen(page, 1 + tops.count(tops[0]))
    page.keyboard.press("Control+a")
    chosen(page, page.locator("#data-gallery .tile").count())
    page.keyboard.press("Tab")  # which does not go through all of them
    expect(page.get_by_role("button", name="Other examples")).to_be_focused()


@pytest.mark.long
def test_a_reload_brings_what_was_given_again_until_it_is_kept_or_forgotten(page: Page):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").click()
    tile(page, 0).click()
    tile(page, 1).click()
    new_class(page, "loop")
    expect(page.get_by_role("button", name="Keep 2 labels")).to_be_visible()
    page.reload()
    opened(page, "bare")
    expect(page.get_by_role("button", name="Keep 2 labels")).to_be_visible()
    expect(page.locator(".labelling .class", has_text="loop")).to_contain_text("+2")
    page.fill("#recipe-name", "again")
    keep(page, 2, "bare+again")
    assert load("bare+again").spec.classes == ("loop",)
    page.reload()
    opened(page, "bare+again")
    expect(page.locator(".labelling")).to_be_visible()
    expect(page.locator(".labelling .keep")).to_be_hidden()
    pick(page, "dataset-picker", "bare")
    opened(page, "bare")
    expect(page.locator(".labelling .keep")).to_be_hidden()  # there, too, it was kept
    tile(page, 0).click()
    new_class(page, "stroke")
    expect(page.get_by_role("button", name="Keep 1 label")).to_be_visible()
    page.get_by_role("button", name="Label by hand").click()
    expect(page.locator(".to-label")).to_have_text("Label by hand · 1 not kept yet")
    page.reload()
    opened(page, "bare")
    page.get_by_role("button", name="Label by hand · 1 not kept yet").click()
    page.get_by_role("button", name="Forget them").click()
    page.reload()
    opened(page, "bare")
    expect(page.locator(".labelling .classes")).to_be_visible()
    expect(page.locator(".labelling .keep")).to_be_hidden()


def test_where_the_browser_has_no_room_it_says_so_and_what_was_given_stays(page: Page):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").click()
    page.evaluate(FULL)
    tile(page, 0).click()
    new_class(page, "loop")
    expect(page.locator(".labelling .unkept")).to_contain_text("no room to keep these labels over a reload")
    expect(page.get_by_role("button", name="Keep 1 label")).to_be_visible()


@pytest.mark.long
def test_a_lasso_on_the_map_chooses_what_gets_a_class_and_held_out_images_can_have_one_too(page: Page, bare: Splits):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").click()
    new_class(page, "upper")
    enclose(page)
    n = int(page.get_attribute("#data-map", "data-chosen") or 0)
    assert 1 < n < len(bare.train)
    chosen(page, n)
    page.locator(".labelling .class", has_text="upper").click()
    page.get_by_role("radio", name="to test on").click()
    expect(page.locator("#data-gallery .tile")).to_have_count(len(bare.test))
    page.get_by_role("button", name="Choose all that are shown").click()
    page.keyboard.press("1")
    page.fill("#recipe-name", "both")
    keep(page, n + len(bare.test), "bare+both")
    made = load("bare+both")
    assert int((made.train.label == 0).sum()) == n
    assert (made.test.label == 0).all()
    assert (made.validation.label == -1).all()
    assert [step.part for step in recipe_of("bare+both").steps] == ["train", "test"]


def test_a_word_that_cannot_be_a_class_gets_its_sentence(page: Page):
    choose(page, "bare")
    page.get_by_role("button", name="Label by hand").click()
    tile(page, 0).click()
    new_class(page, "a/b")
    expect(page.locator(".labelling .fault")).to_contain_text("A class cannot be called 'a/b'")
    chosen(page, 1)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest):
    page = request.getfixturevalue(size)
    choose(page, "digits")
    page.get_by_role("button", name="Label by hand").click()
    tile(page, 3).click()
    chosen(page, 1)
    page.keyboard.press("5")
    page.wait_for_selector(".detail .large")
    assert sticks_out(page) == []
