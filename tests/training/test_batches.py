"""Which examples make up which batch."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from paperwright.training.batches import Batches


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


class Doubled:
    """A sequence that is asked for many examples at once."""

    def __len__(self):
        return 12

    def __getitems__(self, indices):
        return [2 * index for index in indices]


def test_it_starts_anywhere_and_collates_as_told():
    whole = list(islice(Batches(range(12), batch_size=4, seed=0, collate=list).start_at(0), 8))
    assert list(islice(Batches(range(12), batch_size=4, seed=0, collate=list).start_at(5), 3)) == whole[5:]
    assert next(Batches(Doubled(), batch_size=4, seed=0, collate=list).start_at(0)) == [2 * i for i in whole[0]]
    tensors = torch.arange(12)
    assert next(Batches(tensors, batch_size=4, seed=0, collate=torch.stack).start_at(0)).tolist() == whole[0]
