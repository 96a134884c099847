"""The live stage of a run on points: it shows itself, pauses, steps, slows and is steered; and points are drawn by hand."""

import json

import pytest
from looks import pick, until
from playwright.sync_api import Page, expect

from genlab.data import load
from genlab.training.run import Run
from genlab.training.train import train

DATASET = "ring-of-dots"


@pytest.fixture
def rested(served_runs) -> Run:
    """A finished run on points, of a diffusion model."""
    if (served_runs / "flowing").exists():
        return Run.open("flowing", served_runs)
    run = Run.create("diffusion", "gaussians", {"steps": 2, "width": 8}, "flowing", served_runs, threads=1)
    for _ in train(run, load("gaussians"), "cpu"):
        pass
    return run


def told(page: Page, name: str) -> int:
    return int(page.locator("#points-canvas").get_attribute(f"data-{name}") or 0)


def ink(page: Page) -> int:
    """Pixels of the stage that are not empty."""
    return page.evaluate("""() => {
      const canvas = document.querySelector("#points-canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let n = 0;
      for (let i = 3; i < data.length; i += 4) n += data[i] > 8;
      return n;
    }""")


def begin(page: Page, name: str) -> None:
    """Start a long GAN on the ring, and wait for its first pictures."""
    pick(page, "dataset-picker", "gaussians")
    page.click("#tab-train")
    pick(page, "train-family", "gan")
    expect(page.locator("#train-preset input")).to_have_value("points")
    expect(page.locator("#train-gan-latent input").first).to_have_value("2")
    for setting, value in {"steps": 50_000, "width": 8, "batch-size": 16}.items():
        page.fill(f"#train-gan-{setting} input >> nth=0", str(value))
        page.keyboard.press("Tab")
    page.fill("#train-name input", name)
    page.click("#train-start")
    expect(page.locator(".points-stage")).to_be_visible()
    page.wait_for_function("document.querySelector('#points-canvas').dataset.frames > 1")


@pytest.mark.long
def test_a_run_on_points_is_watched_stepped_slowed_and_steered(page, served_runs):
    begin(page, "steered-ring")
    run = Run.open("steered-ring", served_runs)
    frames = told(page, "frames")
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.frames > {frames + 3}")

    page.click("#points-play")
    expect(page.locator("#points-play")).to_have_text("Play")
    step = run.status().step
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.step == {step}")
    page.click("#points-step")
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.step == {step + 1}")

    with_heat = ink(page)
    page.uncheck("#points-heatmap")
    assert ink(page) < with_heat / 2  # a heat map covers most of the plane, dots and lines do not
    page.check("#points-heatmap")

    page.click("[data-movers=discriminator]")
    expect(page.locator("[data-movers=discriminator]")).to_have_attribute("aria-checked", "true")
    before = json.loads(run.live_file.read_text())
    page.click("#points-step")
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.step == {step + 2}")
    after = json.loads(run.live_file.read_text())
    assert after["generated"] == before["generated"]  # the generator was held
    assert after["heat"] != before["heat"]
    expect(page.locator(".steered")).to_contain_text(f"from step {step + 2:,} on")

    page.locator("#points-speed").fill("0")
    expect(page.locator("#points-pace")).to_have_text("1 step/s")
    until(page, lambda: run.control().pace == 1)
    page.click("#train-stop")
    expect(page.locator("[data-run='steered-ring'] .badge")).to_have_text("stopped")
    expect(page.locator("#points-step")).to_be_disabled()


@pytest.mark.long
def test_a_finished_flow_can_be_replayed_and_held(page, rested):
    page.click("#tab-train")
    page.locator(f"[data-run='{rested.name}'] button.run-name").click()
    expect(page.locator("#points-flow")).to_be_visible()
    expect(page.locator(".tick.heat")).to_be_hidden()
    expect(page.locator("#points-movers")).to_be_hidden()
    painted = told(page, "painted")
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.painted > {painted + 5}")
    page.locator("#points-flow").fill("0")
    held = told(page, "painted")
    page.wait_for_function(f"document.querySelector('#points-canvas').dataset.painted > {held + 10}")
    assert page.input_value("#points-flow") == "0"
    page.click("#points-replay")
    page.wait_for_function("document.querySelector('#points-flow').value > 0.2")


def test_a_run_on_images_has_no_live_stage(page, served_runs):
    run = Run.create("vae", "digits", {"steps": 1}, "still", served_runs)
    run.note("done")
    page.click("#tab-train")
    page.locator("[data-run=still] button.run-name").click()
    expect(page.locator(".train-stage .run-name")).to_have_text("still")
    expect(page.locator(".points-stage")).to_be_hidden()


def stroke(page, height, steps):
    """Draw a line across the middle of the plane, when that stands still."""
    canvas = page.locator("#drawing-canvas")
    canvas.hover()
    box = canvas.bounding_box()
    at = box["y"] + height * box["height"]
    page.mouse.move(box["x"] + 0.3 * box["width"], at)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], at, steps=steps)
    page.mouse.up()


@pytest.mark.long
def test_points_are_drawn_named_and_chosen(page):
    page.click("#tab-data")
    page.click(".drawing summary")
    page.click("#drawing-save")
    expect(page.locator(".drawing .fault")).to_contain_text("has 0 points; it must have from 20")
    canvas = page.locator("#drawing-canvas")
    for pen, height in ((0, 0.3), (1, 0.7)):
        page.locator(".pen").nth(pen).click()
        stroke(page, height, steps=15)
    n = int(canvas.get_attribute("data-n"))
    page.click("#drawing-undo")
    assert 0 < int(canvas.get_attribute("data-n")) < n
    stroke(page, 0.5, steps=10)
    n = canvas.get_attribute("data-n")
    page.reload()
    expect(canvas).to_have_attribute("data-n", n)  # nothing of it is lost
    page.fill("#drawing-name", "no good")
    page.click("#drawing-save")
    expect(page.locator(".drawing .fault")).to_contain_text("cannot name a dataset")
    page.fill("#drawing-name", DATASET)
    page.click("#drawing-save")
    expect(page.locator("#dataset-picker input")).to_have_value(DATASET)
    expect(page.locator(".data-map .shares")).to_contain_text("training points")
    expect(page.locator(".data-facts .places tr")).to_have_count(3)  # a heading and two classes
    page.reload()
    expect(page.locator("#dataset-picker input")).to_have_value(DATASET)
    expect(canvas).to_have_attribute("data-n", "0")  # it is a dataset by now
