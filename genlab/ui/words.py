"""Words: every text of the page by a key, in English in `languages/en.json`; translations are where those of all messages are."""

import json
import re
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from gradio.i18n import I18nData

from genlab import messages
from genlab.messages import ENGLISH, Message, choose, english, language, tongue

LANGUAGES = Path(__file__).parent / "languages"
MOST = 500  # characters of what a browser tells of languages
COOKIE = "genlab-language"  # what the page was asked for by ?lang=
asking: ContextVar[Any] = ContextVar("asking", default=None)  # the request that is answered, where Gradio does not know it yet


@cache
def texts() -> dict[str, str]:
    """All texts in English by their keys."""
    found: dict[str, str] = json.loads((LANGUAGES / f"{ENGLISH}.json").read_text("utf-8"))
    return found


def catalogues() -> dict[str, dict[str, str]]:
    """All languages by their tag, English first: what scripts say, by its key."""
    said = {tag: tongue(tag).texts for tag in messages.catalogues()}
    ours = {tag: {key: its[text] for key, text in texts().items() if text in its} for tag, its in said.items()}
    return {ENGLISH: texts()} | ours


def words(key: str) -> I18nData:
    """The text of a component, put into the reader's language by the browser.

    A sentence of the core (a setting's description, say) is its own key and stays English where a catalogue lacks it.
    """
    return I18nData(english(key))


def say(key: str, **values: object) -> str:
    """A text with values in it, in the language that the asking browser prefers; {n?one|many} is `one` where n is 1."""
    return str(Message(texts().get(key, key), **values))


class Translations(gr.I18n):
    """The language of whoever asks, by the tag that Gradio's scripts go by; sentences of the core are their own keys."""

    @property
    def translations_dict(self) -> dict[str, dict[str, str]]:
        tag, own = language(), (*_preferred(), ENGLISH)[0]
        said = {**texts(), **tongue(tag).texts, **catalogues()[tag]}  # what a catalogue lacks stays English
        return {ENGLISH: texts()} | (dict.fromkeys([own, own.split("-")[0]], said) if tag != ENGLISH else {})


def _language() -> str:
    request = LocalContext.request.get(None) or asking.get()
    if request is None:
        return ENGLISH
    return choose([request.query_params.get("lang", request.cookies.get(COOKIE, "")), *_preferred()])


def _preferred() -> list[str]:
    """The tags of languages that the asking browser tells."""
    request = LocalContext.request.get(None) or asking.get()
    told = request.headers.get("accept-language", "")[:MOST] if request is not None else ""
    return re.findall(r"(?:^|,)\s*([A-Za-z][\w-]{1,20})", told)


messages.speak(_language)
