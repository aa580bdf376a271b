"""Checkpoints of the authors' code, in these networks."""

import re
from collections.abc import Mapping

from torch import Tensor

from .ds_gnn import DSGNN, DSSGNN, JumpingEncoder

# What the authors call a part, and where it is here. A convolution's own parameters keep the names that
# torch_geometric gives them; the GIN convolution is wrapped in one more module there, called `layer`.
_DSS = (
    (r"gnn_list\.(\d+)\.(?:layer\.)?", r"layers.\1.conv."),
    (r"gnn_sum_list\.(\d+)\.(?:layer\.)?", r"layers.\1.conv_shared."),
    (r"bn_list\.(\d+)\.", r"layers.\1.norm.module."),
    (r"bn_sum_list\.(\d+)\.", r"layers.\1.norm_shared.module."),
    (r"final_layers\.", r"head."),
)
_DS = (
    (r"subgraph_gnn\.gnn_node\.convs\.(\d+)\.(?:layer\.)?", r"gnn.convs.\1."),
    (r"subgraph_gnn\.gnn_node\.batch_norms\.(\d+)\.", r"gnn.norms.\1.module."),
    (r"fc_list\.(\d+)\.", r"set_layers.\1.own."),
    (r"fc_sum_list\.(\d+)\.", r"set_layers.\1.mean."),
    (r"final_layers\.", r"head."),
)


def load_official_state_dict(model: DSSGNN | DSGNN, state_dict: Mapping[str, Tensor]) -> None:
    """Copy the weights of a network trained with the authors' code into a model of the same shape.

    The model is a :class:`DSSGNN`, or a :class:`DSGNN` with a :class:`JumpingEncoder` as its `gnn`; the convolutions
    `gin_conv` or torch_geometric's GraphConv.

    Args:
        model: changed in place.
        state_dict: read it with `torch.load(file, weights_only=True)`, or from safetensors.

    Raises:
        TypeError: the model is of another kind, or the checkpoint no mapping of names to tensors.
        ValueError: a name is not one of the authors', something is missing, or a shape does not fit.

    Source: `models.py` of the official code, github.com/beabevi/ESAN.
    """
    if isinstance(model, DSSGNN):
        names = _DSS
    elif isinstance(model, DSGNN) and isinstance(model.gnn, JumpingEncoder):
        names = _DS
    else:
        what = f"DSGNN of {type(model.gnn).__name__}" if isinstance(model, DSGNN) else type(model).__name__
        raise TypeError(f"expected a DSSGNN, or a DSGNN whose gnn is a JumpingEncoder; got {what}.")
    if not isinstance(state_dict, Mapping) or not all(isinstance(key, str) for key in state_dict):
        raise TypeError(
            f"state_dict is of type {type(state_dict).__name__}; expected tensors by the authors' names. "
            "Read the file by torch.load(file, weights_only=True)."
        )
    if odd := [key for key, value in state_dict.items() if not isinstance(value, Tensor)]:
        raise TypeError(
            f"state_dict holds {odd[0]!r}, which is no tensor; expected weights. Pass the part that holds them."
        )
    own = model.state_dict()
    renamed = {_renamed(key, names, own): value for key, value in state_dict.items()}
    # Old checkpoints lack the count of batches, which plays no part unless momentum is None.
    missing = [key for key in own if key not in renamed and not key.endswith("num_batches_tracked")]
    misshapen = [
        f"{key}: {list(value.shape)} for {list(own[key].shape)}"
        for key, value in renamed.items()
        if value.shape != own[key].shape
    ]
    if missing or misshapen:
        raise ValueError(
            f"the checkpoint does not fit the model; missing: {missing or 'nothing'}; of another shape: "
            f"{misshapen or 'nothing'}. Expected the widths and the number of layers that it was trained with."
        )
    model.load_state_dict(renamed, strict=False)


def _renamed(key: str, names: tuple[tuple[str, str], ...], own: Mapping[str, Tensor]) -> str:
    for theirs, ours in names:
        renamed, found = re.subn(f"^{theirs}", ours, key)
        if found:
            # torch_geometric's batch norm, as in `gin_conv`, keeps torch's in `module`; a convolution of the caller's
            # own may have torch's directly.
            inner = re.sub(r"(\.nn\.\d+)\.(?=\w+$)", r"\1.module.", renamed)
            renamed = next((name for name in (renamed, inner) if name in own), renamed)
        if found and renamed in own:
            return renamed
    raise ValueError(
        f"the checkpoint has {key!r}, for which the model has no place; expected the names of the authors' DSSnetwork "
        "for a DSSGNN, of their DSnetwork for a DSGNN, and no more layers than the model has."
    )
