"""Arrays of objects in npz files: plain content comes out, nothing is run."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from body.safe_pickle import read_object_array

CONTENT = [
    {"bbox": [1.0, 2.5, 3.0, 4.0], "dp_x": np.arange(3.0), "dp_masks": [[], {"counts": "abc", "size": [256, 256]}]},
    {"bbox": np.float64(7.0), "dp_x": np.arange(6, dtype=np.int32).reshape(2, 3).T, "dp_masks": None},
]


class Exploit:
    def __reduce__(self):
        return os.getcwd, ()


def stored(path, objects):
    array = np.empty(len(objects), object)
    array[:] = objects
    np.savez(path, plain=np.arange(3), dp_annot=array)
    return path


def test_what_is_in_the_array_comes_out(tmp_path):
    found = read_object_array(stored(tmp_path / "a.npz", CONTENT), "dp_annot")
    assert found[0]["bbox"] == CONTENT[0]["bbox"]
    assert found[0]["dp_masks"] == CONTENT[0]["dp_masks"]
    np.testing.assert_array_equal(found[0]["dp_x"], CONTENT[0]["dp_x"])
    np.testing.assert_array_equal(found[1]["dp_x"], CONTENT[1]["dp_x"])
    assert found[1]["bbox"] == 7.0
    assert found[1]["dp_masks"] is None


def test_arrays_of_arrays_of_objects_come_out_as_lists(tmp_path):
    inner = np.empty(2, object)
    inner[:] = [{"a": 1}, "b"]
    assert read_object_array(stored(tmp_path / "a.npz", [inner, 3]), "dp_annot") == [[{"a": 1}, "b"], 3]


def test_nothing_is_run(tmp_path):
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        read_object_array(stored(tmp_path / "a.npz", [Exploit()]), "dp_annot")


def test_objects_without_a_list_are_refused(tmp_path):
    """Bytes must never be taken for addresses of objects."""
    state = (1, (1,), np.dtype("O"), False, b"\x00" * 8)

    class Forged:
        def __reduce__(self):
            return np.ndarray([]).__reduce__()[0], (np.ndarray, (0,), b"b"), state

    path = tmp_path / "a.npz"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dp_annot.npy", head.getvalue() + pickle.dumps(Forged(), 2))
    with pytest.raises(pickle.UnpicklingError, match="without a list"):
        read_object_array(path, "dp_annot")


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    path = stored(tmp_path / "a.npz", CONTENT)
    with pytest.raises(ValueError, match="'plain' is not an array of objects"):
        read_object_array(path, "plain")
    with pytest.raises(ValueError, match="array 'other'"):
        read_object_array(path, "other")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="not an npz file"):
        read_object_array(path, "dp_annot")
