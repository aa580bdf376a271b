"""To and from the libraries of the field: dowhy's and pgmpy's models."""

import warnings
from typing import Any

import numpy as np
import torch

from .levels import CausalGraphicalModel, MechanismLaw
from .mechanisms import AdditiveNoise, Categorical, Linear
from .noise import NONE, Normal
from .scm import SCM


def to_dowhy(model: SCM) -> Any:
    """Return a dowhy `InvertibleStructuralCausalModel` with the same equations, fitted to nothing.

    Args:
        model: linear with Normal noise.

    Raises:
        ValueError: a node that is not.
    """
    from dowhy import gcm
    from scipy import stats
    from sklearn.linear_model import LinearRegression

    causal = gcm.InvertibleStructuralCausalModel(_graph(model))
    for name in model.order:
        form, law = model.mechanisms[name].linear_form(), model.noise[name]
        if form is None or not isinstance(law, Normal):
            raise ValueError(
                f"{name} is not linear with Normal noise; expected that of all nodes. Fit dowhy to samples."
            )
        noise = gcm.ScipyDistribution(stats.norm, loc=form.scale * law.mean, scale=abs(form.scale) * law.deviation)
        parents = sorted(form.weights)  # dowhy sorts the parents of a node
        if not parents:
            root = gcm.ScipyDistribution(
                stats.norm, loc=form.intercept + form.scale * law.mean, scale=abs(form.scale) * law.deviation
            )
            causal.set_causal_mechanism(name, root)
        else:
            regression = LinearRegression()
            regression.coef_ = np.array([form.weights[parent] for parent in parents])
            regression.intercept_, regression.n_features_in_ = form.intercept, len(parents)
            predictor = gcm.ml.SklearnRegressionModel(regression)
            causal.set_causal_mechanism(name, gcm.AdditiveNoiseModel(predictor, noise))
        causal.graph.nodes[name][gcm.fitting_sampling.PARENTS_DURING_FIT] = sorted(causal.graph.predecessors(name))
    return causal


def from_dowhy(causal: Any) -> SCM:
    """Return the model of a fitted dowhy one whose nodes are roots or have a regression with additive noise.

    Noise that is no scipy normal law is replaced by a Normal of its mean and deviation, with a warning.

    Raises:
        ValueError: a mechanism of another kind.
    """
    mechanisms, noise = {}, {}
    for name in causal.graph.nodes:
        found = causal.causal_mechanism(name)
        parents = sorted(causal.graph.predecessors(name))
        law = getattr(found, "noise_model", found)
        regression: Any = getattr(getattr(found, "prediction_model", None), "sklearn_model", None)
        if parents and (regression is None or not hasattr(regression, "predict")):
            raise ValueError(
                f"{name} has the mechanism {found}; expected an AdditiveNoiseModel of scikit-learn. Refit."
            )
        if not parents:
            mechanisms[name] = Linear({})
        elif hasattr(regression, "coef_"):
            weights = dict(zip(parents, np.ravel(regression.coef_).tolist(), strict=True))
            mechanisms[name] = Linear(weights, float(np.ravel(regression.intercept_)[0]))
        else:
            mechanisms[name] = AdditiveNoise(_prediction(regression), parents)  # type: ignore[assignment]
        given = getattr(law, "parameters", None)
        distribution = getattr(getattr(law, "scipy_distribution", None), "name", None)
        if distribution == "norm" and given is not None:
            noise[name] = Normal(float(given["loc"]), float(given["scale"]))
        else:
            warnings.warn(
                f"the noise of {name} is no scipy normal law: a Normal of its mean and deviation stands in for it. "
                "Fit with ScipyDistribution(scipy.stats.norm) if that is not meant.",
                stacklevel=2,
            )
            draws = np.asarray(law.draw_samples(10_000), dtype=float)
            noise[name] = Normal(float(draws.mean()), float(draws.std()))
    return SCM(mechanisms, noise)


def to_pgmpy(model: SCM | CausalGraphicalModel) -> Any:
    """Return a pgmpy `DiscreteBayesianNetwork` or `LinearGaussianBayesianNetwork` with the same laws.

    Raises:
        ValueError: nodes that are neither all categories with tables nor all linear with Normal noise.
    """
    if not isinstance(model, SCM):
        laws = {name: law for name, law in model.conditionals.items() if isinstance(law, MechanismLaw)}
        model = SCM({n: law.mechanism for n, law in laws.items()}, {n: law.noise for n, law in laws.items()})
    edges = [(parent, name) for name, above in model.parents.items() for parent in above]
    mechanisms = model.mechanisms
    if all(isinstance(each, Categorical) and each.logits is None for each in mechanisms.values()):
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

        network = DiscreteBayesianNetwork(edges)
        network.add_nodes_from(mechanisms)
        sizes = {name: each.categories for name, each in mechanisms.items() if isinstance(each, Categorical)}
        for name, each in mechanisms.items():
            if isinstance(each, Categorical):
                table = each.table.reshape(-1, each.categories).T.numpy()
                cards = [sizes[parent] for parent in each.parents]
                network.add_cpds(TabularCPD(name, each.categories, table, list(each.parents) or None, cards or None))
        return network
    if model.linear_system() is None or NONE in model.noise.values():
        raise ValueError(
            "the nodes are of several kinds; expected all tables, or all linear with Normal noise. Split it."
        )
    from pgmpy.factors.continuous import LinearGaussianCPD
    from pgmpy.models import LinearGaussianBayesianNetwork

    network = LinearGaussianBayesianNetwork(edges)
    network.add_nodes_from(mechanisms)
    for name, each in mechanisms.items():
        form, law = each.linear_form(), model.noise[name]
        if form is not None and isinstance(law, Normal):
            intercept = form.intercept + form.scale * law.mean
            coefficients = [intercept, *form.weights.values()]
            network.add_cpds(LinearGaussianCPD(name, coefficients, abs(form.scale) * law.deviation, list(form.weights)))
    return network


def _graph(model: SCM) -> Any:
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(model.mechanisms)
    graph.add_edges_from((parent, name) for name, above in model.parents.items() for parent in above)
    return graph


def _prediction(regression: Any) -> Any:
    def predict(*columns: torch.Tensor) -> torch.Tensor:
        rows = torch.stack(columns, -1).numpy()
        return torch.from_numpy(np.ravel(regression.predict(rows)))

    return predict
