"""Alarms: what goes wrong with a run as it stands, in a sentence each, from its history and from how it is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean
from typing import Any, Literal

from genlab.messages import Message
from genlab.metrics import METRICS

Level = Literal["good", "caution", "bad", "quiet"]
Records = Sequence[dict[str, Any]]
Looks = Sequence[tuple[int, Mapping[str, Any]]]  # at samples: the step, and what was found in them

FEW = 8  # records, or held-out measurements, below which nothing can be said
EMPTY, SETTLED = 0.05, 300  # nats that latents carry which say nothing; steps after which that is no longer the beginning
WORTH = 0.1  # recall or coverage below which its fall tells nothing
OFTEN = 0.02  # share of the data from which on a class is missed
CLEARLY, SURELY = 0.05, 4  # how many copies too many are told at least; standard errors beyond which nothing is chance


@dataclass(frozen=True)
class Health:
    """A verdict; `kind` names it, `sentence` says what it means and what to do."""

    kind: str
    level: Level
    sentence: str


def alarms(records: Records, measured: Mapping[str, Any]) -> list[Health]:
    """What goes wrong, the worst first; none where all is well, or where nothing can be said yet.

    `measured` is what a run knows of how its samples are measured (`Run.measured`).
    """
    if not records:
        return []
    looks = [(record["step"], record["found"]) for record in records if "found" in record]
    raised = [_of_latents(records)]
    if looks:
        raised += [_of_modes(looks), _of_classes(looks, measured), _of_copies(looks, measured), _of_nearness(looks, measured)]
    raised += [_of_held_out(records)]
    return [alarm for alarm in raised if alarm]


def _of_modes(looks: Looks) -> Health | None:
    """Samples that show much less of the data than they did: of the metrics that tell, the one that fell furthest."""
    falls = []
    for name in ("coverage", "recall"):
        known = [(look["metrics"][name], step) for step, look in looks if name in look["metrics"]]
        if known and (best := max(known))[0] >= WORTH and known[-1][0] < best[0] / 2:
            falls.append((known[-1][0] / best[0], name, best, known[-1]))
    if not falls:
        return None
    _, name, (best, at), (now, step) = min(falls)
    return Health(
        "modes",
        "bad",
        Message(
            "Mode collapse: {metric} fell from {best:.2g} at step {at:,} to {now:.2g} at step {step:,}, so the samples show "
            "less of the data than they did. Try a lower learning rate or more steps of the discriminator.",
            metric=METRICS[name].title,
            best=best,
            at=at,
            now=now,
            step=step,
        ),
    )


def _of_classes(looks: Looks, measured: Mapping[str, Any]) -> Health | None:
    """Classes of which there were samples that lay among real items, and of which there are none at all now."""
    due = [name for name, share in measured.get("classes", {}).items() if share >= OFTEN]
    before, now = {name for _, look in looks for name in look["shown"]}, looks[-1][1]["shares"]
    gone = [name for name in due if name in before and not now[name]]
    if not gone:
        return None
    sentence = "Mode collapse: the samples of step {step:,} have no {gone}, of which there were some before."
    told = Message(sentence, step=looks[-1][0], gone=gone)
    return Health("classes", "bad", told)


def _of_copies(looks: Looks, measured: Mapping[str, Any]) -> Health | None:
    """More copies among the samples than among real items that nothing was trained on."""
    step, look = looks[-1]
    if "copies" not in look["metrics"]:
        return None
    now, real, n = look["metrics"]["copies"], measured["copies"], measured["n"]
    if now - real <= max(CLEARLY, SURELY * sqrt(now * (1 - now) / n + real * (1 - real) / measured["reals"])):
        return None
    return Health(
        "copies",
        "bad",
        Message(
            "Copying: {now:.0%} of the samples of step {step:,} are copies of training items; of real items that it never saw, "
            "{real:.1%} look like that. Use more data, a smaller network, or fewer steps.",
            now=now,
            step=step,
            real=real,
        ),
    )


def _of_nearness(looks: Looks, measured: Mapping[str, Any]) -> Health | None:
    """Samples nearer to training items than chance allows; those that are alike count once."""
    step, look = looks[-1]
    now = look["metrics"].get("nearer", 0.0)
    if now - 0.5 <= SURELY * sqrt(0.25 / look["different"] + 0.25 / measured["reals"]):
        return None
    return Health(
        "nearer",
        "bad",
        Message(
            "Copying: {now:.0%} of the samples of step {step:,} are nearer to a training item than to any of as many that it "
            "never saw; half would be. Use more data, a smaller network, or fewer steps.",
            now=now,
            step=step,
        ),
    )


def _of_held_out(records: Records) -> Health | None:
    """A held-out loss that is past its best; in a game it says nothing, as the other player moves on."""
    points = [(record["step"], record["held_out"]) for record in records if record["held_out"] is not None]
    if len(points) < FEW or len(records[-1]["losses"]) > 1:
        return None
    losses = [loss for _, loss in points]
    best_step, best = min(points, key=lambda point: point[1])
    drop, recent = losses[0] - best, mean(losses[-3:])
    if drop > 0 and recent - best > 0.05 * drop and mean(losses[-6:-3]) < recent and best_step < points[-FEW // 2][0]:
        return Health(
            "overfitting",
            "caution",
            Message(
                "Overfitting: the held-out loss was lowest at step {best_step:,} and rises since. "
                "Stop earlier, or use more data.",
                best_step=best_step,
            ),
        )
    return None


def _of_latents(records: Records) -> Health | None:
    """A VAE whose posterior has become the prior (Bowman et al. 2016, section 3.1): no loss curve tells."""
    last = records[-1]["step"]
    kl = [record["logs"]["KL"] for record in records if "KL" in record["logs"] and record["step"] > last / 2]
    if last < SETTLED or len(kl) < FEW or max(kl) >= EMPTY:
        return None
    half = len(kl) // 2
    if mean(kl[half:]) > 1.5 * mean(kl[:half]):
        return None  # it only begins to use them
    return Health(
        "collapsed",
        "bad",
        Message(
            "Collapsed: the numbers behind a picture tell next to nothing of it ({kl:.2g} nats), so samples "
            "are alike. Start again with a lower beta, the gaussian likelihood, or a lower learning rate.",
            kl=mean(kl[half:]),
        ),
    )
