"""Decompositions answer for every finite matrix, whichever solver does the work."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from genlab import algebra

SOLVERS = ("solve", "eigh", "eigvalsh", "qr", "lstsq", "inv", "cholesky")
DEGENERATE = {
    "zero": lambda n, d, draw: draw(n, d) * 0,
    "rank one": lambda n, d, draw: draw(n, 1) @ draw(1, d),
    "repeated values": lambda n, d, draw: torch.eye(n, d, dtype=torch.double) * 3,
    "subnormal numbers": lambda n, d, draw: draw(n, d) * 1e-310,
    "tiny beside large": lambda n, d, draw: draw(n, d) * 10.0 ** torch.linspace(-160, 0, d, dtype=torch.double),
    "alike rows": lambda n, d, draw: draw(1, d).expand(n, d).clone(),
    "plain": lambda n, d, draw: draw(n, d),
}


def gives_up(*given, **options):
    raise torch.linalg.LinAlgError("The algorithm failed to converge (error code: 989086).")


@pytest.fixture(params=["the first way", "the second way"])
def way(request, monkeypatch):
    """The first solver as it is on this machine, or made to fail as it does on others."""
    if request.param == "the second way":
        for solver in SOLVERS:
            monkeypatch.setattr(torch.linalg, solver, gives_up)
        monkeypatch.setattr(torch, "pca_lowrank", gives_up)
    return request.param


matrices = st.builds(
    lambda kind, n, d, seed: _drawn(kind, n, d, seed),
    st.sampled_from(sorted(DEGENERATE)),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**20),
)


def _drawn(kind: str, n: int, d: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return DEGENERATE[kind](n, d, lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.double))


def _near(a, b, scale):
    assert float((a - b).abs().max()) <= 1e-9 * float(scale)


@given(x=matrices)
def _eigen_rebuilds(x):
    gram = x.T @ x
    values, vectors = algebra.eigen(gram)
    _near(vectors * values @ vectors.T, gram, gram.abs().max() + 1e-300)
    _near(vectors.T @ vectors, torch.eye(len(gram), dtype=torch.double), 1)
    assert torch.equal(values, values.sort().values)
    _near(algebra.eigenvalues(gram), values, gram.abs().max() + 1e-300)


@given(x=matrices)
def _columns_are_orthonormal(x):
    x = x if x.shape[0] >= x.shape[1] else x.T
    q = algebra.orthonormal(x)
    _near(q.T @ q, torch.eye(x.shape[1], dtype=torch.double), 1)
    _near(q @ (q.T @ x), x, x.abs().max() + 1e-300)


@given(x=matrices)
def _the_strongest_hold_most(x):
    k = min(2, *x.shape)
    u = algebra.strongest(x, k)
    _near(u.T @ u, torch.eye(k, dtype=torch.double), 1)
    most = np.linalg.svd(x.numpy(), compute_uv=False)[:k]
    held = (u.T @ x).norm(dim=1)
    assert float((held - torch.from_numpy(most)).abs().max()) <= 1e-6 * most.max() + 1e-300


@given(x=matrices, y=st.integers(0, 2**20))
@example(x=_drawn("alike rows", 2, 12, 134), y=0)
def _regression_leaves_what_is_across(x, y):
    y = _drawn("plain", len(x), 2, y)
    left = y - x @ algebra.regression(x, y)
    assert left.isfinite().all()
    assert float(left.norm()) <= float(y.norm()) * (1 + 1e-9)  # no worse than the answer 0
    if x.abs().amax(0).amin() > 1e-3:  # what is across is so to rounding, where no column is lost in it
        _near(x.T @ left, torch.zeros(()), 1e3)


@given(x=matrices)
def _principal_components_are_those_of_the_data(x):
    x = x.float()  # what is subnormal in single precision counts as nothing
    k = min(2, *x.shape)
    s, v = algebra.principal(x, k)
    assert s.shape == (k,)
    assert v.shape == (x.shape[1], k)
    assert v.isfinite().all()
    exact = torch.from_numpy(np.linalg.svd(x.double().numpy(), compute_uv=False))[:k]
    assert float((s.double() - exact).abs().max()) <= 0.02 * float(exact.max()) + 1e-30


def test_eigenvectors_rebuild_every_symmetric_matrix(way):
    _eigen_rebuilds()


def test_columns_are_orthonormal_and_span_the_same(way):
    _columns_are_orthonormal()


def test_the_strongest_left_singular_vectors_hold_most_of_a_matrix(way):
    _the_strongest_hold_most()


def test_a_regression_leaves_only_what_is_across_and_is_finite_everywhere(way):
    _regression_leaves_what_is_across()


def test_principal_components_are_those_of_the_data(way):
    _principal_components_are_those_of_the_data()


def test_systems_are_solved_each_and_singular_ones_by_the_shortest(way):
    x = torch.stack([_drawn("plain", 4, 4, seed) for seed in range(5)])
    right = torch.stack([_drawn("plain", 4, 2, seed) for seed in range(5, 10)])
    _near(x @ algebra.solutions(x, right), right, 1e4)
    assert torch.equal(algebra.solutions(torch.zeros(2, 3, 3), torch.zeros(2, 3, 1)), torch.zeros(2, 3, 1))


def test_an_inverse_is_one_and_a_singular_matrix_has_its_pseudo_inverse(way):
    x = _drawn("plain", 6, 6, 0)
    _near(algebra.inverse(x @ x.T) @ (x @ x.T), torch.eye(6, dtype=torch.double), 1e3)
    assert torch.equal(algebra.inverse(torch.zeros(3, 3)), torch.zeros(3, 3))


def test_a_root_is_triangular_and_makes_its_matrix_again(way):
    x = torch.stack([_drawn("plain", 6, 4, seed) for seed in range(3)])
    roots = algebra.roots(x.mT @ x)
    assert torch.equal(roots, roots.tril())
    _near(roots @ roots.mT, x.mT @ x, 1e3)


def test_both_ways_agree(monkeypatch):
    x = _drawn("plain", 9, 5, 1)
    first = algebra.eigen(x.T @ x)[0], algebra.regression(x, x[:, :2]), algebra.principal(x.float(), 2)[0].double()
    for solver in ("eigh", "lstsq"):
        monkeypatch.setattr(torch.linalg, solver, gives_up)
    monkeypatch.setattr(torch, "pca_lowrank", lambda *given, **options: (torch.full((5, 5), torch.nan),) * 3)
    second = algebra.eigen(x.T @ x)[0], algebra.regression(x, x[:, :2]), algebra.principal(x.float(), 2)[0].double()
    for one, other in zip(first, second, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-9)


def test_answers_have_the_precision_that_was_given():
    assert {part.dtype for part in algebra.eigen(torch.eye(3))} == {torch.float32}
    assert algebra.eigenvalues(torch.eye(3, dtype=torch.double)).dtype == torch.float64


def test_nothing_decomposes_a_matrix_beside_this_module():
    root = Path(__file__).parents[1]
    found = [
        f"{file.relative_to(root)}: {ast.unparse(node)}"
        for folder in ("genlab", "benchmarks")
        for file in (root / folder).rglob("*.py")
        if file.name != "algebra.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and (node.attr in {"pca_lowrank", "svd_lowrank", "svd", "eigh", "eigvals", "cholesky", "lstsq", "pinverse"}
             or (ast.unparse(node.value).endswith("linalg") and node.attr not in {"norm", "vector_norm", "matrix_norm"}))
    ]  # fmt: skip
    assert not found
