"""Texts: what small models of characters reach on Tiny Shakespeare and on names, beside nanoGPT's CPU configuration.

    python -m benchmarks.texts [--only nanogpt same long names speed morph] [--minutes 15] [--threads 2]

nanoGPT's split (the last tenth held out) and estimator (the mean loss over random windows of the context); its configuration
for a CPU (4 layers, 128 wide, context 64, 12 windows a step, 2,000 steps, AdamW) is trained here in a plain loop over GPT-2.
`same` is ours in the wall time that this takes, `long` in --minutes.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from genlab import Run, load, load_model, train
from genlab.data import Dataset
from genlab.models import SequenceModel
from genlab.models.sequence import Reader
from genlab.models.settings import SequenceSampling

WINDOWS = 2000  # of the estimator
SAME = {"architecture": "modern", "optimizer": "muon", "layers": 4, "width": 128, "heads": 4, "context": 128, "batch_size": 16}
LONG = {**SAME, "layers": 6, "width": 160, "heads": 5, "batch_size": 32, "dropout": 0.1}
ALL = ("nanogpt", "same", "long", "names", "speed", "morph")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(
        "| what | parameters | tokens a step | steps | seconds | nats a character, held out |\n|---|---|---|---|---|---|",
        flush=True,
    )
    seconds = 70.0
    with tempfile.TemporaryDirectory() as folder:
        if "nanogpt" in given.only:
            seconds = nanogpt()
        for name, wish, limit in (("same", SAME, seconds), ("long", LONG, 60 * given.minutes)):
            if name in given.only:
                model = learn("gpt", "tiny-shakespeare", wish, limit, Path(folder) / name, given.threads)
                if name == "same":
                    morph(model) if "morph" in given.only else None
        if "names" in given.only:
            for family, wish, limit in (
                ("gpt", {"layers": 3, "width": 96, "heads": 4, "context": 16, "batch_size": 128, "dropout": 0.1}, 120.0),
                ("rnn", {"cell": "lstm", "width": 192, "context": 16, "batch_size": 128, "dropout": 0.3}, 240.0),
            ):
                learn(family, "names", wish, limit, Path(folder) / f"names-{family}", given.threads)
        if "speed" in given.only:
            speed()


tell = partial(print, flush=True)


def nanogpt() -> float:
    """Its CPU configuration in a plain loop; the seconds that it took."""
    text = joined(load("tiny-shakespeare").train, load("tiny-shakespeare").validation)
    held = joined(load("tiny-shakespeare").test)
    signs = sorted(set(text + held))
    table = {sign: i for i, sign in enumerate(signs)}
    tokens, test = (torch.tensor([table[sign] for sign in part]) for part in (text, held))
    torch.manual_seed(1337)
    config = GPT2Config(vocab_size=len(signs), n_positions=64, n_embd=128, n_layer=4, n_head=4, resid_pdrop=0, embd_pdrop=0,
                        attn_pdrop=0)  # fmt: skip
    model = GPT2LMHeadModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, (0.9, 0.99), weight_decay=0.1)
    began = time.monotonic()
    for step in range(2000):
        rate = 1e-3 * (step + 1) / 100 if step < 100 else 1e-4 + 4.5e-4 * (1 + math.cos(math.pi * (step - 100) / 1900))
        for group in optimizer.param_groups:
            group["lr"] = rate
        start = torch.randint(len(tokens) - 65, (12, 1))
        x = tokens[start + torch.arange(65)]
        loss = torch.nn.functional.cross_entropy(model(x[:, :-1]).logits.flatten(0, 1), x[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = time.monotonic() - began
    reached = estimated(lambda x: model(x).logits, test, 64)
    size = sum(parameter.numel() for parameter in model.parameters())
    tell(f"| nanoGPT's CPU configuration, GPT-2 | {size:,} | 768 | 2,000 | {seconds:.0f} | {reached:.3f} |")
    return seconds


def learn(family: str, dataset: str, wish: dict[str, Any], seconds: float, folder: Path, threads: int) -> SequenceModel:
    """Train for so many seconds, with the learning rate falling to 0, and say what is reached on the test part."""
    data = load(dataset)
    probe = Run.create(family, data, {**wish, "steps": 60}, "probe", folder, threads=threads)
    at = [time.monotonic() for _ in train(probe, data, "cpu")]
    steps = int(0.97 * seconds / ((at[-2] - at[9]) / (len(at) - 11)))
    run = Run.create(family, data, {**wish, "steps": steps, "save_every": steps}, "run", folder, threads=threads)
    began = time.monotonic()
    for _ in train(run, data, "cpu"):
        pass
    took = time.monotonic() - began
    model = load_model(run.path).model
    assert isinstance(model, SequenceModel)
    size = sum(parameter.numel() for parameter in model.parameters())
    each = run.batch_size * wish["context"]
    print(
        f"| {family} on {dataset}, {wish} | {size:,} | {each:,} | {steps:,} | {took:.0f} | {held_out(model, data.test):.3f} |",
        flush=True,
    )
    return model


@torch.no_grad()
def held_out(model: SequenceModel, test: Dataset) -> float:
    """Nats a character of the test part: of one long text by nanoGPT's estimator, else of all, the ends of documents counted."""
    if max(map(len, test.read(slice(None)))) > 2 * model.settings.context:
        assert model.tokens
        tokens = torch.tensor(model.tokens.encode(joined(test)))
        return estimated(lambda x: model.logits(x)[0], tokens, model.settings.context)
    nats = count = 0.0
    for start in range(0, len(test), 512):
        x = model.tokens_of(test.inputs(slice(start, start + 512)))
        nats += float(model._nats(x, test.label[start : start + 512]).sum())
        count += int((x[:, 1:] >= 0).sum())
    return nats / count


@torch.no_grad()
def estimated(logits: Callable[[Tensor], Tensor], tokens: Tensor, context: int) -> float:
    """The mean loss over random windows."""
    start = torch.randint(len(tokens) - context - 1, (WINDOWS, 1), generator=torch.Generator().manual_seed(0))
    losses = []
    for part in start.split(50):
        x = tokens[part + torch.arange(context + 1)]
        losses.append(torch.nn.functional.cross_entropy(logits(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten()))
    return float(torch.stack(losses).mean())


def joined(*parts: Dataset) -> str:
    return "".join(part.spec.kind.told(item) for part in parts for item in part.read(slice(None)))


def morph(model: SequenceModel) -> None:
    """The share of places up to 64 at which texts of temperature 0.80 and 0.81 are the same."""
    texts = []
    for temperature in (0.80, 0.81):
        *_, draft = model.sample(100, SequenceSampling(length=64, temperature=temperature), 0)
        texts.append(draft.items[:, :65])
    print(
        f"\nThe same tokens at temperature 0.80 and 0.81, 100 texts of 64: {float((texts[0] == texts[1]).float().mean()):.1%}\n",
        flush=True,
    )


def speed() -> None:
    """How much faster writing is with the cache, and how fast; and our loop beside a plain one over the same class."""
    from genlab.models import MODELS

    data, family = load("tiny-shakespeare"), MODELS["gpt"]
    large = family.Settings.parse(family.Settings.presets["10 million"])
    with tempfile.TemporaryDirectory() as folder:
        model = family(data.spec, large)
        model.prepare(data.train, Path(folder))
        model.eval()
        x = torch.randint(3, model.tokens.size, (1, 512))
        with torch.no_grad():
            reader, began = Reader(model, None), time.monotonic()
            for stop in range(1, 513):
                reader.read(x[:, :stop])
            cached = time.monotonic() - began
            began = time.monotonic()
            for stop in range(1, 513, 8):  # every eighth place, so many times
                model.logits(x[:, :stop])
        whole = 8 * (time.monotonic() - began)
        size = sum(parameter.numel() for parameter in model.parameters())
        tell(
            f"\n512 tokens, {size:,} parameters: {cached:.1f} s with the cache, {whole:.1f} s without, {whole / cached:.1f} times"
        )
        ratios = []
        settings = family.Settings.parse({**SAME, "steps": 10_000})
        small = family(data.spec, settings)
        small.prepare(data.train, Path(folder))
        with torch.no_grad():
            reader, ids = Reader(small.eval(), None), torch.full((1, 1), small.tokens.end)
            began = time.monotonic()
            for _ in range(100):
                ids = torch.cat([ids, reader.read(ids).argmax(1, keepdim=True)], 1)
            tell(f"{100 / (time.monotonic() - began):.0f} tokens a second of a model like those that ship")
        for round_ in range(5):
            ratios.append(plain(small.train(), data.train, settings) / ours(data, settings, Path(folder) / str(round_)))
        print(f"tokens/s of our loop, of those of a plain one: {statistics.median(ratios):.3f} (median of 5)")


def plain(model: SequenceModel, data: Dataset, settings: Any, steps: int = 40) -> float:
    """Seconds a step of a loop over the same network and optimizer, on windows that are tokens already."""
    from genlab.training.optimizer import optimizer_for

    tokens = torch.tensor(model.tokens.encode(joined(data)))
    optimizer = optimizer_for(model.players()["model"], settings)
    at = []
    for _ in range(steps):
        start = torch.randint(len(tokens) - settings.context - 1, (settings.batch_size, 1))
        x = tokens[start + torch.arange(settings.context + 1)]
        loss = torch.nn.functional.cross_entropy(model.network(x[:, :-1]).logits.flatten(0, 1), x[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        at.append(time.monotonic())
    return float(np.median(np.diff(at[5:])))


def ours(data: Any, settings: Any, folder: Path, steps: int = 40) -> float:
    """Seconds a step of a run."""
    run = Run.create("gpt", data, settings.model_dump(), "speed", folder, threads=torch.get_num_threads())
    at = []
    for progress in (going := train(run, data, "cpu")):
        at.append(time.monotonic())
        if progress.step == steps:
            going.close()
            break
    return float(np.median(np.diff(at[5:])))


if __name__ == "__main__":
    main()
