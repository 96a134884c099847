"""Importing texts: what is a document, in any encoding, from files, folders, zips and tables; what is none gets its words."""

import json
import os
import random
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_importing import MEASURED, left_over
from uploads import GOOD, laid, packed, picture, zipped

from genlab.data import documents, importer, is_here, load
from genlab.data.exporting import export
from genlab.data.importing import LOCAL, PUBLIC, import_files, look_at, table_of
from genlab.errors import BadData, BadSetting, GenlabError
from genlab.modalities import MODALITIES
from genlab.training.run import Run
from genlab.training.train import train

TOLD = MODALITIES["text"].told
PROSE = "".join(f"It is said of the number {i} that its square is {i * i}, and little else.\n\n" for i in range(400))
SPEECH = {
    "windows-1252": "Größe, Mühe, Ärger und Übel – „so“ heißt es, wo Straßen grün sind.\n",
    "windows-1251": "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему.\n",
    "koi8-r": "Белеет парус одинокой в тумане моря голубом! Что ищет он в стране далёкой?\n",
    "shift_jis": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n",
    "gb18030": "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？人不知而不愠，不亦君子乎？\n",
    "euc-kr": "나라의 말이 중국과 달라 한자와는 서로 통하지 아니하므로 어리석은 백성이 있어도\n",
    "iso2022_jp": "吾輩は猫である。名前はまだ無い。\n",
    "utf-16": "Grüße aus der Ferne, ☃ und 猫.\n",
    "utf-32": "Grüße aus der Ferne, ☃ und 猫.\n",
    "utf-8-sig": "Grüße aus der Ferne, ☃ und 猫.\n",
    "utf-8": "Grüße aus der Ferne, ☃ und 猫.\n",
}


def brought(paths, name="mine", **options):
    *_, last = import_files(paths, name, **{"limits": PUBLIC, **options})
    return last.imported


def texts_of(name="mine") -> dict[str, list[str]]:
    return {part: [TOLD(item) for item in data.read(slice(None))] for part, data in load(name).parts.items()}


def all_of(name="mine") -> list[str]:
    return sorted(text for some in texts_of(name).values() for text in some)


def file(folder: Path, name: str, content: str | bytes) -> list[Path]:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [folder / name]


# --- What is a document ---


def test_one_long_text_is_cut_into_passages_whose_last_tenth_is_held_out(tmp_path):
    brought(file(tmp_path, "prose.txt", PROSE))
    data = load("mine")
    assert data.spec.modality == "text"
    test = texts_of()["test"]
    assert "".join(test) == PROSE[len(PROSE) * 9 // 10 :]
    rest = [text for part in ("train", "validation") for text in texts_of()[part]]
    assert sum(map(len, rest)) == len(PROSE) * 9 // 10
    assert all(text in PROSE for text in rest)
    assert not set(test) & set(rest)


@pytest.mark.skipif(not is_here("tiny-shakespeare"), reason="needs the folder text in GENLAB_DATA")
def test_shakespeare_comes_in_as_the_source_has_it():
    brought([Path(os.environ["GENLAB_DATA"]) / "text" / "tinyshakespeare.txt"], limits=LOCAL)
    ours, source = load("mine"), load("tiny-shakespeare")
    assert ours.test.fingerprint == source.test.fingerprint
    assert all_of() == all_of("tiny-shakespeare")


@pytest.mark.parametrize(
    ("cut", "number"), [("files", 1), ("passages", None), ("paragraphs", 400), ("lines", 400)]
)  # fmt: skip
def test_a_person_says_what_a_document_is(cut, number, tmp_path):
    paths = file(tmp_path, "prose.txt", PROSE)
    assert look_at(paths, cut=cut).cut == cut
    if number == 1:
        with pytest.raises(
            BadData, match=r"1 document found; a dataset needs at least 3, to train on, to watch by and to test on"
        ):
            brought(paths, cut=cut)
        return
    brought(paths, cut=cut)
    assert number is None or all_of() == sorted(PROSE.strip().split("\n\n"))


def test_a_list_is_read_line_by_line_and_its_copies_are_gathered(tmp_path):
    names = [f"name{i % 300}" for i in range(500)]
    paths = file(tmp_path, "names.txt", "\r\n".join(names))
    assert look_at(paths).cut == "lines"
    imported = brought(paths)
    assert all_of() == sorted(set(names))
    assert "without 200 copies of others, word for word" in imported.summary
    assert all(texts_of().values())


def test_all_copies_are_kept_where_one_wishes_and_none_lies_in_two_parts(tmp_path):
    names = [f"name{i % 60}" for i in range(500)]
    brought(file(tmp_path, "names.txt", "\n".join(names)), copies="all")
    assert Counter(all_of()) == Counter(names)
    kept = [set(texts) for texts in texts_of().values()]
    assert not (kept[0] & (kept[1] | kept[2])) | (kept[1] & kept[2])


def test_a_copy_under_another_class_stays_but_in_the_same_part(tmp_path):
    names = {"girls.txt": "\n".join(f"name{i}" for i in range(60)), "boys.txt": "\n".join(f"name{i}" for i in range(30, 90))}
    brought([path for name, text in names.items() for path in file(tmp_path, name, text)])
    data = load("mine")
    assert data.spec.classes == ("boys", "girls")
    assert len(all_of()) == 120
    where = {}
    for part, texts in texts_of().items():
        for text in texts:
            assert where.setdefault(text, part) == part


def test_folders_are_classes_and_a_zip_is_as_its_folder(tmp_path):
    files = {
        f"{kind}/{i}.{end}": f"A {kind} of number {i}, {end}.".encode()
        for kind in ("ode", "elegy")
        for i in range(12)
        for end in ("txt", "md")
    }
    files |= {"README.md": b"about all of them", "ode/cover.png": packed(picture(1)), "ode/.DS_Store": b"\0\0\0\1Bud1"}
    imported = brought(laid(files)(tmp_path))
    assert load("mine").spec.classes == ("elegy", "ode")
    words = {verdict.file.removeprefix("photos/"): verdict.words for verdict in imported.table if not verdict.kept}
    assert words == {
        "README.md": "a note on the others",
        "ode/cover.png": "a picture, not a text",
        "ode/.DS_Store": "a file of the operating system",
    }
    table = brought(zipped({f"photos/{name}": content for name, content in files.items()})(tmp_path), "zip").table
    assert [(v.kept, v.words, v.part, v.row) for v in table] == [(v.kept, v.words, v.part, v.row) for v in imported.table]
    row = next(verdict for verdict in table if verdict.file == "photos/ode/3.md")
    assert TOLD(load("zip").parts[row.part].read([row.row])[0]) == "A ode of number 3, md."


def test_files_called_train_and_test_are_parts(tmp_path):
    files = {f"wiki.{part}.txt": "\n".join(f"{part} {i}" for i in range(20)).encode() for part in ("train", "valid", "test")}
    files["wiki.train.txt"] += b"\ntest 3\nvalid 3"
    brought(zipped(files)(tmp_path), cut="lines")
    texts = texts_of()
    assert {part: len(some) for part, some in texts.items()} == {"train": 20, "validation": 20, "test": 20}
    assert all(text.startswith("train") for text in texts["train"]), "what is held out is not trained on"


def test_few_long_texts_are_cut_and_each_is_a_class(tmp_path):
    files = {f"{name}.txt": PROSE.replace("number", name).encode() for name in ("emma", "persuasion")}
    found = look_at(zipped(files)(tmp_path))
    assert found.cut == "passages"
    assert set(found.folders) == {"emma", "persuasion"}
    assert "These are few and long texts, so each is cut into passages." in found.told
    brought(zipped(files)(tmp_path))
    test = load("mine").test
    assert (test.counts > 0).all()
    assert all("4" in TOLD(item) or "3" in TOLD(item) for item in test.read(slice(None)))


def test_a_document_that_is_very_long_is_cut(tmp_path, monkeypatch):
    text = "x" * 1000 + "y" * 5000
    brought(file(tmp_path, "a.txt", text) + file(tmp_path, "b.txt", "z" * (documents.LONGEST * 2 + 5)), cut="files", copies="all")
    assert sorted(map(len, all_of())) == [5, 6000, documents.LONGEST, documents.LONGEST]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=8))
@settings(max_examples=60, deadline=None)
def test_pieces_between_marks_are_those_of_the_whole(chunks):
    whole = "".join(chunks)
    assert [p for p in documents.between(chunks, documents.LINE) if p] == [p for p in whole.split("\n") if p]
    paragraphs = [p for p in documents.between(chunks, documents.PARAGRAPH) if p]
    assert "".join(paragraphs).replace("\n", "").strip() in "".join(documents.PARAGRAPH.split(whole)).replace("\n", "")
    assert [p for p in documents.between(chunks, documents.NOTHING, 7) if p] == [
        whole[i : i + 7] for i in range(0, len(whole), 7)
    ]


# --- Encodings ---


@pytest.mark.parametrize("encoding", SPEECH)
def test_a_text_is_read_in_its_encoding_and_which_is_said(encoding, tmp_path):
    lines = [f"{SPEECH[encoding].strip()} {i}" for i in range(40)]
    imported = brought(file(tmp_path, "speech.txt", "\n".join(lines).encode(encoding)), cut="lines")
    assert all_of() == sorted(lines)
    said = {verdict.words for verdict in imported.table}
    assert said == {""} if encoding.startswith("utf-8") else all("read as" in words for words in said)


def test_how_many_files_were_read_in_which_encoding_is_said(tmp_path):
    files = {
        f"{i}.txt": (SPEECH["windows-1252"] + f"{i}\n").encode("cp1252" if i < 3 else "utf-16" if i < 5 else "utf-8")
        for i in range(9)
    }
    assert "3 × read as Windows-1252; 2 × read as UTF-16" in brought(zipped(files)(tmp_path)).summary


def test_an_encoding_that_is_given_is_taken_and_one_that_does_not_fit_is_told(tmp_path):
    paths = file(tmp_path, "short.txt", "дом\nсад\nлес\nмир\nдень\nночь\nутро\nвек\n".encode("cp866"))
    brought(paths, encoding="cp866")
    assert "дом" in all_of()
    with pytest.raises(BadData, match="no text in UTF-8"):
        brought(paths, "other", encoding="utf-8")
    for strange in ("unicode_escape", "utf-7", "rot13", "idna", "punycode", "nothing", "zip", "\0", ""):
        with pytest.raises(BadSetting, match="it must be auto, or a name"):
            brought(paths, "other", encoding=strange)


def test_utf_16_that_does_not_say_so_is_read_where_a_person_does(tmp_path):
    (path,) = file(tmp_path, "a.txt", "Grüße aus der Ferne\nund aus der Nähe\nvon hier".encode("utf-16-le"))
    with pytest.raises(BadData, match="only programs read"):
        brought([path])
    brought([path], cut="lines", encoding="utf-16")
    assert all_of() == ["Grüße aus der Ferne", "und aus der Nähe", "von hier"]


def test_a_damaged_letter_costs_no_more_than_itself(tmp_path):
    content = PROSE.replace("little", "größtes ☃").encode()
    imported = brought(file(tmp_path, "a.txt", content[:5000] + b"\xff" + content[5000:]))
    assert imported.table[0].words == "what cannot be read became �"
    assert "".join(all_of()).count("�") == 1
    assert "größtes ☃" in "".join(all_of())


def test_letters_that_are_no_utf_8_are_found_far_behind(tmp_path):
    content = ("plain words only, line by line\n" * 60_000).encode() + "Größe und Mühe\nÄrger und Übel\n".encode("cp1252")
    imported = brought(file(tmp_path, "a.txt", content), cut="lines")
    assert imported.table[0].words == "read as Windows-1252"
    assert all_of() == ["Größe und Mühe", "plain words only, line by line", "Ärger und Übel"]


# --- Tables ---


def table_of_reviews(mark: str = ",", end: str = "\n", head: str = "id,review,stars,split") -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    rows = [
        [f"{i}", f'A "fine" one{mark} number {i},{end}with a second line; and a tab\t', f"{i % 2}", "train" if i % 5 else "test"]
        for i in range(40)
    ]
    return end.join([head.replace(",", mark), *(mark.join(map(quoted, row)) for row in rows)])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_column_of_a_table_is_read_whatever_stands_between_its_cells(mark, end, encoding, tmp_path):
    paths = file(tmp_path, "reviews.csv", table_of_reviews(mark, end).encode(encoding))
    found = look_at(paths, classes="stars")
    assert (found.what, found.cut, found.text, found.texts) == ("texts", "rows", "review", ("id", "review", "stars", "split"))
    assert found.cells == {("train", "0"): 16, ("train", "1"): 16, ("test", "0"): 4, ("test", "1"): 4}
    brought(paths, classes="stars")
    data = load("mine")
    assert data.spec.classes == ("0", "1")
    assert len(data.test) == 8
    assert all_of() == sorted(f'A "fine" one{mark} number {i},\nwith a second line; and a tab' for i in range(40))


def test_the_class_of_a_row_is_its_label_and_some_classes_can_be_taken(tmp_path):
    rows = [{"text": f"row {i} ☃", "label": ["a", "b", "c"][i % 3], "n": i, "more": {"x": 1}} for i in range(30)]
    paths = file(tmp_path, "rows.jsonl", "\n".join(map(json.dumps, rows)))
    assert look_at(paths).folders == {"a": 10, "b": 10, "c": 10}
    brought(paths, folders=["a", "c"])
    assert load("mine").spec.classes == ("a", "c")
    assert len(all_of()) == 20
    brought(paths, "plain", classes="none", column="label", copies="all")
    assert load("plain").spec.classes == ()
    assert Counter(all_of("plain")) == {"a": 10, "b": 10, "c": 10}
    for wish, sentence in (
        ({"folders": ["d"]}, "There is no class called 'd'. Possible: a, b, c."),
        ({"column": "words"}, "There is no column called 'words'. Possible: text, label, n."),
        ({"classes": "words"}, "Classes cannot be read off 'words'."),
    ):
        with pytest.raises(GenlabError) as fault:
            brought(paths, "other", **wish)
        assert sentence in str(fault.value)


def test_tables_called_train_and_test_are_parts(tmp_path):
    files = {
        f"{part}.csv": "\n".join(["text,label", *(f"{part} says {i},{i % 2}" for i in range(20))]).encode()
        for part in ("train", "test")
    }
    brought(zipped(files)(tmp_path))
    assert all(text.startswith("test") for text in texts_of()["test"])
    assert len(load("mine").test) == 20
    assert load("mine").spec.classes == ("0", "1")


def test_a_table_beside_texts_tells_their_classes(tmp_path):
    files = {f"{i}.txt": f"text number {i}".encode() for i in range(30)}
    files["labels.csv"] = "\n".join(["file,label", *(f"{i}.txt,{'odd' if i % 2 else 'even'}" for i in range(30))]).encode()
    brought(zipped(files)(tmp_path))
    assert load("mine").spec.classes == ("even", "odd")
    assert len(all_of()) == 30


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,b\n1,2\n3,4\n5,6\n7,8", "t.csv holds numbers alone, and no column of texts."),
        ("split\n" + "train\ntest\n" * 9, "t.csv has no column of texts. Its columns are: split."),
        ("text,label\n", "No text found in t.csv"),
        ("\0\0\0", "only programs read"),
        (",".join(f"c{i}" for i in range(300)) + "\n", "it has 300 columns; at most 200 are read"),
        ('text\n"' + "x" * 2_500_000 + '"\n', "a quotation mark is not closed, or a cell is longer than"),
        ('text\n"' + "x\n" * 1_500_000, "a quotation mark is not closed, or a cell is longer than"),
    ],
)
def test_a_table_without_texts_gets_its_sentence(content, sentence, tmp_path):
    with pytest.raises(BadData) as fault:
        look_at(file(tmp_path, "t.csv", content))
    assert sentence in str(fault.value)
    assert not left_over()


def test_a_table_that_breaks_off_leaves_nothing_of_itself(tmp_path):
    good = "\n".join(["text", *(f"a good row, or {i}" for i in range(20))]).replace(", or", " or").encode()
    files = {
        "a.csv": good,
        "b.csv": good.replace(b"good", b"fair") + b'\n"' + b"x" * 1_500_000,
        "c.csv": b"other\nx\n",
        "d.jsonl": b'{"text": 3}\n[]',
    }
    table = {verdict.file: verdict for verdict in brought(zipped(files)(tmp_path)).table}
    assert [verdict.kept for verdict in table.values()] == [True, False, False, False]
    assert "no column 'text' in it" in table["c.csv"].words
    assert "its line 2 is no object of JSON" in table["d.jsonl"].words
    assert all("good" in text for text in all_of())
    assert len(all_of()) == 20


def test_halves_of_characters_in_json_do_no_harm(tmp_path):
    rows = [
        '{"text": "\\ud800 one"}',
        '{"text": "two \\udc00"}',
        '{"text": "three \\ud83d\\ude00", "\\ud800": "x"}',
        '{"text": "four"}',
    ]
    brought(file(tmp_path, "t.jsonl", "\n".join(rows)))
    assert all_of() == ["? one", "four", "three 😀", "two ?"]


# --- What is no text, too little, or too much ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b" \n\t\n", "nothing in it but blanks"),
        (b"\xef\xbb\xbf", "nothing in it but blanks"),
        (b"\xff\xfe", "nothing in it but blanks"),
        (b"\xff\xfea", "no text in UTF-16"),
        (b"a\0b", documents.BINARY),
        (packed(picture(1)), documents.BINARY),
        (b"\x7fELF\1\2\3\4\5\6", documents.BINARY),
        (np.random.default_rng(0).bytes(5000), documents.BINARY),
        (b"PK\3\4" + bytes(60), documents.BINARY),
        ("no mark".encode("utf-16-le"), documents.BINARY),
        (np.random.default_rng(0).bytes(60_000).hex().encode() + b"\0", documents.BINARY),
    ],
)
def test_what_is_no_text_is_skipped_with_its_words(content, words, tmp_path):
    files = {**{f"{i}.txt": f"good text {i}".encode() for i in range(4)}, "odd.txt": content}
    table = {verdict.file: verdict for verdict in brought(zipped(files)(tmp_path), cut="files").table}
    skipped = table.pop("odd.txt")
    assert (skipped.kept, skipped.words) == (False, words)
    assert all(verdict.kept for verdict in table.values())
    assert not left_over()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"",
            f"No text found in a.txt; genlab reads {importer.READS_TEXTS}. Skipped: 0 bytes.",
        ),
        (b"x", "1 document found; a dataset needs at least 3"),
        (b"\n", "Skipped: nothing in it but blanks."),
        (b"\x89PNG\r\n\x1a\n\0\0", "Skipped: no text: there are signs in it that only programs read."),
    ],
)
def test_a_text_of_which_nothing_can_be_made_gets_its_sentence(content, sentence, tmp_path):
    with pytest.raises(BadData) as fault:
        brought(file(tmp_path, "a.txt", content))
    assert sentence in str(fault.value)
    assert not left_over()


def test_the_same_text_again_and_again_is_no_dataset(tmp_path):
    with pytest.raises(BadData, match="Almost all documents are the same, word for word"):
        brought(zipped({f"{i}.txt": b"the same" for i in range(30)})(tmp_path))


def test_signs_of_control_are_left_out_and_told(tmp_path):
    imported = brought(file(tmp_path, "dos.txt", PROSE.replace("\n", "\r\n").encode("cp437") + b"\x1a"))
    assert imported.table[0].words == "signs of control left out"
    assert "\x1a" not in "".join(all_of())
    assert "\r" not in "".join(all_of())


def test_captions_and_notes_leave_images_images(tmp_path):
    captions = {name.replace("png", "txt"): b"a caption" for name in GOOD}
    paths = zipped({**GOOD, **captions, "README.md": b"about"})(tmp_path)
    found = look_at(paths, PUBLIC)
    assert (found.what, found.others) == ("images", 2)
    assert brought(paths).shape == (3, 12, 12)
    assert look_at(paths, PUBLIC, what="texts").others == 2


@pytest.mark.parametrize(
    "name",
    [
        "../up.txt",
        "/etc/up.txt",
        "C:\\up.txt",
        "a/../../up.txt",
        "__MACOSX/._a.txt",
        "con.txt",
        "-rf.txt",
        "\u202etxt.a.txt",
        "<b>.txt",
        "🐱.txt",
    ],
)
def test_odd_names_do_no_harm(name, tmp_path):
    (tmp_path / "given").mkdir()
    files = {**{f"{i}.txt": f"good text {i}".encode() for i in range(25)}, name: b"odd one"}
    table = {verdict.file: verdict for verdict in brought(zipped(files)(tmp_path / "given")).table}
    safe = not (".." in name or name[0] == "/" or ":" in name or "MACOSX" in name)
    assert table[name].kept == safe
    assert {path.name for path in tmp_path.rglob("up.txt")} == set()


PIECES = (
    *(b"\r", b"\n\n", b'"', b",", b";", b"\t", b"|", b"text,label\n", b"split\ntrain\ntest\n", b"1,2\n", b"\x1a", b"\xff\xfe"),
    *("猫".encode(), "ö".encode(), b"\xc2\x85", b'{"text": "\\ud800"}\n', b"\xef\xbb\xbf", b"\x1b$B", b"\xed\xa0\x80"),
    *(b"\xe4\xf6", b"\x93\xfa\x96{", b"words and words " * 9),
)  # fmt: skip
NAMES = (
    "a.txt",
    "b.md",
    "train.txt",
    "test.txt",
    "t.csv",
    "labels.csv",
    "u.jsonl",
    "v.tsv",
    "README.md",
    "x/a.txt",
    "test/a.txt",
)


def test_whatever_bytes_there_are_comes_in_or_gets_a_sentence(tmp_path):
    draw, brought_in = random.Random(0), 0
    for turn in range(200):
        folder = tmp_path / str(turn)
        (folder / "scratch").mkdir(parents=True)
        files = {name: b"".join(draw.choices(PIECES, k=draw.randint(0, 40))) for name in draw.sample(NAMES, draw.randint(1, 6))}
        paths = [str(path) for path in zipped(files)(folder)]
        cut, encoding = draw.choice(["auto", *documents.CUTS]), draw.choice(["auto", "auto", "utf-16", "shift_jis"])
        job = importer.Job(paths, str(folder / "scratch"), PUBLIC, what="texts", cut=cut, encoding=encoding)
        try:
            *_, last = importer.run(replace(job, look=turn % 2 == 1))
        except importer.Refused:
            continue
        brought_in += 1
        if "documents" in last:
            records = (folder / "scratch" / "documents").read_bytes()
            ends = [0, *(importer.DOCUMENT.unpack_from(records, i)[0] for i in range(0, len(records), importer.DOCUMENT.size))]
            texts = (folder / "scratch" / "texts").read_bytes()
            assert all(texts[start:end].decode().strip() for start, end in pairwise(ends))
            assert (len(ends) - 1, ends[-1]) == (last["documents"], len(texts))
    assert brought_in > 50


def test_a_bomb_of_text_is_skipped(tmp_path):
    files = {**{f"{i}.txt": f"good text {i}".encode() for i in range(4)}, "bomb.txt": b"la " * 5_000_000}
    table = {verdict.file: verdict for verdict in brought(zipped(files)(tmp_path)).table}
    assert table["bomb.txt"].words == "unpacks to more than 100 times its size"


def test_more_than_there_is_room_for_is_refused(tmp_path):
    paths = file(tmp_path, "a.txt", PROSE)
    with pytest.raises(BadData, match="These texts take more than the 1 MB that you have room for"):
        brought(paths, limits=replace(PUBLIC, kept=10_000))
    with pytest.raises(BadData, match="of texts are more than an import takes"):
        brought(laid({"a.txt": PROSE.encode()})(tmp_path), limits=replace(PUBLIC, unpacked=1000))
    many = "\n".join(["text,label", *(f"row {i},class {i // 3}" for i in range(4000))])
    with pytest.raises(BadData, match="There are more than 1,000 classes in label"):
        brought(file(tmp_path, "t.csv", many))
    with pytest.raises(BadData, match="has texts in it, not classes"):
        brought(file(tmp_path, "u.csv", "text,label\n" + "\n".join(f"row {i},{'x' * 300}" for i in range(9))), classes="label")


def test_a_text_of_many_megabytes_passes_through_in_little_memory(tmp_path, monkeypatch):
    wrapper, note = tmp_path / "measured.py", tmp_path / "peak"
    wrapper.write_text(MEASURED.format(note=str(note), importer=importer.__file__))
    monkeypatch.setattr(importer, "__file__", str(wrapper))
    draw = random.Random(0)
    line = "".join(f"{draw.random()} is drawn at random, and so on.\n" for _ in range(20_000)).encode()
    with (tmp_path / "large.txt").open("wb") as large:
        for i in range(40):
            large.write(f"{i}\n".encode() + line)
    size = (tmp_path / "large.txt").stat().st_size
    assert size > 32 * 2**20
    brought([tmp_path / "large.txt"], limits=LOCAL)
    assert int(note.read_text()) < 64 * 2**10, "kB"
    assert load("mine").train.base.flat.nbytes + load("mine").test.base.flat.nbytes < size


# --- What is done with them ---


@pytest.mark.parametrize("family", ["gpt", "rnn"])
def test_a_corpus_shorter_than_the_context_is_learnt_from(family, tmp_path, runs):
    brought(
        file(tmp_path, "short.txt", "To be, or not to be, that is the question.\n" * 2 + "Whether 'tis nobler in the mind.\n")
    )
    run = Run.create(family, "mine", {"steps": 3, "width": 16, "context": 256}, threads=1)
    assert [progress.step for progress in train(run, load("mine"), "cpu")][-1] == 3


def test_an_own_text_leaves_and_comes_back(tmp_path):
    brought(file(tmp_path, "rows.csv", "text,label\n" + "\n".join(f"row {i},{i % 2}" for i in range(60))))
    export(load("mine"), tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "manifest.json" in archive.namelist()
    brought([tmp_path / "out.zip"], "back", cut="files", copies="all")
    for part, data in load("mine").parts.items():
        assert load("back").parts[part].fingerprint == data.fingerprint


def test_a_process_that_nobody_hears_opens_texts_without_torch_or_numpy(tmp_path):
    slow = "{'torch', 'numpy', 'charset_normalizer'}"
    code = f"import runpy, sys; runpy.run_path({importer.__file__!r}); assert not {slow} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_the_table_of_files_is_the_same_later(tmp_path):
    imported = brought(zipped({"a.txt": PROSE.encode(), "b.txt": b""})(tmp_path), cut="lines")
    assert table_of("mine") == imported.table
    assert [verdict.items for verdict in imported.table] == [400, 0]
