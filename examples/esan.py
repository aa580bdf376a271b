"""Can bags of subgraphs tell graphs apart that message passing cannot, and does a network learn to?

python examples/esan.py        # generated pairs, no download
python examples/esan.py exp    # the data set EXP
"""

import sys

import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch_geometric.loader import DataLoader
from torch_geometric.nn import MLP, GINConv

from paperwright.graphs.esan import DSSGNN, SubgraphBag, exp_graphs, predict, settle_batch_norm, subgraph_wl
from paperwright.graphs.esan.graph_sets import lifted_pairs

torch.manual_seed(0)
graphs = exp_graphs()[:240] if sys.argv[1:] == ["exp"] else lifted_pairs(120, seed=0)  # (2i, 2i + 1) is a pair
train, test = graphs[:160], graphs[160:]

# Ask first: exactly, without training, on a few pairs.
print("pairs of 20 told apart, before any training")
for policy, num_hops, name in [
    ("original", 1, "wl"),
    ("ego", 1, "dss"),
    ("ego_plus", 2, "dss"),
    ("node_deleted", 1, "dss"),
]:
    labels = subgraph_wl(test[:40], policy, num_hops, test=name).labels
    print(f"  {policy:13} {num_hops} hops  {int((labels[::2] != labels[1::2]).sum()):3}")

# Then train, on any convolution of torch_geometric. Each epoch sees another fifth of each bag.
bag = SubgraphBag("ego_plus", num_hops=2, fraction=0.2)
model = DSSGNN(lambda i, o: GINConv(MLP([i, o, o])), in_channels=3, hidden_channels=16, num_layers=4, out_channels=1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
print(f"\nDSS-GNN, {bag}")
for epoch in range(1, 21):
    total = 0.0
    for batch in DataLoader([bag(graph) for graph in train], batch_size=32, shuffle=True):
        loss = binary_cross_entropy_with_logits(model(batch).squeeze(-1), batch.y.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss.detach()) * batch.num_graphs / len(train)
    if epoch % 5 == 0:
        settle_batch_norm(model, DataLoader([bag(graph) for graph in train], batch_size=32, shuffle=True))
        right = predict(model, test, votes=5, transform=bag) == torch.cat([graph.y for graph in test])
        print(f"  epoch {epoch:2}  loss {total:.3f}  accuracy {right.double().mean():.3f} (a plain network: 0.500)")
