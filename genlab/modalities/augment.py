"""Augmentations of training images, through torchvision's transforms; validation and test never see them."""

from torch import nn
from torchvision.transforms import v2

from genlab.modalities.image import Image
from genlab.modalities.storage import Shape


@Image.augmentations.register("none")
def none(shape: Shape) -> nn.Module:
    """The images as they are."""
    return nn.Identity()


@Image.augmentations.register("shift")
def shift(shape: Shape) -> nn.Module:
    """Moved by up to an eighth of the size, the border repeated."""
    return v2.RandomCrop(shape[1:], padding=[shape[2] // 8, shape[1] // 8], padding_mode="edge")


@Image.augmentations.register("flip")
def flip(shape: Shape) -> nn.Module:
    """Half of the images mirrored left to right."""
    return v2.RandomHorizontalFlip()


@Image.augmentations.register("crop")
def crop(shape: Shape) -> nn.Module:
    """A random part of 80 to 100 % of the area, brought back to size."""
    return v2.RandomResizedCrop(shape[1:], scale=(0.8, 1.0), ratio=(0.9, 1.1), antialias=True)


@Image.augmentations.register("noise")
def noise(shape: Shape) -> nn.Module:
    """Gaussian noise with a standard deviation of 5 % of the range."""
    return v2.GaussianNoise(sigma=0.1, clip=False)
