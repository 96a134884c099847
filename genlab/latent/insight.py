"""Insight: what the units of a recurrent network follow in a text, and how the tokens of a model lie to one another."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genlab.algebra import principal
from genlab.data.summary import Map
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.models import SequenceModel
from genlab.registry import unknown

SHIFTS = 20  # of a property in a circle, for what the best of all units reaches by chance
MOST_TOKENS = 4000  # that a map shows, the first ones


@dataclass(frozen=True)
class Ranking:
    """All units, those first that are most on and off, or that follow a property best."""

    order: Tensor  # [U] numbers of units, layer after layer
    scores: Tensor  # [U] of unit 0, 1, …: its standard deviation, or its correlation with the property
    chance: float | None  # the largest correlation, of all units, with the property shifted in a circle; of several the mean


def _letters_at_the_end(text: str) -> int:
    return next((i for i, sign in enumerate(reversed(text)) if not sign.isalnum()), len(text))


def _open_brackets(text: str) -> int:
    return max(0, sum((sign in "([{") - (sign in ")]}") for sign in text))


PROPERTIES: dict[str, tuple[str, Callable[[str], int]]] = {  # of the place behind a text
    "line": (Message("the place in the line"), lambda text: len(text) - 1 - text.rfind("\n")),
    "word": (Message("the place in the word"), _letters_at_the_end),
    "quotes": (Message("whether it lies in quotes"), lambda text: text.count('"') % 2),
    "brackets": (Message("how deep it lies in brackets"), _open_brackets),
}


def ranked(units: Tensor, pieces: Sequence[str], by: str = "spread") -> Ranking:
    """Rank units [layers, W, T] over a text of T - 1 tokens by `spread`, or by Pearson's correlation with a property of places.

    The properties are the place in the `line` and in the `word`, whether it lies in `quotes`, and how deep in `brackets`; what
    none of them has at all raises BadSetting. As Karpathy et al. (2015) found such units by eye, out of many: `chance` tells how
    well one would seem to follow a text that has nothing to do with it.
    """
    x = units[..., 1:].flatten(0, 1).double()
    if by == "spread":
        scores = x.std(1, correction=0)
        return Ranking(scores.argsort(descending=True, stable=True), scores, None)
    if by not in PROPERTIES:
        raise BadSetting(unknown("property", by, ["spread", *PROPERTIES]), "by")
    what, told = PROPERTIES[by]
    y = torch.tensor([told("".join(pieces[: i + 1])) for i in range(len(pieces))], dtype=torch.double)
    if not y.std(correction=0) > 0:
        same = "At every place of this text {what} is the same, so that no unit can follow it; write another text."
        raise BadSetting(Message(same, what=what), "text")
    scores = _correlated(x, y)
    shifted = [y.roll(max(1, len(y) * i // (SHIFTS + 1))) for i in range(1, SHIFTS + 1)]
    chance = sum(float(_correlated(x, other).abs().max()) for other in shifted) / SHIFTS
    return Ranking(scores.abs().argsort(descending=True, stable=True), scores, chance)


def _correlated(x: Tensor, y: Tensor) -> Tensor:
    """[U] Pearson's correlation of each row of x [U, T] with y [T]; 0 of what never changes."""
    x, y = x - x.mean(1, keepdim=True), y - y.mean()
    length = (x.square().sum(1) * y.square().sum()).sqrt()
    return torch.where(length > 1e-12, (x @ y) / length.clamp(min=1e-12), 0.0)


def tokens_of(model: SequenceModel) -> list[int]:
    """The tokens that are text by themselves, and the end; not bytes of letters that have several."""
    assert model.tokens
    return [i for i in range(model.tokens.size) if i != model.tokens.unknown and "\ufffd" not in model.tokens.decode([i])]


@torch.no_grad()
def token_map(model: SequenceModel) -> Map:
    """The tokens in the plane of the two strongest principal components (Pearson 1901) of the vectors that stand for them.

    A component's sign is arbitrary: what weighs most in it points right, and up.
    """
    rows = torch.tensor(tokens_of(model)[:MOST_TOKENS])
    vectors = model.embedding.weight.detach().float().cpu()[rows]
    x = vectors - vectors.mean(0)
    s, axes = principal(x, min(2, *x.shape))
    points = x @ (axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign())
    points = torch.nn.functional.pad(points, (0, 2 - points.shape[1]))
    first, second = [*(s.square() / x.square().sum().clamp(min=1e-12)).tolist(), 0.0][:2]
    return Map(rows, points / points[:, 0].std(correction=0).clamp(min=1e-12), (first, second))


@torch.no_grad()
def nearest_tokens(model: SequenceModel, token: int, k: int = 8) -> list[tuple[int, float]]:
    """The k tokens whose vectors point most nearly where that of a token does, each with the cosine of the angle between."""
    assert model.tokens
    if not 0 <= token < model.tokens.size:
        told = {"token": token, "n": model.tokens.size}
        raise BadSetting("There is no token {token}; this model has {n:,}, numbered from 0.", "token", **told)
    vectors = torch.nn.functional.normalize(model.embedding.weight.detach().float().cpu(), dim=1)
    others = torch.tensor([i for i in tokens_of(model) if i != token])
    best = (vectors[others] @ vectors[token]).topk(min(k, len(others)))
    return list(zip(others[best.indices].tolist(), best.values.tolist(), strict=True))


def packed_attention(weights: Tensor) -> str:
    """Attention [L, H, T, T] as a page reads it: head after head the rows up to the diagonal, as whole parts of 65,535."""
    rows, columns = torch.tril_indices(*weights.shape[2:])
    parts = (weights[:, :, rows, columns] * 65_535).round().int().numpy().astype("<u2")
    return b64encode(parts.tobytes()).decode()


def packed_units(units: Tensor) -> str:
    """Units [n, T] from -1 to 1 as a page reads them: one after another, as whole parts of 127."""
    return b64encode((units * 127).round().to(torch.int8).numpy().tobytes()).decode()
