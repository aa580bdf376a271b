"""Losses: what counts for a decision, each with its set of actions."""

from .finite import FiniteActions, Utility
from .gaussian import Gaussian, GaussianMixture
from .kde import KDE
from .kernel import Kernel
from .loss import Loss
from .quantile import Newsvendor, Pinball
from .squared import PCA, Squared
from .trained import VAE, Autoencoder, from_estimator

__all__ = [
    "KDE",
    "PCA",
    "VAE",
    "Autoencoder",
    "FiniteActions",
    "Gaussian",
    "GaussianMixture",
    "Kernel",
    "Loss",
    "Newsvendor",
    "Pinball",
    "Squared",
    "Utility",
    "from_estimator",
]
