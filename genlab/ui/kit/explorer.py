"""Explorer: what the Latent space tab asks of a model: points, pictures of them, axes and walls."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from genlab import latent
from genlab.data import Splits, is_here, load
from genlab.errors import BadSetting, DataMissing, GenlabError, UnknownName
from genlab.files import one_at_a_time
from genlab.latent import Axes, Shelf
from genlab.modalities.base import TILE
from genlab.modalities.storage import Items
from genlab.models import LatentModel
from genlab.models.base import Given, one_hot
from genlab.paths import cache_folder, current_space
from genlab.training.checkpoint import AXES, Trained
from genlab.ui.kit.shared import Kept, Request, opened_model, owner_of, version_of
from genlab.ui.server.preset import check_work, work_of
from genlab.ui.words import say

Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Numbers = list[Number]
Name = Annotated[str, Field(max_length=200)]
NUMBER = r"-?\d{1,6}(?:\.\d{1,6})?"
BASE = rf"^(zero|(prior|test):\d{{1,9}}|kept:[0-9a-f]{{1,32}}:\d{{1,3}}|pad:{NUMBER},{NUMBER}|z:[\w-]+)$"
LONGEST = 2**16  # characters of a latent as text: 64×64 pixels in colour, and room
STRIP = 7  # frames of the small strip beside an axis
WALL = 30  # images to choose from

KEPT = 2**28  # bytes of latents that were made on the page, of all visitors; each counts a kilobyte more than its numbers

_axes, _latents, _kept = Kept(8), Kept(512), Kept(KEPT, weigh=lambda z: z.nbytes + 2**10)


class Looking(Request):
    """Which model a widget is looking at."""

    model: Name
    version: Name


class Point(Looking):
    """A place in the latent space: where it stands across the axes, and how far along each."""

    base: str = Field(pattern=BASE, max_length=LONGEST + 2)
    values: Numbers | None = Field(None, max_length=latent.MOST)  # None: where the base itself is
    locked: list[Number | None] = Field(default=[], max_length=latent.MOST)  # of axes that a base does not move
    offsets: dict[Name, Number] = Field(default={}, max_length=latent.directions.MOST)  # how far along each saved direction
    truncation: float = Field(1.0, ge=0, le=2)  # how far from the middle all of it is then brought
    classes: Numbers = Field(default=[], max_length=1000)
    coarse: bool = False  # whether a rough picture will do


class Strips(Point):
    """The strips of the first few axes at a point."""

    count: int = Field(ge=1, le=latent.MOST)
    directions: list[Name] = Field(default=[], max_length=latent.directions.MOST)


class Wall(Looking):
    """A page of images to start from."""

    source: Literal["test", "prior"]
    page: int = Field(ge=0, le=10_000)


@dataclass(frozen=True)
class Place:
    """A point as the model takes it."""

    z: Tensor  # [1, *L]
    given: Given


def explorable(request: Looking) -> tuple[Trained, LatentModel]:
    """The model that is looked at, if its images come from a latent."""
    trained = opened_model(request.model, request.version)
    if not isinstance(trained.model, LatentModel):
        raise BadSetting(say("latent.none", family=trained.family))
    return trained, trained.model


def data_of(trained: Trained) -> Splits:
    """The data of a model; raises a GenlabError where they are not on this machine, or are others under the same name."""
    if not is_here(trained.dataset):
        raise DataMissing(say("latent.absent", dataset=trained.dataset))
    try:
        data, spec = load(trained.dataset), trained.model.spec
    except UnknownName:
        raise BadSetting(say("latent.no_data", dataset=trained.dataset)) from None
    if data.spec.shape != spec.shape or (trained.model.classes and data.spec.classes != spec.classes):
        raise BadSetting(say("latent.other_data", dataset=trained.dataset))
    return data


def lacking(trained: Trained) -> str:
    """Why the data of a model cannot be shown; nothing where they can."""
    try:
        data_of(trained)
    except GenlabError as fault:
        return str(fault)
    return ""


def axes_of(trained: Trained) -> Axes:
    """The axes of a model: those kept with it, those in the cache under its weights' hash, or found now, which may take long."""
    return _axes.get((trained.folder, trained.weights), lambda: _found(trained))


def knows_axes(trained: Trained) -> bool:
    return _axes.find((trained.folder, trained.weights)) is not None


def coordinates(trained: Trained, model: LatentModel, point: Point) -> Numbers:
    """How far along each axis a point lies, before saved directions and truncation move it."""
    plain = point.model_copy(update={"offsets": {}, "truncation": 1.0})
    return axes_of(trained).read(place(trained, model, plain).z)[0].tolist()


def shelf_of(trained: Trained, model: LatentModel) -> Shelf:
    """Where the directions of a model are kept."""
    return Shelf(trained.folder, trained.weights, model.latent_shape)


def keep(z: Tensor) -> list[str]:
    """An address for each of latents [n, *L], good while they are in memory."""
    name = f"kept:{secrets.token_hex(8)}"
    _kept.put(name, z)
    return [f"{name}:{i}" for i in range(len(z))]


def place(trained: Trained, model: LatentModel, point: Point) -> Place:
    """Where a point lies."""
    given = wished(model, point.classes)
    return Place(seen(trained, model, _base(trained, model, point.base, given), point), given)


def seen(trained: Trained, model: LatentModel, z: Tensor, view: Point) -> Tensor:
    """Latents [n, *L] as a view moves them: along the axes, then along saved directions, then towards the middle."""
    if view.values is not None or any(value is not None for value in view.locked):
        z = _along(axes_of(trained), z, view.locked if view.values is None else view.values)
    for name, value in view.offsets.items():
        z = shelf_of(trained, model).find(name).move(z, torch.full((len(z),), value))
    return model.truncated(z, view.truncation)


def _along(axes: Axes, z: Tensor, values: Sequence[float | None]) -> Tensor:
    """Latents [n, *L] with these coordinates along the axes, their own where there is None."""
    if len(values) != len(axes):
        raise BadSetting(say("latent.length", given=len(values), possible=len(axes)))
    wanted = axes.read(z)
    for i, value in enumerate(values):
        if value is not None:
            wanted[:, i] = value
    return axes.place(wanted, axes.rest(z))


def home_of(model: LatentModel) -> str:
    """Where one starts: the middle of the prior, or for noise in the shape of an image, one such noise."""
    return "zero" if len(model.latent_shape) == 1 else "prior:0"


def start_of(trained: Trained, model: LatentModel) -> str:
    """The image that a model opens with: a 3 of the test part where that can be encoded, else one from the prior."""
    if model.encodes_at_once:
        with suppress(GenlabError):  # the data need not be on this machine
            looking = Wall(model=trained.name, version=version_of(trained.folder), source="test", page=0)
            addresses, _, labels = wall(trained, model, looking)
            threes = [address for address, label in zip(addresses, labels.tolist(), strict=True) if label == 3]
            return (threes or addresses)[-1]
    return "prior:1" if home_of(model) == "zero" else home_of(model)


def quick(model: LatentModel) -> bool:
    """Whether a model draws at once, so that it has no rough pictures."""
    return model.coarse_settings() == model.SamplingSettings()


def pictures(trained: Trained, model: LatentModel, z: Tensor, given: Given, coarse: bool = False) -> Tensor:
    """Pixels uint8 [n, C, H, W] of latents; points among some of their data, where these are on this machine."""
    settings = model.coarse_settings() if coarse else model.SamplingSettings()
    check_work(model, len(z), settings)
    return latent.draw(model, z, given, _behind(trained), settings)


def stored(model: LatentModel, z: Tensor, given: Given) -> Items:
    """What latents stand for, as a dataset stores it."""
    settings = model.SamplingSettings()
    check_work(model, len(z), settings)
    return model.spec.kind.to_stored(latent.items(model, z, given, settings))


def work(model: LatentModel, n: int, coarse: bool = False) -> int:
    """What pictures of n latents take, as `drawing` counts it."""
    return work_of(model, n, model.coarse_settings() if coarse else model.SamplingSettings())


def tiles(trained: Trained, items: Tensor, side: int = TILE) -> Tensor:
    """Pixels uint8 [n, C, H, W] of items as the model takes them; points among some of their data."""
    return trained.model.spec.kind.tiles(items, _behind(trained), side)


def _behind(trained: Trained) -> Tensor | None:
    with suppress(GenlabError):
        return load(trained.dataset).validation.backdrop if trained.model.spec.kind.behind else None
    return None


def strips(trained: Trained, model: LatentModel, asked: Strips) -> Tensor:
    """[(count + d)·STRIP, C, H, W] what each axis does from where the point is, then what each of d directions does."""
    axes, here = axes_of(trained), place(trained, model, asked)
    some = Axes(axes.basis[: asked.count], axes.names[: asked.count])
    z = [latent.traverse(some, some.read(here.z)[0], some.rest(here.z), STRIP)]
    for name in asked.directions:
        direction = shelf_of(trained, model).find(name)
        from_here = torch.linspace(-direction.reach, direction.reach, STRIP) - asked.offsets.get(name, 0.0)
        z.append(direction.move(here.z, from_here))
    return pictures(trained, model, torch.cat(z), here.given, coarse=True)


def wall(trained: Trained, model: LatentModel, asked: Wall) -> tuple[list[str], Tensor, Tensor]:
    """The addresses of some images to start from, their pixels, and the class of each (-1 where there is none)."""
    if asked.source == "test":
        test = data_of(trained).test
        order = _in_turn(test.label)
        rows = [int(order[(asked.page * WALL + i) % len(order)]) for i in range(WALL)]
        return [f"test:{row}" for row in rows], tiles(trained, test.inputs(rows)), test.label[rows]
    seeds = range(asked.page * WALL, (asked.page + 1) * WALL)
    given = model.given_labels(None, WALL)
    labels = torch.full((WALL,), -1) if given.classes is None else given.classes.argmax(1)
    z = model.prior(WALL, seeds[0], given)
    return [f"prior:{seed}" for seed in seeds], pictures(trained, model, z, given), labels


def _base(trained: Trained, model: LatentModel, address: str, given: Given) -> Tensor:
    kind, _, rest = address.partition(":")
    if kind == "z":
        return latent.from_text(rest, model.latent_shape).to(model.device)
    if kind == "zero":
        return torch.zeros(1, *model.latent_shape, device=model.device)
    if kind == "prior":
        return model.prior(1, int(rest), given)
    if kind == "pad":
        x, y = map(float, rest.split(","))
        return latent.pad.place(model, x, y, given)
    if kind == "test":
        if not model.encodes_at_once:  # a search is long, and only the card that shows it may begin one
            raise BadSetting(say("latent.search"))
        return _latents.get(
            (current_space(), trained.dataset, trained.weights, address), lambda: _encoded(trained, model, int(rest))
        )
    name, _, row = address.rpartition(":")
    z = _kept.find(name)
    if z is None or int(row) >= len(z) or z.shape[1:] != model.latent_shape:
        raise BadSetting(say("latent.forgotten"))
    return z[int(row)][None]


@torch.no_grad()
def _encoded(trained: Trained, model: LatentModel, row: int) -> Tensor:
    test = data_of(trained).test
    if row >= len(test):
        raise BadSetting(say("latent.row", row=row, n=len(test)))
    given = Given(one_hot(test.label[[row]], model.classes)) if model.classes else Given()
    *_, encoding = model.encode(test.inputs([row]), given)
    return encoding.z


def _in_turn(labels: Tensor) -> Tensor:
    """The rows ordered so that the classes take turns."""
    turns = torch.empty_like(labels)
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        turns[rows] = torch.arange(len(rows)) * (int(labels.max()) + 2) + int(label)
    return turns.argsort()


def wished(model: LatentModel, weights: Numbers) -> Given:
    """Class weights as the model takes them."""
    return Given(latent.shares(weights, model.classes)) if model.classes else Given()


def _found(trained: Trained) -> Axes:
    model: Any = trained.model
    cached = cache_folder() / "axes" / f"{trained.weights}-{latent.MOST}-{latent.SEED}.safetensors"
    for file in (trained.folder / AXES, cached):
        with suppress(GenlabError):  # they can be found again
            return latent.read_axes(file, trained.weights, model)
    axes = latent.axes_of(model)
    if owner_of(trained.folder) is None:  # the disk that visitors may use is counted elsewhere
        with suppress(GenlabError), one_at_a_time(cached):  # a full disk makes the next start slower, no more
            latent.write_axes(axes, cached, trained.weights)
    return axes
