"""Garbled: text that was read in another encoding than it was written in, and letters that were lost on such a way."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.errors import BadData
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, Verdict, check_takes, chosen, dropped, generator
from genlab.quality.settings import GarbledSettings
from genlab.quality.wording import blocks, document, said, same_start

LOST = "\ufffd"
UNREAD = re.compile(f"[{LOST}\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # and letters that no text has in it
TYPED = {"'": "’", " - ": " – ", "--": "—", "...": "…"}  # what word processors make of what is typed
SENTENCES = {
    "mojibake": Message(
        "Text that was read in another encoding than it was written in: a model learns to spell so. ftfy finds and mends it."
    ),
    "lost": Message("Letters that could not be read, control characters, or bytes that are no UTF-8: a model learns the holes."),
}


class Garbled:
    """Garbled: see the protocol `Defect`."""

    Settings = GarbledSettings
    takes: Takes = {"text": None}
    lowers: tuple[str, ...] = ("accuracy",)

    def inject(self, data: Splits, settings: GarbledSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("garbled", data, settings)
        train, rows = data.train, chosen(data.train, settings.rate, seed)
        before = [*map(said, train.read(rows))]
        random = (generator(seed, item) for item in train.id[rows].tolist())
        after = [GARBLES[settings.kind](text, settings.severity, draw) for text, draw in zip(before, random, strict=True)]
        changed = torch.tensor([old != new for old, new in zip(before, after, strict=True)], dtype=torch.bool)
        if len(rows) and settings.severity and not changed.any():
            raise BadData(
                "No document of {name} that was chosen has a letter beyond ASCII, a quote or a dash, which alone are garbled so. "
                "Take a larger rate, or the kind {other!r}.",
                name=data.name, other="lost",
            )  # fmt: skip
        return train.with_items(rows, [*map(document, after)]), Truth(changed=train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        for kind, (counts, places) in _counts(data.train).items():
            yield Finding(f"garbled-{kind}", SENTENCES[kind], data.train.id, counts / (counts + 1), counts > 0, places=places)

    def fit(self, clean: Features) -> Check:
        """A check that needs to learn nothing."""
        return lambda items: {f"garbled-{kind}": Verdict(n / (n + 1), n > 0) for kind, (n, _) in _counts(items).items()}

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        """What was read wrongly is read rightly; what was lost cannot be told again, and its documents go."""
        rows = finding.flagged.nonzero()[:, 0]
        if finding.name == "garbled-lost" or not len(rows):
            return dropped(recipe, finding)
        contents = [*map(said, data.train.read(rows))]
        places = {"ids": data.train.id[rows].tolist(), "starts": [0] * len(rows), "ends": [*map(len, contents)]}
        return recipe.then("rewrite", {**places, "texts": [mended(text.decode(errors="replace")) for text in contents]})


def mended(text: str) -> str:
    """A text whose encoding is right, as far as ftfy can tell; nothing else of it is changed."""
    from ftfy import fix_text  # slow to import

    return text if text.isascii() else fix_text(text, _only_encoding())


@cache
def _only_encoding() -> Any:
    from ftfy import TextFixerConfig

    others = ("remove_terminal_escapes", "fix_latin_ligatures", "fix_character_width", "uncurl_quotes", "fix_line_breaks",
              "fix_surrogates", "remove_control_chars")  # fmt: skip
    return TextFixerConfig(unescape_html=False, normalization=None, explain=False, **dict.fromkeys(others, False))


def _counts(data: Dataset) -> dict[str, tuple[Tensor, Tensor]]:
    """[N] how much there is of each kind in each document, and where it begins."""
    counts, places = torch.zeros(2, len(data)), torch.zeros(2, len(data), dtype=torch.long)
    for first, items in blocks(data):
        for row, item in enumerate(items, first):
            text = said(item).decode(errors="replace")
            if not text.isascii() and (right := mended(text)) != text:
                same = same_start(text, right)
                counts[0, row], places[0, row] = max(1, len(text) - len(right)), len(text[:same].encode())
            if lost := [match.start() for match in UNREAD.finditer(text)]:
                counts[1, row], places[1, row] = len(lost), len(text[: lost[0]].encode())
    return {kind: (counts[k], places[k]) for k, kind in enumerate(GARBLES)}


# --- Made so ---


def _misread(text: bytes, severity: float, random: np.random.Generator) -> bytes:
    """UTF-8 read as Windows-1252, with the quotes and dashes of a word processor; above severity 0.5 twice."""
    import ftfy.bad_codecs  # knows the Windows-1252 of browsers, which has a letter for every byte

    ftfy.bad_codecs.ok()
    if not severity:
        return text
    garbled = _typed(text.decode(errors="replace"))
    for _ in range(2 if severity > 0.5 else 1):
        garbled = garbled.encode().decode("sloppy-windows-1252")
    return garbled.encode()


def _typed(text: str) -> str:
    for typed, printed in TYPED.items():
        text = text.replace(typed, printed)
    return re.sub('"([^"]*)"', "“\\1”", text)


def _spoilt(text: bytes, severity: float, random: np.random.Generator) -> bytes:
    """Letters that could not be read, at severity 0.5 one in twenty, one at least."""
    letters = [*text.decode(errors="replace")]
    count = min(len(letters), max(1, round(0.1 * severity * len(letters)))) if severity else 0
    for place in random.choice(len(letters), count, replace=False) if count else ():
        letters[place] = LOST
    return "".join(letters).encode()


GARBLES: dict[str, Callable[[bytes, float, np.random.Generator], bytes]] = {"mojibake": _misread, "lost": _spoilt}
