from . import esan as esan
from .esan import (
    DSGNN as DSGNN,
    DSSGNN as DSSGNN,
    DSSConv as DSSConv,
    SetLayer as SetLayer,
    SubgraphBag as SubgraphBag,
    SubgraphData as SubgraphData,
    SubgraphPool as SubgraphPool,
    SubgraphSampler as SubgraphSampler,
    exp_graphs as exp_graphs,
    subgraph_wl as subgraph_wl,
)
from . import sdrf as sdrf
from .sdrf import (
    DIGL as DIGL,
    SDRF as SDRF,
    BalancedFormanCurvature as BalancedFormanCurvature,
    CurvatureState as CurvatureState,
    balanced_forman_curvature as balanced_forman_curvature,
    cheeger as cheeger,
    sensitivity as sensitivity,
    spectral_gap as spectral_gap,
    squashing_report as squashing_report,
)
from . import tensor_language as tensor_language
from .tensor_language import (
    Bound as Bound,
    HomomorphismCounts as HomomorphismCounts,
    analyse as analyse,
    approximation_floor as approximation_floor,
    indices as indices,
    separates as separates,
    separation_power as separation_power,
)
