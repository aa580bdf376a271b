"""Models that go through dowhy and pgmpy, where those are installed."""

import numpy as np
import pytest

from paperwright.statistics.causal import SCM, Categorical, Linear, Normal
from paperwright.statistics.causal.interop import from_dowhy, to_dowhy, to_pgmpy
from paperwright.statistics.causal.ladder import primer

pytestmark = pytest.mark.filterwarnings("ignore")


def test_dowhy_and_back():
    gcm = pytest.importorskip("dowhy.gcm")
    pandas = pytest.importorskip("pandas")
    theirs = to_dowhy(primer())
    unit = pandas.DataFrame({"X": [0.5], "H": [1.0], "Y": [1.5]})
    answer = gcm.counterfactual_samples(theirs, {"H": lambda h: 2.0}, observed_data=unit)
    assert answer["Y"].item() == pytest.approx(1.9)
    again = from_dowhy(theirs)
    np.testing.assert_allclose(again.covariance(["X", "H", "Y"]), primer().covariance(["X", "H", "Y"]))


def test_pgmpy_has_the_same_laws():
    pytest.importorskip("pgmpy")
    from pgmpy.inference import VariableElimination

    model = SCM(
        {
            "Z": Categorical([0.5, 0.5], noise="gumbel"),
            "X": Categorical([[0.2, 0.8], [0.8, 0.2]], ["Z"], noise="gumbel"),
            "Y": Categorical([[[0.7, 0.3], [0.3, 0.7]], [[0.6, 0.4], [0.2, 0.8]]], ["X", "Z"], noise="gumbel"),
        }
    )
    found = VariableElimination(to_pgmpy(model)).query(["Y"], evidence={"X": 1}, show_progress=False)
    assert found.values[1] == pytest.approx(0.48)
    assert to_pgmpy(model.to_graphical()).check_model()
    mean, covariance = to_pgmpy(primer()).to_joint_gaussian()
    np.testing.assert_allclose(covariance, primer().covariance(["X", "H", "Y"]))
    np.testing.assert_allclose(mean, 0)


MIXED = SCM({"A": Categorical([0.5, 0.5], noise="gumbel"), "B": Linear({})}, {"B": Normal()})


def test_pgmpy_gets_no_model_of_several_kinds():
    with pytest.raises(ValueError, match="several kinds"):
        to_pgmpy(MIXED)


def test_dowhy_gets_only_linear_models():
    pytest.importorskip("dowhy.gcm")
    with pytest.raises(ValueError, match="A is not linear"):
        to_dowhy(MIXED)
