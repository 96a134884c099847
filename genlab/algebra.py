"""Algebra: decompositions that answer for every finite matrix; where one solver gives up, a second one takes over.

LAPACK differs from processor to processor: on some, eigh of a matrix of zeros does not converge, on others it does. The
second ways are other algorithms of another library (scipy brings an OpenBLAS of its own, torch has MKL where there is one).
All is computed on the CPU, and in double precision but where it is said; answers have the precision and device of what was given.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

NOTHING = 1e-30  # below which a number is taken for 0 where one divides by it
SPARE = 4  # directions beside those that are wanted, which make a random projection exact


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [D], rising, and eigenvectors [D, D] in columns of a symmetric matrix [D, D]."""
    return _either(torch.linalg.eigh, lambda scipy, m: scipy.eigh(m, driver="evr"), matrix)


def eigenvalues(matrix: Tensor) -> Tensor:
    """Eigenvalues [D], rising, of a symmetric matrix [D, D]."""
    (values,) = _either(torch.linalg.eigvalsh, lambda scipy, m: scipy.eigvalsh(m, driver="evr"), matrix)
    return values


def orthonormal(x: Tensor) -> Tensor:
    """[N, D] orthonormal columns, the first k of which span what the first k of x [N, D] do; N is at least D."""
    (q,) = _either(lambda m: torch.linalg.qr(m)[0], lambda scipy, m: scipy.qr(m, mode="economic")[0], x)
    return q


def strongest(x: Tensor, k: int) -> Tensor:
    """[N, k] the left singular vectors of x [N, D] with the largest singular values, k at most min(N, D)."""
    if len(x) <= x.shape[1]:
        return eigen(x @ x.T)[1].flip(1)[:, :k]
    return orthonormal(x @ eigen(x.T @ x)[1].flip(1)[:, :k])


def regression(x: Tensor, y: Tensor) -> Tensor:
    """[D, K] the least-squares solution of x [N, D] times it = y [N, K], the shortest where there are many.

    A column of nothing explains nothing, also where it is not quite nothing.
    """
    x = x * (x.abs().amax(0) > NOTHING)
    least = torch.finfo(x.dtype).eps * max(x.shape)  # smaller singular values, as parts of the largest, are rounding
    (solution,) = _either(
        lambda a, b: torch.linalg.lstsq(a, b, rcond=least, driver="gelsd").solution,
        lambda scipy, a, b: scipy.lstsq(a, b, cond=least)[0],
        x,
        y,
    )
    return solution


def solutions(matrices: Tensor, right: Tensor) -> Tensor:
    """[n, D, K] the solutions of square systems [n, D, D] for right sides [n, D, K], the shortest where there are many."""

    def pseudo(_: Any, m: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.pinv(m) @ b

    (found,) = _either(torch.linalg.solve, pseudo, matrices, right)
    return found


def roots(matrices: Tensor) -> Tensor:
    """[n, D, D] the lower triangular factors L of positive definite matrices L Lᵀ [n, D, D] (Cholesky)."""
    (found,) = _either(torch.linalg.cholesky, lambda _, m: np.linalg.cholesky(m), matrices)
    return found


def inverse(matrix: Tensor) -> Tensor:
    """The inverse of a symmetric matrix [D, D]; where it has none, its pseudo-inverse."""
    (found,) = _either(torch.linalg.inv, lambda scipy, m: scipy.pinvh(m), matrix)
    return found


def principal(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest singular values [k] of x [N, D] and their right vectors [D, k], by random projection (Halko et al. 2011).

    In single precision, the same each time, and as exact as a map needs them.
    """

    def projected(m: Tensor) -> tuple[Tensor, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, s, v = torch.pca_lowrank(m, q=min(k + SPARE, *m.shape), center=False, niter=4)
        return s[:k], v[:, :k]

    def exact(scipy: Any, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, s, v = scipy.svd(m, full_matrices=False, lapack_driver="gesvd")
        return s[:k], v[:k].T

    return _either(projected, exact, x, precision=torch.float32)


def _either(first: Callable[..., Any], second: Callable[..., Any], *given: Tensor, precision: torch.dtype = torch.float64) -> Any:
    """What the first way answers, or where it fails, or answers what is not finite, the second: always a tuple of tensors."""
    device, kind = given[0].device, given[0].dtype
    whole = [tensor.detach().to("cpu", precision) for tensor in given]
    assert all(tensor.isfinite().all() for tensor in whole), "a matrix holds NaN or infinity"
    try:
        found = _tensors(first(*whole))
    except torch.linalg.LinAlgError:
        found = ()
    if not found or not all(tensor.isfinite().all() for tensor in found):
        import scipy.linalg  # needed once in a blue moon, and slow to import

        found = _tensors(second(scipy.linalg, *(tensor.numpy() for tensor in whole)))
    return tuple(tensor.to(device, kind) for tensor in found)


def _tensors(found: Any) -> tuple[Tensor, ...]:
    several = found if isinstance(found, tuple) else (found,)
    return tuple(torch.as_tensor(cast(Any, part)) for part in several)
