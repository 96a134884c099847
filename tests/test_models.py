"""The contract that every family keeps, over all of them and over images of many shapes."""

import copy
import math

import pytest
import torch
from few import IMAGES

from genlab.data import Batch, DataSpec
from genlab.errors import BadCheckpoint, BadSetting
from genlab.models import MODELS, LatentModel
from genlab.models.base import Given, check_weights, one_hot
from genlab.models.diffusion import SAMPLERS

SMALL = {"vae": {"width": 16, "latent": 3}, "gan": {"width": 8, "latent": 5}, "diffusion": {"width": 8}}
VARIANTS = [
    ("vae", {"network": "mlp"}),
    ("vae", {"network": "conv", "likelihood": "gaussian"}),
    ("vae", {"network": "mlp", "likelihood": "cross-entropy"}),
    ("gan", {"network": "mlp"}),
    ("gan", {"network": "dcgan"}),
    ("gan", {"network": "dcgan", "spectral_norm": False}),
    ("diffusion", {"target": "flow"}),
    ("diffusion", {"target": "v", "attention": True}),
    ("diffusion", {"target": "noise"}),
]
SHAPES = [(1, 8, 8), (3, 9, 13), (1, 28, 28), (3, 64, 64)]


def build(family, shape=(1, 8, 8), classes=("a", "b", "c"), **settings):
    torch.manual_seed(0)
    model = MODELS[family]
    return model(DataSpec("image", shape, classes), model.Settings.parse(SMALL[family] | settings))


def batch_for(model, size=4):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(size, *model.spec.shape, generator=generator) * 2 - 1
    return Batch(x, torch.arange(size) % 3)


def quick(model):
    """Sampling settings with few steps."""
    steps = {"steps": 3} if any(s.name == "steps" for s in model.SamplingSettings.fields()) else {}
    return model.SamplingSettings.parse(steps)


def draw(model, n, seed, given=None):
    *_, draft = model.sample(n, quick(model), seed, given)
    return draft.items


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join([variant[0], *map(str, variant[1].values())]))
def variant(request):
    return request.param


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("conditional", [False, True])
def test_every_family_learns_and_draws_images_of_every_shape(variant, shape, conditional):
    family, settings = variant
    model = build(family, shape, conditional=conditional, **settings)
    for loss in model.training_losses(batch_for(model), 0):
        assert loss.value.shape == (len(batch_for(model).x),)
        assert loss.value.isfinite().all()
        for parameter in model.parameters():
            parameter.grad = None
        loss.value.mean().backward()
        gradients = [p.grad for p in model.players()[loss.player].parameters if p.grad is not None]
        assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
    model.eval()
    items = draw(model, 2, 0, model.given_labels(None, 2))
    assert items.shape == (2, *shape)
    assert items.abs().max() <= 1


def test_sample_i_comes_from_seed_plus_i_in_any_batch(variant):
    family, settings = variant
    model = build(family, conditional=False, **settings).eval()
    together = draw(model, 4, 10)
    for i in range(4):
        alone = draw(model, 1, 10 + i)
        assert (alone[0] - together[i]).abs().max() <= 2 / 255  # one grey level


def test_the_same_latents_decode_to_the_same_items(variant):
    family, settings = variant
    model = build(family, **settings).eval()
    z = model.prior(2, 0)
    first, again = (model.decode(z, settings=quick(model)) for _ in range(2))
    assert torch.equal(first, again)


def test_class_weights_move_a_conditional_model_smoothly(variant):
    family, settings = variant
    model = build(family, conditional=True, **settings).eval()
    z = model.prior(1, 0)
    ends = one_hot(torch.tensor([0, 1]), 3)

    def at(share):
        return model.decode(z, Given((1 - share) * ends[:1] + share * ends[1:]), quick(model))

    a, near_a, b = at(0.0), at(0.01), at(1.0)
    assert not torch.equal(a, b)
    assert (near_a - a).abs().max() < (b - a).abs().max()


def test_weights_survive_the_way_to_disk_and_back(variant, tmp_path):
    family, settings = variant
    model, other = (build(family, conditional=True, **settings).eval() for _ in range(2))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    model.save(tmp_path)
    other.restore(tmp_path)
    assert torch.equal(draw(model, 2, 0), draw(other, 2, 0))


def test_directions_are_independent_and_reach_the_image(variant):
    family, settings = variant
    model = build(family, **settings).eval()
    basis, scale = model.directions(3, 0)
    flat = basis.flatten(1)
    assert len(scale) == len(flat) == 3
    assert torch.linalg.matrix_rank(flat) == 3
    assert (scale > 0).all()


def test_a_vae_direction_ranking_follows_the_information_each_axis_carries():
    model = build("vae").eval()
    model.information.copy_(torch.tensor([0.1, 2.0, 1.0]))
    basis, _ = model.directions(3, 0)
    assert basis.argmax(1).tolist() == [1, 2, 0]


def test_the_classic_gan_has_the_classic_sizes():
    model = MODELS["gan"](DataSpec("image", (1, 28, 28)), MODELS["gan"].Settings.parse({"network": "mlp"}))
    for network, sizes in [(model.generator, [100, 256, 512, 1024, 784]), (model.discriminator.layers, [784, 512, 256, 1])]:
        linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
        assert [linear[0].in_features, *(layer.out_features for layer in linear)] == sizes
    assert all(layer.negative_slope == 0.2 for layer in model.generator if isinstance(layer, torch.nn.LeakyReLU))


def test_the_generator_is_judged_by_a_discriminator_that_has_just_stepped():
    model = build("gan", network="mlp", spectral_norm=False)
    turns = model.training_losses(batch_for(model), 0)
    next(turns)
    with torch.no_grad():
        for parameter in model.discriminator.parameters():
            parameter.zero_()
    assert next(turns).value.mean().item() == pytest.approx(0.6931, abs=1e-4)  # ln 2: a discriminator of zeros can only guess


def test_settling_makes_batch_norm_follow_the_weights():
    model = build("gan", (1, 28, 28)).eval()
    with torch.no_grad():
        model.generator[0].weight.mul_(5)
    model.settle(0)
    before = draw(model, 64, 100).std()
    model.train()
    with torch.no_grad():
        expected = model.decode(model.prior(64, 100)).std()
    assert before == pytest.approx(float(expected), rel=0.1)


@pytest.mark.parametrize(("target", "sampler"), [(t, s) for t in ("flow", "v", "noise") for s in SAMPLERS[t]])
def test_every_sampler_of_a_target_finds_the_data_of_a_perfect_network(target, sampler):
    """With data that are all one image, the best prediction is known, and every sampler must end at that image."""
    model = build("diffusion", target=target).eval()
    image = torch.linspace(-0.8, 0.8, 64).view(1, 1, 8, 8)

    class Perfect(torch.nn.Module):
        def forward(self, x, t, class_labels=None):
            if target == "flow":
                return Out((x - image) / (t / 1000).clamp(min=1e-4))
            signal = model.noising.alphas_cumprod[t.round().long().clamp(0, 999)]
            eps = (x - signal.sqrt() * image) / (1 - signal).sqrt()
            return Out(eps if target == "noise" else signal.sqrt() * eps - (1 - signal).sqrt() * image)

    class Out:
        def __init__(self, sample):
            self.sample = sample

    model.network = Perfect()
    settings = model.SamplingSettings.parse({"sampler": sampler, "steps": 30})
    model.parameters = lambda: iter([torch.zeros(1)])
    drafts = list(model.sample(2, settings, 0))
    assert (drafts[-1].items - image).abs().max() < 0.12
    assert (drafts[len(drafts) // 2].estimate - image).abs().max() < 0.05  # each step tells where it is going
    assert [d.step for d in drafts] == list(range(1, drafts[-1].total + 1))


def test_a_vae_without_information_pays_no_kl_and_its_likelihood_is_a_likelihood():
    model = build("vae", likelihood="bernoulli")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    loss = next(model.training_losses(batch_for(model), 0))
    assert loss.logs["KL"].item() == pytest.approx(0)
    assert loss.value.mean().item() == pytest.approx(64 * 0.6931, rel=1e-3)  # 64 fair coins, in nats


def test_a_likelihood_decodes_no_more_at_once_than_fits_in_memory(monkeypatch: pytest.MonkeyPatch):
    model = build("vae", (1, 64, 64), width=8, latent=2)
    batch, sizes = Batch(torch.zeros(30, 1, 64, 64), torch.full((30,), -1)), []
    monkeypatch.setattr(model, "_pixels", lambda z, weights: sizes.append(len(z)) or torch.zeros(len(z), 1, 64, 64))
    model.nats(batch, 40)
    assert sum(sizes) == 30 * 40
    assert max(sizes) * 64 * 64 <= 2**21


def test_a_label_for_a_model_without_classes_is_refused():
    with pytest.raises(BadSetting, match=r"trained without classes"):
        build("vae").given_labels(torch.tensor([1]), 4)


def test_an_unknown_class_lists_the_known_ones():
    with pytest.raises(BadSetting, match=r"no class called 'd'.*Possible: a, b, c"):
        build("vae", conditional=True).label_of("d")


def test_without_a_label_the_classes_come_in_turn():
    weights = build("vae", conditional=True).given_labels(None, 7).classes
    assert weights.argmax(1).tolist() == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("family", IMAGES)
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 128, 128)])
def test_images_of_a_size_that_cannot_be_are_refused(family, shape):
    with pytest.raises(BadSetting, match=r"from 8×8 to 64×64"):
        build(family, shape)


@pytest.mark.parametrize("family", IMAGES)
def test_a_conditional_model_of_data_without_classes_is_refused(family):
    with pytest.raises(BadSetting, match=r"no classes"):
        build(family, classes=(), conditional=True)


@pytest.mark.parametrize("points", [False, True], ids=["image", "points"])
@pytest.mark.parametrize("family", SMALL)
def test_an_encoding_is_what_decoding_and_comparing_make_of_its_latents(family, points):
    spec = DataSpec("points", (2,), ("a", "b", "c")) if points else DataSpec("image", (3, 9, 13), ("a", "b", "c"))
    model = MODELS[family](spec, MODELS[family].Settings.parse(SMALL[family] | {"conditional": True})).eval()
    x, given, settings = batch_for(model, 2).x, model.given_labels(None, 2), quick(model)
    with torch.inference_mode():  # in which a page asks
        records = list(model.encode(x, given, settings))
        last = records[-1]
        torch.testing.assert_close(last.items, model.decode(last.z, last.given, settings))
    assert [record.step for record in records] == sorted({record.step for record in records})
    assert (last.step, last.z.shape) == (last.total, (2, *model.latent_shape))
    torch.testing.assert_close(last.error, (last.items - x).abs().flatten(1).mean(1) / 2)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(last.given.classes, given.classes)


@pytest.mark.parametrize("family", ["gan", "diffusion"])
def test_what_a_model_has_drawn_it_finds_again(family):
    model = build(family, (1, 16, 16)).eval()
    x = model.decode(model.prior(2, 7), settings=quick(model))
    *_, found = model.encode(x, settings=quick(model))
    other = model.decode(model.prior(2, 9), settings=quick(model))
    assert found.error.max() < 0.2 * (other - x).abs().mean() / 2


def test_a_search_finds_the_class_where_none_is_given():
    model = build("gan", conditional=True).eval()
    with torch.no_grad():
        model.generator[0].weight[:, -3:].mul_(20)  # classes that look nothing like one another
    given = model.given_labels(torch.tensor([2, 0, 1]), 3)
    *_, found = model.encode(model.decode(model.prior(3, 5), given))
    assert torch.equal(found.given.classes, given.classes)


def test_items_of_another_shape_are_not_encoded():
    for family in SMALL:
        with pytest.raises(BadSetting, match=r"What was given \(1\) is 8×8 in colour; this model encodes what is 8×8 in grey"):
            next(build(family).encode(torch.zeros(1, 3, 8, 8)))


def test_a_sampler_that_adds_noise_cannot_be_run_backwards():
    model = build("diffusion", target="v")
    with pytest.raises(BadSetting, match="'ddpm' adds fresh noise"):
        next(model.encode(torch.zeros(1, 1, 8, 8), settings=model.SamplingSettings.parse({"sampler": "ddpm"})))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop("log_sigma"), "1 tensors are missing"),
        (lambda w: w.update(extra=torch.zeros(1)), "1 unexpected"),
        (lambda w: w.update(log_sigma=torch.zeros(2, 3)), "'log_sigma' is 2×3, this model needs a single number"),
        (lambda w: w.update(log_sigma=torch.tensor(float("nan"))), "holds NaN or infinity in 1 tensors"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, sentence):
    expected = build("vae").state_dict()
    found = dict(expected)
    change(found)
    with pytest.raises(BadCheckpoint, match=sentence):
        check_weights(found, expected)


def test_all_families_of_images_have_latents_so_that_all_have_sliders():
    assert all(issubclass(MODELS[family], LatentModel) for family in IMAGES)


def test_held_out_losses_are_the_same_in_blocks_of_any_size(variant):
    family, settings = variant
    model, batch = build(family, conditional=True, **settings).eval(), batch_for(build(family, conditional=True, **settings), 10)

    def losses(size):
        found = []
        for block in batch.blocks(size):
            torch.manual_seed(0)
            with torch.no_grad():
                found.append(model.held_out_loss(block))
        return torch.cat(found)

    whole = losses(10)
    assert whole.shape == (10,)
    for size in (1, 3, 5, 64):
        assert torch.allclose(losses(size), whole, rtol=1e-4, atol=1e-5), size


def test_the_importance_weighted_bound_is_the_likelihood_of_a_linear_model():
    """Of a linear decoder with Gaussian noise the likelihood is known (Tipping & Bishop 1999, eq. 4)."""
    model = build("vae", shape=(1, 8, 8), classes=(), likelihood="gaussian", latent=2, importance=3)
    torch.manual_seed(0)
    slope, noise = 0.2 * torch.randn(2, 64), 0.3
    model.log_sigma.data.fill_(math.log(noise))
    model._pixels = lambda z, weights: (z @ slope + 0.5).view(-1, 1, 8, 8)
    pixels = 0.5 + torch.randn(6, 2) @ slope + noise * torch.randn(6, 64)
    batch = Batch((2 * pixels - 1).view(-1, 1, 8, 8), torch.full((6,), -1))
    truth = torch.distributions.MultivariateNormal(torch.full((64,), 0.5), slope.T @ slope + noise**2 * torch.eye(64))
    expected = -truth.log_prob(pixels)
    spread = torch.linalg.inv(torch.eye(2) + slope @ slope.T / noise**2)
    mean = (pixels - 0.5) @ slope.T @ spread / noise**2
    model.posterior = lambda x, weights: (mean, (4 * spread.diagonal()).log().expand_as(mean))  # too wide
    nearly = [torch.stack([model.nats(batch, k) for _ in range(50)]).mean() for k in (1, 20)]
    assert nearly[0] - 0.5 > nearly[1] > expected.mean() - 0.1
    assert torch.allclose(model.nats(batch, 5000), expected, atol=0.2)
    losses = [
        torch.stack([next(one.training_losses(batch, 0)).value.detach() for _ in range(100)]).mean()
        for one in (model, like_but(model, importance=1))
    ]
    assert expected.mean() < losses[0] < losses[1] - 0.2


def like_but(model, **settings):
    """The same model with other settings."""
    other = copy.copy(model)
    other.settings = model.settings.model_copy(update=settings)
    return other


@pytest.mark.parametrize("settings", [{"beta": 2.0}, {"likelihood": "cross-entropy"}])
def test_what_is_no_likelihood_has_no_tighter_bound(settings):
    with pytest.raises(BadSetting, match="importance is 5"):
        build("vae", importance=5, **settings)


def test_where_pixels_are_black_or_white_by_chance_the_encoder_sees_what_is_to_be_drawn(monkeypatch):
    model, seen = build("vae", likelihood="bernoulli"), []
    posterior = model.posterior
    monkeypatch.setattr(model, "posterior", lambda x, weights: (seen.append(x), posterior(x, weights))[1])
    model.training_losses(batch_for(model), 0).__next__()
    model.nats(batch_for(model), 2)
    assert len(seen) == 2
    assert all(set(x.unique().tolist()) == {-1.0, 1.0} for x in seen)
