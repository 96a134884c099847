"""The Train tab: a run is started, watched, paused, compared, renamed and deleted, and the run directory agrees."""

import io
import json
import os
import re
import signal
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from few import IMAGES
from looks import sprite_of, sticks_out, until
from marks import SIZES
from PIL import Image
from playwright.sync_api import Page, expect
from seats import Seats
from serving import serving

from genlab.data import load
from genlab.models import MODELS
from genlab.paths import shipped_models
from genlab.training.run import Run, list_runs
from genlab.training.train import train as training


@pytest.fixture
def train(page: Page) -> Page:
    """The tab, with the digits chosen."""
    return opened(page)


def opened(page: Page) -> Page:
    page.click("#dataset-picker input")
    page.get_by_role("option", name="digits", exact=True).click()
    page.click("#tab-train")
    expect(page.locator("#train-preset input")).to_have_value("small")
    expect(page.locator("#train-vae-steps input")).to_have_value("2000")
    return page


def made(folder: Path, name: str, steps: int = 40, state: str = "done", message: str = "", **settings: object) -> Run:
    """A run as its process would have left it."""
    run = Run.create("vae", "digits", {"steps": steps, **settings}, name, folder)
    for step in range(1, steps + 1):
        run.remember(
            {"step": step, "losses": {"model": 50 / step}, "logs": {"KL": 1.0}, "held_out": 60 / step if step % 2 else None}
            | {"learning_rate": 0.001, "gradient_norm": 2.0, "items_per_second": 900.0, "seconds_left": 0.0, "seconds": 3.0}
        )
    run.note(state, message)
    return run


def start(page: Page, name: str, steps: int, **settings: object) -> None:
    """Fill the form, press Start, and wait for the first point of the curve."""
    page.fill("#train-name input", name)
    for setting, value in {"steps": steps, **settings}.items():
        page.fill(f"#train-vae-{setting.replace('_', '-')} input", str(value))
        page.keyboard.press("Tab")
    page.click("#train-start")
    expect(page.locator(".train-stage .run-name")).to_have_text(name)


def first_point(page: Page) -> None:
    page.wait_for_selector("#train-curve path.line[d*=M]", state="attached", timeout=60_000)


def badge(page: Page, name: str):
    return page.locator(f"[data-run='{name}'] .badge")


def finished(page: Page, name: str) -> None:
    expect(badge(page, name)).to_have_text("done")


def points(page: Page, i: int = 0) -> int:
    """Points of the i-th line of the curve."""
    return len(re.findall(r"[ML]", page.locator("#train-curve path.line").nth(i).get_attribute("d")))


def step_of(page: Page) -> int:
    return int(page.inner_text(".position").split("/")[0].replace(",", ""))


def drag(page: Page, share: float) -> None:
    box = page.locator("#train-scrubber").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def test_an_empty_tab_says_what_to_do(page: Page, served_runs: Path):
    page.click("#tab-train")
    expect(page.locator(".train-stage .empty")).to_be_visible(visible=not list_runs(served_runs))


def test_a_run_is_trained_from_the_page(train: Page, served_runs: Path):
    start(train, "first", 60)
    first_point(train)
    finished(train, "first")
    history = Run.open("first", served_runs).history()
    assert history[-1]["step"] == 60
    assert points(train) == len(history)
    assert points(train, 1) == sum(record["held_out"] is not None for record in history)
    expect(train.locator(".samples-title")).to_have_text("Samples at step 60")
    saved = Run.open("first", served_runs).sample_file(60).read_bytes()
    expect(train.locator("#train-samples i")).to_have_count(64)
    until(train, lambda: np.array_equal(sprite_of(train, "#train-samples"), np.asarray(Image.open(io.BytesIO(saved)))))
    assert train.inner_text(".terminal code") == Run.open("first", served_runs).command


def test_what_is_measured_while_it_trains_has_a_curve_and_a_number(train: Page, served_runs: Path):
    box = train.locator("#train-vae-measured input")
    for metric in ("Coverage", "Copies"):
        box.click()
        train.get_by_role("option", name=metric, exact=True).click()
    train.keyboard.press("Escape")
    start(train, "measured", 12)
    expect(badge(train, "measured")).to_have_text("done", timeout=240_000)  # it looks at the data before its first step
    run = Run.open("measured", served_runs)
    assert run.settings.measured == "coverage,copies"
    last = run.history()[-1]["found"]["metrics"]
    expect(train.locator(".figures")).to_contain_text(
        f"Coverage {last['coverage']:.3g}, Copies {last['copies']:.3g} in 256 samples"
    )
    for metric in ("Copies", "Coverage"):
        train.locator(".metrics select").select_option(label=metric)
        expect(train.locator(f"#train-curve path.line[data-name='{metric}']")).to_have_attribute("d", re.compile("^M"))
    train.locator(".metrics select").select_option(label="none")
    expect(train.locator("#train-curve path.line[data-name='Coverage']")).to_have_count(0)


def test_an_alarm_comes_before_the_usual_verdict(page: Page, served_runs: Path):
    run = made(served_runs, "fallen", 20, measured="coverage")
    run.amend(measured={"n": 256, "reals": 100, "judge": False, "classes": {}, "copies": 0.0, "impossible": {}})
    for step, coverage in [(21, 0.8), (22, 0.2)]:
        found = {"metrics": {"coverage": coverage}, "shares": {}, "shown": [], "different": 9}
        run.remember({**run.history()[-1], "step": step, "found": found})
    page.click("#tab-train")
    page.click("[data-run=fallen] .run-name")
    expect(page.locator(".health")).to_contain_text("Mode collapse: Coverage fell from 0.8 at step 21 to 0.2 at step 22")
    expect(page.locator(".health")).to_have_attribute("data-level", "bad")
    expect(page.locator("#train-curve path.line[data-name='Coverage']")).to_have_count(1)


def spare_waits() -> bool:
    """Whether a process that is to train has imported all that it needs, and sleeps until it is asked."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has ended meanwhile
            if "genlab.training.worker" in child.cmdline() and child.status() == psutil.STATUS_SLEEPING:
                return True
    return False


@pytest.mark.long
def test_the_first_point_comes_soon_after_the_click(train: Page):
    looks: list[bool] = []
    until(train, lambda: looks.append(spare_waits()) or (len(looks) > 20 and all(looks[-20:])))  # as while one reads the form
    began = time.monotonic()
    start(train, "quick", 30)
    train.wait_for_function("document.querySelectorAll('#train-curve path.line[d*=M]').length")
    taken = time.monotonic() - began
    finished(train, "quick")
    assert taken < 20, taken  # under one on an idle machine; tests may share theirs with trainings


@pytest.mark.long
def test_one_scrubber_moves_curves_and_samples(train: Page, served_runs: Path):
    start(train, "scrubbed", 2000)
    finished(train, "scrubbed")
    drawn = Run.open("scrubbed", served_runs).samples()
    drag(train, 0.5)
    step = step_of(train)
    assert 800 < step < 1200
    expect(train.locator(".samples-title")).to_have_text(f"Samples at step {max(s for s in drawn if s <= step):,}")
    left, right = (float(train.get_attribute("#train-curve svg", f"data-{side}")) for side in ("left", "right"))
    cursor = float(train.get_attribute("#train-curve .cursor", "x1"))
    assert cursor == pytest.approx(left + (step / 2000) * (right - left), abs=2)
    train.keyboard.press("ArrowLeft")
    assert step_of(train) == max(s for s in drawn if s < step)
    train.click(".train-stage .live")
    assert step_of(train) == 2000


def test_smoothing_and_scale_change_the_line_but_not_its_points(train: Page, served_runs: Path):
    made(served_runs, "smooth", 100)
    train.click("[data-run=smooth] .run-name")
    train.wait_for_function("document.querySelector('.train-stage .run-name').textContent === 'smooth'")
    first_point(train)
    line = train.locator("#train-curve path.line").first
    before, n = line.get_attribute("d"), points(train)
    train.locator(".smoothing").fill("0.95")
    smoother = line.get_attribute("d")
    train.check(".log")
    assert len({before, smoother, line.get_attribute("d")}) == 3
    assert points(train) == n


@pytest.mark.long
def test_pause_resume_stop_and_resume_again(train: Page, served_runs: Path):
    start(train, "paused", 4000)
    first_point(train)
    train.click("#train-pause")
    expect(badge(train, "paused")).to_have_text("paused")
    still = Run.open("paused", served_runs).status().step
    expect(train.locator("#train-pause")).to_have_text("Resume")
    expect(train.locator(".health")).to_contain_text("Paused at step")
    for _ in range(2):
        with train.expect_response(lambda response: "watch" in (response.request.post_data or "")):
            pass
    assert Run.open("paused", served_runs).status().step == still
    train.click("#train-pause")
    expect(badge(train, "paused")).to_contain_text("%")
    train.click("#train-stop")
    expect(badge(train, "paused")).to_have_text("stopped")
    assert Run.open("paused", served_runs).checkpoints()
    train.click("#train-pause")
    expect(badge(train, "paused")).to_contain_text("%")
    train.click("#train-stop")
    expect(badge(train, "paused")).to_have_text("stopped")


@pytest.mark.long
def test_a_page_opened_later_shows_the_run_as_it_grows(train: Page, served_runs: Path):
    start(train, "watched", 6000)
    first_point(train)
    train.reload()
    train.click("#tab-train")
    expect(train.locator(".train-stage .run-name")).to_have_text("watched")
    first_point(train)
    seen = step_of(train)
    train.wait_for_function(f"parseInt(document.querySelector('.position').textContent.replace(',', '')) > {seen}")
    train.click("#train-stop")
    expect(badge(train, "watched")).to_have_text("stopped")


@pytest.mark.long
def test_a_killed_run_is_resumed_from_the_page(train: Page, served_runs: Path):
    start(train, "killed", 9000)
    first_point(train)
    os.kill(json.loads((served_runs / "killed" / "status.json").read_text())["pid"], signal.SIGKILL)
    expect(badge(train, "killed")).to_have_text("interrupted")
    expect(train.locator(".health")).to_contain_text("Interrupted at step")
    expect(train.locator("#train-pause")).to_have_text("Resume")
    train.click("#train-pause")
    expect(badge(train, "killed")).to_contain_text("%")
    stop(train, "killed")
    assert Run.open("killed", served_runs).checkpoints()


@pytest.mark.long
@pytest.mark.parametrize("restarted", [False, True])
def test_another_server_finds_the_run_that_went_on_without_its_own(
    seats: Seats, server: str, served_runs: Path, tmp_path: Path, restarted: bool
):
    """A server that knows nothing of the run: one that was there, or one that is started afterwards."""
    with serving(served_runs, tmp_path / "first.log") as first, seats.one() as page:
        page.goto(first)
        opened(page)
        start(page, "lasting", 1_000_000)
        first_point(page)
    before = Run.open("lasting", served_runs).status()
    assert before.state == "running"
    other = serving(served_runs, tmp_path / "second.log") if restarted else nullcontext(server)
    with other as second, seats.one() as page:
        page.goto(second)
        page.click("#tab-train")
        expect(page.locator(".train-stage .run-name")).to_have_text("lasting")
        first_point(page)
        expect(badge(page, "lasting")).to_contain_text("%")
        expect(page.locator(".position")).not_to_have_text(re.compile(rf"^{before.step:,} /"))
        assert Run.open("lasting", served_runs).status().step > before.step
        stop(page, "lasting")
    Run.open("lasting", served_runs).delete()


def stop(page: Page, name: str) -> None:
    page.click("#train-stop")
    expect(badge(page, name)).to_have_text("stopped")


def test_a_run_that_diverged_says_what_to_try(page: Page, served_runs: Path):
    fault = "Stopped at step 31: the loss of the model became NaN. The weights of step 30 are safe. Try 0.1."
    made(served_runs, "burst", 30).note("failed", fault, kind="diverged")
    made(served_runs, "other", 30).note("failed", "NaN is only a word here.")
    page.click("#tab-train")
    page.click("[data-run=burst] .run-name")
    expect(badge(page, "burst")).to_have_text("NaN")
    expect(badge(page, "other")).to_have_text("failed")
    expect(page.locator(".health")).to_have_text(fault)
    assert points(page) == 30


@pytest.mark.long
def test_runs_are_overlaid_renamed_and_deleted(train: Page, served_runs: Path):
    for name in ("one", "two"):
        made(served_runs, name)
    train.click("[data-run=two] .run-name")
    expect(train.locator(".train-stage .run-name")).to_have_text("two")
    first_point(train)
    expect(train.locator("#train-curve path.line")).to_have_count(3)  # training, held-out, KL
    train.check("[data-run=one] input[type=checkbox]")
    expect(train.locator("#train-curve path.line")).to_have_count(4)  # two each
    train.uncheck("[data-run=one] input[type=checkbox]")
    expect(train.locator("#train-curve path.line")).to_have_count(3)
    train.click("[data-run=two] .rename")
    train.fill("input.name", "not a name")
    train.keyboard.press("Enter")
    expect(train.locator("#run-list .fault")).to_contain_text("cannot name a run")
    train.fill("input.name", "three")
    train.keyboard.press("Enter")
    expect(train.locator(".train-stage .run-name")).to_have_text("three")
    assert (served_runs / "three").is_dir()
    assert not (served_runs / "two").exists()
    train.click("[data-run=three] .delete")
    train.get_by_role("button", name="Keep").click()
    assert (served_runs / "three").is_dir()
    train.click("[data-run=three] .delete")
    train.click("#run-list .danger")
    expect(train.locator("[data-run=three]")).to_have_count(0)
    assert not (served_runs / "three").exists()


def test_a_table_tells_how_overlaid_runs_differ(train: Page, served_runs: Path):
    made(served_runs, "narrow", width=32)
    made(served_runs, "wide", width=64, likelihood="gaussian")
    train.click("[data-run=wide] .run-name")
    expect(train.locator("#run-compare")).to_be_hidden()
    train.check("[data-run=narrow] input[type=checkbox]")
    table = train.locator("#run-compare")
    expect(table.locator("thead")).to_have_text("What differswidenarrow")
    expect(table.locator("tbody tr")).to_have_text(["width6432", "likelihoodgaussianauto"])
    expect(table.locator(".note")).to_contain_text("measured differently")


def waiting(page: Page, *names: str) -> None:
    expect(page.locator("#run-queue li .run-name")).to_have_text(list(names))


@pytest.mark.long
def test_runs_line_up_change_places_and_leave(train: Page, served_runs: Path):
    start(train, "busy", 1_000_000)
    first_point(train)
    for name in ("next", "last"):
        start(train, name, 20)
        expect(badge(train, name)).to_have_text("waiting")
    waiting(train, "next", "last")
    expect(train.locator(".health")).to_contain_text("Waiting for its turn")
    train.click("#run-queue [data-run=last] button >> nth=1")
    waiting(train, "last", "next")
    train.click("#run-queue [data-run=last] button >> nth=3")
    waiting(train, "next")
    expect(badge(train, "last")).to_have_count(0)  # it never began
    train.click("[data-run=busy] .run-name")
    stop(train, "busy")
    finished(train, "next")
    waiting(train)


@pytest.mark.long
def test_more_runs_train_at_once_when_asked(train: Page):
    limit = train.locator(".at-once")
    limit.fill("0")
    limit.press("Tab")
    expect(train.locator(".queue .fault")).to_contain_text("from 1 to 8")
    limit.fill("2")
    limit.press("Tab")
    expect(train.locator(".queue .fault")).to_be_hidden()
    train.reload()
    train.click("#tab-train")
    expect(limit).to_have_value("2")
    limit.fill("1")
    limit.press("Tab")


@pytest.mark.long
def test_a_model_is_gone_on_from(train: Page, served_runs: Path):
    start(train, "base", 20, width=24)
    finished(train, "base")
    train.click("#train-from input")
    train.get_by_role("option", name="base", exact=True).click()
    expect(train.locator("#train-vae-width input")).to_have_value("24")
    start(train, "tuned", 15)
    finished(train, "tuned")
    run = Run.open("tuned", served_runs)
    assert run.start.model == "base"
    assert run.settings.width == 24
    train.click(".before")
    expect(train.locator(".samples-title")).to_have_text("Samples at step 0")
    before = np.asarray(Image.open(run.sample_file(0)))
    until(train, lambda: np.array_equal(sprite_of(train, "#train-samples"), before))


def test_a_click_right_after_a_change_is_not_lost(train: Page):
    """The form of another family is there at once, and Start with it."""
    train.click("#train-family input")
    train.get_by_role("option", name="gan", exact=True).click()
    train.fill("#train-name input", "x" * 60)
    train.click("#train-start")
    expect(train.locator("#train-refusal")).to_contain_text("cannot name a run")


def test_a_wrong_form_gets_its_sentence_and_no_run(train: Page, served_runs: Path):
    before = len(list_runs(served_runs))
    for name, steps, sentence in [
        ("x" * 60, 10, f"{'x' * 60!r} cannot name a run"),
        ("../../etc", 10, "'../../etc' cannot name a run"),
        ("bad", 0, "steps is 0; it must be"),
    ]:
        train.fill("#train-name input", name)
        train.fill("#train-vae-steps input", str(steps))
        train.keyboard.press("Tab")
        train.click("#train-start")
        expect(train.locator("#train-refusal")).to_contain_text(sentence)
    assert len(list_runs(served_runs)) == before


def test_the_form_is_that_of_the_family(train: Page):
    for family in reversed(IMAGES):  # the first one is on the page as it opens
        train.click("#train-family input")
        train.get_by_role("option", name=family, exact=True).click()
        preset = MODELS[family].Settings.presets["small"]
        expect(train.locator(f"#train-{family}-steps input")).to_have_value(str(preset["steps"]))
        train.click(f"#train-{family}-advanced button")
        for setting in MODELS[family].Settings.fields():
            expect(train.locator(f"#train-{family}-{setting.name.replace('_', '-')}")).to_have_count(1)
        expect(train.locator("#train-family")).to_contain_text((MODELS[family].__doc__ or "").splitlines()[0])


@pytest.mark.long
def test_what_a_run_will_take_is_told_when_the_form_rests(train: Page):
    told = train.locator(".estimate")
    expect(told).to_contain_text("s a step", timeout=90_000)  # a process of its own imports everything first
    steps, sentence = train.locator("#train-vae-steps input"), "steps is 0; it must be a whole number from 1 to 10,000,000."
    steps.fill("0")
    train.focus("#train-name input")
    expect(told).to_have_text(sentence)
    expect(steps).to_have_attribute("aria-invalid", "true")
    expect(steps).to_have_accessible_description(sentence)
    expect(train.locator("#train-name input")).to_be_focused()  # nobody asked, so nobody is taken there
    expect(train.locator("#train-refusal")).to_be_hidden()
    steps.fill("10000000")
    expect(steps).not_to_have_attribute("aria-invalid", "true")
    train.keyboard.press("Tab")
    expect(told).to_contain_text("It takes less with a batch of 64 or fewer steps.", timeout=60_000)


@pytest.mark.long
def test_a_finished_run_gets_more_steps(train: Page, served_runs: Path):
    start(train, "further", 12)
    finished(train, "further")
    steps = train.get_by_label("Steps in all")
    expect(steps).to_have_value("24")
    steps.fill("6")
    train.get_by_role("button", name="Train on").click()
    expect(train.locator(".train-stage .fault")).to_contain_text("has 12 already. Give a larger number")
    steps.fill("30")
    train.get_by_role("button", name="Train on").click()
    expect(train.locator(".position")).to_have_text("30 / 30", timeout=60_000)
    finished(train, "further")
    expect(train.locator(".figures")).to_contain_text("30 steps instead of 12 from step 12 on")
    assert Run.open("further", served_runs).history()[-1]["step"] == 30


@pytest.mark.long
def test_resume_says_that_the_data_are_others_now(train: Page, served_runs: Path):
    run = made(served_runs, "robbed", 10, "stopped")
    run.amend(settings={**run.record["settings"], "steps": 20}, data={**run.record["data"], "classes": ["cat", "dog"]})
    train.click("[data-run=robbed] .run-name")
    train.click("#train-pause")
    told = "digits is no longer what the run 'robbed' began to learn: its classes were cat, dog and are 0, 1"
    expect(train.locator(".health")).to_contain_text(told, timeout=60_000)
    expect(badge(train, "robbed")).to_have_text("failed")


def test_what_a_run_does_besides_steps_is_shown(page: Page, served_runs: Path):
    run = made(served_runs, "painter", 10, "running")  # as this process
    with run.doing("draw"):
        page.click("#tab-train")
        page.click("[data-run=painter] .run-name")
        expect(page.locator(".figures li").first).to_have_text("now drawing samples")
    expect(page.locator(".figures")).not_to_contain_text("now drawing samples")
    run.note("stopped")


def test_a_run_that_is_called_like_a_shipped_model_opens_beside_it(page: Page, served_runs: Path):
    run = Run.create("vae", "digits", {"steps": 1, "width": 8}, "namesake", served_runs, threads=1)
    list(training(run, load("digits"), "cpu"))
    shipped = shipped_models()[0]
    run.path.rename(served_runs / shipped)
    page.click("#tab-train")
    page.click(f"[data-run={shipped}] .run-name")
    page.click(".open-latent")
    expect(page.locator("#model-picker input")).to_have_value(f"run:{shipped}")
    Run.open(shipped, served_runs).delete()


@pytest.mark.long
def test_a_preset_reaches_the_run_with_the_settings_that_are_folded_away(train: Page, served_runs: Path):
    train.click("#train-preset input")
    train.get_by_role("option", name="mnist", exact=True).click()
    expect(train.locator("#train-vae-steps input")).to_have_value("5000")
    start(train, "preset", 3)
    finished(train, "preset")
    preset = MODELS["vae"].Settings.presets["mnist"]
    asked = Run.open("preset", served_runs).settings.model_dump()
    assert {name: asked[name] for name in preset} == preset
    assert preset["decay"] == "cosine"  # folded away


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, served_runs: Path, request: pytest.FixtureRequest):
    made(served_runs, f"a-name-of-nearly-forty-letters-{size}")
    page = opened(request.getfixturevalue(size))
    first_point(page)
    assert sticks_out(page) == []
