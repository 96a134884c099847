"""The optimizer without the compiler takes the steps of torch's own."""

import torch

from genlab.training.optimizer import AdamW


def stepped(kind: type[torch.optim.AdamW], interrupted: bool) -> torch.Tensor:
    """A weight after eight steps, perhaps with an optimizer that takes over in the middle."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 12))
    optimizer = kind([weight], lr=0.1, betas=(0.5, 0.9), weight_decay=0.1)
    for step in range(8):
        if interrupted and step == 4:
            state, optimizer = optimizer.state_dict(), kind([weight], lr=0.1, betas=(0.5, 0.9), weight_decay=0.1)
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        (weight - step).pow(3).sum().backward()
        optimizer.step()
    return weight.detach()


def test_it_steps_as_torchs_own_does_bit_for_bit():
    assert torch.equal(stepped(AdamW, False), stepped(torch.optim.AdamW, False))


def test_it_goes_on_from_its_state_bit_for_bit():
    assert torch.equal(stepped(AdamW, True), stepped(AdamW, False))
