"""The tokenizer's view of the Data tab: one text as two vocabularies cut it, and the tokens that are frequent in all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from genlab.data import Dataset, is_here, load
from genlab.data.spec import PartName
from genlab.errors import BadSetting, GenlabError
from genlab.models.tokens import FILE, Tokens, texts_of
from genlab.paths import current_space
from genlab.training.checkpoint import find_model, list_models
from genlab.ui.kit.shared import Kept, Request, searching, served, version_of
from genlab.ui.kit.widgets import widget
from genlab.ui.words import say

CHARACTERS, BPE, OF = "characters", "bpe-", "of:"  # how vocabularies are named: the last two with a size, and with a model's name
SIZES = (512, 1024, 4096, 16_384)  # of BPE
DOCUMENT = 4000  # characters of a text that are cut
COUNTED = 2**20  # bytes of the training part whose tokens are counted
FREQUENT = 12  # tokens that are shown of these


def build() -> None:
    """One widget, which is seen where there is something to read."""
    widget("tabs/data/tokens", [tokens_view])


class Wish(Request):
    """Which document, and by which vocabularies."""

    dataset: str = Field(max_length=400)
    part: PartName = "train"
    row: int = 0
    by: list[str] = Field([CHARACTERS, f"{BPE}{SIZES[1]}"], min_length=1, max_length=2)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens, and what is known of them in a training part."""

    tokens: Tokens
    rate: float  # bytes a token
    frequent: tuple[tuple[int, int], ...]  # tokens and how often they come, the most frequent first
    total: int  # tokens that were counted


_known = Kept(12)


@served
def tokens_view(wish: object) -> dict[str, Any]:
    """The text, cut by each vocabulary; nothing of data that are not read, or not here."""
    asked = Wish.check(wish)
    if not is_here(asked.dataset):
        return {}
    data = load(asked.dataset)
    if not data.spec.kind.reads:
        return {}
    part, choices = data.parts[asked.part], _choices()
    if not 0 <= asked.row < len(part):
        raise BadSetting(say("data.no_such_row", row=asked.row, last=len(part) - 1))
    for name in asked.by:
        if name not in choices:
            raise BadSetting(say("tokens.no_such", name=name, possible=", ".join(choices)))
    whole = data.spec.kind.told(part.read([asked.row])[0])
    with searching():
        sides = [_side(data.train, name, whole[:DOCUMENT]) for name in asked.by]
    return {
        "choices": [{"name": name, "title": title} for name, title in choices.items()],
        "part": asked.part,
        "row": asked.row,
        "rows": len(part),
        "cut": len(whole) > DOCUMENT and DOCUMENT,
        "sides": sides,
    }


def _choices() -> dict[str, str]:
    """All vocabularies by name, as they are called."""
    models = [name for name in list_models() if (find_model(name) / FILE).is_file()]
    return {
        CHARACTERS: say("tokens.characters"),
        **{f"{BPE}{size}": say("tokens.bpe", size=f"{size:,}") for size in SIZES},
        **{f"{OF}{name}": say("tokens.of", model=name) for name in models},
    }


def _side(train: Dataset, name: str, text: str) -> Mapping[str, Any]:
    """One of two columns; a vocabulary that these data cannot have leaves the other what it is."""
    try:
        version = version_of(find_model(name.removeprefix(OF))) if name.startswith(OF) else ""
        found = _known.get((current_space(), train.fingerprint, name, version), lambda: _counted(train, _tokens(train, name)))
    except GenlabError as fault:
        return {"name": name, "error": str(fault)}
    tokens, ids = found.tokens, found.tokens.encode(text)
    return {
        "name": name,
        "size": tokens.size,
        "ids": ids,
        "pieces": tokens.pieces(text),
        "bytes": len(text.encode()),
        "rate": found.rate,
        "frequent": [{"text": tokens.decode([i]), "n": n, "share": n / max(1, found.total)} for i, n in found.frequent],
    }


def _tokens(train: Dataset, name: str) -> Tokens:
    if name.startswith(OF):
        return Tokens.read(find_model(name.removeprefix(OF)) / FILE)
    return Tokens.learnt(train, int(name.removeprefix(BPE)) if name.startswith(BPE) else 0)


def _counted(train: Dataset, tokens: Tokens) -> Vocabulary:
    texts = [text[:COUNTED] for text in texts_of(train, COUNTED)]
    found = [np.array(one.ids, np.int64) for one in tokens.tokenizer.encode_batch(texts, add_special_tokens=False)]
    counts = np.bincount(np.concatenate([np.zeros(0, np.int64), *found]), minlength=tokens.size)
    best = [int(i) for i in np.argsort(-counts, kind="stable")[:FREQUENT] if counts[i]]
    total = int(counts.sum())
    rate = sum(len(text.encode()) for text in texts) / max(1, total)
    return Vocabulary(tokens, rate, tuple((i, int(counts[i])) for i in best), total)
