"""Metrics: how near what a model draws is to the data, from bare arrays; one file and one line here each.

frechet(real, fake), coverage(real, fake)         # of features [n, D], a number
METRICS["coverage"](fake, real)                   # of evidence, a value with what is behind it
for step in evaluate(model, splits, ["frechet", "coverage"], n=1000, draws=3): ...   # how sure, and what real items score
judge = learnt(splits.train)                      # a classifier of clean data, by which all is seen
"""

from functools import cache
from typing import TYPE_CHECKING

from genlab.lazy import named, on_use
from genlab.registry import Registry

if TYPE_CHECKING:
    from genlab.metrics import evaluation, fan, kept
    from genlab.metrics.aspects import ASPECTS, Span, choice, summary
    from genlab.metrics.classes import agreement, confusion, shares
    from genlab.metrics.comparing import Comparing, compare
    from genlab.metrics.comparison import Comparison
    from genlab.metrics.copying import copying_test, nearer, ratios, two_sample
    from genlab.metrics.costs import FIGURES, Cost, cost
    from genlab.metrics.covering import coverage, density
    from genlab.metrics.defect_transfer import Harm, harm, transfer
    from genlab.metrics.evaluation import Behind, Lag, Score, Step, behind, evaluate
    from genlab.metrics.evidence import Damage, Evidence, Metric, Real, Value
    from genlab.metrics.eye import Eye
    from genlab.metrics.forecasting import band, crps, within
    from genlab.metrics.frechet_distance import endless, frechet
    from genlab.metrics.judge import Judge, Way, learnt
    from genlab.metrics.kernel import kernel_distance
    from genlab.metrics.membership import hits, told_apart
    from genlab.metrics.mixtures import Modes, modes
    from genlab.metrics.realism import precision, recall
    from genlab.metrics.tampering import TAMPERS, Shaken, shaken

METRICS: "Registry[Metric]" = Registry("metric")
for _name, _file, _constant in [
    ("frechet", "frechet_distance", "DISTANCE"),
    ("frechet-endless", "frechet_distance", "ENDLESS"),
    ("frechet-by-class", "frechet_distance", "BY_CLASS"),
    ("kernel", "kernel", "KERNEL"),
    ("precision", "realism", "PRECISION"),
    ("recall", "realism", "RECALL"),
    ("density", "covering", "DENSITY"),
    ("coverage", "covering", "COVERAGE"),
    ("vendi", "vendi", "VENDI"),
    ("agreement", "classes", "AGREEMENT"),
    ("shares", "classes", "SHARES"),
    ("two-sample", "copying", "TWO_SAMPLE"),
    ("copies", "copying", "COPIES"),
    ("nearer", "copying", "NEARER"),
    ("copying", "copying", "COPYING"),
    ("transfer", "defect_transfer", "TRANSFER"),
    ("membership", "membership", "MEMBERSHIP"),
    ("membership-surest", "membership", "HITS"),
    ("denoising", "likelihood", "DENOISING"),
    ("likelihood", "likelihood", "LIKELIHOOD"),
    ("bits", "likelihood", "BITS"),
    ("crps", "forecasting", "CRPS"),
    ("bands", "forecasting", "BANDS"),
    ("quoted", "quoted", "QUOTED"),
    ("distinct-1", "distinct", "ONE"),
    ("distinct-2", "distinct", "TWO"),
    ("distinct-3", "distinct", "THREE"),
    ("calibration", "calibration", "CALIBRATION"),
    ("classification", "usefulness", "CAS"),
]:
    METRICS.defer(_name, cache(named(f"genlab.metrics.{_file}", _constant)))

__all__ = [
    "ASPECTS",
    "FIGURES",
    "METRICS",
    "TAMPERS",
    "Behind",
    "Comparing",
    "Comparison",
    "Cost",
    "Damage",
    "Evidence",
    "Eye",
    "Harm",
    "Judge",
    "Lag",
    "Metric",
    "Modes",
    "Real",
    "Score",
    "Shaken",
    "Span",
    "Step",
    "Value",
    "Way",
    "agreement",
    "band",
    "behind",
    "choice",
    "compare",
    "confusion",
    "copying_test",
    "cost",
    "coverage",
    "crps",
    "density",
    "endless",
    "evaluate",
    "evaluation",
    "fan",
    "frechet",
    "harm",
    "hits",
    "kept",
    "kernel_distance",
    "learnt",
    "modes",
    "nearer",
    "precision",
    "ratios",
    "recall",
    "shaken",
    "shares",
    "summary",
    "told_apart",
    "transfer",
    "two_sample",
    "within",
]

__getattr__, __dir__ = on_use(__name__)
