"""What an expression needs, however it is written: indices and rounds, a better form, its bound, and its values."""

from .analysis import Analysis, analyse
from .bounds import Bound
from .evaluation import evaluate, evaluate_together

__all__ = ["Analysis", "Bound", "analyse", "evaluate", "evaluate_together"]
