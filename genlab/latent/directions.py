"""Directions: ways through a latent space that mean something, found from examples or from known factors, and kept by name."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from genlab.algebra import regression
from genlab.data import Dataset, even_rows, to_pixels
from genlab.data.sprites import FACTORS, measure
from genlab.errors import BadData, BadSetting, UnknownName
from genlab.files import read_json, write_json, writing
from genlab.latent.space import from_text, to_text
from genlab.messages import Message, from_json, to_json
from genlab.models.base import LatentModel, blocks_of, one_hot
from genlab.paths import current_space, runs_folder
from genlab.registry import check_name, unknown

FOLDER = "directions"  # in a checkpoint's folder, or beside one's own runs
MOST = 30  # that are kept for a model
ENCODED, DRAWN = 4000, 1500  # items that known factors are read off
SEARCHED = 12  # items of a class whose latents take seconds to find
SEED = 2**30  # of those that are drawn


@dataclass(frozen=True)
class Direction:
    """A way to move a latent, how far it makes sense to, and how the way bends where it is no straight line."""

    name: str
    vector: Tensor  # [*L] of length 1
    reach: float  # a slider goes from -reach to reach, 0 being where one is
    how: str  # it was found, in words
    weights: str  # of the model that it belongs to
    bend: Tensor | None = None  # [*L] across the vector: the way is a parabola
    middle: float = 0.0  # where along the vector its vertex lies

    def move(self, z: Tensor, values: Tensor) -> Tensor:
        """[n, *L] latents [n or 1, *L], each moved as far as its value [n] says; moving by a and then by b is moving by a + b."""
        values = values.to(z).view(-1, *[1] * self.vector.dim())
        moved = z + values * self.vector.to(z)
        if self.bend is None:
            return moved
        return moved + values * (2 * self._position(z) + values) * self.bend.to(z)  # (position + value)² - position²

    def tangent(self, z: Tensor) -> Tensor:
        """[*L] which way a latent [1, *L] goes at first."""
        vector = self.vector.to(z)
        return vector if self.bend is None else (vector + 2 * self._position(z) * self.bend.to(z))[0]

    def _position(self, z: Tensor) -> Tensor:
        """[n, 1, …] how far latents lie along the vector from the vertex."""
        return (z * self.vector.to(z)).flatten(1).sum(1).view(-1, *[1] * self.vector.dim()) - self.middle


def between(name: str, start: Tensor, end: Tensor, weights: str) -> Direction:
    """From one set of latents [n, *L] to another [m, *L]: the difference of their means (Larsen et al. 2016, section 4.2)."""
    if not len(start) or not len(end):
        empty = "first" if not len(start) else "second"
        raise BadSetting("The {empty} set for a direction is empty; put at least one image into each.", empty=empty)
    difference = end.mean(0) - start.mean(0)
    return _direction(name, difference, Message("from the mean of {n} to that of {end}", n=len(start), end=len(end)), weights)


def between_classes(name: str, model: LatentModel, data: Dataset, start: str, end: str, weights: str) -> Direction:
    """From one class of the data to another, by the latents of some images of each.

    Raises BadSetting for classes that the data do not have, and for a model that is told its classes: its latents hold what
    is left when the class is known.
    """
    if model.classes:
        raise BadSetting("This model is told the class of an image, so its latents do not hold it; blend the classes instead.")
    for label in (start, end):
        if label not in data.spec.classes:
            raise BadSetting(unknown("class", label, data.spec.classes))
    before, after = (_encoded(model, data, _of_class(model, data, label)) for label in (start, end))
    return between(name, before, after, weights)


def along_factor(model: LatentModel, data: Dataset, factor: str, weights: str) -> Direction:
    """What a known factor of the data does to latents while the other factors stay.

    The least-squares regression of latents on all factors and their squares, so that what others explain is not in it, and
    that the way bends where the latents of data do, which a straight line would leave. A family that encodes at once reads
    latents off the data; of others, the factors of what they draw are measured.
    """
    if "factors" not in data.columns:
        raise BadSetting(
            "{name!r} does not know the factors of its items; sprites does ({factors}).", name=data.name, factors=list(FACTORS)
        )
    if factor not in FACTORS[1:]:  # the first is the class
        raise BadSetting(unknown("factor", factor, FACTORS[1:]))
    z, factors = encoded_factors(model, data) if model.encodes_at_once else drawn_factors(model)
    low, high = factors.amin(0), factors.amax(0)
    scaled = (2 * (factors - low) / (high - low).clamp(min=1e-6) - 1)[:, 1:]  # [n, F - 1]
    classes = one_hot(factors[:, 0].long(), len(data.spec.classes))  # a constant, too
    known = torch.cat([scaled, scaled.square(), classes], 1)
    slopes = regression(known, z.flatten(1).cpu())  # [2F - 2 + K, L]
    i = FACTORS.index(factor) - 1
    change, curve = slopes[i], slopes[len(FACTORS) - 1 + i]
    found = _direction(
        factor, change.reshape(model.latent_shape), Message("along {factor}, the other factors held", factor=factor), weights
    )
    unit = found.vector.flatten()
    across = (curve - (curve @ unit) * unit) / found.reach**2
    middle = (z.flatten(1).cpu() @ unit - found.reach * scaled[:, i]).mean()  # where the factor is in the middle of its range
    return replace(found, bend=across.reshape(model.latent_shape), middle=float(middle))


def encoded_factors(model: LatentModel, data: Dataset) -> tuple[Tensor, Tensor]:
    """Latents [n, *L] of a dataset's items, and their factors [n, F]."""
    rows = even_rows(len(data), ENCODED)
    return _encoded(model, data, rows), data.column("factors")[rows]


@torch.no_grad()
def drawn_factors(model: LatentModel) -> tuple[Tensor, Tensor]:
    """Latents [n, *L] of the prior, and the factors [n, F] measured in what they decode to."""
    z, given, coarse = model.prior(DRAWN, SEED), model.given_labels(None, DRAWN), model.coarse_settings()
    pixels = torch.cat([to_pixels(model.decode(z[part], given.rows(part), coarse)) for part in blocks_of(DRAWN)])
    return z, torch.from_numpy(measure(pixels.numpy()))


def arithmetic(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a - b + c of latents [*L] (Radford et al. 2016, section 6.3.2), no farther out than the farthest of them."""
    found = a - b + c
    longest = max(float(latent.norm()) for latent in (a, b, c))
    return found * min(1.0, longest / max(float(found.norm()), 1e-12))


def _of_class(model: LatentModel, data: Dataset, label: str) -> Tensor:
    """Rows of a class, fewer where each has to be searched for."""
    rows = (data.label == data.spec.classes.index(label)).nonzero().flatten()
    return rows[: ENCODED // 10 if model.encodes_at_once else SEARCHED]


def _encoded(model: LatentModel, data: Dataset, rows: Tensor) -> Tensor:
    """Latents [n, *L] of the items at `rows`."""
    parts = [torch.empty(0, *model.latent_shape)]
    for block in rows.split(256):
        given = model.given_labels(data.label[block], len(block)) if model.classes else None
        *_, encoding = model.encode(data.inputs(block), given)
        parts.append(encoding.z.cpu())
    return torch.cat(parts)


# --- Keeping them ---


@dataclass(frozen=True)
class Shelf:
    """The directions that are kept with one model: in its checkpoint, and for a visitor of its page in a space of their own."""

    checkpoint: Path
    weights: str
    shape: tuple[int, ...]  # of its latents

    def save(self, direction: Direction) -> None:
        """Keep a direction, in place of one of the same name; raises BadData for one of another model, or one too many."""
        self._check(direction.name, direction.weights)
        taken = [kept.name for kept in self.all()]
        if len(taken) >= MOST and direction.name not in taken:
            raise BadData("{n} directions are kept with this model already (limit). Forget one first.", n=MOST)
        with writing(self._own):
            self._own.mkdir(parents=True, exist_ok=True)
        record = {
            "how": to_json(direction.how),
            "reach": direction.reach,
            "middle": direction.middle,
            "weights": direction.weights,
        }
        vectors = {"vector": direction.vector} | ({} if direction.bend is None else {"bend": direction.bend})
        write_json(self._own / f"{direction.name}.json", {**record, **{key: to_text(v) for key, v in vectors.items()}})

    def all(self) -> list[Direction]:
        """All of them by name; what lies there but is damaged or of another model is left out."""
        found = []
        for name in self._files():
            with suppress(BadData):
                found.append(self.find(name))
        return found

    def find(self, name: str) -> Direction:
        """The direction of this name; raises a GenlabError where there is none, or it is damaged or of another model."""
        if name not in self._files():
            raise UnknownName(unknown("direction", name, list(self._files())))
        try:
            record = read_json(self._files()[name].read_text("utf-8"))
            self._check(name, record["weights"])
            vector = from_text(str(record["vector"]), self.shape)[0]
            bend = from_text(str(record["bend"]), self.shape)[0] if "bend" in record else None
            reach, middle, how = float(record["reach"]), float(record["middle"]), Message(from_json(record["how"]))
        except (OSError, ValueError, KeyError, TypeError, BadSetting) as fault:
            raise BadData(
                "The direction {name!r} cannot be read: its file is damaged. Forget it and make it again.", name=name
            ) from fault
        return Direction(name, vector, reach, how, self.weights, bend, middle)

    def forget(self, name: str) -> None:
        """Remove a direction; raises BadData for one that came with a model that is not one's own."""
        if name not in self._files():
            raise UnknownName(unknown("direction", name, list(self._files())))
        if self._files()[name].parent != self._own:
            raise BadData("The direction {name!r} came with the model and cannot be removed here.", name=name)
        with writing(self._own):
            self._files()[name].unlink()

    def _check(self, name: str, weights: str) -> None:
        if weights != self.weights:
            raise BadData(
                "The direction {name!r} is of another model, or of other weights of this one; make it anew here.", name=name
            )

    def _files(self) -> dict[str, Path]:
        """All files by name; one's own come before those of the checkpoint."""
        folders = [self.checkpoint / FOLDER, self._own]
        return {file.stem: file for folder in folders for file in sorted(folder.glob("*.json"))}

    @property
    def _own(self) -> Path:
        """Where one may write: with the model itself where it is one's own, or one is the user of this machine."""
        mine = current_space() is None or self.checkpoint.is_relative_to(runs_folder())
        if mine and os.access(self.checkpoint, os.W_OK):
            return self.checkpoint / FOLDER
        return runs_folder().with_name(FOLDER) / self.weights


def _direction(name: str, change: Tensor, how: str, weights: str) -> Direction:
    """Along a change [*L], and as far as it to both sides."""
    length = float(change.norm())
    if not 0 < length < math.inf:
        raise BadSetting("The two sets have the same mean, so there is no direction between them; choose other images.")
    return Direction(check_name(name, "direction"), change / length, length, how, weights)
