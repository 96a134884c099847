"""A run's history as a table: every number in its column, and nothing where there was no measurement."""

import csv
import io

import pytest
from few import USUAL

from genlab.__main__ import main
from genlab.models import MODELS
from genlab.training.history import as_csv
from genlab.training.run import Run

RECORDS = [
    {
        "step": 1,
        "losses": {"discriminator": 1.25, "generator": 0.5},
        "logs": {"told apart": 0.75},
        "held_out": 1.5,
        "seconds": 0.1,
    },
    {
        "step": 2,
        "losses": {"discriminator": 1.0, "generator": 0.1 + 0.2},
        "logs": {"told apart": 1.0},
        "held_out": None,
        "seconds": 2,
    },
]


@pytest.fixture
def run() -> Run:
    run = Run.create("gan", "digits", {"steps": 2}, "played")
    for record in RECORDS:
        run.remember(record)
    return run


def test_a_record_is_a_line_and_reads_back_to_the_last_digit(run):
    first, second = csv.DictReader(io.StringIO(as_csv(run)))
    assert first == {
        "step": "1",
        "loss_discriminator": "1.25",
        "loss_generator": "0.5",
        "held_out": "1.5",
        "told_apart": "0.75",
        "seconds": "0.1",
    }
    assert float(second["loss_generator"]) == 0.1 + 0.2
    assert second["held_out"] == ""


def test_a_run_without_records_is_a_heading_alone():
    assert as_csv(Run.create("vae", "digits", {}, "empty")) == "step\n"


def test_the_command_line_writes_the_same_table(run, tmp_path, capsys):
    assert main(["history", "played", "--out", str(tmp_path / "table.csv")]) == 0
    assert (tmp_path / "table.csv").read_text() == as_csv(run)
    assert "2 records of played" in capsys.readouterr().out
    assert main(["history", "played", "--out", str(tmp_path / "nowhere" / "table.csv")]) == 2
    assert "Could not write table.csv" in capsys.readouterr().err


@pytest.mark.parametrize("family", MODELS)
def test_what_the_curves_are_measured_in_is_told(family):
    run = Run.create(family, USUAL[family], {}, "any")
    assert run.units["loss"] == run.loss_unit
    assert all(run.units.values())
