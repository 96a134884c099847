"""The Sample tab: ask a model for images, watch them come, keep them."""

import base64
import io
import json
import secrets
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
from pydantic import Field as Limit
from torch import Tensor

from genlab.config import Config, Field, read_texts
from genlab.data import DataSpec
from genlab.errors import BadSetting, GenlabError, UnknownName
from genlab.files import npz
from genlab.images import png
from genlab.images import wall as one_picture
from genlab.marks import Kind, kind_of, set_mark
from genlab.modalities.storage import Items
from genlab.models import LatentModel, SeriesModel
from genlab.models.base import Draft, Given
from genlab.models.settings import check_seeds
from genlab.training.checkpoint import list_models
from genlab.ui.kit import explorer
from genlab.ui.kit.controls import Form, draw_form, remember
from genlab.ui.kit.pictures import wall
from genlab.ui.kit.shared import (
    QUIET,
    Kept,
    Named,
    Request,
    Shared,
    at_edge,
    on_all_cores,
    open_model,
    pick_dataset,
    refusal,
    served,
)
from genlab.ui.kit.widgets import widget
from genlab.ui.server.preset import check_samples, check_work, current
from genlab.ui.server.spaces import check_room
from genlab.ui.tabs.sample.foretelling import series_fan
from genlab.ui.tabs.sample.marking import Of, marks_dataset, marks_zip, tray, unmark
from genlab.ui.tabs.sample.reading import read_text
from genlab.ui.words import say, words

COLUMNS = 16  # of the picture of all
PAUSE = 0.08  # seconds between two drafts that are shown
FIRST, FIRST_SLOW = 64, 4  # images that are drawn as the tab opens
ANY = ""  # instead of a class: each in turn


class Wish(Config):
    """How many images, and which."""

    count: int = Field(64, ge=1, le=400, description="how many to draw")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of the first; the next has the next number")


@dataclass(frozen=True)
class Sampled:
    """Items that were drawn and what it took, kept for a while so that they can be downloaded."""

    pixels: Tensor  # uint8 [n, C, H, W], a picture of each; of what is seen together, one with all of them
    told: dict[str, Any]
    spec: DataSpec
    items: Items  # n as they are stored
    labels: Sequence[str | None] = ()  # [n] the class of each
    classes: Sequence[str] = ()  # of the model
    done: bool = True

    def how(self, i: int) -> dict[str, Any]:
        """How to draw one of the images again."""
        return self.told | {"count": 1, "seed": self.told["seed"] + i, "label": self.labels[i]}

    def picture(self, i: int) -> bytes:
        """The picture of one as a PNG that says how to draw it again."""
        return png(self.pixels[i], {"genlab": json.dumps(self.how(i))})

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every item as a file of its own, named after its seed; each says how to draw it again, where such a file can."""
        kind = self.spec.kind
        for i, item in enumerate(self.items):
            yield f"{self.told['seed'] + i}{kind.suffix}", kind.file(item, {"genlab": json.dumps(self.how(i))})

    def marked_as(self, i: int) -> dict[str, Any]:
        """What a mark remembers of an image."""
        return {**self.how(i), "classes": list(self.classes)}


_results = Kept(24)


class Chosen(Request):
    """A result that is to be downloaded, or one image of it."""

    id: str = Limit(max_length=40)
    image: int | None = Limit(None, ge=0, le=100_000)


class Seen(Of):
    """A result whose marks are seen, if there is one; those of the chosen model are, beside it."""

    id: str | None = Limit(None, max_length=40)


class First(Named):
    """A model that is to draw unasked, and which question of the page that is."""

    turn: int = Limit(0, ge=0)


class Visit(Request):
    """An address of images that one goes back or forth to."""

    turn: int = Limit(ge=1)
    query: dict[str, str] = Limit(max_length=100)


class Marking(Chosen, Of):
    """An image that is to be marked; without a kind its mark is taken off."""

    image: int = Limit(ge=0, le=100_000)
    kind: Kind | None = None


def build(shared: Shared) -> None:
    """The form to the left, drawn anew for each model's own settings; the images beside it."""
    with gr.Row(elem_classes="sample-tab"):
        with gr.Column(scale=3, min_width=260, elem_classes="card sample-form"):
            gr.HTML(html_template="<h2 data-say='sample.form'></h2>", js_on_load="genlab.then(({ label }) => label(element))")
            wish = draw_form(Wish, "sample")
            with gr.Row(elem_classes="pair"):
                dice = gr.Button(words("sample.dice"), elem_id="sample-dice", min_width=80)
                reuse = gr.Button(words("sample.reuse"), elem_id="sample-reuse", min_width=80)
            settings = gr.Column(elem_classes="plain")
            with gr.Row(elem_classes="pair"):  # whose clicks the gallery hears
                gr.Button(words("sample.go"), variant="primary", elem_id="sample-go", min_width=80)
                gr.Button(words("sample.stop"), elem_id="sample-stop", min_width=80)
            gr.HTML("<p id='sample-refusal' class='fault' role='alert' hidden></p>")
            turn = gr.Number(precision=0, visible=False)
        with gr.Column(scale=10, min_width=300):
            answers = [read_text, series_fan, sample_png, sample_zip, sample_mark, sample_marks, unmark, marks_zip, marks_dataset]
            gallery = widget("tabs/sample/sample", answers, ["draw", "favourites", "first", "leave", "probe", "visit"])
    gallery.favourites(pick_dataset, None, shared.dataset_picker, **QUIET)
    seed = wish.components[1]
    diced = dice.click(None, None, seed, js="() => Math.floor(Math.random() * 2147483647)", **QUIET)
    reused = reuse.click(None, seed, seed, js="async (seed) => (await genlab).recall('chosen-seed') ?? seed", **QUIET)
    linked = shared.link.change(_linked, shared.link, wish.components, **QUIET)
    remember("sample", wish.components, set_by=[diced, reused], unset_by=linked)
    gallery.visit(_visited, None, shared.link, trigger_mode="multiple", **QUIET)
    again = shared.link.change(_draw_linked, shared.link, gallery, concurrency_id="sample", trigger_mode="multiple", **QUIET)
    first = gallery.first(_first, None, gallery, concurrency_id="sample", concurrency_limit=2, trigger_mode="multiple", **QUIET)
    with settings:

        @gr.render(inputs=[shared.model_picker, shared.link], show_progress="hidden")
        @at_edge
        def draw_settings(name: str | None, query: dict[str, str]) -> None:
            if name is None:
                gr.HTML(say("latent.empty"), elem_classes="note")
                return
            label, form = _draw_settings(name, query)
            remember(f"sample {name}", [label, *form.components])
            drawn = gallery.draw(
                partial(_draw, name, wish, form),
                [turn, *wish.components, label, *form.components],
                gallery,
                js="async (_, ...form) => [(await genlab).recall('sample turn'), ...form]",
                concurrency_id="sample",
                concurrency_limit=2,
                trigger_mode="multiple",
                **QUIET,
            )
            gallery.leave(None, None, None, cancels=[drawn, first, again], **QUIET)
            told = f"async (picked) => (await genlab).tell('sample form', {{ of: {json.dumps(name)}, picked }})"
            gallery.probe(None, shared.model_picker, js=told, **QUIET)


@at_edge
def _linked(query: dict[str, str]) -> list[Any]:
    """How many images and which a link asks for, where it says so."""
    asked = read_texts(Wish, query) if query.get("tab") == "sample" else {}
    return [asked.get(setting.name, gr.skip()) for setting in Wish.fields()]


@at_edge
def _visited(event: gr.EventData) -> dict[str, str]:
    """The view that is gone back or forth to, as if a link to it had been opened."""
    asked = Visit.check(event._data)
    return {**asked.query, "turn": str(asked.turn)}


@at_edge
def _draw_linked(query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The images that a link to them asks for."""
    turn = int(query.get("turn", 0))
    if query.get("tab") != "sample" or "model" not in query or not (turn or query["model"] in list_models()):
        return
    try:
        settings = open_model(query["model"]).model.SamplingSettings
        wish = Wish.parse(read_texts(Wish, query))
        for record in _drawn(query["model"], wish, settings.parse(read_texts(settings, query)), query.get("class")):
            yield {**record, "turn": turn}
    except GenlabError as fault:
        if not turn:
            raise
        yield {**refusal(fault), "turn": turn, "at": time.time()}


@at_edge
def _first(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """What a model draws before anybody asked: as its defaults are, and fewer images where each takes long."""
    asked = First.check(event._data)
    try:
        model = open_model(asked.name).model
        at_once = isinstance(model, LatentModel) and explorer.quick(model)
        count = min(FIRST if at_once else FIRST_SLOW, current().samples)
        for record in _drawn(asked.name, Wish(count=count, seed=0), model.SamplingSettings(), None):
            yield {**record, "first": True, "turn": asked.turn}
    except GenlabError as fault:
        yield {**refusal(fault), "first": True, "turn": asked.turn}


@at_edge
def _draw_settings(name: str, query: dict[str, str]) -> tuple[gr.Dropdown, Form]:
    model = open_model(name).model
    linked = query if query.get("tab") == "sample" and query.get("model") == name else {}
    classes = [(name, name) for name in model.spec.classes] if model.classes else []
    label = gr.Dropdown(
        [(words("sample.turn"), ANY), *classes],
        value=linked["class"] if linked.get("class") in model.spec.classes else ANY,
        label=words("sample.class"),
        elem_id="sample-class",
        filterable=False,
        visible=bool(classes),
    )
    return label, draw_form(model.SamplingSettings, "sample", read_texts(model.SamplingSettings, linked))


@at_edge
def _draw(
    name: str, wish_form: Form, form: Form, turn: int, count: Any, seed: Any, label: Any, *chosen: Any
) -> Iterator[dict[str, Any]]:
    """The images that the form asks for, or why there are none."""
    try:
        for record in _drawn(name, wish_form.parse([count, seed]), form.parse(chosen), label or None):
            yield {**record, "turn": turn}
    except GenlabError as fault:
        yield {**refusal(fault), "turn": turn, "at": time.time()}


def _drawn(name: str, wish: Any, settings: Config, label: Any) -> Iterator[dict[str, Any]]:
    """The images so far, a record at each step that there is time to show."""
    check_samples(wish.count)
    check_seeds(wish.seed, wish.count)
    trained = open_model(name)
    given = trained.model.given_labels(trained.model.label_of(label), wish.count)
    check_work(trained.model, wish.count, settings)
    told = {"model": name, "step": trained.step, **wish.model_dump(), "label": label, **settings.model_dump()}
    query = {"model": name, **wish.model_dump(), **settings.changed()} | ({"class": label} if label else {})
    result, shown, began = secrets.token_hex(8), 0.0, time.monotonic()
    for draft in on_all_cores(trained.model.sample(wish.count, settings, wish.seed, given)):
        last = draft.step == draft.total
        if last or time.monotonic() - shown > PAUSE:
            sampled = replace(
                _sampled(draft, trained.model.spec, told),
                labels=_labels(given, trained.model.spec, wish.count),
                classes=trained.model.spec.classes if trained.model.classes else (),
                done=last,
            )
            _results.put(result, sampled)
            record = _record(result, name, sampled, wish, draft)
            yield {
                **record,
                "seconds": time.monotonic() - began,
                "query": query,
                "foretells": isinstance(trained.model, SeriesModel),
            }
            shown = time.monotonic()


def _sampled(draft: Draft, spec: DataSpec, told: dict[str, Any]) -> Sampled:
    """Items as the model expects them in the end; what is seen together, where it is on its way."""
    kind = spec.kind
    x = draft.items if kind.together or draft.step == draft.total or draft.estimate is None else draft.estimate
    items = kind.to_stored(x)
    return Sampled(kind.sheet(x, columns=1)[None] if kind.together else kind.pictures(items, spec.shape), told, spec, items)


def _labels(given: Given, spec: DataSpec, n: int) -> list[str | None]:
    """The class of each image, None where none was asked for."""
    return [None] * n if given.classes is None else [spec.classes[k] for k in given.classes.argmax(1).tolist()]


def _record(result: str, model: str, sampled: Sampled, wish: Any, draft: Draft) -> dict[str, Any]:
    pixels, kind = sampled.pixels, sampled.spec.kind
    columns = min(COLUMNS, len(pixels))
    return {
        "id": result,
        "image": wall(pixels, columns),
        "n": len(pixels),
        "count": wish.count,
        "together": kind.together,
        "texts": [kind.told(item) for item in sampled.items] if kind.reads else None,
        "labels": list(sampled.labels) if kind.reads else None,
        "things": kind.named(wish.count),
        "files": bool(kind.suffix),
        "markable": kind.pixels,
        "columns": columns,
        "model": model,
        "size": list(pixels.shape[2:]),
        "seed": wish.seed,
        "turn": 0,  # it was not asked for on the page
        "step": draft.step,
        "total": draft.total,
    }


@served
def sample_png(data: Any) -> dict[str, str]:
    """All images as one picture, or one of them, with the settings in its text chunk; one text as a file of text."""
    asked, found = _chosen(data)
    if asked.image is not None and found.spec.kind.reads:
        name, content = list(found.files())[asked.image]
        return _file(f"{found.told['model']}-{name}", content)
    if asked.image is not None:
        return _file(f"{found.told['model']}-{found.told['seed'] + asked.image}.png", found.picture(asked.image))
    picture = png(one_picture(found.pixels, min(COLUMNS, len(found.pixels))), {"genlab": json.dumps(found.told)})
    return _file(f"{found.told['model']}.png", picture)


@served
def sample_zip(data: Any) -> dict[str, str]:
    """Every item as a file of its own, of images a PNG; what is none by itself, as one file of numpy's."""
    _, found = _chosen(data)
    kind, shape = found.spec.kind, found.spec.shape
    if not kind.suffix:
        return _file(f"{found.told['model']}.npz", npz(samples=kind.array(kind.to_model(found.items, shape)).numpy()))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in found.files():
            archive.writestr(name, file)
    return _file(f"{found.told['model']}.zip", content.getvalue())


@served
def sample_mark(data: Any) -> dict[str, Any]:
    """Mark one image, or take its mark off; the marks as they are then."""
    check_room()
    asked, found = _chosen(data, Marking)
    if not found.done or not found.spec.kind.pixels:
        raise BadSetting(say("marks.not_yet"))
    set_mark(found.pixels[asked.image], found.marked_as(asked.image), asked.kind)
    return _marked(asked.model, found)


@served
def sample_marks(data: Any) -> dict[str, Any]:
    """The marks of the images on screen, where there are any, and the tray."""
    asked = Seen.check(data)
    return _marked(asked.model, _found(asked.id) if asked.id else None)


def _marked(model: str | None, found: Sampled | None) -> dict[str, Any]:
    """The tray of a model, how the images on screen are marked, and when this was read, in s."""
    at = time.time()  # before it is read: what a later answer holds is no older
    return {"at": at, "tray": tray(model), "images": _marks(found) if found else {}}


def _marks(found: Sampled) -> dict[str, Kind]:
    """How images are marked, by their numbers."""
    if not found.spec.kind.pixels:
        return {}
    kinds = {i: kind_of(found.marked_as(i)) for i in range(len(found.pixels))}
    return {str(i): kind for i, kind in kinds.items() if kind}


def _chosen(data: Any, kind: type[Chosen] = Chosen) -> tuple[Any, Sampled]:
    asked = kind.check(data)
    found = _found(asked.id)
    if asked.image is not None and asked.image >= len(found.pixels):
        raise UnknownName(say("sample.none", n=len(found.pixels)))
    return asked, found


def _found(result: str) -> Sampled:
    if (found := _results.find(result)) is None:
        raise UnknownName(say("sample.gone"))
    return found


def _file(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode()}
