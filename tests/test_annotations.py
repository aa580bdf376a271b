"""The suite executes annotations: a wrong shape or type raises, and a whole number is good enough for a float."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")

from jaxtyping import TypeCheckError  # noqa: E402

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
