"""GPT: a transformer that writes token after token (Radford et al. 2018), as transformers has them.

`modern` is NanoChat: rotary positions, normalised queries and keys, squared ReLU; `gpt2` is GPT-2 (Radford et al. 2019).
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel, NanoChatConfig, NanoChatForCausalLM, PreTrainedModel

from genlab.models.base import Player
from genlab.models.sequence import SequenceModel
from genlab.models.settings import CommonSettings, GPTSettings

NETWORKS: dict[str, Callable[[GPTSettings, int], PreTrainedModel]] = {}


class GPT(SequenceModel):
    """Looks back at all that was written and says what comes next."""

    Settings: ClassVar[type[CommonSettings]] = GPTSettings
    network: PreTrainedModel

    def build(self, vocabulary: int) -> nn.Module:
        return NETWORKS[self.settings.architecture](self.settings, vocabulary)

    def players(self) -> dict[str, Player]:
        """One, whose matrices between the layers Muon may move; embeddings and head are lists of vectors, not matrices."""
        lists = {id(weight) for part in (self.network.get_input_embeddings(), self.network.get_output_embeddings())
                 for weight in part.parameters()}  # fmt: skip
        inner = [weight for weight in self.network.parameters() if weight.ndim == 2 and id(weight) not in lists]
        matrices = inner if self.settings.optimizer == "muon" else []
        return {"model": Player(list(self.parameters()), None, (0.9, 0.95), self.settings.optimizer, matrices)}

    def logits(self, x: Tensor, shift: Tensor | None = None, cache: Any = None) -> tuple[Tensor, Any]:
        vectors = self.network.get_input_embeddings()(x)
        if shift is not None:
            vectors = vectors + shift[:, None]
        kept = None if cache is None else cache or DynamicCache()
        answer = self.network(inputs_embeds=vectors, cache=kept, use_cache=kept is not None)
        return answer.logits, kept

    def described(self) -> Mapping[str, Any]:
        return self.network.config.to_dict() | {"architectures": [type(self.network).__name__]}


def _modern(settings: GPTSettings, vocabulary: int) -> NanoChatForCausalLM:
    return NanoChatForCausalLM(
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
        )
    )


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
