"""The Train tab: a form that starts runs, and all runs as their directories grow."""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from mimetypes import guess_type
from typing import Any, Literal

import gradio as gr
from gradio.context import Context

from genlab.config import Field
from genlab.data import describe, is_here, load
from genlab.errors import BadSetting, UnknownName
from genlab.files import read_json
from genlab.messages import Message, joined
from genlab.metrics import METRICS
from genlab.metrics.quoted import quotations_of
from genlab.modalities import MODALITIES
from genlab.models import MODELS, GenerativeModel, LatentModel
from genlab.paths import EXAMPLES, current_space, runs_folder
from genlab.quoting import RUN
from genlab.registry import check_name, unknown
from genlab.training.card import extension, samples_told
from genlab.training.estimate import Estimator
from genlab.training.extend import extend
from genlab.training.health import judge
from genlab.training.history import as_csv
from genlab.training.run import Run, delete_runs, differences, list_runs, metrics_of
from genlab.training.start import create_from, possible_starts, starting_settings
from genlab.ui.kit.controls import Form, draw_form
from genlab.ui.kit.shared import (
    QUIET,
    Kept,
    Request,
    Shared,
    at_edge,
    device,
    open_model,
    opening,
    queue,
    searching,
    served,
)
from genlab.ui.kit.widgets import widget
from genlab.ui.server.preset import check_run, current
from genlab.ui.server.spaces import check_room
from genlab.ui.tabs.train.points_stage import opened, points_advance, points_look, points_real, points_steer
from genlab.ui.words import say, words

FAMILY, DEFAULTS = "vae", "defaults"  # the first family; the preset that changes nothing
NOTHING = ""  # instead of a model to begin with
MOMENT = 1.0  # seconds after a start in which the same form makes no other run
Forms = dict[str, Form]  # by family
KEEP = """async (family, dataset, preset, begin, name, ...values) =>
    (await genlab).keep("train", { family, dataset, preset, begin, name: name ?? "", values })"""
HEADING = """genlab.then(({ label, listen, say }) => {
    label(element);
    listen("dataset", (name) => (element.querySelector("p").textContent = say("train.learns", { name })));
});"""


def build(shared: Shared) -> None:
    """A form on the left; the stage and what explains it ask for what is new, so a page opened later shows the same."""
    with gr.Row(elem_classes="train-tab"):
        with gr.Column(scale=3, min_width=270, elem_classes="card train-form"):
            gr.HTML(
                html_template="<h2 data-say='train.family'></h2><p class='note'></p>",
                js_on_load=HEADING,
                apply_default_css=False,
            )
            family = gr.Dropdown(
                list(MODELS),
                value=FAMILY,
                label=words("train.family_label"),
                filterable=False,
                elem_id="train-family",
                info=words(_about(FAMILY)),
            )
            preset = gr.Dropdown(**_presets(FAMILY, shared.dataset_picker.value), label=words("train.preset"), filterable=False,
                                 elem_id="train-preset", info=words("train.preset_info"))  # fmt: skip
            begin = gr.Dropdown(_starts_of(), value=NOTHING, label=words("train.from"), filterable=False, elem_id="train-from",
                                info=words("train.from_info"))  # fmt: skip
            name = gr.Textbox(label=words("train.name"), placeholder=words("train.name_hint"), max_lines=1, elem_id="train-name")
            columns, forms = _forms(preset.value)
            begun = widget("tabs/train/start", events=["remember"])
            start = gr.Button(words("train.start"), variant="primary", elem_id="train-start")
            memory = gr.JSON(visible=False)  # what the browser kept, on its way to `_choose`
            again = gr.Number(visible="hidden")  # changes where the form is to be as it was
            widget("tabs/train/estimate", [_estimator_of(forms)])
        with gr.Column(scale=8, min_width=300, elem_classes="train-middle"):
            widget("tabs/train/points", [points_real, points_look, points_steer, points_advance, ask])
            widget("tabs/train/run", [watch, sample, quoted, ask, more, history])
        with gr.Column(scale=3, min_width=240, elem_classes="train-right"):
            side = widget("tabs/train/side", [rename, remove, ask, reorder, clear, limit], ["open_latent"])

    controls = [component for form in forms.values() for component in form.components]
    asked = [family, shared.dataset_picker, preset, begin]
    gr.on(
        [family.change, shared.dataset_picker.change, again.change],
        partial(_choose, forms),
        [family, shared.dataset_picker, memory],
        [family, preset, begin, *columns, *controls],
        js="async (family, dataset) => [family, dataset, (await genlab).kept('train')]",
        **QUIET,
    )
    shared.dataset_picker.change(_fitting, [family, shared.dataset_picker], family, **QUIET)
    refilled = gr.on([preset.input, begin.input], partial(_refill, forms), asked, controls, **QUIET)
    begin.focus(_starts, [family, shared.dataset_picker], begin, **QUIET)
    started = start.click(partial(_start, forms), [*asked, name, *controls], [begun, name], concurrency_limit=None, **QUIET)
    started.then(None, js="async () => (await genlab).tell('start answered')", **QUIET)
    typed = partial(gr.on, [component.input for component in (preset, begin, name, *controls)])
    for event in (typed, refilled.then, started.then):
        event(None, [*asked, name, *controls], js=KEEP, **QUIET)
    family.input(None, [*asked, name], js=KEEP, **QUIET)  # the values to come are those of a preset
    kept = "async () => { const { family, name } = (await genlab).kept('train'); return [family, name, 1]; }"
    begun.remember(None, None, [family, name, again], js=kept, **QUIET)
    form = [family, shared.dataset_picker, *controls]
    tab = Context.block  # the one that is being built
    gr.on(
        [tab.select, *(component.change for component in form)],
        None,
        form,
        js="async (...values) => (await genlab).tell('train form', values)",
        **QUIET,
    )
    side.open_latent(_open_latent, None, shared.model_picker, **QUIET)


def _forms(preset: str) -> tuple[list[gr.Column], Forms]:
    """A form for each family, of which one is seen; drawing them anew would lose a click that comes meanwhile."""
    columns, forms = [], {}
    for name in MODELS:
        settings = MODELS.settings_of(name)
        with gr.Column(visible=name == FAMILY, elem_classes="train-settings") as column:
            forms[name] = draw_form(settings, f"train-{name}", settings.presets.get(preset) if name == FAMILY else None)
        columns.append(column)
    return columns, forms


def _about(family: str) -> str:
    return str(Message((MODELS[family].__doc__ or "").splitlines()[0]))


def _presets(family: str, dataset: str) -> dict[str, Any]:
    """The presets of a family, and the one that suits a dataset."""
    model, modality = MODELS[family], describe(dataset).modality
    names = [*(name for name, values in model.Settings.presets.items() if _suits(model, values, modality)), DEFAULTS]
    wanted = (dataset, modality, "small", DEFAULTS)
    return {"choices": names, "value": next(name for name in wanted if name in names)}


def _suits(model: type[GenerativeModel], values: Mapping[str, object], modality: str) -> bool:
    with suppress(BadSetting):
        model.check(model.Settings.parse(values), modality)
        return True
    return False


class Memory(Request):
    """What the form said before the page was loaded anew."""

    family: str
    dataset: str
    preset: str
    begin: str
    name: str
    values: list[Any]  # of the forms of all families; none where those of the preset had not come yet


@at_edge
def _choose(forms: Forms, family: str, dataset: str, memory: object = None) -> list[object]:
    """The presets and starts of a family, its form, and what the form says: as it was left where it was this one."""
    presets, starts = _presets(family, dataset), possible_starts(family, dataset)
    columns = [gr.update(visible=name == family) for name in MODELS]
    begin, filled = NOTHING, _refill(forms, family, dataset, presets["value"], NOTHING)
    if (kept := _kept(forms, family, dataset, memory)) and kept.preset in presets["choices"]:
        presets["value"], begin = kept.preset, kept.begin if kept.begin in starts else NOTHING
        filled = [gr.update(value=value) for value in kept.values]
    chosen = gr.update(choices=_starts_of(starts), value=begin)
    return [gr.update(info=_about(family)), gr.update(**presets), chosen, *columns, *filled]


def _kept(forms: Forms, family: str, dataset: str, memory: object) -> Memory | None:
    """What the browser kept of this form; what it kept of another, or of an older version of it, is nothing."""
    with suppress(BadSetting):
        kept, size = Memory.check(memory), sum(len(form.components) for form in forms.values())
        return kept if (kept.family, kept.dataset, len(kept.values)) == (family, dataset, size) else None
    return None


@at_edge
def _fitting(family: str, dataset: str) -> object:
    """The family, or where it cannot learn what was picked the first that can."""
    modality = describe(dataset).modality
    able = [name for name in MODELS if modality in MODELS[name].modalities]
    return gr.update(value=able[0]) if able and family not in able else gr.skip()


@at_edge
def _starts(family: str, dataset: str) -> object:
    """The models that a run may begin with."""
    return gr.update(choices=_starts_of(possible_starts(family, dataset)))


def _starts_of(models: Sequence[str] = ()) -> list[tuple[Any, str]]:
    return [(words("train.from_nothing"), NOTHING), *((name, name) for name in models)]


@at_edge
def _refill(forms: Forms, family: str, dataset: str, preset: str, begin: str) -> list[object]:
    """The values of a preset, or of the model that is gone on from, in the form of its family."""
    presets = MODELS.settings_of(family).presets
    values = presets.get(preset, {}) if begin == NOTHING else starting_settings(open_model(begin), dataset)
    return [update for name, form in forms.items() for update in (form.write(values) if name == family else form.leave())]


def _start(forms: Forms, *form: Any) -> tuple[object, object]:
    """Put a run of what the form says into the queue and show it, or say beside the button why not."""
    answer = _begin(forms, form)
    return {**answer, "family": form[0], "at": time.time()}, gr.skip() if "error" in answer else ""


@served
def _begin(forms: Forms, form: Sequence[Any]) -> dict[str, str]:
    """The run that the form makes; the same form, sent again within a moment, was meant once."""
    with _starting:
        for old in [key for key, (_, at) in _begun.items() if time.monotonic() - at > MOMENT]:
            del _begun[old]
        key = f"{current_space()} {form!r}"
        if key not in _begun:
            _begun[key] = _make(forms, *form).name, time.monotonic()
        return {"run": _begun[key][0]}


def _make(forms: Forms, family: str, dataset: str, preset: str, begin: str, name: str, *values: Any) -> Run:
    check_room()
    queue().check_room()
    settings = _own(forms, family, values)
    check_run(family, dataset, settings)
    chosen, seconds = str(name or "").strip() or None, current().seconds
    if begin == NOTHING:
        run = Run.create(family, dataset, settings, chosen, seconds=seconds)
    else:
        run = create_from(family, open_model(begin).name, dataset, settings, chosen, seconds=seconds)
    queue().add(run, device())
    return run


def _own(forms: Forms, family: str, values: Sequence[Any]) -> dict[str, Any]:
    """What the form of a family says, from the values of all forms."""
    rest = list(values)
    for name, form in forms.items():
        own, rest = rest[: len(form.components)], rest[len(form.components) :]
        if name == family:
            return form.read(own)
    raise UnknownName(unknown("model family", family, MODELS))


def _estimator_of(forms: Forms) -> Callable[[object], dict[str, Any]]:
    """What answers the line under the form; strangers' forms are within their caps before anything is measured."""

    @served
    def estimated(wish: object) -> dict[str, Any]:
        asked = FormValues.check(wish)
        if len(asked.values) != sum(len(form.components) for form in forms.values()):
            raise BadSetting(say("page.malformed"))
        settings = _own(forms, asked.family, asked.values)
        check_run(asked.family, asked.dataset, settings)
        with opening():
            return {"sentence": str(_estimator.ask(asked.family, asked.dataset, settings, device()))}

    return estimated


_estimator = Estimator()


@at_edge
def _open_latent(event: gr.EventData) -> object:
    run = _seen(Named.check(event._data).run)
    return run.name if _is_example(run) else run.address


# --- What the widgets ask ---


class Watch(Request):
    run: str = ""  # the one on stage
    since: dict[str, int] = {}  # for each run on the curve, the last step that the page knows


class Ask(Request):
    run: str
    wanted: Literal["run", "pause", "stop"]


class Reorder(Request):
    run: str
    by: int  # places further back; below 0 further to the front


class Limit(Request):
    at_once: int


class Step(Request):
    run: str
    step: int


class FormValues(Request):
    family: str
    dataset: str
    values: list[Any]  # of the forms of all families


class More(Request):
    run: str
    steps: int


class Rename(Request):
    run: str
    name: str


class Remove(Request):
    runs: list[str] = Field(max_length=1000)
    stop: bool = False  # those that train, so that they can be deleted


class Named(Request):
    run: str


@served
def watch(wish: object) -> dict[str, Any]:
    """All runs in a line each, what is new in those on the curve, and everything about the one on stage."""
    asked = Watch.check(wish)
    runs = {run.name: run for run in [*reversed(list_runs(EXAMPLES)), *list_runs()]}
    return {
        "runs": sorted(map(_line, runs.values()), key=lambda line: line["example"]),
        "histories": {name: _news(runs[name], since) for name, since in asked.since.items() if name in runs},
        "run": _detail(runs[asked.run]) if asked.run in runs else None,
        "queue": _lined_up(),
        "compared": _compared([runs[name] for name in asked.since if name in runs]),
    }


@served
def sample(wish: object) -> dict[str, Any]:
    """The samples drawn at a step, as they were written."""
    asked = Step.check(wish)
    run = _seen(asked.run)
    content = _drawn(run, asked.step)
    if run.kind.reads:
        return {"texts": read_json(content)}
    return {"image": f"data:{guess_type(run.sample_file(asked.step).name)[0]};base64,{b64encode(content).decode()}"}


def _drawn(run: Run, step: int) -> bytes:
    try:
        return run.sample_file(step).read_bytes()
    except FileNotFoundError:
        raise UnknownName(say("train.no_such_samples", step=step)) from None


@served
def quoted(wish: object) -> dict[str, Any]:
    """What of the texts drawn at a step stands in the training part word for word: in pieces, each with whether it does.

    Nothing where there is no text, or the data that the run learns are not here.
    """
    asked = Step.check(wish)
    run = _seen(asked.run)
    if not run.kind.reads or not is_here(name := run.record["dataset"]):
        return {}
    texts = read_json(_drawn(run, asked.step))
    with searching():
        data, known = load(name), run.record.get("data", {}).get("fingerprint")
        if known not in (None, data.train.fingerprint):
            return {}
        found = _quotations.get(data.train.fingerprint, lambda: quotations_of(data.train))
        all_of_them = [found.look(text) for text in texts]
    size = sum(one.size for one in all_of_them)
    return {
        "share": sum(one.copied for one in all_of_them) / max(1, size),
        "longest": max((one.longest for one in all_of_them), default=0),
        "run": RUN,
        "pieces": [_pieces(text, one.spans) for text, one in zip(texts, all_of_them, strict=True)],
    }


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """A text cut where spans of it begin and end."""
    cuts = [0, *(place for span in spans for place in span), len(text)]
    return [(text[a:b], bool(i % 2)) for i, (a, b) in enumerate(pairwise(cuts)) if a < b]


@served
def ask(wish: object) -> dict[str, Any]:
    """Pause, stop or continue a run; one that no process trains is given to the worker."""
    asked = Ask.check(wish)
    run = opened(asked.run)
    if asked.wanted == "run" and run.status().state not in ("queued", "waiting", "running", "paused"):
        queue().add(run, device())
    elif run.status().state == "queued":
        queue().cancel(run)
    else:
        run.ask(asked.wanted)
    return {}


@served
def more(wish: object) -> dict[str, Any]:
    """Let a run have more steps in all, and go on."""
    asked = More.check(wish)
    queue().check_room()
    extend(run := opened(asked.run), asked.steps)
    queue().add(run, device())
    return {}


@served
def reorder(wish: object) -> dict[str, Any]:
    """Let a waiting run change places."""
    asked = Reorder.check(wish)
    queue().move(opened(asked.run), asked.by)
    return {}


@served
def clear(wish: object) -> dict[str, Any]:
    """Take all runs out of the queue."""
    Request.check(wish)
    queue().clear()
    return {}


@served
def limit(wish: object) -> dict[str, Any]:
    """Say how many runs may train at once."""
    queue().limit(Limit.check(wish).at_once)
    return {}


@served
def rename(wish: object) -> dict[str, Any]:
    """Give a run another name."""
    asked = Rename.check(wish)
    return {"run": opened(asked.run).rename(asked.name).name}


@served
def remove(wish: object) -> dict[str, Any]:
    """Delete runs and all that came of them."""
    asked = Remove.check(wish)
    refusals = delete_runs([check_name(name, "run") for name in asked.runs], asked.stop)
    queue().advance()  # those that waited have left it
    return {"error": str(joined(fault.message for fault in refusals))} if refusals else {}


@served
def history(wish: object) -> dict[str, Any]:
    """The record of a run as a file."""
    run = _seen(Named.check(wish).run)
    return {"name": f"{run.name}.csv", "content": b64encode(as_csv(run).encode()).decode()}


def _seen(name: str) -> Run:
    """A run of one's own, or else the one of that name that comes with genlab, which can be looked at and no more."""
    example = Run(EXAMPLES / check_name(name, "run"))
    mine = (runs_folder() / name / "run.json").is_file()
    return example if not mine and (example.path / "run.json").is_file() else opened(name)


def _is_example(run: Run) -> bool:
    return run.path.parent == EXAMPLES


def _lined_up() -> dict[str, Any]:
    """The runs of this space that wait, each with its place among all that wait."""
    here, line = runs_folder().absolute(), enumerate(queue().waiting(), 1)
    mine = [{"name": run.name, "place": place} for place, run in line if run.path.parent == here]
    return {"runs": mine, "at_once": queue().at_once, "fixed": queue().fixed}


def _compared(runs: Sequence[Run]) -> dict[str, Any]:
    """The settings in which several runs differ, and how far each came."""
    if len(runs) < 2:
        return {}
    return {
        "runs": [run.name for run in runs],
        "rows": [{"name": name, "values": values} for name, values in differences(runs).items()],
        "units": sorted({run.loss_unit for run in runs}),
    }


def _line(run: Run) -> dict[str, Any]:
    status, record, kind = run.status(), run.record, MODALITIES[run.modality]
    return {
        "name": run.name,
        "family": record["family"],
        "dataset": record["dataset"],
        "state": status.state,
        "pending": _pending(run, status.state),
        "step": status.step,
        "steps": status.steps,
        "together": kind.together,
        "stage": kind.stage,
        "things": kind.things,
        "example": _is_example(run),
        "diverged": status.kind == "diverged",
    }


def _pending(run: Run, state: str) -> str:
    """What the process that trains was asked and has not done yet."""
    answered = {"waiting": "run", "running": "run", "paused": "pause"}
    return "" if state not in answered or (wanted := run.wanted()) == answered[state] else wanted


def _news(run: Run, since: int) -> dict[str, Any]:
    """The records beyond a step, and how many there are up to it: fewer than the page has if the run went back to a save."""
    records, asked = run.history(), metrics_of(run.settings)
    news = [record for record in records if record["step"] > since]
    return {
        "kept": len(records) - len(news),
        "units": run.units,
        "metrics": {name: {"title": str(METRICS[name].title), "why": str(METRICS[name].meaning)} for name in asked},
        "records": [{key: record[key] for key in ("step", "losses", "held_out", "logs")} | _found(record) for record in news],
    }


def _found(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"metrics": record["found"]["metrics"]} if "found" in record else {}


def _detail(run: Run) -> dict[str, Any]:
    status, history, saved = run.status(), run.history(), run.checkpoints()
    saved_step = int(saved[-1].name.removeprefix("step-")) if saved else 0
    health = judge(history, status, saved_step, run.measured)
    return {
        **_line(run),
        "unit": run.loss_unit,
        "health": {"level": health.level, "sentence": health.sentence},
        "doing": status.doing,
        "last": history[-1] if history else None,
        "samples": run.samples(),
        "latent": issubclass(run.model, LatentModel),
        "saved_step": saved_step,
        "saved_ago": max(0, time.time() - saved[-1].stat().st_mtime) if saved else 0,
        "hardware": run.hardware,
        "seed": run.record["settings"]["seed"],
        "command": run.command,
        "from": run.start.model if run.start else "",
        "steered": run.steered,
        "extended": extension(run),
        "measured": str(samples_told(run)),
    }


_begun: dict[str, tuple[str, float]] = {}  # by visitor and form: the run that was made, and when
_starting = threading.Lock()
_quotations = Kept(3)  # of the data that were asked about last
