"""Reading: what a model of texts holds likely at every place of a text that it wrote, or that somebody typed."""

from dataclasses import asdict
from typing import Any

from pydantic import Field

from genlab.errors import BadSetting
from genlab.models.sequence import Place, SequenceModel, Surprise
from genlab.ui.kit.shared import Request, drawing, open_model, served
from genlab.ui.words import say

LONGEST = 20_000  # characters of a text that is typed


class Text(Request):
    """A text, and who is to read it."""

    model: str = Field(max_length=400)
    text: str = Field(max_length=LONGEST)
    label: str | None = Field(None, max_length=200)  # the class that was asked for


@served
def read_text(data: Any) -> dict[str, Any]:
    """How surprising each token of a text is, what else was likely there, and how surprising all of it is."""
    asked = Text.check(data)
    model = open_model(asked.model).model
    if not isinstance(model, SequenceModel) or not model.writes:
        raise BadSetting(say("read.no_texts", model=asked.model))
    label = model.label_of(asked.label) if asked.label and model.classes else None
    with drawing():
        places = model.read(asked.text, given=model.given_labels(label, 1) if label is not None else None)
    return {"places": [_told(place) for place in places], **(asdict(Surprise.of(places)) if asked.text else {})}


def _told(place: Place) -> dict[str, Any]:
    nats = None if place.nats is None else round(place.nats, 3)
    return {"text": place.text, "nats": nats, "likeliest": [[text, round(share, 4)] for text, share in place.likeliest]}
