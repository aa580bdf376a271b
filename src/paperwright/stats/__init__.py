"""Intervals, tests and fits: the statistics by which a claim stands or falls. Pure numpy and scipy, no torch."""

from paperwright.stats.bootstrap import bootstrap_interval
from paperwright.stats.bounded_mean import bounded_mean_interval
from paperwright.stats.clustered_proportion import clustered_proportion_interval
from paperwright.stats.confidence_sequence import anytime_mean_interval
from paperwright.stats.correlation import spearman_interval
from paperwright.stats.difference import difference_interval
from paperwright.stats.equivalence import Equivalence, equivalence_test
from paperwright.stats.guarded_mean import guarded_difference_interval, guarded_mean_interval
from paperwright.stats.interval import Interval
from paperwright.stats.looks import crossing_probabilities, look_levels
from paperwright.stats.mean import mean_interval
from paperwright.stats.multiplicity import adjusted_p_values
from paperwright.stats.permutation import Permutation, permutation_test
from paperwright.stats.power_law import PowerLaw, fit_power_law, power_law_exponent
from paperwright.stats.proportion import proportion_interval
from paperwright.stats.saturation import Saturation, fit_saturating

__all__ = [
    "Equivalence",
    "Interval",
    "Permutation",
    "PowerLaw",
    "Saturation",
    "adjusted_p_values",
    "anytime_mean_interval",
    "bootstrap_interval",
    "bounded_mean_interval",
    "clustered_proportion_interval",
    "crossing_probabilities",
    "difference_interval",
    "equivalence_test",
    "fit_power_law",
    "fit_saturating",
    "guarded_difference_interval",
    "guarded_mean_interval",
    "look_levels",
    "mean_interval",
    "permutation_test",
    "power_law_exponent",
    "proportion_interval",
    "spearman_interval",
]
