"""What is half made is never seen and does not stay; a disk that refuses is told in a sentence that helps."""

import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from few import few_digits
from filelock import FileLock

from genlab import files
from genlab.__main__ import main
from genlab.data import importing, list_datasets, load, read_recipe
from genlab.errors import BadCheckpoint, BadData, BadSetting, GenlabError, UnknownName
from genlab.files import DiskFault, read_json, sweep_drafts, whole_folder, write_bytes, writing
from genlab.images import wall
from genlab.paths import CHECKPOINTS, datasets_folder
from genlab.training.checkpoint import load_model, read_config
from genlab.training.run import Run

ROOT = Path(__file__).parents[1]
KILLED = """
import os, signal
from genlab import files, load
load("digits")
files._sync = lambda path: os.kill(os.getpid(), signal.SIGKILL)  # all is written, nothing is renamed
from few import few_digits
few_digits()
"""


def kill_in_save() -> None:
    """A process that is killed while it saves the dataset `few`."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    ended = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, timeout=240)
    assert ended.returncode == -signal.SIGKILL


def test_a_dataset_that_is_half_made_is_never_seen_and_is_swept_by_the_next_import():
    kill_in_save()
    assert (datasets_folder() / "few.tmp" / "dataset.json").exists(), "it was nearly whole"
    assert not [name for name in list_datasets() if "few" in name]
    for name in ("few", "few.tmp"):
        with pytest.raises(UnknownName, match="There is no dataset called"):
            load(name)
    with pytest.raises(BadData):
        list(importing.import_images([__file__], "other"))
    assert not list(datasets_folder().glob("*.tmp"))
    assert len(few_digits().train) > 0  # the name is free


def test_what_another_process_is_making_is_left_alone(tmp_path):
    (tmp_path / "busy.tmp").mkdir()
    (tmp_path / "left.tmp").mkdir()
    (tmp_path / "young.json.tmp").touch()
    (tmp_path / "old.json.tmp").touch()
    os.utime(tmp_path / "old.json.tmp", (0, 0))
    with FileLock(tmp_path / "busy.lock", is_singleton=False):
        sweep_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.tmp")) == ["busy.tmp", "young.json.tmp"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "no space left on device. Free some space or choose another folder."),
        (errno.EROFS, "read-only file system. Choose another folder."),
        (errno.EACCES, "permission denied. Choose another folder."),
        (errno.ENAMETOOLONG, "file name too long. Choose another file name."),
    ],
)
def test_each_fault_of_the_disk_is_told_with_what_helps(tmp_path, number, advice):
    with pytest.raises(DiskFault) as told, writing(tmp_path / "x.json"):
        raise OSError(number, os.strerror(number))
    assert str(told.value) == f"Could not write x.json: {advice}"


@pytest.fixture(params=["missing", "file", "long", "taken"])
def unwritable(request, tmp_path):
    """The stem of files that cannot be made, whoever one is."""
    (tmp_path / "file").touch()
    for suffix in (".json", ".png", ".npz", ".md", ".csv", ".zip"):
        (tmp_path / f"taken{suffix}").mkdir()
    return {"missing": "gone/x", "file": "file/x", "long": "x" * 300, "taken": "taken"}[request.param]


def test_no_verb_that_writes_answers_a_bad_place_with_a_traceback(unwritable, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few_digits()
    assert main(shlex.split("train gan digits --network mlp --name mine --steps 2 --threads 1 --device cpu")) == 0
    before = sorted(tmp_path.rglob("*"))
    for words in (
        "damage few --defect duplicates --out {}.json",
        "repair few --issues duplicates-exact --out {}.json",
        "merge few few --out {}.json",
        "inspect few --out {}.json",
        "inspect few --out {}.md",
        "export few --out {}.zip",
        "history mine --out {}.csv",
        "sample mine --n 2 --out {}.png",
        "sample mine --n 2 --out {}.npz",
    ):
        assert main(words.format(unwritable).split()) == 2, words
        told = capsys.readouterr().err
        assert "Could not write" in told, words
        assert "Traceback" not in told
        assert "Free some space" not in told
    assert sorted(tmp_path.rglob("*")) == before


def test_axes_that_cannot_be_kept_say_so(monkeypatch, capsys, tmp_path):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    shutil.copytree(CHECKPOINTS / "vae-mnist-2d", tmp_path / "mine")
    monkeypatch.setattr(files.os, "replace", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert main(["axes", str(tmp_path / "mine")]) == 2
    assert "Could not write axes.safetensors: read-only file system. Choose another folder." in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_to_is_none(monkeypatch, capsys):
    """All is worked out anew then; nothing fails."""
    few_digits()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(files.os, "replace", refuse)
        assert main(["inspect", "few"]) == 0
    told = capsys.readouterr().out
    assert main(["inspect", "few"]) == 0
    assert capsys.readouterr().out == told


# --- JSON of others ---

DEEP = ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 900 + "1" + "}" * 900]


@pytest.mark.parametrize("text", DEEP)
def test_json_that_is_nested_without_end_is_no_json_of_ours(text, tmp_path):
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(text)
    (tmp_path / "config.json").write_text(text)
    for read, fault in (
        (lambda: read_recipe(tmp_path / "config.json"), BadData),
        (lambda: read_config(tmp_path), BadCheckpoint),
        (lambda: load_model(tmp_path), BadCheckpoint),
    ):
        with pytest.raises(fault):
            read()
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(GenlabError, match="damaged"):
        Run.open(tmp_path)


# --- What a script may give ---


def test_a_folder_may_be_given_as_a_path():
    assert load_model(CHECKPOINTS / "vae-mnist-2d").family == "vae"


@pytest.mark.parametrize("name", ["vae-mnist-2d", "diffusion-mnist"])
@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_no_samples_cannot_be_drawn(name, n):
    model = load_model(name).model
    with pytest.raises(BadSetting, match=r"n is .*; it must be a whole number from 1 up"):
        next(model.sample(n, model.SamplingSettings(), 0))


def test_a_wall_has_images_and_columns():
    for pixels, columns in ((torch.zeros(4, 1, 8, 8, dtype=torch.uint8), 0), (torch.zeros(0, 1, 8, 8, dtype=torch.uint8), 4)):
        with pytest.raises(BadSetting, match="both must be at least 1"):
            wall(pixels, columns)


def test_a_file_is_whole_or_absent(tmp_path):
    write_bytes(tmp_path / "a", b"whole")
    with suppress(RuntimeError), files.whole_file(tmp_path / "a") as file:
        file.write(b"half")
        raise RuntimeError
    with suppress(RuntimeError), whole_folder(tmp_path / "b") as folder:
        (folder / "half").touch()
        raise RuntimeError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"whole")]
