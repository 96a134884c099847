"""Widgets: a gr.HTML of a template and a module, which lie beside their tab."""

import json
from collections.abc import Callable, Sequence

import gradio as gr

from genlab.ui.server.scripts import UI, folder

HANDED = "{ element, props, server, trigger, upload, watch, find: (what) => element.querySelector(what) }"
SCRIPT = "import(new URL({module}, document.baseURI)).then((card) => card.start({handed})); // triggers {events}"


def widget(name: str, answers: Sequence[Callable] = (), events: Sequence[str] = (), **options: str) -> gr.HTML:
    """The component of NAME.html and NAME.js, whose `start` is handed what Gradio hands a script.

    It asks the functions `answers` and triggers `events`, which Gradio looks for in the script.
    """
    module = json.dumps(f"{folder()}/{name}.js")
    return gr.HTML(
        html_template=(UI / f"{name}.html").read_text(),
        js_on_load=SCRIPT.format(module=module, handed=HANDED, events=json.dumps(events)),
        apply_default_css=False,
        server_functions=list(answers),
        **options,
    )
