"""What is known of data before they are opened; nothing here needs torch."""

from dataclasses import dataclass
from typing import Literal

Modality = Literal["image", "points", "text", "series"]
PartName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class DataSpec:
    """All that a model may know of its data before it is built."""

    modality: Modality
    shape: tuple[int, ...]  # image (C, H, W); points (2,); text and series (T,)
    classes: tuple[str, ...] = ()
    vocabulary_size: int = 0


def names_folder(label: str) -> bool:
    """Whether a class can be a folder of an export."""
    return bool(label) and label[0] != "." and not set(label) & set("/\\\0")  # what begins with a dot is hidden
