"""The command line gives the page's sentences, exit code 2 and no traceback."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from few import few_digits
from PIL import Image

from genlab import latent
from genlab.__main__ import main
from genlab.models import many
from genlab.paths import datasets_folder
from genlab.training.checkpoint import AXES, load_model, load_state
from genlab.training.run import Run
from genlab.ui.kit import explorer

ROOT = Path(__file__).parents[1]
QUICK = "--steps 6 --width 16 --threads 1 --device cpu"


def run_words(words):
    return main(shlex.split(words))


REFUSALS = [
    ("sing", "There is no verb called 'sing'."),
    ("train", "Name a model family first. Possible: vae, gan, diffusion, gpt, rnn."),
    ("train vea digits", "There is no model family called 'vea'. Did you mean 'vae'?"),
    ("train vae digitz", "There is no dataset called 'digitz'. Did you mean 'digits'?"),
    ("train vae", "The following arguments are required: dataset."),
    ("train vae digits --steps 0", "steps is 0; it must be a whole number from 1 to 10,000,000."),
    ("train vae digits --steps many", "steps is 'many'; it must be a whole number"),
    ("train vae digits --learning-rate nan", "learning rate is nan; it must be a number from 1e-07 to 1."),
    ("train vae digits --network cnn", "network is 'cnn'; it must be one of auto, mlp, conv."),
    ("train vae digits --stepz 4", "There is no flag called '--stepz'. Did you mean '--steps'?"),
    ("train vae digits --lr 1", "There is no flag called '--lr'. Did you mean '--learning-rate'?"),
    ("train vae digits --bs 1", "There is no flag called '--bs'. Did you mean '--batch-size'?"),
    ("train vae digits --qqq 1", "There is no flag called '--qqq'. Possible: --help"),
    ("train vae digits --name ../up", "'../up' cannot name a run"),
    ("train vae digits --threads 0", "threads is 0; it must be a whole number from 1"),
    ("train vae digits --device tpu", "invalid choice: 'tpu'"),
    ("resume nothing", "There is no run called 'nothing'."),
    ("sample nothing --out x.png", "There is no model called 'nothing'."),
    ("sample", "Name a model first."),
    ("import", "The following arguments are required: PATH."),
    ("import .", "Name the dataset with --name, or look at the layout alone with --dry-run."),
    ("import . --dry-run --part cat", "--part is 'cat'; it must be FOLDER=PART, as --part seg_pred=test."),
    ("import nowhere --name x", "nowhere: There is no such file or folder."),
    ("import . --name digits", "There is already a dataset called 'digits'"),
    ("import . --name x --size 9", "size is 9; it must be a multiple of 4 from 8 to 256."),
    ("import . --name x --mode sepia", "mode is 'sepia'; it must be one of auto, grey, colour."),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSALS)
def test_a_wrong_word_gets_its_sentence(words, sentence, capsys, runs):
    assert run_words(words) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert not runs.exists() or not any(runs.iterdir())  # nothing was begun


@pytest.fixture
def trained():
    assert run_words(f"train gan digits --name mine --conditional --network mlp --seed 3 {QUICK}".replace("--width 16", "")) == 0
    return Run.open("mine")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("train --help", ["vae, gan, diffusion", "--steps", "python -m genlab train FAMILY --help"]),
        ("train vae --help", ["--beta", "weight of the KL term"]),
        ("sample --help", ["--seed", "python -m genlab sample MODEL --help"]),
        ("sample diffusion-mnist --help", ["--sampler", "--guidance"]),
        ("damage --help", ["label-errors", "python -m genlab damage --defect NAME --help"]),
        ("damage --defect noise --help", ["--severity", "salt-and-pepper"]),
        ("export --help", ["FILE.zip"]),
    ],
)
def test_help_is_given_before_anything_else_is_named_and_after(words, told, capsys):
    with pytest.raises(SystemExit, match="0"):
        sys.exit(run_words(words))  # argparse itself ends after some helps
    out = " ".join(capsys.readouterr().out.split())
    assert all(piece in out for piece in told)


@pytest.mark.parametrize("words", ["list", "--help", "train vae --help"])
def test_a_pipe_that_is_closed_ends_a_verb_without_a_word(words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as closed:
        ended = subprocess.run([sys.executable, "-m", "genlab", *words.split()], stdout=closed, stderr=subprocess.PIPE, cwd=ROOT)
    assert ended.returncode in (0, 141)  # argparse takes it as it comes
    assert not ended.stderr


def test_train_then_sample_then_list(trained, tmp_path, capsys):
    assert trained.settings.seed == 3
    assert run_words(f"sample mine --n 23 --seed 5 --out {tmp_path}/s.npz") == 0
    with np.load(tmp_path / "s.npz") as file:
        samples, labels = file["samples"], file["labels"]
    assert samples.shape == (23, 1, 8, 8)
    assert samples.dtype == np.uint8
    assert labels.tolist() == [i % 10 for i in range(23)]  # every class in turn
    assert run_words(f"sample mine --n 1 --seed 9 --label 4 --out {tmp_path}/one.npz") == 0
    with np.load(tmp_path / "one.npz") as file:
        assert abs(file["samples"][0].astype(int) - samples[4]).max() <= 1  # sample 4 of seed 5 is sample 0 of seed 9
    assert run_words("list") == 0
    assert "mine" in capsys.readouterr().out


def test_axes_are_kept_with_the_model_and_found_there_by_the_page(trained, monkeypatch, capsys):
    assert run_words("axes mine") == 0
    assert "axes of mine are kept with it" in capsys.readouterr().out
    monkeypatch.setattr(latent, "axes_of", lambda model: pytest.fail("they need not be found again"))
    model = load_model("mine")
    assert torch.equal(explorer.axes_of(model).basis, latent.read_axes(model.folder / AXES, model.weights, model.model).basis)


def test_a_png_remembers_how_it_was_made(trained, tmp_path):
    assert run_words(f"sample mine --n 20 --seed 5 --truncation 0.5 --out {tmp_path}/s.png") == 0
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.size == (16 * 8, 2 * 8)
        told = json.loads(picture.text["genlab"])
    assert told == {"model": "mine", "n": 20, "seed": 5, "label": None, "truncation": 0.5}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--n 0 --out x.png", "n is 0; it must be a whole number from 1 up."),
        ("--n 4 --out x.gif", "x.gif is neither a .png nor a .npz file"),
        ("--n 4 --label 11 --out x.png", "There is no class called '11'."),
        ("--n 4 --truncation 9 --out x.png", "truncation is 9; it must be a number from 0 to 2."),
        ("--n 4 --out nowhere/x.png", "Could not write x.png: no such file or directory. There is no folder 'nowhere'; make it"),
    ],
)
def test_a_wrong_sampling_word_gets_its_sentence(trained, words, sentence, capsys):
    assert run_words(f"sample mine {words}") == 2
    assert sentence in capsys.readouterr().err


def test_a_stopped_run_is_resumed_to_the_bits_of_one_that_was_not(capsys):
    assert run_words(f"train vae digits --name whole {QUICK}") == 0
    assert run_words(f"train vae digits --name parts {QUICK} --save-every 2") == 0
    run = Run.open("parts")
    for folder in run.checkpoints()[1:]:
        __import__("shutil").rmtree(folder)
    run.note("stopped")
    assert run_words("resume parts") == 0
    one, other = (load_state(Run.open(name).checkpoints()[-1]) for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one if name != "seconds")
    assert run_words("resume parts") == 0
    assert "is finished" in capsys.readouterr().out


def test_ctrl_c_stops_after_a_step_and_loses_none(runs):
    words = f"train vae digits --name torn {QUICK.replace('--steps 6', '--steps 100000')}".split()
    trains = subprocess.Popen([sys.executable, "-m", "genlab", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    run = Run(runs / "torn")
    while not (run.path / "history.jsonl").exists() or not run.status().step:
        assert trains.poll() is None
        time.sleep(0.05)
    trains.send_signal(signal.SIGINT)
    told = ""
    while "It stops after this step" not in told:
        told += trains.stderr.read(1)
    trains.send_signal(signal.SIGINT)  # an impatient second one changes nothing
    told += trains.communicate(timeout=240)[1]
    assert trains.returncode == 130
    assert "Traceback" not in told
    assert f"Stopped at step {run.saved_step:,}. Continue with: python -m genlab resume torn" in told
    assert run.status().state == "stopped"
    assert run.status().step == run.saved_step > 0


def test_many_samples_are_those_of_their_seeds_and_too_many_for_one_picture_are_refused(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(many, "BLOCK", 16)
    assert run_words(f"sample mine --n 40 --seed 5 --out {tmp_path}/all.npz") == 0
    with np.load(tmp_path / "all.npz", allow_pickle=False) as file:
        samples, labels = file["samples"], file["labels"]
    assert labels.tolist() == [i % 10 for i in range(40)]
    assert run_words(f"sample mine --n 20 --seed 25 --out {tmp_path}/end.npz") == 0
    with np.load(tmp_path / "end.npz", allow_pickle=False) as file:
        assert np.abs(file["samples"].astype(int) - samples[20:]).max() <= 1
    assert run_words(f"sample mine --n 100000000 --out {tmp_path}/x.png") == 2
    assert "one picture shows 1,562,500 of these samples at most. Name a .npz file" in capsys.readouterr().err


def test_the_command_of_a_run_repeats_it_bit_for_bit(capsys):
    assert run_words(f"train vae digits --name first --latent 3 {QUICK}") == 0
    words = shlex.split(Run.open("first").command)[3:]
    assert main([*words, "--name", "second"]) == 0
    one, other = (load_model(name).model.state_dict() for name in ("first", "second"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_folder_is_a_model_too(trained, tmp_path):
    assert run_words(f"sample {trained.path} --n 2 --out {tmp_path}/a.npz") == 0
    assert run_words(f"sample {trained.checkpoints()[-1]} --n 2 --out {tmp_path}/b.npz") == 0


def test_settings_can_be_given_in_any_order(tmp_path):
    assert run_words(f"train vae digits --runs-dir {tmp_path} --latent 2 --no-conditional {QUICK}") == 0
    assert (tmp_path / "vae-1" / "run.json").exists()


def test_a_dry_run_tells_the_layout_and_imports_nothing(tmp_path, capsys):
    for i, folder in enumerate(("学/cat", "学/dog", "试/cat")):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        Image.new("L", (16, 16), 80 * i).save(tmp_path / "photos" / folder / "1.png")
    assert run_words(f"import {tmp_path}/photos --dry-run") == 0
    told = capsys.readouterr().out
    assert re.search(r"cat +2\n", told)
    assert "- The folders 学, 试 over the classes are no parts that are known" in told
    assert run_words(f"import {tmp_path}/photos --dry-run --part 学=train --part 试=test --classes none") == 0
    assert re.search(r"train +test\n\(no class\) +2 +1\n", capsys.readouterr().out)
    assert not list(datasets_folder().glob("*/dataset.json"))


def test_a_folder_is_imported_listed_and_trained_on(tmp_path, capsys):
    for folder, colours in {"red": range(6), "blue": range(6, 12)}.items():
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for i in colours:
            Image.new("RGB", (12, 12), (20 * i, 0, 200)).save(tmp_path / "photos" / folder / f"{i}.png")
    (tmp_path / "photos" / "red" / "note.txt").write_text("not a picture")
    assert run_words(f"import {tmp_path}/photos --name mine --folders red --size 16 --mode grey") == 0
    told = capsys.readouterr().out
    assert "skipped photos/red/note.txt: not an image" in told
    assert "6 of 7 files imported." in told
    assert "16×16 grey" in told
    assert run_words("list") == 0
    assert "6 images of your own, 16×16" in capsys.readouterr().out
    assert run_words(f"train vae mine --name own --network mlp --latent 2 {QUICK}") == 0


def test_an_import_that_no_network_learns_says_so_and_no_run_is_made(tmp_path, capsys, runs):
    Image.new("RGB", (130, 130), "red").save(tmp_path / "red.png")
    assert run_words(f"import {tmp_path}/red.png {tmp_path} --name large --size 128") == 0
    assert "Models learn images of up to 64×64 alone" in capsys.readouterr().out
    assert run_words(f"train vae large {QUICK}") == 2
    assert "models learn those from 8×8 to 64×64. Import them again" in capsys.readouterr().err
    assert not runs.exists()


def test_damage_inspect_repair_export(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    n = len(few_digits().train)
    assert run_words("damage few --defect duplicates --rate 0.2 --seed 3 --out more.json") == 0
    assert "few + duplicates (rate 0.2, severity 0.5, exact, seed 3)" in capsys.readouterr().out
    assert run_words("damage few+more.json --defect missing --kind blank --out both.json") == 0
    for file in ("report.json", "report.png", "report.md"):
        assert run_words(f"inspect few+both.json --out {file}") == 0
    issues = {issue["name"]: issue["count"] for issue in json.loads((tmp_path / "report.json").read_text())["issues"]}
    assert issues["missing-blank"] == round(0.1 * round(1.2 * n))
    assert issues["duplicates-exact"] > 0.84 * 0.2 * n
    assert run_words("repair few+both.json --issues duplicates-exact,missing-blank --out mended.json") == 0
    assert run_words("export few+mended.json --out out.zip") == 0
    assert (tmp_path / "out.zip").stat().st_size > 60 * n
    assert "[" not in (tmp_path / "report.md").read_text()
    with Image.open(tmp_path / "report.png") as picture:
        assert picture.size[0] > 800


def test_another_dataset_is_merged_in(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_words("merge digits digits-28 --out both.json") == 0
    assert "digits + digits-28 merged in: 1,483 items before, 2,966 after." in capsys.readouterr().out
    assert run_words("merge digits+both.json rings --out more.json") == 2
    assert "merge images into images" in capsys.readouterr().err
    assert not (tmp_path / "more.json").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("inspect digitz", "There is no dataset called 'digitz'. Did you mean 'digits'?"),
        ("inspect digits --out x.pdf", "x.pdf is neither a .json, a .png nor a .md file"),
        ("inspect digits+gone.json", "There is no recipe file 'gone.json'."),
        ("damage digits --out x.json", "Name a defect with --defect. Possible: missing,"),
        ("damage digits --defect nois --out x.json", "There is no defect called 'nois'. Did you mean 'noise'?"),
        ("damage digits --defect noise --rate 2 --out x.json", "rate is 2; it must be a number from 0 to 1."),
        ("damage digits --defect noise --seed -1 --out x.json", "seed is -1; it must be a whole number from 0"),
        ("damage digits --defect noise --kind fog --out x.json", "kind is 'fog'; it must be one of gaussian, salt-and-pepper"),
        ("damage digits --defect noise --out x.txt", "x.txt is no .json file"),
        ("damage digits --defect missing --kind class --rate 1 --out x.json", "would leave nothing"),
        ("damage rings --defect exposure --out x.json", "rings holds points, which have no exposure."),
        ("repair few --issues dust --out x.json", "There is no issue called 'dust'."),
        ("export rings --out x.zip", "only images, documents, series can be exported"),
        ("export digits --out x.tar", "x.tar is no .zip file"),
    ],
)
def test_a_wrong_word_about_data_gets_its_sentence(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few_digits()
    assert run_words(words) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert not list(tmp_path.glob("x.*"))  # nothing was begun
