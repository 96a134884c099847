"""Datasets: what they are (`dataset`), where they come from (`sources`), how training varies them (`augment`)."""

from genlab.data.dataset import Batch, Dataset, DataSpec, Splits, to_model, to_pixels
from genlab.data.sources import SOURCES, Source, load

__all__ = ["SOURCES", "Batch", "DataSpec", "Dataset", "Source", "Splits", "load", "to_model", "to_pixels"]
