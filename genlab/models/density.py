"""Density: where in a latent space the data lie, as a mixture of normal densities, fitted when the networks have learnt."""

import warnings

import torch
from torch import Tensor, nn

from genlab.algebra import roots, solutions

MOST = 50  # components
ROOM = 2**17  # numbers that all their factors may take
ROUNDS = 40  # of fitting, after which little changes
EACH = 10  # latents for each axis of a component that is fitted to them, at least
LEAST = 1e-4  # variance of a component along any axis, as a part of that of all latents along all


class Density(nn.Module):
    """The standard normal density of latents [L] until it is fitted, then a mixture whose shares depend on the class."""

    newer = ("shares", "means", "factors")  # what checkpoints lack that were made before there was one
    shares: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        count = max(1, min(MOST, ROOM // latent**2))
        shares = torch.zeros(1 + classes, count)
        shares[0, 0] = 1
        self.register_buffer("shares", shares)  # [1 + K, M] of all items, and of each class; a class with none has those of all
        self.register_buffer("means", torch.zeros(count, latent))  # [M, L]
        self.register_buffer("factors", torch.zeros(count, latent, latent))  # [M, L, L]  Cholesky factors of covariances
        self.factors.diagonal(dim1=1, dim2=2).fill_(1)

    def place(self, z: Tensor, chance: Tensor, classes: Tensor | None) -> Tensor:
        """[n, L] where standard normal latents [n, L] come to lie, each in the component at its `chance` [n] in [0, 1).

        For a blend of classes, weights [n, K], that is the blend of where they would lie for each; no class counts as one, too.
        """
        told = self.shares.sum(1, keepdim=True) > 0
        heap = torch.where(told, self.shares, self.shares[0]).cumsum(1)  # [1 + K, M]
        found = torch.searchsorted(heap / heap[:, -1:], chance.repeat(len(heap), 1), right=True)  # [1 + K, n]
        classes = z.new_zeros(len(z), 0) if classes is None else classes
        blend = torch.cat([1 - classes.sum(1, keepdim=True), classes], dim=1)  # [n, 1 + K]
        chosen = z.new_zeros(len(z), len(self.means)).scatter_add_(1, found.T, blend)  # [n, M]
        moved = self.means + torch.einsum("mij,nj->nmi", self.factors, z)  # [n, M, L]
        return (chosen[:, :, None] * moved).sum(1)

    def middle(self, z: Tensor) -> Tensor:
        """[n, L] the means of the components that latents [n, L] belong to, as far as they do."""
        away = (z - self.means[:, None]).transpose(1, 2)  # [M, L, n]
        white = solutions(self.factors, away)
        volume = self.factors.diagonal(dim1=1, dim2=2).log().sum(1)  # [M]
        return (self.shares[0].log() - volume - white.square().sum(1).T / 2).softmax(1) @ self.means

    def fit(self, z: Tensor, label: Tensor, seed: int) -> None:
        """Fit the mixture to latents [n, L] of items with these labels [n], -1 where unknown."""
        from sklearn.exceptions import ConvergenceWarning  # slow to import
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        spread = z.std().clamp(min=1e-6)
        x, count = (z / spread).numpy(), max(1, min(len(self.means), len(z) // (EACH * z.shape[1])))
        with threadpool_limits(1), warnings.catch_warnings():  # more threads would add in another order
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that could be a little better is good
            mixture = GaussianMixture(count, reg_covar=LEAST, max_iter=ROUNDS, random_state=seed).fit(x)
            belongs = torch.from_numpy(mixture.predict_proba(x)).float()  # [n, M]
        factors = roots(torch.from_numpy(mixture.covariances_)).float()
        self.shares.zero_()
        for row in range(len(self.shares)):
            own = belongs[label == row - 1] if row else belongs
            self.shares[row, :count] = own.mean(0) if len(own) else 0
        self.means[:count] = torch.from_numpy(mixture.means_).float() * spread
        self.factors[:count] = factors * spread
