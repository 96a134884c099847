"""Own texts on the page: brought along, understood and corrected, read, damaged, repaired, and learnt from."""

import re
from pathlib import Path

import pytest
from data_page import opened
from looks import sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect
from test_import_card import packed, zipped
from test_quality_tab import damage, look, repair

from genlab.data import load
from genlab.modalities import MODALITIES


@pytest.fixture(autouse=True)
def of_the_server(served_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test read the datasets that the page has."""
    monkeypatch.setenv("GENLAB_DATASETS", str(served_runs.parent / f"{served_runs.name}-datasets"))


MARKUP = "<img src=x onerror=alert(1)> <b>bold</b> &amp; </script>"


def proverbs(n: int = 120) -> str:
    return "\n\n".join(f"Who has {i} of what he wants\nhas {i * i} of what he fears. {MARKUP}" for i in range(n))


def upload(page: Page, *paths: Path) -> None:
    page.click("#tab-data")
    page.set_input_files("#data-import input", [str(path) for path in paths])
    expect(page.locator(".data-import .layout")).to_be_visible()


def bring(page: Page, name: str) -> None:
    page.fill(".data-import input[name=name]", name)
    page.click(".data-import button[type=submit]")
    opened(page, name)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "proverbs.md").write_text(proverbs(), "utf-16")
    return tmp_path / "proverbs.md"


def test_an_own_text_is_understood_corrected_and_read(page: Page, written: Path):
    upload(page, written)
    cut = page.get_by_label("a document is")
    expect(cut).to_have_value("passages")
    expect(page.locator(".data-import .layout thead th")).to_have_text(["class", "training", "test"])
    cut.select_option("paragraphs")
    expect(page.locator(".data-import .layout tbody td")).to_have_text([re.compile("^120")])
    expect(page.locator(".data-import .excerpt").first).to_have_text(re.compile(re.escape(MARKUP)))
    assert page.locator(".data-import .layout img, .data-import .layout b").count() == 0
    bring(page, "own-proverbs")
    expect(page.locator(".data-import .done")).to_contain_text("1 of 1 file imported.")
    expect(page.locator("#import-table tbody tr")).to_have_text(["proverbs.md120 documentsread as UTF-16"])
    expect(page.locator(".data-own .aside")).to_have_text("120 documents of your own")
    page.fill("#text-search", "of 9999")
    expect(page.locator("#data-gallery .tile")).to_have_count(0)
    page.fill("#text-search", "Who has 7 of")
    expect(page.locator("#data-gallery .tile")).to_have_count(1)
    page.locator("#data-gallery .tile").click()
    expect(page.locator(".detail pre.document").first).to_contain_text(MARKUP)
    assert page.locator(".data-gallery img, .data-gallery b").count() == 0
    told = MODALITIES["text"].told
    kept = {told(item) for part in load("own-proverbs").parts.values() for item in part.read(slice(None))}
    assert kept == set(proverbs().split("\n\n"))


def test_a_column_of_a_table_is_chosen_and_its_classes_are_another(page: Page, tmp_path: Path):
    rows = "\n".join(f'"says, {i}";remark {i} on it;{"yes" if i % 2 else "no"}' for i in range(40))
    (tmp_path / "talk.csv").write_text(f"text;comment;answer\n{rows}\n", "cp1252")
    upload(page, tmp_path / "talk.csv")
    expect(page.get_by_label("texts are in the column")).to_have_value("text")
    page.get_by_label("texts are in the column").select_option("comment")
    expect(page.locator(".data-import .excerpt").first).to_have_text("remark 0 on it")
    page.locator(".data-import .correct summary").click()
    page.get_by_label("classes are read off").select_option("answer")
    expect(page.locator(".data-import .chip")).to_have_text(["no", "yes"])
    page.locator(".chip").nth(0).click()
    bring(page, "own-talk")
    expect(page.locator(".data-gallery .title")).to_have_text("20 documents in 1 class")


def test_texts_beside_images_are_taken_where_one_wishes(page: Page, tmp_path: Path):
    files = {f"{i}.png": packed(i) for i in range(4)} | {f"{i}.txt": f"caption {i}".encode() for i in range(4)}
    upload(page, zipped(tmp_path / "both.zip", files))
    expect(page.locator(".data-import .layout img")).to_have_count(1)
    page.locator(".data-import .correct summary").click()
    page.get_by_label("what is taken").select_option("texts")
    expect(page.locator(".data-import .excerpt").first).to_have_text("caption 0")
    bring(page, "own-captions")
    expect(page.locator(".data-gallery .title")).to_have_text("4 documents without classes")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"", "No text found in a.txt"),
        ("a.md", b"\x89PNG\r\n\x1a\n\0\0", "only programs read"),
        ("a.csv", b"a,b\n1,2\n3,4\n", "a.csv holds numbers alone, and no column of texts."),
    ],
)
def test_what_is_no_text_gets_its_sentence(page: Page, tmp_path: Path, name: str, content: bytes, sentence: str):
    (tmp_path / name).write_bytes(content)
    page.click("#tab-data")
    page.set_input_files("#data-import input", str(tmp_path / name))
    expect(page.locator(".data-import .fault")).to_contain_text(sentence)
    expect(page.locator("#data-import")).to_be_visible()


@pytest.mark.long
def test_own_texts_are_damaged_found_and_repaired(page: Page, server: str, tmp_path: Path):
    (tmp_path / "sayings.txt").write_text(proverbs(60))
    upload(page, tmp_path / "sayings.txt")
    page.get_by_label("a document is").select_option("paragraphs")
    expect(page.locator(".data-import .layout tbody td")).to_have_text([re.compile("^60")])
    bring(page, "own-sayings")
    whole = len(load("own-sayings").train)
    damage(page, "duplicates", "copied", rate="0.2")
    opened(page, "own-sayings+copied")
    assert len(load("own-sayings+copied").train) == whole + round(0.2 * whole)
    look(page)
    page.click("#quality-issue-duplicates-exact")
    page.wait_for_selector(".suspect")
    repair(page)
    assert len(load("own-sayings+copied").train) == whole
    page.goto(f"{server}?tab=train&dataset=own-sayings%2Bcopied")
    expect(page.locator("#train-family input")).to_have_value("gpt")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest, written: Path):
    page = request.getfixturevalue(size)
    upload(page, written)
    page.locator(".data-import .correct summary").click()
    assert sticks_out(page) == []
    bring(page, f"own-tidy-{size}")
    assert sticks_out(page) == []
