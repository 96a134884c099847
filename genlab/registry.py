"""Registry: a named collection of parts that explains unknown names; and what a name may look like."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar

from genlab.errors import BadSetting, UnknownName
from genlab.messages import Message, joined

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Registry(Mapping[str, T]):
    """Parts of one kind by name, in the order in which they were registered; a part may be loaded when it is looked up."""

    def __init__(self, kind: str, *listed_by: str) -> None:
        """`listed_by` are modules that register parts of their own; they are imported when somebody first looks."""
        self.kind = kind
        self._listed_by = list(listed_by)
        self._parts: dict[str, Callable[[], T]] = {}
        self._settings: dict[str, Any] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """List the decorated part under `name`."""

        def listed(part: T) -> T:
            self._list(name, lambda: part)
            return part

        return listed

    def defer(self, name: str, load: Callable[[], T], settings: Any = None) -> None:
        """List a part that `load` gives when it is looked up; what it can be set to is known before where it is given."""
        self._list(name, load)
        if settings is not None:
            self._settings[name] = settings

    def settings_of(self, name: str) -> Any:
        """The Settings of a part, which is loaded for this only where they did not come with its name."""
        known = name in self and name in self._settings  # a name may come from anywhere, and be none
        return self._settings[name] if known else self[name].Settings  # type: ignore[attr-defined]

    def remove(self, name: str) -> None:
        """Take a part off the list again."""
        del self._parts[name]
        self._settings.pop(name, None)

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise UnknownName(unknown(self.kind, name, list(self)))
        return self._parts[name]()

    def __contains__(self, name: object) -> bool:
        self._complete()
        return isinstance(name, str) and name in self._parts

    def __iter__(self) -> Iterator[str]:
        self._complete()
        return iter(self._parts)

    def __len__(self) -> int:
        self._complete()
        return len(self._parts)

    def _list(self, name: str, load: Callable[[], T]) -> None:
        assert name not in self._parts, f"{self.kind} {name!r} is registered twice"
        self._parts[name] = load

    def _complete(self) -> None:
        while self._listed_by:
            import_module(self._listed_by.pop(0))


def unknown(kind: str, name: object, possible: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The sentence for a name that does not exist, with the nearest one that does."""
    near = _alike(str(name), list(possible))
    told = [Message("There is no {kind} called {name!r}.", kind=Message(kind), name=str(name))]
    if near:
        told.append(Message("Did you mean {near!r}?", near=near[0]))
    return joined([*told, Message("Possible: {possible}.", possible=[*possible] or Message("none yet"))])


def _alike(name: str, possible: list[str]) -> list[str]:
    """The name that was probably meant: the first whose initials were given, as lr for learning-rate, or the most similar."""
    bare = {known.lstrip("-"): known for known in possible}  # the hyphens of flags are alike in all of them
    word = name.lstrip("-").lower()
    initials = [known for known in bare if len(word) > 1 and word == "".join(part[:1] for part in re.split(r"[-_ ]", known))]
    return [bare[known] for known in [*initials, *get_close_matches(word, bare, n=1)][:1]]


def check_name(name: str, kind: str) -> str:
    """The name, if something may be called so; it then is a safe name of a folder, too."""
    if not NAME.fullmatch(name):
        possible = Message("use 1 to 40 small letters, digits and hyphens, such as 'my-{kind}-2'", kind=kind)
        raise BadSetting("{name!r} cannot name a {kind}; {possible}.", "name", name=name, kind=Message(kind), possible=possible)
    return name
