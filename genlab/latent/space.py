"""Latent space: the axes that are worth moving along, walks between two points, and what each axis does."""

import base64
import binascii
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from genlab.config import Config
from genlab.errors import BadData, BadSetting
from genlab.files import write_bytes
from genlab.modalities.base import SIDE, TILE
from genlab.models.base import Given, LatentModel, blocks_of

FEW = 12  # latents up to this number are shown as they are
MOST = 32  # directions that are computed for more
SEED = 2**30  # directions are found from other draws than those that people look at
REACH = 3.0  # a traversal goes this many standard deviations of the prior to both sides

Way = Literal["spherical", "linear"]


@dataclass(frozen=True)
class Axes:
    """Orthonormal directions through a latent space, strongest first where there are many."""

    basis: Tensor  # [k, *L] unit vectors
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.basis)

    def read(self, z: Tensor) -> Tensor:
        """[n, k] coordinates of latents [n, *L] along the axes."""
        return z.flatten(1) @ self.basis.flatten(1).T

    def rest(self, z: Tensor) -> Tensor:
        """[n, *L] what the axes do not reach."""
        return z - self.place(self.read(z), torch.zeros_like(z))

    def place(self, values: Tensor, rest: Tensor) -> Tensor:
        """[n, *L] latents with coordinates [n, k] along the axes, and `rest` [n or 1, *L] across them."""
        return rest + (values.to(self.basis) @ self.basis.flatten(1)).reshape(-1, *self.basis.shape[1:])


@torch.no_grad()
def axes_of(model: LatentModel, seed: int = SEED) -> Axes:
    """The latent's own axes where there are few of them, else its strongest directions."""
    size = math.prod(model.latent_shape)
    if size <= FEW:
        return Axes(torch.eye(size, device=model.device).reshape(size, *model.latent_shape), _numbered(range(size)))
    basis, _ = model.directions(min(MOST, size), seed)
    return axes_along(basis.to(model.device))


def axes_along(basis: Tensor) -> Axes:
    """Axes from unit vectors [k, *L]; those that are an axis of the latent itself carry its number."""
    flat = basis.flatten(1)
    own = flat.argmax(1)
    if (flat[torch.arange(len(flat)), own] > 0.999).all():
        return Axes(basis, _numbered(own.tolist()))
    return Axes(basis, tuple(f"d{i + 1}" for i in range(len(basis))))


def write_axes(axes: Axes, file: Path, weights: str) -> None:
    """Keep the axes of a model with these weights (their SHA-256)."""
    write_bytes(file, save({"basis": axes.basis.cpu().contiguous()}, {"weights": weights}))


def read_axes(file: Path, weights: str, model: LatentModel) -> Axes:
    """The axes that were kept of a model; raises BadData where the file is absent, damaged or of other weights."""
    try:
        with safe_open(file, "pt", str(model.device)) as kept:
            own, basis = (kept.metadata() or {}).get("weights"), kept.get_tensor("basis")
    except (OSError, SafetensorError) as fault:
        raise BadData("The axes in {name} cannot be read; they can be found again.", name=file.name) from fault
    if own != weights or tuple(basis.shape[1:]) != model.latent_shape or not 1 <= len(basis) <= MOST:
        raise BadData("The axes in {name} are of another model, or of other weights of this one.", name=file.name)
    flat = basis.float().flatten(1)
    if not torch.allclose(flat @ flat.T, torch.eye(len(flat), device=flat.device), atol=1e-3):
        raise BadData("The axes in {name} are not at right angles, or not of length 1; they can be found again.", name=file.name)
    return axes_along(basis.float())


def lerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Points [n, *L] on the straight line between two latents [*L], at t [n] in [0, 1]."""
    t = t.to(start).view(-1, *[1] * start.dim())
    return (1 - t) * start + t * end


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Points [n, *L] on the great circle between two latents [*L], their length changing evenly (Shoemake 1985)."""
    lengths = start.norm(), end.norm()
    if min(lengths) == 0:
        return lerp(start, end, t)
    cosine = ((start * end).sum() / (lengths[0] * lengths[1])).clamp(-1, 1)
    angle = cosine.arccos()
    if angle < 1e-4 or math.pi - angle < 1e-4:  # one direction, or opposite ones: no one circle
        return lerp(start, end, t)
    t = t.to(start).view(-1, *[1] * start.dim())
    unit = ((1 - t) * angle).sin() / angle.sin() * start / lengths[0] + (t * angle).sin() / angle.sin() * end / lengths[1]
    return unit * ((1 - t) * lengths[0] + t * lengths[1])


def walk(start: Tensor, end: Tensor, frames: int, path: Way) -> Tensor:
    """[frames, *L] latents from `start` to `end`, both included."""
    return tour(torch.stack([start, end]), frames, path)


def tour(stops: Tensor, frames: int, path: Way) -> Tensor:
    """[frames, *L] latents from the first of stops [n, *L] through all others to the last, each leg as long as the next."""
    at = torch.linspace(0, len(stops) - 1, frames, device=stops.device)
    legs = at.floor().clamp(max=len(stops) - 2)
    between = {"spherical": slerp, "linear": lerp}[path]
    return torch.cat([between(stops[i], stops[i + 1], at[legs == i] - i) for i in range(len(stops) - 1)])


def traverse(axes: Axes, values: Tensor, rest: Tensor, frames: int) -> Tensor:
    """[k·frames, *L] latents: each axis in turn from -REACH to REACH, the others staying at `values` [k]."""
    grid = values.repeat(len(axes) * frames, 1)  # [k·frames, k]
    steps = torch.linspace(-REACH, REACH, frames).to(grid)
    rows = torch.arange(len(grid), device=grid.device)
    grid[rows, rows // frames] = steps[rows % frames]
    return axes.place(grid, rest)


def shares(weights: list[float], classes: int) -> Tensor:
    """Class weights as shares [1, K] that sum to 1; all zero means no class in particular."""
    if len(weights) != classes:
        raise BadSetting("{n} class weights were given; this model has {classes} classes.", n=len(weights), classes=classes)
    wanted = torch.tensor([weights]).clamp(min=0)
    return wanted / wanted.sum().clamp(min=1e-6) if wanted.sum() > 0 else wanted


@torch.inference_mode()
def items(model: LatentModel, z: Tensor, given: Given, settings: Config | None = None) -> Tensor:
    """Items [n, *shape] in model space of latents; `given` of one row holds for all."""
    wishes = given.spread(len(z))
    return torch.cat([model.decode(z[part], wishes.rows(part), settings) for part in blocks_of(len(z))])


def draw(model: LatentModel, z: Tensor, given: Given, behind: Tensor | None = None, settings: Config | None = None) -> Tensor:
    """Pixels uint8 [n, C, H, W] of latents, points among those `behind`; `given` of one row holds for all."""
    return model.spec.kind.tiles(items(model, z, given, settings), behind, SIDE if len(z) == 1 else TILE)


def to_text(z: Tensor) -> str:
    """A latent [1, *L] as text that fits in an address, to the bit: base64url of its numbers in 32 bits each."""
    return base64.urlsafe_b64encode(z.cpu().numpy().astype("<f4").tobytes()).decode().rstrip("=")


def from_text(text: str, shape: tuple[int, ...]) -> Tensor:
    """The latent [1, *shape] that such a text stands for; raises BadSetting where it stands for none."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        width = "<f4" if len(content) == 4 * math.prod(shape) else "<f2"  # older texts have 16 bits a number
        z = torch.from_numpy(np.frombuffer(content, width).astype(np.float32))
    except (binascii.Error, ValueError):
        raise BadSetting("The latent of this link cannot be read; the link may have been cut off.") from None
    if len(z) != math.prod(shape) or not z.isfinite().all():
        raise BadSetting(
            "The latent of this link has {n} numbers; this model takes {numbers}, all finite.", n=len(z), numbers=math.prod(shape)
        )
    return z.reshape(1, *shape)


def _numbered(numbers: object) -> tuple[str, ...]:
    return tuple(f"z{i}" for i in numbers)  # type: ignore[attr-defined]
