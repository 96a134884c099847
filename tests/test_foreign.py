"""Folders that transformers wrote are opened with their tokens, written with and fine-tuned; what cannot be opened is told."""

import json
import os
from pathlib import Path

import pytest
import torch
from others import END, gpt2, nanochat, tokenizer_of
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from genlab import load, load_model, train
from genlab.__main__ import main
from genlab.errors import BadCheckpoint, BadSetting
from genlab.training.checkpoint import find_model
from genlab.training.start import create_from

TEXT = "The with statement is used to wrap Ärger 漢 🙂,\n\n\tand  more"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "small"


def logits(folder: Path, text: str = TEXT) -> torch.Tensor:
    """What genlab's model says of a text, by the tokens that transformers makes of it."""
    model, ids = load_model(folder).model, AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    assert model.tokens.encode(text) == ids[0].tolist()
    with torch.no_grad():
        return model.logits(ids[:, : model.settings.context])[0]


def expected(network, folder: Path, text: str = TEXT) -> torch.Tensor:
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    with torch.no_grad():
        return network(ids[:, :512]).logits


# --- Opened ---


@pytest.mark.parametrize("made", [gpt2, nanochat])
def test_a_folder_of_transformers_has_the_logits_that_it_has_there(folder: Path, made):
    network = made(folder)
    assert torch.allclose(logits(folder), expected(network, folder), atol=1e-5)
    trained = load_model(folder)
    assert (trained.family, trained.model.settings.context, trained.model.settings.layers) == ("gpt", 64, 2)
    assert "transformers" in trained.card


def test_of_a_long_context_the_first_places_are_kept(folder: Path):
    network = gpt2(folder, n_positions=700)
    text = "The with statement is used. " * 60
    found = logits(folder, text)
    assert found.shape[1] == load_model(folder).model.settings.context == 512
    assert torch.allclose(found, expected(network, folder, text), atol=1e-5)


def test_a_vocabulary_and_merges_are_the_tokenizer_that_they_make(folder: Path):
    network = gpt2(folder)
    before = logits(folder)
    tokenizer_of().model.save(str(folder))
    reference = AutoTokenizer.from_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    assert {"vocab.json", "merges.txt"} < {file.name for file in folder.iterdir()}
    model = load_model(folder).model
    assert model.tokens.encode(TEXT) == reference(TEXT).input_ids
    with torch.no_grad():
        assert torch.equal(model.logits(torch.tensor([reference(TEXT).input_ids]))[0], before)
    assert torch.allclose(before, network(torch.tensor([reference(TEXT).input_ids])).logits, atol=1e-5)


def test_weights_by_their_old_names_and_in_half_the_bits_are_the_same_weights(folder: Path):
    network = gpt2(folder)
    before = expected(network, folder)
    old = {name.removeprefix("transformer."): tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    masks = {f"h.{i}.attn.bias": torch.ones(1, 1, 64, 64).tril() for i in range(2)}
    save_file(old | masks | {"lm_head.weight": old["wte.weight"].clone()}, folder / "model.safetensors", {"format": "pt"})
    assert torch.allclose(logits(folder), before, atol=0.05)
    assert not torch.equal(logits(folder), before)


def test_weights_in_several_files_are_one_model(folder: Path):
    network = gpt2(folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    for i, part in enumerate((list(weights)[::2], list(weights)[1::2]), 1):
        save_file({name: weights[name] for name in part}, folder / f"model-0000{i}-of-00002.safetensors", {"format": "pt"})
    assert torch.allclose(logits(folder), expected(network, folder), atol=1e-5)


def test_it_is_opened_once_and_anew_where_the_folder_has_changed(folder: Path):
    gpt2(folder)
    first = find_model(folder)
    written = (first / "config.json").stat().st_mtime_ns
    assert (find_model(folder), (first / "config.json").stat().st_mtime_ns) == (first, written)
    weights = {name: 2 * tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    os.utime(folder / "model.safetensors", ns=(written, written))
    again = load_model(folder).model.network.state_dict()["transformer.wte.weight"]
    assert torch.equal(again, weights["transformer.wte.weight"])


# --- Written with, and fine-tuned ---


def test_it_writes_and_reads_from_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]):
    gpt2(folder)
    assert main(["sample", str(folder), "--n", "2", "--prompt", "The with", "--length", "8"]) == 0
    assert capsys.readouterr().out.count("The with") == 2
    assert main(["read", str(folder), "A class object 漢"]) == 0
    assert "perplexity" in capsys.readouterr().out


def test_a_run_goes_on_from_it_with_its_tokens_and_transformers_opens_what_comes_of_it(folder: Path):
    gpt2(folder)
    before = load_model(folder).model
    wish = {"steps": 12, "batch_size": 8, "warmup": 0, "ema": 0.0, "learning_rate": 1e-2}
    run = create_from("gpt", str(folder), "python-docs", wish)
    progress = list(train(run, load("python-docs"), "cpu"))
    assert progress[-1].losses["model"] < progress[0].losses["model"]
    assert 0 in run.samples(), "what it wrote before is shown"
    after = load_model(run.path).model
    assert after.tokens == before.tokens
    assert not torch.equal(after.logits(torch.tensor([[5]]))[0], before.logits(torch.tensor([[5]]))[0])
    saved = run.checkpoints()[-1]
    theirs, tokenizer = AutoModelForCausalLM.from_pretrained(saved).eval(), AutoTokenizer.from_pretrained(saved)
    ids = tokenizer(TEXT, return_tensors="pt").input_ids
    with torch.no_grad():
        assert torch.allclose(theirs(ids).logits, after.logits(ids)[0], atol=1e-5)
    assert theirs.config.eos_token_id == tokenizer.eos_token_id == after.tokens.end


def test_the_first_step_of_fine_tuning_starts_from_what_it_knew(folder: Path):
    gpt2(folder)
    run = create_from("gpt", str(folder), "python-docs", {"steps": 1, "learning_rate": 1e-7, "ema": 0.0})
    list(train(run, load("python-docs"), "cpu"))
    ours, theirs = (load_model(place).model.network.state_dict() for place in (run.path, folder))
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in theirs)


def test_settings_that_shape_it_must_stay(folder: Path):
    gpt2(folder)
    with pytest.raises(BadSetting, match=r"do not fit these settings.*layers"):
        create_from("gpt", str(folder), "python-docs", {"layers": 3})
    with pytest.raises(BadSetting, match="is a gpt, not a rnn"):
        create_from("rnn", str(folder), "python-docs", {})


# --- Refused, with a sentence ---


def changed(folder: Path, **facts: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | facts))


def of_another_kind(folder: Path) -> None:
    changed(folder, model_type="llama")


def of_pickles_alone(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def of_pickles_by_another_name(folder: Path) -> None:
    torch.save({}, folder / "model.safetensors")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def with_a_damaged_file(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def with_weights_left_out(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: weights[name] for name in [*weights][1:]}, folder / "model.safetensors", {"format": "pt"})


def with_weights_that_are_no_numbers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"][0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def with_another_tokenizer(folder: Path) -> None:
    tokenizer_of(290).save(str(folder / "tokenizer.json"))


def whose_texts_do_not_end(folder: Path) -> None:
    tokenizer_of(end="</s>").save(str(folder / "tokenizer.json"))


def whose_tokenizer_changes_texts(folder: Path) -> None:
    words = Tokenizer(models.WordLevel({END: 0, "the": 1}, unk_token=END))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token=END).save_pretrained(folder)


def that_computes_otherwise(folder: Path) -> None:
    changed(folder, activation_function="relu")


def that_is_too_deep(folder: Path) -> None:
    changed(folder, n_layer=36)


def of_nonsense(folder: Path) -> None:
    changed(folder, n_embd="wide", n_head=-3)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (of_another_kind, r"'small' holds a llama of transformers; genlab opens gpt2 or nanochat"),
        (of_pickles_alone, r"pytorch_model\.bin is a pickle checkpoint.*Convert it to \.safetensors"),
        (of_pickles_by_another_name, r"model\.safetensors is a pickle checkpoint"),
        (without_weights, r"no weights in 'small'; a model\.safetensors has to lie beside"),
        (with_a_damaged_file, r"weights of 'small' are not a valid safetensors file"),
        (with_weights_left_out, r"1 tensors are missing"),
        (with_weights_that_are_no_numbers, r"NaN or infinity in 1 tensors"),
        (without_tokenizer, r"tokenizer\.json of 'small' is missing or damaged"),
        (with_another_tokenizer, r"tokenizer of 'small' does not fit its weights: it has 290 tokens, and they are for 300"),
        (whose_texts_do_not_end, r"no token <\|endoftext\|>"),
        (whose_tokenizer_changes_texts, r"tokenizer of 'small' does not give texts back"),
        (that_computes_otherwise, r"another way.*activation_function is 'relu', here it is 'gelu_new'"),
        (that_is_too_deep, r"cannot be the model in 'small': layers is 36; it must be a whole number from 1 to 24"),
        (of_nonsense, r"width is 'wide'.*heads is -3"),
    ],
)
def test_what_cannot_be_opened_is_told(folder: Path, spoil, told: str):
    gpt2(folder)
    spoil(folder)
    with pytest.raises(BadCheckpoint, match=told):
        load_model(folder)


def test_code_that_lies_in_a_folder_is_never_run(folder: Path):
    network = gpt2(folder)
    canary = folder / "ran"
    (folder / "modeling.py").write_text(f"open({str(canary)!r}, 'w')\nclass Model: pass\n")
    auto = {"AutoConfig": "modeling.Model", "AutoModelForCausalLM": "modeling.Model", "AutoTokenizer": ["modeling.Model", None]}
    changed(folder, auto_map=auto, trust_remote_code=True)
    model = load_model(folder).model
    assert not canary.exists()
    ids = torch.tensor([model.tokens.encode(TEXT)])
    with torch.no_grad():
        assert torch.allclose(model.logits(ids)[0], network(ids).logits, atol=1e-5)
