"""State dictionaries survive safetensors and JSON exactly."""

import json
import math
from collections import Counter, OrderedDict

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.training.encoding import decode, encode


def round_trip(value):
    tensors = {}
    text = json.dumps(encode(value, tensors), allow_nan=False)
    return decode(json.loads(text), safetensors.torch.load(safetensors.torch.save(tensors)))


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and _bits(a) == _bits(b)
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    if isinstance(a, dict):
        return (
            list(a) == list(b)
            and all(same(a[key], b[key]) for key in a)
            and isinstance(a, Counter) is isinstance(b, Counter)
        )
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def _bits(tensor):
    tensor = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return tensor.contiguous().view(-1).numpy().tobytes() if tensor.dtype != torch.bfloat16 else tensor.tolist()


dtypes = [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64]
tensors = st.builds(
    lambda dtype, shape, seed: (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 9).to(dtype),
    st.sampled_from(dtypes),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 99),
)
keys = st.one_of(st.text(max_size=6), st.integers(-3, 9), st.sampled_from(["0", "a/b", "$tensor", "a", "b"]))
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
trees = st.recursive(
    st.one_of(plain, tensors),
    lambda below: st.one_of(
        st.lists(below, max_size=4), st.lists(below, max_size=4).map(tuple), st.dictionaries(keys, below, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_round_trip(value):
    assert same(value, round_trip(value))


def test_keys_that_look_alike_stay_apart():
    one, two, three = torch.ones(1), torch.ones(2), torch.ones(3)
    state = {0: one, "0": two, "a/b": one, "a": {"b": two, "b~": three}}
    assert same(state, round_trip(state))


def test_kinds_that_schedulers_keep():
    state = OrderedDict(milestones=Counter([3, 5, 5]), betas=(0.9, 0.999), best=-math.inf)
    again = round_trip(state)
    assert sorted(again["milestones"].elements()) == [3, 5, 5]
    assert again["betas"] == (0.9, 0.999)
    assert again["best"] == -math.inf


def test_tied_and_strided_tensors():
    weight = torch.arange(12.0).reshape(3, 4)
    state = {"tied": weight, "again": weight, "transposed": weight.T, "expanded": torch.ones(1).expand(3)}
    assert all(torch.equal(state[name], value) for name, value in round_trip(state).items())


def test_a_copy_is_kept():
    weight = torch.zeros(2)
    tensors = {}
    encode({"weight": weight}, tensors)
    weight += 1
    assert tensors["weight"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"optimizer": {"hook": print}}, "optimizer/hook is a builtin_function_or_method, which a checkpoint cannot"),
        ([object()], "0 is a object"),
        ({(1, 2): 3}, "state has a key of type tuple"),
    ],
)
def test_what_would_need_pickling_is_refused(state, says):
    with pytest.raises(TypeError, match=says):
        encode(state, {})


@pytest.mark.parametrize("body", [{"$tensor": "gone"}, {"$evil": 1}])
def test_unknown_objects_are_refused(body):
    with pytest.raises(ValueError, match=r"no tensor 'gone'|kind '\$evil'"):
        decode(body, {})
