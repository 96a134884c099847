"""Widgets: a gr.HTML whose look is a template and whose behaviour is scripts from the assets folder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parent / "assets"


def widget(template: str, scripts: Sequence[str], answers: Sequence[Callable], value: object = None) -> gr.HTML:
    """A component drawn by `scripts`, which ask the functions `answers`; its value is what the page tells it."""
    code = "\n".join((ASSETS / script).read_text() for script in ("parts.js", *scripts))
    return gr.HTML(value, html_template=template, js_on_load=code, apply_default_css=False, server_functions=list(answers))
