"""The Train tab under the hand: clicks that were meant once, stopping, deleting, the queue, and what the curves tell."""

import json
import os
import re
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from looks import until
from playwright.sync_api import Browser, Locator, Page, expect
from test_train_tab import badge, made, opened, start, waiting

from genlab.images import png
from genlab.training.history import as_csv
from genlab.training.run import Run, list_runs

LONG = 1_000_000  # steps, more than a test has time for


@pytest.fixture
def train(page: Page) -> Page:
    """The tab, with the digits chosen."""
    return opened(page)


@pytest.fixture
def busy(train: Page, served_runs: Path) -> Iterator[Run]:
    """A run that trains for longer than any test."""
    start(train, "busy", LONG, width=8)
    expect(badge(train, "busy")).to_contain_text("%", timeout=60_000)
    run = Run.open("busy", served_runs)
    yield run
    if run.path.exists():
        os.kill(process_of(run), signal.SIGCONT)
        run.stop()
        run.delete()


def process_of(run: Run) -> int:
    return json.loads((run.path / "status.json").read_text())["pid"]


def row(page: Page, name: str) -> Locator:
    return page.locator(f"#run-list [data-run='{name}']")


def show(page: Page, name: str) -> None:
    row(page, name).locator(".run-name").click()
    expect(page.locator(".train-stage .run-name")).to_have_text(name)


def players(folder: Path, name: str, steps: int = 40) -> Run:
    """A finished run of a GAN, whose losses and verdicts have different units."""
    run = Run.create("gan", "digits", {"steps": steps}, name, folder)
    for step in range(1, steps + 1):
        run.remember(
            {"step": step, "losses": {"discriminator": 1.25, "generator": 0.5}, "logs": {"told apart": step / steps}}
            | {"held_out": None, "learning_rate": 0.001, "gradient_norm": 2.0, "items_per_second": 900.0}
            | {"seconds_left": 0.0, "seconds": 3.0}
        )
    run.note("done")
    return run


@pytest.mark.long
def test_clicks_meant_once_make_one_run_and_the_queue_is_cleared_at_once(busy: Run, train: Page, served_runs: Path):
    before = {run.name for run in list_runs(served_runs)}

    def new() -> set[str]:
        return {run.name for run in list_runs(served_runs)} - before

    button = train.locator("#train-start")
    expect(button).to_have_attribute("aria-disabled", "false")  # the answer to the last start may have come late
    train.evaluate("for (let i = 0; i < 20; i++) document.querySelector('#train-start').click()")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("aria-disabled", "false")
    assert len(new()) == 1
    for n in (2, 3):
        button.click()  # which waits until it is ready
        until(train, lambda n=n: len(new()) == n)
    waiting(train, *sorted(new(), key=lambda name: int(name.split("-")[1])))
    train.click(".clear")
    expect(train.locator(".clearing")).to_contain_text("Take all 3 out of the queue?")
    train.click(".clearing .danger")
    waiting(train)
    assert not new()
    expect(badge(train, "busy")).to_contain_text("%")


@pytest.mark.long
def test_stop_and_pause_say_so_until_it_is_done(busy: Run, train: Page):
    process = process_of(busy)
    os.kill(process, signal.SIGSTOP)  # it now takes as long as we like
    train.click("#train-pause")
    expect(train.locator("#train-pause")).to_have_text("Pausing …")
    expect(train.locator("#train-pause")).to_be_disabled()
    expect(badge(train, "busy")).to_have_text("pausing")
    train.click("#train-stop")
    expect(train.locator("#train-stop")).to_have_text("Stopping …")
    expect(train.locator("#train-stop")).to_be_disabled()
    expect(train.locator("#train-pause")).to_be_disabled()
    expect(badge(train, "busy")).to_have_text("stopping")
    expect(train.locator(".health")).to_contain_text("Stopping:")
    os.kill(process, signal.SIGCONT)
    expect(badge(train, "busy")).to_have_text("stopped")
    expect(train.locator("#train-stop")).to_have_text("Stop")
    expect(train.locator("#train-pause")).to_have_text("Resume")


@pytest.mark.long
def test_a_run_that_trains_is_on_stage_of_a_new_page_and_is_stopped_and_deleted(
    busy: Run, train: Page, served_runs: Path, browser: Browser, server: str
):
    newest = made(served_runs, "newest")
    record = newest.record | {"created": "2999-01-01T00:00:00+00:00"}
    (newest.path / "run.json").write_text(json.dumps(record))
    other = browser.new_page()
    other.goto(f"{server}?tab=train")
    expect(other.locator(".train-stage .run-name")).to_have_text("busy")
    other.close()

    row(train, "busy").locator(".rename").click()
    train.fill("input.name", "idle")
    train.keyboard.press("Enter")
    refusal = train.locator("#run-list .fault")
    expect(refusal).to_contain_text("stop it before it is renamed")
    for _ in range(2):  # the page hears of the runs twice
        with train.expect_response(re.compile("component_server")):
            pass
    expect(refusal).to_be_visible()
    expect(train.locator("input.name")).to_have_value("idle")

    process = process_of(busy)
    os.kill(process, signal.SIGSTOP)
    row(train, "busy").locator(".delete").click()
    expect(row(train, "busy")).to_contain_text("Stop it, then delete it")
    train.click("#run-list .danger")
    expect(train.locator("#run-list .danger")).to_have_text("Deleting …")
    expect(train.locator("#run-list .danger")).to_be_disabled()
    assert busy.path.exists()
    os.kill(process, signal.SIGCONT)
    expect(row(train, "busy")).to_have_count(0)
    assert not busy.path.exists()
    newest.delete()


@pytest.mark.long
def test_several_runs_are_deleted_together(train: Page, served_runs: Path):
    for name in ("first-of-all", "second", "third"):
        made(served_runs, name)
    training = made(served_runs, "trains", state="running")
    show(train, "second")
    train.click(".several")
    question = train.locator(".doomed")
    expect(question).to_contain_text("Tick the runs to delete.")
    for name in ("first-of-all", "second", "trains"):
        row(train, name).locator("input").check()
    expect(question).to_contain_text("Delete 3 runs")
    expect(question.locator(".training")).to_have_text("Still training, and stopped first: trains.")
    row(train, "trains").locator("input").uncheck()
    expect(question.locator(".training")).to_have_count(0)
    question.locator(".danger").click()
    for name in ("first-of-all", "second"):
        expect(row(train, name)).to_have_count(0)
        assert not (served_runs / name).exists()
    assert (served_runs / "third").exists()
    expect(question).to_be_hidden()
    training.note("stopped")


def test_every_unit_has_an_axis_and_every_value_can_be_read(train: Page, served_runs: Path):
    players(served_runs, "two-units")
    show(train, "two-units")
    axes = train.locator("#train-curve .axis")
    expect(axes).to_have_count(2)
    assert [axis.get_attribute("data-unit") for axis in axes.all()] == ["nats", "share"]
    box = train.locator("#train-curve svg").bounding_box()
    left, right = (float(train.get_attribute("#train-curve svg", f"data-{side}")) for side in ("left", "right"))
    train.locator(".smoothing").fill("0")
    train.mouse.move(box["x"] + left + (right - left) / 2, box["y"] + box["height"] / 2)
    tip = train.locator("#train-curve .tip")
    expect(tip).to_have_text("step 20discriminator1.25natsgenerator0.5natsdiscriminator right0.5share")
    train.locator("#train-curve svg").focus()
    train.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("step 21")
    train.keyboard.press("End")
    expect(tip).to_contain_text("discriminator right1share")
    train.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    train.locator(".key button", has_text="discriminator right").click()
    expect(axes).to_have_count(1)
    train.locator(".key button", has_text="discriminator right").click()
    expect(axes).to_have_count(2)


def test_a_finger_reads_the_curve_and_lifts(phone: Page, served_runs: Path):
    players(served_runs, "touched")
    opened(phone)
    show(phone, "touched")
    expect(phone.locator("#train-curve .axis")).to_have_count(2)
    phone.locator("#train-curve svg").tap()
    expect(phone.locator("#train-curve .tip")).to_contain_text("discriminator right")


def test_the_history_is_saved_as_a_table(train: Page, served_runs: Path):
    run = players(served_runs, "tabled")
    show(train, "tabled")
    with train.expect_download() as download:
        train.click(".csv")
    assert download.value.suggested_filename == "tabled.csv"
    assert Path(download.value.path()).read_text() == as_csv(run)


def test_a_run_without_samples_says_so_in_their_place(train: Page, served_runs: Path):
    made(served_runs, "unseen")
    fresh = Run.create("vae", "digits", {}, "untouched", served_runs)
    fresh.note("stopped")
    for name in ("unseen", "untouched"):
        show(train, name)
        expect(train.locator(".samples .none")).to_have_text("This run drew no samples.")
        expect(train.locator("#train-samples")).to_be_hidden()
    expect(train.locator("#train-curve .none")).to_have_text("This run has not taken a step.")


def test_small_samples_fill_the_wall_without_gaps(train: Page, served_runs: Path):
    run = made(served_runs, "tiles")
    run.sample_file(40).write_bytes(png(torch.full((1, 4 * 8, 16 * 8), 255, dtype=torch.uint8)))
    show(train, "tiles")
    tiles = train.locator("#train-samples i")
    expect(tiles).to_have_count(64)
    wall = train.locator(".samples").bounding_box()
    boxes = [tile.bounding_box() for tile in tiles.all()[:16]]
    assert boxes[0]["x"] == pytest.approx(wall["x"], abs=1)
    assert boxes[-1]["x"] + boxes[-1]["width"] == pytest.approx(wall["x"] + wall["width"], abs=1)
    for one, other in pairwise(boxes):
        assert other["x"] - one["x"] - one["width"] == pytest.approx(1, abs=0.1)
        assert one["width"] == pytest.approx(one["height"], abs=0.1)
