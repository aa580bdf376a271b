"""How much a node's output depends on another node's input: the Jacobian blocks that over-squashing makes small."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.data import Data

from paperwright.blocks.graph_input import graph_data, node_pairs

from ._arcs import neighbour_sets

Norm = Literal["spectral", "frobenius"]


def sensitivity(
    model: nn.Module,
    data: Data,
    sources: Int[Tensor, "S"] | Sequence[int],
    targets: Int[Tensor, "T"] | Sequence[int],
    *,
    norm: Norm = "spectral",
) -> Float[Tensor, "T S"]:
    r"""Norms of the Jacobian blocks :math:`\partial h_t / \partial x_s`, h the model's output.

    One backward pass gives one row of a target's blocks, so a call costs T * F_out passes over the graph and holds
    O(F_out * S * F_in) numbers. The model is in evaluation mode while it is measured.

    Args:
        model: any module f(x, edge_index) -> h of shape [N, F_out].
        data: a graph with `x` [N, F_in] and `edge_index`.
        sources: nodes s whose input is varied.
        targets: nodes t whose output is watched.
        norm: "spectral", that of Lemma 1 (the largest singular value), or "frobenius".

    Returns:
        The norms, [T, S], of the dtype of `data.x`.

    Raises:
        TypeError: the model is no module, `data.x` is not of floating point, or nodes are not numbered by integers.
        ValueError: `data.x` is missing, not a row for each node or not finite, a node number is out of range, the norm
            is neither, or the model does not give finite rows that depend on x.

    Source: Topping et al. 2022, Section 2 (the Jacobian as a measure of over-squashing).
    """
    if norm not in ("spectral", "frobenius"):
        raise ValueError(f"norm is {norm!r}; expected 'spectral' or 'frobenius'.")
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}; expected a torch.nn.Module f(x, edge_index).")
    data = graph_data(data)
    if data.x is None:
        raise ValueError("data.x is missing; sensitivity is the derivative with respect to it.")
    if data.x.dim() != 2:
        raise ValueError(f"data.x has shape {list(data.x.shape)}; expected features [nodes, features].")
    node_pairs(data.edge_index, len(data.x))
    if not data.x.is_floating_point():
        raise TypeError(f"data.x is {data.x.dtype}; expected floating point. Convert it by data.x.float().")
    if not bool(data.x.isfinite().all()):
        raise ValueError("data.x holds NaN or infinity; expected finite numbers.")
    sources, targets = (
        _node_numbers(name, nodes, data.x) for name, nodes in (("sources", sources), ("targets", targets))
    )
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            x = data.x.clone() if data.x.is_inference() else data.x.detach()
            output = _output(model, x.requires_grad_(), data.edge_index)
            norms = [_block_norms(output, x, target, sources, norm) for target in targets.tolist()]
    finally:
        model.train(was_training)
    return torch.stack(norms) if norms else x.new_zeros(0, len(sources)).detach()


def _node_numbers(name: str, nodes: Tensor | Sequence[int], x: Tensor) -> Tensor:
    """Nodes as int64 on the device of the features."""
    try:
        given = torch.as_tensor(nodes, device=x.device)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} is {nodes!r}; expected node numbers, integers [nodes].") from None
    given = given.long() if given.numel() == 0 else given
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool or given.dim() != 1:
        raise TypeError(f"{name} is {given.dtype} {list(given.shape)}; expected node numbers, integers [nodes].")
    if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < len(x):
        raise ValueError(f"{name} holds a node that is not in the graph; expected 0 to {len(x) - 1}.")
    return given.long()


def _output(model: nn.Module, x: Tensor, edge_index: Tensor) -> Float[Tensor, "N F"]:
    """What the model makes of the features, once it is sure that it has a derivative for each node."""
    output, name = model(x, edge_index), type(model).__name__
    if not isinstance(output, Tensor) or output.dim() != 2 or len(output) != len(x):
        what = f"shape {list(output.shape)}" if isinstance(output, Tensor) else f"type {type(output).__name__}"
        raise ValueError(f"{name} returned {what}; expected a tensor [{len(x)}, features], a row for each node.")
    if not bool(output.isfinite().all()):
        raise ValueError(f"{name} returned NaN or infinity; expected finite numbers.")
    if not output.requires_grad:
        raise ValueError(f"{name} returned a constant; expected a function of x with a gradient.")
    return output


def _block_norms(output: Tensor, x: Tensor, target: int, sources: Tensor, norm: Norm) -> Float[Tensor, "S"]:
    """Norms of d h_target / d x_s for every source s. vmap over the passes is slower."""
    direction = torch.zeros_like(output)
    rows = []
    for feature in range(output.size(1)):
        direction[target, feature] = 1
        rows.append(torch.autograd.grad(output, x, direction, retain_graph=True)[0][sources])
        direction[target, feature] = 0
    blocks = torch.stack(rows, dim=1)  # [S, F_out, F_in]
    if norm == "frobenius" or 1 in blocks.shape[1:]:  # the two agree on vectors
        norms: Tensor = blocks.flatten(1).norm(dim=1)
    else:
        single = blocks.float() if blocks.dtype in (torch.half, torch.bfloat16) else blocks
        norms = torch.linalg.matrix_norm(single, ord=2).to(x.dtype)
    return norms


def sensitivity_across(
    model: nn.Module, data: Data, edges: Int[Tensor, "2 E"], *, norm: Norm = "spectral"
) -> Float[Tensor, "E"]:
    r"""How much crosses each edge: the mean of :math:`|\partial h_k / \partial x_i|` over the nodes k beyond it.

    For an edge i~j these are the neighbours k of j that are neither i nor next to i, and the same with i and j
    exchanged. Edges that lead nowhere get NaN.

    Args:
        model, norm: see `sensitivity`.
        data: an undirected graph with `x` and `edge_index`.
        edges: the edges to look at.
    """
    rows = neighbour_sets(data.edge_index, data.num_nodes)
    crossings = [
        (edge, k, i)
        for edge, (u, v) in enumerate(edges.T.tolist())
        for i, j in ((u, v), (v, u))
        for k in rows[j] - rows[i] - {i, j}
    ]
    edge, beyond, start = np.array(crossings, dtype=np.int64).reshape(-1, 3).T
    targets, row = np.unique(beyond, return_inverse=True)
    sources, column = np.unique(start, return_inverse=True)
    moved = np.zeros(len(crossings))
    for first in range(0, len(targets), 64):
        here = (first <= row) & (row < first + 64)
        block = torch.from_numpy(targets[first : first + 64])
        norms = sensitivity(model, data, torch.from_numpy(sources), block, norm=norm).cpu().numpy()
        moved[here] = norms[row[here] - first, column[here]]
    count = np.bincount(edge, minlength=edges.size(1))
    total = np.bincount(edge, weights=moved, minlength=edges.size(1))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return torch.from_numpy(mean).to(data.x.dtype)
