"""Marks of tests that need what not every machine has."""

import os
from pathlib import Path

import pytest

needs_mnist = pytest.mark.skipif(
    not (Path(os.environ.get("GENLAB_DATA", "/nowhere")) / "MNIST" / "raw").is_dir(),
    reason="needs MNIST: set GENLAB_DATA to a folder with MNIST/raw",
)
