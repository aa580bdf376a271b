"""A checkpoint is there whole or not at all, and a damaged one is noticed."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.training import CheckpointCorrupted, Checkpoints


def state(step):
    return {"weights": torch.full((3, 2), float(step)), "nested": {"step": step, 7: (1.5, None)}}


@pytest.fixture
def three(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")
    for step in (10, 20, 30):
        checkpoints.save(step, state(step))
    return checkpoints


def test_round_trip(three):
    step, loaded = three.latest()
    assert step == 30
    assert torch.equal(loaded["weights"], state(30)["weights"])
    assert loaded["nested"] == state(30)["nested"]


def test_none_yet(tmp_path):
    assert Checkpoints(tmp_path / "nothing").latest() is None
    assert not (tmp_path / "nothing").exists()


def test_the_newest_are_kept(three):
    three.save(40, state(40))
    three.save(100_000_000, state(1))  # more digits than the name pads to
    assert three.steps() == [30, 40, 100_000_000]


@pytest.mark.parametrize("name", ["step-1x", "step-5", "step-000000030", "step-", "step-00000040.bak"])
def test_what_else_lies_there_is_passed_over(three, name):
    (three.directory / name).mkdir()
    assert three.steps() == [10, 20, 30]
    assert three.latest()[0] == 30


def test_a_directory_that_cannot_be_written_to_is_refused_by_name(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=f"directory of checkpoints is {path}; expected one that can be written"):
            Checkpoints(path).prepare()

    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(ValueError, match="Permission denied"):
        Checkpoints(tmp_path / "locked").prepare()


def test_preparing_leaves_nothing_behind(three):
    before = sorted(three.directory.iterdir())
    three.prepare()
    assert sorted(three.directory.iterdir()) == before


def test_keeps_one_to_fall_back_on(tmp_path):
    with pytest.raises(ValueError, match=r"keep is 2 or more.*got 1"):
        Checkpoints(tmp_path, keep=1)


def test_files_are_safetensors_and_json(three):
    from safetensors import safe_open

    folder = three.directory / "step-00000030"
    assert sorted(path.name for path in folder.iterdir()) == ["state.json", "tensors.safetensors"]
    with safe_open(folder / "tensors.safetensors", "pt") as file:
        assert list(file.keys()) == ["weights"]
    assert json.loads((folder / "state.json").read_text())["step"] == 30


@pytest.mark.parametrize("name", ["state.json", "tensors.safetensors"])
@pytest.mark.parametrize("damage", ["truncate", "empty", "remove", "zero"])
def test_a_damaged_one_is_passed_over(three, name, damage):
    path = three.directory / "step-00000030" / name
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"truncate": content[:-1], "empty": b"", "zero": bytes(len(content))}[damage])
    with pytest.warns(UserWarning, match=r"step-00000030.*; going back to the checkpoint before it"):
        step, loaded = three.latest()
    assert step == 20
    assert torch.equal(loaded["weights"], state(20)["weights"])
    with pytest.raises(CheckpointCorrupted, match="step-00000030"):
        three.load(30)
    three.save(30, state(30))  # the run comes back to it
    assert three.latest()[0] == 30


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["state.json", "tensors.safetensors"]),
    where=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_noticed(three, name, where, bit):
    three.save(30, state(30))
    path = three.directory / "step-00000030" / name
    damaged = bytearray(path.read_bytes())
    damaged[int(where * len(damaged))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        loaded = three.load(30)
    except CheckpointCorrupted:
        return
    # A flip between two kinds of white space in the JSON changes nothing.
    assert name == "state.json"
    assert torch.equal(loaded["weights"], state(30)["weights"])
    assert loaded["nested"] == state(30)["nested"]


def test_all_damaged(three):
    for step in three.steps():
        (three.directory / f"step-{step:08d}" / "state.json").write_text("{}")
    with pytest.warns(UserWarning, match="going back"):
        assert three.latest() is None


def test_half_written_ones_have_no_name(three):
    leftover = three.directory / ".partial-killed"
    leftover.mkdir()
    (leftover / "tensors.safetensors").write_bytes(b"half")
    assert three.latest()[0] == 30
    three.save(40, state(40))
    assert not leftover.exists()


def test_a_checkpoint_under_a_false_name(three):
    (three.directory / "step-00000030").rename(three.directory / "step-00000031")
    with pytest.raises(CheckpointCorrupted, match="holds format 1, step 30; expected 1, 31"):
        three.load(31)


def test_nothing_is_left_of_a_state_that_cannot_be_saved(three):
    with pytest.raises(TypeError, match="hook is a builtin_function_or_method"):
        three.save(40, {"hook": print})
    assert three.steps() == [10, 20, 30]
    assert not list(three.directory.glob(".partial-*"))


class PowerCut(BaseException):
    """Not an Exception: nothing may tidy up after it."""


@pytest.mark.parametrize("call", range(7))
def test_a_crash_at_any_point_of_saving(three, monkeypatch, call):
    """The calls that reach the disk, in order: two files and their folder forced, renamed, its name forced, pruned."""
    import os
    import pathlib
    import shutil

    done = []

    def cut(function):
        def counted(*arguments, **options):
            if len(done) == call:
                raise PowerCut
            done.append(function.__name__)
            return function(*arguments, **options)

        return counted

    monkeypatch.setattr(os, "fsync", cut(os.fsync))
    monkeypatch.setattr(pathlib.Path, "rename", cut(pathlib.Path.rename))
    monkeypatch.setattr(shutil, "rmtree", cut(shutil.rmtree))
    try:
        three.save(40, state(40))
    except PowerCut:
        pass
    else:
        assert done == ["fsync", "fsync", "fsync", "rename", "fsync", "rmtree"]
    monkeypatch.undo()
    step, loaded = three.latest()
    assert step == (30 if call <= 3 else 40)
    assert torch.equal(loaded["weights"], state(step)["weights"])
    three.save(50, state(50))
    assert three.latest()[0] == 50
    assert not list(three.directory.glob(".partial-*"))
