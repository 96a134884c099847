"""Texts as data: documents of any length, pieces of them for models, the corpora that Python brings along, and tokens."""

import re
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.data import Dataset, DataSpec, is_here, load
from genlab.data.exporting import export
from genlab.data.sources import SOURCES
from genlab.data.summary import neighbours, project, summarise
from genlab.data.texts import passages, sections
from genlab.errors import BadCheckpoint, BadData, BadSetting
from genlab.modalities import MODALITIES, Ragged
from genlab.modalities.text import EDGE, NOTHING
from genlab.models.tokens import END, Tokens, padded

KIND = MODALITIES["text"]
DOCUMENTS = ["ab", "", "grün und ☃", "a long one, of which there is a piece", "x" * 60]


def stored(*texts):
    return [torch.tensor([*text.encode()], dtype=torch.uint8) for text in texts]


def dataset(*texts, shape=(40,)):
    base = Ragged.of(stored(*texts), np.uint8)
    columns = {"label": torch.full((len(texts),), -1), "id": torch.arange(len(texts))}
    return Dataset("some", DataSpec("text", shape), base, columns)


@given(st.lists(st.text(max_size=50), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_what_fits_comes_back_from_model_space_as_it_was(texts):
    items = stored(*texts)
    shape = KIND.shape(Ragged.of(items, np.uint8))
    x = KIND.to_model(items, shape)
    assert x.shape == (len(items), *shape)
    assert [KIND.told(item) for item in KIND.to_stored(x)] == texts
    assert KIND.error(x, x).tolist() == [0] * len(items)


def test_a_piece_of_a_long_document_has_an_edge_only_where_the_document_has_one():
    (item,) = stored("0123456789")
    random = torch.Generator().manual_seed(0)
    pieces = {tuple(KIND.to_model([item], (6,), random)[0].tolist()) for _ in range(200)}
    whole = [EDGE, *b"0123456789", EDGE]
    assert pieces == {tuple(whole[start : start + 6]) for start in range(7)}
    assert KIND.to_model([item], (6,))[0].tolist() == whole[:6]
    assert KIND.to_model(stored("a"), (6,))[0].tolist() == [EDGE, ord("a"), EDGE, NOTHING, NOTHING, NOTHING]


def test_documents_that_share_their_letters_are_near_and_those_that_share_none_are_far():
    items = stored("the cat sat on the mat", "the cat sat on a mat", "0123456789 98765")
    distances = KIND.distances(items, items, (40,))
    assert distances[0, 1] < 0.5 < distances[0, 2] <= 1
    assert distances.diagonal().abs().max() < 1e-3
    assert torch.equal(KIND.vectors(items, (40,))[1], KIND.vectors(items[1:2], (40,))[0])  # whatever stands beside it


def test_pictures_show_the_first_lines_and_empty_documents_are_blank():
    pictures = KIND.pictures(stored(*DOCUMENTS), (100,))
    assert pictures.shape == (len(DOCUMENTS), 1, *KIND.size((100,)))
    assert (pictures[1] == 255).all()
    assert all((picture < 100).any() for picture in pictures[[0, 2, 3, 4]])
    assert KIND.size((17,))[0] < KIND.size((100,))[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain", "plain"), (b"\xef\xbb\xbfmarked", "marked"), ("weit".encode("utf-16"), "weit"), (b"", ""),
        ("grün".encode(), "grün"), (b"a\r\nb\tc", "a\r\nb\tc"),
    ],
)  # fmt: skip
def test_a_file_is_read_by_what_it_says_of_its_encoding(content, text):
    assert KIND.told(KIND.read(content)) == text


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00", b"\x00\x01\x02", "grün".encode("latin-1"), b"a\x00b"])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(BadData, match="This is no text"):
        KIND.read(content)


# --- The corpora ---


def test_python_brings_its_help_along_and_no_section_is_there_twice():
    data = load("python-docs")
    texts = [KIND.told(item) for part in data.parts.values() for item in part.read(slice(None))]
    assert len(texts) == len(set(texts)) > 100
    assert any("with" in text for text in texts)
    found = summarise(data.train).facts
    assert found.numbers["documents_length"] == pytest.approx(np.mean([len(item) for item in data.train.read(slice(None))]))
    assert 3 < found.numbers["bytes_entropy"] < 6
    assert project(data.train).points.shape == (len(data.train), 2)
    assert len(neighbours(data.train, 0, 3).rows) == 3


def test_the_standard_library_comes_by_package_without_its_tests():
    data = load("python-code")
    assert data.spec.classes[-1] == "other"
    assert {"asyncio", "email", "encodings"} < set(data.spec.classes)
    counts = dict(zip(data.spec.classes, data.train.counts.tolist(), strict=True))
    assert counts["encodings"] > 50 < counts["other"]
    some = [KIND.told(item) for item in data.train.read(slice(0, 100))]
    assert sum("import" in text for text in some) > 50
    assert not any("import unittest\n" in text and "TestCase" in text for text in some)


def test_a_topic_is_cut_where_its_headings_are_underlined():
    first, second = f"One\n***\n\n{'word ' * 60}\n", "Two\n===\n\nshort\n\nThree\n-----\n\nrest\n"
    assert sections(first + second) == [first, second], "what is short goes with the one before"


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_passages_joined_are_the_text(content):
    text = content.decode("utf-8", errors="ignore").encode()
    pieces = passages(text, 32)
    assert b"".join(pieces) == text
    assert all(0 < len(piece) <= 32 for piece in pieces)
    assert all(piece.decode() for piece in pieces), "no letter is cut"


@pytest.mark.skipif(not (is_here("names") and is_here("tiny-shakespeare")), reason="needs the folder text in GENLAB_DATA")
def test_shakespeare_and_the_names_are_those_that_everybody_measures_on():
    names = load("names")
    texts = {KIND.told(item) for part in names.parts.values() for item in part.read(slice(None))}
    assert sum(map(len, names.parts.values())) == len(texts) == 29_494
    assert names.spec.shape == (17,)
    data = load("tiny-shakespeare")
    assert sum(len(item) for item in data.test.read(slice(None))) == 1_115_394 - 1_115_394 * 9 // 10
    held = {KIND.told(item) for item in data.validation.read(slice(None))}
    assert not held & {KIND.told(item) for item in data.train.read(slice(None))}


def test_every_text_that_is_fetched_is_known_by_its_sha_256():
    for name in ("tiny-shakespeare", "names"):
        (remote,) = SOURCES[name].remote()
        assert re.fullmatch("[0-9a-f]{64}", remote.digest)
        assert remote.path in SOURCES[name].raw


def test_documents_leave_and_come_back_as_files(tmp_path):
    data = load("python-docs")
    export(data, tmp_path / "docs.zip")
    with zipfile.ZipFile(tmp_path / "docs.zip") as archive:
        back = Counter(archive.read(name) for name in archive.namelist() if name.endswith(".txt"))
    assert back == Counter(bytes(item.tolist()) for part in data.parts.values() for item in part.read(slice(None)))


# --- Tokens ---


@pytest.mark.parametrize("kind", ["characters", "bpe"])
def test_tokens_come_back_as_the_text_that_they_are_of(kind):
    texts = [*DOCUMENTS, "the the the then thence"]
    tokens = Tokens.characters(texts) if kind == "characters" else Tokens.bpe(texts, 300)
    for text in texts:
        assert tokens.decode(tokens.encode(text)) == text
    x = KIND.to_model(stored(*texts), (70,))
    ids = tokens.of_codes(x)
    assert (ids[:, 0] == tokens.end).all()
    assert [KIND.told(item) for item in KIND.to_stored(tokens.to_codes([row[row >= 0].tolist() for row in ids]))] == texts


def test_the_quick_way_to_tokens_is_the_slow_one():
    texts = ["plain ascii\n", "and more"]
    tokens = Tokens.characters(texts)
    assert tokens.of_byte is not None
    x = KIND.to_model(stored(*texts, "plain"), (10,), torch.Generator().manual_seed(1))
    quick = tokens.of_codes(x)
    tokens.__dict__["of_byte"] = None
    slow = tokens.of_codes(x)
    assert torch.equal(quick[:, : slow.shape[1]], slow)
    assert Tokens.characters(["grün"]).of_byte is None


def test_a_prompt_with_letters_that_the_model_has_never_seen_is_refused():
    tokens = Tokens.characters(["abc"])
    with pytest.raises(
        BadSetting, match=re.escape("There is 'x' and '!' in the text, which this model has never seen; it knows abc.")
    ):
        tokens.asked("axb!")
    assert Tokens.bpe(["abc"], 300).asked("x!☃"), "bytes are known, all of them"


def test_a_tokenizer_is_kept_and_one_that_is_none_is_refused(tmp_path):
    tokens = Tokens.bpe(["the then"], 300)
    tokens.write(tmp_path)
    assert Tokens.read(tmp_path / "tokenizer.json") == tokens
    for content in ("", "{}", '{"model": 3}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(BadCheckpoint, match="missing or damaged"):
            Tokens.read(tmp_path / "tokenizer.json")
    strange = Tokens.characters(["a"]).tokenizer.to_str().replace(END, "<|other|>")
    (tmp_path / "tokenizer.json").write_text(strange)
    with pytest.raises(BadCheckpoint, match="no token"):
        Tokens.read(tmp_path / "tokenizer.json")


def test_rows_of_varying_length_are_filled_up():
    assert padded([[1], [2, 3]], 3).tolist() == [[1, NOTHING, NOTHING], [2, 3, NOTHING]]
