"""Datasets: what they are (`dataset`), where they come from (`sources`, `library`), how training varies them (`augment`)."""

from genlab.data.dataset import Batch, Dataset, DataSpec, Splits, to_model, to_pixels
from genlab.data.library import delete_dataset, describe, list_datasets, load, save_dataset
from genlab.data.sources import SOURCES, Part, Source

__all__ = [
    "SOURCES",
    "Batch",
    "DataSpec",
    "Dataset",
    "Part",
    "Source",
    "Splits",
    "delete_dataset",
    "describe",
    "list_datasets",
    "load",
    "save_dataset",
    "to_model",
    "to_pixels",
]
