"""The Evaluate tab: models side by side, held against real items, with what is behind each number."""

import base64
import random
import secrets
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from pydantic import Field as Limit

from genlab.config import Config, Field, names_in, read_texts
from genlab.data import load
from genlab.data.recipe import PLUS
from genlab.errors import BadSetting, GenlabError, UnknownName
from genlab.metrics import (
    METRICS,
    TAMPERS,
    Comparison,
    Eye,
    Shaken,
    behind,
    compare,
    inside,
    shaken,
)
from genlab.metrics.comparison import wilson, written
from genlab.metrics.evaluation import lag, names_of
from genlab.modalities.storage import Items
from genlab.paths import cache_folder
from genlab.registry import unknown
from genlab.training.checkpoint import list_models
from genlab.ui.kit.controls import Form, draw_form, remember, shown
from genlab.ui.kit.pictures import data_uri, wall
from genlab.ui.kit.shared import (
    QUIET,
    Kept,
    Request,
    Shared,
    at_edge,
    dataset_choices,
    on_all_cores,
    open_model,
    owner_of,
    refusal,
    searching,
    served,
)
from genlab.ui.kit.widgets import widget
from genlab.ui.server.preset import check_evaluation
from genlab.ui.tabs.evaluate.record import lag_told, named, record_of
from genlab.ui.words import say, words

MOST = 4  # models side by side
PAUSE = 0.2  # seconds between two records of how far it is
LEARNT = ""  # instead of a dataset: what the first model learnt, without its damage
WALL, COLUMNS = 36, 6  # samples of a wall
SECRET = secrets.token_hex(8)  # which side is whose
FIRST = "vae-mnist"  # is chosen as the tab opens


class Wish(Config):
    """How much is drawn, and which."""

    n: int = Field(1000, ge=20, le=20_000, description="samples of a draw; more tell more surely")
    draws: int = Field(3, ge=1, le=10, description="from seeds of their own, for the interval")
    seed: int = Field(0, ge=0, le=2**30, description="draw i starts from seed + i·n")
    metrics: str = Field(
        "",
        description="all quick ones where none is chosen",
        json_schema_extra={"parts": "metric", "advanced": True},
    )
    k: int = Field(
        100, ge=1, le=5000, description="latents an item, of which a likelihood is told", json_schema_extra={"advanced": True}
    )

    @property
    def names(self) -> list[str]:
        """The metrics that are asked for; raises BadSetting for one that there is not."""
        for name in names_in(self.metrics):
            if name not in METRICS:
                raise BadSetting(unknown("metric", name, METRICS), "metrics")
        return names_of(names_in(self.metrics))

    @property
    def items(self) -> int:
        """Items for which a model is asked."""
        told = self.k * min(self.n, inside.MOST) if "likelihood" in self.names else 0
        return self.draws * (self.n + told)


@dataclass(frozen=True)
class Measured:
    """What was measured so far, and the first draw of each model, kept for a while."""

    found: Comparison
    eye: Eye
    samples: dict[str, Items]


_results = Kept(6)
_votes = Kept(100)  # of each table, by turn
_eyes = Kept(3)


class Which(Request):
    """A number of the table."""

    id: str = Limit(max_length=40)
    model: str = Limit(max_length=400)
    metric: str = Limit(max_length=40)


class Sides(Request):
    """What is compared, and against what."""

    models: list[str]
    data: str = Limit(max_length=400)


class Asked(Request):
    """The question of a table."""

    models: str = Limit(max_length=2000)
    data: str = Limit(max_length=400)
    n: int
    draws: int
    seed: int
    metrics: str = Limit(max_length=2000)
    k: int


class Blind(Request):
    """Two walls of a table, which of them all."""

    id: str = Limit(max_length=40)
    turn: int = Limit(ge=1, le=10_000)


class Vote(Blind):
    better: Literal["left", "neither", "right"]


class File(Request):
    """The table as a file."""

    id: str = Limit(max_length=40)
    kind: str = Limit(max_length=4)


def build(shared: Shared) -> None:
    """The form to the left, the table beside it."""
    with gr.Row(elem_classes="evaluate-tab"):
        with gr.Column(scale=3, min_width=260, elem_classes="card evaluate-form"):
            gr.HTML(html_template="<h2 data-say='evaluate.form'></h2>", js_on_load="genlab.then(({ label }) => label(element))")
            names = list_models()
            models = gr.Dropdown(
                names,
                value=[FIRST] if FIRST in names else names[:1],
                label=words("evaluate.models"),
                info=words("evaluate.models_why"),
                multiselect=True,
                max_choices=MOST,
                elem_id="evaluate-models",
            )
            data = gr.Dropdown(
                [(words("evaluate.learnt"), LEARNT), *dataset_choices()],
                value=LEARNT,
                label=words("evaluate.data"),
                info=words("evaluate.data_why"),
                filterable=False,
                elem_id="evaluate-data",
            )
            wish = draw_form(Wish, "evaluate")
            with gr.Row(elem_classes="pair"):
                go = gr.Button(words("evaluate.go"), variant="primary", elem_id="evaluate-go", min_width=80)
                stop = gr.Button(words("evaluate.stop"), elem_id="evaluate-stop", min_width=80)
            gr.HTML("<p id='evaluate-refusal' class='fault' role='alert' hidden></p>")
        with gr.Column(scale=10, min_width=300):
            answers = [evaluate_behind, evaluate_blind, evaluate_file, evaluate_vote]
            table = widget("tabs/evaluate/evaluate", answers, ["look", "anew"])
            breaking = widget("tabs/evaluate/breaking", events=["shake"])
    controls = [models, data, *wish.components]
    linked = shared.link.change(_linked, shared.link, controls, **QUIET)
    remember("evaluate", controls, unset_by=linked)
    table.look(_offered, controls[:2], controls[:2], **QUIET)
    how = {"concurrency_id": "evaluate", "concurrency_limit": 1, "trigger_mode": "multiple", **QUIET}
    asked = go.click(_measure(wish), controls, table, **how)
    again = shared.link.change(_measure_linked, shared.link, table, **how)
    repeated = table.anew(_measure_anew, None, table, **how)
    broken = breaking.shake(_shake, controls[:2], breaking, **how)
    stop.click(None, None, None, cancels=[asked, again, repeated, broken], **QUIET)


@at_edge
def _offered(models: object, data: object) -> tuple[object, object]:
    """The models and datasets that there are by now; what was chosen stays where it is still there."""
    names, there = list_models(), dataset_choices()
    known = [name for name in models if name in names] if isinstance(models, list) else []
    stays = isinstance(data, str) and data in {name for _, name in there}
    choices = [(words("evaluate.learnt"), LEARNT), *there]
    return gr.update(choices=names, value=known), gr.update(choices=choices, value=data if stays else LEARNT)


@at_edge
def _linked(query: dict[str, str]) -> list[Any]:
    """What a link asks for, where it says so."""
    if query.get("tab") != "evaluate" or "models" not in query:
        return [gr.skip() for _ in range(2 + len(Wish.fields()))]
    asked = read_texts(Wish, query)
    models = [name for name in query.get("models", "").split(",") if name in list_models()][:MOST]
    return [
        *_offered(models, query.get("data")),
        *(shown(setting, asked) if setting.name in asked else gr.skip() for setting in Wish.fields()),
    ]


def _measure(form: Form) -> Any:
    @at_edge
    def measure(models: Any, data: Any, *values: Any) -> Iterator[dict[str, Any]]:
        """The table that the form asks for."""
        yield from _answered(models, data, lambda: form.parse(values))

    return measure


def _answered(models: Any, data: Any, wish: Callable[[], Any], anew: bool = False) -> Iterator[dict[str, Any]]:
    """The table as it comes, or why there is none."""
    try:
        yield from _measured(models, data, wish(), anew)
    except GenlabError as fault:
        yield {**refusal(fault), "at": time.time()}


@at_edge
def _measure_linked(query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The table that a link to it asks for."""
    if query.get("tab") == "evaluate" and query.get("models"):
        yield from _answered(query["models"].split(","), query.get("data") or LEARNT, lambda: Wish.parse(read_texts(Wish, query)))


@at_edge
def _measure_anew(event: gr.EventData) -> Iterator[dict[str, Any]]:
    """The table that is on screen, whatever is kept of it."""
    asked = Asked.check(event._data)
    wish = {name: getattr(asked, name) for name in Wish.model_fields}
    yield from _answered(asked.models.split(","), asked.data, lambda: Wish.parse(wish), anew=True)


def _measured(models: Any, data: Any, wish: Any, anew: bool = False) -> Iterator[dict[str, Any]]:
    """A record each time that there is something to tell."""
    names, data = _chosen(models, data)
    trained = {name: open_model(name) for name in names}
    eye, _ = _eye_of(names, data)
    for one in trained.values():
        check_evaluation(one.model, wish.items, len(names))
    kept = {name: (owner_of(one.folder) or cache_folder()) / "evaluated" for name, one in trained.items()}
    steps = compare(trained, eye.data, wish.names, wish.n, wish.draws, wish.seed, wish.k, eye, kept, anew)
    result, began, shown = secrets.token_hex(8), time.monotonic(), 0.0
    for step in on_all_cores(steps):
        if step.done == step.total or time.monotonic() - shown > PAUSE:
            _results.put(result, Measured(step.found, eye, dict(step.samples)))
            yield {
                **record_of(step.found, names),
                "id": result,
                "doing": say(f"evaluate.doing_{step.doing}", model=step.model),
                "done": step.done,
                "total": step.total,
                "seconds": time.monotonic() - began,
                "before": dict(step.before),
                "query": {"models": ",".join(names), "data": data or "", **wish.model_dump()},
                "command": _command(names, data, wish),
            }
            shown = time.monotonic()


@at_edge
def _shake(models: Any, data: Any) -> Iterator[dict[str, Any]]:
    """Which metrics notice what is wrong with real items, as it is found out."""
    try:
        eye, known = _eye_of(*_chosen(models, data))
        for found in on_all_cores(shaken(eye)):
            yield {
                "data": known,
                "done": found.done,
                "total": found.total,
                "n": found.n,
                "draws": found.draws,
                "tampers": [{"title": str(TAMPERS[name].title), "why": str(TAMPERS[name].meaning)} for name in found.wrong],
                "lines": [_noticed(found, metric) for metric in found.honest],
            }
    except GenlabError as fault:
        yield {**refusal(fault), "at": time.time()}


def _noticed(found: Shaken, metric: str) -> dict[str, Any]:
    scores = [(name, found.wrong[name].get(metric)) for name in found.wrong]
    cells = [
        {"told": written(score.number) if score else "–", "noticed": bool(found.noticed(name, metric))} for name, score in scores
    ]
    honest = found.honest[metric]
    return {**named(metric), "real": written(honest.number, honest.margin), "cells": cells}


def _eye_of(names: list[str], data: Any) -> tuple[Eye, str]:
    """What sees these data, by default those that the first model learnt, and how they are called."""
    known = data or open_model(names[0]).dataset.partition(PLUS)[0]
    if known not in {name for _, name in dataset_choices()}:
        raise UnknownName(say("evaluate.no_data", name=known), "data")
    splits = load(known)
    return _eyes.get((known, splits.train.fingerprint), lambda: Eye(splits)), known


def _chosen(models: object, data: object) -> tuple[list[str], str]:
    """The names of the models and of the data; raises BadSetting where they cannot be compared."""
    asked = Sides.check({"models": models or [], "data": data or LEARNT})
    names = list(dict.fromkeys(asked.models))
    if not names:
        raise BadSetting(say("evaluate.none"), "models")
    if len(names) > MOST:
        raise BadSetting(say("evaluate.too_many", n=len(names), most=MOST), "models")
    return names, asked.data


def _command(names: list[str], data: str, wish: Any) -> str:
    """What measures the same from a terminal."""
    at = [f"--{name}={value}" for name, value in wish.model_dump().items() if value != ""]
    return shlex.join(["python", "-m", "genlab", "evaluate", *names, *([f"--data={data}"] if data else []), *at])


@served
def evaluate_behind(data: object) -> dict[str, Any]:
    """The samples behind a number, the worst first, each above the training item that is nearest to it."""
    asked = Which.check(data)
    kept = _found(asked.id)
    score = kept.found.scores.get(asked.model, {}).get(asked.metric)
    if score is None or asked.model not in kept.samples:
        raise UnknownName(say("evaluate.nothing"))
    with searching():
        seen = behind(score, kept.samples[asked.model], kept.eye)
    real = lag(asked.metric, score.real.groups) if score.real else None
    return {
        "title": say("evaluate.behind", metric=METRICS[asked.metric].title, model=asked.model),
        "worst": seen.worst,
        "samples": wall(seen.samples, len(seen.samples)),
        "nearest": wall(seen.nearest, len(seen.samples)),
        "n": len(seen.samples),
        "lag": " ".join(filter(None, [lag_told("evaluate.lag_of", score.lagging), lag_told("evaluate.lag_real", real)])),
        "classes": {name: written(number) for name, number in score.groups.items()},
    }


@served
def evaluate_blind(data: object) -> dict[str, Any]:
    """Samples of two models from the same seeds, without a name."""
    asked = Blind.check(data)
    kept = _found(asked.id)
    kind, shape = kept.eye.spec.kind, kept.eye.spec.shape
    names = _sides(asked, kept)
    first = (asked.turn - 1) * WALL % max(1, kept.found.n - WALL + 1)
    some = [kind.to_model(kept.samples[name][first : first + WALL], shape) for name in names]
    left, right = (data_uri(kind.sheet(x, columns=COLUMNS)) for x in some)
    return {"left": left, "right": right}


@served
def evaluate_vote(data: object) -> dict[str, Any]:
    """Whose walls they were, and what all votes of this table say of these two."""
    asked = Vote.check(data)
    kept = _found(asked.id)
    names = _sides(asked, kept)
    votes = _votes.get(asked.id, dict)
    a, b = sorted(names)
    winner = {"left": names[0], "right": names[1], "neither": None}[asked.better]
    votes.setdefault(asked.turn, ((a, b), winner))
    own = [won for pair, won in votes.values() if pair == (a, b)]
    told = {"a": a, "b": b, "wins": own.count(a), "losses": own.count(b), "ties": own.count(None)}
    if not (decided := own.count(a) + own.count(b)):
        return {"names": names, "tally": say("blind.undecided", **told)}
    low, high = (f"{share:.0%}" for share in wilson(own.count(a), decided))
    return {"names": names, "tally": say("blind.tally", low=low, high=high, **told)}


def _sides(asked: Blind, kept: Measured) -> list[str]:
    """The models to the left and to the right, which nobody can tell beforehand."""
    if len(kept.samples) < 2:
        raise BadSetting(say("blind.two"))
    return random.Random(f"{SECRET}{asked.id}{asked.turn}").sample(sorted(kept.samples), 2)  # noqa: S311  no secret is kept by it


@served
def evaluate_file(data: object) -> dict[str, str]:
    """The table as CSV, JSON or PNG."""
    asked = File.check(data)
    found = _found(asked.id).found
    text = {"csv": found.csv, "json": found.json}.get(asked.kind)
    content = text().encode() if text else found.picture()
    return {"name": f"evaluation.{asked.kind if text else 'png'}", "content": base64.b64encode(content).decode()}


def _found(result: str) -> Measured:
    if (found := _results.find(result)) is None:
        raise UnknownName(say("evaluate.gone"))
    return found
