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


def optimizer_for(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    """The optimizer that a player names, over its parameters."""
    return OPTIMIZERS[player.optimizer](player, settings)


def _adamw(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    return AdamW(player.parameters, settings.learning_rate, player.betas, weight_decay=settings.weight_decay, fused=True)


def _sgd(player: Player, settings: CommonSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(player.parameters, settings.learning_rate, player.betas[0], weight_decay=settings.weight_decay)


OPTIMIZERS: dict[str, Callable[[Player, CommonSettings], torch.optim.Optimizer]] = {"adamw": _adamw, "sgd": _sgd}
