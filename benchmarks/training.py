"""Speed of training: genlab's loop against a plain loop, and its whole runs against those of pythae's trainer, in one script.

    python -m benchmarks.training [--dataset mnist] [--steps 60] [--device cpu] [--rounds 5]

The plain loop has the same UNet, batches, averaging and clipping; records, held-out losses and samples are genlab's alone and
are counted in a second figure. pythae (Chadebec et al. 2022) trains the VAE's very network by the same loss for as many epochs
on as many images in batches of the same size; there everything counts, from the first step to the saved model. The two of each
pair take turns, so that a change in the machine's mood hits both. `--all` adds images/s of every family.
"""

import argparse
import logging
import math
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from genlab.data import Splits, load
from genlab.models import MODELS
from genlab.models.base import one_hot
from genlab.training.run import Run
from genlab.training.train import accelerator_for, train

ROUNDS, WARM = 5, 5
IMAGES, EPOCHS = 20_000, 4  # of the whole runs
FAMILIES = {  # what of each is measured
    "VAE, MLP": ("vae", {"network": "mlp"}),
    "VAE, convolutional": ("vae", {"network": "conv", "latent": 16, "width": 96}),
    "GAN, MLP": ("gan", {"network": "mlp"}),
    "GAN, convolutional": ("gan", {"network": "dcgan", "conditional": True}),
    "diffusion": ("diffusion", {"conditional": True}),
}


def plain(data: Splits, settings, device: torch.device, steps: int) -> float:
    """Images a second of what one would write by hand around diffusers' UNet."""
    model = MODELS["diffusion"](data.spec, settings).to(device)
    unet, average = model.network, AveragedModel(model.network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema))
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


def ours(family: str, data: Splits, settings, device: str, steps: int, seconds: float = math.inf) -> tuple[float, float]:
    """Items a second of genlab's steps alone, and with records, held-out losses and samples counted in.

    So many steps are counted, or fewer where so many seconds are over before.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(family, data, settings, folder=Path(folder), threads=torch.get_num_threads())
        stepping, marks = [], []
        with closing(train(run, data, device)) as records:
            for progress in records:
                marks.append(time.perf_counter())
                if progress.step > WARM and not progress.drew and progress.held_out is None:
                    stepping.append(marks[-1] - marks[-2])
                if progress.step == WARM + steps or (stepping and marks[-1] - marks[WARM - 1] > seconds):
                    break
        whole = (marks[-1] - marks[WARM - 1]) / (len(marks) - WARM)
        return settings.batch_size / statistics.mean(stepping), settings.batch_size / whole


def whole_run(data: Splits, settings, device: str) -> float:
    """Images a second of a run of genlab's from its first step to its last checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create("vae", data, settings, folder=Path(folder), threads=torch.get_num_threads())
        began = time.perf_counter()
        for _ in train(run, data, device):
            pass
        return settings.steps * settings.batch_size / (time.perf_counter() - began)


def whole_run_of_pythae(data: Splits, settings) -> float:
    """Images a second of pythae's trainer with the same network from its first step to its saved model."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    ours = MODELS["vae"](data.spec, settings)

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.network = ours.encoder

        def forward(self, x):
            mean, logvar = self.network(x, None).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.network = ours.decoder

        def forward(self, z):
            return ModelOutput(reconstruction=self.network(z).sigmoid())

    logging.getLogger("pythae").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        images = BaseDataset(torch.from_numpy(data.train.read(slice(None)).numpy()).float() / 255, data.train.label)
        config = VAEConfig(input_dim=data.spec.shape, latent_dim=settings.latent, reconstruction_loss="bce")
        chosen = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=EPOCHS,
            learning_rate=settings.learning_rate,
            per_device_train_batch_size=settings.batch_size,
        )
        trainer = BaseTrainer(VAE(config, Encoder(), Decoder()), images, training_config=chosen)
        began = time.perf_counter()
        trainer.train()
        return EPOCHS * len(images.data) / (time.perf_counter() - began)


def compare_whole_runs(data: Splits, device: str, rounds: int) -> None:
    data = replace(data, train=data.train[: min(IMAGES, len(data.train))])
    steps = EPOCHS * len(data.train) // MODELS["vae"].Settings().batch_size
    settings = MODELS["vae"].Settings.parse({"network": "mlp", "likelihood": "cross-entropy", "steps": steps})
    pairs = [(whole_run_of_pythae(data, settings), whole_run(data, settings, device)) for _ in range(rounds)]
    theirs, ours = (statistics.median(speeds) for speeds in zip(*pairs, strict=True))
    ratios = sorted(our / their for their, our in pairs)
    print(f"VAE on {len(data.train):,} images of {data.name}, {EPOCHS} epochs, whole runs, {rounds} rounds, medians")
    print(f"  pythae's trainer        {theirs:9,.0f} images/s")
    print(f"  genlab                  {ours:9,.0f} images/s  {statistics.median(ratios):.2f} times", end="")
    print(f" ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def compare(data: Splits, device: str, steps: int, rounds: int) -> None:
    settings = MODELS["diffusion"].Settings.parse({"conditional": True, "steps": 6000})
    target = accelerator_for(device, "auto").device
    plains, steppings, wholes = [], [], []
    for _ in range(rounds):
        plains.append(plain(data, settings, target, steps))
        stepping, whole = ours("diffusion", data, settings, device, steps)
        steppings.append(stepping)
        wholes.append(whole)
    base = statistics.median(plains)
    print(f"diffusion on {data.name}, {target}, {torch.get_num_threads()} threads, {rounds} rounds of {steps} steps, medians")
    print(f"  plain loop              {base:9,.0f} images/s")
    print(f"  genlab, steps           {statistics.median(steppings):9,.0f} images/s  {statistics.median(steppings) / base:.1%}")
    print(f"  genlab, all counted in  {statistics.median(wholes):9,.0f} images/s  (held-out loss and first samples too)")


def every_family(data: Splits, device: str) -> None:
    for name, (family, values) in FAMILIES.items():
        settings = MODELS[family].Settings.parse({**values, "steps": 6000})
        stepping, _ = ours(family, data, settings, device, 100)
        print(f"  {name:<24}{stepping:9,.0f} images/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--all", action="store_true", help="images/s of every family as well")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load(given.dataset)
    compare(data, given.device, given.steps, given.rounds)
    compare_whole_runs(data, given.device, given.rounds)
    if given.all:
        every_family(data, given.device)


if __name__ == "__main__":
    main()
