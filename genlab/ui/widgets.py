"""Widgets: a gr.HTML of two assets, its template and its script."""

from collections.abc import Callable, Sequence

import gradio as gr

from genlab.ui.shared import ASSETS


def widget(name: str, answers: Sequence[Callable], parts: Sequence[str] = (), more: Sequence[str] = ()) -> gr.HTML:
    """The component of NAME.html and NAME.js; its script asks the functions `answers`, stands on `parts`, goes on in `more`."""
    scripts = [(ASSETS / f"{part}.js").read_text() for part in ("parts", *parts, name, *more)]
    return gr.HTML(
        html_template=(ASSETS / f"{name}.html").read_text(),
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        server_functions=list(answers),
    )
