"""Forward passes over several batches: one pass where that is exact, one for each batch where batch norm forbids it."""

from collections.abc import Sequence
from functools import reduce

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from paperwright.lifelong.cls_er.learner import with_replayed


def has_batch_norm(model: nn.Module) -> bool:
    """Whether torch's batch norm makes the logits of a sample depend on the other samples of its batch."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def separate_logits(model: nn.Module, batches: Sequence[Tensor], *, one_pass: bool) -> tuple[Tensor, ...]:
    """The logits of each batch as if it had been passed alone; by one pass over all of them where `one_pass`."""
    if not one_pass or len(batches) == 1:
        return tuple(model(batch) for batch in batches)
    return model(reduce(with_replayed, batches)).split([len(batch) for batch in batches])
