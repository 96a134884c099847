"""The Train tab: a form that starts runs, and all runs as their directories grow."""

import time
from base64 import b64encode
from functools import partial
from typing import Any, Literal

import gradio as gr

from genlab.errors import UnknownName
from genlab.models import MODELS
from genlab.registry import check_name
from genlab.training import worker
from genlab.training.health import judge
from genlab.training.run import Run, list_runs
from genlab.ui.controls import Form, draw_form
from genlab.ui.preset import check_run
from genlab.ui.shared import Request, Shared, at_edge, device, served
from genlab.ui.spaces import check_room
from genlab.ui.widgets import widget
from genlab.ui.words import say, words

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
FAMILY, DEFAULTS = "vae", "defaults"  # the first family; the preset that changes nothing


def build(shared: Shared) -> None:
    """A form on the left; the stage and what explains it ask for what is new, so a page opened later shows the same."""
    with gr.Row(elem_classes="train-tab"):
        with gr.Column(scale=3, min_width=270, elem_classes="card train-form"):
            gr.HTML(
                html_template="<h2 data-say='train.family'></h2>", js_on_load="genlab.label(element)", apply_default_css=False
            )
            family = gr.Dropdown(
                list(MODELS),
                value=FAMILY,
                label=words("train.family_label"),
                filterable=False,
                elem_id="train-family",
                info=_about(FAMILY),
            )
            preset = gr.Dropdown(**_presets(FAMILY, shared.dataset_picker.value), label=words("train.preset"), filterable=False,
                                 elem_id="train-preset", info=words("train.preset_info"))  # fmt: skip
            name = gr.Textbox(label=words("train.name"), placeholder=words("train.name_hint"), max_lines=1, elem_id="train-name")
            settings = gr.Column(elem_classes="train-settings")
            start = gr.Button(words("train.start"), variant="primary", elem_id="train-start")
        with gr.Column(scale=8, min_width=300, elem_classes="train-middle"):
            stage = widget("run", [watch, sample, ask], parts=["curve"])
        with gr.Column(scale=3, min_width=240, elem_classes="train-right"):
            side = widget("side", [rename, remove])

    chosen = gr.State((FAMILY, preset.value))
    gr.on(
        [family.change, shared.dataset_picker.change],
        _choose,
        [family, shared.dataset_picker],
        [family, preset, chosen],
        **QUIET,
    )
    preset.input(lambda *pair: pair, [family, preset], chosen, **QUIET)  # in the queue: outside of it a state tells no one
    side.open_latent(_open_latent, None, shared.model_picker, **QUIET)

    with settings:

        @gr.render(chosen, show_progress="hidden", queue=False)
        def draw(pair: tuple[str, str]) -> None:
            model = MODELS[pair[0]]
            form = draw_form(model.Settings, f"train-{pair[0]}", model.presets.get(pair[1]))
            inputs = [family, shared.dataset_picker, name, *form.components]
            start.click(partial(_start, form), inputs, [stage, name], concurrency_limit=None, **QUIET)


def _about(family: str) -> str:
    return (MODELS[family].__doc__ or "").splitlines()[0]


def _presets(family: str, dataset: str) -> dict[str, Any]:
    """The presets of a family, and the one that suits a dataset."""
    names = [*MODELS[family].presets, DEFAULTS]
    return {"choices": names, "value": next(name for name in (dataset, "small", DEFAULTS) if name in names)}


@at_edge
def _choose(family: str, dataset: str) -> tuple[object, object, tuple[str, str]]:
    presets = _presets(family, dataset)
    return gr.update(info=_about(family)), gr.update(**presets), (family, presets["value"])


@at_edge
def _start(form: Form, family: str, dataset: str, name: str, *values: Any) -> tuple[dict[str, object], str]:
    """Make a run of what the form says, hand it to the worker, and show it."""
    check_run(family, dataset, form.read(values))
    check_room()
    run = Run.create(family, dataset, form.read(values), name.strip() or None)
    worker.start(run, device())
    return {"run": run.name, "at": time.time()}, ""


@at_edge
def _open_latent(event: gr.EventData) -> object:
    return _opened(str(event.run)).name


# --- What the widgets ask ---


class Watch(Request):
    run: str = ""  # the one on stage
    since: dict[str, int] = {}  # for each run on the curve, the last step that the page knows


class Ask(Request):
    run: str
    wanted: Literal["run", "pause", "stop"]


class Step(Request):
    run: str
    step: int


class Rename(Request):
    run: str
    name: str


class Named(Request):
    run: str


@served
def watch(wish: object) -> dict[str, Any]:
    """All runs in a line each, what is new in those on the curve, and everything about the one on stage."""
    asked = Watch.check(wish)
    runs = {run.name: run for run in list_runs()}
    return {
        "runs": [_line(run) for run in runs.values()],
        "histories": {name: _news(runs[name], since) for name, since in asked.since.items() if name in runs},
        "run": _detail(runs[asked.run]) if asked.run in runs else None,
    }


@served
def sample(wish: object) -> dict[str, Any]:
    """The samples drawn at a step, as they were written."""
    asked = Step.check(wish)
    try:
        picture = _opened(asked.run).sample_file(asked.step).read_bytes()
    except FileNotFoundError:
        raise UnknownName(say("train.no_such_samples", step=asked.step)) from None
    return {"image": "data:image/png;base64," + b64encode(picture).decode()}


@served
def ask(wish: object) -> dict[str, Any]:
    """Pause, stop or continue a run; one that no process trains is given to the worker."""
    asked = Ask.check(wish)
    run = _opened(asked.run)
    if asked.wanted == "run" and run.status().state not in ("waiting", "running", "paused"):
        worker.start(run, device())
    else:
        run.ask(asked.wanted)
    return {}


@served
def rename(wish: object) -> dict[str, Any]:
    """Give a run another name."""
    asked = Rename.check(wish)
    return {"run": _opened(asked.run).rename(asked.name).name}


@served
def remove(wish: object) -> dict[str, Any]:
    """Delete a run and all that came of it."""
    _opened(Named.check(wish).run).delete()
    return {}


def _opened(name: str) -> Run:
    """A run of the runs folder by its name; the page reaches no other folder."""
    return Run.open(check_name(name, "run"))


def _line(run: Run) -> dict[str, Any]:
    status, record = run.status(), run.record
    return {
        "name": run.name,
        "family": record["family"],
        "dataset": record["dataset"],
        "state": status.state,
        "step": status.step,
        "steps": status.steps,
        "diverged": status.state == "failed" and "NaN" in status.message,
    }


def _news(run: Run, since: int) -> dict[str, Any]:
    """The records beyond a step, and how many there are up to it: fewer than the page has if the run went back to a save."""
    records = run.history()
    news = [record for record in records if record["step"] > since]
    return {
        "kept": len(records) - len(news),
        "records": [{key: record[key] for key in ("step", "losses", "held_out")} for record in news],
    }


def _detail(run: Run) -> dict[str, Any]:
    status, history, saved = run.status(), run.history(), run.checkpoints()
    saved_step = int(saved[-1].name.removeprefix("step-")) if saved else 0
    health = judge(history, status, saved_step)
    return {
        **_line(run),
        "unit": run.loss_unit,
        "health": {"level": health.level, "sentence": health.sentence},
        "last": history[-1] if history else None,
        "samples": run.samples(),
        "saved_step": saved_step,
        "saved_ago": max(0, time.time() - saved[-1].stat().st_mtime) if saved else 0,
        "hardware": run.hardware,
        "seed": run.record["settings"]["seed"],
        "command": run.command,
    }
