"""Texts that are damaged on the page are found to be so, read where they are, repaired, and looked at again."""

import re

import pytest
from data_page import choose, opened
from looks import sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect
from test_quality_tab import counts, damage, look, repair

from genlab.data import load
from genlab.quality import DEFECTS, inspect
from genlab.quality.defect import kinds_of, takes
from genlab.quality.personal import found


def of_all(name: str) -> list[str]:
    """What the documents of a dataset say."""
    data = load(name).train
    return [data.spec.kind.told(item) for item in data.read(slice(None))]


@pytest.fixture(autouse=True)
def of_the_server(served_runs, monkeypatch):
    """Let this test read the datasets that the page has."""
    monkeypatch.setenv("GENLAB_DATASETS", str(served_runs.parent / f"{served_runs.name}-datasets"))


def test_texts_are_offered_what_texts_can_have(page: Page):
    choose(page, "python-docs")
    offered = page.eval_on_selector_all("#defect-picker option", "all => all.map(option => option.value)")
    assert offered == [name for name, defect in DEFECTS.items() if takes(defect, "text")]
    page.select_option("#defect-picker", "duplicates")
    kinds = page.eval_on_selector_all("#defect-kind option", "all => all.map(option => option.value)")
    assert kinds == [*(kinds_of(DEFECTS["duplicates"], "text") or ())]


def test_addresses_that_were_planted_are_found_read_and_masked(page: Page):
    clean = of_all("python-docs")
    choose(page, "python-docs")
    damage(page, "personal", "private", rate="0.2")
    opened(page, "python-docs+private")
    planted = round(0.2 * len(clean))
    expect(page.locator(".change .note")).to_contain_text(f"{planted} look different")
    expect(page.locator(".change .pair").first).to_contain_text("@")
    look(page)
    assert counts(page) == {finding.name: finding.count for finding in inspect(load("python-docs+private"))}
    assert counts(page)["personal-email"] == planted
    expect(page.locator("#quality-score-privacy")).to_contain_text("e-mail address")
    page.click("#quality-issue-personal-email")
    suspects = page.locator("#quality-suspects .suspect .face")
    expect(suspects.first).to_contain_text(re.compile(r"@[\w.-]*example\."))
    assert all("@" in text for text in suspects.all_inner_texts())
    assert "they are told by their form alone" in page.locator(".suspects .sentence").inner_text().lower()
    repair(page)
    expect(page.locator("#recipe li").last).to_contain_text(f"{planted} items rewritten")
    expect(page.locator("#quality-issue-personal-email .was")).to_have_text(f"{planted:,} →")
    assert counts(page)["personal-email"] == 0
    after = of_all("python-docs+private")
    assert len(after) == len(clean)
    assert sum("[e-mail]" in text for text in after) == planted
    assert not any([*found("email", text.encode())] for text in after)
    expect(page.locator(".change .pair").first).to_contain_text("[e-mail]")


@pytest.mark.long
def test_a_wrong_encoding_is_mended_and_what_was_lost_is_dropped(page: Page):
    choose(page, "python-docs")
    damage(page, "garbled", "spoilt", rate="0.2")
    damage(page, "garbled", "spoilt", rate="0.1", kind="lost")
    look(page)
    before = counts(page)
    assert before["garbled-mojibake"] > 0.1 * len(of_all("python-docs"))
    assert before["garbled-lost"] == round(0.1 * len(of_all("python-docs")))
    for issue in ("garbled-mojibake", "garbled-lost"):
        page.click(f"#quality-issue-{issue}")
        expect(page.locator("#quality-suspects .suspect").first).to_be_visible()
        repair(page)
    assert counts(page)["garbled-lost"] == 0
    assert len(of_all("python-docs+spoilt")) == len(of_all("python-docs")) - before["garbled-lost"]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out_where_suspects_are_read(request: pytest.FixtureRequest, size: str, server: str):
    page = request.getfixturevalue(size)
    choose(page, "python-docs")
    damage(page, "truncated", f"cut-{size}")
    opened(page, f"python-docs+cut-{size}")
    look(page)
    page.click("#quality-issue-truncated")
    expect(page.locator("#quality-suspects.of-texts .suspect").first).to_be_visible()
    assert sticks_out(page) == []
