"""Patience: long work asks at each of its steps whether anybody still waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_check: ContextVar[Callable[[], None] | None] = ContextVar("patience", default=None)


@contextmanager
def while_wanted(check: Callable[[], None]) -> Iterator[None]:
    """Let `check` be called at each step of what is done meanwhile; what it raises ends the work."""
    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


def go_on() -> None:
    """Called at each step of long work: raises where nobody waits for it any longer."""
    if check := _check.get():
        check()
