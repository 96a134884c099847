"""Modalities: all that differs by kind of data, a file each; nothing here needs torch before there are items.

kind = MODALITIES["image"]
kind.to_model(items, spec.shape)       # stored items as a model has them, and to_stored(x)
kind.tiles(x, spec), kind.sheet(x, spec, 8)   # a picture of each; one of all
"""

from genlab.modalities.base import Facts, Modality
from genlab.modalities.image import Image
from genlab.modalities.points import Points
from genlab.modalities.series import Series
from genlab.modalities.storage import Lengths, Ragged
from genlab.modalities.text import Text
from genlab.registry import Registry

MODALITIES: Registry[Modality] = Registry("kind of data")
MODALITIES.register("image")(Image())
MODALITIES.register("points")(Points())
MODALITIES.register("text")(Text())
MODALITIES.register("series")(Series())

__all__ = ["MODALITIES", "Facts", "Lengths", "Modality", "Ragged"]
