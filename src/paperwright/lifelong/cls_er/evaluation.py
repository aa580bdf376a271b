"""Evaluation of a continual learner: metrics of torchmetrics, and what is read off a matrix of accuracies.

R[t, i] is the accuracy on task i after learning task t, as a fraction or in per cent; what was never measured is 0.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from paperwright.blocks.counts import check_counts

from .scenarios import Task

Incremental = Literal["class", "task"]


class ContinualEvaluation(Metric):
    """The accuracy on each task after each task, and what is read off that matrix.

    Each `update` fills one row: call it once a task was learned, with the test tasks seen so far, or with all of them
    to measure transfer forward. The figures of the paper's tables are those of the network as it is after the last
    task, averaged over tasks: no best epoch, no early stop.

    Args:
        tasks: how many there are.

    Example:
        >>> evaluation = ContinualEvaluation(tasks=2)
        >>> evaluation.update(lambda x: x, [Task(0, torch.eye(4), torch.arange(4), (0, 1, 2, 3))])
        >>> evaluation.average_accuracy()
        1.0

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
        check_counts(batch_size=batch_size)
        # Nothing is written before every task has an answer.
        answers = [(task, self._answer(predict, task, batch_size)) for task in tasks]
        if not answers:
            raise ValueError("tasks is empty; expected a test task or more. Pass those seen so far")
        for task, answer in answers:
            table = answer.ndim == 2
            self.right[row, task.index] = ((answer.argmax(1) if table else answer) == task.labels).sum()
            known = _masked(answer, task.classes).argmax(1) if table else None
            self.right_in_task[row, task.index] = torch.nan if known is None else (known == task.labels).sum()
            self.total[row, task.index] = len(task)
        self.rows += 1

    def _answer(self, predict: Callable[[Tensor], Tensor], task: Task, batch_size: int) -> Tensor:
        """Return logits or class numbers of all samples of a task, once it is sure that they are."""
        if not isinstance(task, Task):
            raise TypeError(f"tasks holds a {type(task).__name__}; expected tasks. Take them from a scenario")
        if not 0 <= task.index < self.tasks:
            raise ValueError(f"expected tasks numbered 0 to {self.tasks - 1}, got number {task.index}")
        if not len(task):
            raise ValueError(f"task {task.index} has no samples; expected one or more. Leave it out")
        answer = torch.cat([torch.as_tensor(predict(part)) for part in task.inputs.split(batch_size)])
        if answer.ndim not in (1, 2) or len(answer) != len(task):
            wanted = f"[{len(task)}] or [{len(task)}, classes]"
            raise ValueError(f"predict returns shape {tuple(answer.shape)}; expected {wanted}. Give each its answer")
        if answer.ndim == 2:
            _check_logits(answer, task.classes)
        return answer

    def matrix(self, setting: Incremental = "class") -> Float[Tensor, "rows tasks"]:
        """Return R: the accuracy, as a fraction, on each task (columns) after each update (rows); 0 where not measured.

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

    def average_accuracy(self, setting: Incremental = "class") -> float:
        """Return the mean over the tasks evaluated last."""
        last = int(self.rows) - 1
        return float(self.matrix(setting)[-1][self.total[last] > 0].mean())

    def forgetting(self, setting: Incremental = "class", *, include_zero_shot: bool = True) -> float:
        """Return how much of the best accuracy was lost. See :func:`forgetting`."""
        return forgetting(self._square(setting), include_zero_shot=include_zero_shot)

    def backward_transfer(self, setting: Incremental = "class") -> float:
        """Return what learning the rest did to a task. See :func:`backward_transfer`."""
        return backward_transfer(self._square(setting))

    def forward_transfer(self, random: Float[Tensor, " tasks"], setting: Incremental = "class") -> float:
        """Return what earlier tasks did for later ones. See :func:`forward_transfer`."""
        return forward_transfer(self._square(setting), random[: int(self.rows)])

    def compute(self) -> dict[str, Tensor]:
        """Return average accuracy and, from the second task on, forgetting and backward transfer."""
        found = {"average_accuracy": torch.tensor(self.average_accuracy())}
        if int(self.rows) > 1:
            found["forgetting"] = torch.tensor(self.forgetting())
            found["backward_transfer"] = torch.tensor(self.backward_transfer())
        return found

    def _square(self, setting: Incremental) -> Tensor:
        rows = int(self.rows)
        return self.matrix(setting)[:, :rows]


class TaskProbabilities(Metric):
    """How much probability goes to the classes of each task, on average: equal shares where no task is favoured.

    Args:
        tasks: the classes of each task.

    Example:
        >>> metric = TaskProbabilities([(0, 1), (2, 3)])
        >>> metric.update(torch.zeros(5, 4))
        >>> metric.compute().tolist()
        [0.5, 0.5]
    """

    full_state_update = False
    is_differentiable = False
    mass: Tensor
    total: Tensor

    def __init__(self, tasks: Sequence[Sequence[int]], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.tasks = [list(task) for task in tasks]
        if not all(self.tasks) or not self.tasks:
            raise ValueError(f"tasks is {tasks!r:.60}; expected the classes of each task, one or more. Name them")
        self.add_state("mass", torch.zeros(len(self.tasks), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Float[Tensor, "batch classes"]) -> None:
        """Add the logits of some test samples."""
        _check_logits(logits, [c for task in self.tasks for c in task])
        probabilities = logits.double().softmax(1)
        self.mass += torch.stack([probabilities[:, task].sum() for task in self.tasks])
        self.total += len(logits)

    def compute(self) -> Float[Tensor, " tasks"]:
        """Return the mean softmax mass of each task; they sum to 1 when the tasks share out all classes."""
        return self.mass / self.total


def _check_logits(logits: Tensor, classes: Sequence[int]) -> None:
    """Refuse logits that say nothing, and those that lack a class."""
    if bool(logits.isnan().any()):
        raise ValueError("logits hold NaN; expected numbers. The network has diverged: lower its learning rate")
    if max(classes) >= logits.shape[1]:
        raise ValueError(f"logits has {logits.shape[1]} classes; expected more than {max(classes)}. Grow the network")


def _masked(logits: Float[Tensor, "batch classes"], known: Sequence[int]) -> Float[Tensor, "batch classes"]:
    """Return logits with −∞ for all classes but the known ones (task-incremental evaluation)."""
    kept = torch.full_like(logits, -torch.inf)
    kept[:, list(known)] = logits[:, list(known)]
    return kept


def average_accuracy(R: Float[Tensor, "tasks tasks"]) -> float:
    r"""Return the mean accuracy after the last task, :math:`\frac{1}{T} \sum_i R_{T,i}`: the paper's tables show it."""
    return float(R[-1].mean())


def backward_transfer(R: Float[Tensor, "tasks tasks"]) -> float:
    r"""Return what learning the rest did to a task, on average.

    .. math:: \frac{1}{T-1} \sum_{i<T} R_{T,i} - R_{i,i}

    Source: Lopez-Paz and Ranzato, Gradient Episodic Memory, 2017, equation 3.
    """
    _check_several(R, "backward transfer")
    return float((R[-1] - R.diagonal())[:-1].mean())


def forward_transfer(R: Float[Tensor, "tasks tasks"], random: Float[Tensor, " tasks"]) -> float:
    r"""Return what earlier tasks did for a task before it was learned, on average.

    .. math:: \frac{1}{T-1} \sum_{i \ge 2} R_{i-1,i} - \text{random}_i

    Args:
        R: the matrix; it must hold the accuracy on the next task before it is learned.
        random: the accuracies of the network before any training.

    Source: Lopez-Paz and Ranzato, Gradient Episodic Memory, 2017, equation 4.
    """
    _check_several(R, "forward transfer")
    if len(random) != len(R):
        raise ValueError(f"random has {len(random)} accuracies; expected one for each of {len(R)} tasks. Measure all")
    return float((R.diagonal(1) - random[1:]).mean())


def forgetting(R: Float[Tensor, "tasks tasks"], *, include_zero_shot: bool = True) -> float:
    r"""Return how much of the best accuracy was lost, on average.

    .. math:: \frac{1}{T-1} \sum_{i<T} \max_t R_{t,i} - R_{T,i}

    Args:
        R: the matrix.
        include_zero_shot: take the maximum over all rows, those before task i was learned included, as the authors'
            code does; otherwise over the rows from the task itself to the last but one (Chaudhry et al., 2018), where
            a task that still improves counts as negative.
    """
    _check_several(R, "forgetting")
    best = R.amax(0) if include_zero_shot else R[:-1].masked_fill(~_from_own_row(R)[:-1], -torch.inf).amax(0)
    return float((best - R[-1])[:-1].mean())


def _from_own_row(R: Tensor) -> Tensor:
    """Where t ≥ i: entries measured once the task was learned."""
    return torch.ones_like(R, dtype=torch.bool).tril()


def _check_several(R: Tensor, metric: str) -> None:
    if R.ndim != 2 or R.shape[0] != R.shape[1]:
        raise ValueError(f"R has shape {tuple(R.shape)}; expected a row and a column for each task. Fill it with zeros")
    if len(R) < 2:
        raise ValueError(f"{metric} needs two tasks or more, got {len(R)}")
