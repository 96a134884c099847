"""Widgets: a gr.HTML of a template and its script, which lie beside their tab."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

UI = Path(__file__).parents[1]


def widget(name: str, answers: Sequence[Callable], parts: Sequence[str] = (), more: Sequence[str] = ()) -> gr.HTML:
    """The component of a tab's `TAB/NAME`; its script asks the functions `answers`, stands on `parts`, goes on in `more`."""
    files = {file.stem: file for file in UI.rglob("*.js")}
    scripts = [files[part].read_text() for part in ("parts", *parts, name.split("/")[1], *more)]
    return gr.HTML(
        html_template=(UI / "tabs" / f"{name}.html").read_text(),
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        server_functions=list(answers),
    )
