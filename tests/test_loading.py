"""What is loaded when: what only tells of genlab, its models and its data needs nothing that is slow to import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import genlab
from genlab import data, latent, models, quality, training
from genlab.models import MODELS
from genlab.quality import DEFECTS
from genlab.training.checkpoint import list_models, load_model, read_config, sampling_of

ROOT = Path(__file__).parents[1]
SLOW = {"torch", "torchvision", "gradio", "diffusers", "accelerate", "huggingface_hub", "sklearn", "scipy", "matplotlib", "av"}
PACKAGES = [genlab, data, latent, models, quality, training]


def loaded_by(*lines: str) -> set[str]:
    """The slow modules that a new Python has after these lines."""
    told = "\n".join(["import sys", *lines, "print('loaded', *sys.modules, file=sys.stderr)"])
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # which may bring modules along
    ended = subprocess.run([sys.executable, "-c", told], cwd=ROOT, env=bare, capture_output=True, text=True, timeout=120)
    return SLOW & set(ended.stderr.split("loaded", 1)[1].split())


def test_the_command_line_tells_of_itself_and_lists_what_there_is_without_anything_slow():
    words = ["--help", "train --help", "sample --help", "damage --help", "export --help", "import --help", "list"]
    words += [f"train {family} --help" for family in MODELS]
    words += [f"sample {model} --help" for model in list_models()]
    words += [f"damage --defect {defect} --help" for defect in DEFECTS]
    assert not loaded_by(
        "from genlab.__main__ import main",
        f"for words in {words}:",
        "    try:",
        "        assert main(words.split()) == 0",
        "    except SystemExit as ended:",  # how argparse ends after its help
        "        assert not ended.code",
    )


def test_wrong_words_are_told_without_anything_slow():
    assert not loaded_by("from genlab.__main__ import main", "assert main('train vae digits --stepz 4'.split()) == 2")


def test_an_import_begins_to_look_at_files_before_anything_slow_is_loaded(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    assert not loaded_by(
        "from genlab.__main__ import main",
        "from genlab.data import importing",
        "importing._launch = lambda job: print('looks') or sys.exit('loaded ' + ' '.join(sys.modules))",
        f"main(['import', {str(tmp_path)!r}, '--name', 'mine'])",
    )


def test_training_a_vae_loads_neither_the_compiler_nor_the_networks_of_others(runs):
    told = "main('train vae gaussians --steps 2 --width 8 --threads 1 --name x'.split())"
    lines = ["import os", f"os.environ['GENLAB_RUNS'] = {str(runs)!r}", "from genlab.__main__ import main", told]
    assert not loaded_by(*lines, "assert 'torch._dynamo' not in sys.modules") & {"torchvision", "diffusers", "gradio", "av"}
    assert (runs / "x" / "checkpoints" / "step-00000002").is_dir()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_package_has_all_that_it_says_it_has(package):
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("registry", [MODELS, DEFECTS], ids=lambda registry: registry.kind)
def test_settings_are_known_before_the_part_is_loaded_and_are_its_own(registry):
    assert all(registry.settings_of(name) is registry[name].Settings for name in registry)


def test_how_a_model_can_be_sampled_is_known_before_it_is_loaded():
    for name in list_models():
        model = load_model(name)
        assert sampling_of(read_config(model.folder)) is model.model.SamplingSettings
