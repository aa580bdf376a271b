"""CLS-ER, learning fast and slow: a working model, a replay memory, and two slow copies of the weights (ICLR 2022)."""

from paperwright.blocks import ReservoirMemory

from .asymmetric import AsymmetricReplay
from .cls_er import CLSER
from .estimator import ContinualClassifier
from .evaluation import ContinualEvaluation, TaskProbabilities
from .gcil import GeneralisedClassIncremental
from .learner import ContinualLearner
from .mnist360 import MNIST360
from .replay import DarkExperienceReplay, ExperienceReplay, FineTune, JointTraining
from .scenarios import Task, permuted, rotated, split_by_class
from .semantic_memory import SemanticMemory
from .transforms import RandomCropFlip

__all__ = [
    "CLSER",
    "MNIST360",
    "AsymmetricReplay",
    "ContinualClassifier",
    "ContinualEvaluation",
    "ContinualLearner",
    "DarkExperienceReplay",
    "ExperienceReplay",
    "FineTune",
    "GeneralisedClassIncremental",
    "JointTraining",
    "RandomCropFlip",
    "ReservoirMemory",
    "SemanticMemory",
    "Task",
    "TaskProbabilities",
    "permuted",
    "rotated",
    "split_by_class",
]
