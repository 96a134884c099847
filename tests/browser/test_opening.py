"""Opening a model ends in a picture, or in a sentence and a way on, whatever becomes of the answers and in which order."""

import json
import random
import re
from collections.abc import Iterator
from itertools import repeat

import pytest
from marks import long
from playwright.sync_api import Page, Route, expect

from genlab.ui.words import say

MODELS = ("vae-mnist", "vae-mnist-2d", "dcgan-mnist")
FATES = ("answered", "answered", "late", "late", "refused", "broken", "lost", "never")
SENTENCE = "Many pictures are being drawn at this moment."
ENDED = """name => {
  const picture = document.querySelector("#latent-image"), again = document.querySelector("#latent-again");
  if (!picture) return false;
  const drawn = picture.dataset.model === name && picture.querySelector("img").src && document.querySelector("#latent-slider-0");
  if (drawn) return "picture";
  const sentence = document.querySelector("#latent-note.fault")?.textContent;
  return !again.hidden && sentence !== LOST && sentence; // what was lost is asked for again by itself
}""".replace("LOST", json.dumps(say("page.lost")))


class Fates:
    """What becomes of each question: answered from memory, late, out of order, in a sentence that refuses, or not at all."""

    def __init__(self, page: Page) -> None:
        self.known: dict[tuple[str, str], str] = {}
        self.draw, self.rest = random.Random(0), True  # whether all is answered at once
        self.held: list[tuple[Route, str]] = []
        self.sure: dict[str, Iterator[str]] = {}  # what becomes of the next questions without a draw
        page.route(re.compile("/component_server"), self)

    def __call__(self, route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        name, data = asked["fn_name"], asked["data"]
        model = data if isinstance(data, str) else data.get("model", "") if isinstance(data, dict) else ""
        if not name.startswith("latent_"):
            return route.continue_()
        if (name, model) not in self.known:
            self.known[name, model] = route.fetch().text()
        drawn = "answered" if self.rest else self.draw.choice(FATES)
        self.meet(route, next(self.sure.get(name, iter(())), drawn), self.known[name, model])

    def meet(self, route: Route, fate: str, answer: str) -> None:
        if fate == "answered":
            route.fulfill(body=answer, content_type="application/json")
        elif fate == "refused":
            route.fulfill(json={"error": SENTENCE})
        elif fate == "broken":
            route.fulfill(status=500, body="")
        elif fate == "lost":
            route.abort()
        elif fate == "late":
            self.held.append((route, answer))

    def release(self) -> None:
        """Let those that were late come now, in any order."""
        held, self.held = self.held, []
        self.draw.shuffle(held)
        for route, answer in held:
            self.meet(route, "answered", answer)


@pytest.fixture
def fates(page: Page) -> Iterator[Fates]:
    """All answers known beforehand, and a page that is soon out of patience."""
    page.wait_for_function(ENDED, arg=MODELS[0])
    fates = Fates(page)
    for name in MODELS[1:] + MODELS[:1]:
        page.evaluate("async (name) => (await genlab).pick('model', name)", name)
        page.wait_for_function(ENDED, arg=name)
        page.wait_for_function("document.querySelector('#latent-strip').childElementCount === 11")
        page.wait_for_function("getComputedStyle(document.querySelector('#latent-slider-0 .mini')).backgroundImage !== 'none'")
    page.evaluate("genlab.then(({ PATIENCE }) => { PATIENCE.again = 30; })")
    yield fates
    fates.rest = True
    fates.release()


def open_in_one_order(page: Page, fates: Fates, seed: int) -> None:
    """Pick up to three models one after the other while fate does what it likes, and see how it ends."""
    fates.draw, fates.rest = random.Random(seed), False
    page.evaluate("genlab.then(({ PATIENCE }) => { PATIENCE.answer = 60; })")
    picked = [fates.draw.choice(MODELS) for _ in range(fates.draw.randint(1, 3))]
    for name in picked:
        page.evaluate("name => genlab.then(({ pick }) => { pick('model', ''); pick('model', name); })", name)
        page.wait_for_timeout(fates.draw.choice([0, 10, 40]))  # the time in which answers come, or do not
        fates.release()
    fates.rest = True
    page.evaluate("genlab.then(({ PATIENCE }) => { PATIENCE.answer = 45_000; })")  # a busy machine may need more than a moment
    ended = page.wait_for_function(ENDED, arg=picked[-1]).json_value()
    if ended == "picture":
        return
    assert ended == SENTENCE, f"seed {seed}: {ended}"
    page.evaluate("document.querySelector('#latent-again').click()")
    page.wait_for_function(f"name => ({ENDED})(name) === 'picture'", arg=picked[-1])


@pytest.mark.long
@pytest.mark.parametrize("seeds", [range(12), long(range(12, 240))], ids=["few", "many"])
def test_opening_ends_well_in_any_order(page: Page, fates: Fates, seeds: range):
    for seed in seeds:
        open_in_one_order(page, fates, seed)
    expect(page.locator("#latent-axes")).not_to_have_attribute("inert", "")


@pytest.mark.long
@pytest.mark.parametrize("refused", [("latent_decode", "latent_axes"), long(("latent_axes",))], ids=["all", "axes"])
def test_what_is_refused_to_a_model_that_opened_can_be_asked_for_again(page: Page, fates: Fates, refused: tuple[str, ...]):
    fates.sure = {name: repeat("refused") for name in refused}
    page.evaluate("async (name) => (await genlab).pick('model', name)", MODELS[1])
    expect(page.locator("#latent-note.fault")).to_have_text(SENTENCE)
    expect(page.locator("#latent-again")).to_be_visible()
    fates.sure = {}
    page.click("#latent-again")
    page.wait_for_function(ENDED, arg=MODELS[1])
    expect(page.locator("#latent-again")).to_be_hidden()


@pytest.mark.long
@pytest.mark.parametrize(
    "fates_of",
    [{"latent_open": ["answered", "refused"], "latent_decode": ["lost"]}, long({"latent_axes": ["lost", "refused"]})],
    ids=["open", "axes"],
)
def test_what_is_refused_when_it_is_asked_again_by_itself_can_be_asked_for_by_hand(page: Page, fates: Fates, fates_of: dict):
    fates.sure = {name: iter(those) for name, those in fates_of.items()}
    page.evaluate("async (name) => (await genlab).pick('model', name)", MODELS[1])
    expect(page.locator("#latent-note.fault")).to_have_text(SENTENCE)
    page.click("#latent-again")
    page.wait_for_function(ENDED, arg=MODELS[1])
    expect(page.locator("#latent-again")).to_be_hidden()


def hasten(route: Route) -> None:
    """Let the page be out of patience soon."""
    whole = route.fetch()
    assert "answer: 45_000" in whole.text()
    route.fulfill(response=whole, body=whole.text().replace("answer: 45_000", "answer: 300"))


def test_what_is_told_of_a_link_does_not_wait_for_ever(page: Page, server: str):
    page.route("**/queue/join*", lambda route: route.abort())
    page.route("**/kit/address.js", hasten)
    page.goto(f"{server}/?tab=latent&model=vae-mnist-2d")
    page.wait_for_function(ENDED, arg="vae-mnist")
    expect(page.get_by_label("model", exact=True)).to_have_value("vae-mnist")


@pytest.mark.parametrize("tab", ["data", "latent", long("train"), long("sample")])
def test_an_unknown_model_or_dataset_is_told_and_what_the_picker_says_is_shown(page: Page, server: str, tab: str):
    page.goto(f"{server}/?tab={tab}&model=UNKNOWN&dataset=UNKNOWN")
    for kind in ("model", "dataset"):
        expect(page.get_by_text(f"There is no {kind} called 'UNKNOWN'")).to_be_visible()
    page.locator("#tab-latent").click()  # a model is opened when it is looked at
    page.wait_for_function(ENDED, arg=page.get_by_label("model", exact=True).input_value())
    dataset = page.get_by_label("dataset", exact=True).input_value()
    page.locator("#tab-data").click()
    expect(page.locator(".data-facts .body")).to_have_attribute("data-of", dataset)


def test_a_model_is_opened_when_its_tab_is_looked_at(page: Page, server: str):
    page.goto("about:blank")  # what was asked before does not count
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "component_server" in request.url else None)
    page.goto(f"{server}/?tab=data&dataset=digits")
    expect(page.locator(".data-facts .body")).to_have_attribute("data-of", "digits")
    expect(page.get_by_label("model", exact=True)).to_have_value("vae-mnist")
    assert not [data for data in asked if "latent_open" in data]
    page.locator("#tab-latent").click()
    page.wait_for_function(ENDED, arg="vae-mnist")
