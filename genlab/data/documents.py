"""Documents: strangers' texts, decoded as they are read, cut into documents, and the tables in which a column is a text.

It knows of genlab only how messages are told, as the process that opens strangers' files loads it by its path. Nothing is ever
held whole: a text of any length passes through in pieces.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from genlab.messages import Message, Told

CUTS = ("files", "passages", "paragraphs", "lines")
PASSAGE, LEAST_PASSAGE, PASSAGES = 2048, 64, 20  # bytes at most, and at least where a text is so short that it has few
LONGEST = 2**20  # characters of a document; what is longer is cut
CHUNK = 2**20  # bytes that are decoded at a time
SAMPLE = 2**15  # bytes by which an encoding is guessed
FEW = 3  # signs that cannot be read, or that no text has, in a text of any length; one in a thousand in a long one
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
LEGACY = (
    *(f"cp125{n}" for n in range(9)),
    "cp437",
    "cp850",
    "cp852",
    "cp866",
    "cp874",
    "cp932",
    "cp949",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
    "iso8859_8",
    "iso8859_9",
    "koi8_r",
    "koi8_u",
    "mac_roman",
    "mac_cyrillic",
    "euc_jp",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
)  # fmt: skip  that are guessed
USUAL = "cp1252"
UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # where nothing says which byte comes first, as on most machines
ENCODINGS = {codecs.lookup(name).name for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1",
             "ascii", "iso2022_jp", "gbk", "big5hkscs", *(f"iso8859_{n}" for n in range(1, 17) if n != 12), *LEGACY)}  # fmt: skip
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # what no text has in it
BINARY = Message("no text: there are signs in it that only programs read")
LINE, PARAGRAPH, NOTHING = re.compile("\n"), re.compile("\n(?:[ \t\f\v]*\n)+"), re.compile("(?!)")
MOST_COLUMNS, HEAD = 200, 60  # of a table, and letters of the name of one
TEXTS = (
    "text",
    "content",
    "body",
    "document",
    "sentence",
    "review",
    "comment",
    "message",
    "abstract",
    "article",
    "story",
    "line",
    "title",
    "name",
)  # fmt: skip  what a column of texts is called


class NoText(Told):
    """A file cannot be read as a text; the words why."""


@dataclass(frozen=True)
class Text:
    """A file that can be read as a text."""

    path: Path
    codec: str
    characters: int
    remarks: tuple[str, ...]  # what is to be said of how it was read

    def chunks(self) -> Iterator[str]:
        """What it says, piece by piece, with line ends as they are everywhere but on Windows, and without signs of control."""
        for chunk in _decoded(self.path, self.codec):
            yield CONTROL.sub("", chunk) if CONTROL.search(chunk) else chunk


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are."""

    names: tuple[str, ...]
    texts: tuple[str, ...]  # that may be the text
    labels: tuple[str, ...]  # that may be the class
    text: str  # "" where it is not known
    label: str
    part: str
    numbers: bool  # whether there are numbers in all columns


# --- How it is encoded ---


def read(path: Path, encoding: str = "auto") -> Text:
    """A text by its first bytes, as UTF-8, or by the encoding that fits best; raises NoText for what is none."""
    if not path.stat().st_size:
        raise NoText("0 bytes")
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    marked = next((codec for mark, codec in MARKS if head.startswith(mark)), "")
    told = "" if encoding == "auto" else codecs.lookup(encoding).name
    if codec := marked or UNMARKED.get(told, told):
        found = _tallied(path, codec)
        if found.damaged > FEW + found.characters // 1000 or 2 * found.damaged > found.characters:
            raise NoText("no text in {encoding}", encoding=named(codec))
        return _text(path, codec, found)
    if b"\x1b$" in head or b"\x1b(J" in head:
        return _text(path, "iso2022_jp", _tallied(path, "iso2022_jp"))
    found = _tallied(path, "utf-8")
    if not found.damaged or found.beyond > PASSAGES * found.damaged:
        return _text(path, "utf-8", found)
    codec, found = _guessed(path)
    return _text(path, codec, found)


def beginning(path: Path, most: int = 2**14) -> str:
    """The first lines of a file as far as they can be read, before it is known how."""
    with path.open("rb") as file:
        head = file.read(most)
    codec = next((codec for mark, codec in MARKS if head.startswith(mark)), "utf-8")
    return head.decode(codec, "replace").replace("\r\n", "\n")[: -1 if len(head) == most else None]


def named(codec: str) -> str:
    """What people call an encoding."""
    name = codec.removesuffix("-sig").replace("_", "-").replace("iso8859", "iso-8859").upper()
    return re.sub(r"^CP(?=125\d$)", "Windows-", name).replace("CP932", "Shift JIS")


@dataclass
class _Tally:
    """What is in a text."""

    characters: int = 0
    controls: int = 0
    damaged: int = 0  # places that cannot be read
    beyond: int = 0  # characters beyond ASCII that can


_damaged = 0  # places that could not be decoded so far


def _replaced(fault: UnicodeError) -> tuple[str, int]:
    global _damaged
    _damaged += 1
    assert isinstance(fault, UnicodeDecodeError)
    return "�", fault.end


codecs.register_error("genlab-told", _replaced)


def _decoded(path: Path, codec: str) -> Iterator[str]:
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)("genlab-told"), translate=True)
    with path.open("rb") as file:
        while raw := file.read(CHUNK):
            yield decoder.decode(raw)
    yield decoder.decode(b"", True)


def _tallied(path: Path, codec: str) -> _Tally:
    """What is in a file by an encoding; raises NoText as soon as it is known to be none."""
    found, before = _Tally(), _damaged
    for chunk in _decoded(path, codec):
        found.characters += len(chunk)
        if CONTROL.search(chunk):
            found.controls += len(CONTROL.findall(chunk))
        found.damaged = _damaged - before
        found.beyond += 0 if chunk.isascii() else len(chunk) - len(chunk.encode("ascii", "ignore"))
        if "\0" in chunk or found.controls > FEW + found.characters // 1000:
            raise NoText(BINARY)
    found.beyond -= found.damaged
    return found


def _guessed(path: Path) -> tuple[str, _Tally]:
    """The encoding that fits the lines that are not plain, by charset-normalizer, and fits the whole."""
    from charset_normalizer import from_bytes

    for match in from_bytes(_sample(path), cp_isolation=[*LEGACY]):
        codec = USUAL if USUAL in match.could_be_from_charset else match.encoding  # where both read the same
        found = _tallied(path, codec)
        if found.damaged <= FEW:
            return codec, found
    raise NoText("no text in an encoding that is known; save it as UTF-8, or name its encoding")


def _sample(path: Path) -> bytes:
    """Lines that have more than ASCII in them; where there are none that end, the beginning of what has."""
    sample, start = b"", b""
    with path.open("rb") as file:
        while len(sample) < SAMPLE and (raw := file.read(CHUNK)):
            if not raw.isascii():
                start = start or raw[:SAMPLE]
                lines = raw.split(b"\n")
                whole = lines[int(bool(file.tell() > len(raw))) : -1] if len(raw) == CHUNK else lines  # others are cut in two
                sample += b"\n".join([line for line in whole if not line.isascii()][:1000]) + b"\n"
    return sample[: sample.rfind(b"\n", 0, SAMPLE) + 1] or start


def _text(path: Path, codec: str, found: _Tally) -> Text:
    remarks = []
    if codec not in ("utf-8", "utf-8-sig", "ascii"):
        remarks.append(Message("read as {encoding}", encoding=named(codec)))
    if found.damaged:
        remarks.append(Message("what cannot be read became �"))
    if found.controls:
        remarks.append(Message("signs of control left out"))
    return Text(path, codec, found.characters, tuple(remarks))


# --- How it is cut ---


def documents(text: Text, cut: str) -> Iterator[tuple[bytes, bool]]:
    """The documents of a text in UTF-8, and whether each lies in its last tenth, where it is cut by nothing but its length."""
    if cut == "passages":
        most = max(LEAST_PASSAGE, min(PASSAGE, text.characters // PASSAGES))
        for late, part in groupby(_by_place(text.chunks(), text.characters * 9 // 10), itemgetter(0)):
            for piece in passages((chunk.encode() for _, chunk in part), most):
                yield piece, late
        return
    mark = {"lines": LINE, "paragraphs": PARAGRAPH, "files": NOTHING}[cut]
    blanks = {"lines": None, "paragraphs": "\n", "files": ""}[cut]
    for document in between(text.chunks(), mark):
        yield document.strip(blanks).encode(), False


def passages(text: Iterable[bytes], most: int = PASSAGE) -> Iterator[bytes]:
    """A long text in passages of at most so many bytes, cut where a paragraph, a line or a letter ends; joined, they are it."""
    rest = b""
    for piece in text:
        rest, start = rest + piece, 0
        while len(rest) - start > most:
            end = start + _end(rest[start : start + most + 1], most)
            yield rest[start:end]
            start = end
        rest = rest[start:]
    if rest:
        yield rest


def _end(text: bytes, most: int) -> int:
    """Where the first passage of a text ends."""
    for mark in (b"\n\n", b"\n"):
        if (found := text.rfind(mark, most // 2, most)) >= 0:
            return found + len(mark)
    return next(i for i in range(most, 0, -1) if text[i] & 0xC0 != 0x80)  # no rest of a letter


def between(chunks: Iterable[str], mark: re.Pattern[str], most: int = LONGEST) -> Iterator[str]:
    """What lies between marks; what is longer than may be is cut."""
    rest = ""
    for chunk in chunks:
        *whole, rest = mark.split(rest + chunk)
        for piece in whole:
            yield from (piece[i : i + most] for i in range(0, len(piece), most))
        while len(rest) > most:
            yield rest[:most]
            rest = rest[most:]
    yield rest


def is_list(text: str) -> bool:
    """Whether each line of a text seems to be something by itself: they are short, and none of them is blank."""
    lines = text.strip("\n").split("\n")
    return len(lines) >= 8 and all(lines) and sum(len(line) > HEAD for line in lines) <= len(lines) / 20


def _by_place(chunks: Iterable[str], place: int) -> Iterator[tuple[bool, str]]:
    """Pieces of a text, and whether they lie after a place in it."""
    for chunk in chunks:
        for late, piece in ((False, chunk[: max(0, place)]), (True, chunk[max(0, place) :])):
            if piece:
                yield late, piece
        place -= len(chunk)


# --- Tables ---


def rows(text: Text, suffix: str) -> Iterator[dict[str, str]]:
    """The rows of a table by the names of its columns; raises NoText where it is none."""
    lines = (f"{line}\n" for line in between(text.chunks(), LINE))
    return _objects(lines) if suffix == "jsonl" else _cells(lines)


def columns(some: Sequence[Mapping[str, str]], labels: Sequence[str], part_of: Callable[[str], str]) -> Columns:
    """What the columns of a table are, by some of its rows; `labels` are what classes are called, `part_of` tells parts."""
    told = {name: [row[name] for row in some if row.get(name)] for name in dict.fromkeys(name for row in some for name in row)}
    numbers = {name for name, cells in told.items() if cells and sum(map(_is_number, cells)) > 0.95 * len(cells)}
    parts = {name for name, cells in told.items() if len(kinds := {*cells}) > 1 and all(map(part_of, kinds))}
    many = {name for name, cells in told.items() if len({*cells}) > len(cells) / 2} - numbers - parts
    texts = sorted({*told} - numbers - parts, key=lambda name: (_rank(name, TEXTS), -_mean(told[name])))
    classes = sorted({name for name in told if _is_few(told[name])} - parts, key=lambda name: _rank(name, labels))
    sure = [name for name in texts if name in many or _rank(name, TEXTS) < len(TEXTS)] or texts[: len(told) == 1]
    text = next(iter(sure), "")
    label = next((name for name in classes if _rank(name, labels) < len(labels) and name != text), "")
    return Columns(
        tuple(told), tuple(texts), tuple(classes), text, label, next(iter(parts), ""), bool(told) and numbers == {*told}
    )


def _cells(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The rows of a table whose cells stand between commas, semicolons, tabs or bars, or in quotes."""
    csv.field_size_limit(LONGEST)
    first = next(lines, "")
    reader = csv.reader(chain([first], lines), delimiter=max(",;\t|", key=first.count))
    head: list[str] = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if head:
                yield dict(zip(head, cells, strict=False))
            elif len(cells) > MOST_COLUMNS:
                raise NoText("no table: it has {n:,} columns; at most {most} are read", n=len(cells), most=MOST_COLUMNS)
            elif _is_head(cells):
                head = cells
            else:
                head = [f"column {n}" for n in range(1, len(cells) + 1)]
                yield dict(zip(head, cells, strict=True))
    except csv.Error as fault:
        words = "no table: near its line {line:,} a quotation mark is not closed, or a cell is longer than {most:,} letters"
        raise NoText(words, line=reader.line_num, most=LONGEST) from fault


def _objects(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The rows of a table that is told as an object of JSON a line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield {_whole(key): _whole(str(cell)) for key, cell in row.items() if isinstance(cell, str | int | float)}
        except (ValueError, AttributeError, RecursionError):
            raise NoText("no table: its line {line:,} is no object of JSON", line=number) from None


def _whole(cell: str) -> str:
    """A cell without blanks around it, and without halves of characters, which JSON can tell."""
    return cell.strip().encode("utf-8", "replace").decode()


def _is_head(cells: Sequence[str]) -> bool:
    """Whether the first row of a table names its columns: each is named, shortly, and differently."""
    return all(cells) and len({*cells}) == len(cells) and not any(len(cell) > HEAD or _is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _is_few(cells: Sequence[str]) -> bool:
    """Whether a column says the same again and again, in few words."""
    return 0 < len({*cells}) <= max(2, len(cells) / 2) and all(len(cell) <= HEAD for cell in cells)


def _rank(name: str, words: Sequence[str]) -> int:
    """Where a column's name stands among words; after them all where it is none of them."""
    key = re.sub(r"[\W_]+", "", name.lower())
    return words.index(key) if key in words else len(words)


def _mean(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))
