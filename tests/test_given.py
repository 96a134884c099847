"""A wish reaches the model whole, whatever it holds, however it is cut into blocks, repeated or spread on the way."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from genlab.data import DataSpec
from genlab.latent import draw, jacobian
from genlab.models import LatentModel
from genlab.models.base import CommonSettings, Given
from genlab.models.search import search

SHAPE = (1, 8, 8)


@dataclass(frozen=True)
class Masked(Given):
    """A wish that no family of genlab knows yet."""

    mask: Tensor | None = None  # [n, H, W] where to draw


class Obedient(LatentModel):
    """Draws bright where the mask is, and notes what it was given."""

    def __init__(self) -> None:
        super().__init__(DataSpec("image", SHAPE, ("a", "b", "c")), CommonSettings(conditional=True))
        self.latent_shape = (2,)
        self.bright = torch.nn.Parameter(torch.ones(()))

    def decode(self, z, given=None, settings=None):
        assert len(given.mask) == len(given.classes) == len(z)
        return (2 * given.mask[:, None] - 1) * self.bright + 0.0 * z.sum()


def wish(n: int) -> Masked:
    draws = torch.Generator().manual_seed(n)
    return Masked(torch.eye(3)[torch.arange(n) % 3], (torch.rand(n, 8, 8, generator=draws) > 0.5).float())


@pytest.fixture
def model() -> Obedient:
    return Obedient().requires_grad_(False)


def test_samples_in_blocks_keep_all_of_it(model):
    n = 300  # more than a block
    given = wish(n)
    *_, draft = model.sample(n, model.SamplingSettings(), 0, given)
    assert torch.equal((draft.items[:, 0] + 1) / 2, given.mask)


def test_one_wish_holds_for_all_latents(model):
    given = wish(1)
    pixels = draw(model, model.prior(300, 0), given)
    assert torch.equal(pixels[:, 0] == 255, (given.mask == 1).expand(300, 8, 8))
    assert jacobian(model, model.prior(1, 0), torch.tensor([1.0, 0.0]), given).shape == (8, 8)


def test_a_search_keeps_it_with_every_guess(model):
    given = wish(2)
    *_, found = search(model, 2 * given.mask[:, None] - 1, given)
    assert isinstance(found.given, Masked)
    assert torch.equal(found.given.mask, given.mask)
    assert found.error.max() < 1e-6


def test_a_search_without_a_class_adds_only_the_classes(model):
    mask = wish(2).mask
    *_, found = search(model, 2 * mask[:, None] - 1, Masked(mask=mask))
    assert torch.equal(found.given.mask, mask)
    assert found.given.classes.sum(1).tolist() == [1, 1]


def test_rows_can_be_chosen_and_repeated():
    given = wish(5)
    again = given.rows(torch.tensor([3, 3, 0]))
    assert isinstance(again, Masked)
    assert torch.equal(again.mask, given.mask[[3, 3, 0]])
    assert torch.equal(given.rows(slice(1, 3)).classes, given.classes[1:3])
    assert Given().rows(slice(0, 2)) == Given()
