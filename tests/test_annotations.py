"""The suite executes annotations: a wrong shape or type raises, and a whole number is good enough for a float."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")

from dataclasses import dataclass  # noqa: E402
from typing import Literal  # noqa: E402

from executed_annotations import checked, jaxtyped  # noqa: E402
from jaxtyping import Float, TypeCheckError, config  # noqa: E402
from torch import Tensor  # noqa: E402

from paperwright.data.graph_pairs import csl_graphs  # noqa: E402
from paperwright.graphs.esan import SetLayer  # noqa: E402
from paperwright.graphs.esan.sampling import Share  # noqa: E402


def test_shapes_and_types_are_executed() -> None:
    with pytest.raises(TypeCheckError):
        SetLayer(2, 3)(torch.zeros(4), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(TypeCheckError):
        csl_graphs(copies="2")


def test_a_whole_number_is_a_float() -> None:
    assert Share(fraction=1).of(3) == 3


Rows = tuple[Float[Tensor, " rows"], ...]


def test_lengths_must_agree_wherever_a_shape_stands() -> None:
    def pairs(first: list[Rows | None], second: Rows) -> None: ...

    two, three = (torch.zeros(2),), (torch.zeros(3),)
    executed = jaxtyped(pairs, typechecker=checked)
    executed([two], two)
    with pytest.raises(TypeCheckError):
        executed([two], three)


def test_private_functions_are_checked_only_for_shapes() -> None:
    def _half(number: int) -> int:
        return number // 2

    def _same(first: Rows, second: Rows) -> None: ...

    assert jaxtyped(_half, typechecker=checked) is _half
    with pytest.raises(TypeCheckError):
        jaxtyped(_same, typechecker=checked)((torch.zeros(2),), (torch.zeros(3),))


def test_what_has_no_shapes_is_checked_too_unless_that_is_turned_off() -> None:
    def half(number: int, way: Literal["up", "down"] = "down") -> int:
        return number // 2 if way == "down" else "up"

    @dataclass
    class Size:
        width: int

    executed, Sized = (jaxtyped(each, typechecker=checked) for each in (half, Size))
    assert executed(5) == 2
    assert Sized(3).width == 3
    for wrong in (lambda: executed(5.5), lambda: executed(5, "left"), lambda: executed(5, "up"), lambda: Sized("3")):
        with pytest.raises(TypeCheckError):
            wrong()
    config.update("jaxtyping_disable", True)
    try:
        assert executed(5.5) == 2.0
    finally:
        config.update("jaxtyping_disable", False)
