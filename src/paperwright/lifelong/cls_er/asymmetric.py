"""Replay with an asymmetric cross-entropy, a later rival of CLS-ER that needs no second network."""

import torch
from torch import Tensor

from .learner import Losses, separate_logits
from .replay import ExperienceReplay


class AsymmetricReplay(ExperienceReplay):
    r"""Replay in which new samples do not push old classes down (ER-ACE).

    .. math:: L = \mathrm{CE}(f(X_b), Y_b; C_b) + \mathrm{CE}(f(X_m), Y_m)

    The cross-entropy of the batch runs over the classes that occur in it, C_b, so that the logits of all others get no
    gradient from it; that of the replayed samples runs over all classes. Each is a mean.

    Args:
        model, optimizer, memory, replay_size, augment, criterion: as for :class:`ExperienceReplay`.

    Example:
        >>> from paperwright.blocks import ReservoirMemory
        >>> model = torch.nn.Linear(8, 3)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> learner = AsymmetricReplay(model, sgd, memory=ReservoirMemory(20), replay_size=4)

    Source: Caccia et al., New Insights on Reducing Abrupt Representation Change in Online Continual Learning, 2022. The
    authors' code also leaves in the classes that never occurred yet.
    """

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return the sum of both terms."""
        draw = self.replay() if len(self.memory) else None
        batches = [x] if draw is None else [x, draw["inputs"]]
        logits, *replayed = separate_logits(self.working, batches, one_pass=True)
        self.check_logits(logits, y)
        absent = torch.ones(logits.shape[1], dtype=torch.bool, device=y.device)
        absent[y] = False
        loss = self.criterion(logits.masked_fill(absent, -torch.inf), y)
        if draw is not None:
            loss = loss + self.criterion(replayed[0], draw["labels"])
        return Losses(loss, loss.detach())
