"""Words into settings: flags from a Config, and sentences for what is wrong with them."""

import argparse
import os
from pathlib import Path
from typing import Any, NoReturn

from genlab.config import Config
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.registry import unknown

argparse._ = argparse.ngettext = lambda text, *_: str(Message(text))  # type: ignore[attr-defined]  # it asks gettext for its own texts
ITS_OWN = (
    Message("usage: "),
    Message("positional arguments"),
    Message("options"),
    Message("show this help message and exit"),
    Message("the following arguments are required: %s"),
    Message("expected one argument"),
    Message("expected at least one argument"),
    Message("argument %(argument_name)s: %(message)s"),
    Message("invalid %(type)s value: %(value)r"),
    Message("invalid choice: %(value)r (choose from %(choices)s)"),
    Message("ignored explicit argument %r"),
)


class Parser(argparse.ArgumentParser):
    """Flags whose texts are in the language of whoever reads them."""

    def add_argument(self, *names: str, help: str = "", **options: Any) -> argparse.Action:  # type: ignore[override]
        told = str(Message(help)).replace("%", "%%")
        return super().add_argument(*names, help=told or None, **options)

    def error(self, message: str) -> NoReturn:
        raise BadSetting("{what}. See python -m {prog} --help.", what=f"{message[0].upper()}{message[1:]}", prog=self.prog)


def parser_of(verb: str, function: Any, settings: type[Config] = Config) -> Parser:
    parser = Parser(prog=f"genlab {verb}", description=str(Message(function.__doc__)), allow_abbrev=False)
    parser.add_argument("--runs-dir", type=Path, help="where runs are kept")
    parser.add_argument("--data-dir", type=Path, help="where the datasets' files are")
    for setting in settings.fields():
        flag = f"--{setting.name.replace('_', '-')}"
        told = Message("{what} (default: {default})", what=setting.description, default=str(setting.default) or Message("none"))
        if setting.kind == "flag":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=told)
        else:
            choices = "{" + ",".join(setting.choices) + "}" if setting.choices else None
            parser.add_argument(flag, type=number, default=argparse.SUPPRESS, help=told, metavar=choices)
    return parser


def parse(parser: Parser, words: list[str], settings: type[Config] = Config) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The verb's own arguments, and the settings that were given."""
    given, rest = parser.parse_known_args(words)
    if rest:
        flags = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
        raise BadSetting(unknown("flag", rest[0], flags))
    for folder, variable in [(given.runs_dir, "GENLAB_RUNS"), (given.data_dir, "GENLAB_DATA")]:
        if folder:
            os.environ[variable] = str(folder)
    names = {setting.name for setting in settings.fields()}
    return given, {name: value for name, value in vars(given).items() if name in names}


def wants_help(words: list[str]) -> bool:
    """Whether help is asked for before what the other flags depend on is named."""
    return bool({"-h", "--help"} & set(words)) and (not words or words[0].startswith("-"))


def first(words: list[str], kind: str, possible: list[str]) -> str:
    """The first word that is no flag, without which the other flags are not known."""
    if "--runs-dir" in words[:-1]:
        os.environ["GENLAB_RUNS"] = words[words.index("--runs-dir") + 1]
    if not words or words[0].startswith("-"):
        raise BadSetting(
            "Name a {kind} first. Possible: {possible}.", kind=Message(kind), possible=list(possible) or Message("none yet")
        )
    return words[0]


def number(word: str) -> int | float | str:
    """A number if it is one; the settings themselves say what is wrong with anything else."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
