"""Two processes on the CPU, started by torchrun for real."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from paperwright.training import Checkpoints, Processes, fit

pytest.importorskip("accelerate")

# What the test trains in one process, and the program that torchrun starts twice.
SCRIPT = """
import json, sys
import torch
from torch import nn
from paperwright.training import Checkpoints, Processes, fit

def train(steps, *, batch_size, dropout=0.0, checkpoints=None):
    torch.manual_seed(0)
    x = torch.randn(64, 5, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 1)).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    drawn = []

    def loss(model, x):
        drawn.append(torch.rand(1).item())
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    history = fit(model, optimizer, x, loss, steps=steps, batch_size=batch_size, seed=4, device="cpu", every=10,
                  clip=1.0, checkpoints=checkpoints,
                  evaluate=lambda model: {"error": (model(x) - x.sum(1, keepdim=True)).abs().mean().item()})
    return model, history, drawn
"""
TOGETHER = (
    SCRIPT
    + """
folder = sys.argv[1]
processes = Processes("cpu")
plain, history, drawn = train(40, batch_size=8)
unbroken, _, _ = train(40, batch_size=8, dropout=0.5)
train(20, batch_size=8, dropout=0.5, checkpoints=Checkpoints(folder + "/run", every=10))
resumed, again, _ = train(40, batch_size=8, dropout=0.5, checkpoints=Checkpoints(folder + "/run", every=10))
same = all(torch.equal(a, b) for a, b in zip(unbroken.state_dict().values(), resumed.state_dict().values()))
draws = processes.from_all(drawn[0])
answers = processes.from_all(same)
weights = processes.from_all([parameter.tolist() for parameter in plain.parameters()])
if processes.first:
    result = {"count": processes.count, "draws": draws, "same": answers, "resumed_from": again.resumed_from,
              "weights": weights, "records": history.records}
    open(folder + "/result.json", "w").write(json.dumps(result))
torch.distributed.destroy_process_group()
"""
)


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_twice_the_batch(tmp_path):
    (tmp_path / "train.py").write_text(TOGETHER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [*command, str(tmp_path / "train.py"), str(tmp_path)], capture_output=True, text=True, timeout=120, env=env
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["count"] == 2
    assert result["same"] == [True, True], "resuming two processes is bit for bit"
    assert result["resumed_from"] == 20
    assert len(set(result["draws"])) == 2, "each process draws numbers of its own"
    assert result["weights"][0] == result["weights"][1]

    scope: dict = {}
    exec(SCRIPT, scope)
    model, history, _ = scope["train"](40, batch_size=16)
    for alone, together in zip(model.parameters(), result["weights"][0], strict=True):
        torch.testing.assert_close(torch.tensor(together, dtype=torch.float64), alone.detach(), rtol=1e-9, atol=1e-12)
    for one, two in zip(history.records, result["records"], strict=True):
        assert one == pytest.approx(two, rel=1e-5)


def test_a_single_process():
    processes = Processes("cpu")
    model = nn.Linear(2, 2)
    assert (processes.count, processes.index, processes.first) == (1, 0, True)
    assert processes.wrap(model) is model
    assert processes.from_all(3) == [3]
    assert processes.from_first(lambda: 4) == 4
    assert processes.mean(torch.ones(1)) == 1


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    model = nn.Linear(2, 1)

    def train(steps):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return fit(
            model,
            optimizer,
            torch.ones(8, 2),
            lambda model, x: model(x).square().mean(),
            steps=steps,
            batch_size=2,
            seed=0,
            checkpoints=checkpoints,
        )

    train(2)
    step, state = checkpoints.latest()
    checkpoints.save(step, {**state, "about": {**state["about"], "processes": 2}})
    with pytest.raises(ValueError, match=r"made with \{'processes': 2\}, this run has \{'processes': 1\}"):
        train(4)
