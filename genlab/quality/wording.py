"""Wording: what documents have in common, by the runs of letters in them, whatever their case and spacing.

A document is the set of its runs of bytes; two are as alike as the share of all their runs that both have (Jaccard 1912), which
the least values of random permutations tell without a look at the sets (Broder 1997).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from genlab.data.dataset import Dataset

SMALL = np.arange(256, dtype=np.uint8)
SMALL[ord("A") : ord("Z") + 1] += 32
SMALL[[*b"\t\n\r\f\v"]] = ord(" ")
BLOCK = 2**22  # bytes that are looked at at a time
FACTOR = 0x9E3779B97F4A7C15  # of the hash of a run
HASHES, ROWS = 128, 4  # permutations, and how many of them must agree for two documents to be compared
NEARLY = 0.15  # by how much these may tell too little


def blocks(data: Dataset) -> Iterator[tuple[int, list[Tensor]]]:
    """The documents in order, some at a time, of about BLOCK bytes: the row of the first of them, and they themselves."""
    first, some, size = 0, list[Tensor](), 0
    for start in range(0, len(data), 256):
        for item in data.read(slice(start, start + 256)):
            some.append(item)
            size += len(item)
            if size > BLOCK:
                yield first, some
                first, some, size = first + len(some), [], 0
    if some:
        yield first, some


def said(item: Tensor) -> bytes:
    """What stands in a document."""
    return item.numpy().tobytes()


def document(content: bytes) -> Tensor:
    """The document in which that stands."""
    return torch.from_numpy(np.frombuffer(bytearray(content), np.uint8))


def same_start(text: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    pairs = enumerate(zip(text, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(text), len(other)))


def plain(items: Sequence[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Documents one after another in small letters, with one space for any number of blanks, and how long each is [n]."""
    lengths = np.array([len(item) for item in items], np.int64)
    flat = SMALL[np.concatenate([np.zeros(0, np.uint8), *(item.numpy() for item in items)])]
    owner, blank = np.repeat(np.arange(len(items)), lengths), flat == ord(" ")
    kept = ~blank
    kept[1:] |= ~blank[:-1] & (owner[1:] == owner[:-1])  # the first blank after a letter
    return flat[kept], np.bincount(owner[kept], minlength=len(items))


def runs(items: Sequence[Tensor], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes [R] of all runs of so many bytes, a power of two, document by document, and how many each has [n]."""
    flat, lengths = plain(items)
    ends = np.repeat(lengths.cumsum(), lengths)
    hashes, factor, size = flat.astype(np.uint64) + np.uint64(1), FACTOR, 1
    while size < length:
        hashes = hashes[: max(0, len(hashes) - size)] * np.uint64(factor) + hashes[size:]
        factor, size = factor * factor % 2**64, 2 * size
    whole = np.arange(len(hashes)) + length <= ends[: len(hashes)]
    return _mixed(hashes[whole]), (lengths - length + 1).clip(min=0)


def repeated(items: Sequence[Tensor], length: int) -> Tensor:
    """[n] the share of the runs of each document that stood in it before."""
    counts = (plain(items)[1] - length + 1).clip(min=0)
    return torch.from_numpy((counts - _counted(_sets(items, length), len(items))) / counts.clip(min=1)).float()


def alike(data: Dataset, length: int, fewest: int, limit: float) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs [P, 2] of documents that share at least so much of their runs, their likeness [P], and who can be compared [N].

    Those with fewer than `fewest` runs cannot. Of many that seem alike each is compared with the first of them and with the one
    before it, so that a thousand copies are two thousand pairs.
    """
    signs, counts = _signs(data, length)
    compared = np.flatnonzero(counts >= fewest)
    linked = (_linked(signs, compared, k) @ [len(data), 1] for k in range(0, HASHES, ROWS))
    codes = _different(np.concatenate([np.empty(0, np.int64), *linked]))
    pairs = np.stack([codes // max(1, len(data)), codes % max(1, len(data))], 1)
    estimate = np.concatenate([np.empty(0), *((signs[p[:, 0]] == signs[p[:, 1]]).mean(1) for p in _parts(pairs))])
    pairs = pairs[estimate >= limit - NEARLY]
    shares = np.concatenate([np.empty(0), *(_shared(data, p, length) for p in _sized(pairs, counts))])
    near = shares >= limit
    return torch.from_numpy(pairs[near]), torch.from_numpy(shares[near]).float(), torch.from_numpy(counts >= fewest)


def contained(data: Dataset, other: Dataset, length: int, fewest: int) -> Tensor:
    """[N] the largest share of the shorter of two documents that the other has, too: of each here and any of another part."""
    sets, theirs = list[np.ndarray](), np.zeros(len(other), np.int64)
    for first, items in blocks(other):
        sets.append(_sets(items, length, first))
        theirs[first : first + len(items)] = _counted(sets[-1], len(other))[first : first + len(items)]
    codes = np.concatenate([np.empty(0, np.uint64), *sets])
    known, where = np.unique(_hash(codes), return_index=True)
    owner, shares = _owner(codes)[where], np.zeros(len(data))  # of what several have, the first
    for first, items in blocks(data) if len(known) else ():
        codes = _sets(items, length, first)
        mine, place = _counted(codes, len(data)), np.searchsorted(known, _hash(codes)).clip(max=len(known) - 1)
        hit = known[place] == _hash(codes)
        both, shared = np.unique(_owner(codes)[hit] * len(other) + owner[place[hit]], return_counts=True)
        row, held = both // len(other), both % len(other)
        least = np.minimum(mine[row], theirs[held])
        np.maximum.at(shares, row, np.where(least >= fewest, shared / least.clip(min=1), 0))
    return torch.from_numpy(shares).float()


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """The upper halves of hashes, uint32, once each bit had a say in all (the finaliser of SplitMix64, Steele et al. 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _signs(data: Dataset, length: int) -> tuple[np.ndarray, np.ndarray]:
    """[N, HASHES] the least of each document's hashes after each permutation h -> a·h + b of them, and how many it has [N]."""
    random = np.random.default_rng(0)
    a, b = random.integers(0, 2**32, (2, HASHES), dtype=np.uint32)
    signs, counts = np.zeros((len(data), HASHES), np.uint32), np.zeros(len(data), np.int64)
    for first, items in blocks(data):
        hashes, number = runs(items, length)
        counts[first : first + len(items)] = number
        there = np.flatnonzero(number)
        starts = (number.cumsum() - number)[there]
        for k in range(HASHES if len(there) else 0):
            signs[first + there, k] = np.minimum.reduceat(hashes * (a[k] | np.uint32(1)) + b[k], starts)
    return signs, counts


def _linked(signs: np.ndarray, compared: np.ndarray, k: int) -> np.ndarray:
    """[P, 2] of those documents that agree in ROWS values from k on: each with the first of them, and with the one before."""
    keys = np.ascontiguousarray(signs[compared, k : k + ROWS]).view(np.uint64)  # [n, ROWS / 2]
    order = np.lexsort((compared, *keys.T))
    same = (keys[order][1:] == keys[order][:-1]).all(1)
    starts = np.concatenate([[True], ~same]) if len(order) else np.empty(0, bool)
    head = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
    later, before = order[1:][same], order[:-1][same]
    ends = np.stack([np.concatenate([head[1:][same], before]), np.concatenate([later, later])], 1)
    return np.sort(compared[ends], 1)


def _parts(pairs: np.ndarray, size: int = 2**16) -> Iterator[np.ndarray]:
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def _sized(pairs: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs some at a time, whose documents together are of about BLOCK bytes."""
    part = counts[pairs].sum(1).cumsum() // BLOCK
    return iter(np.split(pairs, np.flatnonzero(np.diff(part)) + 1)) if len(pairs) else iter(())


def _shared(data: Dataset, pairs: np.ndarray, length: int) -> np.ndarray:
    """[P] the share of the runs of both that both have."""
    first, second = (_sets(data.read(torch.from_numpy(side.copy())), length) for side in pairs.T)
    common = _counted(np.intersect1d(first, second, assume_unique=True), len(pairs))
    return common / (_counted(first, len(pairs)) + _counted(second, len(pairs)) - common).clip(min=1)


def _sets(items: Sequence[Tensor], length: int, first: int = 0) -> np.ndarray:
    """The different runs of each document, with its number, from `first` on, above them."""
    hashes, counts = runs(items, length)
    return _different(np.repeat(np.arange(first, first + len(items), dtype=np.uint64), counts) << np.uint64(32) | hashes)


def _different(values: np.ndarray) -> np.ndarray:
    """Each value once, in order; numpy's own way through a table of hashes is ten times slower here."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def _hash(sets: np.ndarray) -> np.ndarray:
    return sets.astype(np.uint32)


def _owner(sets: np.ndarray) -> np.ndarray:
    return (sets >> np.uint64(32)).astype(np.int64)


def _counted(sets: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(_owner(sets), minlength=n)
