"""Where does a graph squash messages, and what do a few new edges around its bottlenecks change?

python examples/sdrf.py                  # a path of cliques, no download
python examples/sdrf.py webkb/cornell    # a real graph
"""

import sys

import torch
from torch_geometric.data import Data

from paperwright import data
from paperwright.graphs.sdrf import SDRF, balanced_forman_curvature, squashing_report


def cliques_in_a_row(cliques: int = 6, size: int = 6) -> Data:
    """Cliques, each joined to the next by one edge: every joint is a bottleneck."""
    edges = [
        (clique * size + a, clique * size + b) for clique in range(cliques) for a in range(size) for b in range(a)
    ] + [(clique * size - 1, clique * size) for clique in range(1, cliques)]
    both = edges + [(v, u) for u, v in edges]
    return Data(edge_index=torch.tensor(both).T.contiguous(), num_nodes=cliques * size)


graph = data.load(sys.argv[1]).graph if len(sys.argv) > 1 else cliques_in_a_row()
print("before\n" + str(squashing_report(graph)))

# One transform, which fits into `pre_transform=` of any torch_geometric data set or into a `Compose`.
flow = SDRF(max_iterations=20, tau=100, generator=torch.Generator().manual_seed(0), report=True)
rewired = flow(graph)

print("\nafter\n" + str(squashing_report(rewired)))
print(f"\n{rewired.sdrf_report}; the first: {rewired.sdrf_report.added[:3]}")

curvature = balanced_forman_curvature(rewired.edge_index, rewired.num_nodes)
worst = rewired.edge_index[:, curvature.argmin()].tolist()
print(f"the worst edge now is {worst}, with curvature {curvature.min():.3f}")
