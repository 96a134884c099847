"""Features: closed forms equal to what they stand for, and a cache that tells orders apart."""

import numpy as np
import torch

from genlab.data import load
from genlab.features import Features, nearest, ridge


def test_leave_one_out_equals_leaving_each_out():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(40, 6, generator=generator), torch.randn(40, 3, generator=generator)
    weight = torch.ones(40)
    weight[::7] = 0
    fast, _ = ridge(x, y, weight, penalties=(2.0,))
    for i in range(40):
        others = weight.clone()
        others[i] = 0
        beta = torch.linalg.solve((x * others[:, None]).T @ x + 2 * torch.eye(6), (x * others[:, None]).T @ y)
        assert torch.allclose(fast[i], x[i] @ beta, atol=1e-3)


def test_the_nearest_are_those_of_all_distances():
    x = torch.randn(700, 5, generator=torch.Generator().manual_seed(1))
    whole = torch.cdist(x, x).fill_diagonal_(torch.inf).topk(4, largest=False)
    found = nearest(x, 4)
    assert np.allclose(found["distances"], whole.values, atol=1e-3)
    assert (torch.from_numpy(found["rows"]) == whole.indices).float().mean() > 0.99


def test_other_items_predict_the_class_of_most_digits():
    data = load("digits").train
    predictions = Features(data).predictions
    assert (predictions.scores.argmax(1) == data.label).float().mean() > 0.97
    assert torch.allclose(predictions.probabilities.sum(1), torch.ones(len(data)), atol=1e-4)


def test_the_cache_gives_back_what_was_computed_and_tells_orders_apart():
    data = load("digits").train[:200]
    first, again, turned = Features(data), Features(data), Features(data[torch.arange(199, -1, -1)])
    assert torch.equal(first.embedding, again.embedding)
    assert first.key == again.key != turned.key
    assert data.fingerprint == turned.data.fingerprint


def test_points_are_seen_by_their_coordinates():
    data = load("gaussians").train[:100]
    assert Features(data).embedding.shape == (100, 2)
