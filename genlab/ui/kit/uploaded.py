"""Uploaded: the files that a visitor brought along, and how many and how large these may be."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gradio.utils import get_upload_folder

from genlab.data.importing import LOCAL, PUBLIC, Limits
from genlab.errors import BadSetting
from genlab.ui.server.spaces import room
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say


def limits_here() -> Limits:
    """A visitor's space has the limits of the public; the user of this machine has its own."""
    return LOCAL if (left := room()) is None else replace(PUBLIC, kept=left)


def uploads(names: Sequence[str]) -> list[Path]:
    """The files that Gradio put into its upload folder, each in a folder of its own; nothing else is ever opened."""
    top = Path(get_upload_folder()).resolve()
    paths = []
    for path in names:
        try:
            found = Path(path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise BadSetting(say("import.not_uploaded")) from None
        if found.parent.parent != top or not found.is_file() or not UPLOADS.owns(found):
            raise BadSetting(say("import.not_uploaded"))
        paths.append(found)
    return paths
