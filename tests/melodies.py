"""Melodies: a kind of data, a source and a family in one file; run as a program, it is the page that knows them.

A melody is a sequence of notes, uint8 [T] of 1 to 15; a model has the first or any eight of them as floats in [-1, 1], -1 where
a shorter one has ended.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch

from genlab.config import Field
from genlab.data.sources import SOURCES, Part, Source
from genlab.errors import BadData
from genlab.messages import Message
from genlab.modalities import MODALITIES, Facts, Lengths, Modality, Ragged
from genlab.models import MODELS, LatentModel, Loss
from genlab.models.settings import CommonSettings

NOTES, LONGEST, MIDDLE = 15, 8, 7.5


class Melody(Modality):
    storage, dtype = Lengths(), np.uint8
    things, article, unit = Message("melodies"), Message("a melody"), Message("note")
    suffix = ".txt"

    def shape(self, *bases):
        return (min(LONGEST, *super().shape(*bases)),)

    def to_model(self, items, shape, random=None):
        notes = torch.zeros(len(items), *shape, dtype=torch.uint8)
        for row, item in zip(notes, items, strict=True):
            start = torch.randint(max(1, len(item) - len(row) + 1), (1,), generator=random) if random else 0
            piece = item[start : start + len(row)]
            row[: len(piece)] = piece
        return notes / MIDDLE - 1

    def to_stored(self, x):
        notes = ((x.detach().cpu().clamp(-1, 1) + 1) * MIDDLE).round().to(torch.uint8)
        return [row[: max(1, int((row > 0).sum()))].clamp(min=1) for row in notes]

    def facts(self, blocks, shape, classes):
        lengths = [len(item) for items, _ in blocks for item in items]
        return Facts({"length": sum(lengths) / len(lengths)})

    def size(self, shape):
        return NOTES + 1, shape[0]

    def tiles(self, x, behind=None, side=0):
        notes = ((x.cpu() + 1) * MIDDLE).round().long().clamp(0, NOTES)  # [n, T]
        ink = torch.nn.functional.one_hot(notes, NOTES + 1).flip(2).transpose(1, 2)  # [n, 16, T] high notes above
        return (255 * ink[:, None]).to(torch.uint8)

    def file(self, item, told=None, taken=None):
        return f"{' '.join(map(str, item.tolist()))}\n".encode()

    def read(self, content):
        notes = content.decode(errors="replace").split()
        if not notes or not all(note.isdecimal() and 1 <= int(note) <= NOTES for note in notes):
            raise BadData(f"A melody is notes from 1 to {NOTES} with blanks between them; this file holds something else.")
        return torch.tensor([*map(int, notes)], dtype=torch.uint8)


def compose(n: int, seed: int) -> Part:
    """Rising and falling melodies of 3 to 12 notes."""
    random = np.random.default_rng(seed)
    lengths, falls = random.integers(3, 13, n), random.integers(0, 2, n)
    rows = [
        np.sort(random.integers(1, NOTES + 1, length))[:: -1 if fall else 1] for length, fall in zip(lengths, falls, strict=True)
    ]
    return Part(Ragged.of(rows, np.uint8), {"label": falls})


class Chimes(LatentModel):
    """Plays the mean melody, a little higher or lower."""

    modalities = ("melody",)

    class Settings(CommonSettings):
        sway: float = Field(0.1, ge=0, le=1, description="how much higher or lower")

    def __init__(self, spec, settings):
        super().__init__(spec, settings)
        self.latent_shape = (2,)
        self.mean = torch.nn.Parameter(torch.zeros(spec.shape))

    def training_losses(self, batch, step):
        yield Loss("model", ((batch.x - self.mean) ** 2).mean(1))

    def decode(self, z, given=None, settings=None):
        return (self.mean + self.settings.sway * z[:, :1]).clamp(-1, 1)


@contextmanager
def listed() -> Iterator[None]:
    """Melodies are known while the block runs."""
    MODALITIES.register("melody")(Melody())
    build = lambda folder: {"train": compose(600, 0), "test": compose(60, 1)}  # noqa: E731
    told = {"description": Message("660 melodies"), "things": Message("melodies"), "modality": "melody"}
    SOURCES.register("melodies")(Source(classes=("rising", "falling"), build=build, **told))
    MODELS.register("chimes")(Chimes)
    try:
        yield
    finally:
        for registry, name in ((MODALITIES, "melody"), (SOURCES, "melodies"), (MODELS, "chimes")):
            registry.remove(name)


if __name__ == "__main__":
    import app

    with listed():
        app.main()
