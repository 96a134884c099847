"""Quality: damage data on purpose, find what is wrong with them, repair them; one file a defect, with all three sides of it.

damaged, truth = DEFECTS["noise"].inject(data, DEFECTS["noise"].Settings(kind="blur"), seed=0)
recipe = Recipe.of(data).then("noise", {"kind": "blur"}, seed=0)        # the same, to be kept: `digits+NAME`
for found in inspect(data): ...                                         # a finding a check, the quick ones first
recipe = repair(data, report, recipe)                                   # drops, relabels, fills, weighs
check = fit(clean); check(samples)["noise-blur"].flagged                # what was learnt from clean data judges other items

"""

from functools import cache
from typing import TYPE_CHECKING

from genlab.data.recipe import OPERATIONS, Operation, Step
from genlab.lazy import late, on_use
from genlab.quality import settings
from genlab.registry import Registry

if TYPE_CHECKING:
    from genlab.data.dataset import Dataset, Splits
    from genlab.quality.card import Report, draw, markdown, report, vendi
    from genlab.quality.checks import fit, inspect, repair
    from genlab.quality.defect import Check, Defect, Finding, Truth, Verdict
    from genlab.quality.settings import Damage

_check_takes = late("genlab.quality.defect", "check_takes")
DEFECTS: "Registry[Defect]" = Registry("defect")


def _list(name: str, defect: str, how: "type[Damage]") -> None:
    """List the defect of the file of that name, which makes it a step of recipes, too."""

    def apply(data: "Splits", step: Step) -> "Dataset":
        _check_takes(name, data, step.parsed)
        return DEFECTS[name].inject(data, step.parsed, step.seed, step.key)[0]

    def tell(step: Step) -> str:
        values = step.parsed.model_dump().items()
        told = [value if isinstance(value, str) else f"{setting} {value:g}" for setting, value in values]
        return f"{name} ({', '.join([*told, f'seed {step.seed}'])})"

    DEFECTS.defer(name, cache(late(f"genlab.quality.{name.replace('-', '_')}", defect)), how)
    OPERATIONS.register(name)(Operation(how, apply, tell))


# In the order in which they are looked for: the quick ones first
_list("missing", "Missing", settings.MissingSettings)
_list("imbalance", "Imbalance", settings.ImbalanceSettings)
_list("duplicates", "Duplicates", settings.DuplicatesSettings)
_list("leaks", "Leaks", settings.LeaksSettings)
_list("sensor", "Sensor", settings.SensorSettings)
_list("personal", "Personal", settings.PersonalSettings)
_list("repetition", "Repetition", settings.RepetitionSettings)
_list("garbled", "Garbled", settings.GarbledSettings)
_list("truncated", "Truncated", settings.TruncatedSettings)
_list("noise", "Noise", settings.NoiseSettings)
_list("exposure", "Exposure", settings.ExposureSettings)
_list("outliers", "Outliers", settings.OutliersSettings)
_list("label-errors", "LabelErrors", settings.LabelErrorsSettings)

__all__ = [
    "DEFECTS",
    "Check",
    "Damage",
    "Defect",
    "Finding",
    "Report",
    "Truth",
    "Verdict",
    "draw",
    "fit",
    "inspect",
    "markdown",
    "repair",
    "report",
    "vendi",
]

__getattr__, __dir__ = on_use(__name__)
