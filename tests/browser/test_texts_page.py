"""Texts on the page: read and searched, learnt from, written and stopped, looked into token by token, branched, linked."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from looks import sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect

from genlab.data import load
from genlab.modalities import MODALITIES
from genlab.models.settings import SequenceSampling
from genlab.training.checkpoint import load_model
from genlab.training.run import Run, list_runs
from genlab.training.train import train

WRITER = "gpt-that-writes"


@pytest.fixture(scope="module")
def writer(served_runs: Path) -> Run:
    """A run that has learnt a little of Python's help."""
    wish = {"steps": 30, "width": 32, "layers": 2, "heads": 2, "context": 64, "warmup": 5}
    run = Run.create("gpt", "python-docs", wish, WRITER, served_runs, threads=1)
    list(train(run, load("python-docs"), "cpu"))
    return run


@pytest.fixture
def written(page: Page, writer: Run, server: str) -> Page:
    """The Sample tab with two texts that it wrote."""
    page.goto(f"{server}?tab=sample&model={WRITER}&count=2&prompt=The+with&length=60")
    read(page)
    return page


def read(page: Page) -> str:
    """The text that is shown large, once it is written and read."""
    page.wait_for_selector("#text-out .token")
    expect(page.locator("#text-told")).to_contain_text("nats a token")
    return "".join(page.locator("#text-out .token").all_inner_texts()[:-1])


def expected(run: Run, n: int = 1, seed: int = 0, **settings: object) -> list[str]:
    model = load_model(run.path).model
    *_, draft = model.sample(n, SequenceSampling.parse(settings), seed)
    return [MODALITIES["text"].told(item) for item in MODALITIES["text"].to_stored(draft.items)]


def test_documents_are_read_and_searched(page: Page, server: str):
    page.goto(f"{server}?tab=data&dataset=python-docs")
    expect(page.locator("#data-gallery .tile").first).not_to_be_empty()
    page.fill("#text-search", "Coroutine")
    found = page.locator("#data-gallery .tile")
    expect(found.first).to_contain_text(re.compile("coroutine", re.IGNORECASE))
    expect(page.locator(".data-gallery .size")).not_to_contain_text(f"{len(load('python-docs').train)} ")
    assert all("coroutine" in text.lower() for text in found.all_inner_texts())
    found.first.click()
    expect(page.locator(".detail pre.document").first).to_contain_text(re.compile("coroutine", re.IGNORECASE))
    expect(page.locator(".detail .neighbour")).to_have_count(6)
    page.fill("#text-search", "<b>nowhere</b>")
    expect(found).to_have_count(0)
    expect(page.locator("#panel-data b", has_text="nowhere")).to_have_count(0)


def test_what_was_written_is_what_the_model_writes_and_each_token_is_shaded_by_its_surprise(written: Page, writer: Run):
    texts = expected(writer, 2, prompt="The with", length=60)
    assert written.locator("#sample-gallery .tile").all_inner_texts() == texts
    assert "".join(written.locator("#text-out .token").all_text_contents()[:-1]) == texts[0]
    places = load_model(writer.path).model.read(texts[0])
    for node, place in zip(written.locator("#text-out .token").all()[:-1], places, strict=False):
        assert float(node.get_attribute("data-nats") or "nan") == pytest.approx(place.nats, abs=0.01)


def test_another_token_is_taken_by_hand_and_the_branches_are_gone_through(written: Page, tmp_path):
    first = "".join(written.locator("#text-out .token").all_text_contents()[:-1])
    written.locator("#text-out .token").nth(10).click()
    choices = written.locator("#text-choices .choice")
    expect(choices).to_have_count(8)
    other = next(c for c in choices.all() if c.get_attribute("aria-current") == "false" and c.get_attribute("data-token"))
    token = other.get_attribute("data-token") or ""
    other.click()
    expect(written.locator("#sample-prompt textarea, #sample-prompt input").first).to_have_value(first[:10] + token)
    expect(written.locator("#sample-gallery .tile")).to_have_count(1)
    expect(written.locator("#sample-gallery .tile")).to_contain_text((first[:10] + token).strip())
    expect(written.locator("#text-tree button")).to_have_count(2)
    with written.expect_download() as download:
        written.click("#text-export")
    branches = json.loads(Path(download.value.path()).read_text())
    assert [branch["from"] for branch in branches] == [None, 0]
    assert branches[1]["prompt"] == first[:10] + token
    written.locator("#text-tree button").first.click()
    expect(written.locator("#sample-gallery .tile")).to_have_count(2)
    expect(written.locator("#sample-gallery .tile").first).to_have_text(first)


def test_a_text_is_taken_along_as_a_file_of_text(written: Page, writer: Run):
    expect(written.locator("#sample-one")).to_have_text("Text file")
    written.locator("#sample-gallery .tile").nth(1).click()
    with written.expect_download() as download:
        written.click("#sample-one")
    assert download.value.suggested_filename == f"{WRITER}-1.txt"
    assert Path(download.value.path()).read_text() == expected(writer, 2, prompt="The with", length=60)[1]


def test_arrow_keys_go_from_token_to_token_and_enter_opens_one(written: Page):
    tokens = written.locator("#text-out .token")
    tokens.first.focus()
    for _ in range(3):
        written.keyboard.press("ArrowRight")
    expect(tokens.nth(3)).to_be_focused()
    written.keyboard.press("Enter")
    expect(tokens.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(written.locator("#text-choices")).to_be_visible()


@pytest.mark.long
def test_without_temperature_the_same_is_written_twice_and_a_link_writes_it_again(written: Page):
    written.fill("#sample-temperature input[type=number]", "0")
    written.keyboard.press("Tab")
    told = []
    for seed in ("1", "2"):
        written.fill("#sample-seed input", seed)
        written.click("#sample-go")
        expect(written.locator("#sample-gallery")).to_have_attribute("data-seed", seed)
        told.append("".join(written.locator("#text-out .token").all_text_contents()) or read(written))
    expect(written).to_have_url(re.compile("temperature=0"))
    shown = written.locator("#sample-gallery .tile").all_inner_texts()
    assert shown[0] == shown[1]
    written.reload()
    read(written)
    assert written.locator("#sample-gallery .tile").all_inner_texts() == shown


@pytest.mark.long
def test_a_text_is_seen_to_grow_and_stops_where_one_says(written: Page):
    written.fill("#sample-count input", "30")
    written.fill("#sample-length input", "2000")
    written.keyboard.press("Tab")
    written.click("#sample-go")
    seen = []
    while len(seen) < 3:
        written.wait_for_timeout(150)
        text = "".join(written.locator("#sample-gallery .tile").all_text_contents())  # one alone may have ended
        if not seen or text != seen[-1]:
            seen.append(text)
    written.click("#sample-stop")
    assert all(len(before) < len(after) for before, after in pairwise(seen[1:]))
    expect(written.locator("#sample-status")).to_contain_text("of 2000")


def test_a_text_that_is_typed_is_read_and_one_that_cannot_be_gets_a_sentence(written: Page):
    written.fill("#text-typed", "The statement is a")
    written.click("#text-read")
    expect(written.locator("#text-out .token")).to_have_count(len("The statement is a") + 1)
    written.fill("#text-typed", "<img src=x onerror=alert(1)> 漢")
    written.click("#text-read")
    expect(written.locator("#text-told")).to_contain_text("which this model has never seen")


@pytest.mark.long
def test_a_text_family_is_offered_for_texts_and_learns_them(page: Page, server: str, served_runs: Path):
    page.goto(f"{server}?tab=train&dataset=python-docs")
    expect(page.locator("#train-family input")).to_have_value("gpt")
    for name, value in (("steps", "8"), ("width", "16"), ("context", "16")):
        page.fill(f"#train-gpt-{name} input >> nth=0", value)
    page.keyboard.press("Tab")
    page.fill("#train-name input", "learns-words")
    page.click("#train-start")
    expect(page.locator(".train-stage .run-name")).to_have_text("learns-words")  # before, another one is on stage
    expect(page.locator("#train-samples.read p")).to_have_count(12)
    expect(page.locator(".open-latent")).to_have_text("Open in Sample")
    (run,) = [run for run in list_runs(served_runs) if run.name == "learns-words"]
    assert run.record["family"] == "gpt"


def test_a_writer_has_no_latent_space_and_the_tab_shows_the_way_to_what_it_writes(page: Page, server: str, writer: Run):
    page.goto(f"{server}?tab=latent&model={WRITER}")
    expect(page.locator("#latent-note")).to_contain_text("has no latent space")
    expect(page.locator("#latent-pad")).to_be_hidden()
    page.click("#latent-texts")
    read(page)
    page.click("#tab-latent")
    page.locator("#model-picker input").click()
    page.get_by_role("option", name="vae-mnist", exact=True).click()
    expect(page.locator("#latent-pad")).to_be_visible()
    expect(page.locator("#latent-texts")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(request: pytest.FixtureRequest, size: str, writer: Run, server: str):
    page = request.getfixturevalue(size)
    page.goto(f"{server}?tab=sample&model={WRITER}&count=2&length=60")
    read(page)
    page.locator("#text-out .token").nth(5).click()
    assert sticks_out(page) == []
