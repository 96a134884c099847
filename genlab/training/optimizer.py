"""AdamW as torch has it, without the compiler that torch loads with every optimizer, which takes as long as torch itself."""

from inspect import unwrap

import torch


class AdamW(torch.optim.AdamW):
    """The same steps bit for bit; what is unwrapped only keeps `torch.compile` out, which nobody lets in here."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)
