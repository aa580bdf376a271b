"""Real numbers at the border: what is taken, and what a refusal says."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from paperwright.blocks.real_numbers import real_number


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_python_and_numpy_numbers_are_floats(value: object) -> None:
    found = real_number("tau", value, "a number", math.isfinite)
    assert (type(found), found) == (float, 2.0)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, TypeError),
        ("2", TypeError),
        (None, TypeError),
        (torch.tensor(2.0), TypeError),
        (math.nan, ValueError),
        (-1.0, ValueError),
        (10**400, ValueError),
    ],
)
def test_what_is_no_such_number_is_refused_in_one_form(value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^tau is .*; expected a number of at least 0\. Take 1\.$"):
        real_number("tau", value, "a number of at least 0", lambda number: number >= 0, "Take 1.")
