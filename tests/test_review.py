"""What a person decides of the suspects becomes a recipe; what a recipe changed can be told item by item."""

from dataclasses import replace

import pytest
import torch

from genlab.data import Recipe, load
from genlab.errors import BadData, UnknownName
from genlab.quality import inspect
from genlab.quality.review import Decisions, changes, revise, worst_of


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def mislabelled(digits):
    return Recipe.of(digits).then("label-errors", {"rate": 0.1}, 0)


def test_decisions_come_before_the_repair(digits, mislabelled):
    data = mislabelled.apply(digits)
    found = {finding.name: finding for finding in inspect(data)}
    worst = found["label-errors"].ids[found["label-errors"].suspects].tolist()
    decisions = Decisions(frozenset({worst[0]}), frozenset({worst[1]}), {worst[2]: "7", worst[3]: ""})
    recipe = revise(data, found.values(), mislabelled, ["label-errors"], decisions)
    after = recipe.apply(digits).train
    was = dict(zip(data.train.id.tolist(), data.train.label.tolist(), strict=True))
    now = dict(zip(after.id.tolist(), after.label.tolist(), strict=True))
    assert now[worst[0]] == was[worst[0]]
    assert worst[1] not in now
    assert (now[worst[2]], now[worst[3]]) == (7, -1)
    assert all(now[item] != was[item] for item in worst[4:])


@pytest.mark.parametrize(
    ("decisions", "kind", "sentence"),
    [
        (Decisions(drop=frozenset({10**6})), UnknownName, "There is no item 1000000"),
        (Decisions(drop=frozenset(range(2000))), UnknownName, "There is no item"),
        (Decisions(), BadData, "nothing to repair"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(digits, decisions, kind, sentence):
    with pytest.raises(kind, match=sentence):
        revise(digits, [], Recipe.of(digits), [], decisions)


def test_something_must_be_left(digits):
    with pytest.raises(BadData, match="drop every item"):
        revise(digits, [], Recipe.of(digits), [], Decisions(drop=frozenset(digits.train.id.tolist())))


def test_every_kind_of_change_is_told(digits):
    train = digits.train
    label = train.label.clone()
    label[3] = (label[3] + 1) % 10
    after = train.with_column("label", label).with_items(torch.tensor([5]), 255 - train.read([5]))
    kept = torch.ones(len(train), dtype=torch.bool)
    kept[0] = False
    told = changes(digits, replace(digits, train=after[kept]))
    assert {kind: those.tolist() for kind, those in told.items()} == {
        "dropped": [[0, -1]],
        "added": [],
        "relabelled": [[3, 2]],
        "altered": [[5, 4]],
    }
    assert changes(replace(digits, train=after[kept]), digits)["added"].tolist() == [[-1, 0]]


def test_classes_are_compared_by_their_names(digits):
    turned = digits.train.with_column("label", 9 - digits.train.label)
    other = replace(turned, spec=replace(digits.spec, classes=digits.spec.classes[::-1]))
    assert not len(changes(digits, replace(digits, train=other))["relabelled"])


def test_each_item_is_told_by_the_check_that_is_surest(digits, mislabelled):
    findings = list(inspect(mislabelled.apply(digits)))
    worst, scores = worst_of(findings)
    for row in range(0, len(worst), 97):
        flagging = [k for k, finding in enumerate(findings) if finding.flagged[row]]
        assert int(worst[row]) == (max(flagging, key=lambda k: float(findings[k].scores[row])) if flagging else -1)
    assert torch.equal(scores, torch.stack([finding.scores for finding in findings]).amax(0))
