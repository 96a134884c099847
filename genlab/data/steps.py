"""Steps: what repairs are told, by the ids of items; each stores its outcome, never how it was found."""

from genlab.config import Config, Field
from genlab.data.recipe import OPERATIONS, Operation, Step
from genlab.data.spec import PartName
from genlab.lazy import late
from genlab.messages import Message

MENDING = "genlab.data.mending"  # what the steps do, which needs torch


class Drop(Config):
    """Items that go."""

    ids: list[int]


class Relabel(Config):
    """Items that get another class: one a name, which may be a new one, "" for unknown."""

    ids: list[int]
    classes: list[str]
    part: PartName = "train"  # a held-out one only where the source has no classes


class Fill(Config):
    """Boxes of images that are filled in from their rims: (top, left, height, width) in pixels, one an item."""

    ids: list[int]
    boxes: list[list[int]]


class Bridge(Config):
    """Series whose gaps are bridged: from the value before to the one after in a straight line."""

    ids: list[int]


class Rewrite(Config):
    """Places in documents that get another text: one a place, from its first byte to before its last, as they were."""

    ids: list[int]  # one that has several such places comes as often
    starts: list[int]
    ends: list[int]
    texts: list[str]


class Weigh(Config):
    """How often an item of each class is drawn in training, relative to the others; classes not named weigh 1."""

    weights: dict[str, float]


class Merge(Config):
    """Another dataset whose training part is added, at this one's size and mode; classes are the same where their names are."""

    dataset: str
    fingerprint: str = Field(description="of its training part")


def _items(step: Step) -> str:
    n = len(set(step.settings["ids"]))
    return Message("{n:,} item", "{n:,} items", n=n)


def _relabelled(step: Step) -> str:
    if step.part == "train":
        return Message("{items} relabelled", items=_items(step))
    return Message("{items} relabelled in the {part} part", items=_items(step), part=step.part)


OPERATIONS.register("drop")(Operation(Drop, late(MENDING, "drop"), lambda step: Message("{items} dropped", items=_items(step))))
OPERATIONS.register("relabel")(Operation(Relabel, late(MENDING, "relabel"), _relabelled))
OPERATIONS.register("fill")(Operation(Fill, late(MENDING, "fill"), lambda step: Message("{items} filled in", items=_items(step))))
OPERATIONS.register("bridge")(
    Operation(Bridge, late(MENDING, "bridge"), lambda step: Message("{items} bridged", items=_items(step)))
)
OPERATIONS.register("rewrite")(
    Operation(Rewrite, late(MENDING, "rewrite"), lambda step: Message("{items} rewritten", items=_items(step)))
)
OPERATIONS.register("weigh")(Operation(Weigh, late(MENDING, "weigh"), lambda step: Message("classes weighed")))
OPERATIONS.register("merge")(
    Operation(Merge, late(MENDING, "merge"), lambda step: Message("{dataset} merged in", dataset=step.settings["dataset"]))
)
