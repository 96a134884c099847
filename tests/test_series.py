"""Series: the kind of data, the waves whose laws are known, what an RNN makes of them, and how forecasts are measured."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import distributions
from torch.nn import functional as F

from genlab import Run, load, load_model, train
from genlab.curves import COLOURS, curves, filled, marks, runs
from genlab.data import Batch, Dataset, DataSpec, Splits
from genlab.data.recipe import OPERATIONS, Recipe
from genlab.data.waves import KINDS, NOISE, draw_waves
from genlab.errors import BadData, BadSetting
from genlab.features import Features
from genlab.metrics import band, crps, evaluate, within
from genlab.modalities import MODALITIES, Ragged
from genlab.models import MODELS
from genlab.models.base import Draft, Given, one_hot
from genlab.models.sequence import Reader
from genlab.models.series import HORIZON, SeriesModel, last, mixture, nats
from genlab.quality import DEFECTS
from genlab.quality.sensor import traits

KIND = MODALITIES["series"]
NAN = math.nan


def part(rows, classes=()):
    items = Ragged.of([np.asarray(row, np.float32).reshape(len(row), -1) for row in rows], np.float32)
    label = torch.arange(len(rows)) % len(classes) if classes else torch.full((len(rows),), -1)
    return Dataset(
        "curves", DataSpec("series", KIND.shape(items), classes), items, {"label": label, "id": torch.arange(len(rows))}
    )


def sines(n, seed=0, length=48, channels=1):
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 2 * np.pi, (n, 1, channels))
    times = np.arange(length)[:, None]
    return np.sin(times / random.uniform(1, 3, (n, 1, 1)) + phase) + 0.02 * random.standard_normal((n, length, channels))


def splits(classes=(), **wish):
    return Splits("curves", *(part(sines(n, seed, **wish), classes) for seed, n in enumerate((96, 32, 32))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return made()


def made(channels=1, length=48, classes=(), **settings):
    family = MODELS["rnn"]
    given = {"width": 16, "context": 32, "components": 3, "conditional": bool(classes), **settings}
    model = family(DataSpec("series", (length, channels), classes), family.Settings.parse(given)).eval()
    assert isinstance(model, SeriesModel)
    for weight in model.parameters():  # so that nothing is 0 that would be by chance of the start
        weight.data += 0.1 * torch.randn(weight.shape)
    return model


# --- The data ---


def test_waves_follow_their_laws_but_for_noise():
    items, columns = draw_waves(400, 3)
    x, kind = np.stack([*items])[..., 0], columns["label"]
    assert len(KINDS) == 4
    assert np.abs(x).max() < 1.2
    logistic, r = x[kind == 2], columns["factors"][kind == 2, 1:2]
    now = (logistic[:, :-1] + 1) / 2
    off = 2 * r * now * (1 - now) - 1 - logistic[:, 1:]
    assert off.std() < 5 * NOISE  # its slope is 4 at most
    walk, step = x[kind == 3], columns["factors"][kind == 3, 1]
    assert np.allclose(np.diff(walk).std(1), np.hypot(step, 2**0.5 * NOISE), rtol=0.35)
    waves, periods = x[kind == 0], columns["factors"][kind == 0, 1:]
    for row, pair in zip(waves, periods, strict=True):
        angles = 2 * np.pi * np.arange(len(row))[:, None] / pair
        basis = np.concatenate([np.sin(angles), np.cos(angles)], 1)
        assert np.std(row - basis @ np.linalg.lstsq(basis, row)[0]) < 2 * NOISE
    glass = x[kind == 1]
    assert 0.2 < glass.std() < 0.6
    same, _ = draw_waves(400, 3)
    assert np.array_equal(same.flat, items.flat)


def test_series_of_any_length_fill_up_and_come_back():
    rows = [torch.tensor([[0.5], [NAN], [-0.5]]), torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])]
    x = KIND.to_model(rows, (4, 1))
    assert x[0, 3].isnan().all()
    assert x[1, :, 0].tolist() == [1, 2, 3, 4]
    back = KIND.to_stored(x)
    assert torch.equal(back[0].nan_to_num(9), rows[0].nan_to_num(9))
    assert len(back[1]) == 4
    pieces = {float(KIND.to_model(rows[1:], (4, 1), torch.Generator().manual_seed(seed))[0, 0]) for seed in range(20)}
    assert pieces == {1, 2}


def test_a_series_is_a_file_of_lines_of_numbers():
    series = torch.tensor([[0.25, -1.5], [NAN, 3.0]])
    content = KIND.file(series)
    assert content == b"0.25,-1.5\n,3\n"
    assert torch.equal(KIND.read(content).nan_to_num(9), series.nan_to_num(9))
    for wrong in (b"", b"a,b\n", b"1,2\n3\n", b"\xff\xfe\x00", b"1e999\n"):
        with pytest.raises(BadData, match="a line of numbers"):
            KIND.read(wrong)


def test_a_curve_is_drawn_where_there_are_values_alone():
    picture = curves(torch.tensor([[1.2]] * 20 + [[NAN]] * 20 + [[-1.2]] * 20), 60, 60)
    ink = torch.tensor([int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)])
    drawn = (picture.permute(1, 2, 0).int() - ink).abs().sum(2) < 60
    assert drawn[:5, :18].any()
    assert drawn[-5:, -18:].any()
    assert not drawn[:, 22:38].any()
    assert curves(torch.full((5, 1), NAN), 20, 20).shape == (3, 20, 20)
    assert curves(torch.ones(1, 2), 20, 20).shape == (3, 20, 20)
    assert [*map(tuple, runs(torch.tensor([True, True, False, True])))] == [(0, 1), (3,)]


def test_gaps_are_bridged_by_straight_lines_where_a_whole_series_is_needed():
    assert filled(torch.tensor([[NAN], [1.0], [NAN], [3.0], [NAN]]))[:, 0].tolist() == [1, 1, 2, 3, 3]
    assert filled(torch.full((3, 2), NAN)).tolist() == [[0, 0]] * 3


def test_marks_tell_kinds_apart_whenever_they_begin():
    period, other = torch.arange(200) * 2 * math.pi / 20, torch.arange(200) * 2 * math.pi / 5
    early, late, quick = (marks([wave.sin()[:, None]], 16)[0] for wave in (period, period + 1, other))
    assert (early - late).norm() < 0.1 * (early - quick).norm()
    noise, still = torch.randn(500, 1, generator=torch.Generator().manual_seed(0)), torch.zeros(3, 1)
    assert marks([noise], 16)[0, 18:34].abs().max() < 0.2  # white noise is not like itself
    assert marks([still], 16).isfinite().all()


def test_facts_tell_lengths_steps_and_gaps():
    data = part([[0, 1, 0, 1], [0.5, NAN, 0.5]])
    facts = KIND.facts([(data.read(slice(None)), data.label)], data.spec.shape, 0)
    assert facts.numbers["series_length"] == 3.5
    assert facts.numbers["series_step"] == 1
    assert facts.shares["not_measured"] == pytest.approx(1 / 7)


# --- The model ---


def test_a_mixture_is_that_of_torch_and_what_is_missing_costs_nothing():
    outputs, before = torch.randn(5, 3 * 5), torch.randn(5, 2)
    weights, means, deviations = mixture(outputs, before)
    own = distributions.MixtureSameFamily(
        distributions.Categorical(logits=weights), distributions.Independent(distributions.Normal(means, deviations.exp()), 1)
    )
    x = torch.randn(5, 2)
    assert torch.allclose(nats((weights, means, deviations), x), -own.log_prob(x), atol=1e-4)
    one = distributions.MixtureSameFamily(
        distributions.Categorical(logits=weights), distributions.Normal(means[..., 0], deviations[..., 0].exp())
    )
    half = torch.stack([x[:, 0], torch.full((5,), NAN)], 1)
    assert torch.allclose(nats((weights, means, deviations), half), -one.log_prob(x[:, 0]), atol=1e-4)
    nothing = nats((weights, means, deviations), torch.full((5, 2), NAN))
    assert nothing.abs().max() < 1e-5


def test_the_last_known_value_is_carried_over_gaps():
    x = torch.tensor([[[NAN], [1.0], [NAN], [NAN], [2.0]]])
    assert last(x)[0, :, 0].tolist() == [0, 1, 1, 1, 2]


def test_no_value_knows_what_comes_and_the_cache_changes_nothing(model):
    x = model.tokens_of(torch.from_numpy(sines(2)).float())
    changed = x.clone()
    changed[:, 20] += 1
    with torch.no_grad():
        whole, other = model.logits(x)[0], model.logits(changed)[0]
        reader = Reader(model, None)
        stepwise = torch.stack([reader.read(x[:, : stop + 1]) for stop in range(x.shape[1])], 1)
    assert torch.equal(whole[:, :20], other[:, :20])
    assert not torch.equal(whole[:, 20:], other[:, 20:])
    assert torch.allclose(whole, stepwise, atol=1e-5)


def test_a_series_is_drawn_from_its_seed_and_goes_on_as_it_was(model):
    settings = model.SamplingSettings(length=30)
    *_, draft = model.sample(3, settings, 5)
    assert isinstance(draft, Draft)
    assert draft.items.shape == (3, 48, 1)
    assert draft.items[:, 30:].isnan().all()
    *_, alone = model.sample(1, settings, 7)
    assert torch.allclose(alone.items[0, :30], draft.items[2, :30], atol=1e-5)
    gone = model.forecast(draft.items[2, :12], 18, paths=1, seed=7)
    assert torch.allclose(gone[0], draft.items[2, 12:30], atol=1e-4)
    still = model.forecast(draft.items[0, :12], 5, paths=2, temperature=0)
    assert torch.equal(still[0], still[1])
    assert not torch.equal(gone[0, :5], still[0])


def test_forecasts_of_many_are_those_of_each_in_distribution(model):
    x = torch.from_numpy(sines(6)).float()
    x[2:, 40:] = NAN  # shorter ones
    x[5] = NAN  # too short to foretell
    found = model.forecasts(Batch(x, torch.full((6,), -1)), 400)
    assert found.shape == (6, HORIZON, 402)
    assert torch.equal(found[0, :, 0], x[0, -HORIZON:, 0])
    assert torch.equal(found[3, :, 0], x[3, 40 - HORIZON : 40, 0])
    assert (found[3, :, 1] == x[3, 40 - HORIZON - 1, 0]).all()
    assert found[5].isnan().all()
    one = model.forecast(x[3, : 40 - HORIZON], HORIZON, paths=400)[..., 0]
    assert torch.allclose(found[3, :, 2:].mean(1), one.mean(0), atol=5 * float(one.std()) / 400**0.5)


def test_it_learns_what_follows_and_a_run_of_it_is_opened(tmp_path):
    data = splits()
    run = Run.create(
        "rnn", data, {"width": 32, "context": 48, "steps": 150, "batch_size": 32, "learning_rate": 1e-2}, "r", tmp_path
    )
    list(train(run, data, "cpu"))
    model = load_model(run.path).model
    batch = Batch(data.test.inputs(torch.arange(32)), data.test.label)
    before = made(width=32)
    assert float(model.held_out_loss(batch).mean()) < float(before.held_out_loss(batch).mean()) - 0.5
    _, means, _ = mixture(model.logits(model.tokens_of(batch.x))[0], last(model.tokens_of(batch.x)))
    foretold = means.mean(2)[:, 20:-1]
    assert (foretold - batch.x[:, 20:]).std() < 0.6 * batch.x[:, 20:].diff(dim=1).std()


def test_two_channels_gaps_and_classes(tmp_path):
    data = splits(("slow", "fast"), channels=2)
    x = data.train.inputs(torch.arange(8))
    x[0, 5:9, 0] = NAN
    model = made(channels=2, classes=("slow", "fast"))
    losses = [loss.value for loss in model.training_losses(Batch(x, data.train.label[:8]), 0)]
    assert losses[0].isfinite().all()
    losses[0].mean().backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())
    settings = model.SamplingSettings(length=8)
    asked = [Given(one_hot(torch.tensor([k]), 2)) for k in (0, 1)]
    drawn = [[*model.sample(1, settings, 0, given)][-1].items for given in asked]
    assert not torch.equal(drawn[0].nan_to_num(), drawn[1].nan_to_num())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"tokens": "bpe"}, "Series have no tokens"),
        ({"augment": "flip"}, "varies images"),
        ({"conditional": True}, "have no classes"),
    ],
)
def test_what_makes_no_sense_for_series_gets_its_sentence(given, sentence):
    family = MODELS["rnn"]
    with pytest.raises(BadSetting, match=sentence):
        family(DataSpec("series", (20, 1)), family.Settings.parse(given))


def test_what_is_foretold_from_must_fit(model):
    with pytest.raises(BadSetting, match="1 values at a time"):
        model.forecast(torch.zeros(5, 2), 3)
    with pytest.raises(BadSetting, match="length"):
        model.forecast(torch.zeros(5, 1), 0)
    assert model.forecast(torch.full((4, 1), NAN), 3, paths=2).isfinite().all()
    assert model.forecast(torch.zeros(0, 1), 3, paths=2).isfinite().all()


def test_a_model_of_series_reads_no_texts(model):
    for ask in (model.read, model.units):
        with pytest.raises(BadSetting, match="reads no texts"):
            ask("to be")
    with pytest.raises(BadSetting, match="no attention"):
        model.attention("to be")


def test_series_without_any_value_are_not_learnt(tmp_path):
    nothing = part([[NAN] * 8] * 20)
    data = Splits("nothing", nothing, nothing, nothing)
    run = Run.create("rnn", data, {"width": 8, "context": 8, "steps": 5}, "r", tmp_path)
    with pytest.raises(BadSetting, match="have no values"):
        list(train(run, data, "cpu"))


# --- What a sensor does to them ---


def spoilt(kind, rate=0.1, severity=0.5, n=600):
    data = Splits("curves", part(sines(n, 0, 96)), part(sines(20, 1, 96)), part(sines(20, 2, 96)))
    train, truth = DEFECTS["sensor"].inject(data, DEFECTS["sensor"].Settings(kind=kind, rate=rate, severity=severity), 1)
    return data.with_part("train", train), truth


@pytest.mark.parametrize("kind", ["noise", "gaps", "clipping", "shift"])
def test_a_sensors_faults_are_found_and_nothing_is_done_at_severity_0(kind):
    data, truth = spoilt(kind)
    assert len(truth.changed) == 60
    found = {finding.name: finding for finding in DEFECTS["sensor"].detect(data, Features(data.train))}
    wrong = torch.isin(data.train.id, truth.changed)
    finding = found[f"sensor-{kind}"]
    assert roc_auc_score(wrong, finding.scores) > 0.95
    assert (finding.flagged & wrong).sum() >= 20
    assert (finding.flagged & ~wrong).sum() <= 6
    nothing = spoilt(kind, severity=0)[1]
    assert not len(nothing.changed)


def test_short_gaps_are_bridged_and_long_ones_dropped():
    data, _ = spoilt("gaps", rate=0.2, severity=0.3)
    long, _ = DEFECTS["sensor"].inject(data, DEFECTS["sensor"].Settings(kind="gaps", rate=0.05, severity=1), 7)
    data = data.with_part("train", long)
    (finding, *_) = DEFECTS["sensor"].detect(data, Features(data.train))
    recipe = DEFECTS["sensor"].repair(data, finding, Recipe.of(data))
    assert [step.do for step in recipe.steps] == ["bridge", "drop"]
    mended = data.train
    for step in recipe.steps:
        mended = OPERATIONS[step.do].apply(data.with_part("train", mended), step)
    assert not any(bool(item.isnan().any()) for item in mended.read(slice(None)))
    assert len(data.train) - len(mended) == len(recipe.steps[1].settings["ids"]) > 0


def test_the_check_of_clean_series_judges_others():
    clean = part(sines(600, 0, 96))
    check = DEFECTS["sensor"].fit(Features(clean))
    data, truth = spoilt("shift", n=300)
    wrong = torch.isin(data.train.id, truth.changed)
    flagged = check(data.train)["sensor-shift"].flagged
    assert flagged[wrong].float().mean() > 0.3
    assert flagged[~wrong].float().mean() < 0.05
    odd = [torch.full((5, 1), NAN), torch.zeros(1, 1), torch.zeros(0, 1)]
    assert np.isfinite(traits(odd)).all()


# --- How forecasts are measured ---


def test_crps_of_normal_paths_is_the_closed_form():
    random = torch.Generator().manual_seed(0)
    paths, came = torch.randn(20_000, 50, generator=random).double(), torch.full((20_000,), 0.7).double()
    phi, own = math.exp(-(0.7**2) / 2) / (2 * math.pi) ** 0.5, 0.5 * (1 + math.erf(0.7 / 2**0.5))
    closed = 0.7 * (2 * own - 1) + 2 * phi - math.pi**-0.5  # Gneiting & Raftery 2007, eq. 21
    assert float(crps(paths, came).mean()) == pytest.approx(closed, abs=0.003)
    assert float(crps(torch.full((1, 2), 3.0), torch.tensor([1.0]))) == 2  # of a single value it is the distance


def test_the_band_of_right_paths_holds_exactly_its_share():
    random = torch.Generator().manual_seed(1)
    drawn = torch.randn(40_000, 100, generator=random)
    for share in (0.5, 0.9):
        assert float(within(drawn[:, 1:], drawn[:, 0], share).mean()) == pytest.approx(share, abs=0.006)
    low, high = band(torch.arange(1.0, 100.0), 0.9)
    assert (float(low), float(high)) == (5, 95)
    assert within(torch.arange(9.0), torch.tensor(NAN), 0.5).isnan()


def test_forecasts_are_measured_with_a_model_as_its_other_numbers_are(tmp_path):
    data = splits(("slow", "fast"))
    run = Run.create("rnn", data, {"width": 16, "context": 48, "steps": 60, "batch_size": 32}, "r", tmp_path)
    list(train(run, data, "cpu"))
    *_, told = evaluate(load_model(run.path).model, data, ["crps", "bands", "frechet", "bits"], n=30, draws=1)
    assert set(told.scores) == {"crps", "bands", "frechet"}
    assert 0 < told.scores["crps"].number < 3
    assert set(told.scores["crps"].groups) == {"slow", "fast"}
    assert 0 <= told.scores["bands"].number <= 0.9
    assert "writes" in str(told.impossible["bits"])


def test_waves_open_with_their_kinds(monkeypatch):
    data = load("waves")
    assert data.train.spec.classes == KINDS
    assert data.train.column("factors").shape[1] == 3
    assert F.mse_loss(data.train.inputs(torch.arange(4)).nan_to_num(), data.train.inputs(torch.arange(4))) == 0
