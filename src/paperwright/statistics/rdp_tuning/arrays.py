"""What the room takes for arrays: numbers, sequences, numpy arrays, torch tensors. What it returns is numpy float64."""

from collections.abc import Sequence
from typing import Any, SupportsFloat

# Arrays and tensors have __float__ too. numpy's own ArrayLike refuses Python numbers when it is checked at run time.
ArrayLike = SupportsFloat | Sequence[Any]
