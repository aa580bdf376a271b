"""The average of weights agrees with its formula and with torch's own, and works with torch's tools."""

import copy

import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from paperwright.blocks import ExponentialMovingAverage


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def moved(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    return model


def test_it_agrees_with_torch():
    torch.manual_seed(0)
    model = network()
    ours = ExponentialMovingAverage(model, decay=0.9)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    theirs.update_parameters(model)  # torch's first update copies; ours has copied already
    for _ in range(5):
        moved(model)
        ours.update_parameters(model)
        theirs.update_parameters(model)
    for ours_, theirs_ in zip(ours.module.parameters(), theirs.module.parameters(), strict=True):
        torch.testing.assert_close(ours_, theirs_)


def test_a_function_makes_a_warm_up():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = ExponentialMovingAverage(model, decay=lambda update: 1 - 1 / (update + 1))
    nn.init.ones_(model.weight)
    seen = []
    for _ in range(4):
        average.update_parameters(model)
        seen.append(average.module.weight.item())
    assert seen == pytest.approx([1 / 2, 2 / 3, 3 / 4, 4 / 5])


@pytest.mark.parametrize(("buffers", "expected"), [("copy", 2.0), ("average", 0.5), ("own", 0.0)])
def test_buffers(buffers, expected):
    model = network()
    average = ExponentialMovingAverage(model, decay=0.75, buffers=buffers)
    model[1].running_mean.fill_(2.0)
    model[1].num_batches_tracked.fill_(7)
    average.update_parameters(model)
    assert average.module[1].running_mean.tolist() == [expected] * 4
    assert int(average.module[1].num_batches_tracked) == (0 if buffers == "own" else 7)


def test_torchs_tools_work_on_it():
    torch.manual_seed(0)
    average = ExponentialMovingAverage(network())
    assert isinstance(average, AveragedModel)
    x = torch.randn(64, 3)
    update_bn(x.split(16), average)
    torch.testing.assert_close(average.module[1].running_mean, average.module[0](x).mean(0).detach())


def test_the_copy_wants_no_gradients_and_leaves_the_model_alone():
    model = network()
    before = copy.deepcopy(model.state_dict())
    average = ExponentialMovingAverage(model, decay=0.0)
    average.update_parameters(moved(copy.deepcopy(model)))
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_saving_and_loading():
    model = network()
    average = ExponentialMovingAverage(model, decay=0.9)
    average.update_parameters(moved(model))
    other = ExponentialMovingAverage(network(), decay=0.9)
    other.load_state_dict(average.state_dict())
    assert int(other.n_averaged) == 1
    assert all(torch.equal(a, b) for a, b in zip(average.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("decay", [0.99, 0.999, 0.9999])
def test_half_precision_reaches_what_float64_reaches(dtype, decay):
    """At 0.25 the distance to 1 times 1 − α is less than half a unit in the last place of bfloat16."""
    model = nn.Linear(3, 2).to(dtype)
    nn.init.zeros_(model.weight)
    average = ExponentialMovingAverage(model, decay)
    reference, due = torch.tensor([[0.3, 1.0, -7.0], [1e-3, 0.5, 2.0]]).to(dtype), torch.zeros(2, 3).double()
    with torch.no_grad():
        model.weight.copy_(reference)
    for _ in range(3000):
        average.update_parameters(model)
        due.lerp_(reference.double(), 1 - decay)
    assert average.module.weight.dtype == dtype
    torch.testing.assert_close(average.module.weight.double(), due, rtol=torch.finfo(dtype).eps, atol=1e-7)


@pytest.mark.parametrize("decay", [0.9, 0.999])
def test_half_precision_averages_statistics_too(decay):
    model = network().bfloat16()
    average = ExponentialMovingAverage(model, decay, buffers="average")
    model[1].running_mean.fill_(1.0)
    for _ in range(5000):
        average.update_parameters(model)
    torch.testing.assert_close(average.module[1].running_mean, torch.full((4,), 1 - decay**5000).bfloat16())


def test_half_precision_goes_on_bit_for_bit_from_a_file():
    torch.manual_seed(0)
    model = network().bfloat16()
    whole = ExponentialMovingAverage(model, decay=0.999)
    for _ in range(5):
        whole.update_parameters(moved(model))
    resumed = ExponentialMovingAverage(network().bfloat16(), decay=0.999)
    resumed.load_state_dict(load(save(whole.state_dict())))
    for _ in range(5):
        moved(model)
        whole.update_parameters(model)
        resumed.update_parameters(model)
    ours, theirs = whole.state_dict(), resumed.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert any(rest.any() for rest in whole.remainders.of.values())


def test_what_was_rounded_off_stays_in_float32_when_the_module_is_cast():
    torch.manual_seed(0)
    model = network().bfloat16()
    average = ExponentialMovingAverage(model, decay=0.999)
    average.update_parameters(moved(model))
    before = copy.deepcopy(average.remainders.of)
    average.bfloat16()
    assert all(torch.equal(rest, before[number]) for number, rest in average.remainders.of.items())


def test_an_average_cast_to_half_precision_follows_a_model_in_float32():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = ExponentialMovingAverage(model, decay=0.999).bfloat16()
    nn.init.ones_(model.weight)
    for _ in range(20_000):
        average.update_parameters(model)
    assert average.module.weight.item() == 1


def test_full_precision_keeps_no_remainders():
    model = network()
    average = ExponentialMovingAverage(model)
    average.update_parameters(moved(model))
    assert not any(name.startswith("remainders") for name in average.state_dict())


def test_refusals(as_users_meet_it):
    with pytest.raises(ValueError, match="decay"):
        ExponentialMovingAverage(network(), decay=1.5)
    with pytest.raises(ValueError, match="buffers"):
        ExponentialMovingAverage(network(), buffers="none")
