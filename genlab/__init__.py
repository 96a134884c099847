"""genlab: a laboratory for generative models.

    data = load("mnist")                                   # Splits: train, validation, test
    run = Run.create("vae", "mnist", {"latent": 16})       # a directory that is the truth about one training
    for progress in train(run, data): ...                  # a generator; closing it saves and stops
    model = load_model("vae-mnist").model                  # shipped, a run's, or a folder's
    *_, draft = model.sample(64, model.SamplingSettings(), seed=0)

Long work yields small records. Errors are `GenlabError`s whose message can be shown to anybody.
"""

from typing import TYPE_CHECKING

from genlab.lazy import on_use

if TYPE_CHECKING:
    from genlab import data, hub, images, latent, metrics, models, plane, quality, story, training
    from genlab.data import SOURCES, Dataset, DataSpec, Splits, load, to_pixels
    from genlab.errors import GenlabError
    from genlab.models import MODELS
    from genlab.quality import DEFECTS
    from genlab.training.checkpoint import Trained, list_models, load_model
    from genlab.training.run import Run, list_runs
    from genlab.training.train import Progress, train

__all__ = [
    "DEFECTS",
    "MODELS",
    "SOURCES",
    "DataSpec",
    "Dataset",
    "GenlabError",
    "Progress",
    "Run",
    "Splits",
    "Trained",
    "data",
    "hub",
    "images",
    "latent",
    "list_models",
    "list_runs",
    "load",
    "load_model",
    "metrics",
    "models",
    "plane",
    "quality",
    "story",
    "to_pixels",
    "train",
    "training",
]

__getattr__, __dir__ = on_use(__name__)
