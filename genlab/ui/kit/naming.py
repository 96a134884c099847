"""Naming: whether what was typed can be the name of a class, for all widgets in which classes are made."""

from genlab.config import Field
from genlab.data.labelling import check_class
from genlab.ui.kit.shared import Request, served


class Word(Request):
    word: str = Field(max_length=400)


@served
def may_be_class(data: object) -> dict[str, str]:
    """A name for a class, without blanks around it."""
    return {"name": check_class(Word.check(data).word)}
