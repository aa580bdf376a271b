"""Which examples make up which batch."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import Dataset, TensorDataset

from paperwright.training import Batches, seed_everything


@settings(max_examples=60, deadline=None)
@given(examples=st.integers(1, 60), batch_size=st.integers(1, 8), count=st.integers(1, 4), seed=st.integers(0, 2**40))
def test_an_epoch_shares_the_examples_out(examples, batch_size, count, seed):
    data = torch.arange(examples)
    if examples < batch_size * count:
        with pytest.raises(ValueError, match=f"{examples} examples do not make one batch of {batch_size}"):
            Batches(data, batch_size=batch_size, seed=seed, count=count)
        return
    processes = [Batches(data, batch_size=batch_size, seed=seed, count=count, index=index) for index in range(count)]
    alone = Batches(data, batch_size=batch_size * count, seed=seed)
    for number in range(2 * alone.per_epoch):
        together = torch.cat([process.indices(number) for process in processes])
        assert torch.equal(together, alone.indices(number))
    epoch = torch.cat([alone.indices(number) for number in range(alone.per_epoch)])
    assert len(epoch) == len(epoch.unique()) == examples // (batch_size * count) * batch_size * count


def test_epochs_and_seeds_differ():
    one, two = (Batches(torch.arange(100), batch_size=100, seed=seed) for seed in (0, 1))
    assert not torch.equal(one.indices(0), one.indices(1))
    assert not torch.equal(one.indices(0), two.indices(0))
    assert torch.equal(one.indices(0), Batches(torch.arange(100), batch_size=100, seed=0).indices(0))


def test_forms_of_data():
    x, y = torch.arange(20.0).reshape(10, 2), torch.arange(10)
    as_tensors = list(islice(Batches((x, y), batch_size=3, seed=0).start_at(0), 7))
    as_dataset = list(islice(Batches(TensorDataset(x, y), batch_size=3, seed=0).start_at(0), 7))
    alone = list(islice(Batches(x, batch_size=3, seed=0).start_at(0), 7))
    for (a, b), (c, d), e in zip(as_tensors, as_dataset, alone, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)
        assert torch.equal(a, e)
    with pytest.raises(ValueError, match=r"differ in length: \[10, 9\]"):
        Batches((x, y[:9]), batch_size=3, seed=0)


class Noisy(Dataset):
    """A random transform of each example, from the global generator."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return index + torch.rand(2)


@pytest.mark.slow
def test_random_transforms_do_not_depend_on_workers_or_on_where_it_starts():
    batches = Batches(Noisy(), batch_size=4, seed=0)
    whole = list(islice(batches.start_at(0), 8))
    assert not torch.equal(whole[0] % 1, whole[1] % 1)
    for start in (1, 3, 5):
        for again, before in zip(batches.start_at(start), whole[start:], strict=False):
            assert torch.equal(again, before)
    loaded = Batches(Noisy(), batch_size=4, seed=0, workers=2).start_at(2)
    for _, before in zip(range(4), whole[2:], strict=False):
        assert torch.equal(next(loaded), before)
    other = next(Batches(Noisy(), batch_size=4, seed=0, count=2, index=1).start_at(0))
    assert not torch.equal(other, whole[0])


def test_loading_leaves_the_global_generator_alone():
    seed_everything(0)
    expected = torch.rand(3)
    seed_everything(0)
    list(islice(Batches(Noisy(), batch_size=4, seed=0).start_at(0), 5))
    assert torch.equal(torch.rand(3), expected)
