"""Augmentations of training images, through torchvision's transforms; validation and test never see them."""

from torch import nn
from torchvision.transforms import v2

from genlab.data.dataset import AUGMENTATIONS, Shape


@AUGMENTATIONS.register("none")
def none(shape: Shape) -> nn.Module:
    """The images as they are."""
    return nn.Identity()


@AUGMENTATIONS.register("shift")
def shift(shape: Shape) -> nn.Module:
    """Moved by up to an eighth of the size, the border repeated."""
    return v2.RandomCrop(shape[1:], padding=[shape[2] // 8, shape[1] // 8], padding_mode="edge")


@AUGMENTATIONS.register("flip")
def flip(shape: Shape) -> nn.Module:
    """Half of the images mirrored left to right."""
    return v2.RandomHorizontalFlip()


@AUGMENTATIONS.register("crop")
def crop(shape: Shape) -> nn.Module:
    """A random part of 80 to 100 % of the area, brought back to size."""
    return v2.RandomResizedCrop(shape[1:], scale=(0.8, 1.0), ratio=(0.9, 1.1), antialias=True)


@AUGMENTATIONS.register("noise")
def noise(shape: Shape) -> nn.Module:
    """Gaussian noise with a standard deviation of 5 % of the range."""
    return v2.GaussianNoise(sigma=0.1, clip=False)
