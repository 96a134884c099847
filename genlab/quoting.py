"""Quoting: texts as words and signs, and how much of a text stands in others word for word."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

RUN = 8  # words and signs in a row that are a quotation
WORD = re.compile(r"[぀-鿿]|[^\W぀-鿿]+|([^\w\s])\1*")  # a sign that is repeated is one; of Chinese and Japanese each is
MOST = 2**26  # bytes of documents that are looked through; of more, a part at even distances
UNKNOWN, BEYOND = 0, -1  # a word that stands nowhere; what follows the last of a document that is shorter than a run


@dataclass(frozen=True)
class Quoted:
    """How much of a text stands in others word for word, in runs of RUN words and signs or more."""

    copied: int  # letters and signs, without the spaces between them
    size: int  # of all of it
    longest: int  # words and signs of the longest run
    spans: tuple[tuple[int, int], ...] = ()  # where the runs begin and end

    @property
    def share(self) -> float:
        return self.copied / self.size if self.size else 0.0


class Quotations:
    """Finds what of a text stands in some documents word for word; spaces and the ends of lines count for nothing.

    A document of fewer than RUN words and signs is a run as a whole: a text that is as short is copied where it is the same.
    """

    def __init__(self, documents: Iterable[str]) -> None:
        self.numbers: dict[str, int] = {}
        flat = np.concatenate([np.zeros(0, np.int32), *self._numbered(documents)])
        ends = np.cumsum(self._lengths, dtype=np.int64)
        inside = np.ones(len(flat), bool)  # whether a run that begins there ends in the same document
        for before in range(1, RUN):
            inside[ends - before] = False
        places = np.flatnonzero(inside)
        hashes = hashed(flat)[places]
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.places = hashes[order], places[order].astype(np.int32)  # where each run stands, by its hash

    def _numbered(self, documents: Iterable[str]) -> Iterator[np.ndarray]:
        self._lengths: list[int] = []
        for document in documents:
            row = [self.numbers.setdefault(word, len(self.numbers) + 1) for word in words_of(document)]
            if row:
                row += [BEYOND] * (RUN - len(row))
                self._lengths.append(len(row))
                yield np.array(row, np.int32)

    def look(self, text: str) -> Quoted:
        """What of a text is quoted."""
        found = [match.span() for match in WORD.finditer(text)]
        if not found:
            return Quoted(0, 0, 0)
        row = [self.numbers.get(text[start:end], UNKNOWN) for start, end in found] + [BEYOND] * (RUN - len(found))
        runs = hashed(np.array(row, np.int32))
        low, high = (np.searchsorted(self.hashes, runs, side) for side in ("left", "right"))
        covered = np.zeros(len(row), bool)
        for at in range(RUN):
            covered[at : at + len(runs)] |= high > low
        longest = self._longest([self.places[a:b] for a, b in zip(low, high, strict=True)])
        sizes = np.array([end - start for start, end in found])
        return Quoted(
            int(sizes[covered[: len(found)]].sum()), int(sizes.sum()), min(longest, len(found)), _spans(found, covered.tolist())
        )

    def _longest(self, places: list[np.ndarray]) -> int:
        """The longest run in one document, from the places at which each run of RUN words stands."""
        best, after, lengths = 0, np.zeros(0, np.int32), np.zeros(0, np.int64)
        for here in reversed(places):
            own = np.full(len(here), RUN)
            if len(after) and len(here):
                at = np.searchsorted(after, here + 1).clip(max=len(after) - 1)
                goes_on = after[at] == here + 1
                own[goes_on] = lengths[at[goes_on]] + 1
            best, after, lengths = max(best, int(own.max(initial=0))), here, own
        return best


def words_of(text: str) -> list[str]:
    """The words and signs of a text."""
    return [match[0] for match in WORD.finditer(text)]


def hashed(numbers: np.ndarray) -> np.ndarray:
    """[n - RUN + 1] hashes of the runs of RUN numbers in [n], n at least RUN or 0 (Karp & Rabin 1987)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    runs = np.zeros(max(0, len(numbers) - RUN + 1), np.uint64)
    for at in range(RUN):
        runs = runs * np.uint64(0xD6E8FEB86659FD93) + mixed[at : at + len(runs)]
    return runs


def _spans(found: list[tuple[int, int]], covered: list[bool]) -> tuple[tuple[int, int], ...]:
    """Where covered words that follow one another begin and end."""
    spans: list[tuple[int, int]] = []
    for i, ((start, end), inside) in enumerate(zip(found, covered, strict=False)):
        if inside and i and covered[i - 1]:
            spans[-1] = (spans[-1][0], end)
        elif inside:
            spans.append((start, end))
    return tuple(spans)
