"""Registry: a named collection of parts that explains unknown names; and what a name may look like."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from genlab.errors import BadSetting, UnknownName

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Registry(Mapping[str, T]):
    """Parts of one kind by name, in the order in which they were registered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """List the decorated part under `name`."""

        def listed(part: T) -> T:
            assert name not in self._parts, f"{self.kind} {name!r} is registered twice"
            self._parts[name] = part
            return part

        return listed

    def remove(self, name: str) -> None:
        """Take a part off the list again."""
        del self._parts[name]

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise UnknownName(unknown(self.kind, name, self._parts))
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def unknown(kind: str, name: object, possible: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The sentence for a name that does not exist, with the nearest one that does."""
    near = get_close_matches(str(name), list(possible), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} called {name!r}.{hint} Possible: {', '.join(possible) or 'none yet'}."


def check_name(name: str, kind: str) -> str:
    """The name, if something may be called so; it then is a safe name of a folder, too."""
    if not NAME.fullmatch(name):
        raise BadSetting(f"{name!r} cannot name a {kind}; use 1 to 40 small letters, digits and hyphens, such as 'my-{kind}-2'.")
    return name
