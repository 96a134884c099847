"""Settings explain what is wrong with them."""

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.errors import BadSetting, UnknownName
from genlab.models import MODELS
from genlab.registry import Registry
from genlab.ui.kit.controls import draw_form

Settings = MODELS["vae"].Settings


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"latent": 0}, "latent is 0; it must be a whole number from 2 to 512."),
        ({"steps": "many"}, "steps is 'many'; it must be a whole number from 1 to 10,000,000."),
        ({"steps": 1.5}, "steps is 1.5; it must be a whole number from 1 to 10,000,000."),
        ({"learning_rate": float("nan")}, "learning rate is nan; it must be a number from 1e-07 to 1."),
        ({"network": "cnn"}, "network is 'cnn'; it must be one of auto, mlp, conv."),
        ({"steps": None}, "steps is missing; it must be a whole number from 1 to 10,000,000."),
        ({"conditional": 1}, "conditional is 1; it must be true or false."),
    ],
)
def test_a_bad_setting_says_what_was_given_and_what_is_possible(values, sentence):
    with pytest.raises(BadSetting) as fault:
        Settings.parse(values)
    assert str(fault.value) == sentence


def test_a_number_that_comes_in_steps_says_so_and_its_box_takes_them():
    with pytest.raises(BadSetting, match=r"^width is 20; it must be a multiple of 8 from 8 to 512\.$"):
        MODELS["diffusion"].Settings.parse({"width": 20})
    with gr.Blocks():
        form = draw_form(MODELS["diffusion"].Settings, "try")
    steps = {setting.name: component.step for setting, component in zip(form.settings.fields(), form.components, strict=True)
             if setting.kind == "whole"}  # fmt: skip
    assert steps["width"] == 8
    assert steps["batch_size"] == 1


def test_an_unknown_setting_names_the_nearest_one():
    with pytest.raises(BadSetting, match=r"no setting called 'latnet'. Did you mean 'latent'"):
        Settings.parse({"latnet": 2})


def test_every_fault_gets_its_sentence_and_names_its_setting():
    with pytest.raises(BadSetting, match=r"latent is 0.*beta is -1") as fault:
        Settings.parse({"latent": 0, "beta": -1})
    assert fault.value.about == ("latent", "beta")


@pytest.mark.parametrize("family", MODELS)
def test_a_form_can_be_drawn_for_every_setting_of_every_family(family):
    for setting in MODELS[family].Settings.fields():
        assert setting.description, setting.name
        if setting.kind in ("whole", "number"):
            assert setting.low <= setting.default <= setting.high


@pytest.mark.parametrize("family", MODELS)
def test_every_preset_is_valid(family):
    for values in MODELS[family].Settings.presets.values():
        MODELS[family].Settings.parse(values)


ANYTHING = st.none() | st.floats() | st.integers() | st.booleans() | st.text("a1. ") | st.lists(st.integers())


@given(st.dictionaries(st.sampled_from([setting.name for setting in Settings.fields()]), ANYTHING))
def test_whatever_is_given_is_either_settings_or_a_sentence(values):
    try:
        outcome: object = Settings.parse(values)
    except BadSetting as fault:
        outcome = str(fault)
    assert isinstance(outcome, Settings) or outcome.endswith(".")


def test_changed_settings_are_those_that_differ_from_their_defaults():
    assert Settings.parse({"latent": 3, "steps": 5000}).changed() == {"latent": 3}


def test_an_unknown_name_lists_what_there_is():
    registry: Registry[int] = Registry("fruit")
    registry.register("apple")(1)
    with pytest.raises(UnknownName, match=r"There is no fruit called 'aple'. Did you mean 'apple'\? Possible: apple."):
        registry["aple"]
