"""Kill -9 at random moments, again and again: the weights at the end are those of a run that was left alone."""

import random
import subprocess
import sys

import pytest

# Each run is a fork of one process that has torch in memory, so that a kill hits training and saving, not importing.
SCRIPT = """
import os, random, signal, sys, time
import torch
from torch import nn
from paperwright.training import Checkpoints, fit
import safetensors.torch

torch.set_num_threads(1)

def train(folder, steps, seed, out):
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    model = nn.Sequential(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    average = torch.optim.swa_utils.AveragedModel(model)
    fit(model, optimizer, x, lambda model, x: (model(x) - x.sum(1, keepdim=True)).square().mean(), steps=steps,
        batch_size=32, seed=1, scheduler=scheduler, average=average, device="cpu",
        checkpoints=Checkpoints(folder, every=3) if folder else None)
    state = {**model.state_dict(prefix="model."), **average.state_dict(prefix="average.")}
    safetensors.torch.save_file({name: value.clone() for name, value in state.items()}, out)

folder, steps, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
train(None, steps, seed, folder + "/unbroken.safetensors")  # loads lazily imported code before the forks, too
start = time.perf_counter()
train(folder + "/timed", steps, seed, folder + "/timed.safetensors")
whole = time.perf_counter() - start
moments = random.Random(seed)
kills = 0
while True:
    child = os.fork()
    if child == 0:
        train(folder + "/run", steps, seed, folder + "/killed.safetensors")
        os._exit(0)
    if kills < 12:
        time.sleep(moments.uniform(0, 0.35 * whole))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status)) if os.WEXITSTATUS(status) else print(kills)
        break
    kills += 1
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_killed_again_and_again(tmp_path):
    seed = random.SystemRandom().randrange(2**31)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "45", str(seed)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert int(done.stdout) >= 1, f"seed {seed}: the run was done before the first kill"
    unbroken = (tmp_path / "unbroken.safetensors").read_bytes()
    assert (tmp_path / "killed.safetensors").read_bytes() == unbroken, f"seed {seed}"
    assert (tmp_path / "timed.safetensors").read_bytes() == unbroken, "checkpoints change the training"
