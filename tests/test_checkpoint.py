"""A checkpoint that is damaged, dangerous or does not fit is refused with its reason, and a full disk loses nothing."""

import errno
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from few import USUAL
from safetensors.torch import load_file, save_file

from genlab.data import load
from genlab.errors import BadCheckpoint, UnknownName
from genlab.files import DiskFault, sha256
from genlab.models import MODELS
from genlab.training.checkpoint import list_models, load_model, load_state
from genlab.training.run import Run
from genlab.training.train import train

CANARY = Path(os.environ.get("TMPDIR", "/tmp")) / f"genlab-canary-{os.getpid()}"


class Payload:
    """What a malicious pickle would do."""

    def __reduce__(self):
        return (CANARY.write_text, ("ran",))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    run = Run.create("vae", "digits", {"width": 16, "steps": 2}, folder=folder, threads=1)
    list(train(run, load("digits"), "cpu"))
    return run.checkpoints()[-1]


@pytest.fixture
def checkpoint(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "checkpoint"))


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")
    change_config(folder, sha256={"model.safetensors": sha256(folder / "model.safetensors")})


def test_a_whole_checkpoint_opens(checkpoint):
    assert load_model(str(checkpoint)).family == "vae"


def pickle_as(name):
    return lambda folder: (folder / name).write_bytes(pickle.dumps(Payload()))


DAMAGES = {
    "pickle under the name of the weights": (pickle_as("model.safetensors"), "pickle checkpoint. It can run code"),
    "pickle beside the weights": (pickle_as("extra.pkl"), "pickle checkpoint. It can run code"),
    "torch.save under the name of the weights": (
        lambda folder: torch.save({"a": torch.zeros(1)}, folder / "model.safetensors"),
        "pickle checkpoint",
    ),
    "truncated weights": (
        lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-50]),
        "not a valid safetensors file",
    ),
    "empty weights": (lambda folder: (folder / "model.safetensors").write_bytes(b""), "not a valid safetensors file"),
    "a header of 2^63 bytes": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 7 + b"\x7f{"),
        "not a valid safetensors file",
    ),
    "missing weights": (lambda folder: (folder / "model.safetensors").unlink(), "weights of 'checkpoint' are missing"),
    "one flipped bit": (
        lambda folder: flip_last_bit(folder / "model.safetensors"),
        "were changed or damaged: their SHA-256 is not the one",
    ),
    "a wrong shape": (
        lambda folder: change_weights(folder, lambda w: w.update({"spread": torch.zeros(7)})),
        "'spread' is 7, this model needs 2",
    ),
    "NaN in a weight": (
        lambda folder: change_weights(folder, lambda w: w.update({"spread": torch.full((2,), float("nan"))})),
        "holds NaN or infinity",
    ),
    "a missing tensor": (lambda folder: change_weights(folder, lambda w: w.pop("spread")), "1 tensors are missing"),
    "a newer version": (lambda folder: change_config(folder, format=99), "newer genlab \\(format 99"),
    "a config that is no JSON": (
        lambda folder: (folder / "config.json").write_text("{"),
        "config.json of 'checkpoint' is damaged",
    ),
    "a config of something else": (
        lambda folder: (folder / "config.json").write_text('{"format": 1}'),
        "not one of a checkpoint",
    ),
    "a config that is a list": (lambda folder: (folder / "config.json").write_text("[1]"), "not one of a checkpoint"),
    "a spec of nonsense": (lambda folder: change_config(folder, spec={"colour": 3}), "not one of a checkpoint"),
    "no hashes": (lambda folder: change_config(folder, sha256=None), "were changed or damaged"),
}


def flip_last_bit(path):
    content = bytearray(path.read_bytes())
    content[-4] ^= 1  # the lowest bit of a mantissa, so that only the hash can tell
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_dangerous_checkpoint_is_refused_with_its_reason(damage, checkpoint):
    apply, sentence = DAMAGES[damage]
    apply(checkpoint)
    with pytest.raises(BadCheckpoint, match=sentence):
        load_model(str(checkpoint))
    assert not CANARY.exists()


def test_settings_out_of_range_in_a_checkpoint_are_refused(checkpoint):
    from genlab.errors import BadSetting

    change_config(checkpoint, settings={"latent": 10**9})
    with pytest.raises(BadSetting, match="latent is 1000000000"):
        load_model(str(checkpoint))


def test_an_unknown_family_in_a_checkpoint_is_refused(checkpoint):
    change_config(checkpoint, family="oracle")
    with pytest.raises(UnknownName, match="no model family called 'oracle'"):
        load_model(str(checkpoint))


def test_a_pickle_file_is_refused_by_name(tmp_path):
    torch.save({"a": 1}, tmp_path / "model.pt")
    with pytest.raises(BadCheckpoint, match=r"model.pt is a pickle checkpoint.*Convert it to .safetensors first"):
        load_model(str(tmp_path / "model.pt"))


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(BadCheckpoint, match="holds no checkpoint"):
        load_model(str(tmp_path))


def test_an_unknown_model_lists_the_known_ones():
    with pytest.raises(UnknownName, match="no model called 'nothing'"):
        load_model("nothing")


def test_a_run_that_has_saved_nothing_says_so():
    Run.create("vae", "digits", {}, "young")
    with pytest.raises(BadCheckpoint, match="'young' has saved nothing yet"):
        load_model("young")


def test_a_damaged_training_state_is_refused(checkpoint):
    flip_last_bit(checkpoint / "training" / "state.safetensors")
    with pytest.raises(BadCheckpoint, match="cannot be continued from it"):
        load_state(checkpoint)


@pytest.mark.parametrize("name", list_models())
def test_every_shipped_model_opens_and_draws(name):
    trained = load_model(name)
    given = trained.model.given_labels(None, 2)
    *_, draft = trained.model.sample(2, trained.model.SamplingSettings(), 0, given)
    kind = trained.model.spec.kind
    if kind.reads:  # a text may be longer than those that were learnt
        first, second = map(kind.told, kind.to_stored(draft.items))
        assert first != second
        assert min(len(first), len(second)) > 1
        trained.model.tokens.asked(first + second)  # in letters that it knows
    else:
        assert draft.items.shape == (2, *trained.model.spec.shape)
        assert draft.items.std() > 0.1
    assert f"train {trained.family} {trained.dataset}" in trained.card
    assert (trained.folder / f"preview{kind.kept_as}").is_file()
    assert all(file.stat().st_size < 10e6 for file in trained.folder.rglob("*")), "a Space takes no larger file without Git LFS"


# --- Faults of the disk ---


class FailingDisk:
    """Fails the k-th call that writes, with the error of a full disk."""

    def __init__(self, monkeypatch, k):
        self.left = k
        for name in ("fsync", "replace", "mkdir"):
            monkeypatch.setattr(os, name, self.mortal(getattr(os, name)))
        monkeypatch.setattr(Path, "write_text", self.mortal(Path.write_text))
        monkeypatch.setattr(Path, "write_bytes", self.mortal(Path.write_bytes))

    def mortal(self, function):
        def called(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*arguments, **options)

        return called


@pytest.mark.parametrize("family", MODELS)
def test_a_full_disk_at_any_moment_of_a_save_loses_nothing(family, monkeypatch):
    data = load(USUAL[family])
    settings = {"width": 8, "batch_size": 8, "steps": 40, "save_every": 2}
    faults = 0
    for k in range(1, 40, 6):
        run = Run.create(family, USUAL[family], settings, f"{family}-{k}", threads=1)
        steps = train(run, data, "cpu")
        while next(steps).step < 2:
            pass
        with monkeypatch.context() as patch:
            FailingDisk(patch, k)
            try:
                while next(steps).step < 4:
                    pass
                assert run.checkpoints()[-1].name == "step-00000004"  # the fault was no matter, or came too late to be met
            except DiskFault as fault:
                faults += "no space left on device" in str(fault)
        steps.close()
        assert load_state(run.checkpoints()[-1])
        assert load_model(run.name)
        assert not list((run.path / "checkpoints").glob("*.tmp"))
        resumed = train(run, data, "cpu")
        assert next(resumed).step in (3, 4, 5)
        resumed.close()
    assert faults >= 2
