"""The page: its header with the two pickers, a tab a file, and the line at its foot."""

from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.context import LocalContext
from pydantic import ConfigDict, Field

from genlab.data import is_here, megabytes
from genlab.errors import GenlabError
from genlab.paths import on_hub
from genlab.training.checkpoint import find_model, list_models
from genlab.training.run import list_runs
from genlab.ui.kit import links
from genlab.ui.kit.shared import (
    QUIET,
    Failure,
    Request,
    Shared,
    at_edge,
    cores,
    dataset_choices,
    device,
    sentences,
    version_of,
)
from genlab.ui.kit.widgets import widget
from genlab.ui.server import api
from genlab.ui.server.fairness import FairQueue
from genlab.ui.server.guard import mark_refused
from genlab.ui.server.preset import current
from genlab.ui.server.scripts import OPENING, folder, scripts
from genlab.ui.server.sessions import Known
from genlab.ui.words import say, words

HERE = Path(__file__).parent
STYLES = sorted(HERE.rglob("*.css"), key=lambda file: (file.stem != "genlab", file.stem))
TABS = ("data", "train", "latent", "sample", "evaluate")
FIRST_TAB = "latent"  # a stranger is to move a slider within seconds
FIRST_MODEL = "vae-mnist"
FIRST_DATASETS = ("mnist", "digits")  # the first that is here
Choices = list[list[str]]  # pairs: what a picker says, and the name it stands for


class Page(gr.Blocks):
    """Blocks that answer in a sentence where Gradio's own components do not understand what they are sent."""

    @property
    def config(self) -> Any:
        """What the browser builds the page of, in the language of whoever asks for it."""
        spoken = getattr(self, "i18n_instance", None)
        return {**self._config, "i18n_translations": spoken and spoken.translations_dict}

    @config.setter
    def config(self, config: Any) -> None:
        self._config = config

    def queue(self, *, max_size: int = 200, default_concurrency_limit: int = 2, **options: Any) -> "Page":
        super().queue(**options)
        self._queue = FairQueue(self, max_size, default_concurrency_limit)
        self.default_config: BlocksConfig = Known.of(self.default_config)
        return self

    async def preprocess_data(self, *inputs: Any, **options: Any) -> Any:
        try:
            return await super().preprocess_data(*inputs, **options)
        except gr.Error as fault:
            raise gr.Error(fault.message, print_exception=False) from None
        except Exception:
            raise gr.Error(say("page.malformed"), print_exception=False) from None

    async def process_api(self, *inputs: Any, **options: Any) -> Any:
        try:
            with sentences():
                return await super().process_api(*inputs, **options)
        except gr.Error as fault:
            if not isinstance(fault, Failure):
                mark_refused(options.get("request"))
            raise


def build_page() -> gr.Blocks:
    """All of the page, ready to be launched."""
    with Page(title="genlab", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        shared = _header()
        with gr.Tabs(selected=FIRST_TAB, elem_id="tabs", overflow_behavior="wrap") as tabs:
            for name in TABS:
                with gr.Tab(words(f"tab.{name}"), id=name, elem_id=f"panel-{name}"):
                    import_module(f"genlab.ui.tabs.{name}.tab").build(shared)
        footer = widget("footer", events=["visit"], elem_id="footer")
        _keep_up(page, shared, footer)
        _open_link(page, shared, tabs, footer)
        api.build()
    return page


def head() -> str:
    """What opens the page in the language that is asked for, and loads all modules before they are asked for."""
    preload = "".join(f'<link rel="modulepreload" href="{folder()}/{name}">' for name in scripts())
    shared = f"window.genlab = import(new URL('{folder()}/kit/genlab.js', document.baseURI));"
    return f"<script>{OPENING.read_text()}{shared}</script>{preload}"


def _header() -> Shared:
    models = list_models()
    model = FIRST_MODEL if FIRST_MODEL in models else next(iter(models), None)
    with gr.Row(elem_id="header"):
        gr.HTML(html_template=(HERE / "brand.html").read_text(), elem_id="brand")
        dataset_picker = gr.Dropdown(
            dataset_choices(),
            value=next(filter(is_here, FIRST_DATASETS)),
            label=words("page.dataset"),
            elem_id="dataset-picker",
            filterable=False,
            scale=0,
        )
        local = not current().public
        model_picker = gr.Dropdown(
            models,
            value=model,
            label=words("page.model"),
            elem_id="model-picker",
            filterable=local,
            allow_custom_value=local,  # hf://USER/NAME
            scale=0,
        )
        toggle = gr.Button("☾", elem_id="theme-toggle", scale=0)
        toggle.click(None, js="async () => (await genlab).toggleTheme()", api_visibility="private")
    return Shared(dataset_picker, model_picker, gr.Timer(3), gr.State({}))


def _keep_up(page: gr.Blocks, shared: Shared, footer: gr.HTML) -> None:
    """Let scripts know what was picked, and the page what runs and which models and datasets there are."""
    quiet = {**QUIET, "queue": False}
    for name, picker in (("dataset", shared.dataset_picker), ("model", shared.model_picker)):
        picker.change(None, picker, js=f"async (value) => (await genlab).pick('{name}', value)", **quiet)
        page.load(None, picker, js=f"async (value) => (await genlab).begin('{name}', value)", **quiet)
    gr.on(
        [shared.clock.tick, shared.model_picker.change, page.load],
        _look,
        [shared.model_picker, shared.dataset_picker, footer],
        [footer, shared.model_picker, shared.dataset_picker],
        **quiet,
    )


def _open_link(page: gr.Blocks, shared: Shared, tabs: gr.Tabs, footer: gr.HTML) -> None:
    """Go where the address of the page says, as it opens and when one goes back and forth."""
    pickers = [shared.dataset_picker, shared.model_picker]
    shown = page.load(_opened, None, [tabs, *pickers, shared.link], **QUIET)
    for name, picker in zip(("dataset", "model"), pickers, strict=True):
        shown.then(None, picker, js=f"async (value) => (await genlab).pick('{name}', value)", **QUIET)
    visited = footer.visit(_visited, None, pickers, trigger_mode="multiple", concurrency_limit=1, **QUIET)  # in their order
    visited.then(None, pickers, js="async (...picked) => (await genlab).visited(...picked)", **QUIET)


@at_edge
def _opened(asked: gr.Request) -> tuple[object, ...]:
    """The tab, the dataset and the model of the link, where it has them."""
    link = links.read(dict(asked.query_params), TABS)
    return (
        gr.update(selected=link.tab) if link.tab else gr.skip(),
        *_picked(link),
        {**link.query, "turn": "0"} if link.query else gr.skip(),
    )


class Visit(Request):
    """An address that one goes back or forth to."""

    dataset: str | None = None
    model: str | None = None


@at_edge
def _visited(event: gr.EventData) -> list[object]:
    """The dataset and the model that were looked at there."""
    return _picked(links.read(Visit.check(event._data).model_dump(exclude_none=True), TABS))


def _picked(link: links.Link) -> list[object]:
    """Updates of the pickers; what the link names and there is not is told."""
    for fault in link.faults:
        gr.Warning(escape(str(fault), quote=False), duration=30, title=say("link.title"))  # Gradio reads it as HTML
    return [gr.update(value=name) if name else gr.skip() for name in (link.dataset, link.model)]


class Told(Request):
    """What the page says that it was told last; nothing when it opens."""

    model_config = ConfigDict(extra="ignore")

    lists: list[Choices] = Field(default=[[], []], min_length=2, max_length=2)


@at_edge
def _look(model: str | None, dataset: str | None, told: object) -> tuple[object, ...]:
    """The line at the foot, and the models and datasets where their lists are others than what the page was told last.

    The page says itself what that was: answers may overtake one another.
    """
    lists = _lists()
    known = Told.check(told or {}).lists
    status = {
        "device": device(),
        "cores": cores(),
        "runs": [run.name for run in list_runs() if run.status().state == "running"],
        "model": model,
        "version": _version(model) if model in list_models() else None,
        "address": shared_address(),
        "public": current().public,
        "room": megabytes(current().visitor_disk or 0),
        "lists": lists,
    }
    return status, *map(_choices, lists, known, (model, dataset))


def _lists() -> list[Choices]:
    """What can be picked: the models and the datasets."""
    return [[[name, name] for name in list_models()], [list(choice) for choice in dataset_choices()]]


def _choices(choices: Choices, known: Choices, chosen: str | None) -> object:
    """An update of a picker whose list has changed; what was chosen stays where it is still there."""
    if choices == known:
        return gr.skip()
    names = [name for _, name in choices]
    stays = chosen in names or (isinstance(chosen, str) and on_hub(chosen))
    return gr.update(choices=choices, **({} if stays else {"value": next(iter(names), None)}))


def shared_address() -> str | None:
    """Where others find this page, if it was shared through a tunnel."""
    served = LocalContext.blocks.get(None)
    return f"{served.share_url}/" if served is not None and served.share_url else None


def _version(model: str) -> str | None:
    try:
        return version_of(find_model(model))
    except (GenlabError, OSError):
        return None
