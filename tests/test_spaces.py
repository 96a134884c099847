"""Visitors of a public page: each has a space of their own, which nobody else sees, and which goes when it is unused."""

import os
import time
from hashlib import sha256
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from asking import Asker
from serving import PublicPage

from genlab.data import Part, save_dataset
from genlab.errors import BadData
from genlab.marks import set_mark
from genlab.paths import EXAMPLES, in_space
from genlab.training.run import Run, list_runs
from genlab.ui.server import preset, spaces
from genlab.ui.server.preset import PUBLIC

TOKEN = "a" * 43


def bring(space: Path, name: str = "mine") -> None:
    """Put a small dataset into a space."""
    items = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    with in_space(space):
        save_dataset(name, {"train": Part(items, {"label": np.arange(40) % 2})}, ["cat", "dog"], "noise")


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GENLAB_VISITORS", str(tmp_path / "visitors"))
    monkeypatch.setattr(preset, "_current", PUBLIC)
    return tmp_path / "visitors"


# --- Whose space it is ---


def test_without_the_public_preset_there_are_no_visitors():
    assert spaces.space_of(f"{spaces.COOKIE}={TOKEN}") is None
    assert spaces.cookie_for(None) is None


def test_each_token_has_a_folder_that_does_not_tell_the_token(public: Path):
    one, other = (spaces.space_of(f"x=1; {spaces.COOKIE}={token}; y=2") for token in (TOKEN, "b" * 43))
    assert one != other
    assert one.parent == other.parent == public
    assert TOKEN not in str(one)


@pytest.mark.parametrize(
    "cookies", [None, "", "x=1", f"{spaces.COOKIE}=../../x", f"{spaces.COOKIE}={'a' * 42}", f"no{spaces.COOKIE}={TOKEN}"]
)
def test_who_has_no_token_can_keep_nothing(public: Path, cookies: str | None):
    space = spaces.space_of(cookies)
    assert space == spaces.NOBODY
    with pytest.raises(Exception, match="Could not write"):
        bring(space)


def test_the_cookie_suits_where_the_page_is_shown(public: Path, monkeypatch: pytest.MonkeyPatch):
    assert "HttpOnly; SameSite=Lax" in spaces.cookie_for(None)
    assert spaces.cookie_for(spaces.cookie_for(None).split(";")[0]) is None, "it is known now"
    monkeypatch.setenv("SPACE_HOST", "me-genlab.hf.space")
    assert "SameSite=None; Secure; Partitioned" in spaces.cookie_for(None)


# --- How long it stays ---


def aged(space: Path, seconds: float) -> Path:
    os.utime(space, (time.time() - seconds,) * 2)
    return space


def test_a_space_goes_after_an_hour_and_one_in_use_stays(public: Path):
    for name in ("old", "new"):
        bring(public / name)
    aged(public / "old", 3700)
    spaces.sweep()
    assert [space.name for space in public.iterdir()] == ["new"]


def test_a_space_that_trains_stays(public: Path):
    with in_space(public / "busy"):
        Run.create("vae", "digits", {}).note("running")  # as this process
    aged(public / "busy", 3700)
    spaces.sweep()
    assert (public / "busy").exists()


def test_nobodys_data_make_room_for_anothers(public: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("old", "mine"):
        bring(public / name)
    aged(public / "old", 3000)
    monkeypatch.setattr(preset, "_current", preset.Preset(public=True, disk=10, visitor_disk=2**30, visitor_files=100, idle=3600))
    spaces.sweep()
    with in_space(public / "mine"), pytest.raises(BadData, match="no disk left"):
        spaces.check_room()
    assert {space.name for space in public.iterdir()} == {"old", "mine"}


def test_who_has_left_is_forgotten(public: Path):
    bring(public / "old")
    aged(public / "old", 3700)
    left: list[Path] = []
    spaces.sweep(left.append)
    assert left == [public / "old"]


# --- On the page ---


def space_on(page: PublicPage, client: httpx.Client) -> Path:
    return page.folder / "runs-visitors" / sha256(client.cookies[spaces.COOKIE].encode()).hexdigest()[:32]


@pytest.mark.long
def test_what_one_visitor_brings_and_trains_no_other_sees(public_page: PublicPage):
    one, other = public_page.visitor(), public_page.visitor()
    bring(space_on(public_page, one))
    mine, theirs, nobody = Asker(one), Asker(other), Asker(httpx.Client(base_url=public_page.address, timeout=120))
    assert mine.ask("gallery", {"dataset": "mine"})["classes"] == ["cat", "dog"]
    for stranger in (theirs, nobody):
        assert "There is no dataset called 'mine'" in stranger.ask("gallery", {"dataset": "mine"})["error"]

    started = mine.start("mine", steps=20, batch_size=8, latent=4)
    assert started["run"] == "vae-1", started
    deadline = time.monotonic() + 240
    while (runs := mine.ask("watch", {})["runs"])[0]["state"] not in ("done", "failed") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert runs[0]["state"] == "done", mine.ask("watch", {"run": "vae-1"})["run"]
    assert mine.ask("latent_open", "vae-1")["model"] == "vae-1"
    for stranger in (theirs, nobody):
        seen = stranger.ask("watch", {"run": "vae-1", "since": {"vae-1": 0}})
        shipped = [run.name for run in reversed(list_runs(EXAMPLES))]
        assert [run["name"] for run in seen["runs"]] == shipped  # and of these not one is mine
        assert (seen["histories"], seen["run"], seen["queue"]["runs"]) == ({}, None, [])
        for name in ("sample", "ask", "rename", "remove"):
            extra = {"sample": {"step": 20}, "ask": {"wanted": "run"}, "rename": {"name": "theirs"}}.get(name, {})
            wish = {"runs": ["vae-1"]} if name == "remove" else {"run": "vae-1", **extra}
            assert "There is no run called 'vae-1'" in stranger.ask(name, wish)["error"]
        version = mine.ask("latent_open", "vae-1")["version"]
        assert (
            "There is no model" in stranger.ask("latent_decode", {"model": "vae-1", "version": version, "base": "zero"})["error"]
        )
    assert mine.ask("watch", {})["runs"][0]["name"] == "vae-1"


def test_what_one_visitor_marks_no_other_sees(public_page: PublicPage):
    one, other = public_page.visitor(), public_page.visitor()
    with in_space(space_on(public_page, one)):
        set_mark(torch.zeros(1, 28, 28, dtype=torch.uint8), {"model": "vae-mnist", "seed": 1, "label": None}, "favourite")
    shown = [Asker(client).ask("sample_marks", {"model": "vae-mnist"})["tray"]["favourite"] for client in (one, other)]
    assert [(shelf["n"], shelf["others"], len(shelf["newest"])) for shelf in shown] == [(1, 0, 1), (0, 0, 0)]
    assert "Nothing is marked yet" in Asker(other).ask("marks_zip", {})["error"]


def test_who_has_no_cookie_is_told_why_nothing_is_kept(public_page: PublicPage):
    stranger = Asker(httpx.Client(base_url=public_page.address, timeout=120))
    assert "by a cookie, and your browser sent none" in stranger.start("digits", steps=20)["error"]


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"batch_size": 1000}, "batch size is 1000; this public page allows at most 512"),
    ({"width": 2048, "network": "mlp"}, "trains models of up to 5,000,000"),
])  # fmt: skip
def test_a_run_beyond_the_caps_is_refused(public_page: PublicPage, changed: dict, sentence: str):
    assert sentence in Asker(public_page.visitor()).start("digits", **changed)["error"]


def test_models_that_ship_are_kept_in_memory_once(public_page: PublicPage):
    askers = [Asker(public_page.visitor()) for _ in range(3)]
    answers = [asker.ask("latent_decode", {"model": "vae-mnist", "version": "", "base": "prior:1"}) for asker in askers]
    assert len({answer["image"] for answer in answers}) == 1
