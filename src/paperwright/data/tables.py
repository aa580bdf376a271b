"""Tables: one array for each column."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import register
from .content import Arrays
from .dataset import Info
from .origin import Given, Web
from .stored import Part, Stored


def learning_rates(files: Sequence[Path]) -> Arrays:
    """One JSON object that maps learning rates, as strings, to accuracies; rates come out rising."""
    (file,) = files
    table = sorted((float(rate), float(accuracy)) for rate, accuracy in json.loads(file.read_text("utf-8")).items())
    rates, accuracies = np.array(table, dtype=np.float64).T
    return {"learning_rate": rates.copy(), "accuracy": accuracies.copy()}


def rainy_days(files: Sequence[Path]) -> Arrays:
    """An npz of three arrays: `station`, `year`, and `days` of rain, a row for each station."""
    (file,) = files
    with np.load(file, allow_pickle=False) as stored:
        return {name: np.asarray(stored[name]) for name in ("station", "year", "days")}


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

register(
    Stored(
        Info(
            "h_divergence/rainy_days",
            "Rainy days a year at 3,217 weather stations, 1981 to 2019",
            sizes={"table": 3217},
            licence="public domain",
            source="NOAA Global Surface Summary of the Day",
        ),
        Given("count the days with rain in ncei.noaa.gov/data/global-summary-of-the-day, by station and year"),
        {
            "table": Part.one(
                "h_divergence/rainy_days.npz", "sha256:1d0f29dcad88340c47233b657866e6f74ec9e4fc491d769fa89588e49e90b499"
            )
        },
        rainy_days,
        columns,
    )
)
