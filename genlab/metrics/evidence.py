"""Evidence: what a metric is given, bare arrays, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from torch import Tensor

from genlab.errors import BadSetting
from genlab.messages import Message

Need = Literal["items", "wished", "seen", "flags", "losses", "nats", "errors", "spelled", "sure", "forecasts", "words", "copied"]
NEEDED: dict[Need, Message] = {
    "items": Message("the items themselves"),
    "wished": Message("a model that is asked for classes"),
    "seen": Message("data with classes, and a judge that tells them apart"),
    "flags": Message("a model that learnt from damaged data, and damage that is told from single items"),
    "losses": Message("a model that can be asked about single items"),
    "nats": Message("a model with a likelihood: a VAE"),
    "errors": Message("a model that knows levels of noise: diffusion"),
    "spelled": Message("a model that writes: a GPT or an RNN"),
    "sure": Message("a model that writes: a GPT or an RNN"),
    "forecasts": Message("a model that goes on with series"),
    "words": Message("samples that are texts"),
    "copied": Message("samples that are texts"),
}
INSIDE: frozenset[Need] = frozenset({"losses", "nats", "errors", "spelled", "sure", "forecasts"})  # what a model tells of items


@dataclass(frozen=True)
class Evidence:
    """What is known of n items."""

    features: Tensor  # [n, D] as a judge sees them
    items: Tensor | None = None  # [n, *shape] in model space
    wished: Tensor | None = None  # [n] the classes that were asked for; of real items their labels, -1 where unknown
    seen: Tensor | None = None  # [n, K] the probabilities that a judge gives to the classes
    flags: Tensor | None = None  # [n, J] bool, whether a check holds each to be damaged, in each of the ways of `Real.damage`
    losses: Tensor | None = None  # [n] how little the model expects each
    nats: Tensor | None = None  # [n] their negative log-likelihood under the model
    errors: Tensor | None = None  # [n, S] the model's squared error at each of `Real.levels`
    spelled: Tensor | None = None  # [n, 2] nats that each costs the model, and its bytes
    forecasts: Tensor | None = None  # [n, H, 2 + P] the last H values of each, what was known last before, and P drawn paths
    sure: Tensor | None = None  # [n, B, 3] by how sure the model was of the next token: how often, the sum of that, hits
    words: Tensor | None = None  # [n, W] numbers of the words of each text, -1 after the last
    copied: Tensor | None = None  # [n, 3] letters of each text that stand in the training part, all of them, the longest run
    compared: Tensor | None = None  # [n, D] what copies are known by, where that is not all of their numbers

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Tensor | slice) -> "Evidence":
        """The same of the chosen rows."""
        all_there = {part.name: getattr(self, part.name) for part in fields(self)}
        return replace(self, **{name: there[rows] for name, there in all_there.items() if there is not None})


def there(part: Tensor | None) -> Tensor:
    """A part of the evidence that a metric needs, and so has."""
    assert part is not None
    return part


def by_class(values: Tensor, label: Tensor | None, classes: tuple[str, ...]) -> dict[str, float]:
    """The mean of values [n] over the items of each class, of those that have some; nothing where no label [n] is known."""
    own = {} if label is None else {name: values[label == k] for k, name in enumerate(classes)}
    return {name: float(of.double().mean()) for name, of in own.items() if len(of)}


@dataclass(frozen=True)
class Damage:
    """One way in which the training data were damaged, and how well a check sees that."""

    name: str
    rate: float  # share of the training items that have it
    hits: float  # share of others made so on purpose that the check flags


@dataclass(frozen=True)
class Real:
    """What samples are held against: items that nothing was trained on, and the training part without its copies."""

    test: Evidence
    train: Evidence
    classes: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    levels: tuple[str, ...] = ()  # of noise


@dataclass(frozen=True)
class Value:
    """What a metric says of samples."""

    number: float
    groups: Mapping[str, float] = field(default_factory=dict)  # the same of each class, where it can be told
    worst: Tensor | None = None  # [k] rows of the samples that it is about, the worst first


@dataclass(frozen=True)
class Metric:
    """One file and one line in the registry: bare arrays in, a value out."""

    title: Message
    meaning: Message  # in one sentence
    better: Literal["lower", "higher", "half"]  # half: ½ is what honest samples have
    measure: Callable[[Evidence, Real], Value]
    needs: frozenset[Need] = frozenset()
    fewest: int = 20  # samples below which it says nothing
    slow: bool = False  # measured only where it is asked for by name
    honest: float | None = None  # what is known of items that nothing was trained on, where that need not be measured
    fair: bool = True  # whether classes that have different numbers are not served alike

    @property
    def of_items(self) -> bool:
        """Whether items alone tell it, whatever model drew them."""
        return not self.needs & {"flags", *INSIDE}

    def lacking(self, fake: Evidence, real: Real) -> list[Message]:
        """What it needs and there is not, in words."""
        return [NEEDED[need] for need in sorted(self.needs) if getattr(real.test if need in INSIDE else fake, need) is None]

    def __call__(self, fake: Evidence, real: Real) -> Value:
        """Its value; raises BadSetting where it cannot be had of these samples."""
        if lacking := self.lacking(fake, real):
            raise BadSetting("{title} needs {lacking}.", "metrics", title=self.title, lacking=lacking)
        if len(fake) < self.fewest:
            raise BadSetting(
                "{title} needs at least {fewest} samples; {n} were given.", "n", title=self.title, fewest=self.fewest, n=len(fake)
            )
        if not bool(fake.features.isfinite().all()):
            raise BadSetting("Some of these samples are not numbers (NaN); nothing can be measured of them.", "n")
        return self.measure(fake, real)
