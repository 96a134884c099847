"""Labelling: classes given by hand or by a table, as steps of a recipe; new names make new classes.

It touches the training part alone, as damage and repair do. Data that came without any classes are labelled in all three parts:
nothing else tells what their held-out images show, by which a model that is asked for a class is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genlab.data.importer import MOST_CLASSES
from genlab.data.importing import table_of
from genlab.data.layout import PARTS, Place, Unclear, labels_of
from genlab.data.library import load, recipe_of
from genlab.data.recipe import PLUS, Recipe
from genlab.data.sources import SOURCES
from genlab.data.spec import names_folder
from genlab.errors import BadData, UnknownName
from genlab.messages import Message
from genlab.registry import unknown

LONGEST = 60  # letters of a class
Given = Mapping[str, Mapping[int, str]]  # part → id → class, "" for unknown


@dataclass(frozen=True)
class Table:
    """What a table says of the items of a dataset."""

    given: Given
    told: tuple[str, ...]  # what a person should know


def label(name: str, given: Given) -> Recipe:
    """The recipe of a dataset whose items have these classes: `label("pets", {"train": {0: "cat", 7: "dog"}})`.

    Items are told by part and id; a name that is no class yet becomes one, "" takes a class away. Raises a GenlabError with a
    sentence for items that are not there, and for names that cannot be a class.
    """
    data, recipe = load(name), recipe_of(name)
    words = {part: {item: word and check_class(word) for item, word in of.items()} for part, of in given.items() if of}
    names = list(dict.fromkeys(["", *data.spec.classes, *(word for of in words.values() for word in of.values())]))
    if not words:
        raise BadData("No class was given. Choose items and give them one.")
    if len(names) > MOST_CLASSES + 1:
        raise BadData(
            "There would be {n:,} classes; a dataset can have {most:,} at most.",
            n=len(names) - 1,
            most=MOST_CLASSES,
        )
    turn = {word: k for k, word in enumerate(names)}
    for part, of in words.items():
        if part not in PARTS:
            raise UnknownName(unknown("part", part, PARTS))
        if strange := of.keys() - set(data.parts[part].id.tolist()):
            raise UnknownName("There is no item {item} in the {part} part of {name}.", item=min(strange), part=part, name=name)
        pairs = sorted((turn[word], item) for item, word in of.items())  # so that new classes stay in their order
        step = {"ids": [item for _, item in pairs], "classes": [names[k] for k, _ in pairs]}
        recipe = recipe.then("relabel", step if part == "train" else {**step, "part": part})
    return recipe


def labelled_parts(name: str) -> tuple[str, ...]:
    """The parts of a dataset whose items can be given a class: all where its source has none, else the training part."""
    return PARTS[:1] if load(name.partition(PLUS)[0]).spec.classes else PARTS


def check_class(word: str) -> str:
    """The name of a class without blanks around it; raises BadData for what cannot be one."""
    if not names_folder(word.strip()) or len(word) > LONGEST or not word.isprintable():
        raise BadData(
            "A class cannot be called {word!r}: give it up to {longest} letters, no / or \\ and no dot in front.",
            word=word,
            longest=LONGEST,
        )
    return word.strip()


def read_labels(name: str, file: Path, column: str = "") -> Table:
    """What a table says of a dataset's items: a column names files as they were imported, a column their classes.

    Of what was not imported, the training part's ids are named, or files as in an export. Raises BadData for a table that cannot
    be read, or that tells no classes.
    """
    source, parts = name.partition(PLUS)[0], labelled_parts(name)
    verdicts = [] if source in SOURCES else [verdict for verdict in table_of(source) if verdict.row >= 0]
    items = {verdict.file: (verdict.part, verdict.row) for verdict in verdicts} or _as_exported(name)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise BadData("{file} cannot be read as a table: it must be a .csv, .tsv or .jsonl file in UTF-8.", file=file) from None
    try:
        words, told = labels_of(list(items), [Place(part) for part, _ in items.values()], file.name, text, column)
    except Unclear as unclear:
        raise BadData(unclear.message) from None
    given: dict[str, dict[int, str]] = {part: {} for part in PARTS}
    there = {part: set(content.id.tolist()) for part, content in load(name).parts.items()}
    for number, (part, item) in enumerate(items.values()):
        if number in words and item in there[part]:  # a step before may have dropped it
            given[part][item] = words[number]
    if held_out := sum(len(given.pop(part)) for part in PARTS if part not in parts):
        told = (
            *told,
            Message("{n:,} of its files are held out and keep the classes that they came with.", n=held_out),
        )
    return Table(given, told)


def _as_exported(name: str) -> dict[str, tuple[str, int]]:
    """Items by the names of their files in an export, and those to train on by their ids, too."""
    named: dict[str, tuple[str, int]] = {}
    for part, content in load(name).parts.items():
        folders = [*(f"{part}/{label}" for label in content.spec.classes), part]  # label -1 finds the last
        for item, k in zip(content.id.tolist(), content.label.tolist(), strict=True):
            named[f"{folders[k]}/{item:06d}{content.spec.kind.suffix}"] = (part, item)
            if part == "train":
                named[f"{item}"] = (part, item)
    return named
