"""Catalogues of translations, made and kept by Babel from what the code says.

python -m tools.words              brings every genlab/languages/XX.po up to date with what is said now; tells what does not fit
python -m tools.words de pt-BR     begins genlab/languages/de.po and pt-BR.po
python -m tools.words --pseudo F   writes F/xx.po, whose texts are longer and not English: what can still be read was missed
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from genlab.messages import FIELD, FOLDER, SAMPLES, counted

PACKAGE = Path(__file__).parents[1] / "genlab"
PAGE = PACKAGE / "ui" / "languages" / "en.json"  # its texts by their keys
FIRST, SECOND = ("Message", "Registry", "unknown"), ("check_name", "first")  # functions whose first, or second, word is a text
BY_NAME = ("description", "help")  # and what is a text wherever it is given by name
PSEUDO = "xx"
ACCENTS = str.maketrans("aceghijlnorstuyzACDEGHIJLNORSTUYZ", "åçéĝĥîĵľñöŕšťûýžÅÇĎÉĜĤÎĴĽÑÖŘŠŤÛÝŽ")
KEPT = re.compile(rf"{FIELD.pattern}|\{{\w+\?|[|}}]|%(?:\(\w+\))?[sr]|\n")
NAMES = re.compile(r"\{(\w+)(?:\?|[^{}]*\})")  # a place for a value, or for words that it chooses
Text = str | tuple[str, str]


def catalogue() -> Catalog:
    """All that the code says, in the order of its files."""
    found = Catalog(project="genlab", charset="utf-8", fuzzy=False)
    for file in files():
        for line, text in sorted(said_in(file), key=lambda place: place[0]):
            found.add(text, locations=[(str(file.relative_to(PACKAGE.parent)), line)])
    for key, text in json.loads(PAGE.read_text("utf-8")).items():
        found.add(text, auto_comments=[key], locations=[(str(PAGE.relative_to(PACKAGE.parent)), 1)])
    return found


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def errors() -> frozenset[str]:
    """The names of all exceptions that are told to people."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for file in files()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Told"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return frozenset(found)


def said_in(file: Path) -> Iterator[tuple[int, Text]]:
    """What a file says, each text with its line."""
    nodes = list(ast.walk(tree(file)))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    plurals = {}
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from ((line, text) for part in texts_of(node, plurals) for line, text in constants(part))
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_verb"):
            yield node.lineno, ast.get_docstring(node) or ""
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in inside | docstrings and is_template(node.value):
            if node.value in plurals:
                yield node.lineno, (node.value, plurals[node.value])
            elif node.value not in plurals.values():
                yield node.lineno, (node.value, node.value) if counted(node.value) else node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_setting(node.value):
            yield node.lineno, node.target.id.replace("_", " ")
        elif isinstance(node, ast.ClassDef) and file.parent.name == "models" and (told := ast.get_docstring(node)):
            yield node.lineno, told.splitlines()[0]  # of a family, which the page shows


def texts_of(call: ast.Call, plurals: dict[str, str]) -> Iterator[ast.expr]:
    """The arguments of a call that are texts."""
    name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in FIRST or name in errors():
        yield from call.args[:1]
    if name in SECOND:
        yield from call.args[1:2]
    if name == "Message" and len(call.args) == 2 and all(isinstance(part, ast.Constant) for part in call.args):
        one, many = (part.value for part in call.args if isinstance(part, ast.Constant))
        plurals[str(one)] = str(many)
    yield from (keyword.value for keyword in call.keywords if keyword.arg in BY_NAME)


def constants(node: ast.expr) -> Iterator[tuple[int, str]]:
    """The texts that an argument may be; those with values in them are found as what they are."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.BoolOp):
        yield from (found for value in node.values for found in constants(value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value and not FIELD.search(node.value):
        yield node.lineno, node.value


def is_template(value: object) -> bool:
    """Whether a text has places for values, and words around them."""
    return isinstance(value, str) and bool(FIELD.search(value)) and bool(re.search(r"[^\W\d_]", KEPT.sub("", value)))


def is_setting(value: ast.expr | None) -> bool:
    """Whether a field of a class is a setting with a description."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("Field", "_steps")


def pseudo(text: str) -> str:
    """A text as it might be in a language that nobody speaks, half as long again."""
    if text in SAMPLES:
        return {"1,234.5": "1’234·5", ", ": "; "}[text]
    lead, trail = re.match(r"\s*", text)[0], re.search(r"\s*$", text)[0]  # type: ignore[index]
    core, at, parts = text.strip(), 0, []
    for kept in KEPT.finditer(core):
        parts += [core[at : kept.start()].translate(ACCENTS), kept[0]]
        at = kept.end()
    parts.append(core[at:].translate(ACCENTS))
    more = re.sub("·{6}(?=·)", "······ ", "·" * (len(core) // 2))  # as words, which lines can end after
    return f"{lead}[{''.join(parts)}{more}]{trail}"


def write_pseudo(folder: Path) -> Path:
    """The catalogue of the pseudo-language."""
    found = catalogue()
    for message in found:
        if message.id:
            several = isinstance(message.id, tuple)
            message.string = tuple(map(pseudo, message.id)) if several else pseudo(message.id)
    return write(found, folder / f"{PSEUDO}.po")


def write(found: Catalog, file: Path) -> Path:
    with file.open("wb") as stream:
        write_po(stream, found, width=120, include_lineno=False, sort_output=False)
    return file


def unfit(message: Message) -> list[str]:
    """The translations of an entry that have places for values which its English lacks, and would be read as {name}."""
    said, texts = ((given,) if isinstance(given, str) else given or () for given in (message.id, message.string))
    values = {field[1] for text in said for field in NAMES.finditer(text)}
    return [text for text in texts if any(field[1] not in values or not KEPT.match(field[0]) for field in NAMES.finditer(text))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", nargs="*", help="tags of languages that begin")
    parser.add_argument("--pseudo", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    if given.pseudo:
        sys.exit(print(write_pseudo(given.pseudo)))
    now = catalogue()
    FOLDER.mkdir(exist_ok=True)
    begun = {FOLDER / f"{tag.replace('_', '-')}.po" for tag in given.language}  # as browsers write tags, and `choose` looks for
    for file in sorted({*FOLDER.glob("*.po"), *begun}):
        with file.open("rb") if file.exists() else open(write(Catalog(file.stem.replace("-", "_")), file), "rb") as stream:
            known = read_po(stream, locale=file.stem.replace("-", "_"))
        known.update(now, no_fuzzy_matching=False)
        left = sum(message.fuzzy or not all(message.string or [""]) for message in known if message.id)
        print(f"{write(known, file)}: {len(known)} texts, {left} to be translated")
        for message in known:
            for text in unfit(message):
                print(f"  {text!r} has a place for a value that its English lacks")


if __name__ == "__main__":
    main()
