"""Defects of texts: each is injected as told, caught by its check and mended by its repair; odd documents get an answer."""

import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genlab.__main__ import main
from genlab.data import Dataset, DataSpec, Recipe, Splits, load, recipe_of, save_dataset, save_recipe
from genlab.data.sources import Part
from genlab.errors import BadData, GenlabError
from genlab.features import Features
from genlab.modalities import MODALITIES, Ragged
from genlab.paths import in_space
from genlab.quality import DEFECTS, Finding, fit, inspect, markdown, repair, report
from genlab.quality.checks import defect_of
from genlab.quality.copies import retold
from genlab.quality.defect import kinds_of, takes
from genlab.quality.garbled import mended
from genlab.quality.personal import MADE_UP, checks, found
from genlab.quality.repetition import LINES
from genlab.quality.wording import alike, contained, plain, repeated, runs

CASES = [  # defect, settings, finding, share of the damage that it must find
    ("duplicates", {"kind": "exact"}, "duplicates-exact", 1),
    ("duplicates", {"kind": "near"}, "duplicates-near", 0.97),
    ("leaks", {"rate": 1.0, "kind": "exact"}, "leaks", 1),
    ("leaks", {"rate": 1.0, "kind": "near"}, "leaks", 0.8),
    ("garbled", {"kind": "mojibake"}, "garbled-mojibake", 1),
    ("garbled", {"kind": "mojibake", "severity": 1.0}, "garbled-mojibake", 1),
    ("garbled", {"kind": "lost"}, "garbled-lost", 1),
    ("truncated", {"severity": 0.8}, "truncated", 0.4),
    ("repetition", {"kind": "loops"}, "repetition-loops", 0.95),
    ("repetition", {"kind": "boilerplate"}, "repetition-boilerplate", 1),
    ("personal", {"kind": "email"}, "personal-email", 0.99),
    ("personal", {"kind": "phone"}, "personal-phone", 0.99),
    ("personal", {"kind": "card"}, "personal-card", 0.99),
    ("missing", {"kind": "blank"}, "missing-blank", 1),
    ("missing", {"kind": "labels"}, "missing-labels", 1),
]
TEXTS = [name for name, defect in DEFECTS.items() if takes(defect, "text")]


def choices(defect: str) -> tuple[str, ...]:
    """The kinds of a defect that texts can have; "" alone where it has none."""
    kinds = next((setting.choices for setting in DEFECTS[defect].Settings.fields() if setting.name == "kind"), ("",))
    return kinds_of(DEFECTS[defect], "text") or kinds


WAYS = [(defect, {"kind": kind} if kind else {}) for defect in TEXTS for kind in choices(defect)]


def rows(*texts: str | bytes) -> list[torch.Tensor]:
    return [torch.tensor([*(text if isinstance(text, bytes) else text.encode())], dtype=torch.uint8) for text in texts]


def part(texts, label=(), first: int = 0, classes=("a", "b")) -> Dataset:
    label = torch.tensor([*label] or [-1] * len(texts))
    base = Ragged.of(rows(*texts), np.uint8)
    return Dataset(
        "python-docs", DataSpec("text", (300,), classes), base, {"label": label, "id": torch.arange(len(texts)) + first}
    )


def of(texts, label=(), held_out=("something else, held out",), classes=("a", "b")) -> Splits:
    one = part(held_out, [0] * len(held_out), 10**6, classes)
    return Splits("python-docs", part(texts, label, 0, classes), one, one)


@pytest.fixture(scope="module")
def paragraphs() -> Splits:
    """Some of the standard library's paragraphs, each once, those that are near copies of others left out."""
    whole = load("python-code")
    parts, seen = [], set()
    for number, (name, most) in enumerate({"train": 1500, "validation": 300, "test": 60}.items()):
        texts, label = [], []
        for item, kind in zip(whole.parts[name].read(slice(0, 150)), whole.parts[name].label.tolist(), strict=False):
            for text in re.split(rb"\n\s*\n", item.numpy().tobytes()):
                if len(text) > 60 and text not in seen:
                    seen.add(text)
                    texts.append(text.strip(b"\n"))
                    label.append(int(kind == whole.spec.classes.index("other")))
        parts.append(part(texts[:: max(1, len(texts) // most)], label[:: max(1, len(texts) // most)], number * 10**6))
    copies = alike(parts[0], 8, 100, 0.7)[0][:, 1]
    kept = torch.ones(len(parts[0]), dtype=torch.bool)
    kept[copies] = False
    return Splits("paragraphs", parts[0][kept], *parts[1:])


def damaged(data, defect, settings, seed=0):
    train, truth = DEFECTS[defect].inject(data, DEFECTS[defect].Settings(**settings), seed)
    return replace(data, train=train), truth


def look(data, name) -> Finding:
    return next(finding for finding in defect_of(name).detect(data, Features(data.train)) if finding.name == name)


def told(data: Dataset) -> dict[int, bytes]:
    return {i: item.numpy().tobytes() for i, item in zip(data.id.tolist(), data.read(slice(None)), strict=True)}


@pytest.mark.parametrize(("defect", "settings", "name", "share"), CASES)
def test_each_defect_of_texts_is_caught_by_its_check(paragraphs, defect, settings, name, share):
    data, truth = damaged(paragraphs, defect, settings)
    finding = look(data, name)
    bad = torch.isin(finding.ids, truth.damaged)
    assert bad.any()
    assert finding.flagged[bad].float().mean() >= share
    assert finding.flagged[~bad].float().mean() < 0.05
    assert finding.scores[bad].mean() > finding.scores[~bad].mean()
    assert ((finding.scores >= 0) & (finding.scores <= 1)).all()


@pytest.mark.parametrize("kind", ["uniform", "confusions"])
def test_wrong_sources_are_told_by_their_words_and_right_ones_are_hardly_doubted(kind):
    data, truth = damaged(load("python-code"), "label-errors", {"kind": kind})
    finding = look(data, "label-errors")
    bad = torch.isin(finding.ids, truth.damaged)
    assert finding.flagged[bad].float().mean() > 0.25
    assert finding.flagged[~bad].float().mean() < 0.05
    assert 0 < finding.sentence.values["share"] < 0.1


@pytest.mark.parametrize(("defect", "settings"), WAYS)
def test_damage_of_texts_is_a_function_of_its_seed_and_none_at_a_rate_of_0(paragraphs, defect, settings):
    one, again, other = (damaged(paragraphs, defect, {**settings, "rate": 0.2}, seed) for seed in (1, 1, 2))
    assert one[0].train.fingerprint == again[0].train.fingerprint != paragraphs.train.fingerprint
    assert len(paragraphs.spec.classes) < 3 or one[0].train.fingerprint != other[0].train.fingerprint
    before, after = told(paragraphs.train), told(one[0].train)
    labels = [dict(zip(d.train.id.tolist(), d.train.label.tolist(), strict=True)) for d in (paragraphs, one[0])]
    differ = {i for i in before if i in after and (before[i], labels[0][i]) != (after[i], labels[1][i])}
    assert differ == set(one[1].changed.tolist())
    assert after.keys() - before.keys() == set(one[1].added.tolist())
    assert before.keys() - after.keys() == set(one[1].removed.tolist())
    none, truth = damaged(paragraphs, defect, {**settings, "rate": 0.0})
    assert none.train.fingerprint == paragraphs.train.fingerprint
    assert not len(truth.damaged) + len(truth.removed)


# --- Each kind of damage, and what repairs it ---


def mend(data: Splits, name: str) -> dict[int, bytes]:
    recipe = repair(data, [look(data, name)], Recipe.of(data))
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    return told(again.apply(data).train)


def test_a_wrong_encoding_is_mended_and_what_was_right_stays(paragraphs):
    texts = ["naïve café — “quoted”, it’s £5", "plain, 'quoted' and -- dashed...", "Grüße aus Köln", "日本語のテキスト", "Ω≈ç√∫"]
    data = of(texts * 8, held_out=["x"])
    for severity in (0.5, 1.0):
        spoilt, truth = damaged(data, "garbled", {"rate": 0.3, "severity": severity})
        after, before = mend(spoilt, "garbled-mojibake"), told(data.train)
        typed = str.maketrans("“”’—–", '""\'-- '[:5])
        same = [i for i in before if after[i].decode().translate(typed).replace("…", "...").replace("-", "")
                == before[i].decode().translate(typed).replace("-", "")]  # fmt: skip
        assert len(same) == len(before)
        assert not any(after[i] != before[i] for i in before if i not in truth.changed.tolist())
        assert len(truth.changed) > 5


@pytest.mark.parametrize(
    "text", ["", "naïve café", "ÀÉÎÕÜ", "Ã", "50 % â la carte", "日本語", "Ελληνικά", "Привет", "£5–£10", "“quoted”", "🏳️‍🌈"]
)
def test_text_that_is_right_is_not_taken_for_wrong(text):
    assert mended(text) == text


def test_what_was_lost_or_is_no_utf_8_is_found_and_dropped():
    texts = [
        b"good",
        b"caf\xe9 in latin-1",
        "a \ufffd b".encode(),
        b"nul\x00nul",
        b"",
        b"\xff\xfe",
        "good ☃".encode(),
        b"tab\tand\x0cfeed\x1b",
    ]
    data = of(texts)
    assert look(data, "garbled-lost").flagged.tolist() == [False, True, True, True, False, True, False, False]
    assert [*mend(data, "garbled-lost").values()] == [texts[i] for i in (0, 4, 6, 7)]


def test_personal_data_give_way_to_what_they_were(paragraphs):
    for kind, mask in (("email", b"[e-mail]"), ("phone", b"[phone]"), ("card", b"[card number]")):
        data, truth = damaged(paragraphs, "personal", {"kind": kind})
        after = mend(data, f"personal-{kind}")
        assert len(after) == len(data.train)
        assert np.mean([mask in after[i] for i in truth.changed.tolist()]) > 0.99
        assert not [text for text in after.values() if [*found(kind, text)]]


@pytest.mark.parametrize(
    ("kind", "text", "hits"),
    [
        ("email", "write to anna.o-neill+x@mail.example.co.uk, or not", ["anna.o-neill+x@mail.example.co.uk"]),
        ("email", "@decorator\nx @ y.T, a@b, me@localhost, @me@there.org x", []),
        ("email", "<a@b.org>(c@d.org)", ["a@b.org", "c@d.org"]),
        ("phone", "call +44 20 7946 0958 or (415) 555-0132; 030 23125 012.",
         ["+44 20 7946 0958", "(415) 555-0132", "030 23125 012"]),
        ("phone", "2001-02-03 04:05:06, 3.14159, 192.168.100.200, 0x1234, 1234567890, +12, 0.1234567", []),
        ("card", "4111 1111 1111 1111, 4111-1111-1111-1111; 378282246310005 5555555555554444.",
         ["4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "5555555555554444"]),
        ("card", "4111 1111 1111 1112, 1234567812345670, 0.4111111111111111, 41111111111111110000000", []),
    ],
)  # fmt: skip
def test_personal_data_are_told_by_their_form(kind, text, hits):
    assert [match[0].decode() for match in found(kind, text.encode())] == hits


@given(st.integers(0, 10**6))
def test_card_numbers_that_are_made_up_have_a_digit_that_checks_them_and_any_other_does_not(seed):
    digits = re.sub(r"\D", "", MADE_UP["card"](np.random.default_rng(seed)))
    assert checks(digits.encode())
    for place in range(len(digits)):
        other = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
        assert not checks(other.encode())


def test_lines_that_stand_in_many_documents_are_cut_off_and_those_within_stay(paragraphs):
    data, truth = damaged(paragraphs, "repetition", {"kind": "boilerplate"})
    after, before = mend(data, "repetition-boilerplate"), told(paragraphs.train)
    same = [after[i].strip() == before[i].strip() for i in truth.changed.tolist()]
    assert np.mean(same) > 0.95, "a few end with lines of many themselves"
    assert np.mean([after[i] == before[i] for i in before]) > 0.85
    body = f"first of it\n{LINES[0].decode()}\nlast of it, number "
    assert look(of([f"{body}{i}\n{'x ' * 20}{i}\nmore\nmore\nmore" for i in range(30)]), "repetition-boilerplate").count == 0
    assert look(of([LINES[0]] * 30), "repetition-boilerplate").count == 0, "nothing would be left"


def test_a_document_that_says_the_same_again_and_again_is_told_from_a_long_one():
    data = of(["the cat sat on the mat and thought " * 9, "a" * 500, "short short", "".join(map(chr, range(40, 120))), ""])
    assert look(data, "repetition-loops").flagged.tolist() == [True, True, False, False, False]
    assert repeated(rows("abcdefgh" * 4), 8).item() == pytest.approx(1 - 8 / 25)


def test_a_document_that_is_cut_is_one_letter_shorter_at_least_and_no_letter_is_halved():
    data = of(["grün und ☃", "日本", "a", "", "ab"] * 8)
    cut, truth = damaged(data, "truncated", {"rate": 1.0, "severity": 1.0})
    before, after = told(data.train), told(cut.train)
    assert all(before[i].startswith(after[i]) and after[i].decode() is not None for i in before)
    assert set(truth.changed.tolist()) == {i for i in before if after[i] != before[i]}


def test_the_sentence_on_documents_that_were_cut_says_that_it_is_a_guess_and_how_often_it_is_wrong(paragraphs):
    finding = look(paragraphs, "truncated")
    assert finding.sentence.values["n"] == len(paragraphs.validation)
    assert 0 <= finding.sentence.values["alarms"] < 0.05
    assert "guess" in finding.sentence
    assert finding.flagged.float().mean() < 0.03


def test_one_source_that_dominates_is_named_and_drawn_as_often_as_elsewhere():
    texts = [f"document number {i} says {i * i}" for i in range(300)]
    data = of(texts, [i % 3 for i in range(300)], held_out=texts[:9], classes=("a", "b", "c"))
    data = replace(data, validation=data.train[:90], test=data.train[:90])
    spoilt, truth = damaged(data, "imbalance", {"kind": "dominating", "severity": 0.8})
    finding = look(spoilt, "imbalance-dominating")
    assert finding.classes == truth.classes
    assert len(truth.classes) == 1
    assert spoilt.train.counts.max() / len(spoilt.train) == pytest.approx(0.8, abs=0.02)
    train = repair(spoilt, [finding], Recipe.of(spoilt)).apply(spoilt).train
    drawn = torch.zeros(3).index_add_(0, train.label, train.column("weight").float())
    assert (drawn / drawn.sum() - 1 / 3).abs().max() < 0.02
    assert look(data, "imbalance-dominating").classes == ()


def test_weights_of_two_repairs_hold_together():
    texts = [f"document {i} of {i * 7}" for i in range(400)]
    label = [0] * 300 + [1] * 60 + [2] * 39 + [3]
    data = of(texts, label, held_out=texts[:8], classes=("a", "b", "c", "d"))
    recipe = repair(data, [look(data, "imbalance"), look(data, "imbalance-dominating")], Recipe.of(data))
    assert {"a", "d"} <= recipe.steps[-1].settings["weights"].keys()


# --- Likeness ---


def every_run(text: bytes, k: int) -> set[bytes]:
    return {text[i : i + k] for i in range(len(text) - k + 1)}


def test_likeness_is_that_of_the_sets_of_runs_and_all_pairs_that_share_enough_are_found(paragraphs):
    copies, truth = damaged(paragraphs, "duplicates", {"kind": "near", "rate": 0.2})
    origins = torch.isin(copies.train.id, truth.origins[:60]) | torch.isin(copies.train.id, truth.added[:90])
    some = copies.train[origins.nonzero()[:, 0]]
    pairs, shares, compared = alike(some, 8, 100, 0.7)
    sets = [every_run(b" ".join(text.lower().split()), 8) for text in told(some).values()]
    true = {
        (i, j): share
        for i, j in combinations(range(len(some)), 2)
        if compared[i] and compared[j] and (share := len(sets[i] & sets[j]) / len(sets[i] | sets[j])) >= 0.7
    }
    ours = {(i, j): share for (i, j), share in zip(pairs.tolist(), shares.tolist(), strict=True)}
    assert len(true) > 0
    assert true.keys() <= ours.keys()
    assert all(ours[pair] == pytest.approx(true.get(pair, ours[pair]), abs=0.02) for pair in ours)


@given(st.lists(st.text(alphabet="aB \n\tü", max_size=30), min_size=1, max_size=4))
def test_case_and_blanks_make_no_difference(texts):
    flat, lengths = plain(rows(*texts))
    expected = [re.sub(rb"[ \t\n\r\f\v]+", b" ", text.encode().lower()).lstrip() for text in texts]
    assert flat.tobytes() == b"".join(expected)
    assert lengths.tolist() == [*map(len, expected)]
    hashes, counts = runs(rows(*texts), 4)
    assert counts.tolist() == [max(0, len(text) - 3) for text in expected]
    alone = np.concatenate([runs([row], 4)[0] for row in rows(*texts)])
    assert np.array_equal(hashes, alone), "whatever stands beside it"


def test_a_document_within_a_longer_one_is_contained_and_strangers_are_not():
    words = [f"word{i * i}" for i in range(60)]
    whole = part([" ".join(words), "nothing of this stands anywhere else, in no other part of the data at all"])
    held_out = part([" ".join(words[20:40]), "quite another text which is as long as the first one, or nearly so, anyhow"])
    shares = contained(whole, held_out, 16, 20)
    assert shares[0] > 0.99
    assert shares[1] < 0.05


@pytest.mark.parametrize("seed", range(20))
def test_a_near_copy_is_never_the_same_bit_for_bit(seed):
    for text in (b"one two three four five six seven eight", b"ONE", b"", b"  \n ", b"a a a a a a"):
        copy = retold(text, 0.5, np.random.default_rng(seed))
        assert copy != text or not text.strip()


# --- Odd documents ---

ODD = {
    "one document": of(["alone"], [0]),
    "empty documents": of(["", "", "x", ""] * 10, [0, 1] * 20),
    "one byte each": of(["a", "b", "c", "d"] * 10, [0, 1] * 20),
    "no UTF-8": of([bytes([200 + i % 50, i, 255]) for i in range(40)], [0, 1] * 20),
    "one class": of([f"document {i} {'on and on ' * (i % 9)}" for i in range(40)], [0] * 40),
    "no labels": of([f"document {i}" for i in range(40)], [-1] * 40),
    "no classes": of([f"document {i}" for i in range(40)], [-1] * 40, classes=()),
    "blanks": of([" \n\t " * i for i in range(40)], [0, 1] * 20),
    "unicode": of(["日本語 " * i + "\u202e\u0301🏳️‍🌈é" for i in range(40)], [0, 1] * 20),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_odd_documents_get_a_report_and_a_repair(kind):
    data = ODD[kind]
    found = [*inspect(data)]
    card = report(data, found)
    assert all(score.value is None or 0 <= score.value <= 1 + 1e-6 for score in card.scores)
    assert json.loads(json.dumps(card.to_json(), allow_nan=False))["items"] == len(data.train)
    assert "bytes" in markdown(card)
    with suppress(BadData):  # where nothing would be left
        assert len(repair(data, found, Recipe.of(data)).apply(data).train)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("kind", ODD)
def test_odd_documents_are_damaged_or_refused_and_never_to_nothing(kind, rate):
    done = 0
    for defect, settings in WAYS:
        with suppress(GenlabError):
            data, truth = damaged(ODD[kind], defect, {"rate": rate, **settings})
            assert len(data.train.id.unique()) == len(data.train) > 0
            assert rate or data.train.fingerprint == ODD[kind].train.fingerprint
            assert rate or not len(truth.damaged) + len(truth.removed)
            done += 1
    assert done > 8


@pytest.mark.parametrize(
    ("defect", "settings", "sentence"),
    [
        ("duplicates", {"kind": "mirrored"}, "holds documents, which have no duplicates of the kind 'mirrored'. Possible"),
        ("missing", {"kind": "patch"}, "missing of the kind 'patch'"),
        ("noise", {}, "holds documents, which have no noise"),
        ("garbled", {"rate": 1.0}, "has a letter beyond ASCII, a quote or a dash, which alone are garbled so"),
    ],
)
def test_what_such_texts_cannot_have_is_refused_with_what_they_can(defect, settings, sentence):
    data = of([f"document{i}" for i in range(40)])
    step = Recipe.of(data).then(defect, settings)
    with pytest.raises(BadData, match=re.escape(sentence)):
        step.apply(data)


@pytest.mark.parametrize("defect", ["garbled", "truncated", "repetition", "personal"])
def test_images_have_no_defects_of_texts(defect):
    with pytest.raises(BadData, match=f"holds images, which have no {defect}"):
        damaged(load("digits"), defect, {})


def test_one_huge_document_and_one_run_of_letters_take_no_longer_than_others():
    texts = [
        b"x" * 10**6,
        b"1" * 10**6,
        ("Ã©" * 10**5).encode(),
        b"a.b@" * 10**5,
        b"0123 " * 10**5,
        b"\n" * 10**6,
        b"4111 " * 10**5,
    ]
    data, began = of(texts), time.process_time()
    report(data, inspect(data))
    for defect, settings in WAYS:
        with suppress(GenlabError):
            damaged(data, defect, {**settings, "rate": 1.0})
    assert time.process_time() - began < 60


def test_many_copies_of_one_text_are_compared_with_few_of_each_other():
    text = " ".join(f"word{i}" for i in range(60))
    data = part([f"{text} {i}" for i in range(600)])
    pairs, _, _ = alike(data, 8, 100, 0.7)
    assert 599 <= len(pairs) < 600 * 64
    assert look(Splits("python-docs", data, data[:1], data[:1]), "duplicates-near").count == 599


def test_short_names_are_no_near_copies_of_each_other_and_it_is_said_that_they_are_too_short():
    data = of([f"nam{i}" for i in range(500)])
    finding = look(data, "duplicates-near")
    assert finding.count == 0
    assert finding.sentence.values == {"n": 500, "short": 500}
    copied, truth = damaged(data, "duplicates", {"kind": "near", "rate": 0.5})
    assert len(truth.added) == 0
    assert len(copied.train) == 500


# --- Rewriting ---


@pytest.mark.parametrize(
    "settings",
    [
        {"ids": [0], "starts": [0], "ends": [99], "texts": ["x"]},
        {"ids": [0], "starts": [3], "ends": [2], "texts": ["x"]},
        {"ids": [0], "starts": [-1], "ends": [2], "texts": ["x"]},
        {"ids": [0, 0], "starts": [0, 1], "ends": [2, 3], "texts": ["x", "y"]},
        {"ids": [0], "starts": [], "ends": [1], "texts": ["x"]},
    ],
)
def test_a_rewriting_that_does_not_fit_is_refused(settings):
    data = of(["four", "more"])
    with pytest.raises(BadData, match="rewrites"):
        Recipe.of(data).then("rewrite", settings).apply(data)


def test_places_are_rewritten_each_and_documents_that_are_gone_stay_away():
    data = of(["one two three", "four"])
    places = {"ids": [0, 0, 77, 1], "starts": [8, 0, 0, 4], "ends": [13, 3, 9, 4], "texts": ["3", "", "x", "\ud800"]}
    after = told(Recipe.of(data).then("rewrite", places).apply(data).train)
    assert [*after.values()] == [b" two 3", b"four?"]
    images = load("digits")
    with pytest.raises(BadData, match="holds images"):
        Recipe.of(images).then("rewrite", {"ids": [0], "starts": [0], "ends": [0], "texts": [""]}).apply(images)


def test_what_a_check_needs_not_learn_judges_what_a_model_wrote():
    clean = part([f"a clean document, number {i}" for i in range(40)])
    judged = fit(clean)(part(["call (415) 555-0132", "fine", "", b"\xff", "cafÃ©", "again and " * 20]))
    hit = {name: verdict.flagged.nonzero()[:, 0].tolist() for name, verdict in judged.items()}
    assert hit["personal-phone"] == [0]
    assert hit["garbled-lost"] == [3]
    assert hit["garbled-mojibake"] == [4]
    assert hit["repetition-loops"] == [5]
    assert hit["missing-blank"] == [2]


def test_a_text_dataset_is_damaged_looked_at_and_repaired_by_its_recipe():
    texts = [np.frombuffer(f"It’s document {i}, “quoted” — and {i * i} more words of it".encode(), np.uint8) for i in range(60)]
    save_dataset("mine", {"train": Part(Ragged.of(texts, np.uint8))}, [], "sixty", modality="text")
    clean = load("mine")
    save_recipe("hurt", recipe_of("mine").then("garbled", {"rate": 0.3}, 1).then("personal", {"rate": 0.2}, 2))
    hurt = load("mine+hurt")
    issues = {finding.name: finding.count for finding in inspect(hurt)}
    assert issues["garbled-mojibake"] == round(0.3 * len(clean.train))
    assert issues["personal-email"] == round(0.2 * len(clean.train))
    mended = repair(hurt, inspect(hurt), recipe_of("mine+hurt"), ["garbled-mojibake", "personal-email"]).apply(clean)
    left = {finding.name: finding.count for finding in inspect(mended)}
    assert left["garbled-mojibake"] == left["personal-email"] == 0
    assert MODALITIES["text"].told(mended.train.read([0])[0]).startswith("It’s document")


def test_the_command_damages_finds_and_repairs_texts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["damage", "python-docs", "--defect", "personal", "--kind", "card", "--rate", "0.1", "--out", "hurt.json"])
    main(["inspect", "python-docs+hurt.json", "--out", "card.json"])
    card = json.loads((tmp_path / "card.json").read_text())
    issues = {issue["name"]: issue["count"] for issue in card["issues"]}
    assert issues["personal-card"] == round(0.1 * len(load("python-docs").train))
    assert "bytes in" in capsys.readouterr().out
    main(["repair", "python-docs+hurt.json", "--issues", "personal-card", "--out", "mended.json"])
    assert f"{issues['personal-card']} items rewritten" in capsys.readouterr().out
    assert b"[card number]" in b"".join(told(load("python-docs+mended.json").train).values())


def test_texts_that_grow_and_grow_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("genlab.data.dataset.MOST_BYTES", 2**22)
    data, recipe = load("python-docs"), recipe_of("python-docs")
    for seed in range(9):
        recipe = recipe.then("repetition", {"rate": 1.0, "severity": 1.0}, seed)
    with in_space(tmp_path), pytest.raises(BadData, match="may have 120,000 items and 4 MB"):
        recipe.apply(data)
