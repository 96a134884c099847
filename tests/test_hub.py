"""The Hub: what is published is fetched as the same model, and everything that is wrong with a repository is told."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_standin import TOKEN, Hub, Repository
from huggingface_hub import constants
from others import gpt2, tokenizer_of

from genlab import hub
from genlab.__main__ import main
from genlab.errors import GenlabError
from genlab.paths import CHECKPOINTS
from genlab.training.checkpoint import find_model, load_model

SMALL = "vae-mnist-2d"


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub on this machine, somebody who is logged in to it, and nothing fetched yet."""
    with Hub() as standin:
        monkeypatch.setattr(constants, "ENDPOINT", standin.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", standin.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in takes uploads by Git LFS alone
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("GENLAB_CACHE", str(tmp_path / "cache"))
        hub.fetch.cache_clear()
        yield standin
        hub.fetch.cache_clear()


@pytest.fixture
def published(online: Hub) -> Repository:
    """A repository that holds a model."""
    folder = CHECKPOINTS / SMALL
    online.repositories["me/model"] = Repository(files={file.name: file.read_bytes() for file in folder.iterdir()})
    return online.repositories["me/model"]


def samples(name: str) -> torch.Tensor:
    model = load_model(name).model
    *_, draft = model.sample(8, model.SamplingSettings(), 0)
    return draft.items


@pytest.mark.parametrize("name", [SMALL, "diffusion-mnist"])
def test_what_is_pushed_is_fetched_as_the_same_model(online: Hub, name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["push", name, "me/mine"]) == 0
    assert torch.equal(samples("hf://me/mine"), samples(name))
    told = capsys.readouterr()
    assert "me/mine" in told.out
    assert TOKEN not in told.out + told.err


def test_the_front_page_is_the_card(online: Hub):
    main(["push", SMALL, "me/mine", "--private"])
    repository = online.repositories["me/mine"]
    page = repository.files["README.md"].decode()
    assert repository.private
    assert page.startswith(
        "---\nlibrary_name: genlab\npipeline_tag: unconditional-image-generation\ntags:\n- genlab\n- vae\n- mnist\n---"
    )
    assert (CHECKPOINTS / SMALL / "card.md").read_text() in page
    assert "python -m genlab sample hf://me/mine" in page
    assert {"config.json", "model.safetensors", "card.md", "preview.png"} < set(repository.files)


def test_pushing_again_brings_the_repository_up_to_date(online: Hub):
    assert main(["push", SMALL, "me/mine"]) == 0
    before = online.repositories["me/mine"].files["config.json"]
    assert main(["push", "vae-mnist", "me/mine"]) == 0
    assert online.repositories["me/mine"].files["config.json"] != before


def test_a_model_of_the_hub_is_sampled_by_its_address(published: Repository, tmp_path: Path):
    assert main(["sample", "hf://me/model", "--n", "4", "--out", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").exists()


def test_it_is_fetched_once_and_then_known_offline(online: Hub, published: Repository, monkeypatch: pytest.MonkeyPatch):
    first = find_model("hf://me/model")
    asked = len(online.asked)
    assert find_model("hf://me/model") == first
    assert len(online.asked) == asked, "within one process nobody asks again"
    hub.fetch.cache_clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert torch.equal(samples("hf://me/model"), samples(SMALL))
    with pytest.raises(GenlabError, match="cannot be reached, and me/other has not been fetched before"):
        find_model("hf://me/other")


def test_a_hub_that_does_not_answer_is_told(online: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(GenlabError, match="cannot be reached"):
        find_model("hf://me/model")


def test_a_revision_can_be_named(published: Repository):
    assert find_model(f"hf://me/model@{published.sha}").name == published.sha
    with pytest.raises(GenlabError, match="no such revision"):
        find_model("hf://me/model@v9")


@pytest.mark.parametrize(
    "address", ["hf://", "hf://me", "hf://me/a/b", "hf:///x", "hf://me/../x", "hf://me/x@../y", "hf://me/x y", "hf://me/x?y"]
)
def test_an_address_that_is_none_is_told(online: Hub, address: str):
    with pytest.raises(GenlabError, match=r"no address of a model|cannot be fetched|no model"):
        find_model(address)


def test_what_is_not_there_or_not_to_be_seen_is_told(online: Hub, published: Repository, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(GenlabError, match="There is no model me/nothing on the Hub, or you may not see it"):
        find_model("hf://me/nothing")
    published.private = True
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(GenlabError, match="or you may not see it"):
        find_model("hf://me/model")


@pytest.mark.parametrize("words", [["push", SMALL, "me/x/y"], ["push", SMALL, "x"], ["push", SMALL, "me/x y"]])
def test_a_name_that_is_none_is_told(online: Hub, words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(words) == 2
    assert "write it as USER/NAME" in capsys.readouterr().err


def test_pushing_without_a_token_is_told(online: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert main(["push", SMALL, "me/mine"]) == 2
    told = capsys.readouterr().err
    assert "hf auth login" in told
    assert "hf_wrong" not in told


def test_changed_weights_are_refused(published: Repository):
    weights = bytearray(published.files["model.safetensors"])
    weights[-1] ^= 1
    published.files["model.safetensors"] = bytes(weights)
    with pytest.raises(GenlabError, match="SHA-256"):
        load_model("hf://me/model")


@pytest.mark.parametrize("old", [False, True])
def test_a_gpt2_of_transformers_is_opened_by_its_address(online: Hub, tmp_path: Path, old: bool):
    gpt2(tmp_path / "small")
    if old:
        tokenizer_of().model.save(str(tmp_path / "small"))
        (tmp_path / "small" / "tokenizer.json").unlink()
    files = {file.name: file.read_bytes() for file in (tmp_path / "small").iterdir()}
    dangerous = {"pytorch_model.bin": b"\x80\x02", "modeling.py": b"raise SystemExit"}
    online.repositories["me/gpt2"] = Repository(files=files | dangerous)
    here, there = (load_model(name).model for name in (tmp_path / "small", "hf://me/gpt2"))
    x = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(there.logits(x)[0], here.logits(x)[0])
    assert there.tokens.encode("The with statement") == here.tokens.encode("The with statement")
    assert not any(name in asked for asked in online.asked for name in (".bin", ".py"))


def test_a_repository_of_something_else_is_told(online: Hub):
    online.repositories["me/else"] = Repository(files={"README.md": b"hello", "pytorch_model.bin": b"\x80\x02"})
    with pytest.raises(GenlabError, match="hf://me/else is not a model of genlab"):
        find_model("hf://me/else")


@pytest.mark.parametrize(("name", "size"), [("model.safetensors", 5 * 2**30), ("config.json", 2**24)])
def test_what_is_too_large_is_not_fetched(online: Hub, published: Repository, name: str, size: int):
    published.sizes[name] = size
    with pytest.raises(GenlabError, match=r"too large .*nothing was fetched"):
        find_model("hf://me/model")
    assert not any("/resolve/" in asked for asked in online.asked)


@pytest.mark.parametrize(
    "name",
    ["../up.json", "unet/../../up.json", "/abs.json", "a\\..\\b.json", "evil.py", "model.pkl", "training/state.safetensors"],
)
def test_files_that_are_no_part_of_a_model_are_left_there(online: Hub, published: Repository, tmp_path: Path, name: str):
    published.files[name] = b"{}"
    folder = find_model("hf://me/model")
    assert not any(name in asked for asked in online.asked)
    assert {file.name for file in folder.rglob("*") if file.is_file()} <= {file.name for file in (CHECKPOINTS / SMALL).iterdir()}
    assert not list(tmp_path.rglob("up.json"))


def test_a_pickle_called_weights_is_not_opened(published: Repository):
    published.files["model.safetensors"] = b"\x80\x04cos\nsystem\n(S'true'\ntR."
    with pytest.raises(GenlabError, match="is a pickle checkpoint"):
        load_model("hf://me/model")


def test_a_damaged_model_is_not_pushed(online: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "damaged"
    shutil.copytree(CHECKPOINTS / SMALL, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sha256": {}}))
    assert main(["push", str(folder), "me/mine"]) == 2
    assert "SHA-256" in capsys.readouterr().err
    assert online.repositories == {}
