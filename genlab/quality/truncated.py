"""Truncated: documents that end before they are over, guessed from how the others end and go on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy.special import logit
from torch import Tensor

from genlab.data.dataset import Dataset, Splits, even_rows
from genlab.data.recipe import Recipe
from genlab.features import Features
from genlab.messages import Message
from genlab.quality.defect import Finding, Takes, Truth, Whole, check_takes, chosen, dropped, generator
from genlab.quality.learned import COPIES, FEWEST, SEVERITIES, SUSPECT, Learned
from genlab.quality.settings import TruncatedSettings
from genlab.quality.wording import blocks, document, said

BEFORE = (1, 2, 3, 4, 6, 8, 12)  # bytes before a place that tell whether something ends there
BINS = 20  # bits of the hash of these
TRUST = 2.0  # how many places of a kind weigh as much as what fewer bytes tell
LIKELY = (0.8, 4.0)  # where so many of the worst cuts are recognised, what is so many times as probable a cut has no say
ENOUGH = 2**24  # bytes from which is learnt how documents go on
FACTORS = [np.uint64(pow(0x9E3779B97F4A7C15, back, 2**64)) for back in range(max(BEFORE))]
MIX = np.uint64(0xBF58476D1CE4E5B9)
BLANK = b" \t\n\r\f\v"
KINDS = (b",;:([{+-*/=\\|&<%@.", b")]}", b".!?", b"0123456789", b"\"'`", bytes(range(128, 256)))  # of last letters


class Truncated(Whole):
    """Truncated: see the protocol `Defect`. What a model writes ends where its length does, so that no check is learnt for it."""

    Settings = TruncatedSettings
    takes: Takes = {"text": None}
    lowers: tuple[str, ...] = ("completeness",)

    def inject(self, data: Splits, settings: TruncatedSettings, seed: int, key: int = 1) -> tuple[Dataset, Truth]:
        check_takes("truncated", data, settings)
        train, rows = data.train, chosen(data.train, settings.rate, seed)
        before = [*map(said, train.read(rows))]
        random = (generator(seed, item) for item in train.id[rows].tolist())
        after = [text[: _cut(text, settings.severity, draw)] for text, draw in zip(before, random, strict=True)]
        changed = torch.tensor([old != new for old, new in zip(before, after, strict=True)], dtype=torch.bool)
        return train.with_items(rows, [*map(document, after)]), Truth(changed=train.id[rows[changed]])

    def detect(self, data: Splits, features: Features) -> Iterator[Finding]:
        scores, alarms = _guessed(data)
        sentence = Message(
            "Documents that seem to be cut off: a model learns to stop in the middle. This is a guess by how the others end; of "
            "{n:,} held-out documents, which are as they came, it takes {alarms:.1%} for cut.",
            n=len(data.validation), alarms=alarms,
        )  # fmt: skip
        ends = torch.tensor([len(item) for _, items in blocks(data.train) for item in items])
        yield Finding("truncated", sentence, data.train.id, scores, scores > 0.5, places=ends)

    def repair(self, data: Splits, finding: Finding, recipe: Recipe) -> Recipe:
        return dropped(recipe, finding)


def _guessed(data: Splits) -> tuple[Tensor, float]:
    """[N] how probable it is that each document was cut, and the share of the validation documents that seem so."""
    train = data.train
    if len(train) < FEWEST:
        return torch.zeros(len(train)), 0.0
    endings = Endings(train)
    as_is = np.concatenate([endings([*map(said, items)], own=True) for _, items in blocks(train)])
    rows = even_rows(len(train), COPIES)
    whole = [*map(said, train.read(rows))]
    cuts = [_cut(text, SEVERITIES[i % len(SEVERITIES)], generator(0, i)) for i, text in enumerate(whole)]
    learned = Learned(as_is, {"cut": endings(whole, own=True, at=cuts)}, (*SUSPECT, LIKELY))
    held_out = np.concatenate([endings([*map(said, items)]) for _, items in blocks(data.validation)])
    alarms = learned.scores(held_out, rounds=50, among=as_is)["cut"] > 0.5
    return learned.scores(as_is, rounds=50)["cut"], float(alarms.float().mean())


def _cut(text: bytes, severity: float, random: np.random.Generator) -> int:
    """Where a text ends that lost a share of itself, up to the severity; between two letters, and it keeps one at least."""
    lost = max(1, round(random.uniform(0, severity) * len(text))) if severity else 0
    end = max(1, len(text) - lost)
    while 0 < end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    return end


class Endings:
    """How probable it is, by the bytes before it, that a line or a document ends somewhere, learnt from documents."""

    def __init__(self, data: Dataset) -> None:
        self.seen = np.zeros((3, len(BEFORE), 2**BINS), np.float32)  # places, those at which a line ends, and a document
        size = 0
        for _, items in blocks(data):
            if size < ENOUGH:
                self._learn([said(item) for item in items])
                size += sum(map(len, items))
        self.rates = self.seen[1:, 0].sum(1) / max(1.0, self.seen[0, 0].sum())

    def __call__(self, texts: Sequence[bytes], own: bool = False, at: Sequence[int] | None = None) -> np.ndarray:
        """[n, S] numbers of how texts end, or would if they ended `at` places; of its `own` each learns nothing here."""
        ends = [len(text[:end].rstrip(BLANK)) for text, end in zip(texts, at or map(len, texts), strict=True)]
        tails = [text[max(0, end - max(BEFORE)) : end] for text, end in zip(texts, ends, strict=True)]
        columns = [*self._likely(texts, ends, tails, own)]
        shown = [text[:end] for text, end in zip(texts, at or map(len, texts), strict=True)]
        columns += [np.array([_open(text, ends[i]) for i, text in enumerate(shown)]).reshape(len(texts), -1).T]
        return np.concatenate([np.atleast_2d(column) for column in columns]).T

    def _learn(self, texts: Sequence[bytes]) -> None:
        flat = np.frombuffer(b"".join(texts), np.uint8)
        lengths = np.array([*map(len, texts)])
        stops = lengths.cumsum()
        place = np.arange(len(flat)) - np.repeat(stops - lengths, lengths)  # in its document
        line = np.append(flat[1:] == ord("\n"), True) if len(flat) else np.zeros(0, bool)
        line[stops[lengths > 0] - 1] = True
        last = np.zeros(len(flat), bool)
        ends = [stop - length + len(text.rstrip(BLANK)) - 1 for text, stop, length in zip(texts, stops, lengths, strict=True)]
        last[[end for end, text in zip(ends, texts, strict=True) if text.strip(BLANK)]] = True
        hashes, codes = np.zeros(len(flat), np.uint64), flat.astype(np.uint64) + np.uint64(1)
        for back, factor in enumerate(FACTORS):
            hashes[back:] += codes[: max(0, len(flat) - back)] * factor
            if back + 1 in BEFORE:
                k, there = BEFORE.index(back + 1), place >= back
                bins = _bins(hashes[there])
                for table, which in zip(self.seen, (None, line[there], last[there]), strict=True):
                    table[k] += np.bincount(bins if which is None else bins[which], minlength=2**BINS)

    def _likely(self, texts: Sequence[bytes], ends: Sequence[int], tails: Sequence[bytes], own: bool) -> Iterator[np.ndarray]:
        """[n] each: the log odds that a line ends there, and the document, by more and more bytes, and how often these came."""
        n = len(texts)
        codes = np.zeros((n, max(BEFORE)), np.uint64)
        for row, tail in zip(codes, tails, strict=True):
            row[: len(tail)] = np.frombuffer(tail[::-1], np.uint8).astype(np.uint64) + np.uint64(1)
        known = np.array([*map(len, tails)])
        line = np.array([text[end : end + 1] in (b"", b"\n") for text, end in zip(texts, ends, strict=True)])
        last = np.array([not text[end:].strip(BLANK) for text, end in zip(texts, ends, strict=True)])
        hashes, probable = np.zeros(n, np.uint64), [np.full(n, rate) for rate in self.rates]
        for back, factor in enumerate(FACTORS):
            hashes += codes[:, back] * factor
            if back + 1 not in BEFORE:
                continue
            k, there, bins = BEFORE.index(back + 1), known > back, _bins(hashes)
            tables = zip(self.seen[:, k], (there, line, last), strict=True)
            count, *ended = (np.where(there, table[bins] - own * share, 0).clip(min=0) for table, share in tables)
            for j, times in enumerate(ended):
                probable[j] = (np.minimum(times, count) + TRUST * probable[j]) / (count + TRUST)
                yield logit(probable[j].clip(1e-6, 1 - 1e-6))
            yield np.log1p(count)


def _bins(hashes: np.ndarray) -> np.ndarray:
    return ((hashes ^ (hashes >> np.uint64(31))) * MIX >> np.uint64(64 - BINS)).astype(np.int64)


def _open(text: bytes, end: int) -> list[float]:
    """Of a text whose last letter stands before `end`: what is open in it, and what stands last."""
    last = text[end - 1 : end]
    brackets = sum(text.count(a) - text.count(b) for a, b in ((b"(", b")"), (b"[", b"]"), (b"{", b"}")))
    quotes = [text.count(mark) % 2 for mark in (b'"', b"'", b"`")]
    line = text[text.rfind(b"\n", 0, end) + 1 : end]
    return [
        float(np.clip(brackets, -2, 3)), *quotes, text.count("“".encode()) > text.count("”".encode()), len(text) > end,
        np.log1p(len(text)), np.log1p(len(line)), len(line) - len(line.lstrip()), last.isalpha(),
        *(bool(last) and last in kind for kind in KINDS),
    ]  # fmt: skip
