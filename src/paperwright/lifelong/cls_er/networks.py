"""The networks of the paper's experiments: a small MLP for MNIST and a ResNet-18 for 32×32 images."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu


def mlp(
    inputs: int = 784,
    hidden: Sequence[int] = (100, 100),
    classes: int = 10,
    *,
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Fully connected network with ReLU on flattened inputs: Xavier-uniform weights, zero biases.

    Args:
        inputs: number of values of one input.
        hidden: widths of the hidden layers.
        classes: number of logits.
        generator: decides the weights; torch's global one by default.
    """
    widths = [inputs, *hidden, classes]
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(widths):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Normalise(nn.Module):
    """Subtracts a mean and divides by a deviation, channel by channel: part of the network, so that what is remembered
    stays in [0, 1]. The defaults are CIFAR-10's.
    """

    def __init__(
        self, mean: Sequence[float] = (0.4914, 0.4822, 0.4465), deviation: Sequence[float] = (0.2470, 0.2435, 0.2615)
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None])

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """(x − mean) / deviation."""
        return (x - self.mean) / self.deviation


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))) with 3×3 convolutions (He et al., 2016)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Float[Tensor, "batch _ _ _"]) -> Float[Tensor, "batch _ _ _"]:
        """The block's output."""
        return relu(self.residual(x) + self.shortcut(x))


def resnet18(classes: int = 10, width: int = 64, *, normalise: bool = True) -> nn.Sequential:
    """ResNet-18 for small images: 3×3 stem, no max-pool, inputs in [0, 1].

    Args:
        classes: number of logits.
        width: channels of the first stage; the paper's 64. The stages have 1, 2, 4 and 8 times as many.
        normalise: whether to start by normalising with CIFAR-10's mean and deviation.
    """
    layers: list[nn.Module] = [Normalise()] if normalise else []
    layers += [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for stage in range(4):
        for block in range(2):
            following = width * 2**stage
            layers.append(ResidualBlock(channels, following, 2 if stage and not block else 1))
            channels = following
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
