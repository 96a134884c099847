"""Datasets: what they are (`dataset`), where they come from (`sources`, `library`, `drawing`), how they vary (`augment`)."""

from genlab.data.dataset import Batch, Dataset, DataSpec, Modality, Splits, to_model, to_pixels, to_stored
from genlab.data.drawing import save_drawing
from genlab.data.library import delete_dataset, describe, list_datasets, load, save_dataset
from genlab.data.sources import SOURCES, Part, Source

__all__ = [
    "SOURCES",
    "Batch",
    "DataSpec",
    "Dataset",
    "Modality",
    "Part",
    "Source",
    "Splits",
    "delete_dataset",
    "describe",
    "list_datasets",
    "load",
    "save_dataset",
    "save_drawing",
    "to_model",
    "to_pixels",
    "to_stored",
]
