"""What the scripts compute, asked without the page: each module by itself, in a real browser."""

import base64
import io
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route
from torch import tensor

from genlab.plane import FINE, quantised
from genlab.ui.server.scripts import scripts
from genlab.ui.words import say

SITE = "http://scripts.test"
Ask = Callable[..., object]


def answer(route: Route) -> None:
    found = scripts().get(urlsplit(route.request.url).path.lstrip("/"))
    route.fulfill(body=found or "<body></body>", content_type="text/javascript" if found else "text/html")


@pytest.fixture(scope="module")
def ask(browser: Browser) -> Iterator[Ask]:
    """The value of an expression, in which `m` is a module and `given` what is handed in."""
    page = browser.new_page()
    page.route(f"{SITE}/**", answer)
    page.goto(SITE)
    yield lambda name, value, given=None: page.evaluate(
        f"async (given) => {{ const m = await import('/{name}.js'); return {value}; }}", given
    )
    page.close()


def test_every_module_finds_what_it_imports(ask: Ask):
    assert ask(
        "kit/genlab", "Promise.all(given.map((name) => import(`/${name}`))).then((all) => all.length)", [*scripts()]
    ) == len(scripts())


@pytest.mark.parametrize(("value", "read"), [
    ("m.count(1234.4)", "1,234"),
    ("m.figure(0.000000123)", "1.23e-7"),
    ("m.figure(12345, 2)", "12,000"),
    ("m.percent(0.996)", "99.6%"),
    ("m.percent(0.5)", "50%"),
    ("m.duration(59.4)", say("page.seconds", s=59)),
    ("m.duration(3599.6)", say("page.hours", h=1, m=0)),
    ("m.colourOf(-1) === m.colourOf(9)", True),
])  # fmt: skip
def test_numbers_are_read_as_people_write_them(ask: Ask, value: str, read: object):
    assert ask("kit/numbers", value) == read


@pytest.mark.parametrize("given", [{"n": 1, "k": "1"}, {"n": "1,200", "k": 0}])
def test_a_text_is_the_same_on_both_sides(ask: Ask, given: dict[str, object]):
    assert ask("kit/words", "m.say('data.title', given)", given) == say("data.title", **given)


def test_who_listens_late_hears_the_last_value(ask: Ask):
    heard = """[1, 2, "late", 3].reduce((heard, x) => {
      x === "late" ? m.listen("a", (value) => heard.push(value)) : m.tell("a", x);
      return heard;
    }, [])"""
    assert ask("kit/topics", heard) == [2, 3]


def test_what_is_long_goes_behind_the_hash_of_an_address(ask: Ask):
    assert ask("kit/address", "m.written(given)", {"tab": "latent", "none": "", "z": "A" * 6001}) == f"?tab=latent#z={'A' * 6001}"


def test_a_tile_is_cut_where_it_lies_in_its_sprite(ask: Ask):
    cut = "[{ style: {} }].map((node) => (m.cut(node, ...given), Object.values(node.style)))[0]"
    assert ask("kit/tiles", cut, [6, 5, 3]) == ["500% 300%", "25% 50%"]
    assert ask("kit/tiles", cut, [0, 1, 1]) == ["100% 100%", "0% 0%"]


def test_a_value_of_a_slider_is_in_hundredths_within_its_reach(ask: Ask):
    assert ask("tabs/latent/axes", "[1.239, -9, 9].map(m.rounded)") == [1.24, -4, 4]
    assert ask("tabs/latent/axes", "[1.5, -0.25].map(m.signed)") == ["+1.50", "−0.25"]


def test_an_axis_has_round_numbers_within_its_ends(ask: Ask):
    assert ask("tabs/train/curve", "m.ticks(0, 98, 5)") == [0, 20, 40, 60, 80]
    assert ask("tabs/train/curve", "m.logTicks(-1, 1).map((t) => Number((10 ** t).toPrecision(3)))") == [0.1, 1, 10]


def test_a_smoothed_curve_depends_on_steps_and_not_on_how_many_points_there_are(ask: Ask):
    line = "m.smooth(Array.from({ length: given }, (_, i) => [(100 * i) / (given - 1), 7]), 0.9, 100).at(-1)[1]"
    assert [ask("tabs/train/curve", line, n) for n in (2, 101)] == pytest.approx([7, 7])
    ramp = "m.smooth(Array.from({ length: given }, (_, i) => [i / (given - 1), i / (given - 1)]), 0.98, 1).at(-1)[1]"
    assert ask("tabs/train/curve", ramp, 1001) == pytest.approx(ask("tabs/train/curve", ramp, 4001), abs=0.005)


def test_a_thinned_curve_keeps_its_ends(ask: Ask):
    kept = ask("tabs/train/curve", "m.thin(Array.from({ length: 40000 }, (_, i) => [i, 0])).map(([x]) => x)")
    assert (len(kept), kept[0], kept[-1]) == (1500, 0, 39999)
    assert ask("tabs/train/curve", "[-1, 4, 6, 99].map((step) => m.nearest([[0], [5], [10]], step))") == [0, 1, 1, 2]


def test_points_come_out_as_they_were_packed(ask: Ask):
    points = [0.5, -0.25, 1.0, 0.125]
    assert ask("kit/numbers", "[...m.unpack(given, Int16Array)]", quantised(tensor(points))) == [FINE * x for x in points]


def test_what_a_browser_packs_python_unpacks(ask: Ask):
    pack = """m
      .packed(Object.entries(given).map(([path, text]) => ({ path, file: new File([text], path) })), "mine", () => {})
      .then(async (zip) => [zip.name, btoa(String.fromCharCode(...new Uint8Array(await zip.arrayBuffer())))])"""
    files = {"cats/tom.txt": "meow", "hündchen/rex.txt": "", "top.txt": "x" * 3000}
    name, content = ask("tabs/data/pack", pack, files)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        assert (name, archive.testzip()) == ("mine.zip", None)
        assert {file: archive.read(file).decode() for file in archive.namelist()} == files
