"""Compare: models measured one after the other, all by the same metrics, on the same data, from the same seeds."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.data import Splits
from genlab.messages import Message
from genlab.metrics.comparison import Comparison
from genlab.metrics.costs import Known, cost
from genlab.metrics.evaluation import check, evaluate, names_of
from genlab.metrics.eye import Eye
from genlab.metrics.kept import Measured, find, key_of, remember
from genlab.modalities.storage import Items


@dataclass(frozen=True)
class Comparing:
    """How far a comparison is, and what is known by then."""

    model: str
    doing: str  # learn, draw, ask, measure, time
    done: int
    total: int
    found: Comparison
    samples: Mapping[str, Items]  # of the first draw of each model, as they are stored
    before: Mapping[str, float]  # when those were measured that were kept, in seconds since 1970


def compare(
    trained: Mapping[str, Known],
    data: Splits,
    metrics: Sequence[str] = (),
    n: int = 1000,
    draws: int = 3,
    seed: int = 0,
    k: int = 100,
    eye: Eye | None = None,
    kept: Mapping[str, Path] | None = None,
    anew: bool = False,
) -> Generator[Comparing]:
    """Measure models as `evaluate` does, and what they cost; those that were measured so before are taken from `kept`.

    That names the folder in which what was measured of a model lies, and is put; `anew` only puts it there. Raises BadSetting
    before it begins where one of the models cannot be measured.
    """
    for one in trained.values():
        check(one.model, data, n, draws, seed, k)
    eye, all_found = eye or Eye(data), dict[str, Measured]()
    each = draws * (n + len(names_of(metrics))) + 1
    asked = {name: one.asked for name, one in trained.items()}

    def so_far(model: str, doing: str, done: int) -> Comparing:
        learning = doing == "learn" and not any(one.scores for one in all_found.values())
        judge = Message("a classifier that is being trained on the clean training part") if learning else eye.told
        found = Comparison(
            data.name,
            n,
            seed,
            judge,
            {name: one.scores for name, one in all_found.items()},
            {name: one.impossible for name, one in all_found.items()},
            {name: one.cost for name, one in all_found.items() if one.cost},
            asked,
        )
        samples = {name: one.samples for name, one in all_found.items() if one.samples is not None}
        before = {name: one.at for name, one in all_found.items() if one.at}
        place = [*trained].index(model)
        return Comparing(model, doing, place * each + done, len(trained) * each, found, samples, before)

    for name, one in trained.items():
        folder, key = (kept or {}).get(name), key_of(one, eye, names_of(metrics), (n, draws, seed, k))
        if folder and not anew and (known := find(folder, key)):
            all_found[name] = known
        else:
            for step in evaluate(one.model, data, metrics, n, draws, seed, eye=eye, learnt=one.asked["dataset"], k=k):
                all_found[name] = Measured(step.scores, step.impossible, None, step.samples)
                yield so_far(name, step.doing, step.done)
            yield so_far(name, "time", each - 1)
            all_found[name] = Measured(step.scores, step.impossible, cost(one), step.samples)
            if folder:
                remember(folder, key, all_found[name])
        yield so_far(name, "time", each)
