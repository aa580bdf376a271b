"""The metrics agree with the authors' functions on reference figures, and with their definitions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics import Metric

from paperwright.lifelong.cls_er import ContinualEvaluation, TaskProbabilities, split_by_class
from paperwright.lifelong.cls_er.evaluation import (
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
)

# Reference figure (c): a run of the official functions.
R = torch.tensor([[0.527, 82.123, 0.0], [79.707, 46.793, 30.303], [27.843, 25.487, 44.508]], dtype=torch.float64)
RANDOM = torch.tensor([10.045, 10.535, 14.955], dtype=torch.float64)


def test_reference_figures():
    assert forward_transfer(R, RANDOM) == pytest.approx(43.468)
    assert backward_transfer(R) == pytest.approx(3.005)
    assert forgetting(R) == pytest.approx(54.25)
    assert average_accuracy(R) == pytest.approx((27.843 + 25.487 + 44.508) / 3)


def test_forgetting_without_zero_shot_entries():
    """The usual definition: from the task's own row to the last but one."""
    assert forgetting(R, include_zero_shot=False) == pytest.approx(((79.707 - 27.843) + (46.793 - 25.487)) / 2)
    improving = torch.tensor([[0.5, 0.0], [0.7, 0.9]])
    assert forgetting(improving, include_zero_shot=False) == pytest.approx(-0.2)
    assert forgetting(improving) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_relations(tasks, seed):
    matrix = torch.rand(tasks, tasks, generator=torch.Generator().manual_seed(seed)).tril()
    assert forgetting(matrix) >= max(0.0, -backward_transfer(matrix)) - 1e-6
    assert forgetting(matrix) >= forgetting(matrix, include_zero_shot=False) - 1e-6


class TestContinualEvaluation:
    x = torch.eye(4).repeat(5, 1)
    y = torch.arange(4).repeat(5)
    tasks = split_by_class(x, y)

    def test_the_matrix(self):
        evaluation = ContinualEvaluation(2)
        assert isinstance(evaluation, Metric)
        always_zero = torch.tensor([1.0, 0, 0, 0])
        evaluation.update(lambda x: always_zero.expand(len(x), -1), [self.tasks[0]])
        evaluation.update(lambda x: x * torch.tensor([1, 1, 1, -1]), self.tasks)
        assert evaluation.matrix().tolist() == [[0.5, 0], [1, 0.5]]
        # within the task (2, 3) the logits of class 3 are (0, -1): still wrong
        assert evaluation.matrix("task").tolist() == [[0.5, 0], [1, 0.5]]
        assert evaluation.average_accuracy() == 0.75
        assert evaluation.forgetting() == 0
        assert evaluation.backward_transfer() == 0.5
        assert evaluation.forward_transfer(torch.tensor([0.25, 0.25])) == -0.25
        assert {name: float(value) for name, value in evaluation.compute().items()} == {
            "average_accuracy": 0.75,
            "forgetting": 0.0,
            "backward_transfer": 0.5,
        }
        evaluation.reset()
        assert not evaluation.rows

    def test_within_a_task_other_classes_do_not_count(self):
        evaluation = ContinualEvaluation(2)
        evaluation.update(lambda x: x + torch.tensor([9.0, 9, 0, 0]), self.tasks)
        assert evaluation.average_accuracy() == 0.5
        assert evaluation.average_accuracy("task") == 1

    def test_class_numbers_will_do(self):
        evaluation = ContinualEvaluation(2)
        evaluation.update(lambda x: x.argmax(1), self.tasks)
        assert evaluation.average_accuracy() == 1
        with pytest.raises(ValueError, match="logits"):
            evaluation.average_accuracy("task")

    def test_tasks_not_seen_do_not_count(self):
        evaluation = ContinualEvaluation(2)
        evaluation.update(lambda x: x, [self.tasks[0]])
        assert evaluation.average_accuracy() == 1

    def test_large_tasks_are_predicted_in_parts(self):
        sizes = []
        ContinualEvaluation(2).update(lambda x: sizes.append(len(x)) or x, self.tasks, batch_size=4)
        assert sizes == [4, 4, 2] * 2


class TestTaskProbabilities:
    def test_definition(self):
        """Reference figure (e): the mean over samples of the softmax mass on each task's classes; they sum to 1."""
        logits = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
        metric = TaskProbabilities([(0, 1), (2, 3), (4, 5)])
        for part in logits.split(7):
            metric.update(part)
        expected = logits.double().softmax(1).reshape(30, 3, 2).sum(2).mean(0)
        torch.testing.assert_close(metric.compute(), expected)
        assert float(metric.compute().sum()) == pytest.approx(1)

    def test_without_bias_shares_are_equal(self):
        metric = TaskProbabilities([(0, 1), (2, 3), (4, 5)])
        metric.update(torch.zeros(5, 6))
        assert metric.compute().tolist() == pytest.approx([1 / 3] * 3)
