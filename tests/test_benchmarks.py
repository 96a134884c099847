"""The benchmarks that need a GPU run where there is none, and invent nothing."""

import json
import os

import pytest
import torch

from benchmarks import better, gpu
from benchmarks.card import flop
from genlab.data import load, save_dataset
from genlab.data.sources import Part
from genlab.models import MODELS
from genlab.training.checkpoint import read_config
from genlab.training.run import Run

CASE = "VAE, MLP"


@pytest.fixture
def one_case(monkeypatch):
    monkeypatch.setattr(gpu, "CASES", {CASE: gpu.CASES[CASE]})
    monkeypatch.setattr(gpu, "shipped_models", lambda: ["vae-mnist-2d"])


def test_without_a_gpu_its_columns_say_so(one_case, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main(["--tiny", "--out", str(tmp_path)])
    told, found = capsys.readouterr().out, json.loads((tmp_path / "gpu.json").read_text())
    assert list(found["training"][CASE]) == ["CPU"]
    assert list(found["sampling"]["vae-mnist-2d"]) == ["CPU"]
    assert f"| {CASE} | {gpu.shown(found['training'][CASE]['CPU'], True)} | no GPU | no GPU |" in told
    assert found["batch"] == found["tests"] == found["compile"] == {}
    assert "Left out: nothing." in told


def test_every_figure_of_a_card_is_measured(one_case, tmp_path):
    gpu.main(["--tiny", "--card", "cpu", "--only", "training,sampling,batch", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "gpu.json").read_text())
    trained = found["training"][CASE]
    share = 100 * trained["bf16"] * trained["MFLOP an item"] * 1e6 / (found["limit, TFLOP/s"] * 1e12)
    assert trained["bf16, % of the limit"] == pytest.approx(share)
    assert found["batch"][CASE]["pays up to"] in (8, 16)
    assert all(value > 0 for part in ("training", "sampling", "batch") for row in found[part].values() for value in row.values())


def test_what_there_is_no_time_for_is_named(one_case, tmp_path, capsys):
    gpu.main(["--tiny", "--card", "cpu", "--minutes", "0", "--out", str(tmp_path)])
    assert f"Left out: training of {CASE} (there was no time); sampling of vae-mnist-2d" in capsys.readouterr().out


def test_what_fails_costs_only_itself(one_case, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "samples_a_second", lambda *_: 1 / 0)
    gpu.main(["--tiny", "--only", "sampling,training", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["left out"] == ["sampling of vae-mnist-2d (ZeroDivisionError: division by zero)"]
    assert found["training"][CASE]["CPU"] > 0


def test_the_work_of_a_step_is_that_of_its_products():
    data, settings = load("digits"), MODELS["vae"].Settings(width=8, latent=2)
    products = [64 * 8, 8 * 8, 8 * 4, 2 * 8, 8 * 8, 8 * 64]  # of the layers; forwards, for the weights, for what came before
    assert flop("vae", data, settings) == 2 * (3 * sum(products) - products[0])  # before which nothing learns


def test_packed_data_come_back_bit_for_bit_and_train(tmp_path, monkeypatch):
    noise = torch.randint(0, 256, (60, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    data = save_dataset("pets", {"train": Part(noise, {"label": torch.arange(60).numpy() % 2})}, ("cat", "dog"), "noise")
    gpu.main(["--pack", str(tmp_path / "pets.npz"), "--train", "pets"])
    monkeypatch.setitem(os.environ, "GENLAB_DATASETS", "")
    words = ["--train", "pets", "--data", str(tmp_path / "pets.npz"), "--card", "cpu", "--tiny", "--out", str(tmp_path / "out")]
    gpu.main([*words, "--minutes", "0.02", "--set", "precision=fp32"])
    again = load("pets")
    assert {name: part.fingerprint for name, part in again.parts.items()} == {n: p.fingerprint for n, p in data.parts.items()}
    run = Run.open("pets-gpu", tmp_path / "out" / "runs")
    assert read_config(run.checkpoints()[-1])["fingerprint"] == data.train.fingerprint
    assert (tmp_path / "out" / "pets-gpu.zip").stat().st_size > 1000


def test_differences_of_pixels_wrap_around():
    x = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8).numpy()
    assert (better.images(better.differences(x)) == x).all()
    assert (better.images(better.differences(x[:, :1])) == x[:, :1]).all()
