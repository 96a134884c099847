"""Personal data: e-mail addresses, phone numbers and card numbers that stand in documents."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset, Splits
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import Check, Finding, Takes, Truth, Verdict, check_takes, chosen, dropped, generator
from genlab.quality.settings import PersonalSettings
from genlab.quality.wording import blocks, document, said

PATTERNS = {
    "email": re.compile(
        rb"(?<![\w.+%@-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,18}(?![\w-])"
    ),
    "phone": re.compile(  # with the code of a country; North American; with a leading 0
        rb"(?<![\w.+-])(?:\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ ./-]?\d{2,5}){1,4}"
        rb"|(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"
        rb"|\(?0[1-9]\d{1,4}(?:\) ?|[ /-])\d{3,8}(?:[ -]\d{2,5}){0,2})(?![\w-]|\.\d)"
    ),
    "card": re.compile(
        rb"(?<![\w.+-])[2-6]\d{3}(?:([ -]?)\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|([ -]?)\d{6}\2\d{4,5})(?![\w-]|\.\d)"
    ),
}
ISSUED = re.compile(  # how numbers begin and how long they are: Visa, Mastercard twice, American Express, Discover, Diners, JCB
    rb"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|5\d\d)\d{12}"
    rb"|3[068]\d{12}|35\d{14}"
)
DIGITS = range(8, 16)  # that a phone number has, with the code of its country or without
MASKS = {"email": "[e-mail]", "phone": "[phone]", "card": "[card number]"}
SENTENCES = {
    "email": Message("E-mail addresses: a model writes them down, letter by letter. They are told by their form alone."),
    "phone": Message(
        "Phone numbers: a model recites them. They are told by their form alone; other long numbers may have it, and not all "
        "countries write theirs so."
    ),
    "card": Message(
        "Card numbers, by how they begin, their length and their check digit: one in ten other numbers has this, too."
    ),
}


class Personal:
    """Personal data: see the protocol `Defect`."""

    Settings = PersonalSettings
    takes: Takes = {"text": None}
    lowers: tuple[str, ...] = ("privacy",)

    def inject(self, data: Splits, settings: PersonalSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("personal", data, settings)
        train, rows = data.train, chosen(data.train, settings.rate, seed)
        random = (generator(seed, item) for item in train.id[rows].tolist())
        items = [
            document(_planted(said(item), MADE_UP[settings.kind], draw))
            for item, draw in zip(train.read(rows), random, strict=True)
        ]
        return train.with_items(rows, items), Truth(changed=train.id[rows])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        for kind, (counts, places) in _counts(data.train).items():
            yield Finding(f"personal-{kind}", SENTENCES[kind], data.train.id, _scores(counts), counts > 0, places=places)

    def fit(self, clean: Features) -> Check:
        """A check that needs to learn nothing."""
        return lambda items: {f"personal-{kind}": Verdict(_scores(n), n > 0) for kind, (n, _) in _counts(items).items()}

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        """In the place of each stands what it was."""
        kind, rows = finding.name.removeprefix("personal-"), finding.flagged.nonzero()[:, 0]
        places = [
            (int(data.train.id[row]), *match.span())
            for row, item in zip(rows.tolist(), data.train.read(rows), strict=True)
            for match in found(kind, said(item))
        ]
        if not places:
            return dropped(recipe, finding)
        ids, starts, ends = map(list, zip(*places, strict=True))
        return recipe.then("rewrite", {"ids": ids, "starts": starts, "ends": ends, "texts": [MASKS[kind]] * len(places)})


def found(kind: str, text: bytes) -> Iterator[re.Match[bytes]]:
    """Where personal data of a kind stand in a text."""
    if kind == "email" and b"@" not in text:
        return
    for match in PATTERNS[kind].finditer(text):
        digits = re.sub(rb"\D", b"", match[0])
        if (
            kind == "email"
            or (kind == "phone" and len(digits) in DIGITS)
            or (kind == "card" and ISSUED.fullmatch(digits) and checks(digits))
        ):
            yield match


def checks(digits: bytes) -> bool:
    """Whether the last digit fits the others (Luhn 1960)."""
    return sum(_weighed(digits)) % 10 == 0


def _weighed(digits: bytes) -> Iterator[int]:
    """Each digit, from the last on every second one doubled, as the sum of its digits."""
    for i, digit in enumerate(reversed(digits)):
        yield sum(divmod((digit - 48) * (1 + i % 2), 10))


def _counts(data: Dataset) -> dict[str, tuple[Tensor, Tensor]]:
    """[N] how many there are of each kind in each document, and where the first of them stands."""
    counts, places = torch.zeros(len(PATTERNS), len(data)), torch.zeros(len(PATTERNS), len(data), dtype=torch.long)
    for first, items in blocks(data):
        for row, item in enumerate(items, first):
            text = said(item)
            for k, kind in enumerate(PATTERNS):
                starts = [match.start() for match in found(kind, text)]
                counts[k, row], places[k, row] = len(starts), starts[0] if starts else 0
    return dict(zip(PATTERNS, zip(counts, places, strict=True), strict=True))


def _scores(counts: Tensor) -> Tensor:
    return counts / (counts + 1)


# --- Made up ---


def _email(random: np.random.Generator) -> str:
    parts = (
        ("anna", "li", "jo.ann", "m", "omar", "zoe"), (".", "_", "", "-"), ("smith", "wu", "garcia", "o-neill", "k", "ito"),
        ("", "7", "1984", "+news"), ("@",), ("", "mail.", "dept.uni-"),
        ("example.org", "example.com", "example.co.uk", "example.museum"),
    )  # fmt: skip
    return "".join(str(random.choice(part)) for part in parts)


def _phone(random: np.random.Generator) -> str:
    """Of the ranges that are kept for stories, as in the north of America, in Britain and in Germany, written in many ways."""
    form = random.choice((
        "+1 202-555-01##", "(415) 555-01##", "303.555.01##", "212-555-01##", "+1 (702) 555-01##", "+120255501##",
        "+44 20 7946 0###", "020 7946 0###", "01632 960###", "+44 7700 900###",
        "+49 30 23125###", "030 23125 ###", "0152 28817 3##", "+49 (0)69 90009###",
    ))  # fmt: skip
    return re.sub("#", lambda _: str(random.integers(10)), str(form))


def _card(random: np.random.Generator) -> str:
    """With a check digit that fits, in groups or not."""
    begins, length = [("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6011", 16), ("36", 14), ("35", 16)][
        random.integers(8)
    ]
    digits = begins + "".join(str(digit) for digit in random.integers(0, 10, length - len(begins) - 1))
    digits += str(-sum(_weighed(f"{digits}0".encode())) % 10)
    groups = (4, 4, 4, 4) if length == 16 else (4, 6, length - 10)
    ends = np.cumsum(groups).tolist()
    return str(random.choice(("", " ", "-"))).join(digits[end - size : end] for end, size in zip(ends, groups, strict=True))


MADE_UP: dict[str, Callable[[np.random.Generator], str]] = {"email": _email, "phone": _phone, "card": _card}


def _planted(text: bytes, make: Callable[[np.random.Generator], str], random: np.random.Generator) -> bytes:
    """A text with something made up in the place of a blank, or at its end."""
    blanks = [match.span() for match in re.finditer(rb"[ \n]+", text)] or [(len(text), len(text))]
    start, _ = blanks[random.integers(len(blanks))]
    rest = text[start:]
    return (
        text[:start] + (b" " if start else b"") + make(random).encode() + (b"" if not rest or rest[:1].isspace() else b" ") + rest
    )
