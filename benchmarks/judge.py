"""Judges of the shipped models' datasets, trained the first time and kept in the cache folder."""

from functools import partial

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models import resnet18

from genlab.data import DataSpec, load
from genlab.metrics import Judge, Way, learnt
from genlab.metrics.judge import convolutions
from genlab.paths import cache_folder

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resnet(spec: DataSpec) -> nn.Module:
    """ResNet-18 (He et al. 2016), its first convolution made for 32×32 pixels; 512 features."""
    net = resnet18()
    net.conv1 = nn.Conv2d(spec.shape[0], 64, 3, padding=1, bias=False)
    net.fc = nn.Identity()
    return net.to(memory_format=torch.channels_last)


WAYS = {
    "mnist": Way(),
    "catsdogs": Way(partial(convolutions, channels=(32, 64, 128)), passes=12, augment="crop"),
    "animals": Way(resnet, 512, 16, "crop", torch.bfloat16),
}


def trained_judge(name: str, seed: int = 1) -> Judge:
    """The judge of a dataset, from its training part."""
    data, file = load(name).train, cache_folder() / "benchmarks" / f"{name}-judge-{seed}.safetensors"
    if file.exists():
        judge = Judge(data.spec, WAYS[name])
        judge.load_state_dict(load_file(file))
        return judge.eval().to(DEVICE)
    judge = learnt(data, seed, WAYS[name], DEVICE)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous() for name, weight in judge.state_dict().items()}, file)
    return judge
