"""The process that opens strangers' files, images or texts: it reads one job and writes a line of JSON a step.

It knows of genlab only how messages are told. It is run by its path and imports neither torch nor numpy, so it starts at once
and its memory can be held small.
"""

import errno
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import stat
import statistics
import struct
import sys
import time
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any
from zipfile import ZipInfo

import safezip
from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin  # noqa: F401  Pillow loads WebP's plugin on demand only

if TYPE_CHECKING:
    from genlab.data.documents import Columns, Text
    from genlab.data.layout import Layout, Place


def _by_path(name: str) -> ModuleType:
    """A module of genlab by its path: asking the package for it would bring torch along."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name.replace('.', '/')}.py")
    assert spec
    assert spec.loader
    if spec.name not in sys.modules:
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look
        spec.loader.exec_module(sys.modules[spec.name])
    return sys.modules[spec.name]


_by_path("genlab.messages")
layout, documents = _by_path("genlab.data.layout"), _by_path("genlab.data.documents")
from genlab.messages import Message, Told, joined, listed, to_json  # noqa: E402  loaded above, so that genlab is not asked for it

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
READS = Message("PNG, JPEG, WebP, BMP and GIF")
READS_TEXTS = Message(".txt, .md and other plain texts, and .csv, .tsv and .jsonl with a column of texts")
LOCATION = Message("location removed")
SMALLEST, LARGEST = 8, 64  # pixels a side, where the size is found and not given
MOST_CLASSES = 1000
LINK = Message("a link or a device, not a file")
ALL_HELD_OUT = Message("Nothing to train on came in: all of it is held out. Say which folder is to be trained on.")
GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
ORIENTATION, GPS = 0x0112, 0x8825  # EXIF 2.3, tables 3 and 12
CAMERA, TAKEN = 0x8769, 0x9003  # tables 3 and 8: the camera's own block, and in it when the picture was taken
UNSET = {date(1970, 1, 1), date(1980, 1, 1)}  # of clocks that nobody set, and of zips that know no dates
UTF_8 = 0x800  # the flag of a zip's member whose name is in UTF-8
TABLE = 32 * 2**20  # bytes of a table of labels that is read
SLACK = 4096  # bytes that a BMP may have beside its head and rows
DENSEST = 1100  # a byte of deflate unpacks to no more
PICTURES, CELLS, SHOWN = 3, 40, 32  # that a look shows of a class in a part, of how many of these, and their pixels a side
PAUSE = 0.1  # seconds between two lines of progress
DOCUMENT = struct.Struct("<q16siHB")  # of each: where its bytes end, their hash, its file, class and part, as in DOCUMENT_PARTS
DOCUMENT_PARTS = ("", "train", "validation", "test", "late")  # "" where nothing tells it, late in the last tenth of a long text
MOST_DOCUMENTS, LONGEST_CLASS = 4_000_000, 200  # and letters of the name of a class
LEAST_DOCUMENTS, FEW_FILES = (
    3,
    20,
)  # of a dataset; so many texts, where they are long, are cut into passages, and each may be a class
LOOKED, EXCERPT = 64 * 2**20, 160  # bytes of texts that a look reads, and characters of each that it shows
SAMPLED = 1000  # rows of a table by which its columns are judged
MEMORY = 850 * 2**20  # bytes that the process may ask for; what Python and Pillow take beside it stays under 1 GB


@dataclass(frozen=True)
class Limits:
    """What one import may bring along."""

    upload: int  # bytes of the given files
    files: int
    unpacked: int  # bytes
    ratio: int  # of a file's size to its packed size
    pixels: int  # of an image
    side: int  # pixels
    seconds: float  # that all of it may take
    kept: int = 2**50  # bytes of the dataset that it becomes


@dataclass(frozen=True)
class Job:
    """What is to be imported, and how."""

    paths: Sequence[str]
    scratch: str  # an empty folder
    limits: Limits
    folders: Sequence[str] | None = None  # the classes to take; None for all
    size: int | None = None  # pixels a side; None to go by the smallest image
    mode: str = "auto"  # grey, colour, or auto: grey where all images are
    least: int = 2  # images without which it is refused
    classes: str = "auto"  # what they are read off, as Wish in layout.py has it
    parts: Mapping[str, str] = field(default_factory=dict)  # of folders, as Wish has it
    look: bool = False  # tell the layout alone, with some pictures
    what: str = "auto"  # images, texts, or auto: texts where there are hardly any images
    cut: str = "auto"  # what is a document of texts: files, passages, paragraphs, lines
    column: str = ""  # of a table, which holds the texts
    encoding: str = "auto"  # of texts


@dataclass(frozen=True)
class File:
    """A file that was found: what it is called, where its bytes lie, what its folders say."""

    name: str
    source: Path | tuple[safezip.SafeZipFile, ZipInfo]
    written: int = 0  # the day, as `_day` has it
    part: str = "train"
    label: str = ""
    skip: str = ""  # why it is left out, by its folders
    image: bool = True  # by its name


@dataclass(frozen=True)
class Brought:
    """An image at the size and in the mode of all."""

    content: bytes  # size·size·C
    words: str  # a list
    day: int  # on which the picture was taken, as `_day` has it


@dataclass(frozen=True)
class Head:
    """What is known of an image before it is decoded."""

    path: Path
    side: int  # pixels, the shorter one
    grey: bool


class Refused(Told):
    """The whole import cannot be; the sentence why."""


class Skip(Told):
    """One file cannot be used; the words why."""


def run(job: Job) -> Iterator[dict[str, Any]]:
    """Do the job; yields records of progress, then what came of it."""
    found = [file for path in job.paths for file in _found(Path(path), job.limits, len(job.paths) > 1)]
    if not found:
        raise Refused("There are no files in {paths}.", paths=_named(job.paths))
    if _are_texts(job, found):
        plan = _planned(job, found)
        yield from [_looked_at_texts(job, plan)] if job.look else _brought_texts(job, plan)
        return
    understood = _understood(job, found)
    placed = [_put(file, place, image) for file, place, image in zip(found, understood.places, understood.images, strict=True)]
    files = sorted(placed, key=lambda file: file.name)
    counts = Counter(file.label for file in files if file.image and not file.skip)
    if job.folders is not None:
        files = [file for file in files if file.label in _known(job.folders, counts)]
    if job.look:
        yield _looked(job, files, understood)
        return
    if len({file.label for file in files}) > MOST_CLASSES:
        raise Refused(
            "{paths} has {n:,} folders; at most {most:,} can be classes. Choose some.",
            paths=_named(job.paths),
            n=len(counts),
            most=MOST_CLASSES,
        )
    yield from _brought(job, files)


def _understood(job: Job, files: list[File]) -> "Layout":
    """What the names of files say, and the tables among them."""
    tables = [file for file in files if layout.is_table(file.name)][: layout.MOST_TABLES]
    try:
        texts = {file.name: _text(file, job) for file in tables}
        return layout.understand([file.name for file in files], texts, layout.Wish(job.classes, job.parts))
    except layout.Unclear as unclear:
        raise Refused(unclear.message) from None


def _text(file: File, job: Job) -> str:
    """What a table says; nothing where it cannot be read."""
    with suppress(Skip):
        path = _at(file, Path(job.scratch) / "table", job.limits)
        if path.stat().st_size <= TABLE:
            content = path.read_bytes()
            utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
            with suppress(UnicodeDecodeError):
                return content.decode("utf-16" if utf16 else "utf-8-sig")
            return content.decode("cp1252", "replace")
    return ""


def _put(file: File, place: "Place", image: bool) -> File:
    return replace(file, part=place.part or "train", label=place.label, skip=place.skip, image=image)


def _looked(job: Job, files: list[File], understood: "Layout") -> dict[str, Any]:
    """The layout, and in the file `pixels` some pictures of each class in each part."""
    cells: dict[tuple[str, str], list[int]] = {}
    for i, file in enumerate(files):
        if file.image and not file.skip:
            cells.setdefault((file.part, file.label), []).append(i)
    most = sorted(cells, key=lambda cell: -len(cells[cell]))[:CELLS]
    pictures = {cell: shown for cell in most if (shown := [*_shown(job, [files[i] for i in cells[cell][:PICTURES]])])}
    if not pictures:
        _find_one(job, files)
    with (Path(job.scratch) / "pixels").open("wb") as pixels:
        pixels.writelines(image.content for shown in pictures.values() for image in shown)
    return {
        "files": len(files),
        "cells": [[part, label, len(rows)] for (part, label), rows in sorted(cells.items())],
        "pictures": [[part, label, len(shown)] for (part, label), shown in pictures.items()],
        "levels": [level[:MOST_CLASSES] for level in understood.levels],
        "parts": dict(understood.parts),
        "columns": understood.columns,
        "classes": understood.classes,
        "told": understood.told,
        "others": sum(layout.is_writing(file.name) and not layout.is_note(file.name) for file in files),
    }


def _shown(job: Job, files: list[File]) -> Iterator[Brought]:
    for file in files:
        with suppress(Skip):
            yield _pixels(_at(file, Path(job.scratch) / "one", job.limits), SHOWN, False, job.limits)


def _find_one(job: Job, files: list[File]) -> None:
    """Refuse what holds no image before anybody is asked about it."""
    table = []
    for file in files:
        try:
            _head(_at(file, Path(job.scratch) / "one", job.limits), job.limits)
            return
        except Skip as skip:
            table.append(_skipped(skip))
    raise Refused(_too_few(job, table, 0))


def _brought(job: Job, files: list[File]) -> Iterator[dict[str, Any]]:
    """Two rounds: look at every file's head, then bring every image to one size and mode in the file `pixels`."""
    verdicts: dict[int, dict[str, Any]] = {}
    heads: dict[int, Head] = {}
    scratch = Path(job.scratch)
    for i, file in enumerate(files):
        try:
            head = _head(_at(file, scratch / str(i), job.limits), job.limits)
            if file.skip:
                raise Skip(file.skip)
            heads[i] = head
        except Skip as skip:
            verdicts[i] = _skipped(skip)
        yield {"doing": "look", "done": i + 1, "total": len(files), "kept": len(heads), "skipped": len(verdicts)}
    size = job.size or _fitting([head.side for head in heads.values()])
    grey = all(head.grey for head in heads.values()) if job.mode == "auto" else job.mode == "grey"
    if (wanted := len(heads) * size**2 * (1 if grey else 3)) > job.limits.kept:
        raise Refused(
            "{n:,} pictures of {size}×{size} pixels take {wanted}; you have room for {kept}. "
            "Choose a smaller size or fewer pictures.",
            n=len(heads),
            size=size,
            wanted=_megabytes(wanted),
            kept=_megabytes(job.limits.kept),
        )
    kept = 0
    with (scratch / "pixels").open("wb") as pixels:
        for done, (i, head) in enumerate(heads.items(), 1):
            try:
                image, file = _pixels(head.path, size, grey, job.limits), files[i]
                pixels.write(image.content)
                verdicts[i] = {"kept": True, "part": file.part, "label": file.label, "words": image.words}
                verdicts[i]["day"] = image.day or file.written
                kept += 1
            except Skip as skip:
                verdicts[i] = _skipped(skip)
            yield {"doing": "bring", "done": done, "total": len(heads), "kept": kept, "skipped": len(verdicts) - kept}
    table = [{"file": file.name, **verdicts[i]} for i, file in enumerate(files)]
    if kept < job.least:
        raise Refused(_too_few(job, table, kept))
    if not any(row["kept"] and row["part"] == "train" for row in table):
        raise Refused(ALL_HELD_OUT)
    yield {"shape": [kept, size, size, 1 if grey else 3], "table": table}


# --- Texts ---


@dataclass(frozen=True)
class Plan:
    """What is understood of texts."""

    files: list[File]  # those that count are marked as images are
    cut: str  # what is a document: files, passages, paragraphs, lines; or rows of tables
    columns: "Columns | None"  # of tables
    label: str  # the column of their classes; "" for none
    understood: "Layout"
    told: tuple[str, ...]  # what a person should know beside that

    @property
    def has_parts(self) -> bool:
        """Whether something tells the parts."""
        return bool(self.columns and self.columns.part) or any(file.part for file in self.files)


def _are_texts(job: Job, files: Sequence[File]) -> bool:
    """Whether it is texts that are meant; captions beside images, and notes, are not."""
    if job.what != "auto":
        return job.what == "texts"
    images = sum(layout.is_image(file.name) for file in files)
    texts = sum(layout.is_writing(file.name) and not layout.is_note(file.name) for file in files)
    return texts > 2 * images or (
        not images and any(layout.is_writing(file.name) or layout.is_table(file.name) for file in files)
    )


def _planned(job: Job, found: list[File]) -> Plan:
    """What the names, the tables and the beginnings of texts say."""
    counted = _that_count([file.name for file in found])
    sources = [file for file, counts in zip(found, counted, strict=True) if counts]
    if (size := sum(map(_size, sources))) > job.limits.unpacked:
        words = "{paths}: {size} of texts are more than an import takes (limit {most}). Nothing was imported."
        raise Refused(words, paths=_named(job.paths), size=_megabytes(size), most=_megabytes(job.limits.unpacked))
    in_tables = bool(sources) and all(_suffix(file.name) in layout.TABLES for file in sources)
    exported = any(layout.folders_of(file.name) == ("manifest.json",) for file in found)
    cut = "rows" if in_tables else "files" if exported and job.cut == "auto" else _cut(job, sources)
    unsure: tuple[str, ...] = ()
    columns, label, classes = None, "", job.classes
    if in_tables:
        columns, label, unsure = _columns(job, sources)
        classes = "none" if job.classes in columns.names else job.classes
    names = _named_by_stems(found, counted, cut)
    tables = {} if in_tables else {n: _text(f, job) for n, f in zip(names, found, strict=True) if layout.is_table(f.name)}
    try:
        understood = layout.understand(names, tables, layout.Wish(classes, job.parts), counted)
    except layout.Unclear as unclear:
        raise Refused(unclear.message) from None
    placed = [
        replace(file, part=place.part, label=place.label, skip=place.skip, image=counts)
        for file, place, counts in zip(found, understood.places, counted, strict=True)
    ]
    files = sorted(placed, key=lambda file: file.name)
    if job.folders is not None and not label:
        counts = Counter(file.label for file in files if file.image and not file.skip)
        files = [file for file in files if file.label in _known(job.folders, counts)]
    return Plan(files, cut, columns, label, understood, unsure)


def _that_count(names: Sequence[str]) -> list[bool]:
    """Which files are texts by their names, but for notes on the others; where none is, tables, then all."""
    texts = [layout.is_writing(name) for name in names]
    for least in (
        [text and not layout.is_table(name) and not layout.is_note(name) for text, name in zip(texts, names, strict=True)],
        texts,
        [layout.is_table(name) for name in names],
    ):
        if any(least):
            return least
    return [not layout.is_odd(name) for name in names]


def _named_by_stems(files: Sequence[File], counted: Sequence[bool], cut: str) -> list[str]:
    """Names of files, in which a file that holds several documents, or is a part, counts as a folder of its name."""
    paths = [layout.folders_of(file.name) for file in files]
    sources = [path for path, counts in zip(paths, counted, strict=True) if counts]
    stems = [path[-1].rpartition(".")[0] for path in sources]
    alone = len({path[:-1] for path in sources}) == 1 and len(sources) <= FEW_FILES and cut != "files"
    if not alone and not layout.tell_parts(stems):
        return [file.name for file in files]
    return [
        "/".join([*path[:-1], path[-1].rpartition(".")[0], path[-1]]) if counts and path[0] != "/" else file.name
        for file, path, counts in zip(files, paths, counted, strict=True)
    ]


def _cut(job: Job, files: Sequence[File]) -> str:
    """What is a document: each file where there are many or they are short, a line of what are lists, else a passage."""
    if job.cut != "auto":
        return job.cut
    if len(files) > FEW_FILES:
        return "files"
    heads = []
    for file in files[:PICTURES]:
        with suppress(Skip, OSError), _unpacked(job, file) as path:
            heads.append(documents.beginning(path))
    if heads and all(map(documents.is_list, heads)):
        return "lines"
    long = sum(map(_size, files)) > 4 * documents.PASSAGE * len(files)
    return "passages" if long or len(files) == 1 else "files"


def _columns(job: Job, tables: Sequence[File]) -> "tuple[Columns, str, tuple[str, ...]]":
    """Which columns of tables hold the texts and their classes, and what a person should know of that."""
    sample, why = _sample_of(job, tables)
    names = _named(job.paths)
    if not sample:
        raise Refused(_too_few(job, why, 0, texts=True))
    found = documents.columns(sample, layout.LABELS, layout.part_alone)
    if job.column and job.column not in found.names:
        raise Refused("There is no column called {column!r}. Possible: {names}.", column=job.column, names=[*found.names])
    if found.numbers and not job.column:
        raise Refused("{names} holds numbers alone, and no column of texts.", names=names)
    text = job.column or found.text or next(iter(found.texts), "")
    if not text:
        raise Refused("{names} has no column of texts. Its columns are: {columns}.", names=names, columns=[*found.names])
    known = job.classes in ("auto", "none", "names") or job.classes.isdigit() or job.classes in found.names
    if not known:
        possible = [*layout.AS_TOLD, *found.labels]
        raise Refused("Classes cannot be read off {classes!r}. Possible: {possible}.", classes=job.classes, possible=possible)
    label = found.label if job.classes == "auto" else job.classes if job.classes in found.names else ""
    unsure = Message("Which column holds the texts is not known: {text} is taken.", text=text)
    return replace(found, text=text), label if label != text else "", () if job.column or found.text else (unsure,)


def _sample_of(job: Job, tables: Sequence[File]) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """The first rows of the first table that has some, and why those before it have none."""
    why: list[dict[str, Any]] = []
    for table in tables:
        try:
            with _opened_text(job, table) as text:
                if sample := [*islice(documents.rows(text, _suffix(table.name)), SAMPLED)]:
                    return sample, why
            raise Skip("no rows in it")
        except Skip as skip:
            why.append(_skipped(skip))
    return [], why


def _brought_texts(job: Job, plan: Plan) -> Iterator[dict[str, Any]]:
    """The documents of all files, one after another in the file `texts`, and what is known of each in the file `documents`."""
    table: list[dict[str, Any]] = []
    total = sum(_size(file) for file in plan.files if file.image)
    labels: dict[str, int] = {}
    ended = count = done = 0

    def step(read: int) -> dict[str, Any]:
        kept = sum(row["kept"] for row in table)
        return {
            "doing": "read",
            "done": _mega(min(read, total)),
            "total": _mega(total),
            "kept": kept,
            "skipped": len(table) - kept,
        }

    with (Path(job.scratch) / "texts").open("wb") as texts, (Path(job.scratch) / "documents").open("wb") as records:
        for i, file in enumerate(plan.files):
            before, first = ended, count
            try:
                if why := file.skip or ("" if file.image else _no_text(file)):
                    raise Skip(why)
                with _opened_text(job, file) as text:
                    for document, part, label in _documents_in(plan, file, text):
                        number = labels.setdefault(label, len(labels))
                        if job.folders is not None and label not in job.folders:
                            continue
                        ended, count = ended + len(document), count + 1
                        texts.write(document)
                        digest = hashlib.blake2b(document, digest_size=16).digest()
                        records.write(DOCUMENT.pack(ended, digest, i, number, DOCUMENT_PARTS.index(part)))
                        _check_room(job, plan, count, ended, len(labels))
                        if count % 1000 == 0:
                            yield step(done + ended - before)
                if count == first:
                    raise Skip("nothing in it but blanks")
                table.append({"kept": True, "words": listed(text.remarks), "documents": count - first})
            except Skip as skip:
                table.append(_skipped(skip) | {"documents": 0})
                ended, count = before, first
                texts.truncate(ended)
                texts.seek(ended)
                records.truncate(count * DOCUMENT.size)
                records.seek(count * DOCUMENT.size)
            done += _size(file) if file.image else 0
            yield step(done)
    if job.folders is not None and plan.label:
        _known(job.folders, Counter(labels))
    if count < LEAST_DOCUMENTS:
        raise Refused(_too_few(job, table, count, texts=True))
    named = [{"file": file.name, **row} for file, row in zip(plan.files, table, strict=True)]
    yield {"documents": count, "classes": [*labels], "cut": plan.cut, "has_parts": plan.has_parts, "table": named}


def _documents_in(plan: Plan, file: File, text: "Text") -> Iterator[tuple[bytes, str, str]]:
    """The documents of a file that are no blanks, each with its part and its class."""
    try:
        for document, part, label in _cut_up(plan, file, text):
            if document.strip():
                yield document, part, label
    except documents.NoText as fault:
        raise Skip(fault.message) from None


def _cut_up(plan: Plan, file: File, text: "Text") -> Iterator[tuple[bytes, str, str]]:
    if plan.columns is None:
        for document, late in documents.documents(text, plan.cut):
            yield document, file.part or ("late" if late else ""), file.label
        return
    for row in documents.rows(text, _suffix(file.name)):
        if plan.columns.text not in row:
            raise Skip("no column {column!r} in it", column=plan.columns.text)
        told = layout.part_alone(row.get(plan.columns.part, "")) if plan.columns.part else ""
        label = " ".join(unicodedata.normalize("NFC", row.get(plan.label, "")).split()) if plan.label else file.label
        if len(label) > LONGEST_CLASS:
            raise Refused("The column {column!r} has texts in it, not classes. Read the classes off another.", column=plan.label)
        yield row[plan.columns.text].encode(), told or file.part, label


def _check_room(job: Job, plan: Plan, count: int, ended: int, classes: int) -> None:
    if count > MOST_DOCUMENTS:
        words = "There are more than {most:,} documents in {paths}. Cut them into longer ones, such as passages."
        raise Refused(words, most=MOST_DOCUMENTS, paths=_named(job.paths))
    if ended + count * DOCUMENT.size > job.limits.kept:
        kept = _megabytes(job.limits.kept)
        raise Refused("These texts take more than the {kept} that you have room for. Bring fewer of them.", kept=kept)
    if classes > MOST_CLASSES + 1:
        words = "There are more than {most:,} classes in {label}; at most so many are possible. Read them off something else."
        raise Refused(words, most=MOST_CLASSES, label=plan.label or _named(job.paths))


def _looked_at_texts(job: Job, plan: Plan) -> dict[str, Any]:
    """What is understood of texts, and the beginnings of some documents of each class in each part."""
    cells: Counter[tuple[str, str]] = Counter()
    excerpts: dict[tuple[str, str], list[str]] = {}
    why: list[dict[str, Any]] = []
    left, told = LOOKED, [*plan.told, *plan.understood.told]
    if len(plan.files) > 1 and plan.cut == "passages" and job.cut == "auto":
        told.append(Message("These are few and long texts, so each is cut into passages."))
    for file in plan.files:
        if not file.image or file.skip:
            continue
        if left <= 0:
            cells[file.part or "train", file.label] += plan.columns is None
            continue
        try:
            with _opened_text(job, file) as text:
                for document, part, label in _documents_in(plan, file, text):
                    cell = "test" if part == "late" and not plan.has_parts else part if part in layout.PARTS else "train", label
                    cells[cell] += 1
                    if len(shown := excerpts.setdefault(cell, [])) < PICTURES:
                        shown.append(document[: 4 * EXCERPT].decode("utf-8", "ignore")[:EXCERPT])
                    if (left := left - len(document)) <= 0:
                        break
        except Skip as skip:
            why.append(_skipped(skip))
    if not +cells:
        raise Refused(_too_few(job, why, 0, texts=True))
    if left <= 0:
        told.append(
            Message("Only the first {looked} were looked at; all of it is read when it is imported.", looked=_megabytes(LOOKED))
        )
    most = sorted(excerpts, key=lambda cell: -cells[cell])[:CELLS]
    columns = plan.columns
    return {
        "what": "texts",
        "files": len(plan.files),
        "cells": [[part, label, n] for (part, label), n in sorted((+cells).items())],
        "excerpts": [[part, label, excerpts[part, label]] for part, label in most],
        "levels": [level[:MOST_CLASSES] for level in plan.understood.levels],
        "parts": dict(plan.understood.parts),
        "columns": [*(columns.labels if columns else ()), *plan.understood.columns],
        "classes": plan.label or plan.understood.classes,
        "told": told,
        "cut": plan.cut,
        "text": columns.text if columns else "",
        "texts": columns.names if columns else (),
        "others": sum(layout.is_image(file.name) for file in plan.files),
    }


@contextmanager
def _unpacked(job: Job, file: File) -> Iterator[Path]:
    """Where a file's bytes lie, for as long as they are read."""
    path = _at(file, Path(job.scratch) / "one", job.limits)
    try:
        yield path
    finally:
        if path != file.source:
            path.unlink(missing_ok=True)


@contextmanager
def _opened_text(job: Job, file: File) -> "Iterator[Text]":
    """The text in a file; whatever is wrong with it is why it is skipped."""
    with _unpacked(job, file) as path:
        try:
            try:
                text = documents.read(path, job.encoding)
            except OSError:
                raise Skip("cannot be read") from None
            yield text
        except documents.NoText as fault:
            raise Skip(fault.message) from None


def _no_text(file: File) -> str:
    """What a file is that does not count among texts."""
    if layout.is_hidden(file.name):
        return Message("a file of the operating system")
    if layout.is_image(file.name):
        return Message("a picture, not a text")
    if layout.is_table(file.name):
        return Message("a table beside the texts")
    if layout.is_note(file.name):
        return Message("a note on the others")
    return Message("no text by its name; genlab reads {reads}", reads=READS_TEXTS)


def _size(file: File) -> int:
    if isinstance(file.source, tuple):
        return file.source[1].file_size
    with suppress(OSError):
        return file.source.lstat().st_size
    return 0


def _suffix(name: str) -> str:
    return PurePosixPath(layout.folders_of(name)[-1]).suffix[1:].lower()


def _mega(size: int) -> int:
    return -(-size // 2**20)


# --- Which files, and what their folders say ---


def _found(path: Path, limits: Limits, several: bool) -> list[File]:
    """All files of a zip or a folder, or the file itself; a zip beside others counts as a folder of its name."""
    if path.is_dir():
        found = [Path(folder) / name for folder, _, names in os.walk(path) for name in names]
        if len(found) > limits.files:
            raise Refused(_holds(path, limits))
        names = [_clean(str(PurePosixPath(file.relative_to(path.parent)))) for file in found]
        return _dated([File(name, file, written=_day(_modified(file))) for name, file in zip(names, found, strict=True)])
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as fault:
        gone = "{name}: There is no such file or folder."
        raise Refused(Message(gone if fault.errno == errno.ENOENT else "{name}: It cannot be read.", name=path.name)) from None
    if size > limits.upload:
        raise Refused(
            "{name} is {size} (limit {upload}). Run genlab on your own computer, from a folder, for larger sets.",
            name=path.name,
            size=_megabytes(size),
            upload=_megabytes(limits.upload),
        )
    if path.suffix.lower() == ".zip" or start in (b"PK\3\4", b"PK\5\6"):
        members = _members(path, limits)
        return [replace(file, name=f"{_clean(path.stem)}/{file.name}") for file in members] if several else members
    return [File(_clean(path.name), path)]


def _members(path: Path, limits: Limits) -> list[File]:
    """The files of a zip, which is refused as a whole when it is forged or larger than may be."""
    try:
        archive, flat = _archive(path, limits, limits.ratio, limits.unpacked), _archive(path, limits, DENSEST, 4 * limits.pixels)
    except safezip.FileCountExceededError:
        raise Refused(_holds(path, limits)) from None
    except safezip.FileSizeExceededError:
        raise Refused(_unpacks(path, limits)) from None
    except (safezip.SafezipError, OSError, ValueError, NotImplementedError):
        raise Refused("{name} is not a zip archive, or it is damaged or forged. Nothing was imported.", name=path.name) from None
    members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > limits.unpacked:
        raise Refused(_unpacks(path, limits))
    sources = [(flat if info.filename.lower().endswith((".bmp", ".dib")) else archive, info) for info in members]
    return _dated([File(_clean(_name(info)), (archive, info), _day(info.date_time)) for archive, info in sources])


def _archive(path: Path, limits: Limits, ratio: int, size: int) -> safezip.SafeZipFile:
    return safezip.SafeZipFile(
        path,
        max_files=limits.files,
        max_file_size=size,
        max_total_size=2**50,  # judged in our words
        max_per_member_ratio=ratio,
        max_total_ratio=ratio,
    )


def _name(info: ZipInfo) -> str:
    """A member's name; many programs write UTF-8 without the flag that says so."""
    if not info.flag_bits & UTF_8:
        with suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _dated(files: list[File]) -> list[File]:
    """The files of one zip or folder; what was all written within two days tells when it was copied, not when it was made."""
    days = {file.written for file in files if not layout.is_hidden(file.name)} - {0}
    return files if days and max(days) - min(days) > 1 else [replace(file, written=0) for file in files]


def _modified(file: Path) -> Sequence[int]:
    try:
        return time.localtime(file.lstat().st_mtime)[:3]
    except (OSError, ValueError, OverflowError):
        return ()


def _day(when: Sequence[int]) -> int:
    """(year, month, day, …) as a day of the calendar, counted from the first of the year 1; 0 for what no file can date from."""
    try:
        day = date(*when[:3])
    except (TypeError, ValueError):
        return 0
    return 0 if day in UNSET or day > date.today() + timedelta(days=1) else day.toordinal()  # zones differ by a day


def _holds(path: Path, limits: Limits) -> str:
    return Message("{name} holds more than {files:,} files (limit). Nothing was imported.", name=path.name, files=limits.files)


def _unpacks(path: Path, limits: Limits) -> str:
    return Message(
        "{name} unpacks to more than {unpacked} (limit). Nothing was imported.",
        name=path.name,
        unpacked=_megabytes(limits.unpacked),
    )


def _known(folders: Sequence[str], counts: Counter[str]) -> set[str]:
    for folder in folders:
        if folder not in counts:
            raise Refused("There is no class called {folder!r}. Possible: {counts}.", folder=folder, counts=sorted(counts))
    return set(folders)


# --- One file ---


def _at(file: File, target: Path, limits: Limits) -> Path:
    """Where the file's bytes lie; those of a zip are unpacked there first."""
    if layout.is_hidden(file.name):
        raise Skip("a file of the operating system")
    if isinstance(file.source, Path):
        if not stat.S_ISREG(file.source.lstat().st_mode):
            raise Skip(LINK)
        return file.source
    archive, info = file.source
    if info.flag_bits & 1:
        raise Skip("locked with a password; pack it without one")
    try:
        Path(archive.extract(info, target.parent / "unpacked")).replace(target)
    except safezip.UnsafeZipError:
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        raise Skip(LINK if is_link else Message("its path leads out of the archive")) from None
    except safezip.CompressionRatioError:
        raise Skip("unpacks to more than {ratio} times its size", ratio=limits.ratio) from None
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Skip("its name cannot be that of a file here") from None
    except Exception as fault:  # BadZipFile, zlib.error, lzma.LZMAError: each decoder has faults of its own
        raise Skip("cannot be unpacked") from fault
    if info.file_size > limits.ratio * info.compress_size and not _is_bitmap(target):
        raise Skip("unpacks to more than {ratio} times its size", ratio=limits.ratio)
    return target


def _is_bitmap(path: Path) -> bool:
    """Whether a file is a BMP as large as its own head says: a flat drawing as one packs well, and is no bomb."""
    with path.open("rb") as file:
        head = file.read(34)
    if len(head) < 34 or head[:2] != b"BM":
        return False
    start, _, width, height, _, bits, packing = struct.unpack("<IIiiHHI", head[10:])
    rows = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    return packing in (0, 3) and 0 <= path.stat().st_size - rows - start <= SLACK


def _head(path: Path, limits: Limits) -> Head:
    with _opened(path, limits) as image:
        return Head(path, min(image.size), _is_grey(image))


def _pixels(path: Path, size: int, grey: bool, limits: Limits) -> Brought:
    """An image's middle square, brought to `size` by an antialiased (Lanczos) filter; of the rest only its day is kept."""
    with _opened(path, limits) as image:
        width, height = image.size
        image.draft(image.mode, (2 * size, 2 * size))  # a JPEG is decoded at no more than it takes
        image.load()  # before the EXIF block is asked for: a PNG has it anywhere
        remarks = [words for words, holds in _remarks(image) if holds]
        if min(width, height) < size:
            remarks.append(Message("enlarged from {width} × {height} pixels", width=width, height=height))
        day = _taken(image)
        turned = image if _exif(image) is None else ImageOps.exif_transpose(image)
        square = ImageOps.fit(_flat(turned, "L" if grey else "RGB"), (size, size), Image.Resampling.LANCZOS)
        return Brought(square.tobytes(), listed(remarks), day)


def _exif(image: Any) -> Any:
    """The EXIF block of an image; None where it is damaged, which no viewer minds."""
    try:
        exif = image.getexif()
        exif.get(ORIENTATION)
        return exif
    except Exception:  # Pillow's reader of EXIF has many faults of its own
        return None


def _taken(image: Any) -> int:
    """The day on which a picture was taken, as its EXIF block tells; 0 where it does not."""
    with suppress(Exception):  # a damaged block dates nothing, and harms nothing
        return _day([int(part) for part in str(image.getexif().get_ifd(CAMERA)[TAKEN]).split(" ")[0].split(":")])
    return 0


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Any]:
    """The image in a file, not yet decoded; whatever is wrong with it is why it is skipped."""
    Image.MAX_IMAGE_PIXELS = limits.pixels
    most = Message(
        "at most {megapixels:g} megapixels and {side:,} pixels a side", megapixels=limits.pixels / 1e6, side=limits.side
    )
    try:
        if path.stat().st_size == 0:
            raise Skip("0 bytes")
        with Image.open(path, formats=FORMATS) as image:
            if max(image.size) > limits.side:
                raise Skip("{width:,} × {height:,} pixels; {most}", width=image.width, height=image.height, most=most)
            yield image
    except Skip:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Skip("more than {pixels:g} megapixels; {most}", pixels=limits.pixels / 1000000.0, most=most) from None
    except UnidentifiedImageError:
        raise _stranger(path) from None
    except MemoryError:
        raise Skip("takes more memory than an import may have") from None
    except Exception as fault:  # each of Pillow's decoders has faults of its own
        raise Skip("cut off or damaged") from fault


def _stranger(path: Path) -> Skip:
    """What a file is that is no image."""
    with path.open("rb") as file:
        head = file.read(1024)
    for start, words in STRANGERS:
        if head.startswith(start):
            return Skip(words or "cut off or damaged")
    if head[4:8] == b"ftyp":
        return Skip("a HEIC or AVIF picture or a film; save pictures as PNG or JPEG")
    if b"<svg" in head:
        return Skip("a drawing (SVG), not pixels; save it as PNG")
    return Skip("not an image; genlab reads {reads}", reads=READS)


STRANGERS = [
    *((start, "") for start in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")),  # known, but not whole
    (b"PK\3\4", Message("an archive in the archive; unpack it first")),
    (b"\x93NUMPY", Message("an array of numbers; save its images as PNG")),
    (b"II*\0", Message("a TIFF picture; save it as PNG")),
    (b"MM\0*", Message("a TIFF picture; save it as PNG")),
    (b"MZ", Message("a program, whatever its name says")),
    (b"\x7fELF", Message("a program, whatever its name says")),
    (b"%PDF", Message("a PDF document; save its pictures as PNG")),
]


def _remarks(image: Any) -> Iterator[tuple[str, bool]]:
    """What is worth saying of an image that is kept."""
    exif = _exif(image)
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    placed = "GPSLatitude" in (packet if isinstance(packet, str) else packet.decode("latin-1"))
    yield Message("its damaged EXIF block passed over"), exif is None
    yield Message("turned upright"), exif is not None and exif.get(ORIENTATION, 1) in range(2, 9)
    yield LOCATION, (exif is not None and GPS in exif) or placed
    yield Message("first frame of an animation"), getattr(image, "is_animated", False) and image.format != "MPO"  # of cameras
    yield Message("transparent parts made white"), image.has_transparency_data
    yield Message("CMYK brought to RGB"), image.mode == "CMYK"
    yield Message("16 bits brought to 8"), image.mode.startswith("I")


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """The image on white, 8 bits a channel, as `L` or `RGB`."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (255 / 65535) + 0.5).convert("L")  # convert alone cuts off
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _is_grey(image: Any) -> bool:
    if image.mode == "P":
        colours = image.getpalette("RGB")
        return colours[::3] == colours[1::3] == colours[2::3]
    return image.mode in GREY


def _fitting(sides: Sequence[int]) -> int:
    """The smallest side that was seen, as the size of all: a multiple of 4 that is neither tiny nor slow to train on.

    Sides under half the median are passed over, so that one tiny image does not make all of them tiny.
    """
    usual = [side for side in sides if 2 * side >= statistics.median_low(sides)] or [SMALLEST]
    return max(SMALLEST, min(LARGEST, min(usual)) // 4 * 4)


# --- Words ---


def _skipped(skip: Skip) -> dict[str, Any]:
    return {"kept": False, "words": skip.message}


def _too_few(job: Job, table: list[dict[str, Any]], kept: int, texts: bool = False) -> str:
    reasons = Counter(row["words"] for row in table if not row["kept"])
    if texts:
        told = Message("No text found in {paths}; genlab reads {reads}.", paths=_named(job.paths), reads=READS_TEXTS)
    else:
        told = Message("No image found in {paths}; genlab reads {reads}.", paths=_named(job.paths), reads=READS)
    if kept and texts:
        told = Message(
            "{n} document found; a dataset needs at least {least}, to train on, to watch by and to test on. {what}",
            "{n} documents found; a dataset needs at least {least}, to train on, to watch by and to test on. {what}",
            n=kept,
            least=LEAST_DOCUMENTS,
            what=Message("Cut these into passages, paragraphs or lines, or bring more."),
        )
    elif kept:
        told = Message("One image found; training needs at least 2 (50+ advised).")
    many = (Message("{n:,} × {words}", n=n, words=words) if n > 1 else words for words, n in reasons.most_common(3))
    return joined([told, Message("Skipped: {skipped}.", skipped=joined(many, "; "))]) if reasons else told


def _named(paths: Sequence[str]) -> str:
    return Path(paths[0]).name if len(paths) == 1 else Message("these {n} files", n=len(paths))


def _megabytes(size: int) -> str:
    return Message("{size:,} MB", size=max(1, round(size / 2**20)))


def _clean(name: str) -> str:
    """A name that can be written and shown: no lone surrogates, no control characters."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    return "".join("�" if unicodedata.category(c) == "Cc" else c for c in name)


# --- The process ---


def main() -> None:
    """Read a job from standard input and tell of it on standard output; leave the scratch folder empty when nobody listens."""
    given = json.loads(sys.stdin.readline())
    job = Job(**given | {"limits": Limits(**given["limits"])})
    _step_back()
    try:
        _tell_all(job)
    except BrokenPipeError:
        shutil.rmtree(job.scratch, ignore_errors=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more as it ends


def _tell_all(job: Job) -> None:
    tell, told = partial(print, flush=True), 0.0

    def refuse(why: str) -> None:
        tell(json.dumps(to_json({"refused": why})))

    try:
        for record in run(job):
            last = record.get("done") == record.get("total")
            if last or time.monotonic() - told > PAUSE:
                tell(json.dumps(to_json(record)))
                told = time.monotonic()
    except Refused as refused:
        refuse(refused.message)
    except BrokenPipeError:
        raise
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        what = Message("The import could not write: {reason}.", reason=reason)
        refuse(joined([what, Message("Free some space, then import again." if full else "Nothing was imported.")]))
    except MemoryError:
        refuse(Message("These files take more memory than an import may have. Import fewer at a time."))


def _step_back() -> None:
    """Hold memory small, leave the processor to the page, and hear Pillow's warnings as faults."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    logging.disable()
    os.nice(10)
    with suppress(ImportError, OSError, ValueError):  # not every system has it
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
