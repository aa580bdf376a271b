"""The scenarios give the streams that the benchmarks define."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from paperwright.lifelong.cls_er import MNIST360, GeneralisedClassIncremental, permuted, rotated, split_by_class
from paperwright.lifelong.cls_er.mnist360 import digit_angles
from paperwright.lifelong.cls_er.scenarios import TaskBatches
from paperwright.lifelong.cls_er.transforms import rotate

# How many training images of each digit MNIST holds.
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def labelled(counts: list[int], size: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    return torch.rand(len(labels), size, size, generator=generator), labels


class TestSplitByClass:
    def test_two_classes_a_task_in_order(self):
        x, y = labelled([5, 6, 7, 8, 9])
        tasks = split_by_class(x, y)
        assert [task.classes for task in tasks] == [(0, 1), (2, 3), (4,)]
        assert [len(task) for task in tasks] == [11, 15, 9]
        for task in tasks:
            assert set(task.labels.tolist()) == set(task.classes)
            assert torch.equal(task.inputs, x[torch.isin(y, torch.tensor(task.classes))])

    def test_another_order(self):
        x, y = labelled([5, 6, 7])
        assert [task.classes for task in split_by_class(x, y, 1, order=[2, 0, 1])] == [(2,), (0,), (1,)]
        assert split_by_class(x, y)[-1].index == 1
        assert [task.index for task in split_by_class(x, y, 1)[1:]] == [1, 2]


class TestBatches:
    def test_the_last_incomplete_batch_is_dropped(self):
        x, y = labelled([12, 11])
        batches = split_by_class(x, y)[0].batches(10, epochs=2, seed=0)
        assert [len(labels) for _, labels in batches] == [10] * 4
        assert len(batches) == 4
        whole = TaskBatches(x, y, 10, drop_last=False, seed=0)
        assert [len(labels) for _, labels in whole] == [10, 10, 3]
        assert len(whole) == 3

    def test_every_sample_once_an_epoch_in_an_order_that_the_seed_decides(self):
        x = torch.arange(20.0)
        batches = TaskBatches(x, torch.arange(20), 5, epochs=2, seed=4)
        seen = torch.cat([inputs for inputs, _ in batches])
        assert sorted(seen[:20].tolist()) == sorted(seen[20:].tolist()) == x.tolist()
        assert not torch.equal(seen[:20], seen[20:])
        assert torch.equal(seen, torch.cat([inputs for inputs, _ in batches]))

    def test_a_data_loader_takes_them(self):
        batches = TaskBatches(torch.arange(20.0), torch.arange(20), 5, seed=4)
        loaded = list(DataLoader(batches, batch_size=None))
        assert all(torch.equal(ours[0], theirs[0]) for ours, theirs in zip(batches, loaded, strict=True))


class TestRotation:
    @settings(max_examples=60, deadline=None)
    @given(st.floats(0, 360) | st.integers(0, 24).map(lambda n: 15.0 * n), st.integers(0, 10))
    def test_it_agrees_with_pillow(self, degrees, seed):
        """Wherever the source does not fall on the edge between two pixels: Pillow rounds positions to 2^-16 pixel."""
        image = np.random.default_rng(seed).integers(1, 256, (28, 28), dtype=np.uint8)
        theirs = np.asarray(Image.fromarray(image).rotate(degrees))
        ours = rotate(torch.from_numpy(image)[None].float(), degrees)[0].byte().numpy()
        row, column = np.mgrid[:28, :28] - 13.5
        turn = np.exp(1j * np.radians(degrees))
        source = (column + 1j * row) * turn
        on_an_edge = [np.abs(part - np.round(part)) < 1e-3 for part in (source.real, source.imag)]
        clear = ~(on_an_edge[0] | on_an_edge[1])
        assert np.array_equal(ours[clear], theirs[clear])

    @pytest.mark.parametrize("shape", [(5, 6, 6), (3, 2, 7, 7)])
    def test_quarter_turns_are_exact(self, shape):
        x = torch.rand(shape)
        for turns in range(4):
            expected = torch.rot90(x, turns, (-2, -1))
            assert torch.equal(rotate(x, 90.0 * turns), expected)
            assert torch.equal(rotate(x, torch.full((len(x),), 90.0 * turns)), expected)

    @pytest.mark.parametrize("shape", [(5, 9, 6), (3, 2, 7, 8)])
    def test_one_angle_for_each(self, shape):
        x = torch.rand(shape)
        angles = torch.linspace(0, 300, len(x))
        each = torch.cat([rotate(image[None], float(angle)) for image, angle in zip(x, angles, strict=True)])
        assert torch.equal(rotate(x, angles), each)


class TestDomainIncremental:
    def test_permutations(self):
        x, y = labelled([4, 4])
        train, test = permuted(x, y, 3, seed=1), permuted(x, y, 3, seed=1)
        for task, twin in zip(train, test, strict=True):
            assert torch.equal(task.inputs, twin.inputs)
            assert torch.equal(task.labels, y)
            assert torch.equal(task.inputs.flatten(1).sort().values, x.flatten(1).sort().values)
            assert not torch.equal(task.inputs, x)
        assert not torch.equal(train[0].inputs, train[1].inputs)

    def test_rotations(self):
        x, y = labelled([4, 4], size=8)
        tasks = rotated(x, y, 20, seed=0)
        assert len(tasks) == 20
        assert torch.equal(tasks[3].inputs, rotated(x, y, 20, seed=0)[3].inputs)
        assert not torch.equal(tasks[3].inputs, tasks[4].inputs)
        assert torch.equal(rotated(x, y, 2, max_degrees=0.0)[1].inputs, x)


class TestMNIST360:
    def test_the_training_stream(self):
        """Reference figure (d), which only the number of images of each digit decides."""
        x, y = labelled(MNIST_COUNTS, size=1)
        stream = MNIST360(x, y, 16)
        labels = [batch.tolist() for _, batch in stream]
        assert len(labels) == len(stream) == 3387
        assert sum(map(len, labels)) == 54051
        pairs = [set(batch) for batch in labels]
        assert next(index for index, pair in enumerate(pairs) if pair - {0, 1}) == 132

    def test_angles(self):
        """Reference figure (d)."""
        assert digit_angles(0, 5923)[0] == 300
        assert digit_angles(1, 6742)[:2].tolist() == pytest.approx([0, 0.05339662], abs=1e-8)
        assert digit_angles(8, 5851)[0] == 60

    @pytest.mark.parametrize("batch_size", [1, 4, 16])
    def test_pairs_come_round(self, batch_size):
        x, y = labelled([40] * 10)
        batches = [labels for _, labels in MNIST360(x, y, batch_size, rounds=2)]
        pairs = [
            tuple(sorted({*range(9)} & set(labels.tolist()))) for labels in batches if len(set(labels.tolist())) == 2
        ]
        order = [pair for pair, before in zip(pairs, [None, *pairs], strict=False) if pair != before]
        if batch_size > 1:
            assert order == [*((d, d + 1) for d in range(8)), (0, 8)] * 2
        assert max(int(labels.max()) for labels in batches) == 8

    def test_every_image_comes_once_turned_on_from_the_last(self):
        """Marked by their mean, which quarter turns keep: with 36 images a digit turns 10 degrees at a time."""
        x = torch.zeros(36 * 9, 3, 3)
        x[:, 1, 1] = torch.arange(1.0, len(x) + 1)  # the centre stays where it is
        x[:, 0, 1] = 1.0
        y = torch.arange(9).repeat(36)
        images, labels = (torch.cat(column) for column in zip(*MNIST360(x, y, 16), strict=True))
        marks = images[:, 1, 1]
        assert sorted(marks.tolist()) == x[:, 1, 1].tolist()
        for digit in range(9):
            own = images[labels == digit]
            number = (own[:, 1, 1] - 1).long()
            expected = rotate(x[number], digit_angles(digit, 36))
            assert torch.equal(own, expected)
            chunk = (number // 9) // 7
            assert torch.equal(chunk, chunk.sort(descending=True).values)

    def test_with_replacement_as_the_original(self):
        x, y = labelled([40] * 9)
        x[:, 1, 1] = torch.arange(len(x))
        marks = torch.cat([images[:, 1, 1] for images, _ in MNIST360(x, y, replacement=True)])
        assert len(marks.unique()) < len(marks)

    def test_iterating_again_gives_the_same(self):
        x, y = labelled([20] * 9)
        stream = MNIST360(x, y, 8, seed=3)
        assert all(torch.equal(a[0], b[0]) for a, b in zip(stream, stream, strict=True))

    def test_the_test_samples(self):
        x, y = labelled([12] * 10, size=5)
        task = MNIST360.test(x, y)
        assert len(task) == 9 * 12
        sevens = x[y == 7]
        assert torch.equal(task.inputs[task.labels == 7], rotate(sevens, torch.arange(12) * 30.0))


class TestGeneralised:
    @pytest.mark.parametrize("weights", ["unif", "longtail"])
    def test_phases(self, weights):
        x, y = labelled([300] * 10)
        x[:, 0, 0] = torch.arange(len(x))
        scenario = GeneralisedClassIncremental(x, y, 8, 100, 5, weights)
        used = torch.cat([task.inputs[:, 0, 0] for task in scenario])
        assert len(used.unique()) == len(used) == 800
        met = 0
        for task in scenario:
            assert 1 <= len(task.classes) <= 5
            # labels are numbered as they come
            assert all(label < met or label <= max(task.classes) for label in task.classes)
            met = max(met, max(task.classes) + 1)
            assert met == scenario.met_after[task.index]
            original = torch.tensor(scenario.met)[task.labels]
            assert torch.equal(original, y[task.inputs[:, 0, 0].long()])

    def test_test_samples_are_those_of_classes_met(self):
        x, y = labelled([60] * 10)
        scenario = GeneralisedClassIncremental(x, y, 5, 50, 3)
        for phase in range(5):
            task = scenario.test(x, y, phase)
            met = scenario.met[: scenario.met_after[phase]]
            assert len(task) == 60 * len(met)
            assert task.classes == tuple(range(len(met)))
        unknown = scenario.test(x, y + 100, 4)
        assert len(unknown) == 0

    def test_a_long_tail_favours_the_first_classes(self):
        x, y = labelled([2000] * 10, size=1)
        counts = torch.zeros(10)
        for seed in range(20):
            scenario = GeneralisedClassIncremental(x, y, 1, 1000, 10, "longtail", seed=seed)
            if len(scenario.met) == 10:
                counts += torch.bincount(torch.tensor(scenario.met)[scenario[0].labels], minlength=10)
        expected = 0.984 ** torch.arange(10.0)
        torch.testing.assert_close(counts / counts.sum(), expected / expected.sum(), atol=0.02, rtol=0)

    def test_the_seed_decides(self):
        x, y = labelled([60] * 10)
        first, second = (GeneralisedClassIncremental(x, y, 5, 50) for _ in range(2))
        assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first, second, strict=True))
        assert GeneralisedClassIncremental(x, y, 5, 50, seed=1).met != first.met

    def test_as_many_samples_as_classes(self):
        """Drawing until no class is left empty would take some 10^19 tries here."""
        y = torch.arange(5000) % 50
        scenario = GeneralisedClassIncremental(torch.rand(5000, 2), y, phases=10, samples=50, seed=2)
        assert [len(task) for task in scenario] == [50] * 10
        assert max(len(task.classes) for task in scenario) == 49
