"""The queue holds what came last."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.blocks import FirstInFirstOut


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(0, 30), max_size=6))
def test_it_holds_the_last_rows(capacity, lengths):
    queue, total = FirstInFirstOut(capacity), 0
    for length in lengths:
        queue.enqueue(keys=torch.arange(total, total + length))
        total += length
    held = queue.contents().get("keys", torch.empty(0)).tolist()
    assert sorted(held) == list(range(max(total - capacity, 0), total))
    assert all(number % capacity == slot for slot, number in enumerate(held))
    assert len(queue) == len(held)


def test_it_is_saved_with_its_module():
    queue, other = FirstInFirstOut(4), FirstInFirstOut(4)
    queue.enqueue(keys=torch.arange(6))
    other.load_state_dict(queue.state_dict())
    for each in (queue, other):
        each.enqueue(keys=torch.arange(6, 9))
    assert torch.equal(queue.contents()["keys"], other.contents()["keys"])


def test_refusals(as_users_meet_it):
    with pytest.raises(ValueError, match="capacity"):
        FirstInFirstOut(0)
    queue = FirstInFirstOut(4)
    queue.enqueue(keys=torch.zeros(2, 3))
    with pytest.raises(ValueError, match="shape"):
        queue.enqueue(keys=torch.zeros(2, 4))
