"""The theme: every text that the style sheets put on a ground can be read on it, in light and in dark."""

import re

import pytest

from genlab.ui import theme
from genlab.ui.page import STYLES

SHEETS = [file.read_text() for file in STYLES]
RULES = re.findall(r"([^{}]+)\{([^{}]*)\}", "".join(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL) for sheet in SHEETS))
LEAST = 4.5  # WCAG 2.2, 1.4.3
TEXTS = ("ink", "muted", "accent", "accent-strong", "amber", "red", "green")  # are put on cards and on the ground alike


def tokens(selector: str) -> dict[str, str]:
    """The colours that a rule of the sheets gives names to."""
    return dict(re.findall(r"--([\w-]+): (#\w+);", next(body for name, body in RULES if name.strip() == selector)))


LIGHT = tokens(":root")
THEMES = {"light": LIGHT, "dark": LIGHT | tokens(".dark")}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def written() -> set[tuple[str, str]]:
    """The pairs of text and ground that a rule of the sheets sets together, and those that Gradio's variables do."""
    colour = r"(var\(--[\w-]+\)|#\w+)"
    pairs = {
        (text[1], ground[1])
        for _, body in RULES
        if (text := re.search(rf"(?<![\w-])color: {colour}", body))
        and (ground := re.search(rf"background(?:-color)?: {colour}(?: !important)?;", body))
    }
    fills = {text: text.replace("text_color", "background_fill") for text in theme._COLOURS if "text_color" in text}
    return pairs | {
        (f"var(--{theme._COLOURS[text]})", f"var(--{theme._COLOURS[ground]})")
        for text, fill in fills.items()
        for ground in (fill, f"{fill}_hover")
        if ground in theme._COLOURS
    }


def test_the_pairs_are_found():
    assert {
        ("var(--accent-strong)", "var(--tint)"),
        ("var(--on-accent)", "var(--accent-strong)"),
        ("#fff", "#2b3036"),
    } <= written()


@pytest.mark.parametrize("scheme", THEMES)
def test_every_text_is_read_on_every_ground(scheme: str):
    colours = THEMES[scheme]
    named = {(text, ground) for text in TEXTS for ground in ("card", "ground")}
    pairs = named | {tuple(part.removeprefix("var(--").removesuffix(")") for part in pair) for pair in written()}
    found = {pair: contrast(*(colours.get(part, part) for part in pair)) for pair in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < LEAST} == {}
