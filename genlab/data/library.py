"""Library: every dataset by its name; those of the sources are built once in the cache, one's own lie in a folder of theirs.

`SOURCE+NAME` is a source and a recipe kept beside one's own datasets, `SOURCE+FILE.json` a source and a recipe in a file.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genlab.data.recipe import PLUS, Recipe, read_recipe, write_recipe
from genlab.data.sources import SOURCES, Part, Source
from genlab.errors import BadData, DataMissing, UnknownName
from genlab.files import one_at_a_time, read_json, whole_folder, write_json, writing
from genlab.lazy import late
from genlab.messages import Message, from_json, to_json
from genlab.modalities import MODALITIES, Lengths, Modality, Ragged
from genlab.paths import cache_folder, current_space, data_folder, datasets_folder, downloads_folder
from genlab.registry import NAME, check_name, unknown

if TYPE_CHECKING:
    from genlab.data.dataset import Splits

FORMAT = 2  # of a dataset's folder; raised when an older genlab could not read it
MOST_INGREDIENTS = 20  # datasets that a recipe may take items of, all that these take items of counted in
HELD_OUT = 12  # one item in so many goes to each held-out part that a dataset does not bring along
_open = late("genlab.data.dataset", "open_splits")  # what is known of datasets is told without torch


@dataclass(frozen=True)
class About:
    """What is known of a dataset before it is opened."""

    name: str
    description: str
    modality: str
    classes: tuple[str, ...]
    own: bool = False


def list_datasets() -> list[str]:
    """All datasets that can be opened by name: the sources', then one's own and those of kept recipes, newest first."""
    kept = [file for file in datasets_folder().glob("*/dataset.json") if NAME.fullmatch(file.parent.name)]  # no draft is
    own = sorted(kept, key=lambda file: file.stat().st_mtime, reverse=True)
    names = [*SOURCES, *(file.parent.name for file in own)]
    made = sorted(datasets_folder().glob(f"*{PLUS}*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [*names, *(file.stem for file in made if file.stem.split(PLUS)[0] in names)]


def describe(name: str) -> About:
    """What is known of a dataset by its name."""
    if PLUS in str(name):
        kept = load(name).spec if is_here(name) else describe(name.partition(PLUS)[0])
        return About(name, recipe_of(name).tell(), kept.modality, kept.classes, own=True)
    if name in SOURCES:
        source = SOURCES[name]
        return About(name, source.description, source.modality, source.classes)
    record = _record(_own_folder(name))
    return About(name, from_json(record["description"]), record["modality"], tuple(record["classes"]), own=True)


def is_here(name: str) -> bool:
    """Whether a dataset, or what its recipe starts from, can be opened without a connection."""
    source = name.partition(PLUS)[0]
    return source not in SOURCES or _maps_of(source).exists() or _lies_raw(SOURCES[source])


def cannot_be_had(name: str, fault: Exception) -> DataMissing:
    """What to say of a dataset whose files do not come, or come damaged."""
    return DataMissing(
        "The dataset {name!r} is not on this machine and could not be had ({fault}). Connect and try again, or {by_hand}.",
        name=name,
        fault=_first_line(fault),
        by_hand=by_hand(name),
    )


def by_hand(name: str) -> str:
    """Which files to put where for a dataset that has to be fetched otherwise."""
    return Message("put {files} into {folder}", files=SOURCES[name.partition(PLUS)[0]].files, folder=data_folder())


def megabytes(size: int) -> str:
    """A size as people tell it."""
    return Message("{size:.1f} GB", size=size / 1e9) if size >= 1e9 else Message("{size:.0f} MB", size=size / 1e6)


def load(name: str) -> "Splits":
    """Open a dataset by name, building its memory maps on first use; what has to be downloaded comes by `fetch` alone."""
    if PLUS in str(name):
        file = _recipe_file(name)
        return _made(name, file, file.stat().st_mtime_ns, current_space())
    folder = _source_folder(name) if name in SOURCES else _own_folder(name)
    return _opened(name, folder, (folder / "dataset.json").stat().st_mtime_ns)


def save_dataset(
    name: str,
    parts: Mapping[str, Part],
    classes: Sequence[str],
    description: str,
    modality: str = "image",
    record: Mapping[str, Any] | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> "Splits":
    """Keep a dataset of one's own: `train`, and what there is of `validation` and `test`; nothing is left of a save that fails.

    `record` is whatever else should be remembered of where it came from, `beside` files to lie in the dataset's folder.
    Raises BadData for a name that is taken.
    """
    check_free(name)
    folder = datasets_folder() / name
    with one_at_a_time(folder):
        _write(folder, name, parts, classes, description, modality, record or {}, beside or {})
    return load(name)


def check_free(name: str) -> None:
    """Raise a GenlabError with a sentence unless a new dataset may have this name."""
    if check_name(name, "dataset") in list_datasets():
        raise BadData("There is already a dataset called {name!r}; choose another name.", "name", name=name)


def free_name(wish: str) -> str:
    """A name like the wish that no dataset has."""
    stem = re.sub(r"[^a-z0-9]+", "-", wish.lower())[:36].strip("-") or "images"
    taken = list_datasets()
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def recipe_of(name: str) -> Recipe:
    """The recipe of a dataset by its name: without steps where it is a source itself."""
    return read_recipe(_recipe_file(name)) if PLUS in name else Recipe.of(load(name))


def merge(name: str, other: str) -> Recipe:
    """The recipe of a dataset to whose training part that of another is added; classes are the same where their names are."""
    return recipe_of(name).then("merge", {"dataset": other, "fingerprint": load(other).train.fingerprint})


def save_recipe(name: str, recipe: Recipe) -> "Splits":
    """Keep a recipe beside one's own datasets, so that `SOURCE+NAME` is a dataset; returns it.

    Raises a GenlabError where the name is taken, or the recipe does not fit its source, leaves nothing, or needs what it makes.
    """
    if PLUS in recipe.source:
        raise BadData(
            "The recipe starts from {source!r}, which is one itself; go on from its own with recipe_of.", source=recipe.source
        )
    full = f"{recipe.source}{PLUS}{check_name(name, 'recipe')}"
    if full in list_datasets():
        raise BadData("There is already a dataset called {name!r}; choose another name.", "name", name=full)
    _make(full, recipe)
    with writing(datasets_folder()):
        datasets_folder().mkdir(parents=True, exist_ok=True)
    write_recipe(datasets_folder() / f"{full}.json", recipe)
    return load(full)


def change_recipe(name: str, recipe: Recipe) -> "Splits":
    """Replace the kept recipe of `SOURCE+NAME`; raises a GenlabError as `save_recipe` does."""
    if PLUS not in name or name not in list_datasets():
        raise UnknownName(unknown("kept recipe", name, [known for known in list_datasets() if PLUS in known]))
    _make(name, recipe)
    write_recipe(datasets_folder() / f"{name}.json", recipe)
    return load(name)


def delete_dataset(name: str) -> None:
    """Remove a dataset of one's own, or a kept recipe."""
    if PLUS in str(name):
        file = _recipe_file(name)
        with writing(file):
            file.unlink()
        let_go()
        return
    if name in SOURCES:
        raise BadData("{name!r} comes with genlab and cannot be deleted.", name=name)
    folder = _own_folder(name)
    with writing(folder):
        shutil.rmtree(folder)
        folder.with_name(f"{name}.lock").unlink(missing_ok=True)


def let_go() -> None:
    """Give back the memory of what recipes have made; it is made again when it is asked for."""
    _made.cache_clear()


def record_of(name: str) -> dict[str, Any]:
    """All that was remembered of a dataset of one's own when it was saved."""
    return _record(_own_folder(name.split(PLUS)[0]))


def _recipe_file(name: str) -> Path:
    """Where the recipe of `SOURCE+RECIPE` lies; files outside of the own folder are opened for the user of this machine only."""
    recipe = name.partition(PLUS)[2]
    if recipe.endswith(".json") and current_space() is None:
        if not Path(recipe).is_file():
            raise UnknownName("There is no recipe file {recipe!r}.", recipe=recipe)
        return Path(recipe)
    if name not in list_datasets():
        raise UnknownName(unknown("dataset", name, list_datasets()))
    return datasets_folder() / f"{name}.json"


@lru_cache(maxsize=4)
def _made(name: str, file: Path, written: int, space: Path | None) -> "Splits":
    return _make(name, read_recipe(file))


def _make(name: str, recipe: Recipe) -> "Splits":
    """What a recipe makes of its source, unless that would take the very dataset that is being made."""
    if len(found := _ingredients(recipe, set())) > MOST_INGREDIENTS:
        raise BadData(
            "This recipe and those it builds on take items of {n} datasets; at most {most} are possible. "
            "Export one of them and import it again as a dataset.",
            n=len(found),
            most=MOST_INGREDIENTS,
        )
    if name in found:
        raise BadData(
            "{name!r} would be made of itself, as one of its steps takes items of it. Take them from another dataset.", name=name
        )
    return recipe.apply(load(name.partition(PLUS)[0]), name)


def _ingredients(recipe: Recipe, known: set[str]) -> set[str]:
    """Names of the datasets that steps take items of, theirs, and so on, added to those known."""
    for other in {step.settings.get("dataset", recipe.source) for step in recipe.steps} - known:
        known.add(other)
        if PLUS in other and len(known) <= MOST_INGREDIENTS:
            _ingredients(recipe_of(other), known)
    return known


def _own_folder(name: str) -> Path:
    if name not in list_datasets():
        raise UnknownName(unknown("dataset", name, list_datasets()))
    return datasets_folder() / name


def _maps_of(name: str) -> Path:
    return cache_folder() / "datasets" / f"{name}-v{FORMAT}"


def _source_folder(name: str) -> Path:
    """The folder of a source's memory maps, built where it is not there yet."""
    source, folder = SOURCES[name], _maps_of(name)
    if folder.exists():  # a cache that cannot be written to serves as well
        return folder
    with one_at_a_time(folder):
        if not folder.exists():
            if not _lies_raw(source):
                raise DataMissing(
                    "The dataset {name!r} is not on this machine yet. "
                    "Fetch it on the Data tab or with python -m genlab fetch {name} ({size}), or {by_hand}.",
                    name=name,
                    size=megabytes(source.download),
                    by_hand=by_hand(name),
                )
            try:
                parts = source.build(data_folder())
            except (OSError, RuntimeError) as fault:  # torchvision's, of files that are damaged
                raise cannot_be_had(name, fault) from fault
            _check(name, parts)
            _write(folder, name, parts, source.classes, source.description, source.modality, {}, {})
    return folder


def _check(name: str, parts: Mapping[str, Part]) -> None:
    """Assert what whoever writes a source may get wrong, which would else show much later, or never."""
    source, kind = SOURCES[name], MODALITIES[SOURCES[name].modality]
    assert "train" in parts, f"The source {name!r} must give a part called train; it gives {[*parts]}."
    for where, part in parts.items():
        its, items, dtype = f"The {where} part of the source {name!r}", part.items, np.dtype(kind.dtype)
        if isinstance(kind.storage, Lengths):
            assert isinstance(items, Ragged), f"{its} has items of varying length, to be given as Ragged.of(rows, np.{dtype})."
        given = items.dtype if isinstance(items, Ragged) else np.asarray(items[:1]).dtype
        assert np.can_cast(given, dtype, "same_kind"), f"{its} gives items of {given}; {source.modality} data are {dtype}."
        if (label := part.columns.get("label")) is not None:
            assert len(label) == len(items), f"{its} has {len(items)} items and {len(label)} labels; it needs one for each."
            known = label.dtype.kind in "iu" and {*np.unique(label).tolist()} <= {*range(-1, len(source.classes))}
            assert known, f"{its} must label items with the number of a class, 0 to {len(source.classes) - 1}, or -1 for none."


@lru_cache(maxsize=8)
def _opened(name: str, folder: Path, written: int) -> "Splits":
    record = _record(folder)
    return _open(name, record["modality"], tuple(record["classes"]), folder)


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = read_json((folder / "dataset.json").read_text("utf-8"))
        newer = record["format"] > FORMAT
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadData("The dataset {name!r} cannot be read: its dataset.json is damaged or missing.", name=folder.name) from fault
    if newer:
        raise BadData(
            "The dataset {name!r} was written by a newer genlab (format {format}; this one reads up to {ours}). "
            "Update genlab to open it.",
            name=folder.name,
            format=record["format"],
            ours=FORMAT,
        )
    return record


def _write(
    folder: Path,
    name: str,
    parts: Mapping[str, Part],
    classes: Sequence[str],
    description: str,
    modality: str,
    record: Mapping[str, Any],
    beside: Mapping[str, bytes],
) -> None:
    about = {"format": FORMAT, "name": name, "description": to_json(description), "modality": modality, "classes": list(classes)}
    with whole_folder(folder) as draft:
        for part, content in with_held_out(parts, by_class=name not in SOURCES).items():
            _write_part(draft / part, content, MODALITIES[modality])
        for file, written in beside.items():
            (draft / file).write_bytes(written)
        write_json(draft / "dataset.json", {**record, **about, "created": datetime.now(UTC).isoformat(timespec="seconds")})


def _write_part(folder: Path, part: Part, kind: Modality) -> None:
    folder.mkdir()
    kind.storage.write(folder, part.items, kind.dtype)
    count = len(part.items)
    columns = {"label": np.full(count, -1)} | part.columns | {"id": np.arange(count)}
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column.astype(np.int64) if column.dtype.kind in "iu" else column)


def with_held_out(parts: Mapping[str, Part], by_class: bool = False) -> dict[str, Part]:
    """Cut each held-out part that is missing off the training part, the same rows each time.

    `by_class`, each class gives its share and keeps at least one item to train on; sources are cut as the models that ship know
    them. Where too little is left, items are held out and trained on alike.
    """
    missing = [name for name in ("validation", "test") if name not in parts]
    if not missing:
        return dict(parts)
    order, train = np.random.default_rng(0).permutation(len(parts["train"].items)), parts["train"]
    cut = max(1, len(order) // HELD_OUT)
    free = _spread(order, train.columns["label"]) if by_class and "label" in train.columns else order[: len(order) - 1]
    if len(free) < len(missing):
        return {**parts, **dict.fromkeys(missing, train)}
    cut = min(cut, len(free) // len(missing))
    held = free[: cut * len(missing)]
    shares = [held[i :: len(missing)] if by_class else held[i * cut : (i + 1) * cut] for i in range(len(missing))]
    taken = {name: np.sort(rows) for name, rows in zip(missing, shares, strict=True)}
    taken["train"] = np.setdiff1d(order, held)
    return {**parts, **{name: train.take(rows) for name, rows in taken.items()}}


def _spread(order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rows in an order in which each class has its share of every stretch, without the last row of each."""
    starts = np.random.default_rng(1).random(len(order))
    places = []
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        places += [((i + starts[rows[0]]) / len(rows), row) for i, row in enumerate(rows[:-1])]
    return np.array([row for _, row in sorted(places)], int)


def _lies_raw(source: Source) -> bool:
    """Whether the files of a source are there, or none are needed."""
    return any(all((folder / file).exists() for file in source.raw) for folder in (data_folder(), downloads_folder()))


def _first_line(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__).splitlines()[0].rstrip(":. ")
