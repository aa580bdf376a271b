r"""How deep a network's output lies: marks in the autograd graph behind every sum over neighbours or over all nodes.

A value is described by two depths. Its *open* depth counts the nested sums that have to be seen from a node; its
*closed* one those within sums over all nodes, which k-WL colours of that round fix whatever stands around them: they
add nothing to the sums outside (`analyse` treats closed sub-expressions the same way). With marks

- round (a sum over neighbours): (o, c) -> (o + 1, c);
- everyone (attention of all nodes to all): (o + 1, c), no longer guarded;
- pool (a sum over all nodes): (0, max(c, o + 1)), no longer guarded if it comes back to a node;
- norm (a layer that normalises by a pool of its own): (o, max(c, o + 1)),

a network of t convolutions has depth (t, 0); with normalisation by the degrees of neighbours, which are a round of
their own, (t + 1, 0); with a virtual node (t, t); with GraphNorm after each convolution (t, t + 1).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch_geometric.nn import MessagePassing
from torch_geometric.nn import attention as attentions

Kind = Literal["round", "everyone", "pool", "norm"]
Args = tuple[Any, ...]

ALL_TO_ALL = (nn.MultiheadAttention, attentions.PerformerAttention, attentions.SGFormerAttention,
              attentions.PolynormerAttention)  # fmt: skip
"""Layers in which every node of a graph sees every other."""

SCATTERS = {"scatter_add", "scatter_add_", "scatter_reduce", "scatter_reduce_", "scatter_", "scatter", "index_add",
            "index_add_", "index_reduce", "index_reduce_"}  # fmt: skip
"""Functions whose fourth argument is summed into rows by an index."""
REDUCTIONS = {"sum", "mean", "amax", "amin", "max", "min", "prod", "std", "var", "logsumexp", "norm", "median",
              "quantile", "std_mean", "var_mean", "vector_norm"}  # fmt: skip
PRODUCTS = {"matmul", "__matmul__", "mm", "bmm", "baddbmm", "addmm", "__rmatmul__", "mv"}


@dataclass(frozen=True)
class Depth:
    """Open and closed depth of a value, and whether any sum before it ran over all nodes."""

    open: int = 0
    closed: int = 0
    guarded: bool = True

    def after(self, kind: Kind) -> "Depth":
        """The depth behind a mark."""
        if kind == "round":
            return type(self)(self.open + 1, self.closed, self.guarded)
        if kind == "everyone":
            return type(self)(self.open + 1, self.closed, False)
        return type(self)(0 if kind == "pool" else self.open, max(self.closed, self.open + 1), False)

    @classmethod
    def joined(cls, depths: Iterable["Depth"]) -> "Depth":
        """The depth of a value that is made of several."""
        known = list(depths)
        return cls(
            max((depth.open for depth in known), default=0),
            max((depth.closed for depth in known), default=0),
            all(depth.guarded for depth in known),
        )


class _Mark(torch.autograd.Function):
    """The identity; its node in the autograd graph says what kind of sum it stands for.

    The anchor is a leaf that requires a gradient, so that the mark is recorded whatever the value depends on.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, anchor: Tensor, kind: Kind) -> Tensor:
        ctx.kind = kind
        return value.clone()  # a view would forbid later changes in place

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient, None, None


class SumMarker(TorchFunctionMode):
    """Within this context, and on this model, marks are put where sums over nodes are.

    `propagate` is marked by its own hook. Elsewhere a sum is known by the number of rows that go in and come out.

    Args:
        num_nodes, num_graphs: of the batch that the model is run on; no width of the model may be the same.
        sums: mark sums outside of `propagate` too.
    """

    def __init__(self, num_nodes: int, num_graphs: int, *, sums: bool = True) -> None:
        super().__init__()
        self.num_nodes, self.num_graphs, self.sums = num_nodes, num_graphs, sums
        self.propagated: list[tuple[Tensor, int, Any]] = []
        """For each call of `propagate`: its result, the dimension of the nodes in it, and its mark."""
        self._anchor = torch.zeros((), requires_grad=True)
        self._smooth_clamp = 0

    @contextmanager
    def of(self, model: nn.Module) -> Iterator["SumMarker"]:
        """Put the hooks on a model, and take them off again."""
        handles = []
        for module in model.modules():
            if isinstance(module, MessagePassing):
                handles += [
                    module.register_propagate_forward_pre_hook(lambda *_: self._enter()),
                    module.register_propagate_forward_hook(
                        lambda layer, _, output: self._mark_propagation(layer, output)
                    ),
                    module.register_edge_update_forward_pre_hook(lambda *_: self._enter()),
                    module.register_edge_update_forward_hook(lambda *_: self._leave()),
                ]
            elif isinstance(module, ALL_TO_ALL):
                handles += self._around(module, "everyone")
            elif isinstance(module, nn.modules.batchnorm._NormBase) and not module.track_running_stats:
                handles += self._around(module, "norm")
        try:
            with self if self.sums else nullcontext():
                yield self
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a torch function, its summed argument behind a mark."""
        kwargs = kwargs or {}
        if self._smooth_clamp:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in SCATTERS:
            args, kwargs = self._mark_scatter(args, kwargs)
        elif name in REDUCTIONS and args and self._over_nodes(args[0]):
            output = func(*args, **kwargs)
            first = output[0] if isinstance(output, tuple) else output
            if self.num_nodes in first.shape:
                return output
            args = (self._mark(args[0], "pool"), *args[1:])
        elif name in PRODUCTS:
            args = self._mark_product(args)
        return func(*args, **kwargs)

    def _mark_scatter(self, args: Args, kwargs: dict[str, Any]) -> tuple[Args, dict[str, Any]]:
        """The source of a scatter from nodes to graphs is pooled, one from edges to nodes is summed over neighbours."""
        source = args[3] if len(args) > 3 else kwargs.get("src", kwargs.get("source"))
        if not isinstance(source, Tensor) or not source.is_floating_point() or not args:
            return args, kwargs
        into = args[0].size(0) if args[0].dim() else 0
        if into == self.num_nodes and self.num_nodes not in source.shape[:1]:
            marked = self._mark(source, "round")
        elif into in (1, self.num_graphs) and source.dim() and source.size(0) == self.num_nodes:
            marked = self._mark(source, "pool")
        else:
            return args, kwargs
        if len(args) > 3:
            return (*args[:3], marked, *args[4:]), kwargs
        return args, {**kwargs, ("src" if "src" in kwargs else "source"): marked}

    def _mark_product(self, args: Args) -> Args:
        """A product with a matrix [nodes, nodes] sums over neighbours if that is sparse, else over all nodes.

        One over the nodes that leaves none of them pools.
        """
        tensors = [value for value in args if isinstance(value, Tensor)]
        n = self.num_nodes
        square = next((tensor for tensor in tensors if tensor.dim() > 1 and tensor.shape[-2:] == (n, n)), None)
        kind: Kind
        if square is not None:
            kind = "everyone" if square.layout == torch.strided else "round"
        elif len(tensors) == 2 and tensors[0].dim() > 1 and tensors[0].size(-1) == tensors[1].size(0) == n:
            kind = "pool"
        else:
            return args
        return tuple(self._mark(value, kind) if isinstance(value, Tensor) else value for value in args)

    def _over_nodes(self, value: object) -> bool:
        return isinstance(value, Tensor) and value.is_floating_point() and self.num_nodes in value.shape

    def _enter(self) -> None:
        self._smooth_clamp += 1

    def _leave(self) -> None:
        self._smooth_clamp -= 1

    def _around(self, module: nn.Module, kind: Kind) -> list[Any]:
        """Hooks that mark what a layer returns, and nothing within it."""

        def behind(_: nn.Module, __: Any, output: Any) -> Any:
            self._leave()
            return self._mark_each(output, kind)

        return [module.register_forward_pre_hook(lambda *_: self._enter()), module.register_forward_hook(behind)]

    def _mark_propagation(self, layer: MessagePassing, output: Any) -> Any:
        self._leave()
        first = output[0] if isinstance(output, tuple) else output
        pooled = first.size(layer.node_dim) == self.num_graphs  # messages from nodes to their graph
        marked = self._mark_each(output, "pool" if pooled else "round")
        first = marked[0] if isinstance(marked, tuple) else marked
        self.propagated.append((first.detach(), layer.node_dim, first.grad_fn))
        return marked

    def _mark_each(self, output: Any, kind: Kind) -> Any:
        if isinstance(output, tuple):
            return tuple(self._mark_each(value, kind) for value in output)
        return self._mark(output, kind) if isinstance(output, Tensor) else output

    def _mark(self, value: Tensor, kind: Kind) -> Tensor:
        if not value.is_floating_point() or value.layout != torch.strided:
            return value
        marked: Tensor = _Mark.apply(value, self._anchor, kind)
        return marked


def depth_of(output: Tensor) -> tuple[Depth, dict[Any, Depth]]:
    """The depth of a value by the marks on its paths through the autograd graph, and that of every node on them."""
    known: dict[Any, Depth] = {}
    stack = [output.grad_fn] if output.grad_fn is not None else []
    while stack:
        node = stack[-1]
        before = [below for below, _ in node.next_functions if below is not None]
        unknown = [below for below in before if below not in known]
        if unknown:
            stack += unknown
            continue
        stack.pop()
        depth = Depth.joined(known[below] for below in before)
        kind = getattr(node, "kind", None)
        known[node] = depth if kind is None else depth.after(kind)
    return known.get(output.grad_fn, Depth()), known
