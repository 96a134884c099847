"""Links: what is copied opens the same view, to the bit; what cannot be opened is told."""

import base64
import math
from pathlib import Path

import pytest
import torch

from genlab import latent
from genlab.errors import BadSetting, GenlabError
from genlab.training.checkpoint import load_model
from genlab.ui.kit import explorer, links
from genlab.ui.kit.explorer import Point
from genlab.ui.kit.links import LatentLink

TABS = ("data", "train", "latent", "sample")


def point(model: str, base: str, **where: object) -> Point:
    return Point.check({"model": model, "version": "", "base": base, **where})


def opened(query: dict[str, str]) -> Point:
    """The point that the page draws when it is opened with a link."""
    asked = LatentLink.check({k: v for k, v in query.items() if k != "tab"} | {"version": ""})
    trained, model = explorer.explorable(asked)
    return Point.check({"model": asked.model, "version": "", **links.from_latent(trained, model, asked)})


def picture(asked: Point) -> torch.Tensor:
    trained, model = explorer.explorable(asked)
    place = explorer.place(trained, model, asked)
    return latent.draw(model, place.z, place.given)


def copied(asked: Point) -> dict[str, str]:
    return links.to_latent(*explorer.explorable(asked), asked)


@pytest.mark.parametrize("shape", [(2,), (16,), (1, 28, 28), (3, 16, 16)])
def test_a_latent_survives_its_text(shape: tuple[int, ...]):
    z = torch.randn(1, *shape)
    again = latent.from_text(latent.to_text(z), shape)
    assert torch.equal(again, z)


def test_a_link_of_sixteen_bits_a_number_still_opens():
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(0)).half()
    text = base64.urlsafe_b64encode(z.numpy().tobytes()).decode().rstrip("=")
    assert torch.equal(latent.from_text(text, (16,)), z.float())


@pytest.mark.parametrize(
    "text", ["", "%%%", "AAAA", "AAA", "ünicode", "A" * 5000, "fH" * 22, latent.to_text(torch.full((1, 16), math.nan))]
)
def test_a_text_that_is_no_latent_is_refused(text: str):
    with pytest.raises(BadSetting, match="of this link"):
        latent.from_text(text, (16,))


@pytest.mark.parametrize("base", ["zero", "prior:3"])
def test_what_a_link_opens_is_copied_as_the_same_link_and_shows_the_same_picture(base: str):
    query = copied(point("vae-mnist", base, values=None))
    view = opened(query)
    assert copied(view) == query
    assert torch.equal(picture(view), picture(opened(copied(view))))
    assert torch.equal(picture(view), picture(point("vae-mnist", base)))


def test_classes_go_by_name_and_blends_by_weight():
    one_hot = [float(i == 3) for i in range(10)]
    assert copied(point("dcgan-mnist", "prior:1", classes=one_hot))["class"] == "3"
    blend = [0.3000001, *[0.0] * 8, 0.75]
    query = copied(point("dcgan-mnist", "prior:1", classes=blend))
    assert "class" not in query
    assert opened(query).classes == blend
    assert opened({"model": "dcgan-mnist", "class": "3"}).classes == one_hot


def test_a_latent_too_long_for_an_address_goes_by_seed_and_coordinates(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(links, "LONGEST", 10)
    values = [0.25, -1.37, *[0.0] * 14]
    query = copied(point("vae-mnist", "prior:5", values=values))
    assert (query["seed"], query["at"][:10]) == ("5", "0.25,-1.37")
    assert torch.equal(picture(opened(query)), picture(point("vae-mnist", "prior:5", values=values)))


def test_what_was_made_on_the_page_goes_by_its_numbers_however_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(links, "LONGEST", 10)
    made = point("vae-mnist", explorer.keep(torch.randn(1, 16, generator=torch.Generator().manual_seed(0)))[0])
    query = copied(made)
    assert query["z"] == latent.to_text(explorer.place(*explorer.explorable(made), made).z)
    assert copied(opened(query)) == query
    shelf = explorer.shelf_of(*explorer.explorable(made))
    monkeypatch.setattr(explorer, "shelf_of", lambda trained, model: shelf)
    monkeypatch.setattr(type(shelf), "find", lambda self, name: latent.Direction(name, torch.ones(16), 3.0, "", ""))
    for more in ({"locked": [0.5, *[None] * 15]}, {"offsets": {"smile": 1.5}}):
        moved = point("vae-mnist", "prior:5", **more)
        assert torch.equal(picture(opened(copied(moved))), picture(opened({"model": "vae-mnist", "z": copied(moved)["z"]})))
        assert torch.equal(picture(opened(copied(moved))), picture(moved))
    monkeypatch.setattr(explorer, "LONGEST", 10)
    with pytest.raises(BadSetting, match="too many numbers for a link"):
        copied(made)


@pytest.mark.parametrize("base", ["zero", "pad:1.25,-0.5", "prior:7"])
def test_a_latent_too_long_for_an_address_brings_its_view_along(base: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(links, "LONGEST", 10)
    shown = point("vae-mnist", base, truncation=0.7)
    query = copied(shown)
    assert "z" not in query
    assert torch.equal(picture(opened(query)), picture(shown))


def test_what_servers_read_of_a_link_stays_below_eight_thousand_characters():
    assert all(len(latent.to_text(load_model(name).model.prior(1, 0))) < 6000 for name in ("vae-mnist", "diffusion-mnist"))
    assert links.LONGEST < 6500
    script = (Path(links.__file__).parent / "address.js").read_text()
    assert f"const LONG = {links.LONGEST};" in script, "longer parts go behind the #"


@pytest.mark.parametrize(("query", "sentence"), [
    ({"z": "AAAA"}, "cannot be read; the link may have been cut off"),
    ({"z": "AAAAAAA"}, "cannot be read"),
    ({"z": "AAAAAAAA"}, "has 3 numbers; this model takes 16"),
    ({"seed": "-1"}, "What the link says of seed cannot be read: '-1'"),
    ({"seed": "1e9"}, "cannot be read: '1e9'"),
    ({"at": "1,2"}, "2 values were given; this model has 16 axes"),
    ({"at": "1,x"}, "says of at cannot be read"),
    ({"at": "nan"}, "says of at cannot be read"),
    ({"class": "3"}, "trained without classes"),
])  # fmt: skip
def test_what_a_latent_link_gets_wrong_is_told(query: dict[str, str], sentence: str):
    with pytest.raises(GenlabError, match=sentence):
        opened({"model": "vae-mnist", **query})
    link = links.read({"tab": "latent", "model": "vae-mnist", **query}, TABS)
    assert sentence in link.faults[0]
    assert (link.tab, link.model) == ("latent", "vae-mnist"), "the rest of it opens"


def test_names_that_are_not_there_are_told_each():
    link = links.read({"tab": "x", "dataset": "y", "model": "z", "run": "w"}, TABS)
    assert [fault.split("'")[1] for fault in link.faults] == ["x", "y", "z", "w"]
    assert (link.tab, link.dataset, link.model) == (None, None, None)


def test_a_link_of_nothing_is_no_fault():
    assert links.read({}, TABS).faults == []
    assert links.read({"__theme": "dark"}, TABS).faults == []
