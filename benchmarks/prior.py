"""What a VAE draws from the standard normal density of latents, and from the one that was fitted to its data.

    python -m benchmarks.prior [MODEL …] [--judges 3] [--fit]

Each judge is a classifier that has learnt the clean training part from a seed of its own (genlab.metrics.Eye). By its features,
2,000 samples are held against 2,000 test items (fewer where there are fewer): coverage and Fréchet distance; sure is the share of
which it is sure, with a probability over 0.9. Beside them are held-out items and what the model makes of the test items.
"""

import argparse
from copy import deepcopy
from time import perf_counter

import torch
from torch import Tensor

from genlab import latent
from genlab.data import load
from genlab.metrics import Eye, coverage, frechet
from genlab.models import LatentModel
from genlab.models.base import blocks_of
from genlab.models.density import Density
from genlab.training.checkpoint import load_model

ITEMS = 2000


@torch.no_grad()
def compare(name: str, judges: int, fit: bool) -> None:
    trained = load_model(name)
    model, data, plain = trained.model, load(trained.dataset), deepcopy(trained.model)
    plain.density = Density(model.settings.latent, model.classes)
    x = data.test.inputs(slice(0, ITEMS))
    back = [list(model.encode(x[part]))[-1] for part in blocks_of(len(x))]
    print(f"{name}: reconstruction error {torch.cat([one.error for one in back]).mean():.4f}")
    if fit:
        began = perf_counter()
        deepcopy(plain).complete(data.train, 0)
        print(f"  fitted in {perf_counter() - began:.1f} s on {torch.get_num_threads()} threads")
    sets = {
        "held-out items": data.validation.inputs(slice(0, ITEMS)),
        "reconstructions": torch.cat([one.items for one in back]),
        "standard normal": drawn(plain, len(x)),
        "fitted": drawn(model, len(x)),
        "normal, between draws": between(plain, len(x)),
        "fitted, between draws": between(model, len(x)),
        "fitted, truncation 0": drawn(model, len(x), truncation=0.0),
    }
    eyes = [Eye(data, seed) for seed in range(1, judges + 1)]
    real = [eye.look(x).features for eye in eyes]
    for what, items in sets.items():
        figures = (told(eye, features, items) for eye, features in zip(eyes, real, strict=True))
        print(f"  {what:<22}{'   '.join(figures)}", flush=True)


def told(eye: Eye, real: Tensor, items: Tensor) -> str:
    seen = eye.look(eye.spec.kind.to_model(eye.spec.kind.to_stored(items), eye.spec.shape))  # as they are stored
    sure = "" if seen.seen is None else f", sure {(seen.seen.amax(1) > 0.9).float().mean():.1%}"
    return f"coverage {coverage(real, seen.features):.3f}, distance {frechet(real, seen.features):6.1f}{sure}"


def drawn(model: LatentModel, n: int, **options: float) -> Tensor:
    *_, draft = model.sample(n, model.SamplingSettings.parse(options), 0)
    return draft.items


def between(model: LatentModel, n: int) -> Tensor:
    """What lies in the middle of each of the pad's cells."""
    side = 50
    z = torch.cat([latent.pad.place(model, i % side + 0.5, i // side + 0.5) for i in range(n)])
    return torch.cat([model.decode(z[part]) for part in blocks_of(n)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["vae-mnist", "vae-mnist-2d", "vae-sprites", "vae-catsdogs"])
    parser.add_argument("--judges", type=int, default=3)
    parser.add_argument("--fit", action="store_true", help="tell how long it takes to fit, too")
    given = parser.parse_args()
    for name in given.models:
        compare(name, given.judges, given.fit)
