"""The card of a checkpoint: what it is, what it saw, how it was made, in plain words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.messages import Message, duration, english, joined
from genlab.metrics import METRICS
from genlab.models.base import GenerativeModel
from genlab.training.alarms import alarms
from genlab.training.run import Run

TRAINED = re.compile(r"\*\*Trained\*\*: [\d,]+ steps in (?:(\d+) h )?(?:(\d+) min)? ?(?:(\d+) s)? ?on (.{1,200}), genlab ")
JUDGES = {True: Message("a classifier of the training part"), False: Message("the embedding of the training part")}


def write_card(run: Run, model: GenerativeModel, config: Mapping[str, Any], seconds: float) -> str:
    """Markdown without a path or host name in it, in English, as it is published with the weights."""
    last = (run.history() or [{}])[-1]
    held_out = [record["held_out"] for record in run.history() if record["held_out"] is not None]
    settings = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in config["settings"].items() if value != "")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    sentence = (type(model).__doc__ or "").splitlines()[0]
    took, where = english(duration(seconds)), english(run.hardware)
    loss = f"{held_out[-1]:.4g}" if held_out else "not measured"
    losses = ", ".join(f"{player} {value:.4g}" for player, value in last.get("losses", {}).items())
    extended = f"\n- **Given more steps**: {english(extension(run))}" if run.record.get("extended") else ""
    steered = f"\n- **Steered**: {english(steering(run))}" if run.steered else ""
    told = english(joined([samples_told(run), *(alarm.sentence for alarm in alarms(run.history(), run.measured))]))
    measured = f"\n- **Samples**: {told}" if run.measured else ""
    return f"""# {run.name}

{sentence}

- **Family**: {config["family"]}, {parameters:,} parameters
- **Data**: {config["dataset"]}, training part{_items(config)}, fingerprint `{config["fingerprint"]}`
{_began(run)}- **Trained**: {config["step"]:,} steps in {took} on {where}, genlab {config["genlab"]}
- **Loss**: {losses or "not recorded"}; held out {loss} ({english(run.loss_unit)})
- **Command**: `{config["command"]}`{extended}{steered}{measured}

| setting | value |
|---|---|
{settings}
"""


def training_of(card: str) -> tuple[float | None, str]:
    """How many seconds a model learnt, to the minute where it was hours, and on what; None where its card does not tell."""
    found = TRAINED.search(card)
    if not found:
        return None, ""
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    return 3600.0 * hours + 60 * minutes + seconds, found[4]


def with_section(card: str, title: str, text: str) -> str:
    """The card with a section of this title at its end, instead of the one that it had."""
    before, *rest = re.split(rf"^## {re.escape(title)}\n", card, maxsplit=1, flags=re.MULTILINE)
    after = re.split(r"^(?=## )", rest[0], maxsplit=1, flags=re.MULTILINE)[1:] if rest else []
    return "\n\n".join(part.strip() for part in (before, *after, f"## {title}\n\n{text}")) + "\n"


def _items(config: Mapping[str, Any]) -> str:
    """How many items were learnt; older checkpoints do not know."""
    return f" of {config['items']:,} items" if "items" in config else ""


def _began(run: Run) -> str:
    return f"- **Started from**: {run.start.model}, step {run.start.step:,}\n" if run.start else ""


def steering(run: Run) -> str:
    """That a run was steered by hand, in words; empty where it was not."""
    told = "by hand from step {step:,} on, so the command alone does not repeat it"
    return Message(told, step=run.steered) if run.steered else ""


def samples_told(run: Run) -> str:
    """What metrics said last of its samples, who saw them, and what cannot be measured; empty where nothing was asked for."""
    looks, measured = [record for record in run.history() if "found" in record], run.measured
    told = [*measured.get("impossible", {}).values()]
    if looks:
        numbers = looks[-1]["found"]["metrics"]
        last = Message(
            "{numbers} in {n} samples of step {step:,}, seen by {judge}.",
            numbers=[Message("{title} {x:.3g}", title=METRICS[name].title, x=number) for name, number in numbers.items()],
            n=measured["n"],
            step=looks[-1]["step"],
            judge=JUDGES[measured["judge"]],
        )
        told.insert(0, last)
    return joined(told)


def extension(run: Run) -> str:
    """That a run was given more steps, in words; empty where it was not."""
    return joined((_extended(run, **more) for more in run.record.get("extended", [])), "; ")


def _extended(run: Run, at: int, had: int, has: int, rates: Sequence[float]) -> str:
    told = Message("{has:,} steps instead of {had:,} from step {at:,} on", has=has, had=had, at=at)
    if run.settings.decay == "none":
        return told
    return Message(
        "{told}, where the learning rate went from {before:.2g} to {after:.2g}: the command alone does not repeat it",
        told=told,
        before=rates[0],
        after=rates[1],
    )
