"""Config: the base of all settings, which are frozen, strict, finite and explain themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genlab.errors import BadSetting
from genlab.messages import Message, joined
from genlab.registry import unknown

__all__ = ["Config", "Field", "Setting"]

Kind = Literal["flag", "whole", "number", "choice", "text"]


@dataclass(frozen=True)
class Setting:
    """One setting as a form or a command line needs it; `low` and `high` are inclusive."""

    name: str
    kind: Kind
    default: Any
    description: str
    low: float | None = None
    high: float | None = None
    multiple_of: int = 1  # of a whole number
    choices: tuple[str, ...] = ()
    advanced: bool = False
    parts: str = ""  # of a text that names some with commas between: what kind they are

    @property
    def label(self) -> str:
        return Message(self.name.replace("_", " "))


class Config(BaseModel):
    """Settings are declared as pydantic fields; forms, flags, files and messages follow from them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Validate `values`; raises BadSetting with a sentence for each setting at fault."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as fault:
            about = [str(part) for error in fault.errors() for part in error["loc"][:1]]
            raise BadSetting(joined(cls._sentence(error) for error in fault.errors()), *about) from None

    @classmethod
    def fields(cls) -> list[Setting]:
        """All settings, in the order of their declaration."""
        return [_setting(name, schema) for name, schema in cls.model_json_schema()["properties"].items()]

    def changed(self) -> dict[str, Any]:
        """The settings that differ from their defaults."""
        return {s.name: value for s in self.fields() if (value := getattr(self, s.name)) != s.default}

    @classmethod
    def _sentence(cls, error: Any) -> str:
        name, given = ".".join(map(str, error["loc"])), error["input"]
        settings = {setting.name: setting for setting in cls.fields()}
        if name not in settings:
            return unknown("setting", name, settings) if error["type"] == "extra_forbidden" else error["msg"]
        told = {"label": settings[name].label, "possible": _possible(settings[name])}
        if given is None or error["type"] == "missing":
            return Message("{label} is missing; it must be {possible}.", **told)
        return Message("{label} is {given}; it must be {possible}.", given=repr(given), **told)


_KINDS: dict[str, Kind] = {"boolean": "flag", "integer": "whole", "number": "number", "string": "text"}


def _setting(name: str, schema: dict[str, Any]) -> Setting:
    return Setting(
        name=name,
        kind="choice" if "enum" in schema else _KINDS[schema["type"]],
        default=schema["default"],
        description=Message(schema.get("description", "")),
        low=schema.get("minimum"),
        high=schema.get("maximum"),
        multiple_of=schema.get("multipleOf", 1),
        choices=tuple(schema.get("enum", ())),
        advanced=schema.get("advanced", False),
        parts=schema.get("parts", ""),
    )


def _possible(setting: Setting) -> str:
    if setting.kind == "flag":
        return Message("true or false")
    if setting.kind == "choice":
        return Message("one of {choices}", choices=list(setting.choices))
    if setting.kind == "text":
        return Message("a text")
    noun = Message("a whole number") if setting.kind == "whole" else Message("a number")
    noun = Message("a multiple of {step}", step=setting.multiple_of) if setting.multiple_of > 1 else noun
    if setting.low is None:
        return noun
    return Message("{noun} from {low} to {high}", noun=noun, low=_plain(setting.low), high=_plain(setting.high))


def _plain(bound: float | None) -> str:
    return Message("{bound:,}", bound=bound) if isinstance(bound, int) else Message("{bound:g}", bound=bound)


def differing(asked: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings that are not the same in all of several wishes, a value each; None where one has no such setting."""
    names = dict.fromkeys(name for settings in asked for name in settings)
    values = {name: [settings.get(name) for settings in asked] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}


def read_texts(settings: type[Config], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of those settings that `texts` has; what cannot be read stays as it is, for validation to refuse."""
    return {s.name: _value(s.kind, texts[s.name]) for s in settings.fields() if s.name in texts}


def names_in(text: str) -> list[str]:
    """The names in a text that has commas between them, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _value(kind: Kind, text: str) -> Any:
    if kind == "flag":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return {"whole": int, "number": float}.get(kind, str)(text)
    except ValueError:
        return text
