"""Causal models and learning from environments: Schölkopf et al., Proceedings of the IEEE 2021."""

from .adaptation import StructuralBelief, adaptation_race
from .icp import icp
from .independence import hsic_test
from .interventions import Environment, do, scale_noise, shift
from .irm import IRM, irm_penalty
from .ladder import LADDER, run_ladder
from .levels import CausalGraphicalModel
from .mechanism_change import mechanism_divergences, sparse_shift_scores, which_mechanisms_changed
from .mechanisms import AdditiveNoise, Categorical, Invertible, Linear
from .noise import Finite, Normal
from .ode import ODEModel
from .recover import recover_angle
from .scm import SCM
from .semi_supervised import SemiSupervisedLDA

__all__ = [
    "IRM",
    "LADDER",
    "SCM",
    "AdditiveNoise",
    "Categorical",
    "CausalGraphicalModel",
    "Environment",
    "Finite",
    "Invertible",
    "Linear",
    "Normal",
    "ODEModel",
    "SemiSupervisedLDA",
    "StructuralBelief",
    "adaptation_race",
    "do",
    "hsic_test",
    "icp",
    "irm_penalty",
    "mechanism_divergences",
    "recover_angle",
    "run_ladder",
    "scale_noise",
    "shift",
    "sparse_shift_scores",
    "which_mechanisms_changed",
]
