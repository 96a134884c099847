"""How each defect can be injected, told apart from what does it, so that forms, flags and recipes need no torch."""

from typing import Literal

from genlab.config import Config, Field


class Damage(Config):
    """What every defect can be set to; each adds its kinds."""

    rate: float = Field(0.1, ge=0, le=1, description="share of the items that are damaged, or added")


class Graded(Damage):
    """Damage that can be worse or less so."""

    severity: float = Field(0.5, ge=0, le=1, description="how badly, from not at all to beyond recognition")


class MissingSettings(Graded):
    """A mask's side is half of the image's at severity 1; the other kinds know no severity."""

    kind: Literal["blank", "patch", "labels", "class"] = Field(
        "blank", description="what goes missing; `class`: rate is of classes"
    )


class ImbalanceSettings(Graded):
    """At severity 0.9 a thinned class keeps a tenth of its items, and classes that dominate make up nine tenths of all."""

    kind: Literal["thinned", "long-tail", "dominating"] = Field(
        "thinned", description="classes thinned alike, or one rarer than the other; or all others, so that the chosen dominate"
    )
    rate: float = Field(0.1, ge=0, le=1, description="share of the classes that are chosen, at least one")
    severity: float = Field(
        0.9, ge=0, le=1, description="share of its items that the rarest class loses, or that the dominating ones make up"
    )


class DuplicatesSettings(Graded):
    """At severity 0.5 near copies are shifted by one pixel, brought to JPEG quality 60, or brightened by a fifth, in turn.

    Cropped ones lose one or two pixels a side and are scaled back, turned ones are so by up to 5°, recoloured ones fade by four
    tenths, are tinted, of other hues or grey; mirroring knows no severity. Near copies of documents have one word in twenty
    dropped, doubled or swapped, are wrapped anew, or are in capitals.
    """

    kind: Literal["exact", "near", "cropped", "turned", "mirrored", "recoloured"] = Field(
        "exact", description="copies bit for bit, or made over; `near`: shifted, recompressed or brightened; words changed"
    )


class LeaksSettings(Damage):
    """The rate is a share of the test part."""

    kind: Literal["exact", "near"] = Field("exact", description="copies bit for bit, or made over as near copies are")


class NoiseSettings(Graded):
    """Noise at severity 0.5: Gaussian of a tenth of the range, 5 % of the pixels, a blur of one pixel, or JPEG quality 20."""

    kind: Literal["gaussian", "salt-and-pepper", "blur", "jpeg"] = Field(
        "gaussian", description="what spoils the images; points can have Gaussian noise alone"
    )


class ExposureSettings(Graded):
    """At severity 0.5 four tenths of the light are lost, or of the darkness."""

    kind: Literal["dark", "bright"] = Field("dark", description="too little light or too much")


class SensorSettings(Graded):
    """At severity 0.5 noise of a tenth of the range, a gap of a quarter, clipped at six tenths, or shifted by a quarter of it."""

    kind: Literal["noise", "gaps", "clipping", "shift"] = Field("noise", description="what spoils the series")


class OutliersSettings(Damage):
    """Each outlier lies in the folder of some class, as in a careless collection."""

    dataset: str = Field("sprites", description="where the outliers come from")


class LabelErrorsSettings(Damage):
    """A label is wrong or it is not."""

    kind: Literal["uniform", "confusions"] = Field("uniform", description="any other class, or the one that looks most alike")


class GarbledSettings(Graded):
    """Typographic quotes and dashes are garbled as letters beyond ASCII are; at a severity above 0.5 all are so twice."""

    kind: Literal["mojibake", "lost"] = Field(
        "mojibake", description="UTF-8 read as if it were Windows-1252; or letters, one in twenty at severity 0.5, that became �"
    )


class TruncatedSettings(Graded):
    """At severity 0.5 a document loses up to half of itself, wherever that cuts it."""


class RepetitionSettings(Graded):
    """At severity 0.5 a document that repeats itself is twice as long, and two lines that are no part of it stand around one."""

    kind: Literal["loops", "boilerplate"] = Field(
        "loops", description="the last line again and again; or lines that stand in many documents"
    )


class PersonalSettings(Damage):
    """All of them are made up: the addresses lead nowhere, the numbers belong to nobody."""

    kind: Literal["email", "phone", "card"] = Field("email", description="what is found in a document that is nobody's business")
