"""Search: the latents of items by optimisation, for families that only know the way from latents to items."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from genlab.models.base import Encoding, Given, LatentModel
from genlab.patience import go_on

SEED = 2**30  # of the first guesses
STARTS = 20  # guesses an item
ROUNDS = ((20, 4), (60, 1), (100, 1))  # steps of Adam, and how many of an item's guesses are kept after them
TOTAL = sum(steps for steps, _ in ROUNDS)
RECORDED = 10  # steps between records
RATE = 0.1
LENGTH = 0.003  # weight of a latent's mean square, which keeps it about as long as those of the prior


def search(model: LatentModel, x: Tensor, given: Given | None = None) -> Iterator[Encoding]:
    """Latents whose items have the least mean absolute difference to x [n, *shape], by Adam from several guesses an item.

    Zhu et al. 2016, section 3.1; the worst guesses are dropped on the way. Where classes matter and none are given, the
    guesses take them in turn, so that the class that suits an item best is found as well.
    """
    x = model.fitting(x)
    n = len(x) * STARTS
    wishes = _wishes(model, n, given)
    z = model.prior(STARTS, SEED).repeat(len(x), *[1] * len(model.latent_shape))  # [n·S, *L]  an item's guesses in a row
    guesses, step = Guesses(model, x, z, wishes), 0
    for steps, kept in ROUNDS:
        for _ in range(0, steps, RECORDED):
            guesses.improve(RECORDED)
            step += RECORDED
            if step < TOTAL:
                yield guesses.best(1).encoding(step)
        guesses = guesses.best(kept)
    yield guesses.encoding(TOTAL)


class Guesses:
    """As many latents for each of some items, one item's after the other's, and the classes that go with them."""

    @torch.inference_mode(False)  # what is made in inference mode cannot be learned
    def __init__(self, model: LatentModel, x: Tensor, z: Tensor, given: Given) -> None:
        self.model, self.x, self.given = model, x.clone(), given
        self.z = z.clone().requires_grad_(True)
        self.optimizer = torch.optim.Adam([self.z], RATE, betas=(0.9, 0.99))

    @torch.inference_mode(False)
    @torch.enable_grad()
    def improve(self, steps: int) -> None:
        for _ in range(steps):
            go_on()
            value = self._errors().sum() + LENGTH * self.z.square().flatten(1).mean(1).sum()
            (self.z.grad,) = torch.autograd.grad(value, [self.z])  # and none of the model's, which others use meanwhile
            self.optimizer.step()

    @torch.no_grad()
    def best(self, kept: int) -> "Guesses":
        """The best `kept` guesses of each item."""
        errors = self._errors().reshape(len(self.x), -1)  # [n, S]
        starts = torch.arange(len(self.x), device=errors.device)[:, None] * errors.shape[1]
        rows = (starts + errors.topk(kept, largest=False).indices).flatten()
        return Guesses(self.model, self.x, self.z[rows], self.given.rows(rows))

    @torch.no_grad()
    def encoding(self, step: int) -> Encoding:
        z = self.z.detach().clone()
        return Encoding.of(self.x, self.model.decode(z, self.given), z, self.given, step, TOTAL)

    def _errors(self) -> Tensor:
        """[n·S] mean absolute difference of each guess to its item, of pixels in [0, 1]."""
        wanted = self.x.repeat_interleave(len(self.z) // len(self.x), dim=0)
        return (self.model.decode(self.z, self.given) - wanted).abs().flatten(1).mean(1) / 2


def _wishes(model: LatentModel, n: int, given: Given | None) -> Given:
    """[n] of what is asked for, STARTS of each in a row; classes in turn where none are asked for."""
    repeated = (given or Given()).each(lambda rows: rows.repeat_interleave(STARTS, dim=0))
    return repeated if repeated.classes is not None else replace(repeated, classes=model.given_labels(None, n).classes)
