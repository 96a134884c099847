"""Marks of tests that need what not every machine has, and of what only repeats at length."""

import os
from pathlib import Path
from typing import Any

import pytest

needs_mnist = pytest.mark.skipif(
    not (Path(os.environ.get("GENLAB_DATA", "/nowhere")) / "MNIST" / "raw").is_dir(),
    reason="needs MNIST: set GENLAB_DATA to a folder with MNIST/raw",
)


def long(*values: Any, id: str | None = None) -> Any:
    """These values of a test's parameters are left to `make test-all`: they repeat what the others show."""
    return pytest.param(*values, id=id, marks=pytest.mark.long)


SIZES = ["phone", long("page")]  # fixtures of the page; what has room on a phone has it at a desk
