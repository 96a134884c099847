"""Waves: series of four kinds, computed from a few numbers, so that what can be foretold of them is known."""

from collections.abc import Callable

import numpy as np

from genlab.modalities import Ragged

KINDS = ("sines", "Mackey–Glass", "logistic map", "random walk")
LENGTH = 192  # values of a series
NOISE = 0.01  # standard deviation of what is measured beside what is
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]  # -> series [n, LENGTH] in [-1, 1], factors [n, 2]


def draw_waves(n: int, seed: int) -> tuple[Ragged, dict[str, np.ndarray]]:
    """Series float32 [192, 1] within about [-1, 1] and their columns: label (the kind) and factors [n, 3]: the kind and two of
    its numbers: the periods of two sines in steps; the delay of Mackey–Glass and its place in time; r of the logistic map and
    where it begins; the deviation of a step of a random walk and where it begins.
    """
    random = np.random.default_rng(seed)
    kind = random.integers(0, len(KINDS), n)
    items, factors = np.empty((n, LENGTH)), np.empty((n, 3), np.float32)
    for k, draw in enumerate((_sines, _mackey_glass, _logistic, _walk)):
        of = np.flatnonzero(kind == k)
        items[of], factors[of, 1:] = draw(random, len(of))
    factors[:, 0] = kind
    items += NOISE * random.standard_normal(items.shape)
    return Ragged.of(list(items[..., None]), np.float32), {"label": kind, "factors": factors}


def _sines(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sines, one of more than twice the other's period and a share of 0.3 to 0.7."""
    periods = np.column_stack([random.uniform(8, 16, n), random.uniform(32, 64, n)])
    phase, share = random.uniform(0, 2 * np.pi, (n, 2)), random.uniform(0.3, 0.7, n)
    waves = np.sin(2 * np.pi * np.arange(LENGTH) / periods[..., None] + phase[..., None])  # [n, 2, T]
    return share[:, None] * waves[:, 0] + (1 - share[:, None]) * waves[:, 1], periods


def _mackey_glass(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """x' = 0.2 x(t - τ) / (1 + x(t - τ)¹⁰) - 0.1 x, chaotic from τ = 17 on (Mackey & Glass 1977), seen every 3 units."""
    delay, every, inner = random.integers(17, 31, n), 3, 10  # steps of 0.1
    skip = random.integers(300, 400, n) * inner  # until it is where it always is
    whole = int(skip.max()) + LENGTH * every * inner
    x = np.empty((whole, n))
    x[: 30 * inner + 1] = random.uniform(0.9, 1.3, n)
    own = np.arange(n)
    for t in range(30 * inner, whole - 1):
        past = x[t - delay * inner, own]
        x[t + 1] = x[t] + (0.2 * past / (1 + past**10) - 0.1 * x[t]) / inner
    places = skip[:, None] + np.arange(LENGTH) * every * inner
    return (x[places, own[:, None]] - 0.85) / 0.6, np.column_stack([delay, skip / inner])


def _logistic(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """x → r x (1 - x) with r from 3.6 to 4, where it is chaotic but for windows (May 1976)."""
    r, start = random.uniform(3.6, 4, n), random.uniform(0.1, 0.9, n)
    x = np.empty((LENGTH, n))
    x[0] = start
    for t in range(LENGTH - 1):
        x[t + 1] = r * x[t] * (1 - x[t])
    return 2 * x.T - 1, np.column_stack([r, start])


def _walk(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of independent steps, thrown back at -1 and 1."""
    deviation, start = random.uniform(0.02, 0.06, n), random.uniform(-0.5, 0.5, n)
    away = start[:, None] + np.cumsum(deviation[:, None] * random.standard_normal((n, LENGTH)), 1)
    return np.abs((away - 1) % 4 - 2) - 1, np.column_stack([deviation, start])
