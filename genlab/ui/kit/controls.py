"""Controls: a form drawn from the schema of a Config, and its values read back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from genlab.config import Config, Setting, names_in
from genlab.metrics import METRICS
from genlab.ui.kit.shared import QUIET
from genlab.ui.words import words

PARTS = {"metric": lambda one: True, "quick metric": lambda one: one.of_items and not one.slow}  # which metrics a text may name


@dataclass(frozen=True)
class Form:
    """The controls of one kind of settings, in the order of their declaration."""

    settings: type[Config]
    components: list[Component]

    def read(self, values: Sequence[Any]) -> dict[str, Any]:
        """What the controls say, by name; pass the values in the order of `components`."""
        return {s.name: _value(s, value) for s, value in zip(self.settings.fields(), values, strict=True)}

    def parse(self, values: Sequence[Any]) -> Config:
        """The settings; raises BadSetting with a sentence for each that is out of place."""
        return self.settings.parse(self.read(values))

    def leave(self) -> list[Any]:
        """Updates for `components` that leave them as they are."""
        return [gr.skip() for _ in self.components]

    def write(self, values: Mapping[str, Any]) -> list[Any]:
        """Updates for `components` that show these values, and the defaults where a value is missing."""
        return [gr.update(value=shown(s, values)) for s in self.settings.fields()]


def draw_form(settings: type[Config], prefix: str, values: Mapping[str, Any] | None = None) -> Form:
    """Draw a control for each setting, `PREFIX-NAME` its element id; those for few people lie behind one line."""
    chosen, drawn = values or {}, {}
    fields = settings.fields()
    for setting in fields:
        if not setting.advanced:
            drawn[setting.name] = _control(setting, prefix, chosen)
    if len(drawn) < len(fields):
        with gr.Accordion(words("page.advanced"), open=False, elem_classes="quiet", elem_id=f"{prefix}-advanced"):
            for setting in fields:
                if setting.advanced:
                    drawn[setting.name] = _control(setting, prefix, chosen)
    return Form(settings, [drawn[setting.name] for setting in fields])


def remember(form: str, controls: Sequence[Component], set_by: Sequence[Any] = (), unset_by: Any = None) -> None:
    """Keep in the browser what a person sets these controls to, and let them say it again after a reload.

    Other events set them, too: `set_by` as the person wants it, `unset_by` as a link does, which opened the page before.
    """
    key = json.dumps(form)
    for event in (partial(gr.on, [control.input for control in controls]), *(event.then for event in set_by)):
        event(None, controls, js=f"async (...values) => (await genlab).keep({key}, values)", **QUIET)
    bring = "const go = async () => (await genlab).bring(props.value, () => trigger('recall')); watch('value', go); go();"
    memory = gr.HTML(form, html_template="<i></i>", js_on_load=bring, elem_classes="unseen", apply_default_css=False)
    memory.recall(None, controls, controls, js=f"async (...values) => (await genlab).brought({key}, values)", **QUIET)
    if unset_by:
        unset_by.then(None, controls, controls, js=f"async (...values) => (await genlab).recalled({key}) ?? values", **QUIET)


def _control(setting: Setting, prefix: str, chosen: Mapping[str, Any]) -> Component:
    common = {
        "value": shown(setting, chosen),
        "label": words(setting.label),
        "info": words(setting.description),
        "interactive": True,  # inside gr.render nothing is unless it says so
        "elem_id": f"{prefix}-{setting.name.replace('_', '-')}",
    }
    if setting.kind == "flag":
        return gr.Checkbox(**common)
    if setting.kind == "choice":
        return gr.Dropdown(list(setting.choices), filterable=False, **common)
    if setting.parts:
        choices = [(words(one.title), name) for name, one in METRICS.items() if PARTS[setting.parts](one)]
        return gr.Dropdown(choices, multiselect=True, elem_classes="of-names", **common)
    if setting.kind == "text":
        return gr.Textbox(**common)
    if _is_short(setting):
        step = setting.multiple_of if setting.kind == "whole" else 0.05
        return gr.Slider(setting.low, setting.high, step=step, buttons=[], **common)
    return gr.Number(step=setting.multiple_of if setting.kind == "whole" else None, **common)


def _is_short(setting: Setting) -> bool:
    """Whether the range suits a slider: few steps and nothing that is better thought of in powers of ten."""
    if setting.low is None or setting.high is None or setting.advanced:
        return False
    return setting.high - setting.low <= (32 if setting.kind == "whole" else 10) and (setting.low == 0 or setting.low >= 1)


def shown(setting: Setting, values: Mapping[str, Any]) -> Any:
    """The value as its control has it; the default where it is missing."""
    value = values.get(setting.name, setting.default)
    return names_in(value) if setting.parts else value


def _value(setting: Setting, value: Any) -> Any:
    """A number box gives 5.0 where 5 is meant, and a box of names a list; all else is left for validation to judge."""
    if setting.parts and isinstance(value, list):
        return ",".join(map(str, value))
    if setting.kind == "whole" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
