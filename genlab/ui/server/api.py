"""The API: what programs ask of the models over HTTP, and assistants as the tools of an MCP server."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal

import gradio as gr
import torch
from gradio.context import get_blocks_context
from pydantic import BeforeValidator, Field
from torch import Tensor

from genlab import latent
from genlab.data import Dataset, describe, is_here, load
from genlab.data import list_datasets as datasets
from genlab.data.summary import summarise
from genlab.errors import BadSetting
from genlab.images import png, wall
from genlab.modalities import Modality
from genlab.modalities.storage import Items
from genlab.models import LatentModel
from genlab.models.base import Draft, GenerativeModel, Given
from genlab.models.settings import SEEDS, check_seeds
from genlab.training import checkpoint
from genlab.ui.kit.explorer import Number
from genlab.ui.kit.shared import Request, at_edge, drawing, open_model
from genlab.ui.server.preset import check_samples, check_work, current, work_of
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say

COLUMNS = 8  # of the pictures
LONGEST_TEXT = 20_000  # characters of an item that is told
MOST = 400  # of these, whatever the preset says
Settings = dict[str, int | float | str | bool]
Picture = dict[str, Any]  # of a file that Gradio hands out


def build() -> None:
    """The functions for programs; all other events of the page are private."""
    for name, function in functions().items():
        event = gr.api(at_edge(function, plain=True), api_name=name, queue=False)
        for component, schema in zip(event["inputs"], _schemas(function), strict=True):
            get_blocks_context().blocks[component]._api_info = schema  # Gradio knows types alone


def functions() -> dict[str, Callable[..., Any]]:
    """All that programs can call, by name."""
    return {one.__name__: one for one in (sample, decode, interpolate, inspect, list_models, list_datasets)}


def _schemas(function: Callable[..., Any]) -> list[dict[str, Any]]:
    """What each argument may be: its type, bounds, names and default as JSON Schema tells them."""
    told = {
        "model": _one_of(checkpoint.list_models(), "^hf://"),
        "dataset": _one_of([name for name in datasets() if is_here(name)], r"^.+\+.+\.json$"),
        "label": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    }
    possible = ASKED[function.__name__].model_json_schema()["properties"] if function.__name__ in ASKED else {}
    schemas = []
    for name, about in signature(function).parameters.items():
        schema = told.get(name) or {key: value for key, value in possible[name].items() if key not in ("title", "default")}
        if schema.get("maximum") == MOST:
            schema["maximum"] = current().samples
        schemas.append(schema if about.default is about.empty else {**schema, "default": about.default})
    return schemas


def _one_of(names: list[str], also: str) -> dict[str, Any]:
    """One of these names; the user of this machine has others, too."""
    return (
        {"enum": names}
        if current().public
        else {"anyOf": [{"enum": names}, {"type": "string", "pattern": f"{also}|^run:|^[a-z0-9-]+$"}]}
    )


def _as_whole(value: Any) -> Any:
    """4.0 as 4, since JSON knows no whole numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_text(value: Any) -> Any:
    """3 as "3": a class may be called by a number."""
    value = _as_whole(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Count = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_as_whole)]
# whether there is such a seed, `check_seeds` says
Seed = Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": SEEDS - 1}), BeforeValidator(_as_whole)]
Name = Annotated[str, Field(max_length=200)]
Label = Annotated[Name, BeforeValidator(_as_text)]


class Sampling(Request):
    """What `sample` is asked."""

    model: Name
    n: Count
    seed: Seed
    label: Label
    settings: dict[str, Annotated[int | float | str | bool, BeforeValidator(_as_whole)]]


class Decoding(Request):
    """What `decode` is asked."""

    model: Name
    latent: list[Number] = Field(max_length=100_000)
    label: Label


class Interpolation(Request):
    """What `interpolate` is asked."""

    model: Name
    seed: Seed
    end_seed: Seed
    frames: Annotated[int, Field(ge=2, le=MOST), BeforeValidator(_as_whole)]
    path: Literal["spherical", "linear"]
    label: Label


class Inspection(Request):
    """What `inspect` is asked."""

    dataset: Name
    n: Count
    seed: Seed


ASKED: dict[str, type[Request]] = {
    "sample": Sampling,
    "decode": Decoding,
    "interpolate": Interpolation,
    "inspect": Inspection,
}


def sample(
    model: str,
    n: int = 16,
    seed: int = 0,
    label: str = "",
    settings: Settings = {},  # noqa: B006  shown in the documentation
) -> tuple[Picture, dict[str, Any]]:
    """Draw new images from a trained generative model. Returns one PNG of all images in rows of 8, and the facts about them.

    Args:
        model: name of the model, for example "vae-mnist" (digits), "dcgan-mnist" or "diffusion-mnist"; a wrong name lists all.
        n: how many images, at least 1.
        seed: image i comes from seed + i; the same seed always gives the same image.
        label: class to draw, for example "3", for models that know classes; empty draws every class in turn.
        settings: sampling settings by name, for example {"steps": 20} for diffusion; empty takes the model's own.
    """
    wish = Sampling.check({"model": model, "n": n, "seed": seed, "label": label, "settings": settings})
    check_samples(wish.n)
    check_seeds(wish.seed, wish.n)
    trained = open_model(wish.model)
    chosen = trained.model.SamplingSettings.parse(wish.settings)
    given = _given(trained.model, wish.label, wish.n)
    check_work(trained.model, wish.n, chosen)
    with drawing(work_of(trained.model, wish.n, chosen)):
        draft = _followed(trained.model.sample(wish.n, chosen, wish.seed, given))
    facts = {"model": model, "step": trained.step, "n": wish.n, "seed": wish.seed, "label": wish.label}
    facts["settings"] = chosen.model_dump()
    kind = trained.model.spec.kind
    facts |= _told(kind, kind.to_stored(draft.items))
    return _picture(kind.sheet(draft.items, min(COLUMNS, wish.n)), "sample"), facts


def decode(model: str, latent: list[float], label: str = "") -> tuple[Picture, dict[str, Any]]:
    """Decode one point of a model's latent space into an image. Returns the PNG and the facts about it.

    Args:
        model: name of a model with a latent space, for example "vae-mnist".
        latent: the coordinates, about standard normal; a wrong count says how many the model has (16 for "vae-mnist").
        label: class to draw, for example "3", for models that know classes; empty means no class in particular.
    """
    wish = Decoding.check({"model": model, "latent": latent, "label": label})
    space = _explorable(wish.model)
    z = _latent(space, wish.latent)
    with drawing():
        pixels = _draw(space, z, wish.label)
    return _picture(pixels[0], "decode"), {"model": model, "label": wish.label, "latent": wish.latent, "mean": _mean(pixels)}


def interpolate(
    model: str, seed: int = 0, end_seed: int = 1, frames: int = 11, path: str = "spherical", label: str = ""
) -> tuple[Picture, dict[str, Any]]:
    """Walk through a model's latent space from one random image to another. Returns one PNG of all frames in rows of 8.

    Args:
        model: name of a model with a latent space, for example "vae-mnist".
        seed: seed of the first image.
        end_seed: seed of the last image.
        frames: how many images, both ends included, at least 2.
        path: "spherical" keeps to the usual distance from the middle, "linear" goes straight.
        label: class to draw, for example "3", for models that know classes; empty means no class in particular.
    """
    asked = {"model": model, "seed": seed, "end_seed": end_seed, "frames": frames, "path": path, "label": label}
    wish = Interpolation.check(asked)
    check_samples(wish.frames)
    check_seeds(wish.seed)
    check_seeds(wish.end_seed, name="end_seed")
    space = _explorable(wish.model)
    usual = space.SamplingSettings()
    check_work(space, wish.frames, usual)
    with drawing(work_of(space, wish.frames, usual)):
        given = _given(space, wish.label, wish.frames) if wish.label else Given()
        one = given.rows(slice(0, 1))
        start, end = space.prior(1, wish.seed, one)[0], space.prior(1, wish.end_seed, one)[0]
        draft = _followed(space.unfold(latent.walk(start, end, wish.frames, wish.path), given))
        pixels = space.spec.kind.tiles(draft.items)
    facts = {
        "model": model,
        "seed": wish.seed,
        "end_seed": wish.end_seed,
        "frames": wish.frames,
        "way": wish.path,
        "label": wish.label,
    }
    return _picture(wall(pixels, min(COLUMNS, wish.frames)), "interpolate"), facts


def inspect(dataset: str, n: int = 16, seed: int = 0) -> tuple[Picture, dict[str, Any]]:
    """Look into a dataset. Returns one PNG of random training images in rows of 8, and its classes, sizes and pixel statistics.

    Args:
        dataset: name of the dataset, for example "digits" or "mnist"; a wrong name lists all.
        n: how many images to show, at least 1.
        seed: another seed shows other images.
    """
    wish = Inspection.check({"dataset": dataset, "n": n, "seed": seed})
    check_samples(wish.n)
    check_seeds(wish.seed)
    splits = load(wish.dataset)
    data = splits.train
    rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(wish.seed))[: wish.n]
    facts = {
        "dataset": dataset,
        "shape": list(data.spec.shape),
        "classes": dict(zip(data.spec.classes, data.counts.tolist(), strict=True)),
        "parts": {name: len(part) for name, part in splits.parts.items()},
        **_statistics(data),
        "labels": [data.spec.classes[label] if label >= 0 else "" for label in data.label[rows].tolist()],
    }
    facts |= _told(data.spec.kind, data.read(rows))
    return _picture(data.spec.kind.sheet(data.inputs(rows), min(COLUMNS, len(rows))), "inspect"), facts


def _told(kind: Modality, items: Items) -> dict[str, list[str]]:
    """What items say, where they are read."""
    return {"texts": [kind.told(item)[:LONGEST_TEXT] for item in items]} if kind.reads else {}


def list_models() -> list[dict[str, Any]]:
    """The models that can be drawn from, each with its family, its dataset and classes, and the sampling settings it takes."""
    found = []
    for name in checkpoint.list_models():
        config = checkpoint.read_config(checkpoint.find_model(name))
        settings = {one.name: one.default for one in checkpoint.sampling_of(config).fields()}
        classes = list(checkpoint.spec_of(config).classes) if config["settings"].get("conditional") else []
        about = {key: config[key] for key in ("family", "dataset", "step")}
        found.append({"name": name, **about, "classes": classes, "settings": settings})
    return found


def list_datasets() -> list[dict[str, Any]]:
    """The datasets that can be looked into, each with what it holds and its classes."""
    known = [describe(name) for name in datasets() if is_here(name)]
    return [{"name": one.name, "about": one.description, "kind": one.modality, "classes": list(one.classes)} for one in known]


def _followed(drafts: Iterator[Draft]) -> Draft:
    """The last of drafts; whoever waits for it hears of each step."""
    for draft in drafts:
        hears.get()(draft.step, draft.total)
    return draft


def _by_gradio(step: int, total: int) -> None:
    """Tell a client that waits in Gradio's queue; for others there is no event, and nothing is told."""
    gr.Progress()((step, total))


hears: ContextVar[Callable[[int, int], None]] = ContextVar("hears", default=_by_gradio)


def _explorable(name: str) -> LatentModel:
    trained = open_model(name)
    if not isinstance(trained.model, LatentModel):
        raise BadSetting(say("latent.none", family=trained.family))
    return trained.model


def _given(model: GenerativeModel, label: str, n: int) -> Given:
    return model.given_labels(model.label_of(label or None), n)


def _latent(model: LatentModel, values: list[float]) -> Tensor:
    size = model.prior(1, 0).numel()
    if len(values) != size:
        raise BadSetting(say("latent.size", given=len(values), possible=size))
    return torch.tensor(values, device=model.device).reshape(1, *model.latent_shape)


def _draw(model: LatentModel, z: Tensor, label: str) -> Tensor:
    return latent.draw(model, z, _given(model, label, len(z)) if label else Given())


def _mean(pixels: Tensor) -> float:
    return round(pixels.float().mean().item() / 255, 4)


def _statistics(data: Dataset) -> dict[str, Any]:
    """Of the pixels, or of the places of points class by class."""
    facts = summarise(data).facts
    return {**facts.numbers, **{name: places.tolist() for name, places in facts.places.items()}}


def _picture(pixels: Tensor, name: str) -> Picture:
    """A PNG file [C, H, W] as Gradio hands it out: a link over HTTP, the picture itself in MCP."""
    content = png(pixels)
    path = Path(os.environ["GRADIO_TEMP_DIR"]) / secrets.token_hex(16) / f"{name}.png"  # nobody else's, even if it is the same
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    UPLOADS.made(path)
    return gr.FileData(path=str(path), orig_name=f"{name}.png", mime_type="image/png", size=len(content)).model_dump()
