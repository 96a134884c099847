"""Start: a run that begins with the weights of a trained model instead of at random (fine-tuning)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genlab.data import DataSpec, load
from genlab.errors import BadSetting, GenlabError
from genlab.messages import Message
from genlab.models import MODELS, GenerativeModel
from genlab.training.checkpoint import Trained, find_model, list_models, load_model, read_config, spec_of
from genlab.training.run import Run, Start


def create_from(
    family: str,
    model: str,
    dataset: str,
    settings: Mapping[str, Any],
    name: str | None = None,
    folder: Path | None = None,
    threads: int | None = None,
    processes: int = 1,
    seconds: float | None = None,
) -> Run:
    """Make a run of a family that goes on from a trained model, on a dataset of the same shape.

    `settings` are laid over those that the model was trained with; the ones that shape its networks must stay.
    """
    trained = load_model(model)
    if trained.family != family:
        raise BadSetting(
            "{name} is a {family}, not a {wanted}; fine-tune it as what it is.",
            "from",
            name=trained.name,
            family=trained.family,
            wanted=family,
        )
    settings = {**starting_settings(trained, dataset), **settings}
    check_fit(trained, dataset, settings)
    start = Start(trained.name, trained.step, trained.folder)
    return Run.create(trained.family, dataset, settings, name, folder, threads, processes, start, seconds)


def starting_settings(trained: Trained, dataset: str) -> dict[str, Any]:
    """The settings of a trained model, as they suit another dataset."""
    settings = dict(trained.config["settings"])
    return settings if load(dataset).spec.classes else settings | {"conditional": False}


def check_fit(trained: Trained, dataset: str, settings: Mapping[str, Any]) -> None:
    """Raise BadSetting unless the model's weights fit what these settings would build for the dataset."""
    spec, had = load(dataset).spec, trained.model.spec
    if not _alike(spec, had):
        raise BadSetting(
            "{name} draws {had}, but {dataset} holds {spec}; fine-tuning needs data of the same shape.",
            "from",
            name=trained.name,
            had=_told(had),
            dataset=dataset,
            spec=_told(spec),
        )
    family = MODELS[trained.family]
    wanted = family.Settings.parse(settings)
    twin = family(had, wanted.model_copy(update={"conditional": trained.model.settings.conditional}))
    twin.adopt(trained.model)
    ours = {name: tensor.shape for name, tensor in twin.state_dict().items()}
    theirs = {name: tensor.shape for name, tensor in trained.model.state_dict().items()}
    if ours != theirs:
        kept = {name: value for name, value in trained.config["settings"].items() if wanted.model_dump().get(name) != value}
        raise BadSetting(
            "The weights of {name} do not fit these settings. "
            "Leave those that shape its networks as they were; different now: {settings}.",
            *kept,
            name=trained.name,
            settings=[Message("{name} (was {value})", name=name, value=value) for name, value in kept.items()],
        )


@torch.no_grad()
def take_over(model: GenerativeModel, source: GenerativeModel) -> None:
    """Copy the weights that both have; where the numbers of classes differ, the part that both have."""
    theirs = source.state_dict()
    for name, weight in model.state_dict().items():
        if name in theirs and name not in model.of_data:
            common = tuple(slice(min(sides)) for sides in zip(weight.shape, theirs[name].shape, strict=True))
            weight[common] = theirs[name][common]


def possible_starts(family: str, dataset: str) -> list[str]:
    """The models of a family that draw items of the dataset's shape; none where the data are not on this machine."""
    try:
        spec = load(dataset).spec
    except GenlabError:
        return []
    return [name for name in list_models() if _draws(name, family, spec)]


def _draws(name: str, family: str, spec: DataSpec) -> bool:
    try:
        config = read_config(find_model(name))
        had = spec_of(config)
    except GenlabError:
        return False
    return config["family"] == family and _alike(spec, had)


def _alike(one: DataSpec, other: DataSpec) -> bool:
    """Whether a network for the one can learn the other; one that reads has room for texts of any length."""
    return one.modality == other.modality and (one.shape == other.shape or one.kind.reads)


def _told(spec: DataSpec) -> str:
    return Message("{modality} of {shape}", modality=spec.modality, shape="×".join(map(str, spec.shape)))
