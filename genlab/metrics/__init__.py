"""Metrics: how near what a model draws is to the data, from bare arrays, a file each.

judge = learnt(splits.train)                      # a classifier of clean data
features, probabilities = judge.look(x)           # of items in model space
frechet(real, fake), coverage(real, fake)         # of features [n, D]
"""

from genlab.metrics.coverage import coverage
from genlab.metrics.frechet import frechet
from genlab.metrics.judge import Judge, Way, learnt
from genlab.metrics.modes import Modes, modes

__all__ = ["Judge", "Modes", "Way", "coverage", "frechet", "learnt", "modes"]
