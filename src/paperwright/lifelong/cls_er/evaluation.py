"""Evaluation of a continual learner, as metrics of torchmetrics."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from paperwright.blocks.counts import check_counts
from paperwright.lifelong.cls_er import accuracy_matrix
from paperwright.lifelong.cls_er.tasks import Task

Setting = Literal["class", "task"]


class ContinualEvaluation(Metric):
    """The accuracy on each task after each task, and what is read off that matrix.

    Each `update` fills one row: call it once a task was learned, with the test tasks seen so far, or with all of them
    to measure transfer forward. The figures of the paper's tables are those of the network as it is after the last
    task, averaged over tasks: no best epoch, no early stop.

    Args:
        tasks: how many there are.

    Example:
        >>> evaluation = ContinualEvaluation(tasks=5)
        >>> for task in train:
        ...     for x, y in task.batches(10): learner.observe(x, y)
        ...     evaluation.update(learner.logits, [test[i] for i in range(task.index + 1)])
        >>> evaluation.average_accuracy(), evaluation.average_accuracy("task"), evaluation.forgetting()

    Raises:
        ValueError: there are more updates or tasks than were announced, or a question comes too early.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True
    right: Tensor
    right_in_task: Tensor
    total: Tensor
    rows: Tensor

    def __init__(self, tasks: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        check_counts(tasks=tasks)
        self.tasks = tasks
        for state in ("right", "right_in_task", "total"):
            self.add_state(state, torch.zeros(tasks, tasks, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("rows", torch.zeros((), dtype=torch.int64), dist_reduce_fx="max")

    def update(self, predict: Callable[[Tensor], Tensor], tasks: Iterable[Task], batch_size: int = 1000) -> None:
        """Measure one row.

        Args:
            predict: gives logits [batch, classes], or class numbers [batch]; the task-incremental setting needs logits.
            tasks: test tasks; each knows its number.
            batch_size: how many samples are predicted at once.
        """
        row = int(self.rows)
        if row == self.tasks:
            raise ValueError(f"there are {self.tasks} tasks, and each was evaluated: reset() starts anew")
        for task in tasks:
            if not 0 <= task.index < self.tasks:
                raise ValueError(f"expected tasks numbered 0 to {self.tasks - 1}, got number {task.index}")
            answer = torch.cat([predict(part) for part in task.inputs.split(batch_size)])
            self.right[row, task.index] = (classes(answer) == task.labels).sum()
            if answer.ndim == 2:
                known = masked(answer, task.classes).argmax(1)
                self.right_in_task[row, task.index] = (known == task.labels).sum()
            else:
                self.right_in_task[row, task.index] = torch.nan
            self.total[row, task.index] = len(task)
        self.rows += 1

    def matrix(self, setting: Setting = "class") -> Float[Tensor, "rows tasks"]:
        """R: the accuracy, as a fraction, on each task (columns) after each update (rows); 0 where not measured.

        Args:
            setting: `"class"`: over all classes; `"task"`: among the classes of the task only.
        """
        if setting not in ("class", "task"):
            raise ValueError(f"setting: expected 'class' or 'task', got {setting!r}")
        rows = int(self.rows)
        if not rows:
            raise ValueError("nothing was evaluated yet: call update() after each task")
        right = self.right if setting == "class" else self.right_in_task
        if bool(right.isnan().any()):
            raise ValueError("the task-incremental setting needs logits: pass learner.logits to update()")
        return (right / self.total.clamp(min=1))[:rows]

    def average_accuracy(self, setting: Setting = "class") -> float:
        """Mean over the tasks evaluated last."""
        last = int(self.rows) - 1
        return float(self.matrix(setting)[-1][self.total[last] > 0].mean())

    def forgetting(self, setting: Setting = "class", *, include_zero_shot: bool = True) -> float:
        """How much of the best accuracy was lost. See :func:`accuracy_matrix.forgetting`."""
        return accuracy_matrix.forgetting(self._square(setting), include_zero_shot=include_zero_shot)

    def backward_transfer(self, setting: Setting = "class") -> float:
        """What learning the rest did to a task. See :func:`accuracy_matrix.backward_transfer`."""
        return accuracy_matrix.backward_transfer(self._square(setting))

    def forward_transfer(self, random: Float[Tensor, " tasks"], setting: Setting = "class") -> float:
        """What earlier tasks did for later ones. See :func:`accuracy_matrix.forward_transfer`."""
        return accuracy_matrix.forward_transfer(self._square(setting), random)

    def compute(self) -> dict[str, Tensor]:
        """Average accuracy and, from the second task on, forgetting and backward transfer."""
        found = {"average_accuracy": torch.tensor(self.average_accuracy())}
        if int(self.rows) > 1:
            found["forgetting"] = torch.tensor(self.forgetting())
            found["backward_transfer"] = torch.tensor(self.backward_transfer())
        return found

    def _square(self, setting: Setting) -> Tensor:
        rows = int(self.rows)
        return self.matrix(setting)[:, :rows]


class TaskProbabilities(Metric):
    """How much probability goes to the classes of each task, on average: equal shares where no task is favoured.

    Args:
        tasks: the classes of each task.
    """

    full_state_update = False
    is_differentiable = False
    mass: Tensor
    total: Tensor

    def __init__(self, tasks: Sequence[Sequence[int]], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.tasks = [list(task) for task in tasks]
        self.add_state("mass", torch.zeros(len(self.tasks), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Float[Tensor, "batch classes"]) -> None:
        """Add the logits of some test samples."""
        probabilities = logits.double().softmax(1)
        self.mass += torch.stack([probabilities[:, task].sum() for task in self.tasks])
        self.total += len(logits)

    def compute(self) -> Float[Tensor, " tasks"]:
        """The mean softmax mass of each task; they sum to 1 when the tasks share out all classes."""
        return self.mass / self.total


def classes(answer: Tensor) -> Tensor:
    """Class numbers, from themselves or from logits."""
    return answer.argmax(1) if answer.ndim == 2 else answer


def masked(logits: Float[Tensor, "batch classes"], known: Sequence[int]) -> Float[Tensor, "batch classes"]:
    """Logits with −∞ for all classes but the known ones (task-incremental evaluation)."""
    kept = torch.full_like(logits, -torch.inf)
    kept[:, list(known)] = logits[:, list(known)]
    return kept
