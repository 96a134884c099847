"""The functions behind the cards of the latent space: what they answer, and a sentence for what they cannot."""

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from marks import needs_mnist
from PIL import Image

from genlab.data import SOURCES, Part, even_rows, load, save_dataset
from genlab.data.sources import Source
from genlab.modalities.base import SIDE
from genlab.paths import in_space
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train
from genlab.ui.kit import explorer
from genlab.ui.kit.pictures import data_uri
from genlab.ui.kit.shared import Kept
from genlab.ui.tabs.latent.encoding import encode, latent_mix
from genlab.ui.tabs.latent.meaning import latent_arithmetic, latent_direction, latent_jacobian, latent_nearest
from genlab.ui.tabs.latent.surfaces import latent_map, latent_pad, latent_scatter
from genlab.ui.tabs.latent.tab import _about, latent_open
from genlab.ui.tabs.latent.walks import latent_export, latent_walk

VAE = {"model": "vae-mnist", "version": ""}
GAN = {"model": "dcgan-mnist", "version": ""}
ONE, TWO = {**VAE, "base": "prior:1"}, {**VAE, "base": "prior:2"}
WALK = {"stops": [ONE, TWO], "path": "spherical"}


def size_of(uri: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).size


def trained_on_points(family: str) -> dict[str, str]:
    for _ in train(Run.create(family, "gaussians", {"steps": 2, "width": 8}, "tiny", threads=1), load("gaussians"), "cpu"):
        pass
    return {"model": "tiny", "version": ""}


def latent_at(address: str) -> torch.Tensor:
    point = explorer.Point.check({**VAE, "base": address})
    return explorer.place(*explorer.explorable(point), point).z


def encoded(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return list(encode(gr.EventData(None, {"ticket": 7, **wanted})))


def test_a_walk_goes_through_all_its_stops():
    answer = latent_walk({**WALK, "stops": [ONE, TWO, ONE], "frames": 21})
    assert size_of(answer["image"]) == (21 * 28, 28)
    for frame, stop in ((0, "prior:1"), (10, "prior:2"), (20, "prior:1")):
        assert torch.allclose(latent_at(answer["frames"][frame]), latent_at(stop), atol=1e-5)
    assert answer["length"] > 0
    assert len(answer["stops"]) == 3


@pytest.mark.parametrize("frames", [6, 7])
def test_the_way_back_of_a_film_has_exactly_the_frames_asked_for(frames: int):
    answer = latent_export({**WALK, "frames": frames, "kind": "gif", "back": True})
    with Image.open(io.BytesIO(base64.b64decode(answer["content"]))) as film:
        assert film.n_frames == answer["frames"] == frames


def test_a_pad_answers_as_many_cells_as_asked():
    answer = latent_pad({**VAE, "base": "zero", "cells": [[0, 0], [5, -3]]})
    assert size_of(answer["image"]) == (4 * 28, 8 * 28)


def test_a_pad_shows_the_view_that_is_laid_over_it():
    plain = latent_pad({**VAE, "base": "zero", "cells": [[0, 0]]})["image"]
    assert latent_pad({**VAE, "base": "zero", "cells": [[0, 0]], "truncation": 0.2})["image"] != plain


def test_a_map_holds_every_other_axis_still():
    still = [0.5] * 16
    answer = latent_map({**VAE, "base": "zero", "values": still, "across": 0, "up": 1})
    assert size_of(answer["image"]) == (15 * 28, 15 * 28)
    moved = latent_map({**VAE, "base": "zero", "values": [2.0, -2.0, *still[2:]], "across": 0, "up": 1})
    assert moved["image"] == answer["image"], "its own two axes are spread out, wherever one is on them"


def test_a_map_shows_the_data_of_a_model_that_looks_for_their_latents_part_by_part():
    tiny = trained_on_points("gan")
    last, validation = latent_scatter({**tiny, "start": 40}), load("gaussians").validation
    assert (len(last["values"]), last["total"]) == (8, 48)
    assert last["labels"] == validation.label[even_rows(len(validation), 48)[40:]].tolist()
    assert np.std(last["values"], 0).max() > 0.1, "they have places of their own"


def test_what_a_model_learnt_is_told_by_what_its_checkpoint_knows(monkeypatch: pytest.MonkeyPatch):
    known = load_model("vae-mnist")
    monkeypatch.setitem(SOURCES._parts, "bridges", lambda: Source("7 of the 9 bridges", (), lambda folder: {}, things="bridges"))
    for dataset, items, words in [
        ("bridges", 5, "5 bridges (bridges)"),
        ("bridges", None, "bridges (bridges)"),
        ("pets", 1200, "1,200 images of pets"),
        ("pets", None, "pets"),
    ]:
        told = _about(replace(known, config=known.config | {"dataset": dataset, "items": items}), known.model)
        assert told.startswith(f"A VAE that learnt {words}; each slider")


def test_a_model_whose_data_are_not_here_says_what_to_do():
    for function, more in ((latent_scatter, {"start": 0}), (latent_nearest, {"base": "zero"})):
        told = function({"model": "vae-catsdogs", "version": "", **more})["error"]
        assert told.startswith("The data that this model learnt from, catsdogs, are not here. Bring them in the Data tab")


def test_what_is_known_of_data_is_of_those_data_not_of_their_name(tmp_path: Path):
    seen, label = [], {"label": np.arange(24) % 2}
    for visitor in ("a", "b"):
        with in_space(tmp_path / visitor):
            images = np.random.default_rng(ord(visitor)).integers(0, 256, (24, 3, 32, 32), dtype=np.uint8)
            save_dataset("catsdogs", {"train": Part(images, label)}, [f"{visitor}1", f"{visitor}2"], "")
            seen.append(latent_scatter.__wrapped__({"model": "vae-catsdogs", "version": "", "start": 0}))
    assert [answer["classes"][0] for answer in seen] == ["a1", "b1"]
    assert seen[0]["values"] != seen[1]["values"]
    save_dataset("catsdogs", {"train": Part(images[:, :1], label)}, ["a", "b"], "")
    assert "are not the data of this model" in latent_scatter({"model": "vae-catsdogs", "version": "", "start": 0})["error"]


def test_a_mix_of_equal_latents_is_that_latent():
    answer = latent_mix({"stops": [ONE, ONE, TWO], "weights": [0.5, 1.0, 0.0]})
    assert torch.allclose(latent_at(answer["base"]), latent_at("prior:1"), atol=1e-5)


def test_arithmetic_of_two_equal_terms_is_the_third():
    answer = latent_arithmetic({**VAE, "a": ONE, "b": ONE, "c": TWO})
    assert torch.allclose(latent_at(answer["base"]), latent_at("prior:2"), atol=1e-5)


def test_a_drawing_is_looked_for_by_a_gan_with_visible_progress():
    pixels = base64.b64encode(bytes(28 * 28)).decode()
    *steps, last = encoded({**GAN, "kind": "drawing", "pixels": pixels})
    assert len(steps) >= 1
    assert all(step["step"] < step["total"] and "base" not in step for step in steps)
    assert last["step"] == last["total"]
    assert last["error"] <= steps[0]["error"]
    assert sum(last["classes"]) == pytest.approx(1), "the class that suits it was found as well"


def of_mnist(*case: Any) -> Any:
    """A case that reads MNIST."""
    return pytest.param(*case, marks=needs_mnist)


@pytest.mark.parametrize(("function", "wish", "sentence"), [
    (latent_walk, {**WALK, "stops": [ONE]}, "needs two images or more; 1 was given"),
    (latent_walk, {**WALK, "stops": []}, "needs two images or more; 0"),
    (latent_walk, {**WALK, "stops": [ONE, {**GAN, "base": "prior:1"}]}, "must all be of one model"),
    (latent_walk, {**WALK, "stops": [ONE] * 9}, "does not fit: stops"),
    (latent_walk, {**WALK, "stops": [ONE, {**VAE, "base": "kept:aa:0"}]}, "no longer in memory"),
    (latent_export, {**WALK, "frames": 601, "kind": "gif"}, "601 frames were asked for; a GIF of such images has at most 600"),
    (latent_export, {**WALK, "frames": 90_000, "kind": "mp4"}, "has at most 600"),
    (latent_export, {**WALK, "frames": 600, "kind": "strip"}, "has at most 585"),
    (latent_export, {**WALK, "frames": 9, "kind": "exe"}, "does not fit: kind"),
    (latent_pad, {**VAE, "base": "zero", "cells": []}, "does not fit: cells"),
    (latent_pad, {**VAE, "base": "zero", "cells": [[0, 1e9]]}, "does not fit: cells"),
    (latent_pad, {**VAE, "base": "zero", "cells": [[0, 0]], "locked": [1.0]}, "1 values were given; this model has 16 axes"),
    (latent_pad, {**VAE, "base": "zero", "cells": [[0, 0]], "offsets": {"../../x": 1.0}}, "x"),
    (latent_pad, {**VAE, "base": "pad:1e5,0", "cells": [[0, 0]]}, "does not fit: base"),
    (latent_map, {**ONE, "across": 3, "up": 3}, "two different axes"),
    (latent_map, {**ONE, "across": 3, "up": 30}, "of the 16 that this model has"),
    of_mnist(latent_scatter, {**GAN, "start": 48}, "shows 48 held-out images, 8 at a time; 48 is where none"),
    of_mnist(latent_scatter, {**GAN, "start": 4}, "4 is where none of these parts begins"),
    of_mnist(latent_scatter, {**VAE, "start": 8}, "1000 at a time; 8 is where none"),
    (latent_scatter, {**VAE, "start": 1000}, "does not fit: start"),
    (latent_mix, {"stops": [ONE, TWO], "weights": [0.0, 0.0]}, "not all 0"),
    (latent_mix, {"stops": [ONE, TWO], "weights": [1.0]}, "each needs one"),
    (latent_jacobian, {**ONE, "axis": 20}, "There is no axis 20; this model has 16"),
    (latent_jacobian, {**ONE, "direction": "nowhere"}, "nowhere"),
    (latent_jacobian, {"model": "vae-mnist-2d", "version": "", "base": "zero"}, "There is no axis None"),
    (latent_nearest, {**ONE, "truncation": 3.0}, "does not fit: truncation"),
    (latent_direction, {**VAE, "name": "x", "how": "sets", "start": [ONE], "end": []}, "The second set for a direction is empty"),
    (latent_direction, {**VAE, "name": "../x", "how": "sets", "start": [ONE], "end": [TWO]}, "cannot name a direction"),
    (latent_direction, {**VAE, "name": "x", "how": "sets", "start": [ONE], "end": [ONE]}, "no direction between them"),
    (latent_direction, {**VAE, "name": "x", "how": "classes", "classes": ["1", "1"]}, "two different classes"),
    of_mnist(latent_direction, {**VAE, "name": "x", "how": "classes", "classes": ["1", "z"]}, "z"),
    of_mnist(latent_direction, {**GAN, "name": "x", "how": "classes", "classes": ["1", "2"]}, "blend the classes instead"),
    of_mnist(latent_direction, {**VAE, "name": "x", "how": "factor", "factor": "x"}, "does not know the factors"),
])  # fmt: skip
def test_what_cannot_be_is_told_in_a_sentence(function: Any, wish: dict[str, Any], sentence: str):
    answer = function(wish)
    assert sentence in answer["error"]
    assert "Something went wrong" not in answer["error"]


@pytest.mark.parametrize("family", ["vae", "gan", "diffusion"])
def test_a_point_of_the_data_is_encoded_and_shown_where_it_lies(family: str):
    tiny = trained_on_points(family)
    *_, found = encoded({**tiny, "kind": "test", "row": 3})
    data = load("gaussians")
    point = data.test.read([3])
    shown = data.spec.kind.tiles(point, data.validation.backdrop, SIDE)
    assert found["original"] == data_uri(shown[0])
    wish = explorer.Point.check({**tiny, "base": found["base"]})
    trained, model = explorer.explorable(wish)
    here = model.decode(explorer.place(trained, model, wish).z).detach()
    assert float((here - point).abs().mean()) == pytest.approx(found["error"], abs=1e-3)
    (refused,) = encoded({**tiny, "kind": "drawing"})
    assert "This model draws points; no image of your own" in refused["fault"]


@pytest.mark.parametrize(("wanted", "sentence"), [
    ({"kind": "drawing", "pixels": "AAAA"}, "3 bytes of pixels were given; an image of this model has 1×28×28"),
    ({"kind": "drawing", "pixels": "%%%"}, "0 bytes of pixels were given"),
    of_mnist({"kind": "test", "row": 10**6}, "There is no test image 1000000"),
    ({"kind": "upload", "path": "/etc/passwd"}, "not part of this session"),
    ({"kind": "upload", "path": ""}, "not part of this session"),
    ({"kind": "film"}, "does not fit: kind"),
])  # fmt: skip
def test_what_cannot_be_encoded_is_told_in_a_sentence(wanted: dict[str, Any], sentence: str):
    (answer,) = encoded({**VAE, **wanted})
    assert sentence in answer["fault"]


def test_mixing_on_and_on_lets_go_of_no_walk():
    frame = latent_walk({**WALK, "frames": 2})["frames"][1]
    for _ in range(200):
        explorer.keep(torch.zeros(1, 16))
    assert torch.allclose(latent_at(frame), latent_at("prior:2"), atol=1e-5)


def test_what_is_kept_weighs_no_more_than_it_may_and_what_was_asked_for_last_stays():
    kept = Kept(10, weigh=len)
    for name in ("a", "b"):
        kept.put(name, "four")
    kept.put("b", "five5")
    assert kept.find("a") == "four"
    kept.put("c", "two")
    assert (kept.find("a"), kept.find("b"), kept.find("c")) == ("four", None, "two")


@pytest.mark.parametrize("wrong", [{"values": [1e300]}, {"offsets": {"x" * 1000: 1.0}}, {"classes": [-1e30]}])
def test_numbers_and_names_beyond_all_bounds_are_refused(wrong: dict[str, Any]):
    assert "does not fit" in latent_pad({**VAE, "base": "zero", "cells": [[0, 0]], **wrong})["error"]


def test_only_the_card_that_shows_a_search_may_begin_one():
    asked = {**GAN, "base": "test:3", "classes": [0.0] * 10, "across": 0, "up": 1}
    assert "looks for the numbers" in latent_map(asked)["error"]


@pytest.mark.parametrize("wrong", [None, 3, ["vae-mnist"], "x" * 10_000])
def test_a_model_is_opened_by_a_name_alone(wrong: object):
    assert len(latent_open(wrong)["error"]) < 300
