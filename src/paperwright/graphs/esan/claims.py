"""What the paper states about bags of subgraphs, as experiments: what they separate, by tests and by training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn
from torch_geometric.transforms import OneHotDegree

from paperwright import data
from paperwright.claims import Above, All, Always, Budget, Claim, Greater, Never, Proportion, Reported
from paperwright.data.graph_pairs import CSL_SKIPS, csl_graphs

from .experiment import PAPER, Learner, class_fold, pairs_split, run, standardized_errors
from .expressive_power import POLICIES, RandomNetwork, against_refinement, beyond_three_wl, random_networks
from .graph_sets import corrupted_pairs, cycle_counting_graphs, lifted_pairs

UNCONFIRMED = "quoted from memory; looked for elsewhere and not found"
CONFIRMED = "as quoted in the ZINC table of the GIST paper (2025)"
PILOTS = "Settings were chosen on pilot seeds."


def _never(metric: str, arms: Iterable[str]) -> All:
    return All(*(Never(metric, arm) for arm in arms))


def _each_above(metric: str, bound: float, arms: Iterable[str]) -> All:
    return All(*(Above(metric, bound, arm) for arm in arms))


SMALL = ["atlas-5", "atlas-6", "trees-8", "c6", "decalin", "k33-prism", "csl-11"]
ALL = ["atlas-7", "regular-8", "trees-8", "c6", "decalin", "k33-prism", "csl-11", "rook-shrikhande"]
CONFUSED = ["atlas-7-confused", "regular-8", "c6", "decalin", "k33-prism", "csl-11", "rook-shrikhande"]
STRONGLY_REGULAR = ["rook-shrikhande", "latin-squares-5", "triangular-chang"]
THEORY = "The paper proves it and runs no experiment."

dss_wl = {
    "above-1wl": Claim(
        statement="DSS-WL separates whatever 1-WL does, and with every policy more.",
        where="Section 3, propositions on DSS-WL and 1-WL",
        arms=POLICIES,
        rule=All(_never("lost", POLICIES), _each_above("gained", 0.0, POLICIES)),
        budgets={
            "smoke": Budget(seeds=1, graphs=SMALL),
            "desk": Budget(seeds=1, graphs=ALL),
            "paper": Budget(
                seeds=1, graphs=[*ALL, "dodecahedral-desargues", "cfi-k4", "cfi-cube", *STRONGLY_REGULAR[1:]]
            ),
        },
        trial=against_refinement,
        deterministic=True,
        scale=f"""{THEORY} Here: the 853 connected graphs of 7 nodes, the 22 regular and the 23 trees of 8, and five
            pairs, every one compared with every other.""",
        remarks="""lost and gained count pairs of graphs, lost_by_ds those that 1-WL separates and DS-WL does not, left
            those that DSS-WL does not separate. The numbers of the propositions are unconfirmed.""",
    ),
    "beyond-3wl": Claim(
        statement="Deleting edges separates strongly regular graphs that 3-WL does not.",
        where="Section 3, the proposition on strongly regular graphs",
        arms=STRONGLY_REGULAR,
        rule=All(_never("three_wl", STRONGLY_REGULAR), _each_above("edge_deleted", 0.5, STRONGLY_REGULAR)),
        budgets=dict.fromkeys(
            ("smoke", "desk", "paper"),
            Budget(seeds=1, policies=["edge_deleted", "node_deleted", "ego_plus, 2 hops", "node_marked"]),
        ),
        trial=beyond_three_wl,
        deterministic=True,
        scale=f"{THEORY} Here: three pairs of graphs, the same at every budget.",
        remarks="""Arms are pairs: the rook's graph and Shrikhande's, the graphs of the two main classes of Latin
            squares of order 5, and the line graph of K_8 beside one of Chang's. three_wl is the test on pairs of
            nodes (folklore 2-WL); every number is 1 for separated, 0 for not.""",
    ),
    "random-networks": Claim(
        statement="A random DSS-GNN of GIN convolutions separates whatever DSS-WL separates, and nothing else, if its "
        "activation is smooth (SiLU) and its epsilon irrational; with the epsilon of 0 of the paper's experiments, and "
        "in most draws with ReLUs, it misses pairs.",
        where="Section 3, the propositions on what DSS-GNN can implement",
        arms={
            **{label: RandomNetwork(chosen.policy, chosen.num_hops) for label, chosen in POLICIES.items()},
            "node_marked, epsilon 0": RandomNetwork("node_marked", epsilon=0.0),
            "node_marked, ReLU": RandomNetwork("node_marked", activation=nn.ReLU),
        },
        rule=All(
            _never("missed", POLICIES),
            Never("invented"),
            Always("missed", at_least=1, arm="node_marked, epsilon 0"),
            Proportion("missed", exceeds=0, above=0.5, arm="node_marked, ReLU"),
        ),
        budgets={
            "smoke": Budget(seeds=2, graphs=["c6", "decalin", "k33-prism", "csl-11"], more_layers=1),
            "desk": Budget(seeds=20, graphs=CONFUSED, more_layers=1),
            "paper": Budget(seeds=50, graphs=[*CONFUSED, *STRONGLY_REGULAR[1:]], more_layers=1),
        },
        trial=random_networks,
        scale=f"""{THEORY} Here: twenty networks of width 32, a layer more than DSS-WL needs rounds, on the 34 graphs of
            7 nodes that 1-WL confuses, the 22 regular ones of 8 and five pairs.""",
        remarks="""Float64; outputs within 1e-9 of each other count as equal (least_clear: the widest gap taken for
            equal over the narrowest taken for different). No batch norm inside; epsilon is sqrt(2) - 1. Two controls
            fail: with an epsilon of 0 a marked root in a regular graph melts into its neighbours, and a network of
            ReLUs can be linear on all nodes of a near-regular graph, and then counts walks only.""",
    ),
}


# ---------------------------------------------------------------------------------------------------------------------


def classify_pairs(
    learner: Learner,
    *,
    seed: int,
    device: str,
    source: str,
    train: int,
    test: int,
    settings: Mapping[str, Any],
    corrupted: bool = False,
) -> dict[str, float]:
    """Test accuracy on EXP, or on pairs in its manner that need no file; both of a pair are on one side of the split.

    With `corrupted`, 1-WL separates every other pair.
    """
    graphs = data.load("exp").graphs if source == "exp" else lifted_pairs(100, seed=0)
    if corrupted:
        graphs = corrupted_pairs(graphs, seed)
    learned, held_out = pairs_split(graphs, train, test, seed)
    alike = [graph.alike for graph in held_out] if corrupted else None
    return run(settings, seed=seed, device=device, learner=learner, train=learned, test=held_out, alike=alike)


def _most_runs(bound: float, arms: Iterable[str]) -> All:
    """In most runs the accuracy is above the bound: six of six runs show it, or eight of nine."""
    return All(*(Proportion("accuracy", exceeds=bound, above=0.5, arm=arm) for arm in arms))


AT_CHANCE = Never("off_chance", "gin", tolerance=1e-9)
GIN = Learner("gin", most_epochs=5)
EXP_TABLE = "synthetic data table"
EGO = {"lr": 0.01, "batch_size": 32, "epochs": 30, "halve_every": 25, "stop_below": 0.05}
DELETION = {"lr": 0.001, "batch_size": 8, "epochs": 50, "stop_below": 0.1, "halve_every": 1000}
LATE = {**DELETION, "epochs": 160}
SMOKE = Budget(seeds=1, source="lifted", train=20, test=10, settings={**EGO, "batch_size": 20, "epochs": 2})


def _scale_on_exp(train: int = 300, epochs: int = 30, fraction: float = 0.2, splits: int = 6) -> str:
    return f"""{train} graphs to train on and 100 to test for 1,080 and 120, 4 layers for 6, at most {epochs} epochs for
        350, {fraction:g} of each bag, {splits} splits for 10 folds"""


def _on_exp(train: int, settings: Mapping[str, Any], seeds: int = 6, **more: Any) -> Budget:
    return Budget(seeds=seeds, needs=["exp"], source="exp", train=train, test=100, settings=settings, **more)


def _whole_exp(settings: str, arms: Mapping[str, Learner], **more: Any) -> Budget:
    """The paper's scale; a baseline that is cut short at a desk has all its epochs there."""
    whole = {label: replace(arm, most_epochs=None) for label, arm in arms.items()}
    official = asdict(PAPER[settings])
    sizes: dict[str, Any] = {"source": "exp", "train": 1080, "test": 120}
    return Budget(seeds=10, needs=["exp"], arms=whole, settings=official, **sizes, **more)


def _exp_claim(
    policy: str, kinds: Sequence[str], train: int, settings: Mapping[str, Any], remarks: str, fraction: float = 0.5
) -> Claim:
    arms = {"gin": GIN, **{kind: Learner(kind, policy, fraction=fraction) for kind in kinds}}
    reported = [Reported(51.1, "accuracy", "gin", 2.1, f"{EXP_TABLE} (EXP)", UNCONFIRMED, 0.01)]
    return Claim(
        statement=f"On bags of {policy} subgraphs, most training runs of "
        f"{' and '.join(f'{kind.upper()}-GNN' for kind in kinds)} classify more than 95% of EXP, where a "
        "message-passing network is at chance.",
        where=f"{EXP_TABLE} (EXP)",
        reported=reported
        + [Reported(100, "accuracy", kind, 0, f"{EXP_TABLE} (EXP)", UNCONFIRMED, 0.01) for kind in kinds],
        arms=arms,
        rule=All(_most_runs(0.95, kinds), AT_CHANCE),
        budgets={
            "smoke": SMOKE,
            "desk": _on_exp(train, settings),
            "paper": _whole_exp("exp, deletions" if "deleted" in policy else "exp", arms),
        },
        trial=classify_pairs,
        tolerance=0.1,
        scale=_scale_on_exp(train, settings["epochs"], fraction),
        remarks=f"""GIN convolutions of width 32; the fraction of the bag is drawn anew each epoch, and 5 votes decide;
            batch norm is settled over the training set before the evaluation. "gin" is torch_geometric's GIN and trains
            for 5 epochs: both graphs of a pair give it the same output, however long. {remarks}""",
    )


exp = {
    "ego": _exp_claim(
        "ego",
        ["ds", "dss"],
        300,
        EGO,
        f"{PILOTS} One run each: DSS-GNN had 1.00 after 5 epochs, DS-GNN 0.99 after 29.",
    ),
    "ego_plus": _exp_claim("ego_plus", ["ds", "dss"], 300, EGO, "The settings are those of the ego bags."),
    "node_deleted": _exp_claim(
        "node_deleted",
        ["ds", "dss"],
        200,
        DELETION,
        f"""{PILOTS} One run each on 200 graphs: with a rate of 0.001 DS-GNN had 0.99 after 20 epochs on half of the
            bag, and on a fifth fell back to chance after 45; with 0.003 it stayed at chance in four of six runs of 80
            epochs (the revision before). DSS-GNN learns at either rate.""",
    ),
    "edge_deleted": _exp_claim(
        "edge_deleted",
        ["dss"],
        300,
        LATE,
        f"""{PILOTS} On a quarter of the bag three runs had 0.99 after 97 epochs, 1.00 after 111 and after 141; on a
            fifth one had 0.90 when 120 were over, on a tenth 0.84 after 100; with a rate of 0.003 at chance after 80.
            DS-GNN was at chance after 60 epochs, would take longer than a desk budget allows, and has no arm here.""",
        fraction=0.25,
    ),
}

# ---------------------------------------------------------------------------------------------------------------------

FIFTH = Learner("dss", "ego_plus", fraction=0.2)
FRACTIONS = {"gin": GIN, **{f"{fraction:g}": replace(FIFTH, fraction=fraction) for fraction in (0.05, 0.2, 0.5, 1)}}

sampling = Claim(
    statement="In most training runs a fifth of the bag, drawn anew each epoch, and five votes classify more than 80% "
    "of EXP, where message passing is at 50%: they keep most of what the bag gains.",
    where="Section 3.3 and the tables with sampling fractions",
    arms=FRACTIONS,
    rule=All(_most_runs(0.8, ["0.2"]), AT_CHANCE),
    units={"accuracy": "share"},
    budgets={"smoke": SMOKE, "desk": _on_exp(300, EGO), "paper": _whole_exp("exp", FRACTIONS)},
    trial=classify_pairs,
    tolerance=0.1,
    scale=f"""EXP in place of the paper's TU data sets, for there a plain network is known to be at chance;
        {_scale_on_exp()}""",
    remarks="""Arms are fractions of the ego_plus bag (2 hops); "1" is the whole bag, with one vote. All have the same
        epochs at most, and stop when they have learned. The fractions and the five votes are the paper's.""",
)

CORRUPTED = {"gin": replace(GIN, most_epochs=None), "dss": FIFTH}

cexp = Claim(
    statement="Where 1-WL separates one pair of two, most training runs of DSS-GNN on ego_plus bags classify more than "
    "95% of all, and a message-passing network is at chance on the pairs that 1-WL does not separate.",
    where=f"{EXP_TABLE} (CEXP)",
    reported=[
        Reported(70.2, "accuracy", "gin", 4.1, f"{EXP_TABLE} (CEXP)", UNCONFIRMED, 0.01),
        Reported(100, "accuracy", "dss", 0, f"{EXP_TABLE} (CEXP)", UNCONFIRMED, 0.01),
    ],
    arms=CORRUPTED,
    rule=All(_most_runs(0.95, ["dss"]), AT_CHANCE),
    budgets={
        "smoke": Budget(SMOKE.seeds, **SMOKE.config, corrupted=True),
        "desk": _on_exp(300, EGO, corrupted=True),
        "paper": _whole_exp("exp", CORRUPTED, corrupted=True),
    },
    trial=classify_pairs,
    tolerance=0.1,
    scale=f"""EXP corrupted here, an edge more in one graph of every other pair, for the authors' CEXP;
        {_scale_on_exp()}""",
    remarks="""off_chance is of the pairs that are left alike. The settings are those of EXP.""",
)

RANDOM_FEATURES = {"random features": Learner("random features"), "dss": replace(FIFTH, most_epochs=30)}

RANDOM = {**EGO, "lr": 0.001, "batch_size": 20, "epochs": 300, "halve_every": 1000}

random_features = Claim(
    statement="A fifth of the ego_plus bag classifies more of EXP than random node features do with ten times the "
    "epochs.",
    where="the official code's baseline of random features (RNI)",
    arms=RANDOM_FEATURES,
    rule=Greater("accuracy", "dss", than="random features"),
    units={"accuracy": "share"},
    budgets={
        "smoke": SMOKE,
        "desk": _on_exp(300, RANDOM, seeds=14),
        "paper": Budget(
            seeds=10,
            needs=["exp"],
            arms={"dss": replace(FIFTH, most_epochs=50)},
            source="exp",
            train=1080,
            test=120,
            settings={**RANDOM, "epochs": 500},
        ),
    },
    trial=classify_pairs,
    tolerance=0.1,
    scale=_scale_on_exp(splits=14)
    + """; 300 epochs for random features. It is about few graphs and epochs: with all of EXP random features learn it,
        too (their authors have 99.7% in ten folds, as listed on wizwand.com), and little or no difference is left""",
    remarks=f"""Random features make message passing universal in the limit, and learn late. The network, its learning
        rate and batches are those of its authors' code, which trains 500 epochs on 972 graphs; five votes. An epoch
        costs it a third of what the bags cost. {PILOTS} One run each: DSS-GNN had 1.00 after 9 epochs at rates of
        0.001, 0.003 and 0.01; random features were at chance after 300 epochs, with half or a sixteenth of the width
        random. On the six seeds of the first revision they had learned in three, and were 0.21 behind on average
        (standard deviation 0.24); of tries of 14 seeds drawn from these differences 97% find it.""",
)

# ---------------------------------------------------------------------------------------------------------------------


def classify_circulants(
    learner: Learner,
    *,
    seed: int,
    device: str,
    skips: Sequence[int],
    copies: int,
    folds: int,
    settings: Mapping[str, Any],
) -> dict[str, float]:
    """Accuracy on one fold of CSL; five seeds in a row are the folds of one split."""
    split, fold = divmod(seed, folds)
    graphs = csl_graphs(skips=skips, copies=copies, generator=torch.Generator().manual_seed(split))
    train, test = class_fold(graphs, folds, fold, split)
    degrees = OneHotDegree(5)  # after the bag is made: the degrees are the subgraph's
    where: dict[str, Any] = {"seed": seed, "device": device, "train": train, "test": test}
    return run(settings, learner=learner, classes=len(skips), then=degrees, **where)


CIRCULANT = {"lr": 0.01, "batch_size": 30, "epochs": 80, "halve_every": 25, "stop_below": 0.1}
BAGS = {policy: Learner("dss", policy, num_hops=4, fraction=0.1) for policy in ("node_deleted", "ego")}
WHOLE = {"gin": Learner("gin"), **{policy: replace(bag, fraction=1) for policy, bag in BAGS.items()}}
CSL: Mapping[str, Any] = {"skips": list(CSL_SKIPS), "copies": 15, "folds": 5}

csl = Claim(
    statement="CSL, on which a message-passing network can only guess, is solved by most training runs (accuracy above "
    "95%) on bags of node-deleted subgraphs and of ego-nets.",
    where="Section 5, the text on CSL",
    reported=[
        Reported(10, "accuracy", arm="gin", where="Section 5", note=UNCONFIRMED, scale=0.01),
        Reported(100, "accuracy", arm="node_deleted", where="Section 5", note=UNCONFIRMED, scale=0.01),
        Reported(100, "accuracy", arm="ego", where="Section 5", note=UNCONFIRMED, scale=0.01),
    ],
    arms={"gin": GIN, **BAGS},
    rule=All(_most_runs(0.95, BAGS), AT_CHANCE),
    budgets={
        "smoke": Budget(seeds=1, skips=[2, 3, 4, 5, 6], copies=10, folds=5, settings={**CIRCULANT, "epochs": 2}),
        "desk": Budget(seeds=10, settings=CIRCULANT, **CSL),
        "paper": Budget(seeds=25, arms=WHOLE, settings=asdict(PAPER["csl"]), **CSL),
    },
    trial=classify_circulants,
    tolerance=0.1,
    scale="""the paper's 150 graphs and folds, two of its four policies; a tenth of each bag (5 of 41) and 5 votes, 4
        layers of width 32, at most 80 epochs, two splits into five folds""",
    remarks=f"""DSS-GNN with GIN, degrees of the subgraph as one-hot features, ego-nets of 4 hops, samples drawn anew
        each epoch. A seed is one fold of a stratified split into five; folds of one split share test graphs with the
        others' training sets. {PILOTS} In batches of 8 batch norm was too noisy: after 30 epochs node_deleted had 0.87
        on a fifth of the bag and 0.50 after 20 on the whole; in batches of 30 both policies had 1.00. "gin" trains for
        5 epochs: all graphs of CSL look alike to it, however long.""",
)


# ---------------------------------------------------------------------------------------------------------------------


def count_cycles(
    learner: Learner, *, seed: int, device: str, train: int, test: int, settings: Mapping[str, Any]
) -> dict[str, float]:
    """Mean absolute error of the numbers of 5- and 6-cycles of a graph, from the graph alone or from its bag."""
    kinds = [cycle_counting_graphs(kind, train + test, seed) for kind in ("molecules", "regular")]
    learned = [graph for graphs in kinds for graph in graphs[:train]]
    held_out = [graph for graphs in kinds for graph in graphs[train:]]
    errors, spent = standardized_errors(
        settings, seed=seed, device=device, learner=learner, train=learned, test=held_out
    )
    by_kind = {"error_on_molecules": float(errors[:test].mean()), "error_on_regular": float(errors[test:].mean())}
    return {"error": float(errors.mean()), **by_kind, **spent}


COUNTING = {"lr": 0.003, "batch_size": 16, "epochs": 40, "halve_every": 10, "node_pool": "sum"}
HALVES = {policy: Learner("dss", policy, fraction=0.5) for policy in ("ego", "ego_plus")}
ZINC = "penalised logP on ZINC12k, which is not what is counted here; {}"

cycles = Claim(
    statement="On bags of ego-nets a network counts the cycles of 5 and 6 nodes better than on the graphs themselves.",
    where="Section 5, the experiment on ZINC12k, for which this stands in",
    reported=[
        Reported(0.252, "error on ZINC12k", "gin", 0.017, "ZINC12k table", ZINC.format(UNCONFIRMED)),
        Reported(0.107, "error on ZINC12k", "ego", None, "ZINC12k table, DS-GNN", ZINC.format(UNCONFIRMED)),
        Reported(0.116, "error on ZINC12k", "ego_plus", 0.009, "ZINC12k table, DS-GNN", ZINC.format(CONFIRMED)),
        Reported(0.102, "error on ZINC12k", "ego_plus", 0.003, "ZINC12k table, DSS-GNN", ZINC.format(CONFIRMED)),
    ],
    arms={"gin": Learner("dss"), **HALVES},
    rule=Greater("error", "gin", than=["ego", "ego_plus"]),
    units={"error": "cycles"},
    budgets={
        "smoke": Budget(seeds=1, train=20, test=10, settings={**COUNTING, "epochs": 1}),
        "desk": Budget(seeds=5, train=250, test=50, settings=COUNTING),
        "paper": Budget(
            seeds=10,
            arms={policy: replace(half, fraction=1) for policy, half in HALVES.items()},
            train=5000,
            test=500,
            settings={**COUNTING, "width": 64, "epochs": 100},
        ),
    },
    trial=count_cycles,
    tolerance=0.1,
    scale="""a stand-in for ZINC12k: 500 made graphs to train on for 10,000 molecules, cycle counts for penalised logP,
        40 epochs for 400, width 32 for 64, half of each bag, 5 seeds for 10""",
    remarks=f"""Half the graphs are molecule-like, half random cubic graphs, and the target is how many cycles of 5 and
        of 6 nodes each has. All arms are the same network, DSS-GNN with GIN, 4 layers, summed over nodes; "gin" gets
        the graph alone in place of its bag, so that it has as many parameters (the marks of ego_plus cost 1% more) and
        is bounded by 1-WL. error_of_the_mean is that of guessing the training mean. Bags of 2 hops, drawn anew each
        epoch; the mean of 5 samples. {PILOTS} On cubic graphs alone the first arm has nothing to learn from: every
        channel is constant, and batch norm divides by zero but for its epsilon.""",
)
