"""What a person reads can be said in another language, and nothing of it is left in English."""

import ast
import copy
import json
import pickle
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Entry
from test_cli import REFUSALS

from genlab import messages
from genlab.__main__ import VERBS, main
from genlab.config import Config, Field
from genlab.errors import BadSetting
from genlab.files import read_json
from genlab.messages import FIELD, Message, choose, from_json, joined, listed, say, to_json
from genlab.models import MODELS
from genlab.quality import DEFECTS
from genlab.training.health import judge
from genlab.training.run import Run
from tools.words import catalogue, errors, files, pseudo, tree, unfit, write_pseudo

ITEMS = Message("{n:,} item", "{n:,} items", n=1200)
POLISH = r"""
msgid ""
msgstr ""
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"

msgid "1,234.5"
msgstr "1 234,5"

msgid "{n:,} item"
msgid_plural "{n:,} items"
msgstr[0] "{n:,} rzecz"
msgstr[1] "{n:,} rzeczy"
msgstr[2] "{n:,} "
"rzecz\"y"

#, fuzzy
msgid "Nothing is sure."
msgstr "Nic."
"""
LEFT = re.compile(r"\b(the|is|are|was|must|of|and|not|there|it|to|with|from|that|this|no|an|be|by|for|which)\b")


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pseudo(tmp_path_factory.mktemp("languages"))


@pytest.fixture
def reader(invented: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads speaks a language that nobody speaks."""
    monkeypatch.setenv("GENLAB_LANGUAGES", str(invented.parent))
    monkeypatch.setenv("LANGUAGE", "xx")
    monkeypatch.setattr(messages, "_language", messages.from_environment)


@pytest.fixture
def polish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pl.po").write_text(POLISH)
    monkeypatch.setenv("GENLAB_LANGUAGES", str(tmp_path))
    monkeypatch.setattr(messages, "_language", lambda: choose(["pl-PL"]))


# --- A message ---


def test_a_message_is_its_english_and_knows_its_template():
    assert ITEMS == "1,200 items" == str(ITEMS) == f"{ITEMS}"
    assert (ITEMS.template, ITEMS.values) == ("{n:,} item", {"n": 1200})
    assert Message("{n:,} item", "{n:,} items", n=1) == "1 item"
    assert Message("{name!r}: {share:.0%} of {all}", name="a", share=0.5, all=["b", "c"]) == "'a': 50% of b, c"


@pytest.mark.parametrize("again", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy, lambda m: from_json(through_json(m))])
def test_a_message_comes_back_whole(again):
    whole = joined([Message("{what} is here.", what=ITEMS), listed(["a", Message("and {n} more", n=2)])])
    assert again(whole) == whole == "1,200 items is here. a, and 2 more"
    assert to_json(again(whole)) == to_json(whole)


def through_json(value):
    return read_json(json.dumps(to_json(value)))


@pytest.mark.parametrize(
    "written", ["plain", {"template": 1, "values": {}}, {"template": "x", "values": []}, {"a": [1, None]}, 3, None]
)
def test_what_is_no_message_stays_what_it_is(written):
    assert from_json(written) == written


@pytest.mark.parametrize("template", ["{n.__class__}", "{n:999999999}", "{missing}", "{n[0]}", "{", "{n:,}", "{n!s}"])
def test_a_template_that_anybody_wrote_reaches_nothing_but_its_values(template):
    said = from_json({"template": template, "values": {"n": "text"}})
    assert said in (template, "text")


def test_an_error_keeps_its_template_its_values_and_what_it_is_about():
    fault = pickle.loads(pickle.dumps(BadSetting("n is {n}; it must be 1.", "n", n=0)))
    assert (str(fault), fault.message.template, fault.about) == ("n is 0; it must be 1.", "n is {n}; it must be 1.", ("n",))


# --- In another language ---


def test_plurals_and_numbers_are_those_of_the_language(polish):
    assert [str(Message("{n:,} item", "{n:,} items", n=n)) for n in (1, 3, 1200)] == ["1 rzecz", "3 rzeczy", '1 200 rzecz"y']
    assert str(Message("{x:.1f} of {n}", x=0.5, n="0.5")) == "0,5 of 0.5"
    assert str(Message("{k?a thing|a few|many}, {m?one|more}", k="1,022", m=1)) == "a few, one"
    assert ITEMS == "1,200 items"


def test_what_is_not_translated_is_said_in_english(polish):
    assert str(Message("Nothing is sure.")) == "Nothing is sure."
    assert str(BadSetting("Only {items}.", items=ITEMS)) == 'Only 1 200 rzecz"y.'
    assert say({"a": [ITEMS], "b": ("c", 1)}) == {"a": ['1 200 rzecz"y'], "b": ("c", 1)}


@pytest.mark.parametrize(
    ("name", "wanted", "tag"),
    [
        ("LANG", "pl_PL.UTF-8", "pl"),
        ("LC_ALL", "de:pl", "pl"),
        ("LANGUAGE", "pl@euro", "pl"),
        ("LANG", "C", "en"),
        ("LANG", "", "en"),
    ],
)
def test_a_terminal_speaks_the_language_of_its_environment(polish, monkeypatch, name, wanted, tag):
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, wanted)
    assert messages.from_environment() == tag


def test_catalogues_that_come_with_genlab_can_be_read():
    assert all(messages.tongue(tag).texts for tag in messages.catalogues())


@pytest.mark.parametrize("damage", [('"1 234,5"', '"1" 234,5"'), ("(n==1", "((n==1")])
def test_a_catalogue_that_cannot_be_read_is_named(tmp_path, damage):
    (tmp_path / "pl.po").write_text(POLISH.replace(*damage))
    with pytest.raises(ValueError, match=r"pl\.po cannot be read"):
        messages._tongue(tmp_path / "pl.po")


@pytest.mark.parametrize(
    ("translation", "fits"),
    [("{n:,} rzecz", True), ("rzecz {n}", True), ("", True), ("{ile:,} rzecz", False), ("{n:>99} rzecz", False)],
)
def test_a_translation_has_no_places_that_its_english_lacks(translation, fits):
    assert unfit(Entry("{n:,} item", translation)) == ([] if fits else [translation])
    assert not unfit(Entry("{k} {k?class|classes}", "{k} {k?rzecz|rzeczy|rzeczy}"))


def test_what_a_run_says_is_in_the_language_of_whoever_looks(polish, monkeypatch, runs):
    run = Run.create("vae", "digits", {"steps": 2})
    run.note("failed", BadSetting("There were {items}.", items=ITEMS).message)
    assert judge([], run.status()).sentence == "There were 1,200 items."
    assert str(judge([], run.status()).sentence) == 'There were 1 200 rzecz"y.'
    run.note("failed", "As an older genlab wrote it.")
    assert str(run.status().message) == "As an older genlab wrote it."


# --- Nothing is left in English ---


def english(text: str) -> list[str]:
    """The English in a text, names with hyphens aside."""
    return LEFT.findall(re.sub(r"[\w-]*-[\w-]+", "", text))


def test_an_invented_text_is_longer_and_keeps_its_values():
    assert pseudo("{n:,} items of %s\n") == "[{n:,} îťémš öf %s······ ··]\n"


@pytest.mark.parametrize("words", [words for words, _ in REFUSALS])
def test_refusals_are_translated_whole(reader, capsys, words):
    assert main(shlex.split(words)) == 2
    said = capsys.readouterr().err
    assert "·" in said
    assert not english(said)


@pytest.mark.parametrize("verb", ["", *VERBS, *(f"train {name}" for name in MODELS), *(f"damage --defect {d}" for d in DEFECTS)])
def test_help_is_translated_whole(reader, capsys, verb):
    with suppress(SystemExit):
        main([*shlex.split(verb), "--help"])
    said = capsys.readouterr().out
    assert "·" in said
    assert not english(said)


def test_descriptions_findings_and_cards_are_translated(reader, capsys):
    assert main(["inspect", "digits"]) == 0
    assert not english(capsys.readouterr().out)
    settings = [setting for family in MODELS for setting in MODELS.settings_of(family).fields()]
    assert not [
        setting for setting in settings if english(f"{setting.label} {setting.description}") or "·" not in f"{setting.label}"
    ]


def test_a_form_of_ones_own_is_said_as_it_is(reader):
    class Settings(Config):
        odd: int = Field(1, ge=1, le=2, description="the number of things")

    (odd,) = Settings.fields()
    assert f"{odd.label}: {odd.description}" == "odd: the number of things"


# --- The code ---


def calls() -> Iterator[tuple[str, ast.Call]]:
    for file in files():
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Message", "Told", *errors()}:
                yield f"{file.name}:{node.lineno}", node


def test_what_is_told_is_a_template_never_put_together_before():
    assert not [place for place, call in calls() if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)]


def test_every_value_that_a_template_names_is_given():
    for place, call in calls():
        named = {keyword.arg for keyword in call.keywords}
        texts = call.args[: 2 if getattr(call.func, "id", "") == "Message" else 1]
        if None not in named and all(isinstance(text, ast.Constant) for text in texts):
            assert {name for text in texts for name, *_ in FIELD.findall(ast.literal_eval(text))} == named, place


def test_terminals_print_nothing_that_is_put_together_of_words():
    for file in files():
        for node in ast.walk(tree(file)) if file.parent.name == "cli" else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print" and node.args:
                words = "".join(part.value for part in ast.walk(node.args[0]) if in_text(node.args[0], part))
                assert not re.search(r"[a-z]{3}", words), f"{file.name}:{node.lineno}"


def in_text(text: ast.AST, part: ast.AST) -> bool:
    """Whether a part is a text that stands as it is."""
    inside = {id(p) for node in ast.walk(text) if isinstance(node, ast.Call) for p in ast.walk(node)}
    return isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in inside


def test_the_catalogue_knows_messages_of_every_kind():
    texts = {text for message in catalogue() for text in ([message.id] if isinstance(message.id, str) else message.id)}
    assert {
        "model family",
        "learning rate",
        "training steps, each on one batch",
        "{n:,} items",
        "There is no {kind} called {name!r}.",
    } <= texts
    assert len(texts) > 500


def test_what_anybody_wrote_into_a_text_stays_as_it_is_and_costs_no_more_than_it_is_long():
    name = "{a?left|right}"
    assert str(BadSetting(f"There is no {name}.")) == f"There is no {name}."
    assert str(Message("{n:,} of {name}", n=2, name=name)) == f"2 of {name}"
    assert str(BadSetting(long := "{a?" + "|" * 500_000)) == long  # would take an hour, did it grow with the square


def test_a_record_that_names_itself_again_and_again_ends():
    record: object = "x"
    for _ in range(6):
        record = {"template": "{a}" * 40, "values": {"a": record}}
    assert len(str(from_json(record))) <= messages.LONGEST


@pytest.mark.parametrize(("template", "n"), [("{n:.1f}", 10**400), ("{n:c}", 10**9), ("{n?one|many}", "1" * 5000)])
def test_a_record_with_numbers_beyond_all_bounds_is_said_all_the_same(template, n):
    assert isinstance(str(from_json({"template": template, "values": {"n": n}})), str)


def test_english_is_the_same_said_and_kept_whatever_the_number():
    for n in (1, 2, 2.5, "3"):
        message = Message("{n} item", "{n} items", n=n)
        assert str(message) == messages.english(message)
