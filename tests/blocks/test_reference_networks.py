"""The small networks have the sizes of their papers, and a generator decides their weights."""

import doctest

import pytest
import torch
from torch import nn

from paperwright.blocks import reference_networks
from paperwright.blocks.reference_networks import Normalise, mlp, resnet18


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_sizes():
    assert parameters(mlp()) == 784 * 100 + 100 + 100 * 100 + 100 + 100 * 10 + 10
    assert parameters(resnet18()) == 11_173_962
    assert resnet18(7, width=4)(torch.rand(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("make", [mlp, lambda **given: resnet18(width=4, **given)])
def test_a_generator_decides_the_weights(make):
    def weights(seed: int) -> torch.Tensor:
        model = make(generator=torch.Generator().manual_seed(seed))
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    first = weights(1)
    torch.rand(5)
    assert torch.equal(weights(1), first)
    assert not torch.equal(weights(2), first)


def test_weights_are_drawn_as_torch_draws_them():
    drawn = resnet18(width=16, generator=torch.Generator().manual_seed(0))
    default = resnet18(width=16)
    for ours, theirs in zip(drawn.parameters(), default.parameters(), strict=True):
        if ours.numel() > 2000:
            assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.1)
            assert ours.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=0.1)


def test_normalisation_is_part_of_the_network():
    x = torch.tensor([0.4914, 0.4822, 0.4465])[None, :, None, None].expand(1, 3, 2, 2)
    torch.testing.assert_close(Normalise()(x), torch.zeros(1, 3, 2, 2))
    assert isinstance(resnet18(width=2)[0], Normalise)
    assert not any(isinstance(layer, Normalise) for layer in resnet18(width=2, normalise=False))


def test_examples_run():
    assert not doctest.testmod(reference_networks).failed
