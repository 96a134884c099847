"""Datasets: what they are (`dataset`), where they come from (`sources`, `library`, `drawing`).

What was done to one on its way from its source is a `recipe` of `steps`.
"""

from typing import TYPE_CHECKING

from genlab.lazy import on_use

if TYPE_CHECKING:
    from genlab.data import exporting, importer, importing
    from genlab.data.dataset import Batch, Dataset, Splits, even_rows
    from genlab.data.drawing import save_drawing
    from genlab.data.fetching import fetch
    from genlab.data.labelling import label, labelled_parts, read_labels
    from genlab.data.library import (
        by_hand,
        change_recipe,
        delete_dataset,
        describe,
        is_here,
        list_datasets,
        load,
        megabytes,
        merge,
        recipe_of,
        save_dataset,
        save_recipe,
    )
    from genlab.data.recipe import Recipe, Step, read_recipe, write_recipe
    from genlab.data.sources import SOURCES, Part, Source
    from genlab.data.spec import DataSpec
    from genlab.images import to_model, to_pixels

__all__ = [
    "SOURCES",
    "Batch",
    "DataSpec",
    "Dataset",
    "Part",
    "Recipe",
    "Source",
    "Splits",
    "Step",
    "by_hand",
    "change_recipe",
    "delete_dataset",
    "describe",
    "even_rows",
    "exporting",
    "fetch",
    "importer",
    "importing",
    "is_here",
    "label",
    "labelled_parts",
    "list_datasets",
    "load",
    "megabytes",
    "merge",
    "read_labels",
    "read_recipe",
    "recipe_of",
    "save_dataset",
    "save_drawing",
    "save_recipe",
    "to_model",
    "to_pixels",
    "write_recipe",
]

__getattr__, __dir__ = on_use(__name__)
