"""Maps: a dataset's embedding in two dimensions, by principal components or by who is near whom; the cache keeps each."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from genlab.data import summary
from genlab.data.dataset import Dataset
from genlab.data.summary import Map
from genlab.errors import BadSetting
from genlab.features import Features

MOST = 5000  # items that are placed by their neighbours; of more, so many at random
AXES = 50  # of the embedding that neighbours are looked for in
FEWEST = 4  # items that can be placed by their neighbours
PERPLEXITY = 30  # effective neighbours of an item
ROUNDS = 500  # of t-SNE, by which groups lie apart; more only polish them


def methods() -> list[str]:
    """How a map can be made on this machine."""
    return [method for method in METHODS if method != "umap" or find_spec("umap")]


def project(data: Dataset, method: str = "pca") -> Map:
    """Place the items of a dataset in the plane: all by PCA, of pixels or of the embedding; at most 5,000 by their neighbours.

    Raises BadSetting for a method that is unknown, or needs a package that is not installed.
    """
    if method not in METHODS:
        raise BadSetting("method is {method!r}; it must be one of {methods}.", method=method, methods=methods())
    if method not in methods():
        raise BadSetting(
            "method is {method!r}, which needs the package umap-learn: pip install umap-learn. Possible without it: {methods}.",
            method=method,
            methods=methods(),
        )
    if method == "pixels":
        return summary.project(data)
    features = Features(data)
    if method == "pca" or len(data) < FEWEST:
        return _by_components(features.embedding)
    found = features.kept(f"map-{method}", lambda: _by_neighbours(features.embedding, PLACES[method]))
    return Map(found["rows"], found["points"])


def _by_components(embedding: Tensor) -> Map:
    """The two strongest principal components (Pearson 1901), which the embedding begins with."""
    points = torch.nn.functional.pad(embedding, (0, max(0, 2 - embedding.shape[1])))[:, :2]
    variance = embedding.double().var(0, correction=0)
    first, second = (points.double().var(0, correction=0) / variance.sum().clamp(min=1e-12)).tolist()
    return Map(torch.arange(len(points)), _scaled(points), (first, second))


def _by_neighbours(embedding: Tensor, place: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    rows = torch.randperm(len(embedding), generator=torch.Generator().manual_seed(0))[:MOST].sort().values
    points = place(embedding[rows, :AXES].numpy())
    return {"rows": rows.numpy(), "points": _scaled(torch.from_numpy(points).float()).numpy()}


def _scaled(points: Tensor) -> Tensor:
    return (points - points.mean(0)) / points[:, 0].std(correction=0).clamp(min=1e-12)


def _t_sne(x: np.ndarray) -> np.ndarray:
    """Barnes-Hut t-SNE (van der Maaten 2014) that starts from the principal components (Kobak & Berens 2019)."""
    from sklearn.manifold import TSNE  # slow to import

    start = x[:, :2] / max(float(x[:, 0].std()), 1e-12) * 1e-4
    return TSNE(perplexity=min(PERPLEXITY, (len(x) - 1) / 3), init=start, max_iter=ROUNDS, random_state=0).fit_transform(x)


def _umap(x: np.ndarray) -> np.ndarray:
    """UMAP (McInnes, Healy & Melville 2018)."""
    from umap import UMAP

    return UMAP(n_neighbors=min(15, len(x) - 1), random_state=0).fit_transform(x)


PLACES = {"t-sne": _t_sne, "umap": _umap}
METHODS = ("pixels", "pca", *PLACES)
