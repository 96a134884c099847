"""The Evaluate tab in a real browser: models are measured, what is behind a number opens, and files say what the table says."""

import csv
import re
from pathlib import Path

import pytest
from looks import sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect

from genlab import Run, load, train
from genlab.__main__ import main
from genlab.metrics import METRICS

CELLS = """cells => cells.map(({ dataset }) => [dataset.metric, dataset.model, Number(dataset.number)])"""


@pytest.fixture(autouse=True)
def measured_models(served_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small models of digits."""
    monkeypatch.setenv("GENLAB_RUNS", str(served_runs))
    for seed, name in enumerate(("measured-a", "measured-b", "measured-c")):
        if not (served_runs / name).exists():
            run = Run.create("vae", "digits", {"steps": 60, "width": 16, "batch_size": 32, "seed": seed}, name, threads=1)
            list(train(run, load("digits"), "cpu"))


def asked(page: Page, server: str, **wish: object) -> Page:
    wished = {"models": "measured-a,measured-b", "n": 60, "draws": 2, **wish}
    page.goto(f"{server}/?tab=evaluate&{'&'.join(f'{name}={value}' for name, value in wished.items())}")
    return page


def shown(page: Page) -> dict[tuple[str, str], float]:
    return {(metric, model): number for metric, model, number in page.locator("td[data-metric]").evaluate_all(CELLS)}


def written(file: Path) -> dict[tuple[str, str], float]:
    return {(row["metric"], row["model"]): float(row["number"]) for row in csv.DictReader(file.read_text().splitlines())}


def finished(page: Page) -> None:
    expect(page.locator("#evaluate-status")).to_contain_text(re.compile("measured (in|on)"))
    expect(page.locator("#evaluate-table")).to_have_attribute("data-done", "true")


def test_the_tab_says_what_it_is_for(page: Page):
    page.click("#tab-evaluate")
    expect(page.locator("#evaluate-title")).to_have_text("How good is a model, and how sure is that?")
    expect(page.locator("#evaluate-models")).to_contain_text("vae-mnist")


def test_a_click_measures_what_the_form_says(page: Page, server: str):
    finished(asked(page, server, models="measured-a", n=40, draws=1))
    expect(page.locator("#evaluate-title")).to_contain_text("1 draw of 40 samples")
    page.fill("#evaluate-n input", "50")
    page.click("#evaluate-go")
    expect(page.locator("#evaluate-title")).to_contain_text("1 draw of 50 samples")
    finished(page)
    expect(page.locator("#evaluate-table thead th")).to_have_text(["", "measured-a", "real items"])


def test_a_link_opens_the_table_and_a_number_what_is_behind_it(page: Page, server: str):
    finished(asked(page, server))
    expect(page.locator("#evaluate-table thead th")).to_have_text(["", "measured-a", "measured-b", "real items"])
    page.locator("td[data-metric=precision] .number").first.click()
    expect(page.locator("#evaluate-behind h2")).to_have_text("Precision of measured-a: the samples behind it")
    expect(page.locator("#evaluate-behind .pair").first.locator("img")).to_have_count(2)
    expect(page.locator(".evaluate .command code")).to_contain_text("python -m genlab evaluate measured-a measured-b --n=60")


def test_the_csv_says_what_the_table_says(page: Page, server: str):
    finished(asked(page, server))
    with page.expect_download() as download:
        page.click(".evaluate [data-kind=csv]")
    assert shown(page) == written(Path(download.value.path()))


def test_a_number_is_the_one_of_the_command_beside_it(page: Page, server: str, served_runs: Path, tmp_path: Path):
    finished(asked(page, server))
    words = page.inner_text(".evaluate .command code").split()[3:]
    assert main([*words, "--runs-dir", str(served_runs), "--device", "cpu", "--out", str(tmp_path / "found.csv")]) == 0
    there = written(tmp_path / "found.csv")
    same = {key for key in there if key[0] in METRICS}  # what it costs is another matter each time
    assert len(same) > 10
    assert {key: shown(page)[key] for key in same} == pytest.approx({key: there[key] for key in same}, rel=1e-3, abs=1e-3)


def test_what_cannot_be_measured_is_told_at_its_field(page: Page, server: str):
    asked(page, server, data="sprites")
    expect(page.locator("#evaluate-refusal")).to_contain_text("This model draws images of 1×8×8; sprites has images of 3×32×32.")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest, server: str):
    page = request.getfixturevalue(size)
    asked(page, server, models="measured-a")
    finished(page)
    page.locator("td[data-metric=vendi] .number").first.click()
    expect(page.locator("#evaluate-behind .pair").first).to_be_visible()
    assert sticks_out(page) == []


def test_metrics_are_broken_on_a_click(page: Page, server: str):
    finished(asked(page, server, models="measured-a", n=40, draws=1))
    page.click("#evaluate-break")
    expect(page.locator(".shaken")).to_have_attribute("data-done", "true")
    copies = page.locator(".shaken tbody tr", has_text="Copies")
    expect(copies.locator("td.noticed")).to_have_text("✓ 1.00")
    expect(page.locator(".shaken tbody tr", has_text="Agreement").locator("td").last).to_contain_text("✓")


def test_one_votes_blind_and_is_told_whose_the_walls_were(page: Page, server: str):
    finished(asked(page, server))
    blind = page.locator("#evaluate-blind")
    tally, left = blind.locator("[role=status]"), []
    for _ in range(2):
        blind.locator(".next").click()
        expect(blind.locator("figcaption")).to_have_text(["?", "?"])
        expect(blind.locator("img").first).to_be_visible()
        blind.locator("[data-better=left]").click()
        expect(blind.locator("figcaption").first).to_have_text(re.compile("measured-[ab]"))
        left.append(blind.locator("figcaption").first.inner_text())
        expect(tally).to_contain_text(f"measured-a {left.count('measured-a')}, measured-b {left.count('measured-b')}, neither 0")


@pytest.mark.long
def test_three_models_are_compared_from_the_link_to_the_vote(page: Page, server: str, served_runs: Path, tmp_path: Path):
    """Measured once; the link then opens the finished table, and all that hangs on it still works."""
    names = ["measured-a", "measured-b", "measured-c"]
    finished(asked(page, server, models=",".join(names), n=50, seed=7))
    expect(page.locator("#evaluate-status")).to_contain_text("measured in")
    expect(page.locator("#evaluate-short .names span")).to_have_text(names)
    expect(page.locator("#evaluate-short .choice")).to_contain_text("What you would choose for")
    expect(page.locator("#evaluate-settings tbody tr").first.locator("td")).to_have_text(["0", "1", "2"])  # their seeds
    before = shown(page)
    assert {model for _, model in before} == {*names}
    assert {metric for metric, _ in before} > {"coverage", "parameters", "speed-many", "memory"}
    asked(page, server, models=",".join(names), n=50, seed=7)
    expect(page.locator("#evaluate-status")).to_contain_text("measured on")
    assert shown(page) == before
    page.locator("td[data-metric=coverage] .number").last.click()
    expect(page.locator("#evaluate-behind h2")).to_have_text("Coverage of measured-c: the samples behind it")
    expect(page.locator("#evaluate-behind .pair").first.locator("img")).to_have_count(2)
    blind = page.locator("#evaluate-blind")
    blind.locator(".next").click()
    blind.locator("[data-better=neither]").click()
    expect(blind.locator("figcaption").first).to_have_text(re.compile("measured-[abc]"))
    with page.expect_download() as download:
        page.click(".evaluate [data-kind=csv]")
    assert written(Path(download.value.path())) == before
    words = page.inner_text(".evaluate .command code").split()[3:]
    chosen = ["frechet", "kernel", "coverage", "vendi", "two-sample"]
    told = tmp_path / "found.csv"
    assert (
        main([*words, f"--metrics={','.join(chosen)}", "--runs-dir", str(served_runs), "--device", "cpu", "--out", str(told)])
        == 0
    )
    again = {key: number for key, number in written(told).items() if key[0] in chosen}
    assert len(again) == len(chosen) * len(names)
    assert {key: before[key] for key in again} == pytest.approx(again, rel=1e-3, abs=1e-3)


def test_what_was_measured_before_is_measured_anew_on_a_click(page: Page, server: str):
    finished(asked(page, server, models="measured-a", n=30, seed=3))
    asked(page, server, models="measured-a", n=30, seed=3)
    expect(page.locator("#evaluate-status")).to_contain_text("measured on")
    page.click(".evaluate .anew")
    expect(page.locator("#evaluate-status")).to_contain_text("measured in")
    expect(page.locator(".evaluate .anew")).to_be_hidden()
