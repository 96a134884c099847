"""Health: one sentence on how a run is doing, from its history and its state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from genlab.messages import Message, joined
from genlab.training.alarms import FEW, Health, Records, alarms
from genlab.training.run import Status

WON, BALANCED = 0.97, 0.85  # shares of its verdicts that are right


def judge(records: Records, status: Status, saved: int = 0, measured: Mapping[str, Any] = {}) -> Health:
    """The verdict on a run; `saved` is the step of its last checkpoint, `measured` what it knows of how it is measured."""
    if resting := _of_state(status, saved):
        return resting
    if raised := alarms(records, measured):
        return replace(raised[0], sentence=joined(alarm.sentence for alarm in raised))
    return _of_course(records, finished=status.state in ("done", "stopped"))


def _of_state(status: Status, saved: int) -> Health | None:
    """What matters more than the curves."""
    state, step = status.state, status.step
    if state == "failed":
        return Health("failed", "bad", status.message)
    if state == "queued":
        return Health("queued", "quiet", Message("Waiting for its turn: other runs are training."))
    if state == "waiting":
        return Health("waiting", "quiet", Message("Getting ready: the data are being opened and the networks built."))
    if state == "paused":
        return Health("paused", "quiet", Message("Paused at step {step:,}. Everything is kept; resume when you like.", step=step))
    if state == "interrupted" and saved:
        told = [Message("Interrupted at step {step:,}. Resume from step {saved:,}, the last save.", step=step, saved=saved)]
        if step > saved:
            told.append(Message("The {n:,} steps since then will be repeated.", n=step - saved))
        return Health("interrupted", "caution", joined(told))
    if state == "interrupted":
        before = status.message or Message("Interrupted at step {step:,}, before the first save.", step=step)
        return Health("interrupted", "caution", Message("{before} Resume starts it again.", before=before))
    if state == "stopped" and status.step < status.steps:
        return Health(
            "stopped",
            "quiet",
            status.message
            or Message("Stopped at step {step:,} of {steps:,}. Resume goes on from there.", step=step, steps=status.steps),
        )
    return None


def _of_course(records: Records, finished: bool) -> Health:
    if len(records) < FEW:
        return Health("young", "quiet", Message("Too early to say: the first steps are being taken."))
    return _of_game(records) or _of_held_out(records, finished) or _of_loss(records, finished)


def _of_game(records: Records) -> Health | None:
    """Two players: the balance says more than either loss."""
    if "distance" in records[-1]["logs"]:
        return _of_critic([abs(record["logs"]["distance"]) for record in records])
    rates = [record["logs"]["told apart"] for record in records if "told apart" in record["logs"]]
    if not rates:
        return None
    rate = mean(rates[-20:])
    share = Message("The discriminator tells real from generated {rate:.0%} of the time", rate=rate)
    if rate >= WON and len(rates) >= 2 * FEW:
        return Health(
            "won",
            "caution",
            Message(
                "{share}: it has won, and the generator learns little. Lower the discriminator's learning rate.", share=share
            ),
        )
    if rate <= 0.55 and len(rates) >= 2 * FEW:
        return Health(
            "fooled",
            "caution",
            Message("{share}, as by guessing. Look at the samples: good ones, or it needs a higher rate.", share=share),
        )
    if rate <= BALANCED:
        return Health(
            "balanced", "good", Message("{share}: a balanced game. Judge by the samples, not by the losses.", share=share)
        )
    return Health(
        "ahead", "good", Message("{share}: it is ahead, and the generator still learns. Judge by the samples.", share=share)
    )


def _of_critic(distances: Sequence[float]) -> Health:
    """A critic measures a distance (Arjovsky et al. 2017), so its fall says that the generator learns."""
    recent, before = mean(distances[-len(distances) // 4 :]), mean(distances[: len(distances) // 2])
    seen = Message("The critic sees a distance of {recent:.2g} between real and generated", recent=recent)
    if recent < 0.9 * before:
        return Health("nearing", "good", Message("{seen}, and it has shrunk: learning. Judge by the samples as well.", seen=seen))
    return Health("steady", "quiet", Message("{seen}, which does not shrink. Near 0 that is the end of the way.", seen=seen))


def _of_held_out(records: Records, finished: bool) -> Health | None:
    losses = [record["held_out"] for record in records if record["held_out"] is not None]
    if len(losses) < FEW:
        return None
    drop, recent = losses[0] - min(losses), mean(losses[-3:])
    falls = mean(losses[-6:-3]) - recent > 0.004 * max(drop, 1e-12)
    if finished:
        more, level = Message("Finished. More steps would still help."), Message("Finished. The curves are level.")
        return Health("finished", "good", more if falls else level)
    if falls:
        return Health("learning", "good", Message("Learning well. Held-out loss is still falling."))
    return Health("plateau", "quiet", Message("Level: the held-out loss hardly falls any more. More steps will change little."))


def _of_loss(records: Records, finished: bool) -> Health:
    """Before there are held-out measurements enough."""
    player = next(iter(records[-1]["losses"]))
    losses = [record["losses"][player] for record in records]
    half = len(losses) // 2
    if finished:
        return Health("finished", "good", Message("Finished. It was a short run; judge by the samples."))
    if mean(losses[half:]) < mean(losses[:half]):
        return Health("learning", "good", Message("Learning: the loss is falling."))
    return Health(
        "stuck", "caution", Message("The loss does not fall yet. If it stays so, try a learning rate ten times lower or higher.")
    )
