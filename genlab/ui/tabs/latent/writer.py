"""Writers: what there is to see of a model of texts: what tokens look at, what units carry, how texts blend, how tokens lie."""

from math import isqrt
from typing import Annotated, Any

from pydantic import Field

from genlab.errors import BadSetting
from genlab.latent import insight
from genlab.models import SequenceModel
from genlab.models.base import Given
from genlab.models.settings import SequenceSampling, check_seeds
from genlab.training.checkpoint import Trained
from genlab.ui.kit.explorer import Name
from genlab.ui.kit.shared import Kept, Request, drawing, open_model, served
from genlab.ui.server.preset import check_work, current
from genlab.ui.words import say

EXAMPLE, LONG_EXAMPLE, EXAMPLES = 40, 160, 4  # tokens that are written to begin with; of so many texts the longest
BEGINNING = 8  # tokens of each of two prompts to begin with
SHOWN = 24  # units at once
LONGEST = 20_000  # characters of what is sent
Text = Annotated[str, Field(max_length=LONGEST)]


class Writing(Request):
    """Which model is looked at."""

    model: Name


class Looked(Writing):
    """A text that is looked into, as one of a class where the model knows any."""

    text: Text
    label: Name | None = None


class Followed(Looked):
    """What units are to be ranked by, and one that is to be seen whatever its rank."""

    by: Name = "spread"
    unit: int | None = Field(None, ge=0)


class Near(Writing):
    """A token whose neighbours are asked for."""

    token: int


class Blending(Writing):
    """Two prompts, or two classes, and at which shares of the second a text is to be written."""

    shares: list[Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1, max_length=3)
    prompt: Text
    other: Text | None = None  # the second prompt; without it the classes are blended
    label: Name | None = None
    to: Name | None = None  # the second class
    seed: int
    length: int = Field(ge=1, le=400)
    temperature: float = 0.8


@served
def writer_open(data: Any) -> dict[str, Any]:
    """What is to be known of a model of texts before it is looked into."""
    trained, model = _writer(Writing.check(data).model)
    example, prompts = _examples.get((trained.folder, trained.weights), lambda: _example(model))
    return {
        "model": trained.name,
        "family": trained.family,
        "classes": list(model.spec.classes) if model.classes else [],
        "inside": list(model.inside),
        "properties": [[name, what] for name, (what, _) in insight.PROPERTIES.items()],
        "tokens": model.tokens.size if model.tokens else 0,
        "example": example,
        "prompts": prompts,
    }


@served
def writer_attention(data: Any) -> dict[str, Any]:
    """What each token of a text looks at, in every layer and head."""
    asked = Looked.check(data)
    _, model = _writer(asked.model)
    given = _of_class(model, asked.label)
    if "attention" in model.inside and model.tokens:
        heads = model.settings.layers * model.settings.heads
        _check_length(len(model.tokens.asked(asked.text, "text")), isqrt(current().looked // heads) - 1)
    with drawing():
        weights = model.attention(asked.text, given)
    layers, heads = weights.shape[:2]
    return {"tokens": _pieces(model, asked.text), "layers": layers, "heads": heads, "weights": insight.packed_attention(weights)}


@served
def writer_units(data: Any) -> dict[str, Any]:
    """How far units are on at each token of a text: those that vary most, or follow something best, and one that is asked for."""
    asked = Followed.check(data)
    _, model = _writer(asked.model)
    given = _of_class(model, asked.label)
    if "units" in model.inside and model.tokens:
        n = model.settings.layers * model.settings.width
        _check_length(len(model.tokens.asked(asked.text, "text")), min(1000, current().looked // n - 1))
        if asked.unit is not None and asked.unit >= n:
            raise BadSetting(say("units.none", unit=asked.unit, last=n - 1), "unit")
    pieces = _pieces(model, asked.text)
    with drawing():
        units = model.units(asked.text, given)
        ranking = insight.ranked(units, pieces[1:], asked.by)
    best = ranking.order[:SHOWN].tolist()
    shown = best if asked.unit is None or asked.unit in best else [*best, asked.unit]
    return {
        "tokens": pieces,
        "units": shown,
        "of": units.shape[0] * units.shape[1],
        "width": units.shape[1],
        "scores": [round(score, 3) for score in ranking.scores[shown].tolist()],
        "chance": ranking.chance,
        "values": insight.packed_units(units.flatten(0, 1)[shown]),
    }


@served
def writer_tokens(data: Any) -> dict[str, Any]:
    """Where the tokens of a model lie in the plane of what tells them apart most."""
    trained, model = _writer(Writing.check(data).model)
    with drawing():
        found = _maps.get((trained.folder, trained.weights), lambda: insight.token_map(model))
    return {
        "tokens": found.rows.tolist(),
        "names": [_named(model, number) for number in found.rows.tolist()],
        "places": [[round(x, 3), round(y, 3)] for x, y in found.points.tolist()],
        "shares": found.shares,
    }


@served
def writer_near(data: Any) -> dict[str, Any]:
    """The tokens whose vectors point most nearly where that of one does."""
    asked = Near.check(data)
    _, model = _writer(asked.model)
    with drawing():
        near = insight.nearest_tokens(model, asked.token)
    return {"near": [[number, _named(model, number), round(cosine, 3)] for number, cosine in near]}


@served
def writer_blend(data: Any) -> dict[str, Any]:
    """The texts that are written from one seed between two prompts or two classes, token by token."""
    asked = Blending.check(data)
    _, model = _writer(asked.model)
    check_seeds(asked.seed)
    if asked.other is None and not model.classes:
        raise BadSetting(say("blend.no_classes", model=asked.model))
    settings = {"prompt": asked.prompt, "length": asked.length, "temperature": asked.temperature}
    texts = []
    for share in asked.shares:
        both = {} if asked.other is None else {"other": asked.other, "blend": share}
        chosen = SequenceSampling.parse({**settings, **both})
        check_work(model, 1, chosen)
        given = _of_class(model, asked.label)
        if asked.other is None:
            given = _between(given, _of_class(model, asked.to), share)
        with drawing():
            texts.append({"share": share, **_written(model, chosen, asked.seed, given)})
    return {"texts": texts}


def _writer(name: str) -> tuple[Trained, SequenceModel]:
    trained = open_model(name)
    if not isinstance(trained.model, SequenceModel) or not trained.model.writes:
        raise BadSetting(say("read.no_texts", model=name))
    return trained, trained.model


def _of_class(model: SequenceModel, label: str | None) -> Given:
    """A wish for one text of a class; of the first one where none is named, as none at all is what the model never learnt."""
    if not model.classes:
        return model.given_labels(model.label_of(label or None), 1) if label else Given()
    return model.given_labels(model.label_of(label or model.spec.classes[0]), 1)


def _between(first: Given, other: Given, share: float) -> Given:
    assert first.classes is not None
    assert other.classes is not None
    return Given((1 - share) * first.classes + share * other.classes)


def _check_length(n: int, most: int) -> None:
    if n > most:
        raise BadSetting(say("writer.long", n=n, most=most), "text")


def _written(model: SequenceModel, settings: SequenceSampling, seed: int, given: Given) -> dict[str, Any]:
    assert model.tokens
    *_, grown = model.grow(1, settings, seed, given)
    row = grown.x[0, grown.start :].tolist()
    stop = row.index(model.tokens.end) if model.tokens.end in row else len(row)
    return {"tokens": model.tokens.spelled(row[:stop]), "ended": stop < len(row)}


def _pieces(model: SequenceModel, text: str) -> list[str]:
    """The beginning, which is no text, and the tokens."""
    assert model.tokens
    return ["", *model.tokens.pieces(text)]


def _named(model: SequenceModel, token: int) -> str:
    """A token as text; nothing is the end."""
    assert model.tokens
    return model.tokens.decode([token])


def _example(model: SequenceModel) -> tuple[str, list[str]]:
    """A text that the model itself wrote, so that it knows all that is in it, and two ways in which its texts begin."""
    assert model.tokens
    given = _of_class(model, None)
    length = LONG_EXAMPLE if model.endless else min(EXAMPLE, model.settings.context - 1)
    with drawing():
        *_, grown = model.grow(EXAMPLES, SequenceSampling.parse({"length": length}), 0, given.spread(EXAMPLES))
    rows = [row[: row.index(model.tokens.end) if model.tokens.end in row else None] for row in grown.x[:, 1:].tolist()]
    rows.sort(key=len, reverse=True)
    texts = [model.tokens.decode(row).replace("\ufffd", "") for row in (rows[0], *(row[:BEGINNING] for row in rows[:2]))]
    return texts[0].strip(), texts[1:]


_examples, _maps = Kept(32), Kept(8)
