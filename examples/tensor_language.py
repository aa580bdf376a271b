"""What can a graph network never tell apart, and what does that cost on a task?

python examples/tensor_language.py                  # formulas and molecules, no download
python examples/tensor_language.py planetoid/cora   # and the floor of a real graph
"""

import sys

import networkx as nx
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GIN

from paperwright import data
from paperwright.blocks.weisfeiler_leman import first_separating_round
from paperwright.data.graph_pairs import graph_pair
from paperwright.graphs.tensor_language import (
    E,
    Features,
    HomomorphismCounts,
    analyse,
    apply,
    approximation_floor,
    indices,
    separates,
    separation_power,
    total,
)

# A layer as a formula: its indices and the nesting of its sums bound what it sees.
x, y, z = indices("x y z")
layer = apply(torch.tanh, Features(x), total(y, E(x, y) * Features(y)))
print(f"{layer}\n{analyse(layer).explain()}\n")
triangles = total((y, z), E(x, y) * E(x, z) * E(y, z))
print(f"{triangles}\n{analyse(triangles).explain()}\n")

# A torch_geometric model: can it tell these two molecules apart, whatever its weights?
decalin, bicyclopentyl = graph_pair("decalin")
bound = separation_power(GIN(1, 16, num_layers=4))
print(f"GIN of four layers: {bound}")
print(f"  may separate decalin and bicyclopentyl: {bound.separates(decalin, bicyclopentyl)}")
print(f"  2-WL does in round {first_separating_round(decalin, bicyclopentyl, 'folklore', k=2)}")


def random_network(seed: int) -> torch.nn.Module:
    """Smooth and in double precision, so that no difference is lost."""
    return GIN(1, 16, num_layers=4, act="tanh").double().eval()


print(f"  20 random ones: {separates(random_network, decalin, bicyclopentyl)}")

# The clique term costs an index; so do the cycles that tell these molecules apart. One transform adds them.
pentagons = HomomorphismCounts([nx.cycle_graph(5)])
print(f"  20 random ones, with pentagons: {separates(random_network, pentagons(decalin), pentagons(bicyclopentyl))}")

# The floor: the best that such networks can do on given labels without features, and two nodes that stand in its way.
if len(sys.argv) > 1:
    graph = data.load(sys.argv[1]).graph
    bare = Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes)
    for layers in range(1, 7):
        floor = approximation_floor(graph.y, [bare], separation_power("gin", layers=layers))
        print(f"{sys.argv[1]} without features, {layers} layers of GIN: accuracy at most {floor.accuracy:.4f}")
    print(f"no more layers tell these apart: {floor.witnesses[0]}")
