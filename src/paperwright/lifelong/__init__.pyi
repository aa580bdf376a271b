from . import cls_er as cls_er
from .cls_er import (
    CLSER as CLSER,
    ContinualClassifier as ContinualClassifier,
    ContinualEvaluation as ContinualEvaluation,
    ContinualLearner as ContinualLearner,
    DarkExperienceReplay as DarkExperienceReplay,
    ExperienceReplay as ExperienceReplay,
    FineTune as FineTune,
    JointTraining as JointTraining,
    RandomCropFlip as RandomCropFlip,
    ReservoirMemory as ReservoirMemory,
    SemanticMemory as SemanticMemory,
    generalised_class_incremental as generalised_class_incremental,
    mnist360 as mnist360,
    permuted as permuted,
    rotated as rotated,
    split_by_class as split_by_class,
)
