"""What texts quote of others, how rarely they repeat themselves, and how calibrated a writer is, against what is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_evaluation import Stand

from genlab import load
from genlab.data import Batch, Dataset, DataSpec, Splits
from genlab.errors import BadSetting
from genlab.metrics import METRICS, Evidence, Eye, Real, evaluate
from genlab.metrics.calibration import calibration_error, reliability
from genlab.metrics.distinct import distinct
from genlab.metrics.quoted import quotations_of
from genlab.modalities import MODALITIES, Ragged
from genlab.models import MODELS
from genlab.models.sequence import SURE
from genlab.quoting import RUN, Quotations, words_of

KIND = MODALITIES["text"]
SAID = "To be, or not to be, that is the question: whether it is nobler in the mind to suffer"


def by_hand(text: str, documents: list[str]) -> tuple[int, int, int]:
    """The same, found by looking at every run."""
    own, others = words_of(text), [words_of(document) for document in documents]
    pad = ["\0"]
    whole = [row + pad * (RUN - len(row)) for row in others if row]
    row = own + pad * (RUN - len(own)) if own else []
    stands = {tuple(of[i : i + n]) for of in whole for n in range(RUN, len(of) + 1) for i in range(len(of) - n + 1)}
    runs = [(i, n) for n in range(RUN, len(row) + 1) for i in range(len(row) - n + 1) if tuple(row[i : i + n]) in stands]
    covered = {place for i, n in runs for place in range(i, i + n) if place < len(own)}
    return sum(len(own[i]) for i in covered), sum(map(len, own)), min(max((n for _, n in runs), default=0), len(own))


# --- Quotations ---


def test_what_stands_there_word_for_word_is_found_whatever_its_spaces():
    text = "He said: or not to be,\n\n   that is the\tquestion – and left."
    found = Quotations([SAID, "Something else."]).look(text)
    assert (found.longest, found.copied) == (9, len("ornottobe,thatisthequestion"))
    ((start, end),) = found.spans
    assert text[start:end].split() == ["or", "not", "to", "be,", "that", "is", "the", "question"]


def test_a_run_that_is_one_word_too_short_is_no_quotation():
    documents = Quotations([SAID])
    assert documents.look("is nobler in the mind to suffer").longest == 0
    assert documents.look("it is nobler in the mind to suffer").longest == RUN


def test_a_short_text_is_copied_where_it_is_the_same_as_a_whole():
    names = Quotations(["emma", "ava rose", ""])
    assert [names.look(text).share for text in ("emma", "ava rose", "ava", "rose", "emmaline", "")] == [1, 1, 0, 0, 0, 0]


def test_a_quotation_does_not_go_on_in_another_document():
    first, second = "a b c d e f g h i j", "k l m n o p q r s t"
    found = Quotations([first, second]).look(f"{first} {second}")
    assert (found.share, found.longest) == (1, 10)
    assert Quotations([first, second]).look("e f g h i j k l m n").longest == 0


def test_a_line_of_signs_is_one_sign_and_letters_of_chinese_are_words():
    assert words_of("x = 0.5\n--------- Don't 漢字かな") == ["x", "=", "0", ".", "5", "---------", "Don", "'", "t", *"漢字かな"]


WORDS = st.lists(st.sampled_from("abc"), max_size=24).map(" ".join)


@given(WORDS, st.lists(WORDS, max_size=4))
def test_it_finds_what_is_found_by_looking_at_every_run(text: str, documents: list[str]):
    found = Quotations(documents).look(text)
    assert (found.copied, found.size, found.longest) == by_hand(text, documents)


def test_documents_are_quoted_from_themselves_and_not_from_others():
    data = load("python-docs")
    quotations = quotations_of(data.train)
    texts = [KIND.told(item) for item in data.train.read(range(20))]
    assert [quotations.look(text).share for text in texts] == [1] * 20
    held = [quotations.look(KIND.told(item)) for item in data.test.read(range(len(data.test)))]
    assert 0 < sum(one.copied for one in held) / sum(one.size for one in held) < 0.5


# --- Distinct-n ---


def test_of_as_many_runs_as_there_are_it_is_that_of_li():
    words = torch.tensor([[0, 1, 0, 1, 2], [0, 1, 3, -1, -1]])
    pairs = [(0, 1), (1, 0), (0, 1), (1, 2), (0, 1), (1, 3)]
    assert distinct(words, 2, drawn=6) == pytest.approx(len(set(pairs)) / 6)
    assert distinct(words, 1, drawn=8) == pytest.approx(4 / 8)


def test_of_equally_frequent_words_it_is_in_closed_form():
    """Of V words, each m times, one is missed with the probability C(N - m, k)/C(N, k)."""
    v, m, k = 50, 40, 100
    words = torch.arange(v).repeat(m)[None]
    missed = math.comb(v * m - m, k) / math.comb(v * m, k)
    assert distinct(words, 1, k) == pytest.approx(v * (1 - missed) / k, rel=1e-9)


def test_it_is_the_mean_over_draws():
    random = np.random.default_rng(0)
    words = torch.from_numpy(random.zipf(1.5, (40, 30)).clip(max=500))
    flat = words.flatten().numpy()
    found = [len(set(random.choice(flat, 200, replace=False).tolist())) / 200 for _ in range(2000)]
    assert distinct(words, 1, 200) == pytest.approx(np.mean(found), abs=4 * np.std(found) / 2000**0.5)


def test_who_repeats_one_sentence_has_few_distinct_words_however_many_there_are():
    same, other = torch.arange(20).repeat(100)[None], torch.arange(2000)[None]
    assert distinct(same, 1) == pytest.approx(0.02, abs=1e-3)
    assert distinct(other, 1) == pytest.approx(1)
    assert distinct(same, 3) == pytest.approx(0.02, abs=1e-3)
    with pytest.raises(BadSetting, match="There are 500 runs of 1 word in"):
        distinct(other[:, :500], 1)
    with pytest.raises(BadSetting, match="are 0 runs of 3 words in these texts; to tell how many differ takes at least 1,000"):
        distinct(torch.zeros(900, 1, dtype=torch.long), 3)


# --- Calibration ---


def test_the_error_is_the_distance_of_hits_from_what_was_expected():
    sure = torch.tensor([[10, 2.5, 1], [0, 0, 0], [30, 24.0, 27]])
    assert calibration_error(sure) == pytest.approx((1.5 + 3) / 40)
    assert reliability(sure) == pytest.approx({"0–33 %": 0.1, "66–99 %": 0.9})
    assert calibration_error(torch.zeros(3, 3)) == 0


def test_a_model_that_knows_the_probabilities_is_calibrated_and_one_that_is_surer_is_not():
    random = np.random.default_rng(0)
    p = random.uniform(0.2, 1, 200_000)
    hit = random.random(len(p)) < p

    def bins(said: np.ndarray) -> torch.Tensor:
        step = np.minimum((said * SURE).astype(int), SURE - 1)
        told = [np.bincount(step, weights, SURE) for weights in (np.ones(len(p)), said, hit)]
        return torch.from_numpy(np.stack(told, 1))

    assert calibration_error(bins(p)) < 0.01
    assert calibration_error(bins(p**0.5)) == pytest.approx(float(np.mean(p**0.5 - p)), rel=0.05)


@pytest.mark.parametrize("family", ["gpt", "rnn"])
def test_a_model_is_asked_for_every_token_once(family: str, tmp_path):
    texts = ["so shaken as we are", "", "wan with care " * 6]
    rows = Ragged.of([np.frombuffer(text.encode(), np.uint8) for text in texts], np.uint8)
    data = Dataset("x", DataSpec("text", (120,)), rows, {"label": torch.full((3,), -1), "id": torch.arange(3)})
    model = MODELS[family](data.spec, MODELS[family].Settings.parse({"width": 16, "layers": 1, "context": 16}))
    model.prepare(data, tmp_path)
    batch = Batch(data.inputs(slice(None)), data.label)
    nats, sure = model.eval().spelled(batch)
    assert sure[:, :, 0].sum(1).tolist() == [len(text) + 1 for text in texts], "its end is a token, too"
    low, high = (torch.arange(SURE + 1) / SURE)[:-1], (torch.arange(SURE + 1) / SURE)[1:]
    assert (sure[..., 1] >= low * sure[..., 0] - 1e-4).all()
    assert (sure[..., 1] <= high * sure[..., 0] + 1e-4).all()
    assert (sure[..., 2] <= sure[..., 0]).all()
    place = model.read(texts[0])[0]
    assert float(nats[0, 0]) > place.nats


# --- Measured of samples ---


def splits() -> Splits:
    data = load("python-docs")
    return Splits("python-docs", data.train[:400], data.validation[:60], data.test[:60])


def measured(pool: torch.Tensor, metrics: list[str], data: Splits):
    class Writer(Stand):
        def spelled(self, batch: Batch):
            return None

    *_, last = evaluate(Writer(spec=data.train.spec, pool=pool), data, metrics, len(data.validation), 1, eye=Eye(data))
    return last


def test_who_copies_is_found_out_and_who_does_not_is_as_real_texts_are():
    data, names = splits(), ["quoted", "distinct-1", "distinct-2", "distinct-3"]
    copies, honest = (measured(of.inputs(slice(None)), names, data).scores for of in (data.train[:60], data.validation))
    assert copies["quoted"].number > 0.99
    assert honest["quoted"].number == pytest.approx(honest["quoted"].real.number)
    assert 0 < honest["quoted"].number < 0.5
    assert copies["quoted"].real.number == honest["quoted"].real.number
    worst = copies["quoted"].values[0].worst
    lengths = [len(words_of(KIND.told(item))) for item in data.train.read(worst[:60])]
    assert lengths == sorted(lengths, reverse=True)
    for name in names[1:]:
        assert honest[name].number == pytest.approx(honest[name].real.number)
    same = measured(data.validation.inputs(slice(None))[:1].expand(60, -1), names, data).scores
    assert same["distinct-2"].number < 0.5 * honest["distinct-2"].number


def test_what_is_quoted_is_told_by_class_where_classes_are_asked_for():
    told = torch.tensor([[8, 10, 9], [0, 10, 0], [5, 20, 8]] * 10)
    fake = Evidence(torch.zeros(30, 2), wished=torch.tensor([0, 1, 1] * 10), copied=told)
    value = METRICS["quoted"](fake, Real(fake, fake, ("a", "b")))
    assert value.number == pytest.approx(13 / 40)
    assert value.groups == pytest.approx({"a": 0.8, "b": 5 / 30})
    assert len(value.worst) == 20


def test_of_pictures_nothing_is_quoted_and_one_sentence_says_so():
    data = load("gaussians")
    found = measured(data.validation.inputs(slice(None)), ["quoted", "distinct-1", "vendi"], data)
    assert set(found.scores) == {"vendi"}
    assert len(set(map(str, found.impossible.values()))) == 1


def test_few_words_leave_the_rest_of_the_table():
    data = replace(splits())
    few = measured(data.validation.inputs(slice(None))[:, :12], ["distinct-3", "quoted"], data)
    assert set(few.scores) == {"quoted"}
    assert "takes at least 1,000" in str(few.impossible["distinct-3"])
