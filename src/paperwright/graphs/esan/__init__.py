"""Graph networks on bags of subgraphs, which see what message passing cannot (Bevilacqua et al., ICLR 2022)."""

from paperwright.data.graph_pairs import csl_graphs

from .bag import SubgraphBag
from .ds_gnn import DSGNN, DSSGNN, JumpingEncoder, gin_conv
from .graph_sets import exp_graphs
from .layers import DSSConv, SetLayer, SubgraphPool
from .official_weights import load_official_state_dict
from .prediction import predict, settle_batch_norm
from .sampling import SubgraphSampler
from .subgraph_data import SubgraphData
from .subgraph_wl import WLResult, subgraph_wl

__all__ = [
    "DSGNN",
    "DSSGNN",
    "DSSConv",
    "JumpingEncoder",
    "SetLayer",
    "SubgraphBag",
    "SubgraphData",
    "SubgraphPool",
    "SubgraphSampler",
    "WLResult",
    "csl_graphs",
    "exp_graphs",
    "gin_conv",
    "load_official_state_dict",
    "predict",
    "settle_batch_norm",
    "subgraph_wl",
]
