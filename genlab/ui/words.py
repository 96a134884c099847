"""Words: every text of the page, from one catalogue a language (`languages/en.json` is the first, and the fallback)."""

import json
import re
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.context import LocalContext
from gradio.i18n import I18nData

CHOICE = re.compile(r"\{(\w+)\?([^|{}]*)\|([^{}]*)\}")
LANGUAGES = Path(__file__).parent / "languages"


@cache
def catalogues() -> dict[str, dict[str, str]]:
    """All languages by their tag, English first."""
    files = sorted(LANGUAGES.glob("*.json"), key=lambda file: (file.stem != "en", file.stem))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def words(key: str) -> I18nData:
    """The text of a component, put into the reader's language by the browser.

    A sentence of the core (a setting's description, say) is its own key and stays English where a catalogue lacks it.
    """
    return I18nData(key)


def say(key: str, **values: object) -> str:
    """A text with values in it, in the language that the asking browser prefers; {n?one|many} is `one` where n is 1."""
    text = catalogues()[_language()].get(key, catalogues()["en"].get(key, key))
    return CHOICE.sub(lambda choice: choice[2 if str(values.get(choice[1])) == "1" else 3], text).format(**values)


def translations() -> gr.I18n:
    """The catalogues as Gradio takes them at launch."""
    return gr.I18n(**catalogues())


def _language() -> str:
    request = LocalContext.request.get(None)
    preferred = request.headers.get("accept-language", "") if request is not None else ""
    for tag in preferred.split(","):
        language = tag.split(";")[0].strip()
        for name in (language, language.split("-")[0]):
            if name in catalogues():
                return name
    return "en"
