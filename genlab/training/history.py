"""The history of a run as a table that spreadsheets and data frames read."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from genlab.training.run import Run


def as_csv(run: Run) -> str:
    """A line a record, a column a number, named in the first line; empty where something was not measured."""
    rows = [_row(record) for record in run.history()]
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns) or ["step"], restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its losses, logs and metrics as columns of their own: loss_generator, told_apart, measured_recall."""
    losses = {f"loss_{player}": value for player, value in record["losses"].items()}
    apart, found = ("step", "losses", "held_out", "logs", "found"), record.get("found", {})
    rest = {name: value for name, value in record.items() if name not in apart}
    measured = {f"measured_{name}": value for name, value in found.get("metrics", {}).items()}
    shares = {f"share_{name}": value for name, value in found.get("shares", {}).items()}
    logs = {name.replace(" ", "_"): value for name, value in record["logs"].items()}
    return {"step": record["step"], **losses, "held_out": record["held_out"], **logs, **rest, **measured, **shares}
