"""What the paper states about curvature, over-squashing and rewiring, as experiments."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from scipy.stats import spearmanr, wasserstein_distance
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from paperwright import data
from paperwright.claims import Above, All, Always, Budget, Claim, Greater, Ladder, Never, Reported
from paperwright.graphs.sdrf import (
    balanced_forman_curvature,
    cheeger,
    reachable_component,
    sensitivity,
    spectral_gap,
)
from paperwright.graphs.sdrf.generated import (
    bottlenecked_graph,
    double_star,
    random_graph_and_set,
    regular_tree,
    with_random_two_hop_edges,
)
from paperwright.graphs.sdrf.node_classification import GCN, Settings, classify
from paperwright.graphs.sdrf.search import Diffusion, Flow, Rewiring, best_of_search, rewired
from paperwright.graphs.sdrf.sensitivity import sensitivity_across
from paperwright.graphs.sdrf.theory import diffusion_bound, jacobian_bound, least_mean, squashing_of_edges

UNCONFIRMED = "quoted from memory, not checked against the paper"

# Table of hyperparameters in the paper's appendix (unconfirmed but for Cora): iterations, tau, C+.
FLOW = {
    "cornell": Flow(126, 145, 0.88),
    "texas": Flow(89, 22, 1.64),
    "wisconsin": Flow(136, 12, 7.95),
    "cora": Flow(100, 163, 0.95),
    "citeseer": Flow(84, 180, 0.22),
}
# The GCN's, for the undirected graph; every arm gets the same.
NETWORK: dict[str, dict[str, Any]] = {
    "cornell": {"hidden": 128, "dropout": 0.2911, "lr": 0.0056, "weight_decay": 0.0336},
    "texas": {"hidden": 64, "dropout": 0.2160, "lr": 0.0229, "weight_decay": 0.0137},
    "wisconsin": {"hidden": 64, "dropout": 0.2452, "lr": 0.0113, "weight_decay": 0.1559},
}
TABLE_2 = {"cornell": (53.20, 57.54), "texas": (63.38, 70.35), "wisconsin": (51.37, 61.55)}
STAND_IN = "block-model"  # for the smoke budget, which needs no file


def graph_named(name: str) -> Data:
    """A data set's graph; those of the WebKB and Planetoid collections by their short names."""
    full = {"cora": "planetoid/cora", "citeseer": "planetoid/citeseer", STAND_IN: STAND_IN}.get(name, f"webkb/{name}")
    return data.load(full).graph


# ---------------------------------------------------------------------------------------------------------------------


def node_classification(
    rewiring: Rewiring,
    *,
    seed: int,
    device: str,
    graph: str,
    component: Literal["whole", "released"],
    network: dict[str, Any],
    epochs: int,
    search: int = 0,
) -> dict[str, float]:
    """Test accuracy of a GCN on the graph as it is, rewired by curvature, or replaced by its diffusion.

    With `search` it is the best of so many random settings, by validation accuracy.
    """
    data = graph_named(graph)
    if component == "released":
        data = reachable_component(data)
    data.edge_index = to_undirected(data.edge_index, num_nodes=data.num_nodes)
    settings = Settings(**network, epochs=epochs)
    if search:
        outcome = best_of_search(data, rewiring, settings, search, seed, device)
    else:
        outcome = classify(rewired(data, rewiring, seed), settings, seed, device)
    return {"accuracy": outcome.test, "validation_accuracy": outcome.validation}


def _classification_claim(graph: str, component: str) -> Claim:
    before, after = TABLE_2[graph]
    settings = {"component": component, "network": NETWORK[graph]}
    here: dict[str, Any] = {"needs": [f"webkb/{graph}"], "graph": graph, **settings}
    which = "its whole graph" if component == "whole" else 'the "largest component" that the released code keeps'
    return Claim(
        statement=f"Rewiring by curvature raises a GCN's node classification accuracy on {graph.title()} ({which}).",
        where="Table 2",
        reported=[
            Reported(before, "accuracy", arm="none", where="Table 2, undirected", note=UNCONFIRMED),
            Reported(after, "accuracy", arm="official", where="Table 2, SDRF + undirected", note=UNCONFIRMED),
        ],
        arms={
            "none": None,
            "paper": FLOW[graph],
            "official": replace(FLOW[graph], definition="official"),
            "digl": Diffusion(0.15, 64),
        },
        rule=Greater("accuracy", "paper", than="none"),
        budgets={
            "smoke": Budget(seeds=2, graph=STAND_IN, epochs=60, **settings),
            "desk": Budget(seeds=25, epochs=300, **here),
            "paper": Budget(seeds=(25, 100), epochs=1000, search=50, **here),
        },
        scale="the paper's data, network and best settings; 25 splits for 100, 300 epochs for 1,000, no search",
        trial=node_classification,
        tolerance=0.1,  # a test set of 27 to 50 nodes, and training
        remarks="""Arms: the undirected graph; SDRF with the curvature that the paper defines; SDRF with the one
            that the released code computes; DIGL (alpha 0.15, top 64). All share one set of GCN hyperparameters,
            the paper's for this graph, a random 60/20/20 split for each seed, and the test accuracy at the best
            validation epoch. The paper tunes every arm apart; the paper budget does the same with 50 random
            settings for each arm, chosen on validation accuracy. Tori et al. (arXiv 2407.09381) also find little
            gain, and trace the published one to hyperparameter sweeps.""",
    )


rewiring_helps = {
    f"{graph}-{component}": _classification_claim(graph, component)
    for graph in NETWORK
    for component in ("whole", "released")
}


# ---------------------------------------------------------------------------------------------------------------------

SIZES = (90, 360, 1440)  # nodes


@dataclass(frozen=True)
class BlockModel:
    """A stochastic block model of so many nodes, rewired or not."""

    nodes: int
    rewired: bool


def classify_block_model(model: BlockModel, *, seed: int, device: str, share: float, epochs: int) -> dict[str, float]:
    """Test accuracy of a GCN on a graph whose edges join different classes, SDRF adding a share of its edges or not."""
    thinner = 180 / model.nodes  # the same degree at every size
    graph = data.load("block-model", nodes=model.nodes, inside=0.02 * thinner, across=0.08 * thinner, seed=seed).graph
    flow = Flow(round(share * graph.num_edges / 2), tau=100.0) if model.rewired else None
    outcome = classify(rewired(graph, flow, seed), Settings(epochs=epochs), seed, device)
    return {"accuracy": outcome.test, "validation_accuracy": outcome.validation}


gain_by_size_of_graph = Claim(
    statement="""What rewiring by curvature adds to a GCN's accuracy on a heterophilous stochastic block model does not
        shrink as the graph grows.""",
    where="Section 6: the method is offered for graphs of every size; Table 2 has its greatest gains on the smallest",
    arms={
        f"{name}, {nodes} nodes": BlockModel(nodes, name == "rewired")
        for nodes in SIZES
        for name in ("rewired", "as it is")
    },
    rule=Ladder(
        "accuracy",
        {nodes: (f"rewired, {nodes} nodes", f"as it is, {nodes} nodes") for nodes in SIZES},
        expects="does not shrink",
        margin=1.0,
        bounds=(0, 100),
    ),
    budgets={
        "smoke": Budget(seeds=2, share=0.1, epochs=10),
        "desk": Budget(seeds=(10, 20), share=0.1, epochs=200),
        "paper": Budget(seeds=100, share=0.1, epochs=1000),
    },
    scale="generated graphs of 90 to 1,440 nodes for the paper's nine of 140 to 20,000; settings of our own",
    trial=classify_block_model,
    tolerance=0.1,
    remarks="""Three classes, 11 edges a node at every size, four of five between classes. SDRF adds 10% of the edges. A
        point of accuracy for each tenfold size counts as no change.""",
)


# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rivals:
    """SDRF, and the DIGL that it is held against; `as_many_edges` keeps only DIGL's strongest, as many as SDRF has."""

    flow: Flow
    diffusion: Diffusion
    as_many_edges: bool = False


def change_of_graph(rivals: Rivals, *, seed: int, device: str, graph: str) -> dict[str, float]:
    """How far SDRF and DIGL move the degrees and the edges of a graph, and the one's shift as a share of the other's.

    A shift is the Wasserstein-1 distance between the degrees before and after; edges added and removed are shares of
    the edges.
    """
    data = graph_named(graph)
    data = Data(edge_index=to_undirected(data.edge_index, num_nodes=data.num_nodes), num_nodes=data.num_nodes)
    before, by_flow, by_diffusion = (
        _edges(rewired(data.clone(), rewiring, seed)) for rewiring in (None, rivals.flow, rivals.diffusion)
    )
    if rivals.as_many_edges:
        by_diffusion = by_diffusion[: len(by_flow)]
    found = _change("sdrf", before, by_flow, data.num_nodes) | _change("digl", before, by_diffusion, data.num_nodes)
    return {"share": found["sdrf_degree_shift"] / found["digl_degree_shift"]} | found


def _edges(graph: Data) -> np.ndarray:
    """Each undirected edge i < j once, as i * N + j; the heaviest first."""
    heads, tails = graph.edge_index.numpy()
    upper = heads < tails
    codes = heads[upper] * graph.num_nodes + tails[upper]
    weight = graph.get("edge_weight")
    return codes if weight is None else codes[np.argsort(-weight.numpy()[upper], kind="stable")]


def _change(name: str, before: np.ndarray, after: np.ndarray, num_nodes: int) -> dict[str, float]:
    kept = np.intersect1d(before, after, assume_unique=True).size
    ends = [np.r_[edges // num_nodes, edges % num_nodes] for edges in (before, after)]
    degrees = [np.bincount(nodes, minlength=num_nodes) for nodes in ends]
    return {
        f"{name}_degree_shift": float(wasserstein_distance(*degrees)),
        f"{name}_edges_added": (len(after) - kept) / len(before),
        f"{name}_edges_removed": (len(before) - kept) / len(before),
    }


def _preservation_claim(graph: str, needs: str) -> Claim:
    title = "CiteSeer" if graph == "citeseer" else graph.title()
    rivals = Rivals(FLOW[graph], Diffusion(0.1, 16))
    return Claim(
        statement=f"On {title}, SDRF moves the degree distribution at most a third as far as DIGL does, in every run.",
        where="Section 6, the figure of degree distributions",
        arms={"digl": rivals, "digl with as many edges": replace(rivals, as_many_edges=True)},
        rule=Never("share", "digl", tolerance=1 / 3),
        budgets={
            "smoke": Budget(seeds=2, graph=STAND_IN),
            "desk": Budget(seeds=10, needs=[needs], graph=graph),
            "paper": Budget(seeds=100, needs=[needs], graph=graph),
        },
        scale="the paper's data and settings of SDRF; 10 runs",
        trial=change_of_graph,
        remarks="""The paper shows it as a figure; the factor of three is ours. `share` is SDRF's degree shift over
            DIGL's, each the Wasserstein-1 distance between the degrees before and after. DIGL (alpha 0.1, top 16) adds
            many times more edges than SDRF; the control, outside the rule, keeps only its strongest, as many as SDRF
            has, and shows how much of the difference is that alone.""",
    )


keeps_the_graph = {
    "texas": _preservation_claim("texas", "webkb/texas"),
    "cornell": _preservation_claim("cornell", "webkb/cornell"),
    "wisconsin": _preservation_claim("wisconsin", "webkb/wisconsin"),
    "cora": _preservation_claim("cora", "planetoid/cora"),
    "citeseer": _preservation_claim("citeseer", "planetoid/citeseer"),
}


# ---------------------------------------------------------------------------------------------------------------------


def bounds_on_sensitivity(
    graph: str, *, seed: int, device: str, pool: int, edges: int, training_epochs: int, largest_degree: int = 400
) -> dict[str, float]:
    """Lemma 1 and Theorem 4 across the edges of least curvature, for a GCN of random or trained weights.

    Returns the violations of each, the pairs of nodes looked at, how many of the edges meet the theorem's premise, and
    how near the bounds came (1: equality).
    """
    data = _squashed_graph(graph, seed, largest_degree)
    by_curvature = sorted(
        squashing_of_edges(data.edge_index, data.num_nodes), key=lambda edge: (not edge.premise, edge.delta)
    )
    most_negative = [edge for edge in by_curvature if edge.beyond][:pool]
    random = np.random.default_rng([seed, 1])
    chosen = [most_negative[e] for e in random.permutation(len(most_negative))[:edges]]
    model = _small_gcn(data, seed, training_epochs if seed % 2 else 0)
    lipschitz = float(np.prod([torch.linalg.matrix_norm(w.detach(), 2) for w in model.parameters() if w.dim() == 2]))

    found = {"lemma_violations": 0.0, "theorem_violations": 0.0, "pairs": 0.0}
    found["premise_edges"] = float(sum(edge.premise for edge in chosen))
    nearest = {"lemma_nearest": 0.0, "theorem_nearest": 0.0}
    for edge in chosen:
        beyond = torch.tensor(edge.beyond)
        source = torch.tensor([edge.i])
        moved = sensitivity(model, data, source, beyond)[:, 0].numpy()
        most = lipschitz * jacobian_bound(data.edge_index, data.num_nodes, source, depth=2)[beyond, 0].numpy()
        size = int(np.floor(1 / edge.delta)) + 1
        mean = least_mean(moved, size) if size <= len(moved) else np.finfo(np.float64).max
        found["pairs"] += len(moved)
        found["lemma_violations"] += float((moved > most * (1 + 1e-9)).sum())
        nearest["lemma_nearest"] = max(nearest["lemma_nearest"], float((moved / most).max()))
        if edge.premise:
            found["theorem_violations"] += float(mean >= lipschitz * edge.factor)
            nearest["theorem_nearest"] = max(nearest["theorem_nearest"], mean / (lipschitz * edge.factor))
    return found | nearest


def _squashed_graph(name: str, seed: int, largest_degree: int) -> Data:
    """A graph with features, float64: a double star, a regular tree, or a data set's."""
    random = np.random.default_rng([seed, 0])
    if name == "double star":
        edge_index = double_star(int(random.integers(20, largest_degree + 1)))
    elif name == "regular tree":
        edge_index = regular_tree(int(random.integers(17, 25)))
    else:
        edge_index = to_undirected(graph_named(name).edge_index)
    nodes = int(edge_index.max()) + 1
    x = torch.from_numpy(random.standard_normal((nodes, 8)))
    return Data(x=x, edge_index=edge_index, y=torch.from_numpy(random.integers(0, 3, nodes)))


def _small_gcn(graph: Data, seed: int, epochs: int) -> GCN:
    """A two-layer GCN of width 16, random for 0 epochs, otherwise trained on all labels of the graph."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GCN(graph.x.size(1), 16, int(graph.y.max()) + 1).to(graph.x.dtype)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(epochs):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(graph.x, graph.edge_index), graph.y).backward()
            optimizer.step()
    return model


BOUND_REMARKS = """Sensitivity is the spectral norm of the Jacobian block, by automatic differentiation, in float64;
    alpha beta is the product of the weights' spectral norms. Odd seeds train the GCN, even seeds leave it random.
    Edges are drawn from the pool of those of least curvature, those that meet the theorem's premise first."""

squashing_is_bounded = {
    "generated": Claim(
        statement="Across an edge of very negative curvature, a two-layer GCN passes on no more than Lemma 1 and "
        "Theorem 4 allow (double stars and regular trees).",
        where="Lemma 1, Theorem 4",
        arms=["double star", "regular tree"],
        rule=All(
            *(
                rule
                for arm in ("double star", "regular tree")
                for rule in (
                    Never("lemma_violations", arm, of="pairs"),
                    Never("theorem_violations", arm, of="premise_edges"),
                    Always("premise_edges", at_least=1, arm=arm),  # or the theorem would hold of nothing
                )
            )
        ),
        budgets={
            "smoke": Budget(seeds=2, pool=3, edges=3, largest_degree=60, training_epochs=20),
            "desk": Budget(seeds=30, pool=20, edges=20, training_epochs=100),
            "paper": Budget(seeds=200, pool=100, edges=100, training_epochs=200),
        },
        scale="numbers for the paper's proof: 30 graphs of each kind, a GCN of width 16",
        trial=bounds_on_sensitivity,
        remarks=f"""{BOUND_REMARKS} Theorem 4's bound is never nearer than a hundred times what passes; Lemma 1's comes
            within a factor of two.""",
    ),
    "cora": Claim(
        statement="Across the edges of Cora with the most negative curvature, a two-layer GCN passes on no more than "
        "Lemma 1 allows.",
        where="Lemma 1",
        arms={"citation graph": "cora"},
        rule=Never("lemma_violations", of="pairs"),
        budgets={
            "smoke": Budget(seeds=2, arms={"citation graph": STAND_IN}, pool=20, edges=3, training_epochs=20),
            "desk": Budget(seeds=10, needs=["planetoid/cora"], pool=200, edges=20, training_epochs=100),
            "paper": Budget(seeds=100, needs=["planetoid/cora"], pool=500, edges=100, training_epochs=200),
        },
        scale="numbers for the paper's proof: 10 times 20 edges of Cora, a GCN of width 16",
        trial=bounds_on_sensitivity,
        remarks=f"""{BOUND_REMARKS} Theorem 4 is not tried: no edge of Cora meets its premise. The least curvature is
            0.19 above -2, and delta must stay below M^-1/2, M the larger degree.""",
    ),
}


# ---------------------------------------------------------------------------------------------------------------------


def curvature_against_sensitivity(
    training_epochs: int, *, seed: int, device: str, graph: str, edges: int
) -> dict[str, float]:
    """Spearman correlation of an edge's curvature with how much a two-layer GCN lets through it."""
    data = graph_named(graph)
    random = np.random.default_rng([seed, 2])
    edge_index = to_undirected(data.edge_index, num_nodes=data.num_nodes)
    x = torch.from_numpy(random.standard_normal((data.num_nodes, 8))).float()
    data = Data(x=x, edge_index=edge_index, y=data.y)
    model = _small_gcn(data, seed, training_epochs)
    upper = edge_index[0] < edge_index[1]
    once = edge_index[:, upper]
    curvature = balanced_forman_curvature(edge_index, data.num_nodes)[upper].numpy()
    chosen = random.permutation(once.size(1))[:edges]
    through = sensitivity_across(model, data, once[:, chosen], norm="frobenius").numpy()
    seen = np.isfinite(through)
    return {
        "correlation": float(spearmanr(curvature[chosen][seen], through[seen]).statistic),
        "edges": float(seen.sum()),
    }


def _correlation_claim(graph: str, needs: list[str]) -> Claim:
    where = "a stochastic block model" if graph == STAND_IN else graph.title()
    return Claim(
        statement=f"The more negative an edge's curvature, the less a two-layer GCN lets through it ({where}).",
        where="Section 3, the discussion of Theorem 4",
        arms={"random": 0, "trained": 100},
        rule=All(Above("correlation", 0.0, "random"), Above("correlation", 0.0, "trained")),
        budgets={
            "smoke": Budget(seeds=2, arms={"trained": 20}, graph=STAND_IN, edges=100),
            "desk": Budget(seeds=(5, 10), needs=needs, graph=graph, edges=2000),
            "paper": Budget(seeds=50, arms={"trained": 200}, needs=needs, graph=graph, edges=10_000),
        },
        scale="the paper argues it and measures nothing: 2,000 edges, random features, a GCN of width 16",
        trial=curvature_against_sensitivity,
        tolerance=0.1,
        remarks="""Theorem 4 bounds sensitivity across an edge from above by its curvature; that the two go together
            over all edges is the reading that rewiring rests on, not a theorem. Spearman correlation between
            curvature and the mean |d h_k / d x_i| over the nodes k beyond the edge, in both directions. The arms are
            epochs of training.""",
    )


curvature_predicts_sensitivity = {
    "blocks": _correlation_claim(STAND_IN, []),
    "cora": _correlation_claim("cora", ["planetoid/cora"]),
}


# ---------------------------------------------------------------------------------------------------------------------


def lift_of_bottleneck(method: str, *, seed: int, device: str, kind: str, share: float, tau: float) -> dict[str, float]:
    """What adding a share of more edges, by SDRF or at random over two hops, does to a graph's bottleneck."""
    before = bottlenecked_graph(kind, seed)
    nodes = int(before.max()) + 1
    count = max(1, round(share * before.size(1) / 2))
    if method == "sdrf":
        after = rewired(Data(edge_index=before, num_nodes=nodes), Flow(count, tau), seed).edge_index
    else:
        after = with_random_two_hop_edges(before, nodes, count, seed)
    gaps = [spectral_gap(edges, nodes) for edges in (before, after)]
    cuts = [cheeger(edges, nodes, method="sweep").upper for edges in (before, after)]
    least = [float(balanced_forman_curvature(edges, nodes).min()) for edges in (before, after)]
    return {
        "gap_gain": gaps[1] - gaps[0],
        "cut_gain": cuts[1] - cuts[0],
        "least_curvature_gain": least[1] - least[0],
        "edges_added": (after.size(1) - before.size(1)) / 2,
    }


def _lift_claim(kind: str, what: str) -> Claim:
    settings: dict[str, Any] = {"kind": kind, "share": 0.1, "tau": 100.0}
    return Claim(
        statement=f"SDRF widens the bottleneck of {what} more than as many random two-hop edges do.",
        where="Section 5",
        arms=["sdrf", "random"],
        rule=Greater("gap_gain", "sdrf", than="random"),
        budgets={
            "smoke": Budget(seeds=3, **settings),
            "desk": Budget(seeds=(25, 50, 100), **settings),
            "paper": Budget(seeds=(100, 1000), **settings),
        },
        scale="the paper argues it and measures nothing: 25 to 100 random graphs of at most 120 nodes",
        trial=lift_of_bottleneck,
        remarks="""gap_gain is the change of the spectral gap lambda_1, cut_gain that of the sweep cut's ratio.
            Edges are only added, as many as 10% of those there are, by the curvature that the paper defines, tau
            100. The random control adds edges between nodes at distance 2, which is where SDRF's own edges go, more
            or less.""",
    )


lifts_the_bottleneck = {
    "barbell": _lift_claim("barbell", "a barbell"),
    "blocks": _lift_claim("blocks", "a stochastic block model"),
    "cliques": _lift_claim("cliques", "a path of cliques"),
}


# ---------------------------------------------------------------------------------------------------------------------


def diffused_bottlenecks(alpha: float, *, seed: int, device: str, graphs: int) -> dict[str, float]:
    """Theorem 6 on random graphs and sets, alpha the teleport probability."""
    random = np.random.default_rng(seed)
    bounds = [diffusion_bound(*random_graph_and_set(random), alpha=alpha) for _ in range(graphs)]
    return {
        "violations": float(sum(bound.after > bound.bound * (1 + 1e-9) for bound in bounds)),
        "nearest": max(bound.after / bound.bound for bound in bounds),
    }


diffusion_keeps_the_bottleneck = Claim(
    statement="Diffusion widens no bottleneck beyond the bound of Theorem 6.",
    where="Theorem 6",
    arms={"0.05": 0.05, "0.15": 0.15, "0.5": 0.5},
    rule=All(*(Never("violations", alpha) for alpha in ("0.05", "0.15", "0.5"))),
    budgets={
        "smoke": Budget(seeds=5, graphs=10),
        "desk": Budget(seeds=25, graphs=20),
        "paper": Budget(seeds=100, graphs=100),
    },
    scale="numbers for the paper's proof: 500 graphs and sets for each alpha",
    trial=diffused_bottlenecks,
    remarks="""Arms are the teleport probability alpha. Connected random graphs of 6 to 40 nodes, and in each a random
        set of at most half the volume. `nearest` is the largest ratio of the two
        sides.""",
)
