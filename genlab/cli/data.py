"""The verbs about data: import, inspect, damage, repair, merge, label, export."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

import genlab  # what is slow to load is named through it, and loaded where it is used
from genlab.cli.words import Parser, first, number, parse, parser_of, wants_help
from genlab.data.layout import PARTS
from genlab.data.recipe import Recipe, write_recipe
from genlab.errors import BadSetting
from genlab.files import write_bytes
from genlab.messages import Message
from genlab.quality import DEFECTS
from genlab.quality.settings import Damage

DOING = {
    "look": Message("look"),
    "bring": Message("bring"),
    "read": Message("read"),
    "save": Message("save"),
}  # what an import does
CUTS = {
    "files": Message("files"),
    "passages": Message("passages"),
    "paragraphs": Message("paragraphs"),
    "lines": Message("lines"),
}  # what a document of texts may be

if TYPE_CHECKING:
    from genlab.data import Splits
    from genlab.data.importing import Imported, Preview
    from genlab.quality import Finding


def import_verb(words: list[str]) -> None:
    """import PATH… --name N [--dry-run]: make a dataset of the images or texts in zips, folders and files, or of an export."""
    parser = parser_of("import", import_verb)
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a zip, a folder, an image, a text, a table; folders are classes"
    )
    parser.add_argument("--name", help="name of the dataset")
    parser.add_argument("--dry-run", action="store_true", help="tell what is understood of the folders, and import nothing")
    parser.add_argument(
        "--classes", default="auto", help="what they are read off: none, names, a level of folders, a column of a table"
    )
    parser.add_argument(
        "--part", action="append", default=[], metavar="FOLDER=PART", help="train, validation, test, skip, or no (part)"
    )
    parser.add_argument("--folders", help="classes to take, as cat,dog (default: all)")
    parser.add_argument("--as", dest="what", default="auto", help="images, texts, or auto: by the names of files (default auto)")
    parser.add_argument("--size", type=number, help="pixels a side (default: the smallest side seen, at most 64, as models do)")
    parser.add_argument("--mode", default="auto", help="grey, colour, or auto: grey where all images are (default auto)")
    parser.add_argument("--cut", default="auto", help="what is a document of texts: files, passages, paragraphs, lines, or auto")
    parser.add_argument("--column", default="", help="of a .csv, .tsv or .jsonl: the one that holds the texts, a row each")
    parser.add_argument("--encoding", default="auto", help="of texts (default: UTF-8, or what their bytes tell)")
    parser.add_argument("--copies", default="once", help="texts that are the same word for word: once, or all (default once)")
    given, _ = parse(parser, words)
    parts = dict(_pair(word) for word in given.part)
    texts = {"what": given.what, "cut": given.cut, "column": given.column, "encoding": given.encoding}
    if given.dry_run:
        _tell_layout(genlab.data.importing.look_at(given.paths, classes=given.classes, parts=parts, **texts))
        return
    if not given.name:
        raise BadSetting("Name the dataset with --name, or look at the layout alone with --dry-run.")
    exporting = genlab.data.exporting
    if len(given.paths) == 1 and exporting.holds(Path(given.paths[0])):
        data = exporting.read_export(Path(given.paths[0]), given.name)
        held = {"name": data.name, "n": sum(map(len, data.parts.values())), "things": data.spec.kind.things}
        return print(Message("The dataset {name!r} holds {n:,} {things}.", **held))
    folders = given.folders.split(",") if given.folders else None
    importing = genlab.data.importing.import_files
    told = {"classes": given.classes, "parts": parts, **texts, "copies": given.copies}
    steps = importing(given.paths, given.name, folders, given.size, given.mode, **told)
    with closing(steps), tqdm(unit=str(Message("file")), leave=False) as bar:
        for progress in steps:
            bar.n, bar.total = progress.done, progress.total
            bar.unit = str(Message("MB") if progress.doing == "read" else Message("file"))
            bar.set_description(str(Message("{doing}, {n:,} skipped", doing=DOING[progress.doing], n=progress.skipped)))
    assert progress.imported
    _tell_import(progress.imported)


def inspect_verb(words: list[str]) -> None:
    """inspect DATASET --out report.json|.png|.md: look for what is wrong with the training part."""
    parser = parser_of("inspect", inspect_verb)
    parser.add_argument("dataset", help="its name, SOURCE+RECIPE for a kept recipe, or SOURCE+FILE.json")
    parser.add_argument("--out", type=Path, help="write the report card, too: FILE.json, FILE.png or FILE.md")
    given, _ = parse(parser, words)
    if given.out and given.out.suffix not in (".json", ".png", ".md"):
        raise BadSetting("{name} is neither a .json, a .png nor a .md file; name one of these.", name=given.out.name)
    data = open_data(given.dataset)
    found = list(_watched(data))
    card = genlab.quality.report(data, found)
    for score in card.scores:
        print(f"{score.name:<24}{score.told:<10}{score.measured}")
    for issue in card.issues:
        if issue.count:
            print(f"{issue.name:<24}{issue.told:<10}{issue.sentence}")
    if given.out:
        write_bytes(
            given.out,
            {
                ".json": lambda: (json.dumps(card.to_json(), indent=2, ensure_ascii=False) + "\n").encode(),
                ".png": lambda: genlab.quality.draw(card),
                ".md": lambda: genlab.quality.markdown(card).encode(),
            }[given.out.suffix](),
        )


def damage_verb(words: list[str]) -> None:
    """damage DATASET --defect NAME --rate R --seed S --out RECIPE.json: damage the training part on purpose."""
    if wants_help(words) and "--defect" not in words:
        return _damage_parser(Damage).print_help()
    defect = _named(words, "--defect")
    settings = DEFECTS.settings_of(defect)
    given, values = parse(_damage_parser(settings), words, settings)
    if not 0 <= given.seed < 2**31:
        raise BadSetting("seed is {seed}; it must be a whole number from 0 up.", seed=given.seed)
    data = open_data(given.dataset)
    recipe = genlab.data.recipe_of(given.dataset).then(defect, settings.parse(values), given.seed)
    _write(given.out, recipe, data)


def _damage_parser(settings: type[Damage]) -> Parser:
    parser = parser_of("damage", damage_verb, settings)
    parser.epilog = str(
        Message("Each defect has settings of its own; python -m genlab damage --defect NAME --help tells all of them.")
    )
    parser.add_argument("dataset", help="its name, SOURCE+RECIPE for a kept recipe, or SOURCE+FILE.json")
    parser.add_argument("--defect", required=True, help=", ".join(DEFECTS))
    parser.add_argument("--seed", type=int, default=0, help="the same seed damages the same items alike (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="RECIPE.json; the dataset is then called DATASET+RECIPE.json")
    return parser


def repair_verb(words: list[str]) -> None:
    """repair DATASET --issues all --out RECIPE.json: mend what inspect finds."""
    parser = parser_of("repair", repair_verb)
    parser.add_argument("dataset")
    parser.add_argument("--issues", default="all", help="all, or names of issues with commas between them (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="RECIPE.json; the dataset is then called SOURCE+RECIPE.json")
    given, _ = parse(parser, words)
    data = open_data(given.dataset)
    issues = None if given.issues == "all" else given.issues.split(",")
    _write(given.out, genlab.quality.repair(data, _watched(data), genlab.data.recipe_of(given.dataset), issues), data)


def merge_verb(words: list[str]) -> None:
    """merge DATASET OTHER --out RECIPE.json: add the training items of another dataset."""
    parser = parser_of("merge", merge_verb)
    parser.add_argument("dataset")
    parser.add_argument("other", help="its items are brought to the size and mode of DATASET; classes are the same by name")
    parser.add_argument("--out", type=Path, required=True, help="RECIPE.json; the dataset is then called SOURCE+RECIPE.json")
    given, _ = parse(parser, words)
    data, _ = open_data(given.dataset), open_data(given.other)
    _write(given.out, genlab.data.merge(given.dataset, given.other), data)


def label_verb(words: list[str]) -> None:
    """label DATASET --table labels.csv --out RECIPE.json: give items the classes that a table tells."""
    parser = parser_of("label", label_verb)
    parser.add_argument("dataset")
    table = Message("a .csv, .tsv or .jsonl; one column names files as they were imported (or ids), another their classes")
    parser.add_argument("--table", type=Path, required=True, help=table)
    parser.add_argument("--column", default="", help="the column of the classes (default: the one that is called so)")
    parser.add_argument("--out", type=Path, required=True, help="RECIPE.json; the dataset is then called SOURCE+RECIPE.json")
    given, _ = parse(parser, words)
    data = open_data(given.dataset)
    found = genlab.data.read_labels(given.dataset, given.table, given.column)
    for sentence in found.told:
        print(f"- {sentence}")
    _write(given.out, genlab.data.label(given.dataset, found.given), data)


def export_verb(words: list[str]) -> None:
    """export DATASET --out FILE.zip: images, or other items, as files in class folders, with a manifest."""
    if not wants_help(words):
        first(words, "dataset", genlab.data.list_datasets())
    parser = parser_of("export", export_verb)
    parser.add_argument("dataset")
    parser.add_argument("--out", type=Path, required=True, help="FILE.zip")
    given, _ = parse(parser, words)
    if given.out.suffix != ".zip":
        raise BadSetting("{name} is no .zip file; name one.", name=given.out.name)
    data = open_data(given.dataset)
    genlab.data.exporting.export(data, given.out)
    told = {"n": sum(map(len, data.parts.values())), "things": data.spec.kind.things, "out": given.out}
    print(Message("{n:,} {things} are in {out}.", **told))


def fetch_verb(words: list[str]) -> None:
    """fetch DATASET: download a dataset, so that it is there without a connection."""
    parser = parser_of("fetch", fetch_verb)
    parser.add_argument("dataset")
    given, _ = parse(parser, words)
    print(
        Message(
            "The dataset {dataset!r} is here: {n:,} items.",
            dataset=given.dataset,
            n=sum(map(len, open_data(given.dataset).parts.values())),
        )
    )


def open_data(name: str) -> "Splits":
    """Open a dataset that was asked for, with a download and its progress where it is not here yet."""
    with tqdm(unit="B", unit_scale=True, leave=False, disable=genlab.data.is_here(name)) as bar:
        for progress in genlab.data.fetch(name):
            bar.n, bar.total = progress.done, progress.total
            bar.set_description(str(Message("fetching {name}", name=name)))
    return genlab.load(name)


def _pair(word: str) -> tuple[str, str]:
    folder, equals, part = word.rpartition("=")
    if not equals:
        raise BadSetting("--part is {word!r}; it must be FOLDER=PART, as --part seg_pred=test.", word=word)
    return folder, part


def _tell_layout(found: "Preview") -> None:
    """The items of each class in each part, what folders may be parts, and what a person should know."""
    parts = [part for part in PARTS if any(cell[0] == part for cell in found.cells)]
    print(f"{'':<24}{''.join(f'{part:>12}' for part in parts)}")
    for label in found.folders:
        print(f"{label or Message('(no class)'):<24}{''.join(f'{found.cells.get((part, label), 0):>12,}' for part in parts)}")
    print(
        f"{Message('all'):<24}{''.join(f'{sum(n for cell, n in found.cells.items() if cell[0] == part):>12,}' for part in parts)}"
    )
    for depth, level in enumerate(found.levels, 1):
        print(Message("level {depth}: {folders}", depth=depth, folders=[*level[:8], *["…"][: len(level) > 8]]))
    if found.columns:
        print(Message("columns of tables: {columns}", columns=list(found.columns)))
    if found.text:
        print(
            Message("The column {text} holds the texts, of {texts}. Choose with --column.", text=found.text, texts=[*found.texts])
        )
    elif found.cut:
        told = "Each of the {cut} is a document. Choose with --cut files|passages|paragraphs|lines."
        print(Message(told, cut=CUTS[found.cut]))
    for (part, label), texts in found.excerpts.items():
        print(f"{part} {label}:".replace(" :", ":"), *(f"  {' '.join(text.split())}" for text in texts), sep="\n")
    print(Message("Classes are read off: {classes}. Parts that are missing are cut from train.", classes=found.classes))
    for sentence in found.told:
        print(f"- {sentence}")
    if found.others:
        beside = "Images lie beside these texts; take them with --as images."
        if found.what == "images":
            beside = "Texts lie beside these images; take them with --as texts."
        print(Message(beside))
    print(Message("Correct it with --classes none|names|LEVEL|COLUMN and --part FOLDER=train|validation|test|skip|no."))


def _tell_import(imported: "Imported") -> None:
    """What came of an import, and every file that was skipped."""
    for verdict in imported.table:
        if not verdict.kept:
            print(Message("skipped {file}: {words}", file=verdict.file, words=verdict.words))
    print(imported.summary)
    if len(imported.shape) == 1:
        return print(Message("Try: python -m genlab train gpt {name}", name=imported.name))
    channels, height, width = imported.shape
    told = {"name": imported.name, "width": width, "height": height}
    grey = Message("The dataset {name!r} holds them at {width}×{height} grey.", **told)
    print(grey if channels == 1 else Message("The dataset {name!r} holds them at {width}×{height} colour.", **told))
    largest = genlab.data.importer.LARGEST
    if max(height, width) > largest:
        print(
            Message(
                "Models learn images of up to {size}×{size} alone: these can be looked at; to train, use --size {size}.",
                size=largest,
            )
        )
    else:
        print(Message("Try: python -m genlab train vae {name}", name=imported.name))


def _named(words: list[str], flag: str) -> str:
    """The word after a flag without which the other flags are not known."""
    if flag not in words[:-1]:
        raise BadSetting("Name a defect with {flag}. Possible: {possible}.", flag=flag, possible=list(DEFECTS))
    name = words[words.index(flag) + 1]
    DEFECTS.settings_of(name)  # raises its sentence
    return name


def _watched(data: "Splits") -> "Iterator[Finding]":
    """Follow the checks with a progress bar."""
    with tqdm(unit=str(Message("check")), leave=False) as bar:
        for finding in genlab.quality.inspect(data):
            bar.set_postfix_str(finding.name)
            bar.update()
            yield finding


def _write(file: Path, recipe: Recipe, data: "Splits") -> None:
    """Keep a recipe that can be used; what it makes of its source is found out before."""
    if file.suffix != ".json":
        raise BadSetting("{name} is no .json file; name one.", name=file.name)
    made = recipe.apply(genlab.load(recipe.source))
    write_recipe(file, recipe)
    print(
        Message("{recipe}: {n:,} items before, {after:,} after.", recipe=recipe.tell(), n=len(data.train), after=len(made.train))
    )
    print(
        Message(
            "Use it as {source}+{file}, for example: python -m genlab inspect {source}+{file}", source=recipe.source, file=file
        )
    )
