"""The plane: what models of points do to it, as arrays that a page can draw."""

import math
from base64 import b64encode
from dataclasses import dataclass

import torch
from torch import Tensor

from genlab.modalities.points import REACH
from genlab.models import Given, LatentModel

POINTS, LINES, SQUARES = 400, 21, 48  # of a view: generated points; lines each way; squares each way
SEED = 2**30  # of the latents that a view follows; others than those that people look at
FINE = 8192  # arrays go to the page as whole numbers of this part of 1


@dataclass(frozen=True)
class View:
    """What a model does to the plane at one moment."""

    generated: Tensor  # [T, n, 2]  the way of points from noise to data; T = 1 for a model that goes there at once
    grid: Tensor | None  # [T, LINES, LINES, 2]  the same of a lattice of latents, where these lie in a plane themselves
    heat: Tensor | None  # [SQUARES, SQUARES] in [0, 1]  how real the model holds each place to be, from the lower left on

    def packed(self) -> dict[str, dict[str, object]]:
        """Shapes and contents as a page reads them: int16 parts of 1/FINE, and uint8 for the heat."""
        arrays = {name: value for name, value in vars(self).items() if value is not None}
        return {name: {"shape": list(value.shape), "bytes": _bytes(name, value)} for name, value in arrays.items()}


class Camera:
    """Takes one view after another from the same latents, so that all that moves is the model."""

    def __init__(self, model: LatentModel) -> None:
        self.given = model.given_labels(None, POINTS)
        self.z = model.prior(POINTS, SEED, self.given)
        flat = model.latent_shape == (2,)
        self.lattice = lattice().to(model.device) if flat else self.z[:0]
        self.squares = squares().to(model.device)

    @torch.no_grad()
    def look(self, model: LatentModel) -> View:
        """What the model does now; its training goes on as if nobody had looked."""
        training = model.training
        model.eval()  # or spectral norm and batch norm would take a step
        try:
            z = torch.cat([self.z, self.lattice])
            given = model.given_labels(None, len(z))
            drafts = list(model.unfold(z, given))
            way = torch.stack([z, *(draft.items for draft in drafts)] if len(drafts) > 1 else [drafts[-1].items])  # [T, n, 2]
            return View(
                way[:, : len(self.z)],
                way[:, len(self.z) :].reshape(len(way), LINES, LINES, 2) if len(self.lattice) else None,
                _heat(model, self.squares),
            )
        finally:
            model.train(training)


def lattice() -> Tensor:
    """[LINES², 2] latents on lines between any two neighbours of which lies the same share of the standard normal prior."""
    shares = (torch.arange(LINES) + 0.5) / LINES
    lines = math.sqrt(2) * torch.erfinv(2 * shares - 1)
    return torch.cartesian_prod(lines, lines)


def squares() -> Tensor:
    """[SQUARES², 2] the middles of the squares of the plane, row by row from the lower left on."""
    middles = ((torch.arange(SQUARES) + 0.5) / SQUARES * 2 - 1) * REACH
    return torch.cartesian_prod(middles, middles).flip(1)


def _heat(model: LatentModel, x: Tensor) -> Tensor | None:
    """How real a place is held to be; for the class that suits it best where there are classes."""
    wishes = [model.given_labels(torch.tensor([k]), len(x)) for k in range(model.classes)] or [Given()]
    verdicts = [verdict for given in wishes if (verdict := model.judge(x, given)) is not None]
    return torch.stack(verdicts).amax(0).reshape(SQUARES, SQUARES) if verdicts else None


def _bytes(name: str, value: Tensor) -> str:
    scale, kind = (255, torch.uint8) if name == "heat" else (FINE, torch.int16)
    whole = (value.float().cpu().nan_to_num() * scale).round()
    return b64encode(whole.clamp(torch.iinfo(kind).min, torch.iinfo(kind).max).to(kind).numpy().tobytes()).decode()


def quantised(x: Tensor) -> str:
    """Points [n, 2] as `View.packed` packs them."""
    return _bytes("points", x)
