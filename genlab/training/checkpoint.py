"""Checkpoints: readable, harmless, whole; weights as safetensors, everything else as JSON and Markdown."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from genlab.config import Config
from genlab.data.spec import DataSpec
from genlab.errors import BadCheckpoint, UnknownName
from genlab.files import read_json, sha256, whole_folder, write_json
from genlab.lazy import late
from genlab.models import MODELS
from genlab.paths import CHECKPOINTS, on_hub, runs_folder, shipped_models
from genlab.registry import unknown
from genlab.training.run import PREFIX, Run, list_runs, recipe_told

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from genlab.models import GenerativeModel

# What a checkpoint says of itself is read without torch, and without the Hub where it lies here
fetch = late("genlab.hub", "fetch")
load_file, save_file = late("safetensors.torch", "load_file"), late("safetensors.torch", "save_file")
adopted = late("genlab.training.foreign", "adopted")
training_of = late("genlab.training.card", "training_of")
weights_of = late("genlab.models.base", "weights_of")
FORMAT = 1
KEPT = 2  # checkpoints of a run
STATE = "training"  # the subfolder with what only the continuation of a run needs
TOKENS = "tokenizer.json"
AXES = "axes.safetensors"  # axes that were kept with the model; they can be found again, so they are no part of it


@dataclass(frozen=True)
class Trained:
    """A model read from a checkpoint, ready to be used."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    model: "GenerativeModel"

    @property
    def family(self) -> str:
        return self.config["family"]

    @property
    def dataset(self) -> str:
        return self.config["dataset"]

    @property
    def step(self) -> int:
        return self.config["step"]

    @property
    def items(self) -> int | None:
        """How many items it learnt; None for an older checkpoint, which does not know."""
        items = self.config.get("items")
        return items if isinstance(items, int) else None

    @cached_property
    def weights(self) -> str:
        """What tells these weights from all others, whoever has them."""
        return hashlib.sha256(repr(sorted(self.config["sha256"].items())).encode()).hexdigest()[:32]

    @property
    def asked(self) -> dict[str, Any]:
        """What it was asked for: its family, its data and how they were made, and every setting."""
        settings = self.config["settings"]
        came = {} if self.step == settings.get("steps") else {"step": self.step}
        return {"family": self.family, "dataset": self.dataset, **recipe_told(self.dataset), **came, **settings}

    @property
    def training(self) -> tuple[float | None, str]:
        """How many seconds it learnt, and on what, as far as its card tells."""
        with suppress(OSError, UnicodeDecodeError):
            return training_of(self.card)
        return None, ""

    @cached_property
    def card(self) -> str:
        return (self.folder / "card.md").read_text()


def list_models() -> list[str]:
    """All models that can be opened by name: the shipped ones, then the runs that have saved something."""
    return shipped_models() + [run.address for run in list_runs() if run.checkpoints()]


def find_model(name: str | Path) -> Path:
    """The folder of a shipped checkpoint, of a run's last checkpoint, of hf://USER/NAME, or the folder itself.

    What transformers wrote (GPT-2 or NanoChat) is opened as a checkpoint of genlab, which lies in the cache.
    """
    name = str(name)
    if on_hub(name):
        return _ours(fetch(name))
    if name.startswith(PREFIX):
        return _last_checkpoint(Run.open(name))
    for path in (CHECKPOINTS / name, runs_folder() / name, Path(name)):
        if (path / "config.json").is_file():
            return _ours(path)
        if (path / "run.json").is_file():
            return _last_checkpoint(Run.open(path))
    if path.is_file():
        refuse_pickle(path)
        raise BadCheckpoint("{name} is a file; a model is a folder with config.json and its weights.", name=path.name)
    if path.is_dir():
        raise BadCheckpoint("The folder {name!r} holds no checkpoint: there is no config.json in it.", name=path.name)
    raise UnknownName(unknown("model", name, list_models()))


def _ours(folder: Path) -> Path:
    """The folder of a checkpoint, or where transformers wrote it that of one of the same model."""
    try:
        config = read_json((folder / "config.json").read_text())
    except (OSError, ValueError):
        return folder  # which is told by whoever opens it
    foreign = isinstance(config, dict) and "model_type" in config and "format" not in config
    return adopted(folder) if foreign else folder


def _last_checkpoint(run: Run) -> Path:
    if not run.checkpoints():
        raise BadCheckpoint("The run {name!r} has saved nothing yet; let it train a little longer.", name=run.name)
    return run.checkpoints()[-1]


def load_model(name: str | Path, device: str = "cpu") -> Trained:
    """Open a model for use; raises BadCheckpoint with the reason when it is damaged, dangerous or does not fit."""
    folder = find_model(name)
    config = read_config(folder)
    try:
        family = MODELS[config["family"]]
        model = family(spec_of(config), family.Settings.parse(config["settings"]))
    except (KeyError, TypeError, AttributeError) as fault:
        raise BadCheckpoint(
            "The config.json of {name!r} is not one of a checkpoint ({fault}).", name=folder.name, fault=repr(fault)
        ) from fault
    _restore(model, folder)
    if _hashes(folder) != config.get("sha256"):
        raise BadCheckpoint(
            "The weights of {name!r} were changed or damaged: their SHA-256 is not the one in config.json.", name=folder.name
        )
    return Trained(str(name), folder, config, model.to(device).eval())


def save_checkpoint(
    folder: Path, model: "GenerativeModel", config: Mapping[str, Any], beside: Mapping[str, bytes], state: Mapping[str, "Tensor"]
) -> None:
    """Write all of a checkpoint, or nothing: the model, files `beside` it by name, and the `state` that continuing needs."""
    with whole_folder(folder) as draft:
        model.save(draft)
        write_json(
            draft / "config.json",
            {**model.described(), "format": FORMAT, **config, "spec": asdict(model.spec), "sha256": _hashes(draft)},
        )
        for name, content in beside.items():
            (draft / name).write_bytes(content)
        (draft / STATE).mkdir()
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, draft / STATE / "state.safetensors"
        )
        write_json(draft / STATE / "state.json", {"sha256": sha256(draft / STATE / "state.safetensors")})


def load_state(folder: Path) -> "dict[str, Tensor]":
    """What continuing a run needs, verified."""
    try:
        expected = read_json((folder / STATE / "state.json").read_text())["sha256"]
        if sha256(folder / STATE / "state.safetensors") == expected:
            return load_file(folder / STATE / "state.safetensors")
    except (OSError, ValueError, KeyError, SafetensorError) as fault:
        raise BadCheckpoint(
            "The training state of {name!r} cannot be read; the run cannot be continued from it.", name=folder.name
        ) from fault
    raise BadCheckpoint(
        "The training state of {name!r} was changed or damaged; the run cannot be continued from it.", name=folder.name
    )


def optimizer_tensors(player: str, optimizer: "torch.optim.Optimizer") -> "dict[str, Tensor]":
    """The state of one player's optimizer under flat names."""
    states = optimizer.state_dict()["state"]
    return {f"optimizer.{player}.{i}.{key}": value for i, state in states.items() for key, value in state.items()}


def restore_optimizer(player: str, optimizer: "torch.optim.Optimizer", state: "Mapping[str, Tensor]") -> None:
    """Put such tensors back."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in state.items():
        if name.startswith(f"optimizer.{player}."):
            i, key = name.removeprefix(f"optimizer.{player}.").split(".", 1)
            found.setdefault(int(i), {})[key] = value
    optimizer.load_state_dict({"state": found, "param_groups": optimizer.state_dict()["param_groups"]})


def prefixed(prefix: str, module: "nn.Module") -> "dict[str, Tensor]":
    return {f"{prefix}.{name}": tensor for name, tensor in weights_of(module).items()}


def without(prefix: str, state: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of weights, and of the tokens that they are for."""
    found = (file for file in sorted(folder.rglob("*")) if file.suffix == ".safetensors" or file.name == TOKENS)
    files = (file.relative_to(folder) for file in found)
    return {file.as_posix(): sha256(folder / file) for file in files if not {STATE, AXES} & set(file.parts)}


def read_config(folder: Path) -> dict[str, Any]:
    """What a checkpoint says of itself."""
    try:
        config = read_json((folder / "config.json").read_text())
        written = config["format"]
        newer = written > FORMAT
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadCheckpoint("The config.json of {name!r} is damaged or not one of a checkpoint.", name=folder.name) from fault
    if newer:
        raise BadCheckpoint(
            "{name!r} was written by a newer genlab (format {format}; this one reads up to {ours}).",
            name=folder.name,
            format=written,
            ours=FORMAT,
        )
    return config


def spec_of(config: Mapping[str, Any]) -> DataSpec:
    """The kind of data that a checkpoint's model was built for."""
    try:
        return DataSpec(**{k: tuple(v) if isinstance(v, list) else v for k, v in config["spec"].items()})  # type: ignore[arg-type]
    except (KeyError, TypeError, AttributeError) as fault:
        raise BadCheckpoint("The config.json is not one of a checkpoint ({fault}).", fault=repr(fault)) from fault


def sampling_of(config: Mapping[str, Any]) -> type[Config]:
    """How a checkpoint's model can be sampled."""
    try:
        settings = MODELS.settings_of(config["family"]).parse(config["settings"])
    except (KeyError, TypeError) as fault:
        raise BadCheckpoint("The config.json is not one of a checkpoint ({fault}).", fault=repr(fault)) from fault
    return settings.sampling(spec_of(config).modality)


def _restore(model: "GenerativeModel", folder: Path) -> None:
    files = [file for file in folder.rglob("*") if file.is_file() and STATE not in file.relative_to(folder).parts]
    for file in files:
        refuse_pickle(file)
    try:
        model.restore(folder)
    except FileNotFoundError as fault:
        raise BadCheckpoint(
            "The weights of {name!r} are missing ({file}).",
            name=folder.name,
            file=Path(fault.filename or "").name,
        ) from fault
    except (SafetensorError, OSError) as fault:
        raise BadCheckpoint(
            "The weights of {name!r} are not a valid safetensors file: {fault}.", name=folder.name, fault=fault
        ) from fault


def refuse_pickle(file: Path) -> None:
    """Pickles, and PyTorch's zip files of them, can run code when they are opened."""
    with file.open("rb") as opened:
        start = opened.read(9)
    pickled = start[:1] == b"\x80" and start[8:] != b"{"  # byte 8 of a safetensors file opens its header
    if pickled or start[:4] == b"PK\x03\x04" or file.suffix in {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}:
        raise BadCheckpoint(
            "{name} is a pickle checkpoint. It can run code on this computer, so genlab will not open "
            "it. Convert it to .safetensors first.",
            name=file.name,
        )
