"""What is known of data before they are opened; nothing here needs torch."""

from dataclasses import dataclass
from typing import Literal

from genlab.modalities import MODALITIES, Modality

PartName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class DataSpec:
    """All that a model may know of its data before it is built."""

    modality: str  # a name in genlab.modalities
    shape: tuple[int, ...]  # image (C, H, W); points (2,); text and series (T,)
    classes: tuple[str, ...] = ()
    vocabulary_size: int = 0

    @property
    def kind(self) -> Modality:
        """All that differs by kind of data."""
        return MODALITIES[self.modality]


def names_folder(label: str) -> bool:
    """Whether a class can be a folder of an export."""
    return bool(label) and label[0] != "." and not set(label) & set("/\\\0")  # what begins with a dot is hidden
