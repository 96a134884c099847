"""Recipe: the steps that make a dataset from its source, as JSON that can be read, undone and shared."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genlab.config import Config
from genlab.errors import BadData
from genlab.files import read_json, write_json
from genlab.messages import Message, joined
from genlab.patience import go_on
from genlab.registry import Registry

if TYPE_CHECKING:
    from genlab.data.dataset import Dataset, Splits

PLUS = "+"  # between a source and its recipe
FORMAT = 1  # of a recipe; raised when an older genlab could not read it


@dataclass(frozen=True)
class Step:
    """One step: what is done, with which settings; its key stays its own when steps before it are undone."""

    do: str
    key: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    @property
    def parsed(self) -> Config:
        """The settings as their class; raises BadData with a sentence where they are not valid."""
        try:
            return OPERATIONS[self.do].settings.model_validate(dict(self.settings))
        except ValidationError as fault:
            error = fault.errors()[0]
            where = ".".join(map(str, error["loc"]))
            raise BadData(
                "Step {key} of the recipe, {do}, cannot be read: {where}: {msg}.",
                key=self.key,
                do=self.do,
                where=where,
                msg=error["msg"],
            ) from None

    @property
    def part(self) -> str:
        """The part of the dataset that the step changes."""
        return str(self.settings.get("part", "train"))

    def tell(self) -> str:
        """What the step does, in a few words."""
        return OPERATIONS[self.do].tell(self)


@dataclass(frozen=True)
class Operation:
    """A kind of step: what its settings are, what it makes of the part that it is about, how it is told."""

    settings: type[Config]
    apply: Callable[["Splits", Step], "Dataset"]  # gives the part anew
    tell: Callable[[Step], str]


OPERATIONS: Registry[Operation] = Registry("step", "genlab.data.steps", "genlab.quality")  # repairs, and every defect


@dataclass(frozen=True)
class Recipe:
    """The steps from a source to a dataset; the fingerprint is that of the source's training part."""

    source: str
    fingerprint: str
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, source: "Splits") -> "Recipe":
        """The recipe without steps for a dataset."""
        return cls(source.name, source.train.fingerprint)

    def then(self, do: str, settings: Mapping[str, Any] | Config, seed: int = 0) -> "Recipe":
        """This recipe with one more step; raises a GenlabError where there is no such step or its settings are not valid."""
        values = settings.model_dump() if isinstance(settings, Config) else dict(settings)
        step = Step(do, 1 + max((step.key for step in self.steps), default=0), values, seed)
        step.parsed  # noqa: B018  raises its sentence
        return replace(self, steps=(*self.steps, step))

    def without(self, key: int) -> "Recipe":
        """This recipe with one step undone."""
        keys = [step.key for step in self.steps]
        if key not in keys:
            raise BadData("There is no step {key} to undo. Possible: {keys}.", key=key, keys=[*keys] or Message("none"))
        return replace(self, steps=tuple(step for step in self.steps if step.key != key))

    def apply(self, source: "Splits", name: str = "") -> "Splits":
        """The dataset that the steps make of their source: validation and test part stay as they are, but for labels of a source
        that has no classes.

        Raises BadData for another source than that of the recipe, and where nothing would be left.
        """
        if source.train.fingerprint != self.fingerprint:
            raise BadData(
                "This recipe was made for {source!r} with the fingerprint {fingerprint}…; {name!r} has {other}…. "
                "Use it with its own source.",
                source=self.source,
                fingerprint=self.fingerprint[:8],
                name=source.name,
                other=source.train.fingerprint[:8],
            )
        data = source
        for step in self.steps:
            go_on()
            if step.part != "train" and source.spec.classes:
                raise BadData(
                    "Step {key} labels the {part} part, but what is held out of {name} keeps the labels "
                    "that it came with. Label the training part.",
                    key=step.key,
                    part=step.part,
                    name=source.name,
                )
            changed = OPERATIONS[step.do].apply(data, step)
            if not len(changed):
                raise BadData(
                    "Step {key} ({tell}) would leave nothing of the training part. Choose fewer items.",
                    key=step.key,
                    tell=step.tell(),
                )
            data = data.with_part(step.part, changed)
        return replace(data, name=name or source.name)

    def tell(self) -> str:
        """Source and steps in a sentence for a card."""
        steps = joined((step.tell() for step in self.steps), "; ")
        return Message("{source} + {steps}", source=self.source, steps=steps) if self.steps else self.source

    def to_json(self) -> dict[str, Any]:
        """The recipe as a value that JSON can hold."""
        steps = [asdict(step) for step in self.steps]
        return {"format": FORMAT, "source": self.source, "fingerprint": self.fingerprint, "steps": steps}

    @classmethod
    def from_json(cls, value: Any, name: str = "The recipe") -> "Recipe":
        """The recipe of such a value; raises BadData with a sentence for anything that is none, or that a newer genlab wrote."""
        try:
            if value["format"] > FORMAT:
                raise BadData(
                    "{name} was written by a newer genlab (format {format}; this one reads up to {ours}). "
                    "Update genlab to use it.",
                    name=name,
                    format=value["format"],
                    ours=FORMAT,
                )
            steps = tuple(Step(s["do"], int(s["key"]), dict(s["settings"]), int(s["seed"])) for s in value["steps"])
            recipe = cls(str(value["source"]), str(value["fingerprint"]), steps)
        except (KeyError, TypeError, ValueError) as fault:
            raise BadData(
                "{name} is no recipe of genlab: format, source, fingerprint or steps are missing or damaged.", name=name
            ) from fault
        keys = [step.key for step in steps]
        if len(set(keys)) < len(keys) or not all(0 < key < 2**20 for key in keys):
            raise BadData(
                "{name} is damaged: the keys of its steps are {keys!r}; they must be different numbers from 1.",
                name=name,
                keys=keys,
            )
        if not all(0 <= step.seed < 2**31 for step in steps):
            raise BadData("{name} is damaged: a seed must be a whole number from 0 up.", name=name)
        for step in steps:
            step.parsed  # noqa: B018  raises its sentence
        return recipe


def read_recipe(file: Path) -> Recipe:
    """The recipe in a file."""
    try:
        value = read_json(file.read_text("utf-8"))
    except FileNotFoundError:
        raise BadData("There is no recipe called {name!r}.", name=file.name) from None
    except (OSError, ValueError) as fault:
        raise BadData("{name} cannot be read as JSON.", name=file.name) from fault
    return Recipe.from_json(value, file.name)


def write_recipe(file: Path, recipe: Recipe) -> None:
    """Keep a recipe in a file."""
    write_json(file, recipe.to_json())
