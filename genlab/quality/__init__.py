"""Quality: damage data on purpose, find what is wrong with them, repair them; one file a defect, with all three sides of it.

damaged, truth = DEFECTS["noise"].inject(data, DEFECTS["noise"].Settings(kind="blur"), seed=0)
recipe = Recipe.of(data).then("noise", {"kind": "blur"}, seed=0)        # the same, to be kept: `digits+NAME`
for found in inspect(data): ...                                         # a finding a check, the quick ones first
recipe = repair(data, report, recipe)                                   # drops, relabels, fills, weighs

"""

from genlab.quality.checks import inspect, repair
from genlab.quality.defect import DEFECTS, Damage, Defect, Finding, Truth, list_defect
from genlab.quality.duplicates import Duplicates
from genlab.quality.exposure import Exposure
from genlab.quality.imbalance import Imbalance
from genlab.quality.label_errors import LabelErrors
from genlab.quality.leaks import Leaks
from genlab.quality.missing import Missing
from genlab.quality.noise import Noise
from genlab.quality.outliers import Outliers
from genlab.quality.report import Report, draw, markdown, report, vendi

ALL: dict[str, Defect] = {  # in the order in which they are looked for: the quick ones first
    "missing": Missing(),
    "imbalance": Imbalance(),
    "duplicates": Duplicates(),
    "leaks": Leaks(),
    "noise": Noise(),
    "exposure": Exposure(),
    "outliers": Outliers(),
    "label-errors": LabelErrors(),
}
for _name, _defect in ALL.items():
    list_defect(_name, _defect)

__all__ = [
    "DEFECTS",
    "Damage",
    "Defect",
    "Finding",
    "Report",
    "Truth",
    "draw",
    "inspect",
    "markdown",
    "repair",
    "report",
    "vendi",
]
