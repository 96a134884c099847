"""The catalogue of texts and the code that says them fit each other."""

import json
import re
from pathlib import Path

from genlab.modalities import MODALITIES
from genlab.ui.words import say

PACKAGE = Path(__file__).parents[1] / "genlab"
CODE = "\n".join(file.read_text() for file in PACKAGE.rglob("*") if file.suffix in {".py", ".js", ".html"})
KNOWN = set(re.findall(r"\w+", CODE))
KEYS = json.loads((PACKAGE / "ui" / "languages" / "en.json").read_text())
SAID = set(re.findall(r"""["'`]([a-z]+\.[\w.-]+)["'`]""", CODE))
BUILT = {re.sub(r"\$?\{.*?\}", "{}", text) for text in re.findall(r'["`]([a-z]+\.[\w.-]*\$?\{[^"`\s]*\}\w*)["`]', CODE)}
WAYS = [re.compile(re.escape(text).replace(r"\{\}", r"([\w-]+)")) for text in BUILT]


def is_built(key: str) -> bool:
    """Whether code puts the key together of a prefix and words that it knows."""
    found = (way.fullmatch(key) for way in WAYS)
    return any(match and KNOWN.issuperset(match[1].split("-")) for match in found)


def test_every_text_is_said_somewhere():
    assert not [key for key in KEYS if key not in SAID and not is_built(key)]


def test_every_text_that_is_said_is_there():
    said = re.findall(r"""\b(?:say|words)\(\s*["'`]([a-z]+\.[\w.-]+)["'`]""", CODE)
    shown = re.findall(r'data-say(?:-\w+)?="([^"{]+)"', CODE)
    assert len(said) > 200
    assert not {*said, *shown} - set(KEYS)


def test_one_thing_is_not_several():
    image = MODALITIES["image"]
    assert say("data.title", n=1, k="1", things=image.named(1)) == "1 image in 1 class"
    assert say("data.title", n="1,200", k=0, things=image.named(1200)) == "1,200 images in 0 classes"
