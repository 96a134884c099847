"""The Latent space tab of models of texts: attention, units, blends and the map of tokens, by hand, by keys and by links."""

import re
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from looks import data, sticks_out
from marks import SIZES
from playwright.sync_api import Page, expect
from test_sequences import splits
from torch import tensor

from genlab.latent.insight import nearest_tokens
from genlab.modalities import MODALITIES
from genlab.models import Given
from genlab.models.base import one_hot
from genlab.models.settings import SequenceSampling
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train

LOOKS, CARRIES = "gpt-that-looks-back", "rnn-that-carries"
TEXT, FIRST, OTHER = "so we are wan.", "so sha", "find a time f"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def runs_of_writers(served_runs: Path) -> dict[str, Run]:
    """A model with classes that looks back, and one without that carries."""
    wish = {"steps": 20, "width": 32, "layers": 2, "context": 64, "warmup": 5}
    learnt = {
        LOOKS: ("gpt", {"heads": 2, "conditional": True}, splits(("a", "b", "c"))),
        CARRIES: ("rnn", {"layers": 1}, splits()),
    }
    runs = {}
    for name, (family, more, parts) in learnt.items():
        runs[name] = Run.create(family, parts, wish | more, name, served_runs, threads=1)
        list(train(runs[name], parts, "cpu"))
    return runs


def opened(page: Page, server: str, model: str, **view: str) -> Page:
    expect(page.locator("#footer-device")).not_to_be_empty()  # one does not leave a page that is still opening
    page.goto(f"{server}?{urlencode({'tab': 'latent', 'model': model, **view})}")
    expect(page.locator(".writer")).to_be_visible()
    return page


@pytest.fixture
def looking(page: Page, server: str, runs_of_writers: dict[str, Run]) -> Page:
    """A text that is looked into."""
    opened(page, server, LOOKS, text=TEXT, token="5")
    expect(page.locator("#writer-strip .token")).to_have_count(len(TEXT) + 1)
    return page


@pytest.fixture
def blending(page: Page, server: str, runs_of_writers: dict[str, Run]) -> Page:
    """Two prompts."""
    opened(page, server, LOOKS, part="blend", prompt=FIRST, other=OTHER, seed="3", length="30", temperature="1")
    expect(page.locator("#blend-told")).to_contain_text("Of ")
    return page


def slide(page: Page, share: str) -> str:
    """What is written at a place of the slider."""
    page.locator("#blend-share").fill(share)
    expect(page.locator("#blend-out")).to_have_attribute("data-share", str(float(share)).removesuffix(".0"))
    expect(page.locator("#blend-told")).to_contain_text("Of ")
    return "".join(page.locator("#blend-out span:not(.end):not(.prompt)").all_text_contents())


def written(run: Run, label: str, given: Given | None = None, **settings: object) -> str:
    model = load_model(run.path).model
    chosen = SequenceSampling.parse({"length": 30, "temperature": 1.0, **settings})
    *_, draft = model.sample(1, chosen, 3, given or model.given_labels(model.label_of(label), 1))
    return MODALITIES["text"].told(MODALITIES["text"].to_stored(draft.items)[0])


# --- Attention ---


def test_a_token_tells_what_it_looks_at(looking: Page, runs_of_writers: dict[str, Run]):
    model = load_model(runs_of_writers[LOOKS].path).model
    first = model.spec.classes[0]
    weights = model.attention(TEXT, model.given_labels(model.label_of(first), 1))
    looking.select_option("#attention-layer", label="2")
    looking.select_option("#attention-head", label="2")
    looking.locator("#writer-strip .token").nth(7).click()
    best = int(weights[1, 1, 7].argmax())
    told = looking.locator("#writer-told")
    expect(told).to_contain_text("Layer 2, head 2: ")
    expect(told).to_contain_text(f"looks at {'the beginning' if best == 0 else f'“{TEXT[best - 1]}”'} ".replace(" ”", "␣”"))
    shades = looking.locator("#writer-strip .token").evaluate_all("all => all.map((one) => one.style.background)")
    shares = [float(re.search(r"([\d.]+)%", shade)[1]) / 75 for shade in shades]
    assert shares[:8] == pytest.approx(weights[1, 1, 7, :8].sqrt().tolist(), abs=0.01)
    assert shares[8:] == [0.0] * (len(TEXT) - 7), "nothing that follows"


def test_keys_go_through_tokens_and_heads(looking: Page):
    canvas = looking.locator("#attention-map")
    canvas.focus()
    looking.keyboard.press("ArrowDown")
    expect(canvas).to_have_attribute("data-token", "6")
    for _ in range(3):
        looking.keyboard.press("ArrowRight")
    expect(looking.locator("#writer-told")).to_contain_text("Layer 2, head 2")
    looking.keyboard.press("ArrowRight")
    expect(looking.locator("#writer-told")).to_contain_text("Layer 1, head 1")
    looking.locator("#writer-strip .token").nth(6).focus()
    looking.keyboard.press("ArrowLeft")
    expect(looking.locator("#writer-strip .token").nth(5)).to_be_focused()
    expect(looking.locator("#writer-strip .token").nth(5)).to_have_attribute("aria-selected", "true")


def test_a_click_on_a_small_one_shows_that_head_and_the_address_opens_it_again(looking: Page):
    canvas = looking.locator("#attention-map")
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] - 20, "y": 50})
    expect(canvas).to_have_attribute("data-head", "1")
    looking.mouse.move(box["x"] + 200, box["y"] + box["height"] * 0.6)
    expect(canvas).not_to_have_attribute("data-token", "5")
    token = canvas.get_attribute("data-token") or ""
    expect(looking).to_have_url(re.compile(rf"token={token}&.*head=2"))
    looking.reload()
    expect(canvas).to_have_attribute("data-token", token)
    expect(canvas).to_have_attribute("data-head", "1")
    expect(looking.locator("#writer-text")).to_have_value(TEXT)


def test_the_picture_leaves_as_svg(looking: Page):
    with looking.expect_download() as download:
        looking.click("#attention-svg")
    assert download.value.suggested_filename == f"{LOOKS}-attention.svg"
    root = ElementTree.fromstring(Path(download.value.path()).read_text("utf-8"))
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(text == "a" for text in texts) == 4, "two of them, each beside its row and above its column"
    squares = [node for node in root.iter("{http://www.w3.org/2000/svg}rect") if node.get("fill-opacity")]
    assert 0.5 < len(squares) / (15 * 16 / 2) <= 1
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == 4


def test_a_text_that_cannot_be_looked_into_gets_a_sentence_and_the_next_one_is_shown(looking: Page):
    for text, sentence in (
        ("", "There is no text to look into"),
        ("<img src=x onerror=alert(1)> 漢", "which this model has never seen"),
        ("so we " * 20, "at most 63 of them are seen at once"),
    ):
        looking.fill("#writer-text", text)
        looking.click("#writer-look")
        expect(looking.locator("#writer-fault")).to_contain_text(sentence)
        expect(looking.locator("#writer-text")).to_have_attribute("aria-invalid", "true")
    looking.fill("#writer-text", "so wan")
    looking.click("#writer-look")
    expect(looking.locator("#writer-strip .token")).to_have_count(7)
    expect(looking.locator("#writer-fault")).to_be_hidden()


# --- Units ---


def test_a_unit_colours_the_text_and_those_that_follow_something_come_first(
    page: Page, server: str, runs_of_writers: dict[str, Run]
):
    text = "so shaken as we are. wan with care."
    opened(page, server, CARRIES, text=text, by="word")
    canvas = page.locator("#units-map")
    expect(page.locator("#units-told")).to_contain_text("would have")
    expect(page.locator("#attention-map")).to_be_hidden()
    units = load_model(runs_of_writers[CARRIES].path).model.units(text)[0]
    unit = int(canvas.get_attribute("data-unit") or -1)
    page.locator("#writer-strip .token").nth(4).click()
    expect(page.locator("#writer-told")).to_contain_text(f"Unit {unit} of layer 1 is at ")
    told = re.search(r"is at ([−\d.]+)", page.locator("#writer-told").inner_text())
    assert told
    assert float(told[1].replace("−", "-")) == pytest.approx(float(units[unit, 4]), abs=0.011)
    canvas.focus()
    page.keyboard.press("ArrowDown")
    expect(canvas).not_to_have_attribute("data-unit", str(unit))
    page.fill("#units-unit", "31")
    page.keyboard.press("Tab")
    expect(canvas).to_have_attribute("data-unit", "31")
    page.select_option("#units-by", "quotes")
    expect(page.locator("#writer-fault")).to_contain_text("whether it lies in quotes is the same")
    page.fill("#units-unit", "999")
    page.keyboard.press("Tab")
    expect(page.locator("#writer-fault")).to_contain_text("no unit 999")


# --- Blends ---


def test_a_slider_goes_from_what_one_prompt_writes_to_what_the_other_does(blending: Page, runs_of_writers: dict[str, Run]):
    run, label = runs_of_writers[LOOKS], load_model(runs_of_writers[LOOKS].path).model.spec.classes[0]
    ends = [slide(blending, "0"), slide(blending, "1")]
    assert ends == [written(run, label, prompt=prompt).removeprefix(prompt) for prompt in (FIRST, OTHER)]
    expect(blending.locator("#blend-out .own")).to_have_count(0)
    between = slide(blending, "0.4")
    assert FIRST + between == written(run, label, prompt=FIRST, other=OTHER, blend=0.4)
    marks = blending.locator("#blend-out span:not(.end)").evaluate_all("all => all.map((one) => one.className)")
    for token, mark, first, other in zip(between, marks, *(end.ljust(30, "\0") for end in ends), strict=False):
        assert mark == {(True, True): "", (True, False): "first", (False, True): "other"}.get(
            (token == first, token == other), "own"
        )
    expect(blending).to_have_url(re.compile("blend=0.4"))
    blending.reload()
    expect(blending.locator("#blend-out")).to_have_attribute("data-share", "0.4")
    assert slide(blending, "0.4") == between


def test_a_slider_goes_from_class_to_class(blending: Page, runs_of_writers: dict[str, Run]):
    classes = load_model(runs_of_writers[LOOKS].path).model.spec.classes
    blending.click("#blend-kind [data-kind=classes]")
    expect(blending.locator("#blend-other")).to_be_hidden()
    blending.select_option("#blend-to", classes[2])
    given = 0.5 * one_hot(tensor([0]), len(classes)) + 0.5 * one_hot(tensor([2]), len(classes))
    assert FIRST + slide(blending, "0.5") == written(runs_of_writers[LOOKS], "", Given(given), prompt=FIRST)


def test_who_has_no_classes_says_why_there_is_none_to_blend(page: Page, server: str, runs_of_writers: dict[str, Run]):
    opened(page, server, CARRIES, part="blend")
    expect(page.locator("#blend-told")).to_contain_text("Of ")
    page.click("#blend-kind [data-kind=classes]")
    expect(page.locator("#blend-fault")).to_contain_text("was trained without classes")
    page.click("#blend-kind [data-kind=prompts]")
    expect(page.locator("#blend-told")).to_contain_text("Of ")
    page.fill("#blend-other", "漢")
    page.keyboard.press("Tab")
    expect(page.locator("#blend-fault")).to_contain_text("which this model has never seen")
    expect(page.locator("#blend-other")).to_have_attribute("aria-invalid", "true")


# --- The map ---


def test_the_map_names_the_tokens_nearest_to_one_and_is_zoomed(page: Page, server: str, runs_of_writers: dict[str, Run]):
    model = load_model(runs_of_writers[LOOKS].path).model
    assert model.tokens
    number = model.tokens.encode("s")[0]
    opened(page, server, LOOKS, part="tokens")
    canvas = page.locator("#token-map")
    expect(canvas).to_have_attribute("data-zoom", "1.00")
    named = data(page, "#token-map", "named")
    page.fill("#token-find", "s")
    expect(canvas).to_have_attribute("data-token", str(number))
    near = page.locator("#token-near .choice")
    expect(near).to_have_count(8)
    assert near.evaluate_all("all => all.map((one) => Number(one.dataset.token))") == [
        i for i, _ in nearest_tokens(model, number)
    ]
    page.click("#token-in")
    page.click("#token-in")
    expect(canvas).to_have_attribute("data-zoom", "2.25")
    assert data(page, "#token-map", "named") != named
    canvas.focus()
    page.keyboard.press("0")
    expect(canvas).to_have_attribute("data-zoom", "1.00")
    page.keyboard.press("ArrowLeft")
    expect(canvas).not_to_have_attribute("data-token", str(number))
    expect(page).to_have_url(re.compile(r"token=\d+"))
    page.fill("#token-find", "漢")
    expect(page.locator("#token-told")).to_contain_text("no token “漢”")


# --- All of it ---


def test_another_model_takes_its_place(looking: Page):
    looking.locator("#model-picker input").click()
    looking.get_by_role("option", name="vae-mnist", exact=True).click()
    expect(looking.locator("#latent-pad")).to_be_visible()
    expect(looking.locator(".writer")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", ["look", "blend", "tokens"])
def test_nothing_sticks_out_and_a_finger_hits_all(
    request: pytest.FixtureRequest, size: str, part: str, server: str, runs_of_writers: dict[str, Run]
):
    page = request.getfixturevalue(size)
    for model in (LOOKS, CARRIES):
        opened(page, server, model, part=part)
        done = {"look": "#writer-told", "blend": "#blend-told", "tokens": "#token-shares"}[part]
        expect(page.locator(done)).not_to_be_empty()
        assert sticks_out(page) == []
        assert page.evaluate((HERE / "unseen_focus.js").read_text()) == []
        if size == "phone":
            assert page.evaluate((HERE / "too_small.js").read_text(), 40) == []
