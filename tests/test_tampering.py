"""Real items made wrong in known ways: each is noticed by some metric, and none notices what was not done."""

import pytest
import torch

from genlab.__main__ import main
from genlab.data import load
from genlab.errors import BadSetting
from genlab.metrics import TAMPERS, Eye, Shaken, shaken


@pytest.fixture(scope="module")
def found() -> Shaken:
    *_, last = shaken(Eye(load("digits")), draws=3)
    return last


def noticing(found: Shaken, tamper: str) -> set[str]:
    return {metric for metric in found.honest if found.noticed(tamper, metric)}


def test_a_copycat_is_found_by_what_looks_for_copies_and_passes_the_frechet_distance(found: Shaken):
    assert noticing(found, "copied") >= {"copies"}
    assert not noticing(found, "copied") & {"frechet", "kernel", "recall", "coverage", "agreement", "shares"}


def test_swapped_classes_are_noticed_by_what_looks_at_classes_alone(found: Shaken):
    assert set() < noticing(found, "swapped") <= {"agreement", "frechet-by-class"}


def test_a_blur_is_seen_by_nearly_all(found: Shaken):
    assert noticing(found, "blurred") >= {"frechet", "kernel", "precision", "recall", "density", "coverage"}


def test_a_repeated_item_lowers_the_diversity(found: Shaken):
    assert noticing(found, "repeated") >= {"vendi"}


def test_what_was_not_tampered_with_is_not_noticed(found: Shaken):
    same = Shaken(1, 1, found.honest, {"nothing": found.honest})
    assert noticing(same, "nothing") == set()


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_does_what_it_says(name: str):
    eye = Eye(load("digits"))
    held = eye.real("validation")
    x, label = TAMPERS[name].change(held.items, held.wished, eye)
    assert x.shape == held.items.shape
    assert label.shape == held.wished.shape
    if name == "dropped":
        assert not (label == 0).any()
    if name == "swapped":
        assert torch.equal(x, held.items)
        assert torch.equal(label == 0, held.wished == 1)
    if name == "copied":
        assert {row.numpy().tobytes() for row in x} <= {row.numpy().tobytes() for row in eye.train.inputs(slice(None))}


def test_points_have_neither_classes_to_swap_nor_pixels_to_blur():
    *_, last = shaken(Eye(load("rings")), ["frechet", "copies"], draws=2, n=200)
    assert {"copied", "repeated"} <= set(last.wrong) < set(TAMPERS)
    assert last.noticed("copied", "copies")


def test_too_few_items_get_a_sentence():
    with pytest.raises(BadSetting, match="too few to be measured in 50 parts"):
        list(shaken(Eye(load("digits")), draws=50))


def test_a_terminal_breaks_them_too(capsys):
    assert main(["evaluate", "--break", "--data", "digits", "--metrics", "frechet,copies"]) == 0
    told = capsys.readouterr().out
    assert "✓ 1.00" in told
    assert "two classes swapped" in told
    assert main(["evaluate", "--break"]) == 2
    assert main(["evaluate", "--break", "--data", "digits", "--out", "x.json"]) == 2
    assert main(["evaluate"]) == 2
    assert "Name one to four models" in capsys.readouterr().err


def test_what_only_a_model_can_say_is_not_asked_of_real_items():
    with pytest.raises(BadSetting, match="membership are asked of a model"):
        next(shaken(Eye(load("digits")), ["membership"]))
