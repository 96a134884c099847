"""GPT: a transformer that writes token after token (Radford et al. 2018), as transformers has them.

`modern` is NanoChat: rotary positions, normalised queries and keys, squared ReLU; `gpt2` is GPT-2 (Radford et al. 2019).
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel, NanoChatConfig, NanoChatForCausalLM, PreTrainedModel

from genlab.errors import BadSetting
from genlab.models.base import Given, Player
from genlab.models.sequence import SequenceModel
from genlab.models.settings import CommonSettings, GPTSettings

NETWORKS: dict[str, Callable[[GPTSettings, int], PreTrainedModel]] = {}


class GPT(SequenceModel):
    """Looks back at all that was written and says what comes next."""

    Settings: ClassVar[type[CommonSettings]] = GPTSettings
    inside = ("attention",)
    network: PreTrainedModel

    def build(self, vocabulary: int) -> nn.Module:
        return NETWORKS[self.settings.architecture](self.settings, vocabulary)

    @classmethod
    def check(cls, settings: Any, modality: str) -> None:
        super().check(settings, modality)
        each, left = divmod(settings.width, settings.heads)
        if left or (settings.architecture == "modern" and each % 2):
            raise BadSetting(
                "A width of {width} cannot be shared by {heads} heads; each needs as many numbers as every other, and an even "
                "number of them for rotary positions. Try a width of {possible}.",
                "width",
                "heads",
                width=settings.width,
                heads=settings.heads,
                possible=max(2 * settings.heads, settings.width // (2 * settings.heads) * 2 * settings.heads),
            )

    def players(self) -> dict[str, Player]:
        """One, whose matrices between the layers Muon may move; embeddings and head are lists of vectors, not matrices."""
        parts = [part for part in self.network.modules() if isinstance(part, nn.Embedding)]
        lists = {id(part.weight) for part in [*parts, self.network.get_output_embeddings()]}
        inner = [weight for weight in self.network.parameters() if weight.ndim == 2 and id(weight) not in lists]
        matrices = inner if self.settings.optimizer == "muon" else []
        return {"model": Player(list(self.parameters()), None, (0.9, 0.95), self.settings.optimizer, matrices)}

    def logits(self, x: Tensor, shift: Tensor | None = None, cache: Any = None) -> tuple[Tensor, Any]:
        kept = None if cache is None else cache or DynamicCache()
        answer = self.network(inputs_embeds=self._vectors(x, shift), cache=kept, use_cache=kept is not None)
        return answer.logits, kept

    @property
    def embedding(self) -> nn.Embedding:
        found = self.network.get_input_embeddings()
        assert isinstance(found, nn.Embedding)
        return found

    @torch.no_grad()
    def attention(self, text: str, given: Given | None = None) -> Tensor:
        """What is averaged in each layer: softmax(q kᵀ / √d) (Vaswani et al. 2017, eq. 1), which only eager attention tells."""
        x, shift = self._at_once(text, given, self.settings.context)
        shared = {id(tensor): tensor for tensor in (*self.network.parameters(), *self.network.buffers())}
        telling = deepcopy(self.network, shared).eval()  # others may be writing with the network meanwhile
        telling.set_attn_implementation("eager")
        answer = telling(inputs_embeds=self._vectors(x, shift), use_cache=False, output_attentions=True)
        return torch.cat(answer.attentions).float().cpu()

    def described(self) -> Mapping[str, Any]:
        told = self.network.config.to_dict() | {"architectures": [type(self.network).__name__]}
        return told | (dict.fromkeys(["bos_token_id", "eos_token_id"], self.tokens.end) if self.tokens else {})


def _modern(settings: GPTSettings, vocabulary: int) -> NanoChatForCausalLM:
    """It knows no dropout of its own but that of attention; what each layer adds, and the tokens, are dropped as in GPT-2."""
    network = NanoChatForCausalLM(
        NanoChatConfig(
            vocab_size=vocabulary,
            hidden_size=settings.width,
            intermediate_size=4 * settings.width,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            num_key_value_heads=settings.heads,
            max_position_embeddings=settings.context,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=None,
            attention_dropout=settings.dropout,
        )
    )
    if settings.dropout:
        for part in (
            network.model.embed_tokens,
            *(part for layer in network.model.layers for part in (layer.self_attn, layer.mlp)),
        ):
            part.register_forward_hook(partial(_dropped, settings.dropout))
    return network


def _dropped(share: float, part: nn.Module, inputs: Any, answer: Any) -> Any:
    """What a part answers, with a share of the numbers left out while it learns."""
    if isinstance(answer, tuple):
        return (F.dropout(answer[0], share, part.training), *answer[1:])
    return F.dropout(answer, share, part.training)


def _gpt2(settings: GPTSettings, vocabulary: int) -> GPT2LMHeadModel:
    dropout = settings.dropout
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_positions=settings.context,
            n_embd=settings.width,
            n_layer=settings.layers,
            n_head=settings.heads,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


NETWORKS |= {"modern": _modern, "gpt2": _gpt2}
