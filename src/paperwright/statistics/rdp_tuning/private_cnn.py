"""DP-SGD for the small convolutional network that private MNIST results are usually given for. Needs torch."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from paperwright.statistics.rdp_tuning.private_sgd import LogisticData


def small_cnn() -> nn.Sequential:
    """Two convolutions and two dense layers, 26,010 weights, for 28x28 images (the TF Privacy tutorial's network)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 8, stride=2, padding=3),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Conv2d(16, 32, 4, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def train_cnn_privately(
    data: LogisticData,
    learning_rate: float,
    rng: np.random.Generator,
    *,
    noise_multiplier: float,
    clip: float,
    batch: int,
    steps: int,
    device: str = "cpu",
) -> tuple[nn.Module, float]:
    """As `train_privately`, for `small_cnn`: per-example gradients by `vmap`, clipped together, plus Gaussian noise."""
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        model = small_cnn().to(device)
    weights = {name: value.detach() for name, value in model.named_parameters()}
    images, labels = _images(data.x, device), torch.as_tensor(data.y, device=device)

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(model, weights, image[None]), label[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))
    for _ in range(steps):
        size = rng.binomial(len(labels), batch / len(labels))
        chosen = torch.as_tensor(rng.choice(len(labels), size, replace=False, shuffle=False), device=device)
        each = gradients(weights, images[chosen], labels[chosen])
        norms = sum(gradient.flatten(1).square().sum(1) for gradient in each.values()).sqrt()
        scale = (clip / norms.clamp_min(1e-12)).clamp_max(1)
        for name, gradient in each.items():
            noise = torch.randn(weights[name].shape, generator=generator, device=device)
            clipped = torch.tensordot(scale, gradient, dims=1)
            weights[name] = weights[name] - learning_rate / batch * (clipped + noise_multiplier * clip * noise)
    model.load_state_dict(weights)
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in _images(data.x_score, device).split(2000)])
    return model, float((predicted.cpu().numpy() == data.y_score).mean())


def _images(rows: np.ndarray, device: str) -> Tensor:
    """Rows of pixels with a constant column, as [examples, 1, 28, 28]."""
    if rows.shape[1] != 28 * 28 + 1:
        raise ValueError(f"the network takes 28x28 images, got rows of {rows.shape[1] - 1} pixels")
    return torch.as_tensor(rows[:, :-1], device=device).reshape(-1, 1, 28, 28)
