"""The reservoir holds a uniform sample, inserts in batches as it would one by one, and survives being saved."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from scipy import stats

from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reservoir import distinct, reservoir_slots


def stream(start: int, stop: int) -> dict[str, torch.Tensor]:
    labels = torch.arange(start, stop)
    return {"inputs": labels[:, None].float().expand(-1, 2).clone(), "labels": labels}


def test_each_item_of_the_stream_is_held_with_the_same_probability():
    capacity, items, runs = 8, 40, 1000
    held = torch.zeros(items)
    for seed in range(runs):
        memory = ReservoirMemory(capacity, seed=seed)
        for start in range(0, items, 10):
            memory.add(labels=torch.arange(start, start + 10))
        held[memory.contents()["labels"]] += 1
    expected = runs * capacity / items
    # Membership of different items is slightly negatively correlated, so that this statistic is if anything small.
    statistic = float(((held - expected) ** 2 / (expected * (1 - capacity / items))).sum())
    assert stats.chi2.sf(statistic, items - 1) > 1e-4


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 2**32))
def test_a_batch_enters_as_its_samples_would_one_by_one(capacity, lengths, seed):
    """Vitter's loop on the same random numbers is the reference; within a batch the later sample wins a slot."""
    memory, total = ReservoirMemory(capacity, seed=seed), 0
    drawn = torch.Generator().manual_seed(seed)
    slots: dict[int, int] = {}
    for length in lengths:
        memory.add(**stream(total, total + length))
        needed = total + length > capacity
        uniform = torch.rand(length, generator=drawn, dtype=torch.float64).tolist() if needed else [0.0] * length
        for t, u in zip(range(total, total + length), uniform, strict=True):
            slot = t if t < capacity else int(u * (t + 1))
            if slot < capacity:
                slots[slot] = t
        total += length
    contents = memory.contents()
    assert contents["labels"].tolist() == [slots[slot] for slot in range(len(memory))]
    assert torch.equal(contents["inputs"][:, 0], contents["labels"].float())
    assert (memory.seen, len(memory)) == (total, min(total, capacity))


def test_the_later_of_two_rows_takes_the_slot():
    seen_twice = [
        slots
        for seed in range(200)
        if len(slots := reservoir_slots(1, 50, 1, torch.Generator().manual_seed(seed))) == 1
    ]
    uniform = [
        torch.rand(50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in range(200)
    ]
    last = [
        int((u * torch.arange(2, 52)).floor().eq(0).nonzero().max())
        for u in uniform
        if (u * torch.arange(2, 52) < 1).any()
    ]
    assert [slots[0] for slots in seen_twice] == last


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32))
def test_choices_are_distinct(population, size, seed):
    chosen = distinct(population, min(size, population), torch.Generator().manual_seed(seed)).tolist()
    assert len(set(chosen)) == len(chosen) == min(size, population)
    assert all(0 <= number < population for number in chosen)


@pytest.mark.parametrize(("population", "size"), [(5, 2), (5, 4)])
def test_every_ordered_choice_is_equally_likely(population, size):
    generator = torch.Generator().manual_seed(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(6000):
        choice = tuple(distinct(population, size, generator).tolist())
        counts[choice] = counts.get(choice, 0) + 1
    assert stats.chisquare([*counts.values()]).pvalue > 1e-4
    assert len(counts) == {2: 20, 4: 120}[size]


def test_a_sample_is_at_most_what_there_is():
    memory = ReservoirMemory(100, seed=0)
    memory.add(**stream(0, 7))
    assert sorted(memory.sample(32)["labels"].tolist()) == list(range(7))


def test_bytes_keep_images_exactly():
    images = torch.randint(0, 256, (300, 3, 4, 4)).float() / 255
    plain, small = ReservoirMemory(50, seed=0), ReservoirMemory(50, seed=0, storage={"inputs": torch.uint8})
    for memory in (plain, small):
        memory.add(inputs=images)
    assert small.rows.columns["inputs"].dtype == torch.uint8
    assert torch.equal(plain.sample(20)["inputs"], small.sample(20)["inputs"])


def test_other_dtypes_are_casts():
    memory = ReservoirMemory(4, seed=0, storage={"logits": torch.float16})
    memory.add(logits=torch.tensor([[0.1]]))
    assert memory.sample(1)["logits"].item() == pytest.approx(0.1, abs=1e-4)


def test_a_killed_run_goes_on_bit_for_bit():
    memory = ReservoirMemory(10, seed=0)
    memory.add(**stream(0, 35))
    saved = save(memory.state_dict())
    resumed = ReservoirMemory(10, seed=99)
    resumed.load_state_dict(load(saved))
    for each in (memory, resumed):
        each.add(**stream(35, 60))
    for name, values in memory.contents().items():
        assert torch.equal(values, resumed.contents()[name])
    assert torch.equal(memory.sample(4)["labels"], resumed.sample(4)["labels"])
    assert resumed.seen == 60


def test_saving_an_empty_memory_and_loading_it_into_a_full_one():
    full = ReservoirMemory(3, seed=0)
    full.add(**stream(0, 5))
    full.load_state_dict(ReservoirMemory(3, seed=1).state_dict())
    assert len(full) == 0
    full.add(other=torch.zeros(2))
    assert len(full) == 2


def test_it_moves_with_its_module():
    memory = ReservoirMemory(3, seed=0)
    memory.add(inputs=torch.zeros(2, 2), labels=torch.zeros(2, dtype=torch.int64))
    memory.double()
    assert memory.contents()["inputs"].dtype == torch.float64
    assert memory.contents()["labels"].dtype == torch.int64


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: ReservoirMemory(0), ValueError, "capacity"),
        (lambda: ReservoirMemory(3).sample(1), ValueError, "empty"),
        (lambda: filled().sample(0), ValueError, "size is 0; expected a whole number"),
        (lambda: filled().sample(1.5), ValueError, "size is 1.5"),
        (lambda: ReservoirMemory(1.5), ValueError, "capacity is 1.5"),
        (lambda: filled().add(), ValueError, "column"),
        (lambda: filled().add(inputs=torch.zeros(2, 2), labels=torch.zeros(3)), ValueError, "one length"),
        (lambda: filled().add(inputs=torch.zeros(2, 5), labels=torch.zeros(2)), ValueError, "shape"),
        (lambda: filled().add(inputs=torch.zeros(2, 2)), ValueError, "columns"),
        (lambda: filled().add(inputs=torch.zeros(2, 2), labels=torch.zeros(2)), TypeError, "int64"),
        (lambda: ReservoirMemory(3).add(inputs=torch.tensor(1.0)), ValueError, "scalar"),
        (lambda: ReservoirMemory(3).add(inputs=[1, 2]), TypeError, "tensor"),
        (lambda: bytes_memory().add(inputs=torch.rand(2, 2)), ValueError, "k/255"),
        (lambda: bytes_memory().add(inputs=torch.full((2, 2), -1.0)), ValueError, "k/255"),
        (lambda: bytes_memory().add(inputs=torch.zeros(2, 2).double()), TypeError, "float32"),
        (lambda: ReservoirMemory(4).load_state_dict(filled().state_dict()), RuntimeError, "capacity of 4"),
    ],
)
def test_refusals(wrong, error, says, as_users_meet_it):
    with pytest.raises(error, match=says):
        wrong()


@pytest.mark.parametrize("capacity", [3, 20])
def test_a_refused_batch_changes_nothing(capacity, as_users_meet_it):
    """Also where the row that cannot be stored would not have been kept."""
    memory = ReservoirMemory(capacity, seed=0, storage={"inputs": torch.uint8})
    memory.add(inputs=torch.zeros(12, 2))
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    for wrong in (torch.tensor([[0.0, 0.0], [-1.0, 0.0]]), torch.zeros(2, 3), torch.zeros(2, 2).double()):
        with pytest.raises((ValueError, TypeError)):
            memory.add(inputs=wrong)
    assert all(torch.equal(value, before[name]) for name, value in memory.state_dict().items())


def filled() -> ReservoirMemory:
    memory = ReservoirMemory(3, seed=0)
    memory.add(**stream(0, 5))
    return memory


def bytes_memory() -> ReservoirMemory:
    return ReservoirMemory(3, seed=0, storage={"inputs": torch.uint8})
