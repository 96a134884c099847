"""The cards of the Latent space tab: pad, map, walk, directions, reasons; the picture is that of the values on screen."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from looks import data, pick, pixels_of, sprite_of, sticks_out
from marks import SIZES, needs_mnist
from PIL import Image, ImageSequence
from playwright.sync_api import Page, Request, Route, expect

from genlab.data import to_pixels
from genlab.latent import pad
from genlab.training.checkpoint import load_model

MODEL = "vae-mnist"
AHEAD = """() => {
  const canvas = document.querySelector("#latent-ahead");
  return canvas.hidden ? null : [canvas.dataset.base, canvas.toDataURL()];
}"""


@pytest.fixture
def card(page: Page) -> Page:
    """The page once the first walk is drawn and nothing moves."""
    page.wait_for_selector("#latent-strip .tile")
    page.wait_for_function("document.querySelector('#latent-spot').textContent")
    return page


def asks(name: str) -> Callable[[Request], bool]:
    """Whether a request asks this of the server."""
    return lambda request: name in (request.post_data or "")


def catch(page: Page, name: str, handle: Callable[[Route], object]) -> None:
    """Let `handle` answer what the page asks by this name."""
    page.route(re.compile("component_server"), lambda route: handle(route) if asks(name)(route.request) else route.fallback())


def part(page: Page, name: str) -> None:
    page.click(f"#latent-tabs [data-part={name}]")


def shown(page: Page) -> np.ndarray:
    return pixels_of(page.locator("#latent-image img").get_attribute("src")).astype(int)


def pictures_in(page: Page, selector: str) -> list[np.ndarray]:
    return [pixels_of(image.get_attribute("src")).astype(float) for image in page.locator(f"{selector} img").all()]


def decoded(z: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return to_pixels(load_model(MODEL).model.decode(z))[0, 0].numpy().astype(int)


def is_of_its_values(page: Page) -> None:
    """Wait until the sliders say what is on screen, then decode that here and compare."""
    page.wait_for_function(
        """() => {
          const drawn = JSON.parse(document.querySelector("#latent-image").dataset.values || "[]");
          const boxes = [...document.querySelectorAll("[id^=latent-slider-] input[type=number]")];
          return document.querySelector("#latent-ahead").hidden && drawn.length === boxes.length
            && boxes.every((box, i) => Math.abs(box.valueAsNumber - drawn[i]) < 0.0051);
        }"""
    )
    assert np.abs(shown(page) - decoded(torch.tensor([data(page, "#latent-image", "latent")]))).max() <= 1


def at_base(page: Page, start: str) -> str:
    page.wait_for_function("start => document.querySelector('#latent-image').dataset.base?.startsWith(start)", arg=start)
    return page.get_attribute("#latent-image", "data-base")


def test_dragging_the_pad_foresees_the_picture_and_ends_with_the_true_one(card: Page):
    box = card.locator("#latent-pad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    card.mouse.move(x, y)
    card.mouse.down()
    for i in range(1, 13):
        card.mouse.move(x - 11 * i, y + 7 * i)
    foreseen = card.evaluate(AHEAD)
    card.mouse.up()
    card.wait_for_function("document.querySelector('#latent-ahead').hidden")
    base = at_base(card, "pad:")
    across, down = map(float, base.removeprefix("pad:").split(","))
    assert np.allclose([across, down], [0.5 + 2 * 132 / box["width"], 0.5 - 2 * 84 / box["width"]], atol=1e-3)
    true = decoded(pad.place(load_model(MODEL).model, across, down))
    assert np.abs(shown(card) - true).max() <= 1
    is_of_its_values(card)
    if foreseen is not None:  # else the server was faster than the hand
        near = pixels_of(foreseen[1])[..., 0].astype(float)
        wanted = decoded(pad.place(load_model(MODEL).model, *map(float, foreseen[0].removeprefix("pad:").split(","))))
        assert ((near - wanted) ** 2).mean() < (0.1 * 255) ** 2, "PSNR of 20 dB"


def test_arrow_keys_move_the_pad_by_a_tenth(card: Page):
    card.focus("#latent-pad")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        card.keyboard.press(key)
    card.wait_for_function("document.querySelector('#latent-image').dataset.base === 'pad:0.7,0.4'")
    is_of_its_values(card)


def test_the_pad_shows_the_same_place_again_after_a_walk_away(card: Page):
    seen = []
    for keys in (["ArrowRight"], ["ArrowRight", "ArrowLeft"]):
        card.focus("#latent-pad")
        for key in keys:
            card.keyboard.press(key)
        card.wait_for_function("document.querySelector('#latent-image').dataset.base === 'pad:0.6,0.5'")
        card.wait_for_function("document.querySelector('#latent-ahead').hidden")
        seen.append(shown(card))
    assert (seen[0] == seen[1]).all()


@needs_mnist
def test_a_click_on_the_map_moves_its_two_sliders(card: Page):
    is_of_its_values(card)
    part(card, "map")
    card.wait_for_function("document.querySelector('#latent-map-note').textContent.includes('1,000 held-out')")
    before, side = data(card, "#latent-image", "values"), card.locator("#latent-map").bounding_box()["width"]
    there = {"x": 0.8 * side, "y": 0.25 * side}
    card.locator("#latent-map").hover(position=there)
    expect(card.locator("#latent-map-tip")).to_be_visible()
    card.locator("#latent-map").click(position=there)
    card.wait_for_function("old => JSON.parse(document.querySelector('#latent-image').dataset.values)[1] !== old", arg=before[1])
    is_of_its_values(card)
    after = data(card, "#latent-image", "values")
    assert after[0] == pytest.approx(0.3 * 2 * 3 * 15 / 14, abs=0.03)
    assert after[1] == pytest.approx(0.25 * 2 * 3 * 15 / 14, abs=0.03)
    assert after[2:] == before[2:]


@pytest.mark.long
@needs_mnist
def test_the_map_of_a_gan_shows_data_when_asked_and_only_while_it_is_seen(card: Page):
    pick(card, "model-picker", "dcgan-mnist")
    part(card, "map")
    note = card.locator("#latent-map-note")
    expect(note).to_contain_text("look for the numbers of each image")
    expect(card.locator("#latent-map-data")).to_be_hidden()
    card.click("#latent-map-encode")
    part(card, "why")
    card.wait_for_function("document.querySelector('#latent-map-note').textContent.includes('of 48 held-out images so far')")
    asked: list[object] = []
    catch(card, "latent_scatter", lambda route: asked.append(route.continue_()))
    expect(card.locator("#latent-nearest img")).to_have_count(8)
    assert asked == []
    with card.expect_request(asks("latent_scatter")):
        part(card, "map")
    expect(card.locator("#latent-map-data")).to_be_visible()
    expect(card.locator("#latent-map-encode")).to_be_hidden()
    part(card, "between")


def test_a_walk_plays_pauses_and_is_scrubbed(card: Page):
    card.click("#latent-play")
    card.wait_for_function("Number(document.querySelector('#latent-scrub').value) > 0.1")
    card.click("#latent-play")
    at_base(card, "kept:")
    is_of_its_values(card)
    card.locator("#latent-scrub").fill("1")
    card.wait_for_function("document.querySelector('#latent-image').dataset.base.endsWith(':60')")
    is_of_its_values(card)
    card.locator("#latent-strip .tile").first.click()
    card.wait_for_function("document.querySelector('#latent-image').dataset.base.endsWith(':0')")
    is_of_its_values(card)


def test_another_model_starts_at_its_own_place_though_a_walk_was_played(card: Page):
    card.click("#latent-play")
    card.wait_for_function("Number(document.querySelector('#latent-scrub').value) > 0.1")
    pick(card, "model-picker", "dcgan-mnist")
    at_base(card, "prior:1")
    expect(card.locator("#latent-classes")).to_be_visible()
    card.wait_for_selector("#latent-play:not([disabled])")
    expect(card.locator("#latent-play")).to_have_text("▶")
    expect(card.locator("#latent-note")).to_have_text("")
    assert card.locator("#latent-mix .stop").count() == 2


def test_an_export_has_the_frames_it_should(card: Page):
    for kind, frames in (("gif", 17), ("strip", 9)):
        card.select_option("#latent-kind", kind)
        card.fill("#latent-frames", str(frames))
        with card.expect_download() as saved:
            card.click("#latent-export")
        with Image.open(saved.value.path()) as image:
            if kind == "strip":
                assert image.size == (9 * 28, 28)
            else:
                pictures = [np.asarray(frame.convert("L"))[4::9, 4::9].astype(int) for frame in ImageSequence.Iterator(image)]
                assert len(pictures) == 17
                strip = pixels_of(
                    card.locator("#latent-strip").evaluate("n => n.style.getPropertyValue('--sprite').slice(4, -1)")
                )
                assert np.abs(pictures[0] - strip[:, :28]).max() <= 1, "it begins with the first image"
                assert np.abs(pictures[8] - strip[:, -28:]).mean() < 10, "and turns back at the other"
    card.fill("#latent-frames", "2000")
    card.click("#latent-export")
    expect(card.locator("#latent-walk-note")).to_contain_text(
        "2,000 frames were asked for; a strip of such images has at most 585"
    )


def test_weights_mix_the_images_of_the_way(card: Page):
    card.locator("#latent-mix input").nth(1).fill("0")
    at_base(card, "kept:")
    is_of_its_values(card)
    first = sprite_of(card, "#latent-strip")[:, :28]
    assert np.abs(shown(card) - first).max() <= 2, "all of the first, nothing of the second"
    card.locator("#latent-mix input").nth(0).fill("0")
    expect(card.locator("#latent-walk-note")).to_contain_text("not all 0")


def test_a_drawing_is_encoded_and_shown_beside_what_it_comes_back_as(card: Page):
    card.click("#latent-source [data-choice=own]")
    card.click("#latent-draw")
    expect(card.locator("#latent-encode .note")).to_contain_text("Nothing was drawn")
    box = card.locator("#latent-drawing").bounding_box()
    card.mouse.move(box["x"] + 84, box["y"] + 30)
    card.mouse.down()
    card.mouse.move(box["x"] + 84, box["y"] + 138, steps=8)
    card.mouse.up()
    card.click("#latent-draw")
    card.wait_for_selector("#latent-encode[data-error]")
    before, after = pictures_in(card, "#latent-encode")
    assert before[6:22, 13:15].min() > 150
    assert float(card.get_attribute("#latent-encode", "data-error")) == pytest.approx(
        np.abs(before - after).mean() / 255, abs=2e-3
    )
    at_base(card, "kept:")
    is_of_its_values(card)
    assert np.abs(shown(card) - after).max() <= 1


def test_an_upload_is_cut_and_encoded_and_what_is_no_image_is_told(card: Page, tmp_path: Path):
    card.click("#latent-source [data-choice=own]")
    Image.new("RGB", (90, 60), "white").save(tmp_path / "wide.jpg")
    (tmp_path / "no.png").write_text("hello")
    card.set_input_files("#latent-upload", tmp_path / "wide.jpg")
    expect(card.locator("#latent-encode .note")).to_contain_text("middle square was brought to 28 × 28 pixels, grey")
    card.set_input_files("#latent-upload", tmp_path / "no.png")
    expect(card.locator("#latent-encode .note.fault")).to_contain_text("No image found in no.png")


@pytest.fixture
def forgotten() -> Iterator[str]:
    """The name of a direction that is not there afterwards, whatever becomes of the test."""
    file = load_model(MODEL).folder / "directions" / "of-a-test.json"
    yield file.stem
    file.unlink(missing_ok=True)
    if file.parent.exists() and not any(file.parent.iterdir()):
        file.parent.rmdir()


@needs_mnist
def test_a_direction_becomes_a_slider_and_is_forgotten(card: Page, forgotten: str):
    is_of_its_values(card)
    before = torch.tensor([data(card, "#latent-image", "latent")])
    part(card, "directions")
    card.select_option("#latent-class-a", "1")
    card.select_option("#latent-class-b", "8")
    card.fill("#latent-direction-name", forgotten)
    card.click("#latent-direction-save")
    card.fill("#latent-direction-0 input[type=number]", "1.5")
    card.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.offsets)['of-a-test'] === 1.5")
    moved = torch.tensor([data(card, "#latent-image", "latent")])
    assert float((moved - before).norm()) == pytest.approx(1.5, abs=1e-3)
    assert np.abs(shown(card) - decoded(moved)).max() <= 1
    card.click("#latent-kept .link")
    card.wait_for_function("document.querySelector('#latent-image').dataset.offsets === '{}'")
    assert torch.allclose(torch.tensor([data(card, "#latent-image", "latent")]), before)
    card.click("#latent-how [data-how=sets]")
    card.fill("#latent-direction-name", forgotten)
    card.click("#latent-direction-save")
    expect(card.locator("#latent-direction-note")).to_contain_text("The first set for a direction is empty")


def test_a_locked_axis_stays_when_all_else_is_random_or_reset(card: Page):
    is_of_its_values(card)
    card.fill("#latent-slider-3 input[type=number]", "1.25")
    card.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[3] === 1.25")
    card.click("#latent-slider-3 .lock")
    old = data(card, "#latent-image", "values")
    card.click("#latent-random")
    card.wait_for_function("old => JSON.parse(document.querySelector('#latent-image').dataset.values)[0] !== old", arg=old[0])
    is_of_its_values(card)
    assert data(card, "#latent-image", "values")[3] == 1.25
    card.click("#latent-reset")
    card.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[0] === 0")
    is_of_its_values(card)
    assert data(card, "#latent-image", "values") == [1.25 if i == 3 else 0 for i in range(16)]


def test_a_lock_goes_with_its_axis_when_newer_weights_change_the_order(card: Page):
    is_of_its_values(card)
    name, last = card.inner_text("#latent-slider-3 label"), 16 - 1 - 3
    card.fill("#latent-slider-3 input[type=number]", "1.25")
    card.click("#latent-slider-3 .lock")

    def turn_round(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json={"names": found["names"][::-1], "values": found["values"][::-1]})

    catch(card, "latent_axes", turn_round)
    card.evaluate("genlab.then(({ tell }) => tell('status', { model: 'vae-mnist', version: 'newer' }))")
    expect(card.locator(f"#latent-slider-{last} label")).to_have_text(name)
    expect(card.locator(f"#latent-slider-{last} input[type=number]")).to_have_value("1.25")
    expect(card.locator("#latent-axes .lock[aria-pressed=true]")).to_have_count(1)
    expect(card.locator(f"#latent-slider-{last} .lock")).to_have_attribute("aria-pressed", "true")


def test_a_value_that_is_set_while_newer_weights_come_is_not_lost(card: Page):
    is_of_its_values(card)
    held: list[Route] = []
    catch(card, "latent_axes", held.append)
    with card.expect_request(asks("latent_axes")):
        card.evaluate("genlab.then(({ tell }) => tell('status', { model: 'vae-mnist', version: 'newer' }))")
    card.fill("#latent-slider-2 input[type=number]", "1.75")
    card.keyboard.press("Tab")
    card.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[2] === 1.75")
    with card.expect_response(lambda response: asks("latent_decode")(response.request)):
        held[0].fulfill(response=held[0].fetch())
    expect(card.locator("#latent-slider-2 input[type=number]")).to_have_value("1.75")
    is_of_its_values(card)
    assert data(card, "#latent-image", "values")[2] == 1.75


def test_the_sliders_of_a_model_that_one_leaves_take_nothing_more(card: Page):
    is_of_its_values(card)
    held: list[Route] = []
    catch(card, "latent_open", held.append)
    with card.expect_request(asks("latent_open")):
        pick(card, "model-picker", "vae-mnist-2d")
    card.evaluate(
        "genlab.then(({ tell }) => tell('status', { model: 'vae-mnist', version: 'newer' }))"
    )  # no reason to come back to what is left
    expect(card.locator("#latent-axes")).to_have_attribute("inert", "")
    held[0].continue_()
    card.wait_for_selector("#latent-image[data-model=vae-mnist-2d]")
    expect(card.locator("#latent-axes .axis")).to_have_count(2)
    card.fill("#latent-slider-1 input[type=number]", "1.75")
    card.wait_for_function("JSON.parse(document.querySelector('#latent-image').dataset.values)[1] === 1.75")


def test_truncation_brings_all_of_it_to_what_is_usual_there(card: Page):
    is_of_its_values(card)
    full = torch.tensor([data(card, "#latent-image", "latent")])
    expect(card.locator("#latent-truncation label")).to_have_text("variety")
    card.fill("#latent-truncation input[type=number]", "0.5")
    card.wait_for_function("document.querySelector('#latent-image').dataset.truncation === '0.5'")
    nearer = load_model(MODEL).model.truncated(full, 0.5)
    assert not torch.allclose(nearer, full, atol=0.1)
    assert torch.allclose(torch.tensor([data(card, "#latent-image", "latent")]), nearer, atol=1e-5)
    assert np.abs(shown(card) - decoded(nearer)).max() <= 1


def test_a_slider_shows_which_pixels_it_moves(card: Page):
    is_of_its_values(card)
    card.hover("#latent-slider-1 label")
    card.wait_for_selector("#latent-jacobian:not([hidden])")
    name = "Number " + card.inner_text("#latent-slider-1 label")
    assert card.get_attribute("#latent-jacobian", "data-of") == name
    uri = card.evaluate("document.querySelector('#latent-jacobian').toDataURL()")
    heat = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))[..., 3] / (0.9 * 255)
    z, axis = torch.tensor([data(card, "#latent-image", "latent")]), int(name.split()[-1])
    ends = [decoded(z + step * torch.eye(16)[axis]) for step in (0.05, -0.05)]
    moved = np.abs(ends[0] - ends[1])
    assert np.corrcoef(heat.ravel(), moved.ravel())[0, 1] > 0.98
    expect(card.locator("#latent-heat-note")).to_contain_text(f"{name} moves the orange pixels")


@needs_mnist
def test_the_nearest_training_images_come_with_their_distances(card: Page):
    is_of_its_values(card)
    part(card, "why")
    expect(card.locator("#latent-nearest img")).to_have_count(8)
    distances = [float(text) for text in card.locator("#latent-nearest figcaption").all_inner_texts()]
    pictures = [
        pixels_of(image.get_attribute("src"))[..., 0].astype(float) for image in card.locator("#latent-nearest img").all()
    ]
    found = [np.sqrt(((picture - shown(card)) ** 2).mean()) / 255 for picture in pictures]
    assert np.allclose(found, distances, atol=1e-3)
    assert distances == sorted(distances)
    expect(card.locator("#latent-near-note")).to_contain_text("The nearest of 55,000")


@needs_mnist
@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out_of_any_card(request: pytest.FixtureRequest, size: str):
    page = request.getfixturevalue(size)
    page.wait_for_selector("#latent-mix small:not(:empty)")
    for name in ("between", "map", "directions", "why"):
        part(page, name)
        expect(page.locator(f"#latent-part-{name}")).to_be_visible()
        assert sticks_out(page) == [], name
    part(page, "directions")
    for how in ("sets", "sum"):
        page.click(f"#latent-how [data-how={how}]")
        assert sticks_out(page) == [], how
