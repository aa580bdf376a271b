"""Small networks that experiments of several papers train: a perceptron, and a ResNet-18 for images of 32×32."""

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
    """Return a fully connected network with ReLU on flattened inputs: Xavier-uniform weights, zero biases.

    Args:
        inputs: number of values of one input.
        hidden: widths of the hidden layers.
        classes: number of logits.
        generator: decides the weights; torch's global one by default.

    Example:
        >>> mlp(64, (20,), 3)(torch.rand(5, 8, 8)).shape
        torch.Size([5, 3])
    """
    widths = [inputs, *hidden, classes]
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(widths):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def resnet18(
    classes: int = 10, width: int = 64, *, normalise: bool = True, generator: torch.Generator | None = None
) -> nn.Sequential:
    """Return a ResNet-18 for small images: 3×3 stem, no max-pool, inputs [batch, 3, height, width] in [0, 1].

    Args:
        classes: number of logits.
        width: channels of the first stage, usually 64. The stages have 1, 2, 4 and 8 times as many.
        normalise: whether to start by normalising with CIFAR-10's mean and deviation.
        generator: decides the weights; torch's global one by default.

    Source: He et al., Deep Residual Learning for Image Recognition, 2016, with the stem that is usual for 32×32.
    """
    layers: list[nn.Module] = [Normalise()] if normalise else []
    layers += [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for stage in range(4):
        for block in range(2):
            following = width * 2**stage
            layers.append(ResidualBlock(channels, following, 2 if stage and not block else 1))
            channels = following
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
    if generator is not None:
        draw_weights(model, generator)
    return model


@torch.no_grad()
def draw_weights(model: nn.Module, generator: torch.Generator) -> None:
    r"""Draw the weights of linear and convolutional layers from torch's default distribution with a generator.

    .. math:: w \sim U(-1/\sqrt{n}, 1/\sqrt{n}), \qquad n \text{ inputs of a unit}
    """
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in layer.parameters():
                parameter.uniform_(-bound, bound, generator=generator)


class Normalise(nn.Module):
    """Subtracts a mean and divides by a deviation, channel by channel; the defaults are CIFAR-10's.

    Part of the network, so that what is stored, replayed or attacked outside of it stays in [0, 1].
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, mean: Sequence[float] = (0.4914, 0.4822, 0.4465), deviation: Sequence[float] = (0.2470, 0.2435, 0.2615)
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None])

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Return (x − mean) / deviation."""
        return (x - self.mean) / self.deviation


class ResidualBlock(nn.Module):
    """A residual block, relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))) with 3×3 convolutions."""

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
        """Return the block's output."""
        return relu(self.residual(x) + self.shortcut(x))
