"""Speed of training: genlab's loop against a plain loop over the same UNet, batches, averaging and clipping, in one run.

    python -m benchmarks.training [--dataset mnist] [--steps 60] [--device cpu]

The two loops take turns (plain, genlab, plain, genlab, …), so that a change in the machine's mood hits both; sampling,
held-out loss and records are genlab's alone and are counted in a second figure. `--all` adds images/s of every family.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from genlab.data import Splits, load
from genlab.models import MODELS
from genlab.models.base import one_hot
from genlab.training.run import Run
from genlab.training.train import accelerator_for, averaging, train

ROUNDS, WARM = 5, 5


def plain(data: Splits, settings, device: torch.device, steps: int) -> float:
    """Images a second of what one would write by hand around diffusers' UNet."""
    model = MODELS["diffusion"](data.spec, settings).to(device)
    unet, average = model.network, AveragedModel(model.network, multi_avg_fn=averaging(settings.ema))
    optimizer = torch.optim.AdamW(unet.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if device.type == "cuda":
        unet.to(memory_format=torch.channels_last)
    images = torch.from_numpy(data.train.base[:]).float() / 127.5 - 1
    began = 0.0
    for step in range(-WARM, steps):
        if step == 0:
            began = time.perf_counter()
        rows = torch.randint(len(images), (settings.batch_size,))
        x, label = images[rows].to(device), data.train.label[rows].to(device)
        eps, t = torch.randn_like(x), torch.rand(len(x), device=device)
        level = t.view(-1, 1, 1, 1)
        weights = F.pad(one_hot(label, model.classes), (0, 1))
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            prediction = unet((1 - level) * x + level * eps, t * 1000, class_labels=weights).sample
            loss = F.mse_loss(prediction.float(), eps - x)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), settings.clip)
        optimizer.step()
        average.update_parameters(unet)
        loss.item()  # anyone who looks at the loss waits for it
    return steps * settings.batch_size / (time.perf_counter() - began)


def ours(family: str, data: Splits, settings, device: str, steps: int) -> tuple[float, float]:
    """Images a second of genlab's steps alone, and with records, held-out losses and samples counted in."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(family, data.name, settings, folder=Path(folder), threads=torch.get_num_threads())
        stepping, marks = [], []
        with closing(train(run, data, device)) as records:
            for progress in records:
                marks.append(time.perf_counter())
                if progress.step > WARM and not progress.drew and progress.held_out is None:
                    stepping.append(marks[-1] - marks[-2])
                if progress.step == WARM + steps:
                    break
        return settings.batch_size / statistics.mean(stepping), steps * settings.batch_size / (marks[-1] - marks[WARM - 1])


def compare(data: Splits, device: str, steps: int) -> None:
    settings = MODELS["diffusion"].Settings.parse({"conditional": True, "steps": 6000})
    target = accelerator_for(device, "auto").device
    plains, steppings, wholes = [], [], []
    for _ in range(ROUNDS):
        plains.append(plain(data, settings, target, steps))
        stepping, whole = ours("diffusion", data, settings, device, steps)
        steppings.append(stepping)
        wholes.append(whole)
    base = statistics.median(plains)
    print(f"diffusion on {data.name}, {target}, {torch.get_num_threads()} threads, {ROUNDS} rounds of {steps} steps, medians")
    print(f"  plain loop              {base:9,.0f} images/s")
    print(f"  genlab, steps           {statistics.median(steppings):9,.0f} images/s  {statistics.median(steppings) / base:.1%}")
    print(f"  genlab, all counted in  {statistics.median(wholes):9,.0f} images/s  (held-out loss and first samples too)")


def every_family(data: Splits, device: str) -> None:
    for family, values in [
        ("vae", {"network": "mlp"}),
        ("vae", {"network": "conv", "latent": 16, "width": 96}),
        ("gan", {"network": "mlp"}),
        ("gan", {"network": "dcgan", "conditional": True}),
        ("diffusion", {"conditional": True}),
    ]:
        settings = MODELS[family].Settings.parse({**values, "steps": 6000})
        stepping, _ = ours(family, data, settings, device, 100)
        print(f"  {family:<10}{values.get('network', 'unet'):<8}{stepping:9,.0f} images/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--all", action="store_true", help="images/s of every family as well")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load(given.dataset)
    compare(data, given.device, given.steps)
    if given.all:
        every_family(data, given.device)


if __name__ == "__main__":
    main()
