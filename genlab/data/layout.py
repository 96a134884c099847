"""Layout: what the names of files say of their parts and classes, by the rules below; what is not known is told, not guessed.

1. Only names of images have a say, or of texts where texts are wanted. READMEs, licences, tables, annotations and what systems
   leave behind have none.
2. A folder's name is a part only where its neighbours are: `train` and at least one held-out part lie in one folder, and
   more of its folders are parts than are not. Words of parts are those of Hugging Face's image folders, in any case of
   letters and with separators or numbers (`Training`, `seg_train`, `val2017`). Neighbours that are no parts are left out.
3. What the names of parts have beside these words is a class where it differs: `trainA`, `trainB`, `testA`.
4. The class is the last folder that is no part, does not hold everything, and is not merely called `images` or the like.
   Masks and annotations beside a folder `images` are left out.
5. Where folders tell no two classes, a table does that names the files (`labels.csv`, Hugging Face's `metadata.csv` and
   `.jsonl`). A column of it whose words are all parts tells the parts.
6. File names (`cat.0.jpg`) tell classes only where a person says so. So does any level of folders, any column, any part.

It knows of genlab only how messages are told, as the process that opens strangers' files loads it by its path.
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import takewhile

from genlab.messages import Message, Told, joined, listed

PARTS = ("train", "validation", "test")
WORDS = (
    dict.fromkeys(("train", "training", "trn"), "train")
    | dict.fromkeys(("validation", "validate", "valid", "val", "dev"), "validation")
    | dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout"), "test")
)
CONTAINERS = {"image", "images", "img", "imgs", "jpegimages", "pictures", "photos", "files", "jpg", "jpeg", "png", "data", "raw",
              "text", "texts", "txt", "documents", "corpus"}  # fmt: skip
MASKS = {"mask", "masks", "label", "labels", "annotation", "annotations", "annot", "gt", "groundtruth", "trimaps", "depth"} | {
    "segmentation", "segmentations", "segmentationclass", "segmentationobject"
}  # fmt: skip
SAY_NOTHING = CONTAINERS | {"set", "sets", "dataset", "datasets", "split", "folder", "dir"}  # beside the word of a part
SUFFIXES = {"png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "heic", "heif", "avif", "ppm", "pgm"}
WRITINGS = {
    "txt",
    "text",
    "md",
    "markdown",
    "rst",
    "tex",
    "org",
    "adoc",
    "log",
    "py",
    "js",
    "ts",
    "c",
    "h",
    "cpp",
    "java",
    "rs",
    "go",
    "sh",
}
NOTES = {"readme", "license", "licence", "copying", "notice"}  # tell of the files that they lie beside
TABLES = {"csv", "tsv", "jsonl"}
NOT_THEIRS = {"__MACOSX", "Thumbs.db", "desktop.ini"}
LABELS = ("label", "labels", "class", "classes", "classname", "classlabel", "category", "categoryname", "target", "species",
          "breed", "diagnosis", "dx", "type", "tag")  # fmt: skip
MOST_TABLES, MOST_ALIKE, MOST_NAMED, MOST_ASKED = 20, 100, 6, 8
AS_TOLD = ("auto", "none", "names")  # what `classes` may be beside a level or a column
MASK, BESIDE = Message("a mask or an annotation of others"), Message("beside the parts, and in none of them")
LEFT_OUT = "{files} left out, beside the parts and in none of them."
NO_CLASSES = "{table} tells no classes of these files."
NO_PART = ("skip", "no")  # what a folder may be beside a part: left out, or a folder as any other

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What a person says of a layout, over the rules."""

    classes: str = "auto"  # auto, none, names (of files, up to their numbers), a level of folders from 1, or a column of a table
    parts: Mapping[str, str] = field(default_factory=dict)  # folder → train, validation, test, skip, or no (part)


@dataclass(frozen=True)
class Place:
    """Where a file belongs: part and class, "" for none that is told; or why it is left out."""

    part: str = ""
    label: str = ""
    skip: str = ""


@dataclass(frozen=True)
class Layout:
    """What was understood of files."""

    places: tuple[Place, ...]  # one a file
    images: tuple[bool, ...]  # whether a file counts by its name
    levels: tuple[tuple[str, ...], ...]  # the folders' names level by level, of those that count
    parts: Mapping[str, str]  # folders that may be parts → the part that they are, "skip", or "no"
    columns: tuple[str, ...]  # of tables that may be classes
    classes: str  # what they were read off: none, names, folders, or a column
    told: tuple[str, ...]  # what a person should know


class Unclear(Told):
    """What a person said of a layout does not fit it; the sentence why."""


def understand(
    names: Sequence[str],
    tables: Mapping[str, str] | None = None,
    wish: Wish | None = None,
    counted: Sequence[bool] | None = None,
) -> Layout:
    """The layout of files by their names, and by the texts of those of them that are tables; `counted` have a say, or images.

    Raises Unclear where what a person says does not fit.
    """
    wish = wish or Wish()
    paths = [folders_of(name)[:-1] for name in names]
    images = _images(names) if counted is None else [*counted]
    tree = _Tree(Counter(path for path, image in zip(paths, images, strict=True) if image), wish)
    fates = {path: tree.fate(path) for path in {*paths}}
    places = [Place(fate.part, _clean(fate.label), fate.skip) for fate in map(fates.__getitem__, paths)]
    rows = [i for i, image in enumerate(images) if image and not places[i].skip]
    found = _Tables(names, rows, places, dict([*(tables or {}).items()][:MOST_TABLES]))
    for i, part in found.parts.items():
        places[i] = replace(places[i], part=places[i].part or part)
    classes, places = _with_classes(places, names, rows, found, wish)
    told = (*tree.told(), *found.told, *_doubts(names, places, rows, classes, found))
    return Layout(tuple(places), tuple(images), tree.levels, tree.asked(), tuple(found.columns), classes, told)


def labels_of(
    names: Sequence[str], places: Sequence[Place], table: str, text: str, column: str = ""
) -> tuple[dict[int, str], tuple[str, ...]]:
    """The classes that a table tells of files, by their numbers, and what a person should know; `column` is the class's own.

    Raises Unclear where it tells none.
    """
    found = _Tables(names, range(len(names)), places, {table: text})
    words = found.columns.get(column, {}) if column else found.best
    if not words:
        told = "{table} tells no classes of these files in a column {column!r}." if column else NO_CLASSES
        possible = Message("No column names them.")
        if found.columns:
            possible = Message("Columns that may be classes: {columns}.", columns=_listed([*found.columns]))
        raise Unclear(joined([Message(told, table=table, column=column), possible]))
    return {i: _clean(word) for i, word in words.items()}, tuple(found.told)


def is_hidden(name: str) -> bool:
    """Whether a file is the operating system's own."""
    return any(part.startswith(".") or part in NOT_THEIRS for part in folders_of(name) if part != "..")


def is_odd(name: str) -> bool:
    """Whether a name says nothing of folders: it is the system's own, or leads astray."""
    return is_hidden(name) or bool({"..", "/"} & set(folders_of(name))) or bool(re.match(r"[A-Za-z]:", name))


def is_table(name: str) -> bool:
    """Whether a file may tell the classes of others."""
    suffix, stem = _suffix(name), folders_of(name)[-1].lower()
    return not is_odd(name) and (suffix in TABLES or (suffix == "txt" and ("annotation" in stem or "label" in stem)))


def folders_of(name: str) -> Folders:
    """A name's folders and its last part, with either kind of slash, and letters composed as in one kind of Unicode."""
    plain = (name if name.isascii() else unicodedata.normalize("NFC", name)).replace("\\", "/")
    return (*(["/"] if plain[:1] == "/" else []), *(part for part in plain.split("/") if part not in ("", "."))) or ("",)


def part_of(folder: str) -> tuple[str, str] | None:
    """The part that a folder's name tells, and what it says beside it; None where it tells none."""
    plain = re.sub(r"(?i)(hold|held)[\W_]*out", "holdout", folder)
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+", plain)]
    words = [re.sub(r"(?<=.)(set|images|imgs|data)$", "", word) if word not in SAY_NOTHING else word for word in words]
    parts = {WORDS[word] for word in words if word in WORDS}
    if len(parts) != 1:
        return None
    return parts.pop(), " ".join(word for word in words if word not in WORDS and word not in SAY_NOTHING)


def part_alone(word: str) -> str:
    """The part that a word tells where it tells nothing beside; "" for none."""
    told = part_of(word)
    return told[0] if told and not told[1] else ""


def _images(names: Sequence[str]) -> list[bool]:
    """Which names are those of images; where none is, those without a suffix, then all."""
    clean = [not is_odd(name) for name in names]
    suffixes = [_suffix(name) for name in names]
    for allowed in (SUFFIXES, {""}):
        if any(images := [ok and suffix in allowed for ok, suffix in zip(clean, suffixes, strict=True)]):
            return images
    return clean


def is_image(name: str) -> bool:
    """Whether a name is that of an image."""
    return not is_odd(name) and _suffix(name) in SUFFIXES


def is_writing(name: str) -> bool:
    """Whether a name is that of a text."""
    return not is_odd(name) and _suffix(name) in WRITINGS


def is_note(name: str) -> bool:
    """Whether a file tells of those that it lies beside."""
    return folders_of(name)[-1].partition(".")[0].lower() in NOTES


def tell_parts(stems: Sequence[str]) -> bool:
    """Whether names of files are parts: wiki.train, wiki.test."""
    return _is_split([part_of(stem) for stem in stems])


def _suffix(name: str) -> str:
    last = folders_of(name)[-1]
    return last.rpartition(".")[2].lower() if "." in last else ""


# --- Folders ---


@dataclass(frozen=True)
class _Fate:
    """What the folders of a file say."""

    part: str = ""
    label: str = ""
    skip: str = ""
    above: Folders = ()  # folders over the class, which say nothing


class _Tree:
    """The folders that hold images, and which of them are parts."""

    def __init__(self, counts: Mapping[Folders, int], wish: Wish) -> None:
        self.counts, self.wish = counts, wish  # images by the folders that they lie in
        self.depth = max(map(len, counts), default=0)
        self.levels = tuple(tuple(sorted({path[d] for path in counts if len(path) > d})) for d in range(self.depth))
        self.holding_all = _shared_top(counts)  # folders from the top that hold everything
        self.children: dict[Folders, set[str]] = defaultdict(set)
        for path in counts:
            for depth, name in enumerate(path):
                self.children[path[:depth]].add(name)
        self.verdicts: dict[Folders, tuple[str, str]] = {}  # a folder → its part, "silent", "no" or "skip"; what it says beside
        self.split = False
        for depth in range(self.depth):
            self._judge([path for path in self.children if len(path) == depth])
        self._heed()
        self.rests = {rest for part, rest in self.verdicts.values() if part in PARTS}

    def fate(self, path: Folders) -> _Fate:
        """Part, class, or the reason why a file in such folders is left out."""
        nodes = [path[: depth + 1] for depth in range(len(path))]
        told = [self.verdicts[node] for node in nodes if node in self.verdicts]
        parts = [part for part, _ in told if part in PARTS]
        if any(self._is_mask(node) for node in nodes):
            return _Fate(skip=MASK)
        if "skip" in dict(told):
            return _Fate(skip=Message("left out, as was wished"))
        if self.split and not parts and "no" not in dict(told):
            return _Fate(skip=BESIDE)
        part = next((part for part in parts if part != "train"), parts[0] if parts else "")  # never train on what is held out
        if self.wish.classes.isdigit():
            level = int(self.wish.classes)
            return _Fate(part, path[level - 1] if len(path) >= level else "")
        speaking = [node for node in nodes[self.holding_all :] if self._may_be_class(node)]
        if not speaking:
            return _Fate(part, next((rest for _, rest in told[::-1] if rest), "") if len(self.rests) > 1 else "")
        parts_at = [len(node) for node in nodes if self.verdicts.get(node, ("", ""))[0] in PARTS]
        top = max((n for n in parts_at if n < len(speaking[-1])), default=0)
        return _Fate(part, speaking[-1][-1], above=tuple(node[-1] for node in speaking[:-1] if len(node) > top))

    def asked(self) -> dict[str, str]:
        """Folders that may be parts, and what each was taken for: neighbours of parts, or else those of which there are few."""
        few = [name for level in self.levels if 2 <= len(level) <= MOST_ASKED for name in level if not _is_in(name, CONTAINERS)]
        beside = [name for parent in self._holding_parts() for name in sorted(self.children[parent])]
        taken = {node[-1]: "no" if part == "silent" else part for node, (part, _) in self.verdicts.items()}
        return dict.fromkeys(beside, "skip") | taken if self.split else dict.fromkeys(few, "no") | taken

    def _holding_parts(self) -> set[Folders]:
        return {node[:-1] for node, (part, _) in self.verdicts.items() if part in PARTS}

    def told(self) -> Iterator[str]:
        """What a person should know of these folders."""
        fates = {path: self.fate(path) for path in self.counts}
        if left := [path for path, fate in fates.items() if fate.skip == BESIDE]:
            n = sum(self.counts[path] for path in left)
            parents = self._holding_parts()
            ends = {path: next((d for d in range(len(path)) if path[:d] in parents), len(path)) + 1 for path in left}
            where = _listed(sorted({"/".join(path[: ends[path]]) for path in left} - {""}))
            sentence = "{files} left out, beside the parts and in none of them: {where}." if where else LEFT_OUT
            yield Message(sentence, files=_files_are(n), where=where)
        if masks := sum(self.counts[path] for path, fate in fates.items() if fate.skip == MASK):
            yield Message("{files} left out as masks or annotations of others.", files=_files_are(masks))
        if silent := sorted({node[-1] for node, (part, _) in self.verdicts.items() if part == "silent"}):
            yield Message(
                "No part to train on lies beside {silent}: all is trained on, and parts are cut from it.", silent=_listed(silent)
            )
        if not self.split and (alone := [level[0] for level in self.levels[: self.holding_all] if part_of(level[0])]):
            yield Message("{alone} holds everything, so it is no part: parts are cut from it.", alone=_listed(alone))
        if above := sorted({name for fate in fates.values() if not fate.skip for name in fate.above}):
            yield Message(
                "The folders {above} over the classes are no parts that are known; nothing is read off them.",
                above=_listed(above),
            )
        classes = {fate.label for fate in fates.values()}
        if taken := sorted(name for name in classes if (told := part_of(name)) and not told[1]):
            yield Message("{taken} is taken for a class, as its neighbours are no parts.", taken=_listed(taken))
        if mixed := sorted({"/".join(path) for path in self.counts if path and self.children.get(path) and fates[path].label}):
            yield Message(
                "{mixed} holds files and folders of files: each goes by the folder that it lies in.", mixed=_listed(mixed)
            )

    def _judge(self, parents: list[Folders]) -> None:
        """Find the parts among the folders of one depth: in each parent, or over all parents that hold nothing else."""
        told = {(*parent, name): self._word(name) for parent in parents for name in self.children[parent]}
        pure = [p for p in parents if all((word := told[(*p, name)]) for name in self.children[p])]
        splits = [p for p in parents if _is_split([told[(*p, name)] for name in self.children[p]])]
        if splits or _is_split([told[(*p, name)] for p in pure for name in self.children[p]]):
            self.split = True
            for parent in {*splits, *pure}:
                self.verdicts |= {(*parent, name): word for name in self.children[parent] if (word := told[(*parent, name)])}
        elif len(pure) == len(parents) and not any(word[1] for word in told.values() if word):
            self.verdicts |= {node: ("silent", "") for node in told if len(node) > self.holding_all}

    def _heed(self) -> None:
        """Let what a person says of parts stand over what was found."""
        nodes = [(*parent, name) for parent in self.children for name in self.children[parent]]
        for folder, part in self.wish.parts.items():
            if part not in (*PARTS, *NO_PART):
                raise Unclear(
                    "{folder!r} cannot be {part!r}. Possible: {possible}.", folder=folder, part=part, possible=[*PARTS, *NO_PART]
                )
            meant = [node for node in nodes if folder in (node[-1], "/".join(node))]
            if not meant:
                raise Unclear(
                    "There is no folder called {folder!r}. Possible: {possible}.",
                    folder=folder,
                    possible=_listed(sorted({n[-1] for n in nodes})),
                )
            self.verdicts |= dict.fromkeys(meant, (part, ""))
        if self.wish.classes.isdigit() and not 1 <= int(self.wish.classes) <= self.depth:
            raise Unclear(
                "There is no level {level} of folders; these lie {depth} deep.", level=self.wish.classes, depth=self.depth
            )

    def _word(self, name: str) -> tuple[str, str] | None:
        return None if name in self.wish.parts else part_of(name)

    def _may_be_class(self, node: Folders) -> bool:
        if self.verdicts.get(node, ("no", ""))[0] != "no":
            return False
        neighbours = self.children.get(node[:-1], set())
        return not (_is_in(node[-1], CONTAINERS) and all(_is_in(name, CONTAINERS | MASKS) for name in neighbours))

    def _is_mask(self, node: Folders) -> bool:
        neighbours = self.children.get(node[:-1], set())
        return _is_in(node[-1], MASKS) and any(_is_in(name, CONTAINERS) for name in neighbours)


def _is_split(words: Sequence[tuple[str, str] | None]) -> bool:
    """Whether neighbours are parts: train and a held-out one, which say the same beside, and more of them than of others."""
    rests: dict[str, set[str]] = defaultdict(set)
    for word in words:
        if word:
            rests[word[0]].add(word[1])
    known = sum(word is not None for word in words)
    return len(rests) > 1 and "train" in rests and known > len(words) - known and all(r <= rests["train"] for r in rests.values())


def _shared_top(paths: Collection[Folders]) -> int:
    """How many folders from the top all paths share."""
    both = zip(min(paths, default=()), max(paths, default=()), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], both))


def _is_in(name: str, words: set[str]) -> bool:
    return re.sub(r"[\W_]+|\d+$", "", name.lower()).rstrip("0123456789") in words


# --- Tables beside images ---


class _Tables:
    """What tables say of the images that they name."""

    def __init__(self, names: Sequence[str], rows: Sequence[int], places: Sequence[Place], tables: Mapping[str, str]) -> None:
        self.paths, self.places = {i: folders_of(names[i]) for i in rows}, places
        self.by_end: dict[Folders, list[int]] = defaultdict(list)  # the ends of paths, with and without suffix
        for i, path in self.paths.items() if tables else ():
            for end in {path, (*path[:-1], path[-1].rpartition(".")[0])}:
                for start in range(len(end)):
                    self.by_end[end[start:]].append(i)
        self.columns: dict[str, dict[int, str]] = defaultdict(dict)  # name → its words, by the image
        self.best: dict[int, str] = {}  # classes by the image
        self.parts: dict[int, str] = {}
        self.told: list[str] = []
        for table, text in tables.items():
            self._read(table, text)

    def _read(self, table: str, text: str) -> None:
        rows = _rows(table, text)
        stem = folders_of(table)[-1]
        columns = list(dict.fromkeys(key for row in rows[:100] for key in row))
        hits = {column: sum(self._image(row.get(column, ""), table) is not None for row in rows[:200]) for column in columns}
        if not any(hits.values()):
            return
        file = max(columns, key=lambda column: hits[column])
        of = [(i, row) for row in rows if (i := self._image(row.get(file, ""), table)) is not None]
        if len(of) < len(rows):
            gone = len(rows) - len(of)
            self.told.append(
                Message(
                    "{table} names {n:,} file that cannot be found here, or not told apart.",
                    "{table} names {n:,} files that cannot be found here, or not told apart.",
                    table=stem,
                    n=gone,
                )
            )
        usable = []
        for column in columns:
            words = {i: row[column] for i, row in of if row.get(column)}
            values = Counter(words.values())
            if column == file or not words:
                continue
            parts = {value: word[0] for value in values if (word := part_of(value)) and not word[1]}
            if len(parts) == len(values):
                self.parts |= {i: parts[value] for i, value in words.items()}
            elif len(values) <= len(words) / 2 or _key(column) in LABELS:
                usable.append(column)
                self.columns[column] |= words
        best = min(usable, key=lambda c: LABELS.index(_key(c)) if _key(c) in LABELS else len(LABELS), default="")
        if best and (_key(best) in LABELS or len(columns) == 2):
            self.best |= self.columns[best]
        elif usable:
            self.told.append(
                Message(
                    "{table} names the files; which of its columns is the class is not known: {columns}.",
                    table=stem,
                    columns=_listed(usable),
                )
            )

    def _image(self, value: str, table: str) -> int | None:
        """The image that a cell names: the one whose path ends most like it, or that lies nearest to the table."""
        path = folders_of(value)
        hits = next((hits for start in range(len(path)) if (hits := self.by_end.get(path[start:]))), [])
        if 1 < len(hits) <= MOST_ALIKE:
            part, beside = (part_of(folders_of(table)[-1].rpartition(".")[0]) or ("",))[0], folders_of(table)[:-1]
            marks = {i: (self.paths[i][: len(beside)] == beside, self.places[i].part == part) for i in hits}
            hits = [i for i in hits if marks[i] == max(marks.values())]
        return hits[0] if len(hits) == 1 else None


def _rows(table: str, text: str) -> list[dict[str, str]]:
    """The rows of a table by the names of its columns; none where it is no table."""
    with suppress(ValueError, csv.Error, AttributeError, RecursionError):  # lines that are no objects, or nested without end
        if _suffix(table) == "jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return [{key: str(v).strip() for key, v in row.items() if isinstance(v, str | int | float)} for row in rows]
        first = text.split("\n", 1)[0]
        lines = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count)))
        if lines and _suffix(lines[0][0] if lines[0] else "") in SUFFIXES | WRITINGS:  # it has no head
            lines.insert(0, ["file", "label", *(f"column {n}" for n in range(3, len(lines[0]) + 1))])
        return [{k.strip(): v.strip() for k, v in zip(lines[0], line, strict=False)} for line in lines[1:] if line]
    return []


def _key(column: str) -> str:
    return re.sub(r"[\W_]+", "", column.lower())


# --- Which classes it is ---


def _with_classes(
    places: list[Place], names: Sequence[str], rows: list[int], found: _Tables, wish: Wish
) -> tuple[str, list[Place]]:
    """What the classes are read off, and the places with them."""
    prefixes = {i: _prefix(names[i]) for i in rows}
    words: Mapping[int, str] = {i: places[i].label for i in rows}
    if wish.classes == "none":
        source, words = "none", {}
    elif wish.classes == "names":
        source, words = "names", prefixes
    elif wish.classes in found.columns:
        source, words = wish.classes, found.columns[wish.classes]
    elif wish.classes != "auto" and not wish.classes.isdigit():
        possible = [*AS_TOLD, Message("a level of folders from 1"), *found.columns]
        raise Unclear("Classes cannot be read off {classes!r}. Possible: {possible}.", classes=wish.classes, possible=possible)
    elif wish.classes == "auto" and found.best and len({*words.values()} - {""}) < 2:
        source, words = "table", found.best
    elif wish.classes == "auto":  # a table tells where folders are silent
        source, words = "folders", {i: word or found.best.get(i, "") for i, word in words.items()}
    else:
        source = wish.classes
    labels = {i: _clean(word) for i, word in words.items()}
    if not any(labels.values()):
        source = "none"
    return source, [replace(place, label=labels.get(i, "") if i in prefixes else place.label) for i, place in enumerate(places)]


def _prefix(name: str) -> str:
    """What a file's name begins with, before its number: cat of cat.0.jpg."""
    stem = folders_of(name)[-1].rpartition(".")[0]
    found = re.fullmatch(r"(.*?[^\W\d_].*?)[\W_]*\(?\d+\)?", stem)
    return found[1] if found else ""


def _clean(word: str) -> str:
    return unicodedata.normalize("NFC", word.strip())


def _doubts(names: Sequence[str], places: Sequence[Place], rows: list[int], source: str, found: _Tables) -> Iterator[str]:
    """What a person should know of the classes."""
    labels = {places[i].label for i in rows} - {""}
    bare = Counter(places[i].part or "train" for i in rows if not places[i].label)
    if labels and bare:
        where = [Message(_TO_DO[part], n=n) for part, n in bare.items()]
        yield Message("{files} no class ({where}).", files=_files_have(bare.total()), where=where)
    if not labels and (begin := _beginnings(names, rows)):
        yield Message("There are no classes; names begin with {begin}, off which classes can be read.", begin=_listed(begin))
    if source == "folders" and found.best and (other := set(found.best.values()) - labels):
        yield Message("A table tells other classes than the folders do, which are taken: {other}.", other=_listed(sorted(other)))
    alike: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        alike[label.casefold()].append(label)
    for same in alike.values():
        if len(same) > 1:
            yield Message("{same} differ in the case of letters alone and are {n} classes.", same=_listed(same), n=len(same))
    taught = {places[i].label for i in rows if places[i].part in ("", "train")}
    if taught and (unseen := sorted(labels - taught)):
        yield Message("Nothing of {unseen} is there to train on.", unseen=_listed(unseen))


_TO_DO = {
    "train": "{n:,} to train on",
    "validation": "{n:,} to watch by",
    "test": "{n:,} to test on",
}


def _beginnings(names: Sequence[str], rows: list[int]) -> list[str]:
    """What almost all names begin with, where it may well be classes."""
    counts = Counter(_prefix(names[i]) for i in rows)
    few = 2 <= len(counts) <= 200 and counts[""] <= len(rows) / 20
    return sorted(set(counts) - {""}) if few and min(counts.values()) > 1 else []


def _listed(names: Sequence[str]) -> str:
    more = [Message("and {n:,} more", n=len(names) - MOST_NAMED)] if len(names) > MOST_NAMED else []
    return listed([*names[:MOST_NAMED], *more])


def _files_are(n: int) -> str:
    return Message("{n:,} file is", "{n:,} files are", n=n)


def _files_have(n: int) -> str:
    return Message("{n:,} file has", "{n:,} files have", n=n)
