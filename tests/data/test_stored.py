"""Files to arrays: what is accepted, what is refused and what it says then."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright import data
from paperwright.data import cache as array_cache
from paperwright.data import catalogue
from paperwright.data.content import checksum_of_arrays


def test_arrays_come_out_as_they_went_in(tiny, content):
    loaded = data.load("tiny")
    for split in ("train", "test"):
        for name, array in content(split).items():
            np.testing.assert_array_equal(loaded[split][name], array)
            assert getattr(loaded, split)[name].dtype == array.dtype
    assert loaded.info.classes == ("a", "b", "c")
    assert loaded.variant == ""
    assert "train.images uint8 [12, 5, 7]" in repr(loaded)


def test_only_the_named_splits(tiny, content):
    (tiny / "train.parquet").unlink()
    loaded = data.load("tiny", splits=["test"])
    assert list(loaded) == ["test"]


@pytest.mark.parametrize(
    ("splits", "error", "said"),
    [
        ("test", TypeError, r"splits is 'test'; expected a list of names. Use splits=\['test'\]"),
        (3, TypeError, r"splits is 3; expected a list of names. Choose from \['train', 'test'\]"),
        ([["test"]], TypeError, r"splits is \[\['test'\]\]; expected a list of names"),
        ({"test": 1}, TypeError, r"splits is \{'test': 1\}; expected a list of names"),
        ([], ValueError, r"splits is \[\]; expected one or more of \['train', 'test'\]"),
        (["dev"], ValueError, r"no split \['dev'\]; it has \['train', 'test'\]"),
    ],
)
def test_splits_are_a_list_of_names(tiny, as_users_meet_it, splits, error, said):
    with pytest.raises(error, match=said):
        data.load("tiny", splits=splits)


def test_an_unknown_option_is_refused_before_anything_is_decoded(tiny, monkeypatch):
    monkeypatch.setattr("paperwright.data.stored.Stored._content", lambda *_: pytest.fail("decoded"))
    with pytest.raises(TypeError, match=r"colour is True; expected no options for tiny. Leave it out"):
        data.load("tiny", colour=True)


def test_an_unknown_option_of_a_set_without_files_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("paperwright.data.embedded.Embedded.require", lambda _: pytest.fail("made"))
    with pytest.raises(TypeError, match=r"copies is 2; expected one of \['clique', 'path'\] for barbell"):
        data.load("barbell", copies=2)
    with pytest.raises(TypeError, match=r"splits is 'test'; expected no options for digits"):
        data.load("digits", splits="test")


@pytest.mark.parametrize("name", [3, None])
def test_a_name_is_a_string(name):
    """In a process of its own: within the suite the annotations are executed and speak first."""
    code = f"from paperwright import data; data.load({name})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"TypeError: name is {name}; expected the name of a data set" in found.stderr


@pytest.mark.parametrize("source", ["", "huggingface.co/datasets/someone/tiny", "someone/tiny@abc"])
def test_a_source_on_the_hub_names_repository_and_commit(source):
    with pytest.raises(ValueError, match=r"source is .*OWNER/NAME@COMMIT"):
        data.images.hub_images(data.Info("other", "", source=source), "image")


def test_second_load_does_not_decode(tiny, monkeypatch):
    first = data.load("tiny")

    def decode(files):
        raise AssertionError("decoded again")

    entry = catalogue.entry("tiny")
    monkeypatch.setitem(catalogue._entries, "tiny", data.Stored(**{**vars(entry), "decode": decode}))
    second = data.load("tiny")
    np.testing.assert_array_equal(first.train.images, second.train.images)
    assert first.checksum == second.checksum == data.checksum("tiny")


def test_loaded_arrays_may_be_written_to(tiny, content):
    for _ in range(2):  # decoded, then mapped from the cache
        data.load("tiny").train.images[:] = 0
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])


def test_checksum_is_cheap_and_follows_the_content(tiny, content, write, directory):
    before = data.checksum("tiny")
    assert before == data.load("tiny").checksum
    with pytest.MonkeyPatch.context() as patch:  # known by the state of the files, which are not read again
        patch.setattr(data.Stored, "_content", lambda *_: pytest.fail("read again"))
        assert data.checksum("tiny") == before
    # The same content in another file (recompressed, rewritten) is the same set.
    os.utime(write(directory, "train"), ns=(1, 1))
    assert data.checksum("tiny") == before


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_truncated_file(tiny, keep):
    file = tiny / "train.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(
        data.DataCorrupted, match=r"train\.parquet cannot be read .*expected train of tiny from nowhere"
    ):
        data.load("tiny")


def test_truncated_after_it_was_cached(tiny):
    data.load("tiny")
    file = tiny / "train.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    for read in (data.load, data.checksum):
        with pytest.raises(data.DataCorrupted, match=r"train\.parquet"):
            read("tiny")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_loaded(tiny, content, write, directory, where, bit):
    file = write(directory, "train")
    flipped = bytearray(file.read_bytes())
    flipped[int(where * len(flipped))] ^= 1 << bit
    file.write_bytes(flipped)
    try:
        loaded = data.load("tiny", splits=["train"])
    except data.DataCorrupted:
        return
    # The bit was in a place that carries no content (a statistic, the name of the writer).
    np.testing.assert_array_equal(loaded.train.images, content("train")["images"])
    np.testing.assert_array_equal(loaded.train.labels, content("train")["labels"])


def test_other_content_is_named_with_what_was_expected(tiny, content, write, directory):
    other = content("train")
    other["labels"] = other["labels"][::-1].copy()
    write(directory, "train", other)
    expected = next(iter(catalogue.entry("tiny").parts["train"].known))
    with pytest.raises(data.DataCorrupted, match=rf"train\.parquet does not hold train of tiny.*expected {expected}"):
        data.load("tiny")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": np.zeros((12, 5, 6), np.uint8)}, r"image 0 is L \(6, 5\), expected L \(7, 5\)"),
        ({"labels": np.full(12, 3)}, "labels reach from 3 to 3, expected 0 to 2"),
    ],
)
def test_wrong_shapes_and_labels(tiny, content, write, directory, change, says):
    write(directory, "train", {**content("train"), **change})
    with pytest.raises(data.DataCorrupted, match=says):
        data.load("tiny")


def test_missing_file_says_where_it_is_expected(tiny):
    (tiny / "test.parquet").unlink()
    assert not data.available("tiny")
    for attempt in (data.load, data.require, data.checksum):
        with pytest.raises(
            data.DataUnavailable, match=r"test\.parquet does not exist; put it there, or unset"
        ) as caught:
            attempt("tiny")
        assert "\n" not in str(caught.value)


def test_available_and_require(tiny):
    assert data.available("tiny")
    data.require("tiny")


def test_missing_package_names_the_extra(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(data.DataUnavailable, match=r"PIL is not installed; pip install 'paperwright\[hub\]'"):
        data.load("tiny")


def test_unknown_name_suggests_a_near_one():
    with pytest.raises(data.DataUnavailable, match="did you mean 'mnist'"):
        data.load("mnits")
    with pytest.raises(LookupError, match=r"there are: .*digits"):
        data.info("completely different")


def test_a_name_is_registered_once(tiny):
    with pytest.raises(ValueError, match="'tiny' is in the catalogue already"):
        data.register(catalogue.entry("tiny"))


def test_damaged_cache_is_noticed_and_made_anew(tiny, cache, content, monkeypatch):
    data.load("tiny")
    for file in (cache / "arrays").rglob("images.npy"):
        damaged = bytearray(file.read_bytes())
        damaged[-1] ^= 1
        file.write_bytes(damaged)
    monkeypatch.setattr(array_cache, "_checked", set())
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])
    for file in (cache / "arrays").rglob("labels.npy"):
        file.write_bytes(file.read_bytes()[:-3])
    np.testing.assert_array_equal(data.load("tiny").train.labels, content("train")["labels"])
    for file in (cache / "index").iterdir():
        file.write_text("{")
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])


def test_a_damaged_index_leads_to_no_other_folder(tiny, cache, content, tmp_path):
    data.load("tiny")
    other = tmp_path / "other"
    other.mkdir()
    np.save(other / "mine.npy", np.arange(3))
    for file in (cache / "index").iterdir():
        file.write_text('{"checksum": "sha256:../../other"}')
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])
    assert (other / "mine.npy").is_file()


def test_works_without_a_cache(tiny, content, monkeypatch):
    monkeypatch.setenv("PAPERWRIGHT_CACHE", "/dev/null/nowhere")
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])
    assert data.checksum("tiny").startswith("sha256:")


WRITE = """
import sys, time
import numpy as np
from paperwright.data import cache
time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
cache.write("sha256:1", {"x": np.arange(200_000)})
found = np.load(cache.cache_directory() / "arrays" / "1" / "x.npy")
assert np.array_equal(found, np.arange(200_000))
"""


def test_processes_that_write_the_same_at_once(cache):
    start = str(time.time() + 1)
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, start]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0] * 3
    assert [path.name for path in (cache / "arrays").iterdir()] == ["1"]


def test_a_copy_that_differs_says_so(directory, register, tiny, content, write):
    other = content("train")
    other["images"] = 255 - other["images"]
    write(directory, "train", other)
    entry = catalogue.entry("tiny")
    part = entry.parts["train"]
    known = {**part.known, checksum_of_arrays(other): "negatives"}
    parts = {**entry.parts, "train": data.Part(part.files, known=known)}
    facts = data.Info("tiny-negative", "", extra="hub")
    register(data.Stored(**{**vars(entry), "info": facts, "parts": parts}))
    assert data.load("tiny-negative").variant == "negatives"


def test_published_file_of_unknown_content_is_accepted_by_its_sha256(directory, register, tiny):
    import hashlib

    entry = catalogue.entry("tiny")
    sha256 = hashlib.sha256((tiny / "test.parquet").read_bytes()).hexdigest()
    for name, pinned in (("right", sha256), ("wrong", "0" * 64)):
        part = data.Part((data.File("someone/tiny/plain/test.parquet", pinned),))
        facts = data.Info(name, "", source="nowhere")
        register(data.Stored(**{**vars(entry), "info": facts, "parts": {"test": part}}))
    assert data.load("right").variant == ""
    with pytest.raises(data.DataCorrupted, match="expected the published file"):
        data.load("wrong")


def test_import_is_light():
    code = (
        "import sys; from paperwright import data; data.names(); data.info('mnist'); data.available('mnist');"
        "print([m for m in ('torch', 'pyarrow', 'sklearn', 'PIL', 'torch_geometric') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_directory_moved_elsewhere_is_the_same_set(tiny, directory, tmp_path, monkeypatch):
    before = data.checksum("tiny")
    shutil.move(directory, tmp_path / "moved")
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(tmp_path / "moved"))
    assert data.checksum("tiny") == before
