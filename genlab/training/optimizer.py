"""Optimizers by name; AdamW without the compiler that torch loads with every one of them, which takes as long as torch itself."""

from collections.abc import Callable
from inspect import unwrap

import torch

from genlab.models.base import Player
from genlab.models.settings import CommonSettings


class AdamW(torch.optim.AdamW):
    """The same steps bit for bit; what is unwrapped only keeps `torch.compile` out, which nobody lets in here."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)


class Muon(AdamW):
    """Steps of matrices whose singular values are all near 1 (Jordan et al. 2024), and AdamW's for all that are none.

    A step of a matrix [m, n] is as large as one of AdamW usually is, 0.2 a number, so that one learning rate serves both
    (Liu et al. 2025, eq. 4).
    """

    MOMENTUM, ROUNDS, NEWTON = 0.95, 5, (3.4445, -4.7750, 2.0315)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        matrices, *others = whole = self.param_groups
        for weight in matrices["params"]:
            if weight.grad is None:
                continue
            state = self.state[weight]
            if not state:
                state.update(step=torch.tensor(0.0), momentum=torch.zeros_like(weight))
            state["step"] += 1
            state["momentum"].lerp_(weight.grad, 1 - self.MOMENTUM)
            step = self.orthogonal(weight.grad.lerp(state["momentum"], self.MOMENTUM))  # Nesterov's
            weight.mul_(1 - matrices["lr"] * matrices["weight_decay"])
            weight.add_(step, alpha=-matrices["lr"] * 0.2 * max(weight.shape) ** 0.5)
        self.param_groups = others
        try:
            super().step()
        finally:
            self.param_groups = whole

    def orthogonal(self, matrix: torch.Tensor) -> torch.Tensor:
        """A matrix [m, n] with its singular values brought near 1 by Newton and Schulz' iteration."""
        tall = len(matrix) > matrix.shape[1]
        x = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
        a, b, c = self.NEWTON
        for _ in range(self.ROUNDS):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if tall else x


def optimizer_for(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    """The optimizer that a player names, over its parameters."""
    return OPTIMIZERS[player.optimizer](player, settings)


def _adamw(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    return AdamW(player.parameters, settings.learning_rate, player.betas, weight_decay=settings.weight_decay, fused=True)


def _sgd(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(player.parameters, settings.learning_rate, player.betas[0], weight_decay=settings.weight_decay)


def _muon(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    moved = {id(matrix) for matrix in player.matrices}
    others = [weight for weight in player.parameters if id(weight) not in moved]
    groups = [{"params": player.matrices}, {"params": others}]
    return Muon(groups, settings.learning_rate, player.betas, weight_decay=settings.weight_decay)


OPTIMIZERS: dict[str, Callable[[Player, CommonSettings], torch.optim.Optimizer]] = {"adamw": _adamw, "sgd": _sgd, "muon": _muon}
