"""Foreign: a folder of GPT-2 or NanoChat as transformers writes it, opened as a `gpt` that keeps its tokens and its weights.

Nothing in such a folder is run: its config.json and its tokenizer are read, its weights are safetensors.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import GPT2Config, NanoChatConfig, PreTrainedConfig

from genlab.data import DataSpec
from genlab.errors import BadCheckpoint, BadSetting
from genlab.files import one_at_a_time, read_json
from genlab.messages import Message, joined
from genlab.modalities.text import LONGEST
from genlab.models.base import give_weights, weights_of
from genlab.models.gpt import GPT
from genlab.models.settings import GPTSettings
from genlab.models.tokens import Tokens
from genlab.paths import cache_folder
from genlab.training.checkpoint import refuse_pickle, save_checkpoint
from genlab.training.run import genlab_version

FORMAT = 1  # of what lies in the cache; raised when a folder is read in another way
BOUNDS = {setting.name: (int(setting.low or 0), int(setting.high or 0)) for setting in GPTSettings.fields()}
TUNING = {"optimizer": "adamw", "learning_rate": 1e-4, "steps": 1000}  # what has learnt much already goes on in small steps


@dataclass(frozen=True)
class Kind:
    """An architecture of transformers: what it is called here, and where its config.json tells what its settings are."""

    architecture: str
    usual: PreTrainedConfig  # what holds of all that a config.json leaves out
    settings: Mapping[str, str]  # ours: theirs
    same: tuple[str, ...]  # what has to be as it is here, for there is no setting for it
    within: str  # begins the names of all weights but the head's, which a folder without a head leaves out
    table: str  # the weights of the tokens
    places: str = ""  # those of the places, of which no more are needed than are looked at


KINDS = {
    "gpt2": Kind(
        "gpt2",
        GPT2Config(),
        {"context": "n_positions", "layers": "n_layer", "heads": "n_head", "width": "n_embd", "dropout": "resid_pdrop"},
        ("activation_function", "n_inner", "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx",
         "add_cross_attention", "tie_word_embeddings"),
        "transformer.",
        "transformer.wte.weight",
        "transformer.wpe.weight",
    ),
    "nanochat": Kind(
        "modern",
        NanoChatConfig(),
        {"context": "max_position_embeddings", "layers": "num_hidden_layers", "heads": "num_attention_heads",
         "width": "hidden_size", "dropout": "attention_dropout"},
        ("hidden_act", "intermediate_size", "num_key_value_heads", "rms_norm_eps", "rope_parameters", "final_logit_softcapping",
         "attention_bias", "tie_word_embeddings"),
        "model.",
        "model.embed_tokens.weight",
    ),
}  # fmt: skip


def adopted(folder: Path) -> Path:
    """The checkpoint, in the cache, of the model in a folder of transformers; made once, and again where the folder has changed.

    Raises BadCheckpoint with the reason where it cannot be.
    """
    place = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    target, stamp = cache_folder() / "foreign" / f"{folder.name}-{place}", _stamp(folder)
    with one_at_a_time(target):
        if _came_from(target) != stamp:
            model = opened(folder)
            told = {"family": "gpt", "dataset": "", "step": 0, "settings": model.settings.model_dump(), "came_from": stamp}
            card = _card(folder, model).encode()
            save_checkpoint(target, model, {**told, "genlab": genlab_version()}, {"card.md": card}, {})
    return target


def opened(folder: Path) -> GPT:
    """The model in a folder of transformers, with its tokens; raises BadCheckpoint where genlab's GPT cannot be that model."""
    theirs = read_json((folder / "config.json").read_text())
    if (kind := KINDS.get(str(theirs["model_type"]))) is None:
        raise BadCheckpoint(
            "The folder {name!r} holds a {kind} of transformers; genlab opens {possible}.",
            name=folder.name,
            kind=theirs["model_type"],
            possible=joined(KINDS, Message(" or ")),
        )
    weights, tokens = _weights(folder, kind), Tokens.of_others(folder)
    settings = _settings(folder, theirs, kind, tokens.size)
    if kind.table in weights and len(weights[kind.table]) != tokens.size:
        raise BadCheckpoint(
            "The tokenizer of {name!r} does not fit its weights: it has {tokens:,} tokens, and they are for {rows:,}. "
            "Put the tokenizer beside them that the model was trained with.",
            name=folder.name,
            tokens=tokens.size,
            rows=len(weights[kind.table]),
        )
    if kind.places in weights:
        weights[kind.places] = weights[kind.places][: settings.context]
    model = GPT(DataSpec("text", (LONGEST,)), settings)
    model.know(tokens)
    _check_same(folder, theirs, kind, model)
    own = {name: tensor for name, tensor in weights_of(model).items() if not name.startswith("network.")}
    give_weights(model, own | {f"network.{name}": tensor for name, tensor in weights.items()})
    return model.eval()


def _settings(folder: Path, theirs: Mapping[str, Any], kind: Kind, tokens: int) -> GPTSettings:
    """What such a model is asked for here; it looks back no further than a model of genlab can."""
    found = {ours: theirs.get(name, getattr(kind.usual, name)) for ours, name in kind.settings.items()}
    if isinstance(found["context"], int):
        found["context"] = min(found["context"], BOUNDS["context"][1])
    low, high = BOUNDS["vocabulary"]
    learnt = {"tokens": "bpe", "vocabulary": max(low, min(tokens, high))}  # they are known, and not learnt again
    try:
        settings = GPTSettings.parse({**found, **learnt, **TUNING, "architecture": kind.architecture})
        GPT.check(settings, "text")
    except BadSetting as fault:
        told = "genlab's GPT cannot be the model in {name!r}: {why}"
        raise BadCheckpoint(told, name=folder.name, why=fault.message) from fault
    return settings


def _check_same(folder: Path, theirs: Mapping[str, Any], kind: Kind, model: GPT) -> None:
    """Raise BadCheckpoint where the other model computes anything in another way."""
    implied = {"n_inner": 4 * model.settings.width, "num_key_value_heads": model.settings.heads}
    for name in kind.same:
        has = theirs.get(name, None if name in implied else getattr(kind.usual, name))
        needs = getattr(model.network.config, name)
        if (implied[name] if name in implied and has is None else has) != (implied.get(name) if needs is None else needs):
            raise BadCheckpoint(
                "The model in {name!r} computes in another way than genlab's GPT: its {setting} is {has}, here it is {needs}.",
                name=folder.name,
                setting=name,
                has=repr(has),
                needs=repr(needs),
            )


def _weights(folder: Path, kind: Kind) -> dict[str, Tensor]:
    """The weights, by the names that they have in a model with a head."""
    whole = folder / "model.safetensors"
    files = [whole] if whole.is_file() else sorted(folder.glob("model-*.safetensors"))
    if not files:
        for file in sorted(file for file in folder.iterdir() if file.is_file()):
            refuse_pickle(file)
        told = "There are no weights in {name!r}; a model.safetensors has to lie beside its config.json."
        raise BadCheckpoint(told, name=folder.name)
    weights: dict[str, Tensor] = {}
    for file in files:
        refuse_pickle(file)
        try:
            weights |= load_file(file)
        except (SafetensorError, OSError) as fault:
            raise BadCheckpoint(
                "The weights of {name!r} are not a valid safetensors file: {fault}.", name=folder.name, fault=fault
            ) from fault
    if not any(name.startswith(kind.within) for name in weights):
        weights = {name if name.startswith("lm_head.") else kind.within + name: tensor for name, tensor in weights.items()}
    if kind.usual.tie_word_embeddings:
        weights.pop("lm_head.weight", None)  # which is the table of the tokens once more
    masks = (".attn.bias", ".attn.masked_bias")  # that old files have beside the weights
    return {name: tensor.float() for name, tensor in weights.items() if not name.endswith(masks)}


def _card(folder: Path, model: GPT) -> str:
    """Markdown as of other checkpoints, in English."""
    parameters, size = sum(parameter.numel() for parameter in model.parameters()), model.tokens.size if model.tokens else 0
    theirs, context = type(model.network).__name__, model.settings.context
    return f"""# {folder.name}

{(GPT.__doc__ or "").splitlines()[0]}

- **Family**: gpt, {parameters:,} parameters
- **Came from**: a folder of transformers ({theirs}) with {size:,} tokens of its own; it looks back to the last {context:,}
- **Opened by**: genlab {genlab_version()}
"""


def _stamp(folder: Path) -> str:
    """What tells a folder from what becomes of it when a file is changed."""
    files = sorted(file for file in folder.iterdir() if file.suffix in (".json", ".txt", ".safetensors"))
    known = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.blake2b(repr((FORMAT, known)).encode(), digest_size=16).hexdigest()


def _came_from(checkpoint: Path) -> object:
    try:
        return read_json((checkpoint / "config.json").read_text()).get("came_from")
    except (OSError, ValueError, AttributeError):
        return None
