"""Inside: what a model itself says of real items: how little it expects them, how probable they are, what noise does to them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from genlab.data import Batch
from genlab.metrics.evidence import INSIDE, Evidence, Need, Real, there
from genlab.models.base import GenerativeModel

BLOCK = 250  # items that are asked about together, each block with noise of its own
ROUNDS = 4  # of noise, over which a loss is averaged
MOST = 5000  # items of a part
PATHS = 99  # on which series go on, so that the fifth of them from below and from above hold nine tenths of what comes


def inside(model: GenerativeModel, real: Real, needs: Collection[Need], n: int, seed: int, k: int = 100) -> Iterator[Real | None]:
    """The last record is what the model says of n items of the test part and, for its losses, of the training part.

    Which items these are follows from the seed; the records before say that it goes on.
    """
    wanted = [need for need in ("losses", "nats", "spelled", "sure", "forecasts", "errors") if need in INSIDE & set(needs)]
    found = {"test": _some(real.test, n, seed)}
    if "losses" in wanted:
        found["train"] = _some(real.train, n, seed)
    levels: tuple[str, ...] = ()
    for part, items in found.items():
        told: dict[str, list[Tensor]] = {}
        for first in range(0, len(items), BLOCK):
            batch = _batch(model, items[first : first + BLOCK])
            with torch.random.fork_rng():
                torch.manual_seed(seed + first)
                if "losses" in wanted:
                    rounds = [model.surprise(batch) for _ in range(ROUNDS)]
                    told.setdefault("losses", []).append(torch.stack(rounds).mean(0).cpu())
                if part == "test" and "nats" in wanted and (nats := model.nats(batch, k)) is not None:
                    told.setdefault("nats", []).append(nats.cpu())
                if part == "test" and {"spelled", "sure"} & {*wanted} and (spelled := model.spelled(batch)) is not None:
                    told.setdefault("spelled", []).append(spelled[0].cpu())
                    told.setdefault("sure", []).append(spelled[1].cpu())
                if part == "test" and "forecasts" in wanted and (paths := model.forecasts(batch, PATHS)) is not None:
                    told["forecasts"] = [_filled(paths, len(items))]  # those of a block are enough, as each has many values
                    wanted.remove("forecasts")
                if part == "test" and "errors" in wanted and (errors := model.errors(batch)):
                    levels = tuple(errors)
                    told.setdefault("errors", []).append(torch.stack([*errors.values()], 1).cpu())
            yield None
        found[part] = replace(items, **{name: torch.cat(blocks) for name, blocks in told.items()})
    yield replace(real, levels=levels, test=found["test"], train=found.get("train", real.train))


def _some(items: Evidence, n: int, seed: int) -> Evidence:
    rows = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))
    return items[rows[: min(n, MOST)]]


def _filled(rows: Tensor, n: int) -> Tensor:
    """[n, ...] rows, NaN where there are no more."""
    return torch.cat([rows, rows.new_full((n - len(rows), *rows.shape[1:]), torch.nan)])


def _batch(model: GenerativeModel, items: Evidence) -> Batch:
    label = torch.full((len(items),), -1) if items.wished is None else items.wished
    return Batch(there(items.items), label).to(model.device)
