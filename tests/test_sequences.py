"""The contract of the families that write token after token, and GPT-2 against one that is written here."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from marks import long
from torch import nn
from torch.nn import functional as F

from genlab import Run, load, load_model, train
from genlab.data import Batch, Dataset, DataSpec, Splits
from genlab.errors import BadCheckpoint, BadSetting
from genlab.metrics import evaluate
from genlab.modalities import MODALITIES, Ragged
from genlab.models import MODELS, Given
from genlab.models.base import Draft, one_hot
from genlab.models.sequence import Reader, SequenceModel, Surprise, likely
from genlab.models.settings import SequenceSampling
from genlab.training.optimizer import Muon
from genlab.training.start import create_from

KIND = MODALITIES["text"]
VARIANTS = [
    ("gpt", {"architecture": "modern"}),
    ("gpt", {"architecture": "gpt2", "optimizer": "adamw"}),
    ("rnn", {"cell": "lstm"}),
    long(("rnn", {"cell": "gru", "layers": 2})),
    long(("rnn", {"cell": "plain"})),
    long(("gpt", {"tokens": "bpe", "vocabulary": 300})),
]
WORDS = ["so", "shaken", "as", "we", "are", "wan", "with", "care", "find", "a", "time", "for", "frighted", "peace"]


def lines(n, seed=0):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(2, 9))) + "." for _ in range(n)]


def part(texts, shape=(80,), classes=()):
    rows = Ragged.of([np.frombuffer(text.encode(), np.uint8) for text in texts], np.uint8)
    label = torch.arange(len(texts)) % len(classes) if classes else torch.full((len(texts),), -1)
    return Dataset("lines", DataSpec("text", shape, classes), rows, {"label": label, "id": torch.arange(len(texts))})


def splits(classes=()):
    return Splits(
        "lines", part(lines(64), classes=classes), part(lines(16, 1), classes=classes), part(lines(16, 2), classes=classes)
    )


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join([variant[0], *map(str, variant[1].values())]))
def variant(request):
    return request.param


@pytest.fixture
def build(tmp_path):
    def made(family, classes=(), **settings):
        torch.manual_seed(0)
        small = {"width": 32, "layers": 2, "context": 24} | ({"heads": 2} if family == "gpt" else {})
        data = part(lines(64), classes=classes)
        model = MODELS[family](data.spec, MODELS[family].Settings.parse(small | {"conditional": bool(classes)} | settings))
        model.prepare(data, tmp_path)
        return model

    return made


def write(model, n=3, seed=0, given=None, **settings):
    *_, draft = model.sample(n, SequenceSampling.parse({"length": 30, **settings}), seed, given)
    return [KIND.told(item) for item in KIND.to_stored(draft.items)]


# --- What they learn ---


def test_at_first_every_token_is_as_likely(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    data = part(lines(256, 5))
    torch.manual_seed(0)
    (loss,) = model.training_losses(data.batch(256, 0, 0), 0)
    assert loss.value.shape == (256,)
    assert float(loss.value.detach().mean()) == pytest.approx(math.log(model.tokens.size), rel=0.02)


def test_a_few_lines_are_learnt_by_heart(build, variant):
    family, settings = variant
    model, batch = build(family, **settings, context=80), part(lines(32)).batch(32, 0, 0)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for step in range(150):
        (loss,) = model.training_losses(batch, step)
        optimizer.zero_grad()
        loss.value.mean().backward()
        optimizer.step()
    assert float(loss.value.detach().mean()) < 0.5, "what is left is which of the lines it is"


def test_no_token_is_told_by_what_follows_it(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    x = torch.randint(3, model.tokens.size, (2, 20), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, 12] = (other[:, 12] + 1) % model.tokens.size
    with torch.no_grad():
        (first, _), (second, _) = model.logits(x), model.logits(other)
    assert torch.equal(first[:, :12], second[:, :12])
    assert not torch.equal(first[:, 12:], second[:, 12:])


def test_what_is_remembered_while_writing_changes_nothing(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    x = torch.randint(3, model.tokens.size, (3, 24), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole, _ = model.logits(x)
        reader = Reader(model, None)
        piece = [reader.read(x[:, :stop]) for stop in (1, 5, 6, 7, 20, 24)]
    for logits, stop in zip(piece, (1, 5, 6, 7, 20, 24), strict=True):
        assert (logits - whole[:, stop - 1]).abs().max() < 1e-5


def test_held_out_losses_are_the_same_in_blocks_of_any_size(build, variant):
    family, settings = variant
    model = build(family, classes=("a", "b"), **settings).eval()
    batch = part(lines(20, 3), classes=("a", "b")).batch(20, 0, 0)
    with torch.no_grad():
        whole = model.held_out_loss(batch)
        for size in (1, 7):
            assert torch.allclose(torch.cat([model.held_out_loss(block) for block in batch.blocks(size)]), whole, rtol=1e-4)


def test_what_a_text_costs_is_what_its_places_cost(build, variant):
    family, settings = variant
    model = build(family, **settings, context=16).eval()
    data = part(lines(5, 9), shape=(200,))
    nats, size = model.spelled(Batch(data.inputs(slice(None)), data.label))[0].T
    for item, told, count in zip(data.read(slice(None)), nats.tolist(), size.tolist(), strict=True):
        places = model.read(KIND.told(item))
        assert count == len(item)
        spelled = sum(place.nats for place in places[:-1])
        assert told > spelled, "its end costs something, too"
        assert told - spelled < 2 * math.log(model.tokens.size)


def test_bits_a_byte_of_a_model_that_knows_nothing_are_those_of_its_tokens(build):
    model, data = build("rnn").eval(), splits()
    with torch.no_grad():
        model.network.head.weight.zero_()
    *_, last = evaluate(model, with_copies(data), ["bits"], n=32, draws=1)
    tokens, size = (sum(of(item) for item in data.test.read(slice(None))) for of in (lambda item: len(item) + 1, len))
    assert last.scores["bits"].number == pytest.approx(math.log2(model.tokens.size) * tokens / size, rel=1e-3)


def with_copies(data):
    """The same with held-out parts of more items, each of them twice."""
    twice = torch.arange(32) % 16
    return Splits(data.name, data.train, data.validation[twice], data.test[twice])


def test_a_long_document_is_learnt_from_piece_by_piece(build):
    model, data = build("rnn", context=8), part(["abcdefghij" * 20])
    seen = {tuple(model.tokens_of(data.batch(1, 0, step).x)[0, :4].tolist()) for step in range(30)}
    assert len(seen) > 5


# --- What they write ---


def test_text_i_comes_from_seed_plus_i_in_any_batch(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    together = write(model, 4, seed=10)
    assert len(set(together)) > 1
    assert [write(model, 1, seed=10 + i)[0] for i in range(4)] == together


def test_without_temperature_the_likeliest_is_written_whatever_the_seed(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    first, *others = write(model, 3, temperature=0.0)
    assert others == [first, first]
    assert write(model, 1, seed=99, temperature=0.0, length=10, prompt="we ")[0].startswith("we ")


def test_writing_goes_on_beyond_the_context_and_ends_where_it_is_to(build, variant):
    family, settings = variant
    model = build(family, **settings).eval()
    drafts = list(model.sample(2, SequenceSampling(length=70, prompt="so "), 0))
    assert [draft.step for draft in drafts] == sorted({draft.step for draft in drafts})
    assert drafts[-1].step == drafts[-1].total == 70
    for earlier, later in pairwise(drafts):
        told = [[KIND.told(item).rstrip("\ufffd") for item in KIND.to_stored(draft.items)] for draft in (earlier, later)]
        assert all(after.startswith(before) for before, after in zip(*told, strict=True))
    stopped = write(model, 8, length=70, until="e", prompt="we ")
    assert all("e" not in text[3:].rstrip(text[-1]) for text in stopped if model.settings.tokens == "characters")
    assert any("e" in text[3:] for text in stopped)


def test_a_little_more_temperature_changes_little(build):
    model = build("gpt").eval()
    some, more = (write(model, 20, temperature=t) for t in (0.8, 0.81))
    same = sum(a == b for one, other in zip(some, more, strict=True) for a, b in zip(one, other, strict=False))
    assert same > 0.7 * sum(map(len, some))


def test_a_text_is_gone_on_with_from_any_of_its_places_as_it_was(build):
    model = build("gpt").eval()
    (text,) = write(model, 1, seed=3, length=20)
    for stop in (1, 5, 13):
        assert write(model, 1, seed=3, length=20 - stop, prompt=text[:stop]) == [text]


def test_what_is_likely_at_a_place_is_what_would_be_written_there(build, variant):
    family, settings = variant
    model = build(family, **settings, context=16).eval()
    text = " ".join(lines(8))
    places = model.read(text, 5)
    assert "".join(place.text for place in places) == text
    assert places[-1].nats is None
    assert len(places) > 2 * 16, "longer than the context"
    for stop in (0, 7, 15):
        before = "".join(place.text for place in places[:stop])
        following = write(model, 1, prompt=before, length=1, temperature=0.0)[0][len(before) :]
        assert following == places[stop].likeliest[0][0]
    for place in places[:-1]:
        told = dict(place.likeliest)
        assert sum(told.values()) <= 1 + 1e-6
        if place.text in told:
            assert place.nats == pytest.approx(-math.log(told[place.text]), abs=1e-4)


def test_class_weights_move_a_conditional_model(build, variant):
    family, settings = variant
    model = build(family, classes=("a", "b"), **settings).eval()
    with torch.no_grad():
        model.shift.weight.normal_(std=3.0)
    ends = one_hot(torch.tensor([0, 1]), 2)
    x = torch.full((1, 3), model.tokens.end)

    def at(share):
        with torch.no_grad():
            return model.logits(x, model._shift_of((1 - share) * ends[:1] + share * ends[1:]))[0]

    assert 0 < (at(0.01) - at(0.0)).abs().max() < (at(1.0) - at(0.0)).abs().max()
    assert write(model, 20, given=Given(ends[:1].expand(20, -1))) != write(model, 20, given=Given(ends[1:].expand(20, -1)))


def test_what_may_be_written_is_what_the_settings_leave():
    logits, said = torch.tensor([[3.0, 2.0, 1.0, -1.0]]), torch.tensor([[0, 3]])

    def left(**settings):
        return likely(logits, said, SequenceSampling.parse({"temperature": 1.0, **settings}))[0].isfinite().tolist()

    assert left(top_k=2) == [True, True, False, False]
    assert left(top_p=0.5) == [True, False, False, False], "the first has 0.66 alone"
    assert left(top_p=0.7) == [True, True, False, False]
    assert left() == [True] * 4
    penalised = likely(logits, said, SequenceSampling(temperature=1.0, repetition_penalty=2.0))[0].tolist()
    assert penalised == [1.5, 2.0, 1.0, -2.0]
    halved = likely(logits, said, SequenceSampling(temperature=0.5))[0].tolist()
    assert halved == [6.0, 4.0, 2.0, -2.0]


# --- Their files ---


def test_weights_and_tokens_survive_the_way_to_disk_and_back(build, variant, tmp_path):
    family, settings = variant
    model = build(family, classes=("a", "b"), **settings).eval()
    folder = tmp_path / "kept"
    folder.mkdir()
    model.save(folder)
    other = MODELS[family](model.spec, model.settings)
    other.restore(folder)
    assert other.tokens == model.tokens
    assert write(other.eval()) == write(model)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadCheckpoint, match="missing or damaged"):
        other.restore(folder)


@pytest.mark.parametrize("family", ["gpt", "rnn"])
def test_a_run_that_stops_and_goes_on_ends_as_one_that_did_not(family, tmp_path):
    data = splits()
    wish = {"steps": 6, "save_every": 3, "width": 16, "layers": 1, "context": 16, "dropout": 0.1}
    if family == "gpt":
        wish |= {"heads": 2, "architecture": "gpt2"}

    def made(name):
        return Run.create(family, data, wish, name, tmp_path, threads=1)

    whole, broken = made("whole"), made("broken")
    list(train(whole, data, "cpu"))
    for progress in (steps := train(broken, data, "cpu")):
        if progress.step == 4:
            steps.close()
            break
    list(train(Run.open("broken", tmp_path), data, "cpu"))
    first, second = (load_model(run.path) for run in (whole, broken))
    assert first.weights == second.weights
    assert first.model.state_dict().keys() == second.model.state_dict().keys()


def test_transformers_opens_what_a_run_has_saved(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for architecture in ("modern", "gpt2"):
        data = splits()
        wish = {"steps": 2, "width": 16, "layers": 1, "heads": 2, "context": 16, "architecture": architecture}
        run = Run.create("gpt", data, wish, architecture, tmp_path, threads=1)
        list(train(run, data, "cpu"))
        trained = load_model(run.path)
        theirs = AutoModelForCausalLM.from_pretrained(trained.folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(trained.folder)
        ids = tokenizer("so shaken", return_tensors="pt").input_ids
        assert ids[0].tolist() == trained.model.tokens.encode("so shaken")
        with torch.no_grad():
            assert (theirs(ids).logits - trained.model.logits(ids)[0]).abs().max() < 1e-6
        told = json.loads((trained.folder / "config.json").read_text())
        assert "tokenizer.json" in told["sha256"]
        (trained.folder / "tokenizer.json").write_text((trained.folder / "tokenizer.json").read_text() + " ")
        with pytest.raises(BadCheckpoint, match="changed or damaged"):
            load_model(run.path)


def test_what_it_writes_is_measured_beside_real_documents(tmp_path):
    data = load("python-docs")
    run = Run.create("rnn", data, {"steps": 3, "width": 16, "context": 16}, "short", tmp_path, threads=1)
    list(train(run, data, "cpu"))
    *_, last = evaluate(load_model(run.path).model, data, ["frechet", "coverage", "copies", "membership"], n=24, draws=1)
    assert {*last.scores} == {"frechet", "coverage", "copies", "membership"}
    assert last.scores["frechet"].number > last.scores["frechet"].real.number
    assert last.scores["copies"].number == 0


class Parrot:
    """Says real documents."""

    def __init__(self, data):
        self.spec, self.classes, self.data = data.spec, 0, data
        self.SamplingSettings, self.device = SequenceSampling, torch.device("cpu")

    def given_labels(self, labels, n):
        return Given()

    def sample(self, n, settings, seed, given=None):
        yield Draft(self.data.train.inputs(slice(seed, seed + n)), 1, 1)


def test_who_repeats_the_corpus_is_found_out():
    data = load("python-docs")
    *_, last = evaluate(Parrot(data), data, ["copies", "two-sample"], n=24, draws=1)
    assert last.scores["copies"].number == 1
    assert last.scores["copies"].real.number == 0


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"width": 16, "heads": 3}, "A width of 16 cannot be shared by 3 heads"),
        ({"width": 24, "heads": 8}, "an even number of them for rotary positions"),
        ({"width": 8, "heads": 32}, "Try a width of 64"),
    ],
)
def test_heads_that_do_not_fit_are_refused_before_there_is_a_run(wish, sentence, tmp_path):
    with pytest.raises(BadSetting, match=sentence):
        Run.create("gpt", splits(), wish, "run", tmp_path, threads=1)
    assert not (tmp_path / "run").exists()
    assert Run.create("gpt", splits(), {"width": 17, "heads": 1, "architecture": "gpt2"}, "run", tmp_path, threads=1)


@pytest.mark.parametrize(("family", "settings"), [("gpt", {"architecture": "modern"}), ("rnn", {"layers": 2})])
def test_dropout_leaves_numbers_out_while_it_learns_alone(build, family, settings):
    model = build(family, dropout=0.5, **settings)
    x = torch.randint(3, model.tokens.size, (2, 12))
    assert not torch.equal(model.logits(x)[0], model.logits(x)[0])
    model.eval()
    assert torch.equal(model.logits(x)[0], model.logits(x)[0])


def test_fine_tuning_goes_on_with_the_tokens_and_counts_those_of_the_new_data(tmp_path):
    wish = {"steps": 2, "width": 16, "layers": 1, "context": 16}
    before = Run.create("rnn", "python-docs", wish, "before", threads=1)
    list(train(before, load("python-docs"), "cpu"))
    run = create_from("rnn", "before", "python-code", {"steps": 1}, "after", threads=1)
    list(train(run, load("python-code"), "cpu"))
    old, new = (load_model(name).model for name in ("before", "after"))
    assert new.tokens == old.tokens
    assert float(new.bytes_a_token) != float(old.bytes_a_token)
    with pytest.raises(BadSetting, match="tokens"):
        create_from("rnn", "before", "python-code", {"tokens": "bpe", "vocabulary": 300}, "other", threads=1)


def test_what_is_written_of_letters_that_are_several_tokens_is_told_letter_by_letter(build):
    model = build("gpt", tokens="bpe", vocabulary=300).eval()
    places = model.read("é日 we")
    assert "".join(place.text for place in places) == "é日 we"
    told = sum(place.nats for place in places[:-1])
    assert Surprise.of(places).bits == pytest.approx(told / math.log(2) / len("é日 we".encode()))
    x = torch.tensor([[model.tokens.end, *model.tokens.encode("x日")], [model.tokens.end, *model.tokens.encode("x日")[:-1], 65]])
    assert model._stops(x, "日").tolist() == [True, False]


def test_the_name_of_a_special_token_is_text_like_any_other(build):
    model = build("gpt", tokens="bpe", vocabulary=300).eval()
    written = "so <|endoftext|> we"
    assert "".join(place.text for place in model.read(written)) == written
    assert model.tokens.end not in model.tokens.encode(written)


def test_no_model_of_characters_writes_that_it_does_not_know_one(build):
    model = build("rnn").eval()
    with torch.no_grad():
        model.network.head.bias[model.tokens.unknown] = 50
    assert not any("unknown" in text for text in write(model, 5, temperature=3.0))
    assert all(token != "<|unknown|>" for place in model.read("so") for token, _ in place.likeliest)


def test_documents_without_a_letter_are_nothing_to_learn(tmp_path):
    model = MODELS["rnn"](DataSpec("text", (8,)), MODELS["rnn"].Settings.parse({}))
    with pytest.raises(BadSetting, match="the documents of the training part are empty"):
        model.prepare(part(["", ""]), tmp_path)


def test_muon_takes_steps_of_even_length_whatever_the_gradient():
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(12, 8), full_matrices=False)
    steep = u @ torch.diag(torch.logspace(0, -1.5, 8)) @ v
    values = torch.linalg.svdvals(Muon([{"params": []}, {"params": [nn.Parameter(torch.zeros(1))]}]).orthogonal(steep))
    assert values.min() > 0.6
    assert values.max() < 1.3


# --- GPT-2, written down once more ---


class Plain(nn.Module):
    """GPT-2 as its paper has it, for one sequence at a time: pre-norm blocks, learnt positions, the head tied to the tokens."""

    def __init__(self, weights, layers, heads):
        super().__init__()
        self.w, self.layers, self.heads = weights, layers, heads

    def norm(self, x, name):
        mean, spread = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
        return (x - mean) / (spread + 1e-5).sqrt() * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def linear(self, x, name):
        return x @ self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def attention(self, x, name):
        n, width = x.shape
        query, key, value = self.linear(x, f"{name}.c_attn").split(width, 1)
        told = []
        for head in range(self.heads):
            of = slice(head * width // self.heads, (head + 1) * width // self.heads)
            scores = query[:, of] @ key[:, of].T / (width // self.heads) ** 0.5
            scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf)
            told.append(scores.softmax(1) @ value[:, of])
        return self.linear(torch.cat(told, 1), f"{name}.c_proj")

    def forward(self, ids):
        x = self.w["transformer.wte.weight"][ids] + self.w["transformer.wpe.weight"][: len(ids)]
        for i in range(self.layers):
            block = f"transformer.h.{i}"
            x = x + self.attention(self.norm(x, f"{block}.ln_1"), f"{block}.attn")
            inner = self.linear(self.norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")
            x = x + self.linear(F.gelu(inner, approximate="tanh"), f"{block}.mlp.c_proj")
        return self.norm(x, "transformer.ln_f") @ self.w["transformer.wte.weight"].T


def test_gpt2_is_the_one_of_the_paper(build):
    model = build("gpt", architecture="gpt2").eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        ids = torch.randint(0, model.tokens.size, (20,))
        plain = Plain(dict(model.network.named_parameters()), 2, 2)
        assert (plain(ids) - model.logits(ids[None])[0][0]).abs().max() < 1e-4


def test_every_family_of_texts_is_one_of_sequences():
    learn = [model for model in MODELS.values() if "text" in model.modalities]
    assert learn
    assert all(issubclass(model, SequenceModel) for model in learn)
