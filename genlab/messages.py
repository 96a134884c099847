"""Messages: what a person reads, a template and its values, said in the language of whoever reads it; English is the key.

Message("{n:,} item", "{n:,} items", n=3)   # "3 items"; with n, a language has as many forms as it needs
"""

import ast
import gettext
import io
import os
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

ENGLISH = "en"
FOLDER = Path(__file__).parent / "languages"  # a catalogue a language, as XX.po; others may lie in $GENLAB_LANGUAGES
LONGEST = 2**18  # characters of values in a text, which a record that anybody may have written could repeat without end
CHOICE = re.compile(r"\{(\w+)\?([^{}|]*(?:\|[^{}|]*)+)\}")  # in a time that grows with the text, whatever it is
FIELD = re.compile(
    r"\{(\w+)(!r)?(?::(0?\d{0,2},?(?:\.\d\d?)?[a-z%]?))?\}"
)  # a record may be anybody's: no attributes, no width without end
PO = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?(".*")')


class Message(str):
    """English text that knows what it was made of; `str` of it, and a place in another text, is in the reader's language.

    `template` names its values as {name}, {name:,} or {name!r}; lists are said with commas between. Where `plural` is given,
    the value `n` chooses between them; where several numbers are told, each can choose words: {k?class|classes}.
    """

    template: str
    plural: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, plural: str = "", /, **values: Any) -> Self:
        if isinstance(template, cls) and not values:
            return template
        kept = {name: _kept(value) for name, value in values.items()}
        self = super().__new__(cls, _filled(plural if plural and kept["n"] != 1 else template, kept, tongue(ENGLISH)))
        self.template, self.plural, self.values = template, plural, kept
        return self

    def __str__(self) -> str:
        return self.said(tongue(language()))

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, Any]]:
        return (self.template, self.plural), dict(self.values)

    def said(self, by: "Tongue") -> str:
        """The text in a language; in English where that lacks it."""
        n = self.values.get("n")
        text = by.texts.get(self.template)
        if text is None:
            text = self.template
            if isinstance(n, int):
                text = by.catalogue.ngettext(self.template, self.plural or self.template, n)
            elif self.plural and n != 1:  # as in English
                text = self.plural
        return _filled(text, self.values, by)


class Told(Exception):
    """An exception whose message is for people."""

    def __init__(self, message: str, /, **values: Any) -> None:
        self.message = Message(message, **values)
        super().__init__(self.message)


def listed(parts: Iterable[object]) -> Message:
    """Several texts as a list."""
    return Message("{parts}", parts=[*parts])


def joined(parts: Iterable[str], between: str = " ") -> Message:
    """Several texts one after the other."""
    said = {str(i): part for i, part in enumerate(parts)}
    return Message("{between}".join(f"{{{i}}}" for i in said), between=between, **said)


def duration(seconds: float) -> Message:
    """So many seconds in words."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return Message("{hours} h {minutes} min", hours=hours, minutes=minutes)
    return Message("{minutes} min {rest} s", minutes=minutes, rest=rest) if minutes else Message("{rest} s", rest=rest)


def counted(template: str) -> bool:
    """Whether a template says how many: a catalogue then has each of its language's plurals of it, even where English has one."""
    return bool(re.search(r"\{n[!:}]", template))


def english(text: str) -> str:
    """The text in English, whatever the reader's language."""
    return str.__str__(text)


def to_json(value: Any) -> Any:
    """A value with its messages as templates and values, so that they are said in the language of whoever reads the file."""
    if isinstance(value, Message):
        plural = {"plural": value.plural} if value.plural else {}
        return {"template": value.template, **plural, "values": to_json(dict(value.values))}
    if isinstance(value, Mapping):
        return {key: to_json(part) for key, part in value.items()}
    return [to_json(part) for part in value] if isinstance(value, list | tuple) else value


def from_json(value: Any) -> Any:
    """A value with its messages again; plain texts stay as they are."""
    if isinstance(value, list):
        return [from_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    parts = {key: from_json(part) for key, part in value.items()}
    template, plural, values = parts.get("template"), parts.get("plural", ""), parts.get("values")
    if not (isinstance(template, str) and isinstance(plural, str) and isinstance(values, dict)):
        return parts
    return Message(template, plural if "n" in values else "", **values)


def say(value: Any) -> Any:
    """A value with every message in it said: what goes to where nothing is known of messages."""
    by = tongue(language())
    return value if by is _PLAIN and not isinstance(value, Message) else _said(value, by)


def _said(value: Any, by: "Tongue") -> Any:
    if isinstance(value, Message):
        return value.said(by)
    if isinstance(value, dict):
        return {key: _said(part, by) for key, part in value.items()}
    return type(value)(_said(part, by) for part in value) if type(value) in (list, tuple) else value


def _kept(value: Any) -> Any:
    """A value as JSON can hold it, and no more of it."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _kept(part) for key, part in value.items()}
    return [_kept(part) for part in value] if isinstance(value, list | tuple | set) else str(value)


def _filled(text: str, values: Mapping[str, Any], by: "Tongue") -> str:
    left = LONGEST

    def shown(field: re.Match[str]) -> str:
        nonlocal left
        name, quoted, form = field.groups()
        if name not in values:
            return field[0]
        text = _shown(values[name], bool(quoted), form or "", by)[:left] if left else ""
        left -= len(text)
        return text

    def chosen(choice: re.Match[str]) -> str:
        if choice[1] not in values:  # what was said already, with names in it that anybody chose
            return choice[0]
        digits, forms = re.sub(r"\D", "", str(values[choice[1]]))[-300:], choice[2].split("|")
        return forms[min(by.form(int(digits or 0)), len(forms) - 1)]

    return FIELD.sub(shown, CHOICE.sub(chosen, text))


def _shown(value: Any, quoted: bool, form: str, by: "Tongue") -> str:
    if quoted:
        return repr(value)
    if isinstance(value, Message):
        return value.said(by)
    if isinstance(value, list):
        return by.comma.join(_shown(part, False, "", by) for part in value)
    try:
        text = format(value, form)
    except (TypeError, ValueError, OverflowError):  # of a record that anybody may have written
        return str(value)
    return text.translate(by.marks) if isinstance(value, int | float) and not isinstance(value, bool) else text


# --- Languages ---


@dataclass(frozen=True)
class Tongue:
    """A language: its texts that have one form, all of them, which form a number takes, and how it writes numbers and lists."""

    texts: Mapping[str, str]
    catalogue: gettext.NullTranslations
    form: Callable[[int], int]
    marks: Mapping[int, str]
    comma: str


_language: Callable[[], str] = lambda: ENGLISH  # noqa: E731


def language() -> str:
    """The tag of the language that whoever reads now prefers, among those that there are."""
    return _language()


def speak(asked: Callable[[], str]) -> None:
    """Let `asked` tell the language each time that something is said."""
    global _language
    _language = asked


def from_environment() -> str:
    """The language of whoever started this process."""
    wanted = next(filter(None, map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return choose(re.sub(r"[.@].*", "", tag).replace("_", "-") for tag in wanted.split(":"))


def choose(preferred: Iterable[str]) -> str:
    """The first of some tags that there is a catalogue of, by the whole tag or by its language alone; English for none."""
    there = {tag.lower(): tag for tag in (ENGLISH, *catalogues())}
    return next((there[part] for tag in preferred for part in (tag.lower(), tag.lower().split("-")[0]) if part in there), ENGLISH)


def catalogues() -> dict[str, Path]:
    """The catalogues by the tag of their language."""
    return _in_folders(FOLDER, os.environ.get("GENLAB_LANGUAGES"))


@cache
def _in_folders(*folders: Path | str | None) -> dict[str, Path]:
    return {file.stem: file for folder in folders if folder for file in sorted(Path(folder).glob("*.po"))}


def tongue(tag: str) -> Tongue:
    """A language by its tag."""
    return _PLAIN if tag == ENGLISH else _tongue(catalogues().get(tag))


@cache
def _tongue(file: Path | None) -> Tongue:
    if file is None:
        return _PLAIN
    try:
        entries = _entries(file.read_text("utf-8"))
        catalogue = gettext.GNUTranslations(io.BytesIO(compiled(entries)))
    except (SyntaxError, ValueError) as fault:
        raise ValueError(f"{file} cannot be read: {fault}. python -m tools.words mends quotes.") from fault
    texts = {key.decode(): said.decode() for key, said in entries.items() if key and b"\0" not in key}
    thousands, decimal = re.split("1|234|5", texts.get("1,234.5", "1,234.5"))[1:3]
    marks = {ord(","): thousands, ord("."): decimal}
    return Tongue(texts, catalogue, catalogue.plural, marks, texts.get(", ", ", "))  # type: ignore[attr-defined]


_PLAIN = Tongue({}, gettext.NullTranslations(), lambda n: int(n != 1), {}, ", ")
SAMPLES = Message("1,234.5"), Message(", ")  # how a language writes numbers, and what it sets between the parts of a list


def compiled(entries: Mapping[bytes, bytes]) -> bytes:
    """A catalogue as the standard library reads it (GNU gettext's manual, the format of GNU MO files).

    So that a translator's text is the only file there is.
    """
    keys = sorted(entries)
    start, sizes, texts = 28 + 16 * len(keys), [], b""
    for text in [*keys, *(entries[key] for key in keys)]:
        sizes += [len(text), start + len(texts)]
        texts += text + b"\0"
    return struct.pack(f"<{7 + len(sizes)}I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0, *sizes) + texts


def _entries(po: str) -> dict[bytes, bytes]:
    """What a catalogue translates, each key with its plural behind it, and each translation with its further forms."""
    found: dict[bytes, bytes] = {}
    for block in re.split(r"\n\s*\n", po):
        parts: dict[tuple[str, int], str] = {}
        place = ("", 0)
        for line in map(str.strip, block.split("\n")):
            if match := PO.fullmatch(line):
                place = (match[1], int(match[2] or 0)) if match[1] else place
                parts[place] = parts.get(place, "") + ast.literal_eval(match[3])
        key = "\0".join(parts[part, 0] for part in ("msgid", "msgid_plural") if (part, 0) in parts)
        forms = [text for (part, _), text in sorted(parts.items()) if part == "msgstr"]
        if all(forms) and forms and (not re.search("^#,.*fuzzy", block, re.M) or not key):
            found[key.encode()] = "\0".join(forms).encode()
    return found
