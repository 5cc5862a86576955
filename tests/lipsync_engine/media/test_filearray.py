"""Arrays in files behave like arrays, and what is stored is stored as numpy stores it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.faces import stabilise
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.stabilise import settled
from lipsync_engine.media import filearray
from lipsync_engine.media.filearray import Spool, save_arrays, stored_array
from tests.lipsync_engine.face import long_track

VALUES = np.arange(60 * 4 * 3, dtype=np.float32).reshape(60, 4, 3)
#: What a part of a file may be asked for by.
ROWS = st.one_of(
    st.integers(-60, 59),
    st.slices(60),
    st.lists(st.integers(-60, 59), max_size=30).map(lambda rows: np.array(rows, np.intp)),
    st.lists(st.booleans(), min_size=60, max_size=60).map(np.array),
)


@given(ROWS, st.sampled_from([(), ([2, 0],), (slice(None), 1), ([3, 1], slice(0, 2))]))
def test_an_array_in_a_file_is_indexed_like_an_array(rows, rest):
    stored = spooled(VALUES)
    assert np.array_equal(stored[(rows, *rest)], took(rows, rest))


@given(st.lists(st.integers(0, 59), max_size=40), st.slices(40))
def test_rows_of_rows_are_those_rows(chosen, part):
    index = np.array(chosen, np.intp)
    assert np.array_equal(spooled(VALUES).rows(index).rows(part)[:], VALUES[index][part])


@pytest.mark.parametrize("rows", [60, -61, np.array([3, 60])])
def test_a_row_that_is_not_there_is_an_error(rows):
    with pytest.raises(IndexError, match="of 60"):
        spooled(VALUES)[rows]


def test_what_is_appended_is_read_at_once():
    spool = Spool((2,), np.int64)
    for number in range(5):
        assert spool.append(np.full((number, 2), number)) == sum(range(number))
        assert len(spool.array()) == len(spool) == sum(range(number + 1))
    assert spool.array()[:, 0].tolist() == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4]


def test_large_arrays_pass_in_parts(monkeypatch):
    monkeypatch.setattr(filearray, "_PART", 100)
    stored = spooled(VALUES)
    assert [len(part) for part in stored.parts()] == [2] * 30
    assert np.array_equal(np.array(list(stored)), VALUES)
    assert np.array_equal(stored[::-1], VALUES[::-1])


def test_numpy_reads_what_is_written_and_the_bytes_are_the_same(tmp_path):
    arrays = {"table": VALUES.astype(np.int64), "text": np.array("añ"), "none": np.zeros((0, 3), np.float32)}
    save_arrays(tmp_path / "a.npz", arrays)
    save_arrays(tmp_path / "b.npz", {name: spooled(v) if v.ndim else v for name, v in arrays.items()})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "b.npz") as read:
        assert all(np.array_equal(read[name], value) for name, value in arrays.items())
    assert np.array_equal(stored_array(tmp_path / "a.npz", "table"), arrays["table"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_a_file_that_is_too_short_is_an_error(tmp_path):
    save_arrays(tmp_path / "a.npz", {"values": VALUES})
    stored = stored_array(tmp_path / "a.npz", "values")
    with (tmp_path / "a.npz").open("r+b") as file:
        file.truncate(400)
    with pytest.raises(OSError, match="ends too early"):
        stored[:]


@pytest.mark.parametrize("rate", [10.0, 25.0, 120.0])
def test_a_track_is_settled_in_parts_as_at_once(monkeypatch, rate):
    rng = np.random.default_rng(3)
    meshes = long_track(700).landmarks + rng.normal(0, 0.5, (700, 1, 3)).astype(np.float32)
    errors = rng.normal(0, 0.002, (700, 4))
    errors[rng.random(700) < 0.1] = np.nan
    parts = list(settled(spooled(meshes), errors, rate))
    monkeypatch.setattr(stabilise, "_PART", 10_000)
    (whole,) = settled(meshes, errors, rate)
    assert len(parts) > 1
    assert np.array_equal(np.concatenate(parts), whole)


def test_poses_are_fitted_in_parts_as_at_once(monkeypatch):
    meshes = long_track(100).landmarks
    whole = fit_poses(meshes)
    monkeypatch.setattr("lipsync_engine.faces.geometry._TOGETHER", 7)
    assert np.array_equal(fit_poses(spooled(meshes)).offset, whole.offset)


def spooled(values: np.ndarray) -> filearray.FileArray:
    spool = Spool(values.shape[1:], values.dtype)
    spool.append(values)
    return spool.array()


def took(rows: object, rest: tuple) -> np.ndarray:
    """The same by numpy: further indices are taken from each of the rows."""
    picked = VALUES[rows]
    return picked[(*((slice(None),) * (picked.ndim - 2)), *rest)]
