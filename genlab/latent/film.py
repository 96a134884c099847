"""Films: frames as a GIF, an MP4 or one long strip, each with exactly as many frames as were given."""

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

import torch
from PIL import GifImagePlugin, Image
from torch import Tensor
from torch.nn import functional as F

from genlab.errors import BadSetting
from genlab.images import picture, png, wall
from genlab.messages import Message

Kind = Literal["gif", "mp4", "strip"]
MOST = 600  # frames
SIDE = 256  # pixels that small images are brought to, or a film of them could hardly be seen
WIDEST = 16_384  # pixels of a strip; wider ones are not shown by every program


def film(pixels: Tensor, kind: Kind, rate: int = 20) -> bytes:
    """The file of frames uint8 [n, C, H, W] at `rate` frames a second; raises BadSetting for one that is too long."""
    check_length(len(pixels), kind, pixels.shape[3])
    return WRITERS[kind](pixels, rate)


def check_length(frames: int, kind: Kind, width: int) -> None:
    """Raise BadSetting for more frames than a film, or images of this width than a strip, may have."""
    most = min(MOST, WIDEST // width) if kind == "strip" else MOST
    if frames > most:
        possible = Message("a {file} of such images has at most {most:,}", file=NAMES[kind], most=most)
        raise BadSetting("{n:,} frames were asked for; {possible}. Choose fewer.", "frames", n=frames, possible=possible)


def _gif(pixels: Tensor, rate: int) -> bytes:
    """Written frame by frame: Pillow's own way of saving many would drop a frame that is like the one before."""
    frames = [_indexed(picture(frame)) for frame in _enlarged(pixels)]
    header, _ = GifImagePlugin.getheader(frames[0].copy(), info={"loop": 0})
    for frame in frames:
        header += GifImagePlugin.getdata(frame, duration=1000 // rate, include_color_table=True)
    return b"".join([*header, b";"])


def _indexed(image: Image.Image) -> Image.Image:
    """The image in at most 256 colours; grey ones have no more."""
    return image.convert("P") if image.mode == "L" else image.quantize(256, Image.Quantize.MEDIANCUT)


def _mp4(pixels: Tensor, rate: int) -> bytes:
    """H.264, as all browsers and phones play it, so finely that single pixels stay sharp."""
    import av  # slow to import

    frames = _enlarged(pixels).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy()  # [n, H, W, 3]
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "12", "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return content.getvalue()


def _strip(pixels: Tensor, rate: int) -> bytes:
    return png(wall(pixels, len(pixels)))


def _enlarged(pixels: Tensor) -> Tensor:
    """Whole times as large, pixel by pixel, and of even sides, which H.264 needs."""
    times = max(1, SIDE // max(pixels.shape[2:]))
    large = pixels.repeat_interleave(times, 2).repeat_interleave(times, 3)
    height, width = large.shape[2:]
    if height % 2 == width % 2 == 0:
        return large
    return F.pad(large.float(), (0, width % 2, 0, height % 2), mode="replicate").to(torch.uint8)


WRITERS: dict[Kind, Callable[[Tensor, int], bytes]] = {"gif": _gif, "mp4": _mp4, "strip": _strip}
NAMES: dict[Kind, str] = {"gif": "GIF", "mp4": "film", "strip": "strip"}
