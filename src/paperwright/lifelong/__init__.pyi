from . import cls_er as cls_er
from .cls_er import (
    AsymmetricReplay as AsymmetricReplay,
    CLSER as CLSER,
    ContinualClassifier as ContinualClassifier,
    ContinualEvaluation as ContinualEvaluation,
    ContinualLearner as ContinualLearner,
    DarkExperienceReplay as DarkExperienceReplay,
    ExperienceReplay as ExperienceReplay,
    FineTune as FineTune,
    GeneralisedClassIncremental as GeneralisedClassIncremental,
    JointTraining as JointTraining,
    MNIST360 as MNIST360,
    RandomCropFlip as RandomCropFlip,
    SemanticMemory as SemanticMemory,
    permuted as permuted,
    rotated as rotated,
    split_by_class as split_by_class,
)
