"""Pickles of data are read, whatever wrote them; nothing else happens, whatever a file asks for."""

import json
import os
import pickle
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import body
from body.safe_pickle import UnreadablePickle, read_pickle

MATRIX = sparse.random(6, 9, 0.4, random_state=0)
VALUES = {
    "rows": np.arange(12.0).reshape(4, 3),
    "columns": np.asfortranarray(np.arange(12.0).reshape(4, 3)),
    "steps": np.arange(24).reshape(4, 6)[:, ::2],
    "big end": np.arange(5).astype(">f8"),
    "big whole": np.arange(6).astype(">i4").reshape(2, 3),
    "flags": np.array([True, False]),
    "words": np.array(["left", "right"]),
    "bytes": np.array([b"ab", b"c"]),
    "alone": np.array(2.5),
    "none": np.zeros((0, 3)),
    "half": np.arange(3, dtype=np.float16),
    "number": np.float32(0.25),
    "csc": sparse.csc_matrix(MATRIX),
    "csr": sparse.csr_matrix(MATRIX),
    "coo": sparse.coo_matrix(MATRIX),
    "csr_array": sparse.csr_array(MATRIX),
    "coo_array": sparse.coo_array(MATRIX),
    "empty matrix": sparse.csc_matrix((3, 4)),
    "text": ["a", "ü", "日本", None, True, 2**80, -1, 2.5, b"raw", b"", ""],
}


@pytest.fixture
def read(tmp_path):
    def load(content):
        path = tmp_path / "a.pkl"
        path.write_bytes(content)
        return read_pickle(path)

    return load


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", VALUES)
def test_every_protocol_gives_what_was_written(read, name, protocol):
    value = VALUES[name]
    found = read(pickle.dumps({"x": value, "again": value}, protocol))
    expected = value.toarray() if sparse.issparse(value) else value
    if name == "text":
        assert found["x"] == expected
        return
    np.testing.assert_array_equal(found["x"], expected)
    assert np.shape(found["x"]) == np.shape(expected)
    if isinstance(found["x"], np.ndarray):
        assert found["x"].dtype == expected.dtype.newbyteorder("=")
        assert found["x"].dtype.isnative
        assert found["x"] is found["again"], "what is shared stays shared"
        found["x"][...] = found["x"]  # it can be written to


def state_of(kind, **state):
    """A pickle of a scipy matrix with any state."""
    return b"\x80\x02c" + kind + b"\n)\x81" + pickle.dumps(state, 2)[2:-1] + b"b."


def csc(indices, starts=(0, 2, 2), shape=(3, 2), data=(1.0, 2.0)):
    parts = {"data": np.array(data), "indices": np.array(indices), "indptr": np.array(starts)}
    return state_of(b"scipy.sparse.csc\ncsc_matrix", **parts, _shape=shape)


def shared_tuples(levels):
    """2 to the power of `levels` leaves in four bytes each."""
    return b"\x80\x02K\x01" + b"".join(b"q%c0h%ch%c\x86" % (n, n, n) for n in range(levels)) + b"."


def array(shape=(2,), kind=b"f8", data=b"16 bytes of data", state=None, column_major=False):
    """A pickle of an array with any shape, kind, bytes and state of its kind."""
    dtype = b"cnumpy\ndtype\nU" + bytes([len(kind)]) + kind + b"\x89\x88\x87R"
    dtype += b"" if state is None else pickle.dumps(state, 2)[2:-1] + b"b"
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R("
    return (
        head + b"K\x01" + pickle.dumps(shape, 2)[2:-1] + dtype + (b"\x88" if column_major else b"\x89") + data + b"tb."
    )


def text(data):
    return b"T" + struct.pack("<i", len(data)) + data


ATTACKS = {
    "rows outside of the matrix": csc([0, 2**30]),
    "negative rows": csc([0, -5]),
    "more entries than there are": csc([0, 1], (0, 2, 900)),
    "starts that fall": csc([0, 1], (0, 5, 2)),
    "rows that are no integers": csc([0.5, 1.5]),
    "a matrix of objects": csc([0, 1], data=("a", "b")),
    "a dense matrix of terabytes": csc([0, 1], (0, 2, 2), (2**30, 2**30)),
    "coordinates outside": state_of(
        b"scipy.sparse.coo\ncoo_matrix",
        data=np.ones(1),
        row=np.array([9]),
        col=np.array([0]),
        _shape=(3, 3),
    ),
    "an array larger than its bytes": array((2**40,), data=text(b"x" * 16)),
    "a negative side": array((-2,), data=text(b"x" * 16)),
    "bytes from a number": array((2**40,), b"i1", data=b"\x8a\x06" + (2**40).to_bytes(6, "little")),
    "fields outside of the item": array(
        (2,), b"V8", text(b"x" * 16), (3, "|", None, ("a",), {"a": (np.dtype("f8"), 6000)}, 8, 1, 16)
    ),
    "a kind with fields behind a plain one": array(
        (2,), b"f8", text(b"x" * 16), (3, "<", None, ("a",), {"a": (np.dtype("f8"), 6000)}, 8, 1, 16)
    ),
    "addresses of objects": array((2,), b"O8", text(b"x" * 16)),
    "a word of terabytes": array((1,), b"U2000000000", text(b"")),
    "state of a function": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}U\x0c__defaults__K\x07\x85sb.",
    "state of a class": b"\x80\x02cnumpy\ndtype\n}U\x01xK\x07sb.",
    "slots of a class": b"\x80\x02cnumpy\ndtype\nN}U\x01xK\x07s\x86b.",
    "a state for a list": b"\x80\x02]}U\x06appendK\x07sb.",
    "items of an array": b"\x80\x02cnumpy\ndtype\nU\x02f8\x85RK\x00K\x01s.",
    "a call of what is no class": b"\x80\x02]K\x01\x85R.",
    "an old instance": b"(inumpy\ndtype\n.",
    "an old object": b"\x80\x02(cnumpy\ndtype\no.",
    "a registered extension": b"\x80\x02\x82\x01.",
    "an object elsewhere": b"\x80\x02K\x01Q.",
    "bytes that are not there": b"\x80\x05\x8e\x00\x00\x00\x00\x00\x01\x00\x00.",
    "a buffer that is not there": b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",
    "a frame that is not there": b"\x80\x05\x95\x00\x00\x00\x00\x00\x01\x00\x00.",
    "buffers from outside": b"\x80\x05\x97.",
    "tuples shared sixty times": shared_tuples(60),
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "lists in lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "an integer of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "names with escapes": b"c\x1b[31mred\nname\n.",
    "attributes of attributes": b"\x80\x04\x8c\x05numpy\x8c\x13dtype.__class__.mro\x93.",
    "no end": b"\x80\x02]",
    "nothing": b"",
    "a page": b"<!DOCTYPE html><html>Not found</html>",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_end_in_one_clear_line(read, name):
    start = time.process_time()
    with pytest.raises(UnreadablePickle) as caught:
        read(ATTACKS[name])
    assert time.process_time() - start < 5
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    assert len(message.partition("a.pkl")[2]) < 250
    assert ("download or unpack it again" in message) != ("take it from where it is distributed" in message)
    assert read(pickle.dumps(np.arange(3.0), 2)).tolist() == [0, 1, 2], "nothing has changed for what comes later"


def test_what_the_attacks_resemble_is_read(read):
    """The same files with honest numbers."""
    np.testing.assert_array_equal(read(csc([0, 1])), [[1, 0], [2, 0], [0, 0]])
    assert read(array((2,), data=text(struct.pack("<2d", 1, 2)))).tolist() == [1, 2]
    swapped = array((2,), data=text(struct.pack(">2d", 1, 2)), state=(3, ">", None, None, None, -1, -1, 0))
    assert read(swapped).tolist() == [1, 2]
    assert read(array((2, 2), b"i1", text(b"\1\2\3\4"), column_major=True)).tolist() == [[1, 3], [2, 4]]
    far_away = b"\x80\x02Nr\xf0\xff\xff\xff."  # the unpickler in C would take 64 GB for this place in its memory
    assert read(far_away) is None
    assert read(shared_tuples(3)) == (((1, 1), (1, 1)), ((1, 1), (1, 1)))


def test_mutations_of_a_valid_file_do_no_harm(tmp_path):
    """Thousands of them, in a process that has two gigabytes and dies of anything but the reader's own error."""
    script = Path(__file__).with_name("pickle_fuzz.py")
    command = [sys.executable, str(script), str(tmp_path), "6000"]
    environment = {**os.environ, "PYTHONPATH": str(Path(body.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    assert sum(answers.values()) == 6000
    assert min(answers.values()) > 100, answers
