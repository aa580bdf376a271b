"""DP-SGD for softmax regression (Abadi et al. 2016), small enough to be one run of a search on a laptop.

The gradient of one example is the outer product of its input and its residual, so its norm is the product of two norms
and clipping needs no gradient per example.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class LogisticData(NamedTuple):
    """Inputs scaled to [0, 1] with a constant column, and labels, for training and for scoring."""

    x: Float[np.ndarray, "examples features"]
    y: Int[np.ndarray, " examples"]
    x_score: Float[np.ndarray, "scored features"]
    y_score: Int[np.ndarray, " scored"]

    @classmethod
    def from_images(cls, train, test) -> "LogisticData":
        """From two splits with `images` (unsigned integers) and `labels`."""
        top = float(np.max(train.images))

        def rows(images: np.ndarray) -> np.ndarray:
            flat = np.asarray(images).reshape(len(images), -1).astype(np.float32) / top
            return np.hstack([flat, np.ones((len(flat), 1), np.float32)])

        return cls(rows(train.images), np.asarray(train.labels), rows(test.images), np.asarray(test.labels))


def train_privately(
    data: LogisticData,
    learning_rate: float,
    rng: np.random.Generator,
    *,
    noise_multiplier: float,
    clip: float,
    batch: int,
    steps: int,
) -> tuple[Float[np.ndarray, "features classes"], float]:
    r"""Softmax regression by DP-SGD: (weights, accuracy on the scoring data).

    .. math:: W \leftarrow W - \frac{\text{rate}}{\text{batch}} \Big(\sum_{i \in B} g_i \min(1, C / \lVert g_i \rVert)
              + \sigma C\, N(0, I)\Big),

    where every example is in B with probability batch / examples. One run has the RDP of
    ``gaussian_rdp(noise_multiplier, batch / examples, steps)``, the scoring data being public.
    """
    examples, features = data.x.shape
    classes = int(data.y.max()) + 1
    one_hot = np.eye(classes, dtype=np.float32)[data.y]
    squared_norms = np.einsum("ij,ij->i", data.x, data.x)
    weights = np.zeros((features, classes), dtype=np.float32)
    for _ in range(steps):
        chosen = rng.choice(examples, rng.binomial(examples, batch / examples), replace=False, shuffle=False)
        x = data.x[chosen]
        residual = _softmax(x @ weights) - one_hot[chosen]
        norms = np.sqrt(squared_norms[chosen] * np.einsum("ij,ij->i", residual, residual))
        clipped = residual * np.minimum(1, clip / np.maximum(norms, 1e-12))[:, None]
        noise = noise_multiplier * clip * rng.standard_normal(weights.shape, dtype=np.float32)
        weights -= np.float32(learning_rate / batch) * (x.T @ clipped + noise)
    accuracy = float(np.mean(np.argmax(data.x_score @ weights, axis=1) == data.y_score))
    return weights, accuracy


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
