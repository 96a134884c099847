"""What models read of a text, on the Data tab, and what a run quotes of its training part, on the Train tab."""

import json
import re
from pathlib import Path

import pytest
from looks import pick, sticks_out
from marks import SIZES
from playwright.sync_api import Locator, Page, expect

from genlab.data import load
from genlab.metrics.quoted import quotations_of
from genlab.modalities import MODALITIES
from genlab.models.tokens import Tokens
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train

TOLD = MODALITIES["text"].told


def document(row: int = 0) -> str:
    return TOLD(load("python-docs").train.read([row])[0])


def opened(page: Page, server: str, query: str = "") -> Locator:
    page.goto(f"{server}?tab=data&dataset=python-docs{query}")
    page.wait_for_selector("#tokenizer-view .side:nth-child(2) .token")
    return page.locator("#tokenizer-view .side")


def test_a_text_is_cut_as_its_vocabularies_cut_it(page: Page, server: str):
    sides = opened(page, server)
    train = load("python-docs").train
    for side, size in zip((sides.nth(0), sides.nth(1)), (0, 1024), strict=True):
        tokens = Tokens.learnt(train, size)
        pieces = tokens.pieces(document())
        shown = [text.replace("⏎\n", "\n") for text in side.locator(".token").all_text_contents()]
        assert [text if text != "·" else "" for text in shown] == [piece if piece != "·" else "" for piece in pieces]
        expect(side.locator(".figures")).to_contain_text(f"{len(pieces):,} tokens here")
        expect(side.locator(".figures")).to_contain_text(f"The vocabulary has {tokens.size:,}")
        expect(side.locator(".bars code")).to_have_count(12)
    assert int(sides.nth(1).get_attribute("data-tokens")) < int(sides.nth(0).get_attribute("data-tokens")) / 2


def test_another_vocabulary_and_another_text_are_chosen_and_a_link_opens_them_again(page: Page, server: str):
    sides = opened(page, server)
    sides.nth(0).locator("select").select_option("bpe-4096")
    expect(page.locator("#tokenizer-view .side").nth(0)).to_have_attribute("data-by", "bpe-4096")
    page.locator("#data-gallery .tile").nth(3).click()
    row = re.search(r"row ([\d,]+)", page.locator("#data-gallery .tile").nth(3).get_attribute("aria-label"))[1]
    expect(page.locator("#tokenizer-view .row")).to_contain_text(f"row {row} of")
    expect(page).to_have_url(re.compile(rf"tokens=bpe-4096%2Cbpe-1024&row={row}"))
    before = "".join(sides.nth(0).locator(".token").all_text_contents())
    page.reload()
    expect(page.locator("#tokenizer-view .row")).to_contain_text(f"row {row} of")
    assert "".join(sides.nth(0).locator(".token").all_text_contents()) == before
    page.goto(f"{server}?tab=data&dataset=python-docs&tokens=bpe-4096,nonsense&row=2")
    expect(page.locator("#tokenizer-view .fault").first).to_contain_text("no vocabulary nonsense; choose characters, bpe-512")
    page.goto(f"{server}?tab=data&dataset=python-docs&tokens=characters,bpe-512&row=99999")
    expect(page.locator("#tokenizer-view .fault").first).to_contain_text("99999")


def test_arrow_keys_go_from_token_to_token_and_show_the_same_letters_on_the_other_side(page: Page, server: str):
    sides = opened(page, server)
    tokens = sides.nth(1).locator(".token")
    tokens.first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(tokens.nth(2)).to_be_focused()
    expect(page.locator("#tokenizer-view .told")).to_contain_text(re.compile(r"^Token 3 of \d+: .+ number \d+, \d+ bytes?"))
    here, there = (side.locator(".same").all_text_contents() for side in (sides.nth(1), sides.nth(0)))
    assert "".join(there) == "".join(here)
    page.keyboard.press("ArrowLeft")
    expect(tokens.nth(1)).to_be_focused()


def test_of_pictures_there_is_nothing_to_read(page: Page, server: str):
    opened(page, server)
    pick(page, "dataset-picker", "digits")
    expect(page.locator("#tokenizer-view")).to_be_hidden()


@pytest.fixture(scope="module")
def copier(served_runs: Path) -> Run:
    """A run that seems to have drawn a document by heart, and markup."""
    wish = {"steps": 4, "width": 16, "layers": 1, "heads": 2, "context": 16}
    run = Run.create("gpt", "python-docs", wish, "copier", served_runs, threads=1)
    list(train(run, load("python-docs"), "cpu"))
    texts = [f"<b>Mine</b> {document(5)[:200]}", "nothing that stands anywhere"]
    run.sample_file(run.samples()[-1]).write_text(json.dumps(texts))
    return run


def test_what_stands_in_the_training_part_word_for_word_is_marked_and_counted(page: Page, server: str, copier: Run):
    page.goto(f"{server}?tab=train&run=copier")
    expect(page.locator("#train-quoted")).to_contain_text("stands in the training part word for word")
    texts = json.loads(copier.sample_file(copier.samples()[-1]).read_text())
    quotations = quotations_of(load("python-docs").train)
    found = [quotations.look(text) for text in texts]
    share = sum(one.copied for one in found) / sum(one.size for one in found)
    expect(page.locator("#train-quoted")).to_contain_text(f"{share:.0%}")
    expect(page.locator("#train-quoted")).to_contain_text(f"The longest has {found[0].longest}.")
    assert page.locator("#train-samples p").all_text_contents() == texts
    marked = page.locator("#train-samples p").first.locator("mark").all_text_contents()
    assert marked == [texts[0][start:end] for start, end in found[0].spans]
    expect(page.locator("#train-samples b")).to_have_count(0)


def test_the_vocabulary_of_a_model_is_one_to_choose(page: Page, server: str, copier: Run):
    sides = opened(page, server, "&tokens=of:copier,bpe-512")
    known = load_model(copier.path).model.tokens
    expect(sides.nth(0).locator(".figures")).to_contain_text(f"The vocabulary has {known.size:,}")
    expect(sides.nth(0).locator("select")).to_have_value("of:copier")
    assert int(sides.nth(0).get_attribute("data-tokens")) == len(known.encode(document()))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_of_the_tokens_sticks_out(request: pytest.FixtureRequest, size: str, server: str):
    page = request.getfixturevalue(size)
    opened(page, server)
    assert sticks_out(page) == []
