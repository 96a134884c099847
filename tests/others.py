"""Folders as transformers itself writes them, of models too small to take time."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    NanoChatConfig,
    NanoChatForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

END = "<|endoftext|>"
TEXTS = ["The with statement is used to wrap the execution of a block.", "A class definition defines a class object."] * 4


def tokenizer_of(size: int = 300, end: str = END) -> Tokenizer:
    """A byte-level BPE as GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[end], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def gpt2(folder: Path, tokenizer: Tokenizer | None = None, **config: Any) -> PreTrainedModel:
    """A small GPT-2 with its tokenizer in a folder."""
    tokenizer = tokenizer or tokenizer_of()
    size, end = tokenizer.get_vocab_size(), tokenizer.token_to_id(END)
    small = {"vocab_size": size, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "eos_token_id": end}
    torch.manual_seed(0)
    return _saved(GPT2LMHeadModel(GPT2Config(**small | {"bos_token_id": end} | config)), tokenizer, folder)


def nanochat(folder: Path, **config: Any) -> PreTrainedModel:
    """Likewise a small NanoChat."""
    tokenizer = tokenizer_of()
    small = {"vocab_size": tokenizer.get_vocab_size(), "hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": None}
    torch.manual_seed(0)
    return _saved(NanoChatForCausalLM(NanoChatConfig(**small | heads | config)), tokenizer, folder)


def _saved(network: PreTrainedModel, tokenizer: Tokenizer, folder: Path) -> PreTrainedModel:
    for weight in network.parameters():
        weight.data += 0.1 * torch.randn_like(weight)  # so that it holds some tokens much likelier than others
    network.eval().save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END).save_pretrained(folder)
    return network
