"""Hardware: what a model trains or draws on, in words."""

import platform
from typing import TYPE_CHECKING

from genlab.messages import Message

if TYPE_CHECKING:
    import torch


def hardware(device: "torch.device", threads: int, processes: int = 1) -> Message:
    """Its name, or how many threads of what kind of processor, for each of the processes."""
    if device.type == "cuda":
        import torch  # slow to import

        return Message("one {device}", "{n} {device}", n=processes, device=torch.cuda.get_device_name(device))
    each = Message("{n} CPU thread ({machine})", "{n} CPU threads ({machine})", n=threads, machine=platform.machine())
    return each if processes == 1 else Message("{n} processes of {each}", n=processes, each=each)
