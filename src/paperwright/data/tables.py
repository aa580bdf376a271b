"""Tables: one array for each column."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import register
from .content import Arrays
from .dataset import Info
from .origin import Web
from .stored import Part, Stored


def learning_rates(files: Sequence[Path]) -> Arrays:
    """One JSON object that maps learning rates, as strings, to accuracies; rates come out rising."""
    (file,) = files
    table = sorted((float(rate), float(accuracy)) for rate, accuracy in json.loads(file.read_text("utf-8")).items())
    rates, accuracies = np.array(table, dtype=np.float64).T
    return {"learning_rate": rates.copy(), "accuracy": accuracies.copy()}


def columns(arrays: Mapping[str, Arrays]) -> dict[str, Any]:
    """The single part of a set, a field for each column."""
    (part,) = arrays.values()
    return dict(part)


register(
    Stored(
        Info(
            "rdp_tuning/lr_acc",
            "Accuracy of private models on MNIST for 1,012 learning rates",
            sizes={"table": 1012},
            licence="Apache-2.0",
            source="github.com/tensorflow/privacy, research/hyperparameters_2022",
        ),
        Web(
            {
                "rdp_tuning/lr_acc.json": "https://raw.githubusercontent.com/tensorflow/privacy/"
                "137f795352a0ef9beb8961778efa92b0306775cc/research/hyperparameters_2022/lr_acc.json"
            }
        ),
        {
            "table": Part.one(
                "rdp_tuning/lr_acc.json", "sha256:930ed5cc42fcab730a3aed3f73803d5c8c4d64fabe222b011e325a440b9d1a14"
            )
        },
        learning_rates,
        columns,
    )
)
