"""The estimator is one of scikit-learn's, and does not forget."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from paperwright.lifelong.cls_er import ContinualClassifier

SMALL = {"hidden": (20,), "random_state": 0}


@pytest.fixture(autouse=True)
def as_users_meet_it():
    """Scikit-learn's checks hand over whatever users may, which the type checks of the test run would forestall."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@parametrize_with_checks([ContinualClassifier(random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    return x / 16, np.array([f"digit {label}" for label in y])


def in_stages(model: ContinualClassifier, x: np.ndarray, y: np.ndarray) -> ContinualClassifier:
    labels = np.unique(y)
    for pair in np.split(labels, 5):
        chosen = np.isin(y, pair)
        model.partial_fit(x[chosen], y[chosen], classes=labels)
    return model


def test_it_remembers_what_came_first(digits):
    x, y = (part[:800] for part in digits)
    forgets = in_stages(ContinualClassifier("fine_tune", **SMALL), x, y).score(x, y)
    replays = in_stages(ContinualClassifier("er", memory_size=100, **SMALL), x, y).score(x, y)
    ours = in_stages(ContinualClassifier("cls_er", memory_size=100, **SMALL), x, y).score(x, y)
    assert forgets < 0.3 < 0.5 < min(ours, replays)


@pytest.mark.parametrize("count", [300, 1000])
def test_the_default_learner_is_no_worse_than_plain_replay(digits, count):
    """New classes two at a time, one pass; the means of two pilot seeds, less two points for noise."""
    x, y = digits
    means = {}
    for learner in ("cls_er", "er"):
        models = [ContinualClassifier(learner, random_state=1_000_000 + seed) for seed in range(2)]
        means[learner] = np.mean([in_stages(model, x[:count], y[:count]).score(x[1400:], y[1400:]) for model in models])
    assert means["cls_er"] > means["er"] - 0.02


@pytest.mark.parametrize("learner", ["cls_er", "er", "der++", "er_ace", "fine_tune", "joint"])
def test_every_learner_stands_behind_it(learner, digits):
    x, y = digits
    model = clone(ContinualClassifier(learner, epochs=2, **SMALL)).fit(x[:300], y[:300])
    probabilities = model.predict_proba(x)
    assert probabilities.shape == (len(x), 10)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert set(model.predict(x)) <= set(y)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(x), probabilities)
    again = ContinualClassifier(learner, epochs=2, **SMALL).fit(x[:300], y[:300])
    assert np.array_equal(again.predict_proba(x), probabilities)


def test_it_works_in_a_pipeline_with_a_network_of_ones_own(digits):
    x, y = digits
    model = ContinualClassifier(network=lambda inputs, classes: nn.Linear(inputs, classes), epochs=2, random_state=0)
    assert make_pipeline(MinMaxScaler(), model).fit(x[:500], y[:500]).score(x[500:], y[500:]) > 0.7


@pytest.mark.parametrize("learner", ["cls_er", "er", "der++", "joint"])
def test_classes_need_not_be_known_in_advance(learner, digits):
    """Labels come from the last to the first, so that new ones stand before those that there are."""
    x, y = digits
    grown = ContinualClassifier(learner, random_state=0)
    for pair in np.split(np.unique(y)[::-1], 5):
        chosen = np.isin(y[:900], pair)
        grown.partial_fit(x[:900][chosen], y[:900][chosen])
    assert grown.classes_.tolist() == np.unique(y).tolist()
    assert grown.predict_proba(x).shape == (len(x), 10)
    assert grown.score(x[1400:], y[1400:]) > 0.4


def test_a_duplicate_goes_on_alike(digits):
    x, y = digits
    model = ContinualClassifier(**SMALL).partial_fit(x[:200], y[:200], classes=np.unique(y))
    twin = pickle.loads(pickle.dumps(model))
    for each in (model, twin):
        each.partial_fit(x[200:400], y[200:400])
    assert np.array_equal(model.predict_proba(x), twin.predict_proba(x))


def test_what_random_state_and_learning_rate_decide(digits):
    """A network of one's own is drawn from `random_state`; a rate set in mid-stream holds from the next batch."""
    x, y = digits
    first, second = (
        ContinualClassifier(network=lambda inputs, classes: nn.Linear(inputs, classes), random_state=0).fit(
            x[:200], y[:200]
        )
        for _ in range(2)
    )
    before = first.predict_proba(x)
    assert np.array_equal(second.predict_proba(x), before)
    first.set_params(learning_rate=0.0, plastic_decay=0.0).partial_fit(x[:200], y[:200])
    second.partial_fit(x[:200], y[:200])
    weights = first.learner_.working.weight, second.learner_.working.weight
    assert not torch.equal(*weights)


def test_raw_features_do_not_end_in_nan(digits):
    x, y = digits
    model = ContinualClassifier(**SMALL).partial_fit(1e4 * x[:400], y[:400])
    assert np.isfinite(model.predict_proba(1e4 * x)).all()
    with pytest.raises(FloatingPointError, match="inputs of about unit range"):
        model.partial_fit(1e30 * x, y)


def test_new_classes_may_come_after_fit(digits):
    x, y = digits
    old = np.isin(y, ["digit 0", "digit 1"])
    model = ContinualClassifier(**SMALL).fit(x[old], y[old]).partial_fit(x[:200], y[:200])
    assert model.classes_.tolist() == np.unique(y).tolist()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"learner": "replay"}, "learner is 'replay'; expected one of"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"epochs": 1.5}, r"epochs is 1\.5"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"learning_rate": "a"}, "learning_rate is 'a'"),
        ({"hidden": 5}, "hidden is 5; expected the widths"),
        ({"hidden": (0,)}, "a width in hidden is 0"),
        ({"network": 3}, "network is 3; expected a function"),
        ({"network": lambda inputs, classes: 5}, "what network returns is 5"),
        ({"network": lambda inputs, classes: nn.Linear(inputs, classes + 1)}, r"answers shape \(1, 11\)"),
        ({"device": "cuda:77"}, "there is no device cuda:77 here"),
        ({"device": "gpu"}, "device is 'gpu'; expected a device of torch"),
    ],
)
def test_refused_parameters(wrong, says, digits):
    x, y = digits
    model = ContinualClassifier(**SMALL | wrong)
    with pytest.raises((TypeError, ValueError), match=says):
        model.fit(x, y)
    with pytest.raises(NotFittedError):
        model.predict(x)


def test_refused_labels(digits):
    x, y = digits
    model = ContinualClassifier(**SMALL)
    for classes in (["digit 0"], []):
        with pytest.raises(ValueError, match="not among classes"):
            model.partial_fit(x[:20], y[:20], classes=classes)
        assert not hasattr(model, "learner_")
    model.partial_fit(x[:20], y[:20], classes=np.unique(y))
    with pytest.raises(ValueError, match="not among classes"):
        model.partial_fit(x[:2], ["digit 0", "letter"])
    with pytest.raises(ValueError, match="not the same"):
        model.partial_fit(x[:2], y[:2], classes=["digit 0"])
