"""The density of a VAE's latents: what is fitted is found again, and all that draws from the prior draws from it."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from genlab.data import DataSpec, load
from genlab.data.dataset import Dataset
from genlab.errors import BadCheckpoint
from genlab.files import sha256, write_json
from genlab.latent import pad
from genlab.models import MODELS
from genlab.models.base import Given, give_weights, one_hot, weights_of
from genlab.models.density import Density
from genlab.training.checkpoint import STATE, load_model, load_state
from genlab.training.extend import extend
from genlab.training.run import Run
from genlab.training.train import train

CENTRES = torch.tensor([[4.0, 0.0], [-4.0, 0.0], [0.0, 5.0]])
SIGMA = 0.5
VAE = MODELS["vae"]
TINY = {"width": 16, "batch_size": 32, "steps": 8, "save_every": 4}


@pytest.fixture(scope="module")
def fitted() -> Density:
    """Three bells, the last of which has half of all; of the first class all lie in the first, of the second all in the last."""
    random = torch.Generator().manual_seed(0)
    place = torch.tensor([0, 1, 2, 2]).repeat(1000)
    z = CENTRES[place] + SIGMA * torch.randn(4000, 2, generator=random)
    density = Density(2, 2)
    density.fit(z, torch.tensor([0, -1, 1, 1]).repeat(1000), 0)
    return density


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = VAE(DataSpec("image", (1, 8, 8), ("a", "b", "c")), VAE.Settings.parse(TINY | {"latent": 3, "conditional": True}))
    model.complete(items(20), 0)
    return model.eval()


def items(n: int) -> Dataset:
    random = torch.Generator().manual_seed(1)
    stored = torch.randint(0, 256, (n, 1, 8, 8), dtype=torch.uint8, generator=random)
    return Dataset.of("few", DataSpec("image", (1, 8, 8), ("a", "b", "c")), stored, {"label": torch.arange(n) % 3})


def placed(density: Density, n: int = 4000, classes: torch.Tensor | None = None) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    z, chance = torch.randn(n, 2, generator=random), torch.rand(n, generator=random)
    return density.place(z, chance, torch.zeros(n, 2) if classes is None else classes.expand(n, 2))


def test_what_is_fitted_is_found_again(fitted):
    nearest = torch.cdist(placed(fitted), CENTRES).argmin(1)
    assert (torch.bincount(nearest) / 4000).tolist() == pytest.approx([0.25, 0.25, 0.5], abs=0.03)
    for i, centre in enumerate(CENTRES):
        own = placed(fitted)[nearest == i]
        assert torch.allclose(own.mean(0), centre, atol=0.1)
        assert torch.allclose(own.T.cov(), SIGMA**2 * torch.eye(2), atol=0.06)


def test_a_class_is_drawn_where_its_items_lie(fitted):
    for label, place in ((0, 0), (1, 2)):
        nearest = torch.cdist(placed(fitted, classes=one_hot(torch.tensor([label]), 2)), CENTRES).argmin(1)
        assert (nearest == place).double().mean() > 0.98


def test_a_blend_of_classes_lies_between_what_each_would_be(fitted):
    ends = [placed(fitted, 50, one_hot(torch.tensor([label]), 2)) for label in (0, 1)]
    for share in (0.0, 0.3, 1.0):
        blend = placed(fitted, 50, torch.tensor([[1 - share, share]]))
        assert torch.allclose(blend, torch.lerp(*ends, share), atol=1e-5)


def test_a_class_without_items_lies_where_all_do():
    density = Density(2, 3)
    density.fit(torch.randn(200, 2, generator=torch.Generator().manual_seed(0)) + 7, torch.zeros(200, dtype=torch.long), 0)
    z, chance = torch.randn(5, 2), torch.rand(5)
    unknown, anyone = one_hot(torch.full((5,), 2), 3), torch.zeros(5, 3)
    assert torch.equal(density.place(z, chance, unknown), density.place(z, chance, anyone))


def test_the_middle_of_a_latent_lies_where_those_like_it_do(fitted):
    away = torch.cdist(fitted.middle(1.3 * CENTRES), CENTRES)
    assert away.argmin(1).tolist() == [0, 1, 2]
    assert away.amin(1).max() < 3 * SIGMA


@pytest.mark.parametrize(
    "z", [torch.zeros(50, 2), torch.full((2, 3), 7.0), torch.randn(2, 3), torch.randn(20, 64) * 1e4, torch.randn(300, 2) * 1e-7]
)
def test_latents_of_any_kind_and_number_can_be_fitted(z):
    density = Density(z.shape[1], 0)
    density.fit(z, torch.full((len(z),), -1), 0)
    drawn = density.place(torch.randn(10, z.shape[1]), torch.rand(10), None)
    assert drawn.isfinite().all()
    assert density.middle(drawn).isfinite().all()


def test_before_it_is_fitted_it_is_the_standard_normal_one():
    z = torch.randn(20, 5)
    density = Density(5, 2)
    assert torch.allclose(density.place(z, torch.rand(20), torch.rand(20, 2) / 2), z, atol=1e-5)
    assert torch.equal(density.middle(z), torch.zeros(20, 5))


def test_a_latent_depends_on_its_seed_and_class_alone(model):
    given = model.given_labels(None, 7)
    together = model.prior(7, 40, given)
    for i in range(7):
        assert torch.allclose(model.prior(1, 40 + i, given.rows(slice(i, i + 1)))[0], together[i], atol=1e-5)


def test_truncation_leads_to_where_items_lie_and_not_to_an_empty_middle(fitted):
    model = VAE(DataSpec("image", (1, 8, 8)), VAE.Settings.parse({"latent": 2}))
    model.density.means, model.density.factors = fitted.means, fitted.factors
    model.density.shares = fitted.shares[:1]
    z = model.prior(300, 0)
    assert torch.cdist(model.truncated(z, 0.0), CENTRES).amin(1).max() < 3 * SIGMA
    assert model.truncated(z, 1.0) is z
    assert torch.allclose(model.truncated(z, 0.5), (z + model.truncated(z, 0.0)) / 2, atol=1e-5)


def test_the_pad_and_the_samples_of_a_class_start_from_its_latents(model):
    given = Given(one_hot(torch.tensor([2]), 3))
    corner = pad.place(model, 3, 5, given)
    assert torch.allclose(corner, model.prior(1, pad.seed_at(3, 5), given), atol=1e-5)
    *_, draft = model.sample(1, model.SamplingSettings(), pad.seed_at(3, 5), given)
    assert torch.allclose(draft.items, model.decode(corner, given), atol=1e-4)


def test_weights_without_a_density_are_those_of_an_older_model_and_with_half_of_one_are_refused(model):
    weights = {name: weight for name, weight in weights_of(model).items() if not name.startswith("density.")}
    older = VAE(model.spec, model.settings)
    give_weights(older, weights)
    assert torch.equal(older.prior(3, 0), older.normal([torch.Generator().manual_seed(i) for i in range(3)]))
    with pytest.raises(BadCheckpoint, match=r"2 tensors are missing"):
        give_weights(older, weights | {"density.means": older.density.means})


@pytest.mark.parametrize("data", ["digits", "gaussians"])
@pytest.mark.parametrize("conditional", [False, True])
def test_a_run_fits_the_density_at_its_last_step_alone(data, conditional):
    run = Run.create("vae", data, TINY | {"conditional": conditional}, "mine", threads=1)
    for progress in train(run, load(data), "cpu"):
        if progress.saved:
            fits = load_model("mine").model.density.means.abs().sum() > 0
            assert fits == (progress.step == 8)
    model = load_model("mine").model
    *_, draft = model.sample(5, model.SamplingSettings(), 0, model.given_labels(None, 5))
    assert draft.items.isfinite().all()


def test_a_run_that_is_stopped_has_a_density_and_goes_on_as_if_it_had_none():
    whole, halted = (Run.create("vae", "digits", TINY, name, threads=1) for name in ("whole", "halted"))
    list(train(whole, load("digits"), "cpu"))
    for progress in train(halted, load("digits"), "cpu"):
        if progress.step == 5:
            halted.ask("stop")
    assert halted.status().step == 5
    assert load_model("halted").model.density.means.abs().sum() > 0
    halted.ask("run")
    list(train(halted, load("digits"), "cpu"))
    weights = [weights_of(load_model(name).model) for name in ("whole", "halted")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_that_was_saved_before_densities_goes_on_and_fits_one():
    run = Run.create("vae", "digits", TINY, "mine", threads=1)
    list(train(run, load("digits"), "cpu"))
    folder = run.checkpoints()[-1]
    state = {name: value for name, value in load_state(folder).items() if ".density." not in name}
    save_file(state, folder / STATE / "state.safetensors")
    write_json(folder / STATE / "state.json", {"sha256": sha256(folder / STATE / "state.safetensors")})
    extend(run, 12)
    list(train(run, load("digits"), "cpu"))
    assert load_model("mine").model.density.means.abs().sum() > 0


def test_the_same_training_fits_the_same_density():
    found = []
    for name, steps in (("whole", [8]), ("longer", [4, 8])):
        run = Run.create("vae", "digits", TINY | {"steps": steps[0]}, name, threads=1)
        list(train(run, load("digits"), "cpu"))
        for more in steps[1:]:
            extend(run, more)
            list(train(run, load("digits"), "cpu"))
        found.append(load_file(run.checkpoints()[-1] / "model.safetensors"))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
