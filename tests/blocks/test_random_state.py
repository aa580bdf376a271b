"""A generator that travels with its module."""

import copy
import pickle

import pytest
import torch

from paperwright.blocks import RandomState


def draw(state: RandomState) -> float:
    return float(torch.rand((), generator=state.generator))


def test_same_seed_draws_the_same():
    assert draw(RandomState(3)) == draw(RandomState(3)) != draw(RandomState(4))


def test_without_seed_torch_decides():
    torch.manual_seed(1)
    first = draw(RandomState())
    torch.manual_seed(1)
    assert draw(RandomState()) == first
    assert draw(RandomState()) != first


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_a_duplicate_goes_on_where_the_original_stands(duplicate):
    state = RandomState(0)
    draw(state)
    assert draw(duplicate(state)) == draw(state)


def test_state_dict_goes_on_where_it_was_saved():
    state, other = RandomState(0), RandomState(1)
    draw(state)
    other.load_state_dict(copy.deepcopy(state.state_dict()))
    assert draw(other) == draw(state)


def test_a_missing_state_is_noticed():
    with pytest.raises(RuntimeError, match="state"):
        RandomState(0).load_state_dict({})
