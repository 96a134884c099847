"""The faults that a person can cause and mend; each message says what was given, what is possible and what to do."""

from typing import Any, ClassVar

from genlab.messages import Told


class GenlabError(Told):
    """Shown to the person as its message; anything else is a fault of ours and goes to the log.

    The message is a template with its values, `BadSetting("n is {n}; …", n=0)`, or a whole Message. `about` names the settings
    that it is about, where there are some, so that a form can mark them; `kind` is for programs.
    """

    kind: ClassVar[str] = ""

    def __init__(self, message: str, /, *about: str, **values: Any) -> None:
        super().__init__(message, **values)
        self.about = about


class BadSetting(GenlabError):
    """A setting outside of what is possible."""


class UnknownName(GenlabError):
    """A name that is in no registry, folder or class list."""


class DataMissing(GenlabError):
    """A dataset whose files are not on this machine and cannot be had."""


class BadData(GenlabError):
    """Data of one's own that cannot be read, kept or used as asked."""


class BadCheckpoint(GenlabError):
    """A checkpoint that is damaged, dangerous or does not fit its model."""


class RunFault(GenlabError):
    """A run that cannot be opened, started or continued."""


class Diverged(GenlabError):
    """Training met a loss or gradient that is not a finite number."""

    kind = "diverged"
