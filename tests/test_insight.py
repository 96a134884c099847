"""What is seen of models of texts: blends of prompts and classes, attention, units, and how tokens lie."""

import base64
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from test_sequences import KIND, build, splits, write
from torch.nn import functional as F

from genlab import Run, train
from genlab.__main__ import main
from genlab.errors import BadSetting
from genlab.latent.insight import nearest_tokens, packed_attention, packed_units, ranked, token_map
from genlab.models import Given
from genlab.models.base import one_hot
from genlab.models.sequence import Voice, gumbel, noise
from genlab.models.settings import SequenceSampling
from genlab.training.checkpoint import load_model
from genlab.ui.server.preset import Preset
from genlab.ui.tabs.latent import writer

__all__ = ["build"]
FAMILIES = [("gpt", {"architecture": "modern"}), ("gpt", {"architecture": "gpt2"}), ("rnn", {"cell": "lstm"})]
ARCHITECTURES = ["modern", "gpt2"]
FIRST, OTHER = "so shaken ", "we are wan with care "
TEXT = "so shaken as we are"


@pytest.fixture(params=FAMILIES, ids=lambda family: "-".join([family[0], *family[1].values()]))
def model(request, build):
    """One that has not learnt, whose weights are large enough that what it reads matters."""
    family, settings = request.param
    return strong(build(family, **settings))


def strong(model):
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)
    return model.eval()


def blended(model, share, n=4, **settings):
    return write(model, n, prompt=FIRST, other=OTHER, blend=share, **settings)


# --- Two prompts ---


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.0}, {"repetition_penalty": 1.7, "top_p": 0.9}, {"length": 60}])
def test_at_its_ends_a_blend_of_two_prompts_is_what_each_writes_alone(model, settings):
    assert blended(model, 0.0, **settings) == write(model, 4, prompt=FIRST, **settings)
    assert blended(model, 1.0, **settings) == write(model, 4, prompt=OTHER, **settings)
    assert write(model, 4, prompt=FIRST, **settings) != write(model, 4, prompt=OTHER, **settings)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_between_two_prompts_log_probabilities_are_mixed(model, share):
    written, texts = "", [FIRST, OTHER]
    for _ in range(3):  # beyond it the context would be left
        with torch.no_grad():
            x = [torch.tensor([[model.tokens.end, *model.tokens.encode(text + written)]]) for text in texts]
            first, other = (model.logits(one)[0][0, -1].log_softmax(0) for one in x)
        mixed = (1 - share) * first + share * other
        mixed[model.tokens.unknown] = -math.inf
        written += model.tokens.decode([int(mixed.argmax())])
    lead = texts[share > 0.5]
    assert blended(model, share, 1, temperature=0.0, length=3)[0] == lead + written


def test_a_prompt_may_be_blended_with_none(model):
    assert write(model, 3, prompt=FIRST, blend=1.0) == write(model, 3)
    assert write(model, 3, prompt=FIRST, blend=0.3) != write(model, 3, prompt=FIRST)


def test_a_little_more_of_the_other_prompt_changes_little(build):
    model = build("gpt").eval()
    some, more, most = (blended(model, share, 20) for share in (0.4, 0.42, 0.48))

    def same(texts):
        pairs = [pair for one, other in zip(some, texts, strict=True) for pair in zip(one, other, strict=False)]
        return sum(a == b for a, b in pairs) / len(pairs)

    assert same(more) > 0.8
    assert same(more) > same(most)


def test_each_token_takes_the_noise_of_the_other_prompt_once_as_its_share_grows():
    def at(share, lengths=(3, 5)):
        voices = [Voice(one, torch.zeros(1, length), None) for one, length in zip((1 - share, share), lengths, strict=True)]
        return noise(7, voices, 1000)

    first, other = gumbel(7, 3, 1000), gumbel(7, 5, 1000)
    taken = [at(share) == other for share in (0.001, 0.2, 0.5, 0.8, 0.999)]
    for before, after in pairwise(taken):
        assert (after | ~before).all(), "what was taken stays"
    assert torch.equal(at(0.5), torch.where(taken[2], other, first))
    assert [float(some.float().mean()) for some in taken] == pytest.approx([0.001, 0.2, 0.5, 0.8, 0.999], abs=0.05)
    assert torch.equal(at(0.5, (5, 5)), other), "prompts of one length share their noise"
    assert at(0.3).mean() == pytest.approx(0.5772, abs=0.15), "it is Gumbel's"


def test_a_blend_goes_on_from_any_of_its_places_as_it_was(model):
    (text,) = blended(model, 0.3, 1, length=20)
    written = text.removeprefix(FIRST)
    for stop in (1, 9):
        both = {"prompt": FIRST + written[:stop], "other": OTHER + written[:stop], "blend": 0.3}
        assert write(model, 1, length=20 - stop, **both) == [text]


def test_what_a_blend_reads_and_holds_is_counted_for_both_prompts(model):
    settings = SequenceSampling.parse({"prompt": "ab", "other": "abcde", "length": 10})
    assert model.evaluations(settings) == 12
    assert model.evaluations(settings.model_copy(update={"blend": 1.0})) == 15
    assert model.evaluations(settings.model_copy(update={"blend": 0.5})) == 27
    *_, draft = model.sample(1, SequenceSampling(prompt="", other=OTHER * 8, blend=0.9, length=20), 0)
    assert KIND.told(KIND.to_stored(draft.items)[0]).startswith(OTHER * 8), "none of it is cut off"


def test_of_a_second_prompt_that_cannot_be_read_it_is_said_where_it_counts(model):
    with pytest.raises(BadSetting, match="There is '漢' in the text") as refused:
        write(model, 1, other="漢", blend=0.5)
    assert refused.value.about == ("other",)
    assert write(model, 1, other="漢", blend=0.0) == write(model, 1)


def test_a_terminal_blends_prompts(tmp_path, capsys):
    run = Run.create("rnn", splits(), {"steps": 2, "width": 16, "context": 16}, "blends", threads=1)
    list(train(run, splits(), "cpu"))
    told = []
    for words in (["--prompt", "so ", "--other", "we are ", "--blend", "1"], ["--prompt", "we are "]):
        assert main(["sample", "blends", "--n", "2", "--length", "12", *words]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert main(["sample", "blends", "--blend", "2"]) == 2
    assert "blend is 2" in capsys.readouterr().err


# --- Attention ---


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_place_looks_at_those_before_it_and_nowhere_else(build, architecture):
    model = strong(build("gpt", architecture=architecture))
    weights = model.attention(TEXT)
    assert weights.shape == (2, 2, len(TEXT) + 1, len(TEXT) + 1)
    assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-5)
    assert (weights >= 0).all()
    assert weights.triu(1).abs().max() == 0, "nothing that follows"
    assert weights.std(-1).max() > 0.05, "not the same everywhere"


def test_attention_of_gpt2_is_the_softmax_of_its_queries_and_keys(build):
    model = strong(build("gpt", architecture="gpt2"))
    seen = []
    hooks = [
        block.attn.c_attn.register_forward_hook(lambda *given: seen.append(given[2])) for block in model.network.transformer.h
    ]
    with torch.no_grad():
        model.logits(torch.tensor([[model.tokens.end, *model.tokens.encode(TEXT)]]))
    for hook in hooks:
        hook.remove()
    places, each = len(TEXT) + 1, 32 // 2
    for found, told in zip(seen, model.attention(TEXT), strict=True):
        queries, keys, _ = found[0].reshape(places, 3, 2, each).permute(1, 2, 0, 3)
        scores = queries @ keys.mT / math.sqrt(each)
        scores = scores.masked_fill(torch.ones(places, places).triu(1).bool(), -math.inf)
        assert torch.allclose(scores.softmax(-1), told, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_look_at_attention_leaves_the_model_as_it_was_and_shares_its_weights(build, architecture):
    model = strong(build("gpt", architecture=architecture))
    before, way = write(model), model.network.config._attn_implementation
    first = model.attention(TEXT)
    assert model.network.config._attn_implementation == way != "eager"
    assert write(model) == before
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.mul_(0.5)
    assert not torch.allclose(model.attention(TEXT), first, atol=1e-3)


def test_a_class_changes_what_is_looked_at(build):
    model = strong(build("gpt", classes=("a", "b")))
    with torch.no_grad():
        model.shift.weight.normal_(std=3.0)
    first, other = (model.attention(TEXT, Given(one_hot(torch.tensor([k]), 2))) for k in (0, 1))
    assert (first - other).abs().max() > 0.01


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no text to look into"),
        ("漢", "which this model has never seen"),
        ("so " * 20, "has 60 tokens; at most 23 of them are seen at once"),
    ],
)
def test_texts_that_cannot_be_looked_into_are_refused(build, text, sentence):
    with pytest.raises(BadSetting, match=sentence) as refused:
        build("gpt").attention(text)
    assert refused.value.about == ("text",)


def test_who_has_no_attention_or_no_units_says_what_there_is(build):
    with pytest.raises(BadSetting, match="no attention; it carries what it has read in its units"):
        build("rnn").attention(TEXT)
    with pytest.raises(BadSetting, match=r"no units .* Look at its attention"):
        build("gpt").units(TEXT)


def test_a_page_reads_attention_as_it_is(build):
    weights = strong(build("gpt")).attention(TEXT)
    parts = np.frombuffer(base64.b64decode(packed_attention(weights)), "<u2").reshape(2, 2, -1) / 65_535
    places = len(TEXT) + 1
    for row in range(places):
        start = row * (row + 1) // 2
        assert np.abs(parts[:, :, start : start + row + 1] - weights[:, :, row, : row + 1].numpy()).max() < 1e-5
    assert parts.shape[-1] == places * (places + 1) // 2


# --- Units ---


@pytest.mark.parametrize("cell", ["lstm", "gru", "plain"])
def test_units_are_what_the_cells_carry_after_each_token(build, cell):
    model = strong(build("rnn", cell=cell))
    units = model.units(TEXT)
    assert units.shape == (2, 32, len(TEXT) + 1)
    assert units.abs().max() <= 1
    x = torch.tensor([[model.tokens.end, *model.tokens.encode(TEXT)]])
    for stop in (1, 7, len(TEXT) + 1):
        with torch.no_grad():
            _, state = model.network.cells(model.network.embedding(x[:, :stop]))
        last = state[1].tanh() if cell == "lstm" else state
        assert torch.allclose(units[:, :, stop - 1], last[:, 0], atol=1e-5)


def test_units_are_told_of_texts_longer_than_the_context(build):
    assert build("rnn").units("so " * 50).shape[2] == 151
    with pytest.raises(BadSetting, match="at most 4,095 of them"):
        build("rnn").units("so " * 2000)


CODE = 'say("so", [1, (2)])\nshout("wan with care")\n' * 3
FOLLOWED = {
    "line": [i - max((k + 1 for k in range(i) if CODE[k] == "\n"), default=0) for i in range(1, len(CODE) + 1)],
    "quotes": [CODE[:i].count('"') % 2 for i in range(1, len(CODE) + 1)],
}


@pytest.mark.parametrize("by", FOLLOWED)
def test_a_unit_that_follows_something_is_found_among_many_that_do_not(by):
    units = torch.rand(2, 40, len(CODE) + 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    units[1, 3, 1:] = -torch.tensor(FOLLOWED[by], dtype=torch.float) / 60
    found = ranked(units, [*CODE], by)
    assert found.order[0] == 43
    assert found.scores[43] == pytest.approx(-1)
    assert found.scores[found.order].abs().diff().max() <= 0
    assert 0.1 < found.chance < 0.9, "the best of 80 follows anything a little"


def test_of_units_those_that_vary_most_come_first():
    units = torch.zeros(1, 5, 8)
    units[0, 2, 1::2], units[0, 4, 1] = 1.0, 0.5
    found = ranked(units, [*"abcdefg"])
    assert found.order.tolist() == [2, 4, 0, 1, 3]
    assert found.chance is None


def test_places_are_told_by_the_text_before_them():
    pieces = ["ab", " c", "(", "[", "d", "]", ")", '"', "e", '"', "\n", "f"]
    units = torch.zeros(1, 1, len(pieces) + 1)
    wanted = {
        "line": [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1],
        "word": [2, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1],
        "quotes": [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
        "brackets": [0, 0, 1, 2, 2, 1, 0, 0, 0, 0, 0, 0],
    }
    for by, values in wanted.items():
        units[0, 0, 1:] = torch.tensor(values, dtype=torch.float)
        assert ranked(units, pieces, by).scores[0] == pytest.approx(1), by


def test_what_no_unit_can_follow_is_said():
    with pytest.raises(BadSetting, match="whether it lies in quotes is the same"):
        ranked(torch.rand(1, 4, 6), [*"abcde"], "quotes")
    with pytest.raises(BadSetting, match=r"no property called 'quote'\. Did you mean 'quotes'"):
        ranked(torch.rand(1, 4, 6), [*"abcde"], "quote")


def test_a_page_reads_units_to_a_hundredth():
    units = torch.rand(3, 7, generator=torch.Generator().manual_seed(0)) * 2 - 1
    read = np.frombuffer(base64.b64decode(packed_units(units)), np.int8).reshape(3, 7) / 127
    assert np.abs(read - units.numpy()).max() < 0.01


# --- Tokens ---


def test_tokens_lie_by_what_tells_their_vectors_apart_most(model):
    weight = model.embedding.weight
    with torch.no_grad():
        weight.mul_(1e-3)
        weight[::2, 0] += 3
        weight[: len(weight) // 2, 1] += 1
    found = token_map(model)
    assert model.tokens.unknown not in found.rows.tolist()
    assert torch.equal(found.points[:, 0] > 0, found.rows % 2 == 0), "to the right what weighs most"
    assert torch.equal(found.points[:, 1] > 0, found.rows < len(weight) // 2)
    first, second = found.shares
    assert first > second > 0
    assert first + second == pytest.approx(1, abs=1e-3)
    with torch.no_grad():
        weight.copy_(weight @ torch.diag(torch.tensor([1.0, 1.0, *[-1.0] * (weight.shape[1] - 2)])))
    assert torch.allclose(token_map(model).points, found.points, atol=0.05), "it is not mirrored by what hardly counts"


def test_the_nearest_tokens_are_those_of_the_largest_cosine(model):
    weight = model.embedding.weight.detach()
    told = nearest_tokens(model, 5, 4)
    others = [i for i in range(len(weight)) if i not in (5, model.tokens.unknown)]
    by_hand = sorted(((float(F.cosine_similarity(weight[5], weight[i], 0)), i) for i in others), reverse=True)[:4]
    assert [number for number, _ in told] == [i for _, i in by_hand]
    assert [cosine for _, cosine in told] == pytest.approx([cosine for cosine, _ in by_hand], abs=1e-5)
    with pytest.raises(BadSetting, match="There is no token 999"):
        nearest_tokens(model, 999)


def test_tokens_are_spelled_so_that_joined_they_are_the_text(build):
    tokens = build("gpt", tokens="bpe", vocabulary=300).tokens
    for text in ("so é日 we", "日本", ""):
        numbers = tokens.encode(text)
        told = tokens.spelled(numbers)
        assert ("".join(told), len(told)) == (text, len(numbers))
    assert "".join(tokens.spelled(tokens.encode("日")[:-1])) == tokens.decode(tokens.encode("日")[:-1])
    assert tokens.spelled(tokens.encode("aé"))[-2:] == ["", "é"]


# --- What the page is told ---


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a model that has classes and looks back, and one that has none and carries."""
    folder, wish = tmp_path_factory.mktemp("writers"), {"steps": 2, "width": 16, "layers": 2, "context": 48}
    for family, more, classes in (("gpt", {"heads": 2, "conditional": True}, ("a", "b")), ("rnn", {}, ())):
        run = Run.create(family, splits(classes), wish | more, f"{family}-writes", folder, threads=1)
        list(train(run, splits(classes), "cpu"))
    return folder


@pytest.fixture
def writers(runs, written, monkeypatch):
    monkeypatch.setenv("GENLAB_RUNS", str(written))
    return {"gpt": "gpt-writes", "rnn": "rnn-writes"}


def asked(function, **data):
    answer = function(data)
    assert "error" not in answer, answer
    return answer


def refused(function, **data):
    return function(data)["error"]


def test_a_model_is_opened_with_a_text_that_it_knows(writers):
    for name in writers.values():
        told = asked(writer.writer_open, model=name)
        assert load_model(name).model.tokens.asked(told["example"])
        assert len(told["prompts"]) == 2
    assert asked(writer.writer_open, model=writers["gpt"])["classes"] == ["a", "b"]
    assert "writes no texts" in refused(writer.writer_open, model="vae-mnist")


def test_between_two_classes_a_text_is_written_with_both(writers):
    model = load_model(writers["gpt"]).model
    wish = {"prompt": "so ", "seed": 3, "length": 30, "temperature": 0.9}
    told = asked(writer.writer_blend, model=writers["gpt"], shares=[0.0, 0.3, 1.0], label="a", to="b", **wish)
    settings = SequenceSampling(prompt="so ", length=30, temperature=0.9)
    for text, share in zip(told["texts"], (0.0, 0.3, 1.0), strict=True):
        *_, draft = model.sample(1, settings, 3, Given(torch.tensor([[1 - share, share]])))
        assert "so " + "".join(text["tokens"]) == KIND.told(KIND.to_stored(draft.items)[0])


def test_between_two_prompts_the_page_writes_what_a_script_does(writers):
    for name in writers.values():
        model = load_model(name).model
        wish = {"seed": 5, "length": 30, "temperature": 1.0}
        told = asked(writer.writer_blend, model=name, shares=[0.25], prompt=FIRST, other=OTHER, **wish)
        given = model.given_labels(torch.tensor([0]), 1) if model.classes else None
        settings = SequenceSampling(prompt=FIRST, other=OTHER, blend=0.25, length=30, temperature=1.0)
        *_, draft = model.sample(1, settings, 5, given)
        assert FIRST + "".join(told["texts"][0]["tokens"]) == KIND.told(KIND.to_stored(draft.items)[0])


def test_what_cannot_be_shown_is_said(writers, monkeypatch):
    gpt, rnn = writers["gpt"], writers["rnn"]
    wish = {"shares": [0.5], "prompt": "", "seed": 0, "length": 5}
    assert "without classes" in refused(writer.writer_blend, model=rnn, **wish)
    assert "no class called 'c'" in refused(writer.writer_blend, model=gpt, label="c", to="b", **wish)
    assert "temperature is 9.0" in refused(writer.writer_blend, model=gpt, **wish | {"temperature": 9.0})
    assert "less than or equal to 1" in refused(writer.writer_blend, model=gpt, **wish | {"shares": [1.5]})
    assert "There is '漢'" in refused(writer.writer_blend, model=gpt, other="漢", **wish)
    assert "seed is -1" in refused(writer.writer_blend, model=gpt, **wish | {"seed": -1})
    assert "no text to look into" in refused(writer.writer_attention, model=gpt, text="")
    assert "no attention" in refused(writer.writer_attention, model=rnn, text="so")
    assert "no units" in refused(writer.writer_units, model=gpt, text="so")
    assert "no unit 32" in refused(writer.writer_units, model=rnn, text="so we", unit=32)
    assert "There is no token 999" in refused(writer.writer_near, model=gpt, token=999)
    assert "at most 47" in refused(writer.writer_attention, model=gpt, text="so " * 20)
    assert "writes no texts" in refused(writer.writer_tokens, model="vae-mnist")
    monkeypatch.setattr("genlab.ui.server.preset._current", Preset(looked=4 * 11**2))
    assert "This text has 12 tokens; this page shows 10" in refused(writer.writer_attention, model=gpt, text="so so so so ")
    assert asked(writer.writer_attention, model=gpt, text="so so so s")["layers"] == 2


def test_units_are_shown_best_first_and_any_of_them_is_to_be_had(writers):
    told = asked(writer.writer_units, model=writers["rnn"], text=TEXT, by="word")
    assert (told["of"], told["width"], len(told["units"])) == (32, 16, 24)
    scores = [abs(score) for score in told["scores"]]
    assert scores == sorted(scores, reverse=True)
    missing = next(unit for unit in range(32) if unit not in told["units"])
    more = asked(writer.writer_units, model=writers["rnn"], text=TEXT, by="word", unit=missing)
    assert more["units"] == [*told["units"], missing]
    values = np.frombuffer(base64.b64decode(more["values"]), np.int8).reshape(25, len(TEXT) + 1)
    units = load_model(writers["rnn"]).model.units(TEXT).flatten(0, 1)
    assert np.abs(values[-1] / 127 - units[missing].numpy()).max() < 0.01


def test_the_map_names_its_tokens_and_those_near_one(writers):
    told = asked(writer.writer_tokens, model=writers["gpt"])
    model = load_model(writers["gpt"]).model
    assert len(told["tokens"]) == len(told["names"]) == len(told["places"]) == model.tokens.size - 1
    assert told["names"][told["tokens"].index(model.tokens.encode("s")[0])] == "s"
    near = asked(writer.writer_near, model=writers["gpt"], token=model.tokens.encode("s")[0])["near"]
    assert len(near) == 8
    assert all(name == model.tokens.decode([number]) for number, name, _ in near)


def test_what_was_read_before_is_not_read_again(build):
    model = build("gpt", context=40).eval()
    lengths = []
    plain = model.logits
    model.logits = lambda x, *rest: (lengths.append(x.shape[1]), plain(x, *rest))[1]
    blended(model, 0.5, 1, length=5)
    assert lengths[:2] == [1 + len(FIRST), 1 + len(OTHER)]
    assert {*lengths[2:]} == {1}
