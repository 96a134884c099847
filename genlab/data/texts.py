"""Texts: corpora that Python brings along, and two classics for models of characters."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from tokenize import detect_encoding

import numpy as np

from genlab.data import documents
from genlab.data.documents import PASSAGE
from genlab.data.sources import LIBRARY, PACKAGES, Part, Remote
from genlab.modalities import Ragged
from genlab.paths import downloads_folder

UNDERLINED = re.compile(r"^([*=~^-])\1{2,}\n", re.MULTILINE)  # the line under a heading
SECTION = 200  # bytes that a section has at least, or it goes with the one before
TESTED = 10  # one document in so many is for the test part
FILES = {
    "tiny-shakespeare": Remote(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "text/tinyshakespeare.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    "names": Remote(
        "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        "text/names.txt",
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    ),
}


def tiny_shakespeare(folder: Path) -> dict[str, Part]:
    """Karpathy's million characters of Shakespeare in passages; the last tenth is the test part, as in nanoGPT."""
    text = _read(folder, "tiny-shakespeare")
    cut = len(text) * 9 // 10
    return {name: _part(passages(part)) for name, part in (("train", text[:cut]), ("test", text[cut:]))}


def names(folder: Path) -> dict[str, Part]:
    """First names, each once, one document each."""
    return _parted(_read(folder, "names").split())


def python_docs(folder: Path) -> dict[str, Part]:
    """What Python's help says on its topics, by section, long ones in passages; what stands in several topics is there once."""
    from pydoc_data.topics import topics

    found = [section for topic in topics.values() for section in sections(topic)]
    once = {UNDERLINED.sub("", section).strip(): section for section in reversed(found)}  # whatever the level of its heading
    return _parted([passage for section in once.values() for passage in passages(section.encode())])


def python_code(folder: Path) -> dict[str, Part]:
    """The modules of the standard library, tests left out; their classes are its packages."""
    root = LIBRARY
    found = {file: _module(file) for file in sorted(root.rglob("*.py")) if not _left_out(file.relative_to(root))}
    kinds = [package_of(file.relative_to(root)) for file, text in found.items() if text]
    return _parted([text for text in found.values() if text], [PACKAGES.index(kind) for kind in kinds])


def remote(name: str) -> list[Remote]:
    """Where a text that has to be fetched is published."""
    return [FILES[name]]


def passages(text: bytes, most: int = PASSAGE) -> list[bytes]:
    """A long text in pieces of at most so many bytes, cut where a paragraph, a line or a letter ends; joined, they are it."""
    return [*documents.passages([text], most)]


def sections(topic: str) -> list[str]:
    """The sections of a text in which headings are underlined; what is too short goes with the one before."""
    lines, found = topic.splitlines(keepends=True), [""]
    for line, under in zip(lines, [*lines[1:], ""], strict=True):
        headed = UNDERLINED.fullmatch(under) and len(under) == len(line)
        if headed and len(found[-1]) >= SECTION:
            found.append("")
        found[-1] += line
    return [section for section in found if section.strip()]


def package_of(file: Path) -> str:
    """The class of a module by its path in the standard library."""
    return file.parts[0] if file.parts[0] in PACKAGES else "other"


def _left_out(file: Path) -> bool:
    return bool({"test", "tests", "idle_test", "site-packages", "__pycache__"} & set(file.parts[:-1]))


def _module(file: Path) -> bytes:
    """The text of a module in UTF-8; nothing for one that cannot be read as what it says that it is."""
    content = file.read_bytes()
    try:
        with file.open("rb") as opened:
            return content.decode(detect_encoding(opened.readline)[0]).encode()
    except (SyntaxError, UnicodeDecodeError):
        return b""


def _parted(texts: Sequence[bytes], label: Sequence[int] | None = None) -> dict[str, Part]:
    """Documents, each once, in two parts by their hashes."""
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    rows = sorted(first.values())
    tested = np.array([blake2b(texts[row], digest_size=8).digest()[0] % TESTED == 0 for row in rows])
    kept, labels = [texts[row] for row in rows], np.array([-1 if label is None else label[row] for row in rows])
    parts = {"train": np.flatnonzero(~tested), "test": np.flatnonzero(tested)}
    return {name: _part([kept[i] for i in chosen], labels[chosen]) for name, chosen in parts.items()}


def _part(texts: Sequence[bytes], label: np.ndarray | None = None) -> Part:
    items = Ragged.of([np.frombuffer(text, np.uint8) for text in texts], np.uint8)
    return Part(items, {} if label is None or (label < 0).all() else {"label": label})


def _read(folder: Path, name: str) -> bytes:
    """A text from the data folder, or from what was fetched."""
    file = FILES[name].path
    lies = folder / file
    return (lies if lies.is_file() else downloads_folder() / file).read_bytes()
