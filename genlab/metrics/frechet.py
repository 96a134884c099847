"""The Fréchet distance of two sets of features, each taken as normal (Dowson & Landau 1982; Heusel et al. 2017, eq. 6)."""

from torch import Tensor

from genlab.algebra import eigen, eigenvalues


def frechet(real: Tensor, fake: Tensor, weight: Tensor | None = None) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) of features [n, D] and [m, D]; these count by their `weight` [m]."""
    mean, covariance = _moments(real.double(), None)
    other, others = _moments(fake.double(), weight)
    values, vectors = eigen(covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = eigenvalues(root @ others @ root).clamp(min=0).sqrt().sum()  # the trace of the root of Σ₁Σ₂
    return float((mean - other).square().sum() + covariance.trace() + others.trace() - 2 * cross)


def _moments(x: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean [D] and covariance [D, D], the unbiased one where all count alike."""
    if weight is None:
        return x.mean(0), x.T.cov()
    share = weight.double() / weight.double().sum()
    mean = share @ x
    return mean, (x - mean).T @ ((x - mean) * share[:, None])
