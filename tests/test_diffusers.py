"""diffusers opens what genlab saves, and draws the same pictures from the same noise."""

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, UNet2DModel
from marks import long

from genlab.data import load, to_pixels
from genlab.paths import CHECKPOINTS
from genlab.training.checkpoint import load_model
from genlab.training.run import Run
from genlab.training.train import train


def plain_loop(folder, z, label, steps, guidance):
    """What a user of diffusers would write."""
    unet = UNet2DModel.from_pretrained(folder / "unet").eval()
    scheduler = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler")
    scheduler.set_timesteps(steps)
    nothing = torch.full_like(label, unet.config.num_class_embeds - 1)
    x = z * scheduler.init_noise_sigma
    with torch.no_grad():
        for t in scheduler.timesteps:
            scaled = scheduler.scale_model_input(x, t)
            free = unet(scaled, t, class_labels=nothing).sample
            prediction = free + guidance * (unet(scaled, t, class_labels=label).sample - free)
            x = scheduler.step(prediction, t, x).prev_sample
    return to_pixels(x)


def agrees(name):
    trained = load_model(name)
    model, n = trained.model, 4
    label = torch.arange(n) % model.classes
    settings = model.SamplingSettings()
    *_, draft = model.sample(n, settings, 0, model.given_labels(label, n))
    expected = plain_loop(trained.folder, model.prior(n, 0), label, settings.steps, settings.guidance)
    return (to_pixels(draft.items).int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize("target", ["flow", long("v"), long("noise")])
def test_a_plain_loop_over_a_fresh_checkpoint_gives_the_same_pictures(target):
    run = Run.create("diffusion", "digits", {"conditional": True, "steps": 3, "target": target}, threads=1)
    list(train(run, load("digits"), "cpu"))
    assert agrees(run.name)


@pytest.mark.skipif(not (CHECKPOINTS / "diffusion-mnist").is_dir(), reason="diffusion-mnist is not shipped here")
def test_a_plain_loop_over_the_shipped_checkpoint_gives_the_same_pictures():
    assert agrees("diffusion-mnist")
