"""What the paper states about curvature, over-squashing and rewiring, as experiments."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from scipy.stats import spearmanr, wasserstein_distance
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn.models import GCN
from torch_geometric.utils import degree

from paperwright import data
from paperwright.claims import Above, All, Always, Below, Budget, Claim, Greater, Ladder, Never, Reported
from paperwright.training import fit, preserved_randomness

from ._bottlenecked_graphs import (
    bottlenecked_graph,
    double_star,
    random_graph_and_set,
    regular_tree,
    with_random_two_hop_edges,
)
from .curvature import balanced_forman_curvature
from .experiment import (
    CITATION,
    FLOW,
    NETWORK,
    TABLE_2,
    Diffusion,
    Flow,
    Network,
    classify,
    named_graph,
    random_split,
    rewired,
    run,
)
from .sensitivity import sensitivity, sensitivity_across
from .spectrum import cheeger, spectral_gap
from .theorems import diffusion_bound, jacobian_bound, squashing_of_edges

STAND_IN = "block-model"  # for the smoke budget, which needs no file
LEADERBOARD = "as a public leaderboard that names this paper and arXiv 2210.09789 give it"
DROPSENS = "as Table 2(a) of the DropSens paper gives it"

# ---------------------------------------------------------------------------------------------------------------------


def _title(graph: str) -> str:
    return "CiteSeer" if graph == "citeseer" else graph.title()


def _on(graph: str, **settings: Any) -> dict[str, Any]:
    """What a budget says of a graph: its name, that its data are needed, and other settings."""
    return {"needs": [f"{'planetoid' if graph in CITATION else 'webkb'}/{graph}"], "graph": graph, **settings}


def _classification_claim(graph: str, component: Literal["whole", "released"], seeds: int) -> Claim:
    citation = graph in CITATION
    before, after = TABLE_2[graph]
    note = DROPSENS if citation else LEADERBOARD
    settings: dict[str, Any] = {"component": component, "network": asdict(NETWORK[graph])}
    which = "its whole graph" if component == "whole" else 'the "largest component" that the released code keeps'
    material = "the paper's data and settings"
    if component == "whole":
        material += ", but the whole graph for the part of it that the paper's figures are about"
    if graph == "citeseer":
        material += ", the network's those of Cora"
    arms = {"none": None, "paper": FLOW[graph], "official": replace(FLOW[graph], definition="official")}
    return Claim(
        statement=f"Rewiring by curvature raises a GCN's node classification accuracy on {_title(graph)} ({which}).",
        where="Table 2",
        reported=[
            Reported(before, "accuracy", arm="none", where="Table 2, undirected", note=note),
            Reported(after, "accuracy", arm="official", where="Table 2, SDRF + undirected", note=note),
        ],
        arms=arms if citation else arms | {"digl": Diffusion(0.15, 64)},
        rule=Greater("accuracy", "paper", than="none"),
        budgets={
            "smoke": Budget(seeds=1, graph=STAND_IN, epochs=2, **settings),
            "desk": Budget(seeds=seeds, epochs=300, **_on(graph, **settings)),
            "paper": Budget(seeds=(25, 100), epochs=1000, search=50, **_on(graph, **settings)),
        },
        scale=f"{material}; {seeds} splits for 100, 300 epochs for 1,000, one set of hyperparameters for all arms",
        units={"accuracy": "%"},
        trial=run,
        tolerance=0.1,  # small test sets, and training
        remarks=f"""Arms: the undirected graph; SDRF with the curvature that the paper defines; SDRF with the one
            that the released code computes{"" if citation else "; DIGL (alpha 0.15, top 64)"}. All share one set of GCN
            hyperparameters, {"Cora's in the paper's table" if citation else "the paper's for this graph"}, a random
            {"split (20 nodes a class to train, 1,500 less these to validate)" if citation else "60/20/20 split"} for
            each seed, and the test accuracy at the best validation epoch. These hyperparameters are what the paper
            found best for the rewired graph, which favours SDRF: a gain may shrink once other arms have their own. The
            paper tunes every arm apart; the paper budget does the same with 50 random settings for each arm, chosen on
            validation accuracy. Tori et al. (arXiv
            2407.09381) also find little gain, and trace the published one to hyperparameter
            sweeps.{POWER.get(graph, "")}""",
    )


# Standard deviations of the paired differences in six pilot runs, in points: 0.83 on Cora, 0.69 on CiteSeer.
CITATION_SEEDS = {"cora": 20, "citeseer": 30}
POWER = {
    "cora": " The paper's gain of 0.87 points, were it so, would be found by 20 runs with a probability of 99%.",
    "citeseer": """ The paper's gain of 0.27 points, were it so, would be found by 30 runs with a probability of 55%;
        by 55 runs, of 81%.""",
}
rewiring_helps = {
    f"{graph}-{component}": _classification_claim(graph, component, seeds=25)
    for graph in ("cornell", "texas", "wisconsin")
    for component in ("whole", "released")
} | {graph: _classification_claim(graph, "released", seeds) for graph, seeds in CITATION_SEEDS.items()}


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
    return classify(rewired(random_split(graph, seed), flow, seed), Network(), seed, device, epochs)


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
        "smoke": Budget(seeds=2, share=0.1, epochs=2),
        "desk": Budget(seeds=(10, 20), share=0.1, epochs=200),
        "paper": Budget(seeds=100, share=0.1, epochs=1000),
    },
    scale="generated graphs of 90 to 1,440 nodes for the paper's nine of 140 to 20,000; settings of our own",
    trial=classify_block_model,
    tolerance=0.1,
    units={"accuracy": "%"},
    remarks="""Three classes, 11 edges a node at every size, four of five between classes. SDRF adds 10% of the edges. A
        point of accuracy for each tenfold size counts as no change. The interval keeps its level for every distribution
        of accuracies from 0 to 100%; at 20 seeds that costs tens of points of width.""",
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
    given = _bare(graph)
    before, by_flow, by_diffusion = (
        _edges(rewired(given.clone(), rewiring, seed)) for rewiring in (None, rivals.flow, rivals.diffusion)
    )
    if rivals.as_many_edges:
        by_diffusion = by_diffusion[: len(by_flow)]
    found = _change("sdrf", before, by_flow, given.num_nodes) | _change("digl", before, by_diffusion, given.num_nodes)
    return {"share": found["sdrf_degree_shift"] / found["digl_degree_shift"]} | found


def change_beside_chance(flow: Flow, *, seed: int, device: str, graph: str) -> dict[str, float]:
    """How far SDRF moves the degrees of a graph, as a share of how far as many random changes do."""
    given = _bare(graph)
    before, after = (_edges(rewired(given.clone(), rewiring, seed)) for rewiring in (None, flow))
    by_chance = _changed_by_chance(before, after, given.num_nodes, np.random.default_rng([seed, 4]))
    found = _change("sdrf", before, after, given.num_nodes) | _change("chance", before, by_chance, given.num_nodes)
    return {"share": found["sdrf_degree_shift"] / found["chance_degree_shift"]} | found


def _bare(graph: str) -> Data:
    given = named_graph(graph)
    return Data(edge_index=given.edge_index, num_nodes=given.num_nodes)


def _edges(graph: Data) -> np.ndarray:
    """Each undirected edge i < j once, as i * N + j; the heaviest first."""
    heads, tails = graph.edge_index.numpy()
    upper = heads < tails
    codes: np.ndarray = heads[upper] * graph.num_nodes + tails[upper]
    weight = graph.get("edge_weight")
    return codes if weight is None else codes[np.argsort(-weight.numpy()[upper], kind="stable")]


def _changed_by_chance(
    before: np.ndarray, after: np.ndarray, num_nodes: int, random: np.random.Generator
) -> np.ndarray:
    """As many edges removed, and as many pairs added, as there were on the way from `before` to `after`, at random."""
    kept = np.intersect1d(before, after, assume_unique=True).size
    first, second = np.triu_indices(num_nodes, k=1)
    absent = np.setdiff1d(first * num_nodes + second, before, assume_unique=True)
    added = random.choice(absent, len(after) - kept, replace=False)
    return np.concatenate([random.choice(before, kept, replace=False), added])


def _change(name: str, before: np.ndarray, after: np.ndarray, num_nodes: int) -> dict[str, float]:
    kept = np.intersect1d(before, after, assume_unique=True).size
    ends = [np.r_[edges // num_nodes, edges % num_nodes] for edges in (before, after)]
    degrees = [np.bincount(nodes, minlength=num_nodes) for nodes in ends]
    return {
        f"{name}_degree_shift": float(wasserstein_distance(*degrees)),
        f"{name}_edges_added": (len(after) - kept) / len(before),
        f"{name}_edges_removed": (len(before) - kept) / len(before),
    }


def _preservation_claim(graph: str) -> Claim:
    rivals = Rivals(FLOW[graph], Diffusion(0.1, 16))
    return Claim(
        statement=f"On {_title(graph)}, SDRF moves the degree distribution at most a third as far as DIGL does, "
        "in every run.",
        where="Section 6, the figure of degree distributions",
        arms={"digl": rivals, "digl with as many edges": replace(rivals, as_many_edges=True)},
        rule=Never("share", "digl", tolerance=1 / 3),
        budgets={
            "smoke": Budget(seeds=1, graph=STAND_IN),
            "desk": Budget(seeds=10, **_on(graph)),
            "paper": Budget(seeds=100, **_on(graph)),
        },
        scale="the paper's data and settings of SDRF; 10 draws of SDRF on one graph",
        trial=change_of_graph,
        remarks="""The paper shows it as a figure; the factor of three is ours. `share` is SDRF's degree shift over
            DIGL's, each the Wasserstein-1 distance between the degrees before and after. DIGL (alpha 0.1, top 16) adds
            many times more edges than SDRF, which decides it: with these settings no run can fail, and where SDRF only
            adds edges its shift is their number, whichever they are. The control, outside the rule, keeps only DIGL's
            strongest edges, as many as SDRF has. What SDRF's choice of edges does is tried by
            `keeps_the_graph_beside_chance`.""",
    )


def _chance_claim(graph: str) -> Claim:
    return Claim(
        statement=f"On {_title(graph)}, SDRF moves the degree distribution less than as many random changes do.",
        where="Section 6: rewiring by curvature keeps the graph's structure",
        arms={"sdrf": FLOW[graph]},
        rule=Below("share", 1.0),
        budgets={
            "smoke": Budget(seeds=1, graph=STAND_IN),
            "desk": Budget(seeds=10, **_on(graph)),
            "paper": Budget(seeds=100, **_on(graph)),
        },
        scale="the paper's data and settings of SDRF; 10 draws of SDRF on one graph",
        trial=change_beside_chance,
        remarks="""The control for `keeps_the_graph`, whose verdict the number of edges decides: here as many edges are
            removed at random, and as many pairs joined at random, as SDRF removes and adds. Graphs on which SDRF only
            adds edges are left out: there every choice of edges moves the degrees equally far.""",
    )


keeps_the_graph = {graph: _preservation_claim(graph) for graph in FLOW}
keeps_the_graph_beside_chance = {graph: _chance_claim(graph) for graph in ("cornell", *CITATION)}


# ---------------------------------------------------------------------------------------------------------------------


def bounds_on_sensitivity(
    graph: str, *, seed: int, device: str, pool: int, edges: int, training_epochs: int, largest_degree: int = 400
) -> dict[str, float]:
    """Lemma 1 across the edges of least curvature, for a GCN of random or trained weights.

    Returns the violations, the pairs of nodes looked at, and how near the bound came (1: equality).
    """
    squashed = _squashed_graph(graph, seed, largest_degree)
    leading_on = [edge for edge in squashing_of_edges(squashed.edge_index, squashed.num_nodes) if edge.beyond]
    worst = sorted(leading_on, key=lambda edge: edge.curvature)[:pool]
    random = np.random.default_rng([seed, 1])
    if graph == "attained":
        model = _positive_gcn(squashed, seed)
    else:
        model = _small_gcn(squashed, seed, training_epochs if seed % 2 else 0)
    lipschitz = float(np.prod([torch.linalg.matrix_norm(w.detach(), 2) for w in model.parameters() if w.dim() == 2]))
    violations, pairs, nearest = 0, 0, 0.0
    for place in random.permutation(len(worst))[:edges]:
        i, beyond = worst[place].i, worst[place].beyond
        moved = sensitivity(model, squashed, [i], beyond)[:, 0].numpy()
        source = torch.tensor([i])
        most = lipschitz * jacobian_bound(squashed.edge_index, squashed.num_nodes, source, depth=2)[beyond, 0].numpy()
        pairs += len(moved)
        violations += int((moved > most * (1 + 1e-9)).sum())
        nearest = max(nearest, float((moved / most).max()))
    return {"violations": float(violations), "pairs": float(pairs), "nearest": nearest}


def _squashed_graph(name: str, seed: int, largest_degree: int) -> Data:
    """A graph with features, float64: a double star, a regular tree, or a data set's."""
    random = np.random.default_rng([seed, 0])
    if name in ("double star", "attained"):
        edge_index = double_star(int(random.integers(20, largest_degree + 1)))
    elif name == "regular tree":
        edge_index = regular_tree(int(random.integers(17, 25)))
    else:
        edge_index = named_graph(name).edge_index
    nodes = int(edge_index.max()) + 1
    x = torch.from_numpy(random.standard_normal((nodes, 8)))
    x = x.abs() if name == "attained" else x
    return Data(x=x, edge_index=edge_index, y=torch.from_numpy(random.integers(0, 3, nodes)))


def _small_gcn(graph: Data, seed: int, epochs: int) -> GCN:
    """A two-layer GCN of width 16, random for 0 epochs, otherwise trained on all labels of the graph."""
    with preserved_randomness(seed):
        model = GCN(graph.x.size(1), 16, 2, int(graph.y.max()) + 1).to(graph.x.dtype)
        if epochs:
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

            def loss(model: torch.nn.Module, graph: Data) -> Tensor:
                return torch.nn.functional.cross_entropy(model(graph.x, graph.edge_index), graph.y)

            fit(model, optimizer, graph, loss, seed=seed, epochs=epochs)
    return model


def _positive_gcn(graph: Data, seed: int) -> GCN:
    """A two-layer GCN of width 1 with positive weights: linear on positive features, with blocks of rank one."""
    with preserved_randomness(seed):
        model = GCN(graph.x.size(1), 1, 2, 1).to(graph.x.dtype)
    with torch.no_grad():
        for values in model.parameters():
            values.abs_()
    return model


SENSITIVITY = """Sensitivity is the spectral norm of the Jacobian block, by automatic differentiation, in float64;
    alpha beta is the product of the weights' spectral norms. Odd seeds train the GCN, even seeds leave it random.
    Edges are drawn from the pool of those of least curvature."""

squashing_is_bounded = {
    "generated": Claim(
        statement="Across an edge of very negative curvature, a two-layer GCN passes on no more than Lemma 1 allows, "
        "and all of it where its weights are positive and of rank one (double stars and regular trees).",
        where="Lemma 1",
        arms=["double star", "regular tree", "attained"],
        rule=All(
            *(Never("violations", arm, of="pairs") for arm in ("double star", "regular tree", "attained")),
            Always("nearest", at_least=1 - 1e-6, arm="attained"),
        ),
        budgets={
            "smoke": Budget(seeds=2, pool=2, edges=2, largest_degree=60, training_epochs=5),
            "desk": Budget(seeds=20, pool=20, edges=10, training_epochs=100),
            "paper": Budget(seeds=200, pool=100, edges=100, training_epochs=200),
        },
        scale="numbers for the paper's proof: 20 graphs of each kind, a GCN of width 16",
        trial=bounds_on_sensitivity,
        remarks=f"""{SENSITIVITY} `nearest` is the largest ratio of the two sides. The third arm, a double star and a
            GCN of one hidden unit with positive weights and features, makes them equal: a bound a millionth lower would
            be broken. Theorem 4 is not tried: where its premise holds, Lemma 1 leaves a GCN so far below its bound (a
            factor of 22 at the least, 147 on these graphs) that nothing could fail.""",
    ),
    "cora": Claim(
        statement="Across the edges of Cora with the most negative curvature, a two-layer GCN passes on no more than "
        "Lemma 1 allows.",
        where="Lemma 1",
        arms={"citation graph": "cora"},
        rule=Never("violations", of="pairs"),
        budgets={
            "smoke": Budget(seeds=2, arms={"citation graph": STAND_IN}, pool=10, edges=2, training_epochs=5),
            "desk": Budget(seeds=10, needs=["planetoid/cora"], pool=200, edges=20, training_epochs=100),
            "paper": Budget(seeds=100, needs=["planetoid/cora"], pool=500, edges=100, training_epochs=200),
        },
        scale="numbers for the paper's proof: 10 times 20 edges of Cora, a GCN of width 16",
        trial=bounds_on_sensitivity,
        remarks=f"""{SENSITIVITY} Theorem 4 is not tried: no edge of Cora meets its premise. The least curvature is
            0.19 above -2, and delta must stay below M^-1/2, M the larger degree.""",
    ),
}


# ---------------------------------------------------------------------------------------------------------------------


def curvature_against_sensitivity(
    training_epochs: int, *, seed: int, device: str, graph: str, edges: int
) -> dict[str, float]:
    """Spearman correlation of an edge's curvature, and of its degrees, with how much a two-layer GCN lets through."""
    given = named_graph(graph)
    random = np.random.default_rng([seed, 2])
    edge_index = given.edge_index
    x = torch.from_numpy(random.standard_normal((given.num_nodes, 8))).float()
    model = _small_gcn(Data(x=x, edge_index=edge_index, y=given.y), seed, training_epochs)
    upper = edge_index[0] < edge_index[1]
    once = edge_index[:, upper]
    curvature = balanced_forman_curvature(edge_index, given.num_nodes)[upper].numpy()
    chosen = random.permutation(once.size(1))[:edges]
    through = sensitivity_across(model, Data(x=x, edge_index=edge_index), once[:, chosen], norm="frobenius").numpy()
    degrees = degree(edge_index[0], given.num_nodes).numpy()[once]
    seen = np.isfinite(through)
    of_curvature, of_degrees = (
        float(spearmanr(known[chosen][seen], through[seen]).statistic) for known in (curvature, (1 / degrees).sum(0))
    )
    return {"correlation": of_curvature, "correlation_of_degrees": of_degrees, "edges": float(seen.sum())}


def _correlation_claim(graph: str, needs: list[str]) -> Claim:
    where = "a stochastic block model" if graph == STAND_IN else graph.title()
    return Claim(
        statement=f"The more negative an edge's curvature, the less a two-layer GCN lets through it ({where}).",
        where="Section 3, the discussion of Theorem 4",
        arms={"random": 0, "trained": 100},
        rule=All(Above("correlation", 0.0, "random"), Above("correlation", 0.0, "trained")),
        budgets={
            "smoke": Budget(seeds=2, arms={"trained": 5}, graph=STAND_IN, edges=20),
            "desk": Budget(seeds=(5, 10), needs=needs, graph=graph, edges=2000),
            "paper": Budget(seeds=50, arms={"trained": 200}, needs=needs, graph=graph, edges=10_000),
        },
        scale="the paper argues it and measures nothing: 2,000 edges, random features, a GCN of width 16",
        trial=curvature_against_sensitivity,
        tolerance=0.1,
        remarks="""Theorem 4 bounds sensitivity across an edge from above by its curvature; that the two go together
            over all edges is the reading that rewiring rests on, not a theorem. Spearman correlation between
            curvature and the mean |d h_k / d x_i| over the nodes k beyond the edge, in both directions. The arms are
            epochs of training. All seeds are on one graph: they draw features, weights and edges.
            Outside the rule, correlation_of_degrees is that of 1/d_i + 1/d_j, which knows no triangle and no square:
            where it is the larger one, degrees alone tell more than the curvature that is made of them. In two pilot
            runs each, a partial rank correlation given the degrees of 0.30 and 0.38 was left to curvature on Cora, 0.18
            and 0.07 on the block model.""",
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
        remarks="""The spectral gap tells how wide the bottleneck is: gap_gain is the change of lambda_1. cut_gain,
            outside the rule, is that of the sweep cut's ratio. Edges are only added, as many as 10% of those there are,
            by the curvature that the paper defines, tau 100. The random control adds edges between nodes at distance 2,
            which is where SDRF's own edges go, more or less.""",
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
