"""The models that ship, as a table of README: what their cards tell, and what was measured of them.

python -m benchmarks.models [--measure MODEL …] [--write]

With --measure, these are measured before, by `python -m genlab evaluate MODEL --card`; with --write, the table takes the place of
what stands in README between its markers.
"""

import argparse
import re
from pathlib import Path

from genlab.__main__ import main as genlab
from genlab.files import write_bytes
from genlab.paths import CHECKPOINTS, shipped_models

README = Path(__file__).parents[1] / "README.md"
BETWEEN = re.compile(r"(<!-- models -->\n).*(<!-- /models -->)", re.DOTALL)
COLUMNS = {  # what a card calls them
    "agreement": "Agreement",
    "precision": "Precision",
    "coverage": "Coverage",
    "Fréchet distance": "Fréchet distance",
    "bits a byte": "Bits a byte",
    "samples a second": "Samples a second, 64 at once",
}
FACTS = {
    "what": r"\*\*Family\*\*: (.+)",
    "data": r"\*\*Data\*\*: ([^,]+)",
    "trained": r"\*\*Trained\*\*: [\d,]+ steps in (.+), genlab",
}


def table(cards: dict[str, str]) -> str:
    """A line a model; what was not measured of it is a dash."""
    head = ["model", *FACTS, *COLUMNS]
    lines = [[f"`{name}`", *_told(card)] for name, card in cards.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines]) + "\n"


def _told(card: str) -> list[str]:
    facts = [re.search(pattern, card) for pattern in FACTS.values()]
    measured = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", card.partition("## Measured")[2], re.MULTILINE))
    return [*(found[1] if found else "–" for found in facts), *(measured.get(name, "–") for name in COLUMNS.values())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs="*", default=[], metavar="MODEL")
    parser.add_argument("--write", action="store_true", help="put it into README")
    given = parser.parse_args()
    for name in given.measure:
        if genlab(["evaluate", name, "--card"]):
            raise SystemExit(f"{name} was not measured; README stays as it is.")
    told = table({name: (CHECKPOINTS / name / "card.md").read_text() for name in shipped_models()})
    print(told)
    if given.write:
        write_bytes(README, BETWEEN.sub(lambda found: found[1] + told + found[2], README.read_text()).encode())


if __name__ == "__main__":
    main()
