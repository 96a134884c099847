"""Importing: zips, folders and files of images or texts as a dataset of one's own; a process of its own opens them."""

import codecs
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from genlab.data import documents, importer
from genlab.data.importer import Job, Limits
from genlab.data.layout import PARTS
from genlab.data.library import check_free, record_of, save_dataset, with_held_out
from genlab.data.sources import Part
from genlab.errors import BadData, BadSetting, UnknownName
from genlab.files import sweep_drafts, writing
from genlab.messages import Message, from_json, joined, listed, to_json
from genlab.modalities import Ragged
from genlab.paths import datasets_folder

Mode = Literal["auto", "grey", "colour"]
What = Literal["auto", "images", "texts"]
Cut = Literal["auto", "files", "passages", "paragraphs", "lines"]
Copies = Literal["once", "all"]
MODES: tuple[Mode, ...] = ("auto", "grey", "colour")
WHAT: tuple[What, ...] = ("auto", "images", "texts")
CUTS: tuple[Cut, ...] = ("auto", "files", "passages", "paragraphs", "lines")
COPIES: tuple[Copies, ...] = ("once", "all")
LOCAL = Limits(
    upload=2 * 2**30, files=200_000, unpacked=8 * 2**30, ratio=100, pixels=24_000_000, side=8192, seconds=3600
)  # on one's own computer
PUBLIC = Limits(upload=20 * 2**20, files=2000, unpacked=200 * 2**20, ratio=100, pixels=24_000_000, side=8192, seconds=30)
MOST_SIDE = 256  # pixels; larger images train too slowly to be of use here
TABLE = "files.jsonl"  # beside dataset.json: a line a file
SCRATCH = ".import-"
RECORD = np.dtype([("end", "<i8"), ("hash", "V16"), ("file", "<i4"), ("label", "<u2"), ("part", "u1")])  # importer.DOCUMENT
log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Verdict:
    """What became of one file."""

    file: str
    kept: bool
    words: str = ""  # of a kept one what was done to it, of another why it was skipped
    part: str = ""  # of the dataset, and the row in it, where it became one item
    row: int = -1
    items: int = 1  # that it became, where it was kept

    @property
    def remarks(self) -> list[str]:
        """What was done to a file that was kept, one by one."""
        if not self.kept or not self.words:
            return []
        return self.words.values["parts"] if isinstance(self.words, Message) else self.words.split(", ")


@dataclass(frozen=True)
class Imported:
    """What came of an import."""

    name: str
    shape: tuple[int, ...]  # (C, H, W), or of texts (T,)
    table: tuple[Verdict, ...]
    told: str = ""  # of texts, how many documents they became, and how many copies were left out

    @property
    def summary(self) -> str:
        """How many were kept, and why the others were not."""
        told = [Message("It holds {told}.", told=self.told)] if self.told else []
        return joined([summary(self.table), *told])


@dataclass(frozen=True)
class Progress:
    """How far an import is; `imported` is there on the last one alone."""

    doing: Literal["look", "bring", "read", "save"]  # texts are read, by the megabyte
    done: int
    total: int
    kept: int
    skipped: int
    imported: Imported | None = None


@dataclass(frozen=True)
class Preview:
    """What is understood of files before anything of them is imported."""

    files: int
    cells: Mapping[tuple[str, str], int]  # (part, class) → images, by their names; the class "" for none
    pictures: Mapping[tuple[str, str], np.ndarray]  # some of each, uint8 [n, 3, 32, 32], where they are images
    levels: tuple[tuple[str, ...], ...]  # the folders' names, level by level
    parts: Mapping[str, str]  # folders that may be parts → train, validation, test, skip, or no
    columns: tuple[str, ...]  # of tables, that may be the classes
    classes: str  # what they are read off: folders, table, names, none, a level, a column
    told: tuple[str, ...]  # what is not known, or was left out
    what: str = "images"  # or texts
    excerpts: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)  # the beginnings of some texts of each
    cut: str = ""  # what is a document: files, passages, paragraphs, lines; or rows of tables
    text: str = ""  # the column of tables that holds the texts
    texts: tuple[str, ...] = ()  # all columns of these tables
    others: int = 0  # texts that lie beside images, images beside texts

    @property
    def folders(self) -> dict[str, int]:
        """How many items each class has."""
        return dict(sorted(self._summed(1).items()))

    @property
    def counts(self) -> dict[str, int]:
        """How many items each part has."""
        return dict(self._summed(0))

    def _summed(self, which: int) -> Counter[str]:
        sums: Counter[str] = Counter()
        for cell, n in self.cells.items():
            sums[cell[which]] += n
        return sums


def import_files(
    paths: Sequence[str | Path],
    name: str,
    folders: Sequence[str] | None = None,
    size: int | None = None,
    mode: Mode = "auto",
    limits: Limits = LOCAL,
    classes: str = "auto",
    parts: Mapping[str, str] | None = None,
    what: What = "auto",
    cut: Cut = "auto",
    column: str = "",
    encoding: str = "auto",
    copies: Copies = "once",
) -> Generator[Progress]:
    """Make a dataset of the images or texts in zips, folders and files; closing the generator ends it and leaves nothing.

    Parts and classes are understood as layout.py tells, unless `classes` says what they are read off (none, names, a level of
    folders, a column of a table) and `parts` what folders are (train, validation, test, skip, no); `folders` are the classes to
    take. Which of the two it is, `what` says, or their names do.

    The middle square of each image is brought to `size`, by default the smallest side seen, between 8 and 64. Of what
    its camera noted nothing is kept but the day on which it was taken, in the column `date`; where there is none, the day of
    the file is, unless all files of the zip or folder were written within two days, as copies are.

    Of texts, `cut` says what a document is; few long ones are cut into passages, of which the last tenth of each text is the test
    part, lists into lines. Of tables, `column` holds the texts, a row each. Exact copies are kept `once`, or all of them, in one
    part. They are UTF-8 or what their first bytes tell, else `encoding`, or the one that charset-normalizer finds.

    Raises a GenlabError with a sentence where there are fewer than two items, or more than the limits allow.
    """
    check_free(name)
    _check_one_of("mode", mode, MODES)
    if size is not None and (type(size) is not int or not importer.SMALLEST <= size <= MOST_SIDE or size % 4):
        raise BadSetting(
            "size is {size!r}; it must be a multiple of 4 from {smallest} to {most_side}.",
            "size",
            size=size,
            smallest=importer.SMALLEST,
            most_side=MOST_SIDE,
        )
    _check_one_of("copies", copies, COPIES)
    _check_texts(what, cut, encoding)
    with _scratch() as scratch:
        wished = None if folders is None else list(folders)
        job = Job(_absolute(paths), str(scratch), limits, wished, size, mode, classes=classes, parts=parts or {})
        job = replace(job, what=what, cut=cut, column=column, encoding=encoding)
        with closing(_answers(job)) as answers:
            for answer in answers:
                if "doing" in answer:
                    progress = Progress(**answer)
                    yield progress
        yield Progress("save", 0, 1, progress.kept, len(answer["table"]) - progress.kept)
        save = _saved if "shape" in answer else partial(_saved_texts, copies=copies)
        imported = save(name, scratch, answer)
    yield Progress("save", 1, 1, progress.kept, len(imported.table) - progress.kept, imported)


import_images = partial(import_files, what="images")  # whatever else lies beside them


def _check_one_of(setting: str, given: object, possible: Sequence[str]) -> None:
    if given not in possible:
        raise BadSetting(
            "{setting} is {given!r}; it must be one of {possible}.", setting, setting=setting, given=given, possible=[*possible]
        )


def _check_texts(what: str, cut: str, encoding: str) -> None:
    """Raise BadSetting for what texts cannot be read by."""
    _check_one_of("what", what, WHAT)
    _check_one_of("cut", cut, CUTS)
    try:
        known = encoding == "auto" or codecs.lookup(encoding).name in documents.ENCODINGS
    except (LookupError, ValueError):
        known = False
    if not known:
        raise BadSetting(
            "encoding is {encoding!r}; it must be auto, or a name such as utf-8, windows-1252, windows-1251, shift_jis.",
            "encoding",
            encoding=encoding,
        )


def look_at(
    paths: Sequence[str | Path],
    limits: Limits = LOCAL,
    classes: str = "auto",
    parts: Mapping[str, str] | None = None,
    what: What = "auto",
    cut: Cut = "auto",
    column: str = "",
    encoding: str = "auto",
) -> Preview:
    """The layout of zips, folders and files, before anything of them is imported; raises BadData where nothing is of use."""
    _check_texts(what, cut, encoding)
    with _scratch() as scratch:
        job = Job(_absolute(paths), str(scratch), limits, classes=classes, parts=parts or {}, look=True)
        job = replace(job, what=what, cut=cut, column=column, encoding=encoding)
        with closing(_answers(job)) as answers:
            (found,) = answers
        pictures = {} if "what" in found else _pictures(scratch, found["pictures"])
    return Preview(
        found["files"],
        {(part, label): n for part, label, n in found["cells"]},
        pictures,
        tuple(map(tuple, found["levels"])),
        found["parts"],
        tuple(found["columns"]),
        found["classes"],
        tuple(found["told"]),
        found.get("what", "images"),
        {(part, label): some for part, label, some in found.get("excerpts", ())},
        found.get("cut", ""),
        found.get("text", ""),
        tuple(found.get("texts", ())),
        found["others"],
    )


def _pictures(scratch: Path, told: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str], np.ndarray]:
    pixels = np.fromfile(scratch / "pixels", np.uint8).reshape(-1, importer.SHOWN, importer.SHOWN, 3).transpose(0, 3, 1, 2)
    ends = np.cumsum([n for *_, n in told], dtype=int)
    shown = np.split(pixels, ends[:-1]) if len(ends) else []
    return {(part, label): some for (part, label, _), some in zip(told, shown, strict=True)}


def read_image(path: str | Path, side: int, grey: bool, limits: Limits = LOCAL) -> tuple[np.ndarray, str]:
    """The middle square of one image file, uint8 [C, side, side], and what else was done to it, in words.

    Raises BadData with a sentence for what is no image.
    """
    with _scratch() as scratch:
        mode = "grey" if grey else "colour"
        job = Job(_absolute([path]), str(scratch), limits, size=side, mode=mode, least=1, what="images")
        with closing(_answers(job)) as answers:
            *_, last = answers
        if (kept := last["shape"][0]) != 1:
            raise BadData("{name} holds {kept} images; give one image, not an archive.", name=Path(path).name, kept=kept)
        pixels = np.fromfile(scratch / "pixels", np.uint8).reshape(last["shape"][1:])
    return pixels.transpose(2, 0, 1).copy(), next(row["words"] for row in last["table"] if row["kept"])


def table_of(name: str) -> tuple[Verdict, ...]:
    """What became of each file when a dataset was imported; empty where it was not."""
    record_of(name)
    file = datasets_folder() / name / TABLE
    return _table(file, file.stat().st_mtime_ns) if file.exists() else ()


@lru_cache(maxsize=4)
def _table(file: Path, written: int) -> tuple[Verdict, ...]:
    return tuple(Verdict(*from_json(json.loads(line))) for line in file.read_text("utf-8").split("\n")[:-1])


def summary(table: Sequence[Verdict]) -> str:
    """How many files were kept, what was done to them, and why the others were not."""
    skipped = Counter(verdict.words for verdict in table if not verdict.kept)
    remarks = Counter(remark for verdict in table for remark in verdict.remarks)
    many = {"kept": len(table) - skipped.total(), "n": len(table)}
    said = [Message("{kept:,} of {n:,} file imported.", "{kept:,} of {n:,} files imported.", **many)]
    if remarks:
        said.append(Message("{remarks}.", remarks=_counted(remarks)))
    if skipped:
        said.append(Message("{n:,} skipped: {reasons}.", n=skipped.total(), reasons=_counted(skipped)))
    return joined(said)


def _counted(reasons: Counter[str]) -> str:
    """The most frequent reasons, each with its number."""
    told = [Message("{n:,} × {words}", n=n, words=words) for words, n in reasons.most_common(6)]
    return joined([*told, *["…"][: len(reasons) > 6]], "; ")


# --- From the process into the library ---


class _Pixels:
    """Some of the images that the process wrote, read only when they are asked for: uint8 [N, C, H, W]."""

    def __init__(self, file: Path, shape: Sequence[int], rows: np.ndarray) -> None:
        self.file, self.shape, self.rows = file, tuple(shape), rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Any) -> np.ndarray:
        whole = np.memmap(self.file, np.uint8, "r", shape=self.shape)  # anew each time, so that no page stays in memory
        return whole[self.rows[which]].transpose(0, 3, 1, 2)


def _saved(name: str, scratch: Path, answer: Mapping[str, Any]) -> Imported:
    """Keep the images as a dataset, and beside it the table of their files."""
    shape, table = answer["shape"], answer["table"]
    kept = [entry for entry in table if entry["kept"]]
    classes = sorted({entry["label"] for entry in kept} - {""})
    numbers = {label: k for k, label in enumerate(classes)} | {"": -1}
    columns = {"label": np.array([numbers[entry["label"]] for entry in kept]), "date": np.array([entry["day"] for entry in kept])}
    if not columns["date"].any():
        del columns["date"]
    parts = {}
    for part in ("train", "validation", "test"):
        rows = np.array([i for i, entry in enumerate(kept) if entry["part"] == part], int)
        if len(rows):
            parts[part] = Part(rows, {name: column[rows] for name, column in columns.items()})
    parts = with_held_out(parts, by_class=True)
    verdicts = _verdicts(table, {part: content.items for part, content in parts.items()})
    count, size, _, channels = shape
    save_dataset(
        name,
        {part: Part(_Pixels(scratch / "pixels", shape, content.items), content.columns) for part, content in parts.items()},
        classes,
        Message("{count:,} images of your own, {size}×{size}", count=count, size=size),
        record={"kept": count, "skipped": len(table) - count},
        beside={TABLE: _lines(verdicts)},
    )
    return Imported(name, (channels, size, size), verdicts)


class _Bytes:
    """The bytes that the process wrote, read only where they are asked for, as a row of an array."""

    dtype = np.dtype(np.uint8)

    def __init__(self, file: Path) -> None:
        self.file, self.shape = file.open("rb"), (file.stat().st_size,)

    def __getitem__(self, which: slice) -> np.ndarray:
        start, stop, _ = which.indices(self.shape[0])
        self.file.seek(start)
        return np.frombuffer(self.file.read(stop - start), np.uint8)


def _saved_texts(name: str, scratch: Path, answer: Mapping[str, Any], copies: Copies) -> Imported:
    """Keep the documents as a dataset, and beside it the table of their files."""
    records = np.fromfile(scratch / "documents", RECORD)
    classes = sorted({answer["classes"][number] for number in np.unique(records["label"])} - {""})
    numbers = {label: k for k, label in enumerate(classes)} | {"": -1}
    labels = np.array([numbers.get(label, -1) for label in answer["classes"]])[records["label"]]
    parts, dropped = _parted(records, labels, answer["has_parts"], copies)
    if len(np.unique(records["hash"])) < importer.LEAST_DOCUMENTS:
        least = importer.LEAST_DOCUMENTS
        raise BadData(
            "Almost all documents are the same, word for word; a dataset needs at least {least} that differ.", least=least
        )
    if "train" not in parts:
        raise BadData(importer.ALL_HELD_OUT)
    ends = records["end"]
    texts = Ragged(_Bytes(scratch / "texts"), np.concatenate([[0], ends[:-1]]), ends)  # type: ignore[arg-type]
    whole = Part(texts, {"label": labels})
    verdicts = _verdicts_of_texts(answer["table"], records, parts)
    about = [Message("{n:,} document of your own", "{n:,} documents of your own", n=sum(map(len, parts.values())))]
    if dropped:
        copies_of = "without {n:,} copy of others, word for word"
        about.append(Message(copies_of, "without {n:,} copies of others, word for word", n=dropped))
    data = save_dataset(
        name,
        {part: whole.take(rows) for part, rows in parts.items()},
        classes,
        listed(about),
        modality="text",
        record={"kept": len(records) - dropped, "skipped": sum(not verdict.kept for verdict in verdicts)},
        beside={TABLE: _lines(verdicts)},
    )
    return Imported(name, data.spec.shape, verdicts, listed(about))


def _parted(records: np.ndarray, labels: np.ndarray, has_parts: bool, copies: Copies) -> tuple[dict[str, np.ndarray], int]:
    """The rows of the documents of each part, and how many copies were left out; all copies of one lie in one part.

    Where files tell parts, a copy of what is held out is not trained on. Where they do not, the last tenth of each long text is
    the test part; other parts are cut from the training part by document, each class giving its share.
    """
    where = np.array([0, 0, 1, 2, 2 if not has_parts else 0])[records["part"]]  # as in PARTS
    _, first, same = np.unique(records["hash"], return_index=True, return_inverse=True)
    of_all = np.zeros(len(first), int)
    np.maximum.at(of_all, same, where)  # what is held out anywhere is held out
    told = {part: Part(np.flatnonzero(of_all == k), {"label": labels[first[of_all == k]]}) for k, part in enumerate(PARTS)}
    whole = {part: rows for part, rows in told.items() if len(rows.items)}
    for part, rows in (with_held_out(whole, by_class=True) if "train" in whole else whole).items():
        told[part] = rows
    lies = {part: np.isin(same, rows.items) for part, rows in told.items()}
    kept = np.ones(len(records), bool)
    if copies == "once":
        kept[:] = False
        kept[np.unique(np.stack([same, labels]), axis=1, return_index=True)[1]] = True
    parts = {part: np.flatnonzero(lies[part] & kept) for part in PARTS}
    return {part: rows for part, rows in parts.items() if len(rows)}, int((~kept).sum())


def _verdicts_of_texts(
    table: Sequence[Mapping[str, Any]], records: np.ndarray, parts: Mapping[str, np.ndarray]
) -> tuple[Verdict, ...]:
    """What became of each file; one that is a single document is known by its row."""
    places = [("", -1)] * len(table)
    found = np.zeros(len(table), int)
    for part, rows in parts.items():
        for row, file in enumerate(records["file"][rows].tolist()):
            found[file] += 1
            places[file] = (part, row)
    verdicts = []
    for entry, n, place in zip(table, found.tolist(), places, strict=True):
        copied = entry["kept"] and not n
        words = Message("all of it stands in others, too") if copied else entry["words"]
        kept = entry["kept"] and not copied
        verdicts.append(Verdict(entry["file"], kept, words, *(place if n == 1 else ("", -1)), items=n))
    return tuple(verdicts)


def _verdicts(table: Sequence[Mapping[str, Any]], rows: Mapping[str, np.ndarray]) -> tuple[Verdict, ...]:
    places = {int(i): (part, row) for part in rows for row, i in enumerate(rows[part])}
    kept = iter(range(len(table)))
    return tuple(Verdict(e["file"], e["kept"], e["words"], *(places[next(kept)] if e["kept"] else ("", -1))) for e in table)


def _lines(verdicts: Sequence[Verdict]) -> bytes:
    rows = ([v.file, v.kept, to_json(v.words), v.part, v.row, v.items] for v in verdicts)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


# --- The process ---


def _answers(job: Job) -> Generator[dict[str, Any]]:
    """What the process tells, line by line; it ends when this generator is closed, at the latest after its time."""
    process = _launch(job)
    began, timer = time.monotonic(), threading.Timer(job.limits.seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        answer = {}
        for line in process.stdout:  # type: ignore[union-attr]
            answer = from_json(json.loads(line))
            if "refused" not in answer:
                yield answer
        if "refused" in answer:
            raise BadData(answer["refused"])
        if process.wait() or not answer or "doing" in answer:
            raise BadData(_why(process.returncode, time.monotonic() - began > job.limits.seconds, job.limits))
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def _launch(job: Job) -> subprocess.Popen:
    process = subprocess.Popen(  # noqa: S603  our own file
        [sys.executable, "-P", importer.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL,
        start_new_session=True,
    )
    with process.stdin as line:  # type: ignore[union-attr]
        line.write(json.dumps(asdict(job)).encode() + b"\n")
    return process


def _why(code: int, late: bool, limits: Limits) -> str:
    if late:
        return Message(
            "The import took longer than {seconds:g} s (limit). Nothing was imported; try fewer or smaller images.",
            seconds=limits.seconds,
        )
    log.error("the importer ended with %s", code)
    return Message("The import was stopped by this computer, perhaps for want of memory. Nothing was imported; try fewer images.")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, beside the datasets; what processes that were killed left is swept away."""
    folder = datasets_folder()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep_drafts(folder)
        for left in folder.glob(f"{SCRATCH}*"):
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _absolute(paths: Sequence[str | Path]) -> list[str]:
    if not paths:
        raise UnknownName("Name a zip, a folder or images to import.")
    return [str(Path(path).absolute()) for path in paths]
