"""The Sample tab: the images on screen are those that the model draws for these settings, and so are the files."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from looks import data, pick, sprite_of, sticks_out
from marks import SIZES, long
from PIL import Image
from playwright.sync_api import Page, Route, expect

from genlab.data import to_pixels
from genlab.training.checkpoint import load_model


def open_tab(page: Page, model: str) -> None:
    """Choose a model, and wait for what only its form has; the page opens with that of a VAE."""
    page.click("#model-picker input")
    page.get_by_role("option", name=model, exact=True).click()
    page.click("#tab-sample")
    page.wait_for_selector(
        {"diffusion": "#sample-sampler", "dcgan": "#sample-class"}.get(model.split("-")[0], "#sample-truncation")
    )


def draw(page: Page, count: int, seed: int) -> None:
    page.fill("#sample-count input", str(count))
    page.fill("#sample-seed input", str(seed))
    page.click("#sample-go")
    page.wait_for_function(
        "([count, seed]) => { const wall = document.querySelector('#sample-gallery'); return wall.children.length === count"
        " && wall.dataset.seed === String(seed) && wall.dataset.step === wall.dataset.total; }",
        arg=[count, seed],
    )


def images(page: Page, count: int) -> np.ndarray:
    """[n, H, W] the images on screen."""
    wall, size = sprite_of(page, "#sample-gallery"), 28
    columns = wall.shape[1] // size
    return np.stack([wall[i // columns * size :, i % columns * size :][:size, :size] for i in range(count)])


def expected(model: str, count: int, seed: int) -> np.ndarray:
    trained = load_model(model).model
    *_, last = trained.sample(count, trained.SamplingSettings(), seed, trained.given_labels(None, count))
    return to_pixels(last.items)[:, 0].numpy()


@pytest.mark.parametrize("model", ["vae-mnist", long("dcgan-mnist"), long("diffusion-mnist")])
def test_the_wall_shows_what_the_model_draws_for_this_seed(page: Page, model: str):
    open_tab(page, model)
    draw(page, 12, 7)
    difference = np.abs(images(page, 12).astype(int) - expected(model, 12, 7).astype(int))
    assert difference.max() <= 1


def test_the_tab_draws_at_once_as_the_models_defaults_are(page: Page):
    page.click("#tab-sample")
    expect(page.locator("#sample-title")).to_have_text("64 images of vae-mnist")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")
    difference = np.abs(images(page, 64).astype(int) - expected("vae-mnist", 64, 0).astype(int))
    assert difference.max() <= 1


def test_what_was_drawn_unasked_is_that_of_the_picked_model_and_what_was_asked_for_stays(page: Page):
    title = page.locator("#sample-title")
    page.click("#tab-sample")
    expect(title).to_have_text("64 images of vae-mnist")
    pick(page, "model-picker", "vae-mnist-2d")
    expect(title).to_have_text("64 images of vae-mnist-2d")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")
    draw(page, 9, 5)
    pick(page, "model-picker", "vae-mnist")
    expect(page.locator("#model-picker input")).to_have_value("vae-mnist")
    page.wait_for_function("document.querySelector('#latent-image').dataset.model === 'vae-mnist'")
    expect(title).to_have_text("9 images of vae-mnist-2d")


WATCH = """() => {
  window.seen = [];
  const wall = document.querySelector("#sample-gallery"), status = document.querySelector("#sample-status");
  new MutationObserver(() => window.seen.push({ ...wall.dataset, status: status.textContent }))
    .observe(wall, { attributes: true, attributeFilter: ["data-step"] });
}"""


@pytest.mark.long
def test_denoising_is_watched_live(page: Page):
    open_tab(page, "diffusion-mnist")
    page.wait_for_function(
        "() => { const { step, total } = document.querySelector('#sample-gallery').dataset; return step && step === total; }"
    )
    page.evaluate(WATCH)
    draw(page, 64, 5)
    steps = [int(record["step"]) for record in page.evaluate("window.seen")]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 4
    assert steps[-1] == data(page, "#sample-gallery", "total")


def test_a_class_is_asked_for_and_the_settings_reach_the_model(page: Page):
    open_tab(page, "diffusion-mnist")
    page.click("#sample-class input")
    page.get_by_role("option", name="8", exact=True).click()
    page.fill("#sample-steps input", "4")
    draw(page, 6, 3)
    trained = load_model("diffusion-mnist").model
    *_, last = trained.sample(6, trained.SamplingSettings(steps=4), 3, trained.given_labels(torch.tensor([8]), 6))
    assert np.abs(images(page, 6).astype(int) - to_pixels(last.items)[:, 0].numpy()).max() <= 1


def test_the_seed_of_an_image_draws_it_again(page: Page):
    open_tab(page, "vae-mnist")
    draw(page, 9, 100)
    wanted = images(page, 9)[4]
    page.locator("#sample-gallery .tile").nth(4).click()
    expect(page.locator("#sample-chosen")).to_have_text("Seed 104")
    page.click("#sample-reuse")
    expect(page.locator("#sample-seed input")).to_have_value("104")
    draw(page, 1, 104)
    assert np.abs(images(page, 1)[0].astype(int) - wanted).max() <= 1


def test_a_new_seed_is_another_one(page: Page):
    open_tab(page, "vae-mnist")
    before = page.input_value("#sample-seed input")
    page.click("#sample-dice")
    expect(page.locator("#sample-seed input")).not_to_have_value(before)


def test_the_files_hold_the_images_and_how_to_draw_them_again(page: Page, tmp_path):
    open_tab(page, "vae-mnist")
    draw(page, 5, 40)
    shown = images(page, 5)
    with page.expect_download() as download:
        page.click("#sample-save")
    picture = Image.open(download.value.path())
    assert (np.asarray(picture) == np.concatenate(shown, axis=1)).all()
    told = json.loads(picture.text["genlab"])
    assert (told["model"], told["seed"], told["count"], told["truncation"]) == ("vae-mnist", 40, 5, 1.0)
    with page.expect_download() as download:
        page.click("#sample-zip")
    with zipfile.ZipFile(download.value.path()) as archive:
        single = [np.asarray(Image.open(io.BytesIO(archive.read(f"{seed}.png")))) for seed in range(40, 45)]
    assert (np.stack(single) == shown).all()


def test_bad_input_gets_a_sentence(page: Page):
    open_tab(page, "vae-mnist")
    for box, value, sentence in [
        ("#sample-count input", "0", "count is 0; it must be a whole number from 1 to 400."),
        ("#sample-count input", "100000", "count is 100000; it must be a whole number from 1 to 400."),
        ("#sample-count input", "2.5", "count is 2.5; it must be a whole number from 1 to 400."),
        ("#sample-seed input", "-1", "seed is -1; it must be a whole number from 0 to 2,147,483,647."),
    ]:
        good = page.input_value(box)
        page.fill(box, value)
        page.click("#sample-go")
        expect(page.locator("#sample-refusal")).to_have_text(sentence)
        page.fill(box, good)
        expect(page.locator("#sample-refusal")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(request: pytest.FixtureRequest, size: str):
    page = request.getfixturevalue(size)
    open_tab(page, "diffusion-mnist")
    draw(page, 30, 0)
    assert sticks_out(page) == []


def test_the_time_shown_is_that_of_the_drawing(page: Page):
    open_tab(page, "vae-mnist")
    opened = page.evaluate("performance.now()") / 1000
    draw(page, 4, 1)
    taken = page.evaluate("performance.now()") / 1000 - opened
    told = float(page.inner_text("#sample-status").removeprefix("drawn in ").removesuffix(" s"))
    assert told < taken + min(0.1, opened)  # not what passed since the page was opened


def test_stop_ends_a_drawing_where_it_is(page: Page):
    open_tab(page, "diffusion-mnist")
    page.fill("#sample-steps input[type=number]", "1000")
    page.fill("#sample-count input", "64")
    page.click("#sample-go")
    page.wait_for_function("document.querySelector('#sample-gallery').dataset.total === '1000'")
    with page.expect_response("**/cancel"):
        page.click("#sample-stop")
    expect(page.locator("#sample-status")).to_contain_text("stopped", ignore_case=True)
    page.evaluate(WATCH)
    page.fill("#sample-steps input[type=number]", "5")
    draw(page, 4, 3)  # the next one goes on as ever
    seen = page.evaluate("window.seen")
    late = [record for record in seen if record["total"] == "1000"]
    assert seen[: len(late)] == late, "nothing of the one that was stopped comes after the next one has begun"
    assert all("stopped" in record["status"].lower() and int(record["step"]) < 1000 for record in late)


@contextmanager
def held(page: Page, pattern: str) -> Iterator[None]:
    """Let the server not hear these requests while the block runs."""
    kept: list[Route] = []
    page.route(pattern, lambda route: kept.append(route) if holding else route.fallback())
    holding = True
    yield
    holding = False
    for route in kept:
        route.continue_()


def test_a_click_on_draw_right_after_stop_is_not_lost(page: Page):
    open_tab(page, "diffusion-mnist")
    page.fill("#sample-steps input[type=number]", "1000")
    page.click("#sample-go")
    page.wait_for_function("document.querySelector('#sample-gallery').dataset.total === '1000'")
    page.fill("#sample-steps input[type=number]", "5")
    with held(page, "**/cancel"):
        page.click("#sample-stop")
        draw(page, 4, 3)


def test_a_click_on_draw_right_after_another_model_was_picked_draws_with_that_one(page: Page):
    page.click("#tab-sample")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")
    with held(page, "**/queue/join*"):
        page.click("#model-picker input")
        page.get_by_role("option", name="vae-mnist-2d", exact=True).click()
        page.click("#sample-go")
    expect(page.locator("#sample-title")).to_have_text("64 images of vae-mnist-2d")
    expect(page.locator("#sample-status")).to_contain_text("drawn in")


def test_what_was_drawn_and_what_was_typed_is_there_after_a_reload(page: Page):
    open_tab(page, "vae-mnist")
    draw(page, 9, 100)
    expect(page).to_have_url(re.compile(r"tab=sample.*&count=9&seed=100$"))
    page.fill("#sample-seed input", "101")
    page.fill("#sample-truncation input[type=number]", "0.5")
    page.reload()
    expect(page.locator("#sample-gallery .tile")).to_have_count(9)
    expect(page.locator("#sample-gallery")).to_have_attribute("data-seed", "100")
    expect(page.locator("#sample-count input")).to_have_value("9")
    expect(page.locator("#sample-seed input")).to_have_value("101")
    expect(page.locator("#sample-truncation input[type=number]")).to_have_value("0.5")
