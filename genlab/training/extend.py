"""Extend: a run gets more steps than it was asked for."""

from genlab.errors import RunFault
from genlab.messages import Message
from genlab.models.base import CommonSettings
from genlab.training.card import extension
from genlab.training.interludes import forget_rhythm
from genlab.training.run import Run
from genlab.training.train import learning_rate


def extend(run: Run, steps: int) -> str:
    """Let a run that rests have so many steps in all, and say what that means; raises RunFault for no more than it has."""
    had = run.settings
    if type(steps) is int and steps <= had.steps:
        raise RunFault(
            "steps is {steps:,}; the run {name!r} has {had:,} already. Give a larger number, that of its steps in all.",
            "steps",
            steps=steps,
            name=run.name,
            had=had.steps,
        )
    has = type(had).parse({**run.record["settings"], "steps": steps})
    run.must_rest(Message("given more steps"))
    at = run.saved_step
    more = {"at": at, "had": had.steps, "has": steps, "rates": [_rate(had, max(0, at - 1)), _rate(has, at)]}
    forget_rhythm(run)  # what there is time for is another question now
    run.amend(settings=has.model_dump(), extended=[*run.record.get("extended", []), more])
    run.note("stopped", Message("Given more steps: {steps:,} in all. Resume goes on from step {at:,}.", steps=steps, at=at))
    return extension(run)


def _rate(settings: CommonSettings, step: int) -> float:
    return learning_rate(settings, settings.learning_rate, step)
