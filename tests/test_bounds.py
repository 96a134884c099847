"""Whatever a stranger can take of a public page is bounded, for each visitor and in all, and is given back when they leave."""

import asyncio
import gc
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from asking import Asker, apart
from gradio_client import Client
from marks import long
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from serving import PublicPage
from test_spaces import bring, space_on

from genlab.data import delete_dataset, load, recipe_of, save_recipe
from genlab.data.dataset import MOST_ITEMS
from genlab.errors import BadData, BadSetting
from genlab.paths import in_space
from genlab.training import train as training
from genlab.training.run import Run
from genlab.training.train import train
from genlab.ui.kit.shared import Kept
from genlab.ui.server import places, preset, spaces, sweeper, uploads
from genlab.ui.server.places import Places
from genlab.ui.server.preset import PUBLIC

API = "/gradio_api"
MUCH = ["diffusion-mnist", 64, 0, "", {"steps": 40}]  # just within what a call may take
ENOUGH = ["diffusion-mnist", 34, 0, "", {}]  # just what counts as long


Caller = Callable[[list[Any], float | None], None]  # samples; given so many seconds, no longer waits after them


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GENLAB_VISITORS", str(tmp_path / "visitors"))
    monkeypatch.setattr(preset, "_current", PUBLIC)
    return tmp_path / "visitors"


def sample(client: httpx.Client, wish: list[Any], patience: float = 120) -> httpx.Response:
    return client.post(f"{API}/run/sample", json={"data": wish}, timeout=patience)


def decode(client: httpx.Client) -> httpx.Response:
    return client.post(f"{API}/run/decode", json={"data": ["vae-mnist", [0.0] * 16, ""]})


# --- Drawing ---


def test_more_than_a_call_may_draw_is_told_with_what_is_possible(public_page: PublicPage):
    wish = ["diffusion-catsdogs", 64, 0, "", {"steps": 1000, "sampler": "heun", "guidance": 2}]
    answer = sample(public_page.visitor(), wish)
    assert answer.status_code == 400
    assert "it draws at most 1." in answer.json()["error"]


def over_http(page: PublicPage) -> Caller:
    """Goes away."""
    visitor = page.visitor()

    def call(wish: list[Any], patience: float | None) -> None:
        if patience is None:
            assert sample(visitor, wish).status_code == 200
        else:
            with pytest.raises(httpx.ReadTimeout):
                sample(visitor, wish, patience)

    return call


def by_gradios_client(page: PublicPage) -> Caller:
    """Cancels the job."""
    client = Client(page.address, verbose=False)

    def call(wish: list[Any], patience: float | None) -> None:
        job = client.submit(*wish, api_name="/sample")
        if patience is None:
            job.result()
        else:
            time.sleep(patience)
            assert job.cancel()

    return call


def over_mcp(page: PublicPage) -> Caller:
    """Closes the connection."""

    async def ask(wish: dict[str, Any], patience: float | None) -> None:
        async with (
            streamablehttp_client(f"{page.address}{API}/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            with anyio.move_on_after(120 if patience is None else patience):
                assert not (await session.call_tool("sample", wish)).isError

    def call(wish: list[Any], patience: float | None) -> None:
        named = dict(zip(("model", "n", "seed", "label", "settings"), wish, strict=True))
        apart(ask(named, patience))

    return call


@pytest.mark.long
@pytest.mark.parametrize("caller", [over_http, *(long(other) for other in (by_gradios_client, over_mcp))])
def test_what_nobody_waits_for_any_longer_is_not_drawn(public_page: PublicPage, caller: Callable[[PublicPage], Caller]):
    call = caller(public_page)
    call(ENOUGH, None)
    began = time.monotonic()
    call(ENOUGH, None)
    alone = time.monotonic() - began
    call(MUCH, alone / 4)
    began = time.monotonic()
    call(ENOUGH, None)  # the place of what was left is free
    assert time.monotonic() - began < 3 * alone, "what was left would have taken four times as long"


def test_who_asks_for_all_there_is_holds_up_nobody_else(public_page: PublicPage):
    greedy, other = public_page.visitor(), public_page.visitor()

    async def besiege() -> None:
        async with httpx.AsyncClient(
            base_url=public_page.address, cookies=greedy.cookies, timeout=120, limits=httpx.Limits()
        ) as many:
            asked = [asyncio.create_task(many.post(f"{API}/run/sample", json={"data": MUCH})) for _ in range(30)]
            refused = 0
            for answer in asyncio.as_completed(asked):
                refused += (await answer).status_code == 429
                if refused == 6:  # six are answered, and three times as many wait
                    break
            assert [decode(other).status_code for _ in range(10)] == [200] * 10
            assert sum(task.done() for task in asked) == refused, "the others were still being drawn"
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    apart(besiege())


def test_the_places_go_to_whoever_has_least():
    few, order = Places(2), []

    def hold(name: str, gate: threading.Event, share: int | None = None) -> threading.Thread:
        def held() -> None:
            with in_space(Path(name)), few.one(share):
                order.append(name)
                gate.wait(20)

        thread = threading.Thread(target=held)
        thread.start()
        return thread

    def settled(n: int) -> None:
        while len(order) + len(few._waiting) < n:
            time.sleep(0.005)

    first, rest = threading.Event(), threading.Event()
    threads = [hold("greedy", first)]
    settled(1)
    threads.append(hold("greedy", rest))
    settled(2)
    threads.append(hold("greedy", rest))
    settled(3)
    threads.append(hold("modest", rest))
    settled(4)
    first.set()
    while len(order) < 3:
        time.sleep(0.005)
    assert order == ["greedy", "greedy", "modest"]
    rest.set()
    for thread in threads:
        thread.join()


def test_a_visitor_holds_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "PATIENCE", 0.01)
    monkeypatch.setattr(places, "LOOK", 0.01)
    few = Places(3)
    with in_space(Path("one")), few.one(1):
        with pytest.raises(BadSetting, match="Many pictures"), few.one(1):
            pass
        with in_space(Path("other")), few.one(1):
            pass
        with few.one(2), pytest.raises(BadSetting, match="Many pictures"), few.one(2):
            pass


def test_whoever_keeps_most_in_memory_loses_their_own():
    kept = Kept(3)
    with in_space(Path("one")):
        kept.put("mine", 1)
    with in_space(Path("other")):
        for i in range(5):
            kept.put(i, i)
    assert (kept.find("mine"), kept.find(2), kept.find(3), kept.find(4)) == (1, None, 3, 4)
    kept.forget(Path("other"))
    assert (kept.find("mine"), kept.find(4)) == (1, None)


# --- Recipes ---


def test_a_recipe_of_copies_of_copies_comes_to_an_end(public: Path):
    made = ["digits"]

    def go_on() -> None:
        while len(made) < 12:
            twice = recipe_of(made[-1]).then("duplicates", {"rate": 1.0}, len(made))
            made.append(save_recipe(f"m{len(made)}", twice).name)

    with in_space(public / "visitor"):
        with pytest.raises(BadData, match="may have 120,000 items and 128 MB"):
            go_on()
        assert MOST_ITEMS / 2 < len(load(made[-1]).train) <= MOST_ITEMS


def test_recipes_build_on_no_more_than_a_few_others(public: Path):
    with in_space(public / "visitor"):
        bring(public / "visitor", "tiny")
        for i in range(30):
            save_recipe(f"m{i}", recipe_of("digits").then("drop", {"ids": [i]}))
        recipe = recipe_of("tiny")
        for i in range(30):
            recipe = recipe.then("merge", {"dataset": f"digits+m{i}", "fingerprint": ""})
        with pytest.raises(BadData, match="at most 20 are possible"):
            save_recipe("all", recipe)


def test_the_memory_of_a_recipe_is_given_back():
    name = save_recipe("noisy", recipe_of("digits").then("noise", {"rate": 1.0})).name
    made = weakref.ref(load(name).train)
    gc.collect()
    assert made() is not None
    delete_dataset(name)
    gc.collect()
    assert made() is None


def test_on_the_page_a_recipe_that_doubles_itself_is_refused_in_a_sentence(public_page: PublicPage):
    asker, name = Asker(public_page.visitor()), "digits"
    for i in range(12):
        answer = asker.ask("quality_merge", {"dataset": name, "other": name, "name": f"m{i}"})
        if "error" in answer:
            break
        name = answer["name"]
    assert "on a public page it may have 120,000 items" in answer["error"]


# --- Training ---


def test_a_paused_run_keeps_its_turn(public_page: PublicPage):
    one, other = Asker(public_page.visitor()), Asker(public_page.visitor())
    mine = one.start("digits", steps=100_000, batch_size=8, latent=4)["run"]
    _until(one, mine, "running")
    theirs = other.start("digits", steps=100_000, batch_size=8, latent=4)["run"]
    one.ask("ask", {"run": mine, "wanted": "pause"})
    _until(one, mine, "paused")
    for _ in range(4):
        one.ask("points_advance", {"run": mine, "steps": 1})
        assert _state(other, theirs) == "queued"
    one.ask("ask", {"run": mine, "wanted": "run"})
    _until(one, mine, "running")
    assert _state(other, theirs) == "queued"
    for asker, run in ((other, theirs), (one, mine)):
        assert asker.ask("remove", {"runs": [run], "stop": True}) == {}


def _state(asker: Asker, run: str) -> str:
    return next(line["state"] for line in asker.ask("watch", {})["runs"] if line["name"] == run)


def _until(asker: Asker, run: str, state: str) -> None:
    deadline = time.monotonic() + 240
    while (now := _state(asker, run)) != state:
        assert now != "failed"
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def test_a_run_that_is_paused_for_long_ends_with_everything_saved(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training, "PAUSED", 0.01)
    run = Run.create("vae", "digits", {"steps": 100, "batch_size": 8}, seconds=600)
    for progress in train(run, load("digits"), "cpu"):
        if progress.step == 3:
            run.ask("pause")
    status = run.status()
    assert (status.state, status.step, run.saved_step) == ("stopped", 3, 3)
    assert "it was paused for 0.01 seconds. Everything is saved" in status.message


# --- Uploads ---


def upload(client: httpx.Client, content: bytes, name: str = "x.bin") -> httpx.Response:
    return client.post(f"{API}/upload", files={"files": (name, content)})


def test_uploads_count_for_the_visitor_and_go_when_they_are_told_to(public_page: PublicPage):
    one, other = public_page.visitor(), public_page.visitor()
    large = [bytes([i]) * (19 * 2**20) for i in range(6)]
    sent = [upload(one, content) for content in large]
    assert [answer.status_code for answer in sent] == [200] * 5 + [413]
    assert "There is room for" in sent[-1].text
    (theirs,) = upload(other, large[0]).json()
    paths = [path for answer in sent[:5] for path in answer.json()]
    assert "not part of this session" in Asker(other).ask("forget", {"paths": paths[1:]})["error"], "nobody else's"
    assert Asker(one).ask("forget", {"paths": paths}) == {}
    assert [Path(path).exists() for path in paths] == [True, False, False, False, False], "the first is another's, too"
    assert upload(one, large[5]).status_code == 200
    assert Asker(other).ask("forget", {"paths": [theirs]}) == {}
    assert not Path(theirs).exists()


def test_without_a_cookie_nothing_is_taken(public_page: PublicPage):
    answer = upload(httpx.Client(base_url=public_page.address), b"x")
    assert answer.status_code == 401
    assert "by a cookie" in answer.text


def test_files_come_in_no_other_way(public_page: PublicPage):
    answer = public_page.visitor().post(f"{API}/component_server/", files={"data": ("x", b"x")}, data={"fn_name": "may"})
    assert answer.status_code == 400


def test_uploads_that_are_not_used_go(public: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    kept, old, left = tmp_path / "a" / "kept", tmp_path / "b" / "old", tmp_path / "tmpcut"
    ledger = uploads.Uploads()
    for file in (kept, old, left):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    with ledger.coming(public / "one", 5) as sent:
        sent.files = frozenset([old, kept])
    with ledger.coming(public / "other", 5) as again:
        again.files = frozenset([kept])
    assert ledger.room(public / "one") == PUBLIC.uploads - 5
    monkeypatch.setattr(uploads, "UNUSED", -1)
    again.at = time.monotonic() + 1000
    ledger.sweep()
    assert (kept.exists(), old.exists(), left.exists()) == (True, False, False)
    assert ledger.room(public / "one") == PUBLIC.uploads


def test_what_is_handed_out_takes_the_place_of_what_was(public: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(preset, "_current", preset.Preset(public=True, uploads=3 * 4096, all_uploads=2**20))
    ledger, files = uploads.Uploads(), [tmp_path / str(i) / "picture.png" for i in range(5)]
    with in_space(public / "one"):
        for file in files:
            file.parent.mkdir()
            file.write_bytes(b"x")
            ledger.made(file)
    assert [file.exists() for file in files] == [False, False, True, True, True]


# --- The disk ---


@contextmanager
def filled(space: Path, size: int) -> Any:
    """A space that seems to hold so many bytes."""
    file = space / "datasets" / "large"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as large:
        large.truncate(size)
    try:
        yield
    finally:
        file.unlink()


def test_who_has_used_up_their_part_is_told_and_nobody_else_is(public_page: PublicPage):
    one, other = public_page.visitor(), public_page.visitor()
    drawing = {"name": "mine", "points": [[0.1 * i, 0.0] for i in range(-9, 9)] * 4, "colours": [0] * 72}
    with filled(space_on(public_page, one), PUBLIC.visitor_disk + 1):
        assert "You have used" in Asker(one).ask("drawing_save", drawing)["error"]
        assert Asker(other).ask("drawing_save", drawing) == {"name": "mine"}
    assert Asker(one).ask("drawing_save", drawing) == {"name": "mine"}


def test_many_small_files_count_too(public: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preset, "_current", preset.Preset(public=True, disk=2**40, visitor_disk=2**40, visitor_files=3))
    bring(public / "mine")
    with in_space(public / "mine"), pytest.raises(BadData, match="files here"):
        spaces.check_room()


def test_imports_at_the_same_time_keep_together_no_more_than_there_is_room_for(public: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spaces, "_sizes", {})
    caps = preset.Preset(public=True, disk=10 * 2**20, visitor_disk=8 * 2**20, visitor_files=100)
    monkeypatch.setattr(preset, "_current", caps)
    with filled(public / "other", 4 * 2**20), in_space(public / "mine"):
        assert spaces.room() == 5 * 2**20, "the other has not been measured"
        spaces.measure(public / "other")
        assert spaces.room() == 3 * 2**20
        with filled(public / "mine", 5 * 2**20):
            assert spaces.room() == 2**19


def test_an_import_that_would_not_fit_is_refused_before_it_is_made(public: Path, tmp_path: Path):
    from dataclasses import replace

    from PIL import Image

    from genlab.data.importing import PUBLIC as LIMITS
    from genlab.data.importing import import_images

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(4):
        Image.new("L", (64, 64), i).save(pictures / f"{i}.png")
    with pytest.raises(BadData, match=r"4 pictures of 64×64 pixels take 1 MB; you have room for 1 MB"):
        list(import_images([pictures], "mine", size=64, limits=replace(LIMITS, kept=4 * 64 * 64 - 1)))
    list(import_images([pictures], "mine", size=64, limits=replace(LIMITS, kept=4 * 64 * 64)))


def test_a_sweep_looks_at_each_space_once_and_at_none_that_was_not_used(public: Path, monkeypatch: pytest.MonkeyPatch):
    looked: Counter[str] = Counter()
    size_of = sweeper.size_of
    monkeypatch.setattr(sweeper, "size_of", lambda folder: looked.update([Path(folder).name]) or size_of(folder))
    for i in range(50):
        (public / f"{i:032x}").mkdir(parents=True)
    known = sweeper.sweep(public, 3600)
    assert len(looked) == len(known) == looked.total() == 50
    spaces.os.utime(public / f"{7:032x}", (time.time() + 5,) * 2)
    assert sweeper.sweep(public, 3600, known).keys() == known.keys()
    assert looked == Counter(known.keys()) + Counter([f"{7:032x}"])


# --- The queue of events ---


def test_who_joins_without_reading_fills_only_their_own_part(public_page: PublicPage):
    one, other = Asker(public_page.visitor(), "greedy"), Asker(public_page.visitor())
    event = one.events["_inspect"]
    call = {"data": [], "event_data": {"dataset": "digits", "turn": 1}, "fn_index": event["id"], "session_hash": "greedy"}
    answers = [one.client.post(f"{API}/queue/join", json=call) for _ in range(33)]
    assert Counter(answer.status_code for answer in answers) == {200: 8, 503: 25}
    assert "as many as one visitor may have" in answers[-1].text
    assert "error" not in other.run(other.events["_starts"], ["vae", "digits"])
    with one.client.stream("GET", f"{API}/queue/data", params={"session_hash": "greedy"}) as stream:
        next(stream.iter_lines())  # and left, so that nothing of it goes on


# --- What is told of it ---


def test_the_readme_tells_the_caps_as_they_are():
    assert PUBLIC.table() in (Path(__file__).parents[1] / "README.md").read_text("utf-8")
