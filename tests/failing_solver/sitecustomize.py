"""A machine whose first solvers never converge: `PYTHONPATH=tests/failing_solver make test` runs everything on it.

Python imports this file at its start, in every process of the tests; the solvers fail for genlab.algebra alone.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch


def failing(solver: Callable[..., Any]) -> Callable[..., Any]:
    def gives_up(*given: Any, **options: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") == "genlab.algebra":
            raise torch.linalg.LinAlgError("The algorithm failed to converge (error code: 989086).")
        return solver(*given, **options)

    return gives_up


for name in ("solve", "eigh", "eigvalsh", "qr", "lstsq", "inv", "cholesky"):
    setattr(torch.linalg, name, failing(getattr(torch.linalg, name)))
torch.pca_lowrank = failing(torch.pca_lowrank)
