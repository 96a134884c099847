"""Films have exactly the frames that they were given, in order, and too many are refused."""

import io

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from genlab.errors import BadSetting
from genlab.latent.film import MOST, SIDE, film


def frames_of(n: int, channels: int = 1, side: int = 28) -> torch.Tensor:
    """[n, C, side, side]  the left part of frame i white, the wider the later."""
    level = torch.arange(side) * n < torch.arange(1, n + 1)[:, None] * side
    return (level[:, None, None, :] * 255).to(torch.uint8).expand(n, channels, side, side).contiguous()


def gif_frames(content: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(content)) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def mp4_frames(content: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(content)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


READ = {"gif": gif_frames, "mp4": mp4_frames}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_each_frame_is_there_and_looks_as_it_should(kind, channels):
    pixels = frames_of(9, channels)
    shown = READ[kind](film(pixels, kind))
    assert len(shown) == 9
    times = SIDE // 28
    for frame, wanted in zip(shown, pixels[:, 0].numpy(), strict=True):
        assert frame.shape == (28 * times, 28 * times, 3)
        assert np.abs(frame[times // 2 :: times, times // 2 :: times, 0].astype(int) - wanted).max() <= 12


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_frames_that_are_alike_are_kept_too(kind):
    pixels = frames_of(3)[[0, 0, 1, 1, 1, 2, 2]]
    assert len(READ[kind](film(pixels, kind))) == 7


def test_a_gif_keeps_its_time_and_its_colours():
    pixels = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    content = film(pixels, "gif", rate=10)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["duration"] == 100
        assert image.info["loop"] == 0
    shown = np.stack(gif_frames(content))[:, SIDE // 16 :: SIDE // 8, SIDE // 16 :: SIDE // 8]
    assert (shown == pixels.permute(0, 2, 3, 1).numpy()).all(), "64 colours a frame need no rounding"


def test_a_film_of_odd_sides_is_padded_by_a_pixel():
    assert mp4_frames(film(torch.zeros(2, 1, 257, 255, dtype=torch.uint8), "mp4"))[0].shape == (258, 256, 3)


def test_a_strip_is_the_frames_side_by_side():
    pixels = frames_of(5)
    with Image.open(io.BytesIO(film(pixels, "strip"))) as image:
        assert (np.asarray(image) == np.concatenate(list(pixels[:, 0].numpy()), axis=1)).all()


@pytest.mark.parametrize(("kind", "frames", "side"), [("gif", MOST + 1, 8), ("mp4", MOST + 1, 8), ("strip", 600, 28)])
def test_what_is_too_long_is_refused_in_a_sentence(kind, frames, side):
    with pytest.raises(BadSetting, match=rf"{frames:,} frames were asked for; .* at most"):
        film(torch.zeros(frames, 1, side, side, dtype=torch.uint8), kind)
