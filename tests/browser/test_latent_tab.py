"""The Latent space tab: whatever a person does, the picture is that of the values on screen."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from looks import data, pixels_of, sprite_of, sticks_out
from marks import SIZES, long
from playwright.sync_api import Page, expect

from genlab.data import to_pixels
from genlab.latent import axes_of
from genlab.models.base import Given
from genlab.training.checkpoint import load_model

MODEL = "vae-mnist"


@pytest.fixture(scope="module")
def axes():
    return axes_of(load_model(MODEL).model)


def settled(page: Page) -> None:
    """Wait until the picture is that of the values in the boxes."""
    page.wait_for_function(
        """() => {
          const picture = document.querySelector("#latent-image");
          const boxes = [...document.querySelectorAll("[id^=latent-slider-] input[type=number]")];
          const drawn = JSON.parse(picture?.dataset.values || "[]");
          const same = (box, i) => Math.abs(box.valueAsNumber - drawn[i]) < 0.005;
          return drawn.length && drawn.length === boxes.length && boxes.every(same);
        }"""
    )


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.locator("#latent-image img").get_attribute("src"))


def boxes(page: Page) -> list[float]:
    return page.eval_on_selector_all("[id^=latent-slider-] input[type=number]", "all => all.map(box => box.valueAsNumber)")


def decoded(axes, values: list[float]) -> np.ndarray:
    model = load_model(MODEL).model
    z = axes.place(torch.tensor([values]), torch.zeros(1, *model.latent_shape))
    with torch.no_grad():
        return to_pixels(model.decode(z, Given()))[0, 0].numpy()


def is_what_the_values_decode_to(page: Page, axes) -> None:
    settled(page)
    difference = np.abs(shown(page).astype(int) - decoded(axes, boxes(page)).astype(int))
    assert difference.max() <= 1, f"{difference.max()} grey levels off at the values {boxes(page)}"


def track(page: Page, i: int) -> dict[str, float]:
    return page.locator(f"#latent-slider-{i} input[type=range]").bounding_box()


def test_a_picture_is_on_screen_when_the_page_opens(page: Page, axes):
    is_what_the_values_decode_to(page, axes)
    assert shown(page).max() > 100


def test_dragging_ends_with_the_picture_of_the_values_on_screen(page: Page, axes):
    settled(page)
    before, box = shown(page), track(page, 0)
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for i in range(40):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.4 * np.sin(i / 4)), middle)
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    page.mouse.up()
    is_what_the_values_decode_to(page, axes)
    assert boxes(page)[0] > 2
    assert (shown(page) != before).any()


def test_typing_ends_with_the_picture_of_the_value_typed(page: Page, axes):
    settled(page)
    page.fill("#latent-slider-1 input[type=number]", "-1.37")
    page.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[1] === -1.37")
    is_what_the_values_decode_to(page, axes)


def test_arrow_keys_move_by_a_twentieth(page: Page, axes):
    settled(page)
    page.click("#latent-reset")
    settled(page)
    page.focus("#latent-slider-0 input[type=range]")
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[0] === 0.3")
    is_what_the_values_decode_to(page, axes)


def test_reset_goes_to_the_middle_and_double_click_resets_one_axis(page: Page, axes):
    settled(page)
    page.click("#latent-reset")
    page.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values).every(value => value === 0)")
    is_what_the_values_decode_to(page, axes)
    page.fill("#latent-slider-2 input[type=number]", "2")
    page.dblclick("#latent-slider-2 label")
    page.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[2] === 0")
    is_what_the_values_decode_to(page, axes)


def test_random_gives_another_picture_each_time(page: Page, axes):
    settled(page)
    seen = []
    for _ in range(3):
        values = boxes(page)
        page.click("#latent-random")
        page.wait_for_function(
            "old => JSON.stringify(old) !== document.querySelector('#latent-image').dataset.values", arg=values
        )
        is_what_the_values_decode_to(page, axes)
        seen.append(shown(page).tobytes())
    assert len(set(seen)) == 3


def test_a_value_out_of_range_is_refused_in_a_sentence_and_the_picture_stays(page: Page, axes):
    settled(page)
    before = shown(page)
    page.fill("#latent-slider-0 input[type=number]", "99")
    expect(page.locator("#latent-note")).to_contain_text("from -4 to 4")
    assert (shown(page) == before).all()
    page.keyboard.press("Tab")
    is_what_the_values_decode_to(page, axes)


def test_the_walk_begins_and_ends_with_the_chosen_images(page: Page):
    settled(page)
    expect(page.locator("#latent-strip .tile")).to_have_count(11)
    frames = np.split(sprite_of(page, "#latent-strip"), 11, axis=1)
    for end, frame in (("last", 10), ("first", 0)):  # the page opens with the first one on screen
        before = page.get_attribute("#latent-image", "data-values")
        page.locator("#latent-strip .tile").nth(frame).click()
        page.wait_for_function("old => old !== document.querySelector('#latent-image').dataset.values", arg=before)
        settled(page)
        difference = np.abs(shown(page).astype(int) - frames[frame].astype(int))
        assert difference.mean() < 2, f"the {end} frame is not what a click on it shows"  # values on screen are hundredths
    steps = [np.abs(a.astype(float) - b).mean() for a, b in pairwise(frames)]
    assert max(steps) < np.abs(frames[0].astype(float) - frames[10]).mean(), "a walk has no jumps"


def test_another_end_changes_the_walk(page: Page):
    settled(page)
    expect(page.locator("#latent-strip .tile")).to_have_count(11)
    sprite = "document.querySelector('#latent-strip').style.getPropertyValue('--sprite')"
    old, before = page.evaluate(sprite), sprite_of(page, "#latent-strip")
    page.click("#latent-end")
    page.locator("#latent-wall .tile").nth(7).click()
    page.wait_for_function(f"old => {sprite} !== old", arg=old)
    after = sprite_of(page, "#latent-strip")
    assert (after[:, :28] == before[:, :28]).all()
    assert (after[:, -28:] != before[:, -28:]).any()


def test_the_other_axes_are_one_click_away(page: Page, axes):
    settled(page)
    expect(page.locator("[id^=latent-slider-]:visible")).to_have_count(12)
    page.click("#latent-more")
    expect(page.locator("[id^=latent-slider-]:visible")).to_have_count(len(axes))


def test_a_small_strip_shows_what_each_axis_does(page: Page):
    settled(page)
    page.wait_for_function("document.querySelector('#latent-slider-0 .mini').style.backgroundImage")
    rows = pixels_of(page.locator("#latent-slider-0 .mini").evaluate("node => node.style.backgroundImage.slice(5, -2)"))
    assert rows.shape == (12 * 28, 7 * 28)
    first = rows[:28]
    assert (first[:, :28] != first[:, -28:]).any()


def test_the_server_answers_bad_values_with_a_sentence(page: Page):
    settled(page)
    answers = page.evaluate(
        """async (all) => {
          const config = await (await fetch("config")).json();
          const { id } = config.components.find((one) => one.props.server_fns?.includes("latent_decode"));
          const call = `"component_id": ${id}, "fn_name": "latent_decode", "session_hash": "x"`;
          const point = '"model": "vae-mnist", "version": "", "base": "zero"';
          const headers = { "Content-Type": "application/json" };
          return Promise.all(all.map(async (broken) => {
            const body = `{${call}, "data": {${point}, "values": [${Array(16).fill(broken).join()}]}}`;
            const answer = await fetch("gradio_api/component_server/", { method: "POST", body, headers });
            return { broken, status: answer.status, answer: await answer.json() };
          }));
        }""",
        ["NaN", "Infinity", "null", '"1"', "[1]", "true"],
    )
    assert len(answers) == 6
    for answer in answers:
        assert answer["status"] == 200, answer
        assert answer["answer"]["error"].startswith("This request does not fit: values"), answer


def test_class_weights_morph_one_class_into_another(page: Page):
    settled(page)
    page.click("#model-picker input")
    page.get_by_role("option", name="dcgan-mnist").click()
    page.wait_for_selector("#latent-class-8 input[type=range]", state="visible")
    settled(page)
    seen = []
    for three, eight in ((1, 0), (0.5, 0.5), (0, 1)):
        page.fill("#latent-class-3 input[type=number]", str(three))
        page.fill("#latent-class-8 input[type=number]", str(eight))
        page.wait_for_function(
            "([three, eight]) => { const drawn = JSON.parse(document.querySelector('#latent-image').dataset.classes);"
            " return drawn[3] === three && drawn[8] === eight; }",
            arg=[three, eight],
        )
        seen.append(shown(page))
    trained = load_model("dcgan-mnist").model
    z = torch.tensor([data(page, "#latent-image", "latent")])
    if z.numel():
        given = Given(torch.eye(10)[[8]])
        with torch.no_grad():
            assert np.abs(to_pixels(trained.decode(z, given))[0, 0].numpy().astype(int) - seen[2]).max() <= 1
    assert (seen[0] != seen[2]).any()
    assert (seen[1] != seen[0]).any()


@pytest.mark.parametrize("scheme", ["dark", long("light")])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(request: pytest.FixtureRequest, size: str, scheme: str):
    page = request.getfixturevalue(size)
    page.emulate_media(color_scheme=scheme)
    settled(page)
    assert sticks_out(page) == []
    assert ("dark" in page.evaluate("document.body.className")) == (scheme == "dark")


def test_the_theme_is_remembered(page: Page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme-toggle")
    dark = page.evaluate(ground)
    page.reload()
    page.wait_for_selector("#tab-latent")
    page.wait_for_function("document.body.classList.contains('dark')")
    assert page.evaluate(ground) == dark != light
